package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestAdminAddress(t *testing.T) {
	for text, want := range map[string]adminAddress{
		"": {}, "none": {}, "127.0.0.1:9090": {tcp: "127.0.0.1:9090"}, "[::1]:0": {tcp: "[::1]:0"}, "localhost:1": {tcp: "localhost:1"}, "127.8.8.8:1": {tcp: "127.8.8.8:1"},
		"unix:/run/a.sock": {unix: "/run/a.sock"}, "unix:a": {unix: "a"}, "[::ffff:127.0.0.1]:1": {tcp: "[::ffff:127.0.0.1]:1"},
	} {
		cfg := testConfig(t)
		cfg.AdminListen = text
		if s, err := cfg.check(); err != nil || s.admin != want {
			t.Errorf("%s: %+v, %v", text, s.admin, err)
		}
	}
	for _, text := range []string{":9090", "0.0.0.0:1", "[::]:1", "192.168.1.1:1", "8.8.8.8:1", "example.com:1", "localhost", "unix:", "unix:" + strings.Repeat("x", 100), "localhost.evil:1"} {
		cfg := testConfig(t)
		cfg.AdminListen = text
		if _, err := cfg.check(); err == nil || !strings.HasPrefix(err.Error(), "--admin-listen: ") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// A name that only sounds like loopback is found out when it is listened on.
func TestAdminIsOnLoopback(t *testing.T) {
	if l, err := (adminAddress{tcp: "0.0.0.0:0"}).listen(); err == nil || !strings.Contains(err.Error(), "not on loopback") {
		t.Errorf("%v, %v", l, err)
	}
}

// The socket is its owner's alone, replaces one that was left, and leaves nothing.
func TestPrivateSocket(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "admin.sock")
	left, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	if l, err := listenPrivately(path); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Fatalf("%v, %v", l, err)
	}
	left.SetUnlinkOnClose(false)
	left.Close()
	l, err := listenPrivately(path)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if l.Addr().String() != path {
		t.Error(l.Addr())
	}
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Errorf("files left: %v", files)
	}
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	l.Close()
	if files, _ := os.ReadDir(dir); len(files) != 0 {
		t.Errorf("files left: %v", files)
	}
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if l, err := listenPrivately(path); err == nil || !strings.Contains(err.Error(), "no socket") {
		t.Errorf("%v, %v", l, err)
	}
	if text, _ := os.ReadFile(path); string(text) != "precious" {
		t.Error("a file was overwritten")
	}
	if l, err := listenPrivately(filepath.Join(dir, "none", "s")); err == nil {
		t.Error(l)
	}
}

// The longest path that is taken still has a socket.
func TestLongestSocketPath(t *testing.T) {
	dir, err := os.MkdirTemp("/tmp", "")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := dir + "/" + strings.Repeat("x", maxSocketPath-len(privateDir)-len(dir)-1)
	cfg := testConfig(t)
	cfg.AdminListen = "unix:" + path
	s, err := cfg.check()
	if err != nil {
		t.Fatal(err)
	}
	l, err := s.admin.listen()
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
}

// Operators are answered on a port of their own, on either kind of socket, and on no other; it says when the controller is going.
func TestAdminPort(t *testing.T) {
	for _, kind := range []string{"127.0.0.1:0", "unix:"} {
		cfg := testConfig(t)
		if cfg.AdminListen = kind; kind == "unix:" {
			cfg.AdminListen += filepath.Join(t.TempDir(), "admin.sock")
		}
		c := run(t, cfg)
		client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, c.admin.Network(), c.admin.String())
			},
		}}
		t.Cleanup(client.CloseIdleConnections)
		for path, want := range map[string]string{
			"/healthz": "ok", "/readyz": "", "/metrics": "gazpacho_", "/debug/pprof/goroutine?debug=1": "goroutine profile", "/debug/pprof/profile?seconds=1": "",
		} {
			r, err := client.Get("http://localhost" + path)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(r.Body)
			r.Body.Close()
			if r.StatusCode != http.StatusOK || !strings.Contains(string(body), want) {
				t.Errorf("%s: %d %.200s", path, r.StatusCode, body)
			}
		}
		public := insecure(t)
		for _, path := range []string{"/metrics", "/healthz", "/debug/pprof/"} {
			r, err := public.Get("https://" + c.address + path)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(r.Body)
			r.Body.Close()
			if strings.Contains(string(body), "goroutine") || strings.Contains(string(body), "go_gc") || string(body) == "ok" {
				t.Errorf("strangers see %s: %.100s", path, body)
			}
		}
		if err := c.end(); err != nil {
			t.Error(err)
		}
		if _, err := client.Get("http://localhost/healthz"); err == nil {
			t.Error("it answers after its end")
		}
	}
}
