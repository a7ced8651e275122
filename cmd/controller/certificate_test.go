package main

import (
	"bytes"
	"crypto/tls"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The self-signed certificate is kept, readable by its owner alone, and renewed before it ends.
func TestSelfSigned(t *testing.T) {
	s := checked{config: testConfig(t)}
	now := time.Now()
	get := func(at time.Duration) string {
		t.Helper()
		c, err := selfSigned(s, now.Add(at))
		if err != nil {
			t.Fatal(err)
		}
		return string(c.Certificate[0])
	}
	first := get(0)
	if get(time.Hour) != first || get(selfSignedFor-renewSelfSigned-time.Hour) != first {
		t.Error("it is not kept")
	}
	if get(selfSignedFor-renewSelfSigned+time.Hour) == first {
		t.Error("it is not renewed")
	}
	file := filepath.Join(s.DataDir, selfSignedFile)
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if files, _ := os.ReadDir(s.DataDir); len(files) != 1 {
		t.Errorf("files left: %v", files)
	}
	if err := os.WriteFile(file, []byte("torn"), 0o600); err != nil {
		t.Fatal(err)
	}
	get(0) // what cannot be read is made anew
}

func TestGivenCertificate(t *testing.T) {
	text, err := makeSelfSigned(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "both.pem")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := testConfig(t)
	cfg.TLSCert, cfg.TLSKey = file, file
	running := run(t, cfg)
	response, err := insecure(t).Get("https://" + running.address + "/rooms/none")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	want, _ := tls.X509KeyPair(text, text)
	if !bytes.Equal(response.TLS.PeerCertificates[0].Raw, want.Certificate[0]) || strings.Contains(running.log.String(), "self-signed") {
		t.Errorf("the given certificate is not used:\n%s", running.log)
	}
	if _, err := os.Stat(filepath.Join(cfg.DataDir, selfSignedFile)); err == nil {
		t.Error("a certificate is made all the same")
	}
}

func TestDefaultDataDir(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", "/data")
	if d := defaultDataDir(); d != "/data/gazpacho" {
		t.Error(d)
	}
	t.Setenv("XDG_DATA_HOME", "relative")
	t.Setenv("HOME", "/home/x")
	if d := defaultDataDir(); d != "/home/x/.local/share/gazpacho" {
		t.Error(d)
	}
	t.Setenv("HOME", "")
	if d := defaultDataDir(); d != "/var/lib/gazpacho" {
		t.Error(d)
	}
}
