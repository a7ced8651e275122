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
	const secret = "0123456789abcdef0123456789abcdef"
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
		{[]string{"--worker", "2"}, "--worker: there is no such flag; did you mean --workers?"},
		{[]string{"tokn"}, `"tokn"; did you mean token?`},
		{[]string{"--config", filepath.Join(dir, "none")}, "--config: open"},
		{[]string{"--config", file}, file + ":1: expected lines such as"},
		{[]string{"--rtc-listen", ""}, "--rtc-listen: no address"},
		{[]string{"--allowed-origin", "https://a.example/path"}, "--allowed-origin"},
		{[]string{"--allowed-origin", "a b"}, "--allowed-origin"},
		{[]string{"--trusted-proxy", "proxy"}, "--trusted-proxy"},
		{[]string{"--trusted-proxy", "10.0.0.1/8"}, "--trusted-proxy"},
		{[]string{"--trusted-proxy", "0.0.0.0/0"}, "--trusted-proxy"},
		{[]string{"--max-rooms", "0"}, "--max-rooms: 0 is not 1 to"},
		{[]string{"--max-sockets-per-ip", "-1"}, "--max-sockets-per-ip"},
		{[]string{"--request-burst", "0"}, "--request-burst"},
		{[]string{"--request-rate", "NaN"}, "--request-rate"},
		{[]string{"--request-rate", "0"}, "--request-rate"},
		{[]string{"--max-incoming-bitrate", "1000"}, "--max-incoming-bitrate"},
		{[]string{"--max-incoming-bitrate", "-1"}, "--max-incoming-bitrate"},
		{[]string{"--admin-listen", "0.0.0.0:9090"}, "not on loopback"},
		{[]string{"--admin-listen", ":9090"}, "not on loopback"},
		{[]string{"--admin-listen", "10.0.0.1:9090"}, "not on loopback"},
		{[]string{"--admin-listen", "9090"}, "--admin-listen"},
		{[]string{"--admin-listen", "unix:"}, "--admin-listen"},
		{[]string{"--admin-listen", "unix:" + strings.Repeat("x", 104)}, "--admin-listen"},
		{[]string{"--admin-listen", "unix:" + file}, "no socket"},
		{[]string{"--admin-listen", busy.Addr().String()}, "--admin-listen: " + busy.Addr().String() + " is in use"},
		{[]string{"--auth-secret", "short"}, "5 bytes are too few for HS256, which needs 32 (RFC 7518 section 3.2); `openssl rand"},
		{[]string{"--auth-secret", secret, "--auth-jwks", file}, "--auth-jwks: goes alone"},
		{[]string{"--auth-secret", secret, "--auth-secret-file", file}, "--auth-secret-file: goes alone"},
		{[]string{"--auth-secret", secret, "--insecure-open"}, "--insecure-open: does not go with auth-secret"},
		{[]string{"--auth-secret", secret, "--auth-algorithm", "none"}, "--auth-algorithm"},
		{[]string{"--auth-secret", secret, "--auth-algorithm", "ES256"}, "--auth-algorithm"},
		{[]string{"--auth-secret-file", filepath.Join(dir, "none")}, "--auth-secret-file"},
		{[]string{"--auth-secret-file", file}, "--auth-secret-file: 6 bytes are too few"},
		{[]string{"--auth-jwks", filepath.Join(dir, "none")}, "--auth-jwks"},
		{[]string{"--auth-issuer", "x"}, "--auth-issuer: says how tokens are checked, but none are"},
		{[]string{"--announced-address", "8.8.8.8"}, "--announced-address: the whole internet could reach 8.8.8.8"},
		{[]string{"--listen", "9.9.9.9:4443"}, "--listen: the whole internet could reach 9.9.9.9"},
	} {
		args := tt.args
		switch tt.args[0] {
		case "tokn": // a command comes first
		case "--listen":
			args = append([]string{"--admin-listen", "none"}, args...)
		default:
			args = append([]string{"--listen", "127.0.0.1:0", "--admin-listen", "none"}, args...)
		}
		code, stdout, stderr := program(t, args...)
		if code != exitSettings || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, tt.text) {
			t.Errorf("%v: exit %d, stdout %q, stderr %q; want one line with %s", tt.args, code, stdout, stderr, tt.text)
		}
	}
}

// Each place is named as the one that gave the wrong value, whether a parser finds it wrong or a later check does.
func TestBadSettingsNameTheirPlace(t *testing.T) {
	file := filepath.Join(t.TempDir(), "gazpacho.yaml")
	for setting, value := range map[string]string{
		"workers": "many", "rtc-port": "70000", "listen": "4443", "log-level": "loud", "max-rooms": "0", "admin-listen": "everywhere", "announced-address": "8.8.8.8",
		"insecure-open": "maybe", "request-rate": "-1", "auth-secret": "short", "tls-cert": "x", "rtc-listen": "localhost",
	} {
		if err := os.WriteFile(file, []byte("# settings\n"+setting+": "+value+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		variable := "GAZPACHO_" + strings.ToUpper(strings.ReplaceAll(setting, "-", "_"))
		for _, tt := range []struct {
			environ, args []string
			where         string
		}{
			{nil, []string{"--config", file}, file + ":2: " + setting + ": "},
			{[]string{variable + "=" + value}, nil, variable + ": "},
			{nil, []string{"--" + setting + "=" + value}, "--" + setting + ": "},
		} {
			code, stdout, stderr := programIn(t, tt.environ, tt.args...)
			if code != exitSettings || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.HasPrefix(stderr, "controller: "+tt.where) {
				t.Errorf("%v %v: exit %d, stdout %q, stderr %q; want one line that begins with %s", tt.environ, tt.args, code, stdout, stderr, tt.where)
			}
		}
	}
}
