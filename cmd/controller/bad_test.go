package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Wrong settings are one clear line and exit code 42.
func TestBadSettings(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("no PEM"), 0o600); err != nil {
		t.Fatal(err)
	}
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	media, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer media.Close()
	mediaPort := fmt.Sprint(media.LocalAddr().(*net.UDPAddr).Port)
	for _, tt := range []struct {
		args []string
		text string
	}{
		{[]string{"--no-such-flag"}, "no-such-flag"},
		{[]string{"argument"}, `"argument"`},
		{[]string{"--workers", "many"}, "workers"},
		{[]string{"--workers", "-1"}, "--workers"},
		{[]string{"--workers", "2", "--rtc-port", "65535"}, "--rtc-port"},
		{[]string{"--listen", "4443"}, "--listen"},
		{[]string{"--listen", busy.Addr().String()}, "in use"},
		{[]string{"--listen", "192.0.2.1:4443"}, "--listen"},
		{[]string{"--tls-cert", file}, "--tls-key"},
		{[]string{"--tls-cert", file, "--tls-key", file}, "--tls-cert"},
		{[]string{"--tls-cert", filepath.Join(dir, "none"), "--tls-key", file}, "none"},
		{[]string{"--worker-bin", filepath.Join(dir, "none")}, "--worker-bin"},
		{[]string{"--worker-bin", file}, "not a program"},
		{[]string{"--worker-bin", dir}, "not a program"},
		{[]string{"--worker-bin", "/bin/false"}, "--worker-bin"},
		{[]string{"--data-dir", filepath.Join(file, "sub")}, "--data-dir"},
		{[]string{"--rtc-listen", "localhost"}, "--rtc-listen"},
		{[]string{"--rtc-listen", "192.0.2.1"}, "--rtc-listen"},
		{[]string{"--rtc-port", "-1"}, "--rtc-port"},
		{[]string{"--rtc-listen", "127.0.0.1", "--rtc-port", mediaPort}, "in use"},
		{[]string{"--announced-address", "a b"}, "--announced-address"},
		{[]string{"--log-level", "loud"}, "--log-level"},
		{[]string{"--log-format", "xml"}, "--log-format"},
	} {
		args := tt.args
		if tt.args[0] != "--listen" {
			args = append([]string{"--listen", "127.0.0.1:0", "--admin-listen", "none"}, args...)
		}
		code, stdout, stderr := program(t, args...)
		if code != exitSettings || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, tt.text) {
			t.Errorf("%v: exit %d, stdout %q, stderr %q; want one line with %s", tt.args, code, stdout, stderr, tt.text)
		}
	}
}
