package admin

import (
	"context"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// paths is everything there is.
var paths = []string{
	"/", "/healthz", "/readyz", "/metrics", "/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/workers/0/heap",
}

func TestHostMustBeThisMachine(t *testing.T) {
	s := New(Config{Workers: newFleet(t)})
	for host, want := range map[string]bool{
		"localhost": true, "localhost:9090": true, "LocalHost.": true, "admin.localhost:1": true,
		"127.0.0.1": true, "127.0.0.1:9090": true, "127.9.9.9": true, "[::1]": true, "[::1]:9090": true, "[::ffff:127.0.0.1]:80": true,
		"": false, "example.org": false, "example.org:9090": false, "127.0.0.1.example.org": false, "localhost.example.org": false,
		"evillocalhost": false, "10.0.0.1:9090": false, "0.0.0.0": false, "[::]": false, "localhost:9090:1": false, "2130706433": false,
		"[fe80::1%25lo]:9090": false,
	} {
		for _, path := range paths {
			w := ask(s, path, func(r *http.Request) { r.Host = host })
			if got := w.Code != http.StatusForbidden; got != want {
				t.Errorf("%s with Host %q: %d", path, host, w.Code)
			}
			if !want && strings.Contains(w.Body.String(), "gazpacho") {
				t.Errorf("%s tells %s", path, w.Body)
			}
		}
	}
}

func TestOtherSitesPagesGetNothing(t *testing.T) {
	s := New(Config{Workers: newFleet(t)})
	for _, tt := range []struct {
		header, value string
		want          int
	}{
		{"Sec-Fetch-Site", "cross-site", 403},
		{"Sec-Fetch-Site", "same-site", 403},
		{"Sec-Fetch-Site", "same-origin", 200},
		{"Sec-Fetch-Site", "none", 200},
		{"Origin", "https://example.org", 403},
		{"Origin", "null", 403},
		{"User-Agent", "Prometheus", 200},
	} {
		w := ask(s, "/healthz", func(r *http.Request) { r.Header.Set(tt.header, tt.value) })
		if w.Code != tt.want {
			t.Errorf("%s: %s: %d", tt.header, tt.value, w.Code)
		}
		if w.Header().Get("Access-Control-Allow-Origin") != "" {
			t.Error("other sites may read")
		}
	}
}

func TestOnlyReading(t *testing.T) {
	s := New(Config{Workers: newFleet(t)})
	for _, path := range append(paths, "/none") {
		for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT", "TRACE", "BREW"} {
			w := ask(s, path, func(r *http.Request) { r.Method = method })
			if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
				t.Errorf("%s %s: %d", method, path, w.Code)
			}
		}
	}
	if w := ask(s, "/healthz", func(r *http.Request) { r.Method = http.MethodHead }); w.Code != http.StatusOK {
		t.Errorf("HEAD: %d", w.Code)
	}
}

func TestUnknownPaths(t *testing.T) {
	s := New(Config{Workers: newFleet(t, everything())})
	for _, path := range []string{
		"/none", "/metrics/", "/healthz/x", "/debug", "/debug/pprof/none", "/debug/pprof/cmdline", "/debug/pprof/symbol",
		"/debug/pprof/workers/0/none", "/debug/pprof/workers/1/heap", "/debug/pprof/workers/x/heap", "/debug/pprof/workers/00/heap",
		"/debug/pprof/workers/0", "/debug/vars",
	} {
		if w := ask(s, path); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

// Over a Unix socket there is no Host to mistrust.
func TestUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "admin.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: New(Config{Workers: newFleet(t)}).Handler()}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", path)
	}}
	defer func() {
		transport.CloseIdleConnections()
		server.Close()
		<-served
	}()
	r, err := (&http.Client{Transport: transport}).Get("http://whatever/healthz")
	if err != nil {
		t.Fatal(err)
	}
	if text := body(t, r); r.StatusCode != http.StatusOK || text != "ok\n" {
		t.Errorf("%d %s", r.StatusCode, text)
	}
}
