package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"gazpacho/proto"
)

// Wrong settings of relays are found before anything starts, each by its name, and whether or not relays are on.
func TestBadTURNSettings(t *testing.T) {
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty")
	if err := os.WriteFile(empty, []byte("\n \n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ setting, value, text string }{
		{"turn-listen", "3478", "is not udp:, tcp:, tls: or dtls: and an address"},
		{"turn-listen", "sctp:0.0.0.0:3478", "is not udp:"},
		{"turn-listen", "udp:0.0.0.0", "is not udp:"},
		{"turn-listen", "udp:0.0.0.0:0", "is not udp:"},
		{"turn-listen", "udp:localhost:3478", "is not udp:"},
		{"turn-listen", "udp:0.0.0.0:3478,udp:0.0.0.0:3478", "twice"},
		{"turn-realm", "", "is empty"},
		{"turn-realm", `a"b`, "quotation mark"},
		{"turn-realm", strings.Repeat("x", 61), "60 bytes"},
		{"turn-user", "name", "a name and a password"},
		{"turn-user", "name:", "a name and a password"},
		{"turn-user", "a:b,a:c", `"a" is there twice`},
		{"turn-secret-file", filepath.Join(dir, "none"), "no such file"},
		{"turn-secret-file", empty, "is empty; `openssl"},
		{"turn-relay-address", "0.0.0.0", "is not an address of this machine"},
		{"turn-relay-address", "10.0.0.1=sfu.example", "is not an address"},
		{"turn-relay-address", "10.0.0.1=2001:db8::1", "two of one IP version"},
		{"turn-relay-ports", "50000", "is not a range"},
		{"turn-relay-ports", "50001-50000", "two ports or more"},
		{"turn-relay-ports", "50000-50000", "two ports or more"},
		{"turn-relay-ports", "1-70000", "is not a range"},
		{"turn-relay-ports", "80-443", "from 1024"},
		{"turn-allow-peer", "10.0.0.1/8", "is not an address or a prefix"},
		{"turn-deny-peer", "everybody", "is not an address or a prefix"},
		{"turn-max-lifetime", "10ms", "is not 1s to 24h"},
		{"turn-nonce-lifetime", "0s", "is not 1s"},
		{"turn-credential-lifetime", "1000h", "is not 1s to 168h"},
		{"turn-tls-cert", empty, "goes with --turn-tls-key"},
		{"turn-tls-key", empty, "goes with --turn-tls-cert"},
		{"turn-user-quota", "-1", "is not 0 to"},
		{"turn-max-bitrate", "-1", "is not 0 to"},
		{"turn-url", "https://turn.example", "is not a URL"},
		{"turn-url", "turn:a b", "is not a URL"},
		{"turn-url", "turn:a?transport=sctp", "is not a URL"},
	} {
		for _, on := range []string{"false", "true"} {
			cfg := configured(t, nil, "--listen", "127.0.0.1:0", "--turn="+on, "--"+tt.setting+"="+tt.value)
			if _, err := cfg.check(); err == nil || exitCode(err) != exitSettings || !strings.HasPrefix(err.Error(), "--"+tt.setting+": ") || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("--turn=%s --%s=%s: %v; want %s", on, tt.setting, tt.value, err, tt.text)
			}
		}
	}
}

// What only a worker can find is said in the same way.
func TestBadTURNSettingsOfWorkers(t *testing.T) {
	busy, err := net.ListenPacket("udp4", "127.0.0.1:0") // without SO_REUSEPORT
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	for _, tt := range []struct{ setting, value, text string }{
		{"turn-listen", "udp:192.0.2.1:3478", "192.0.2.1"},
		{"turn-listen", "udp:" + busy.LocalAddr().String(), "in use"},
	} {
		cfg := configured(t, nil, "--listen", "127.0.0.1:0", "--admin-listen", "none", "--rtc-listen", "127.0.0.1", "--rtc-port", "0", "--workers", "1",
			"--worker-bin", filepath.Join(binDir, "worker"), "--data-dir", t.TempDir(), "--"+tt.setting, tt.value)
		cfg.Stderr = &lines{}
		err := Run(t.Context(), cfg)
		if err == nil || exitCode(err) != exitSettings || !strings.HasPrefix(err.Error(), "--"+tt.setting+": ") || !strings.Contains(err.Error(), tt.text) {
			t.Errorf("--%s=%s: %v", tt.setting, tt.value, err)
		}
	}
}

// One of turn and turn-listen turns relays on; what is said without either is worth a warning.
func TestTURNIsTurnedOn(t *testing.T) {
	for _, tt := range []struct {
		args    []string
		on      bool
		warning string
	}{
		{nil, false, ""},
		{[]string{"--turn"}, true, ""},
		{[]string{"--turn-listen", "udp:127.0.0.1:3478"}, true, ""},
		{[]string{"--turn-user", "a:b"}, false, "turn: is off"},
		{[]string{"--turn", "--turn-user", "a:b"}, true, "--turn-user: every user of this machine"},
		{[]string{"--turn", "--turn-secret", "north"}, true, "GAZPACHO_TURN_SECRET"},
	} {
		s, err := configured(t, nil, append([]string{"--listen", "127.0.0.1:0"}, tt.args...)...).check()
		if err != nil {
			t.Fatal(err)
		}
		if (s.relays.workers != nil) != tt.on || tt.on != (len(s.relays.clients.Secret) > 0) {
			t.Errorf("%v: relays are on: %v", tt.args, s.relays.workers != nil)
		}
		if warned := strings.Join(s.warnings, "\n"); !strings.Contains(warned, tt.warning) || tt.warning == "" && warned != "" || strings.Contains(warned, "north") {
			t.Errorf("%v: warnings %q, want %q", tt.args, warned, tt.warning)
		}
	}
}

// Secrets of a file are all told to workers, and the first makes credentials; without any there is one of 256 bits.
func TestTURNSecrets(t *testing.T) {
	file := secretFile(t, "first\n\n  second \n", 0o600)
	s, err := configured(t, nil, "--listen", "127.0.0.1:0", "--turn", "--turn-secret-file", file).check()
	if err != nil || !slices.Equal(s.relays.workers.Secrets, []string{"first", "second"}) || string(s.relays.clients.Secret) != "first" {
		t.Errorf("%v, %+v", err, s.relays)
	}
	if s, err = configured(t, nil, "--listen", "127.0.0.1:0", "--turn").check(); err != nil || len(s.relays.workers.Secrets) != 1 || len(s.relays.workers.Secrets[0]) != 43 {
		t.Errorf("%v, %+v", err, s.relays)
	}
	if _, err := configured(t, nil, "--turn-secret", "x", "--turn-secret-file", file).check(); err == nil || !strings.Contains(err.Error(), "goes alone") {
		t.Errorf("%v", err)
	}
}

// freePort is one that was free a moment ago, for UDP and TCP.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// A client is told of the relays, and a relay over TLS has the page's certificate, or its own, and a renewed one without a restart.
func TestRelaysAreAnnounced(t *testing.T) {
	port, p := freePort(t), newPair(t)
	p.write(time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour))
	for name, args := range map[string][]string{"the page's": nil, "its own": {"--turn-tls-cert", p.cert, "--turn-tls-key", p.key}} {
		t.Run(name, func(t *testing.T) {
			cfg := configured(t, nil, append([]string{"--turn-listen", "tls:127.0.0.1:" + port, "--turn-realm", "example.org"}, args...)...)
			c := run(t, cfg)
			want := "urls=\"turns:127.0.0.1:" + port
			for deadline := time.Now().Add(20 * time.Second); !strings.Contains(c.log.String(), want); time.Sleep(time.Millisecond) { // the log is written later
				if time.Now().After(deadline) {
					t.Fatalf("no %s in the log:\n%s", want, c.log)
				}
			}
			conn, status := visit(t, c.address, "roomId=r&peerId=p", nil)
			if status != http.StatusSwitchingProtocols {
				t.Fatal(status)
			}
			var info struct {
				ICEServers []struct {
					URLs                 []string
					Username, Credential string
				}
			}
			answer(t, conn, "createWebRtcTransport", &info)
			if len(info.ICEServers) != 1 || !slices.Contains(info.ICEServers[0].URLs, "turns:127.0.0.1:"+port+"?transport=tcp") || info.ICEServers[0].Credential == "" {
				t.Fatalf("told %+v", info)
			}
			wanted := page(t, c.address)
			if args != nil {
				wanted = fmt.Sprint(p.serial)
			}
			if got := page(t, "127.0.0.1:"+port); got != wanted {
				t.Errorf("the relay has certificate %s, want %s", got, wanted)
			}
			if args == nil {
				return
			}
			p.write(time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour))
			wanted = fmt.Sprint(p.serial)
			for deadline := time.Now().Add(30 * time.Second); page(t, "127.0.0.1:"+port) != wanted; time.Sleep(50 * time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatal("the relay's certificate is not renewed")
				}
			}
		})
	}
}

// page is the serial number of the certificate that an address shows.
func page(t *testing.T, address string) string {
	t.Helper()
	conn, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].SerialNumber.String()
}

// answer asks and takes the data of the answer.
func answer(t *testing.T, conn *websocket.Conn, method string, data any) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	text, _ := json.Marshal(map[string]any{"request": true, "id": 1, "method": method, "data": map[string]any{"producing": true}})
	if err := conn.Write(ctx, websocket.MessageText, text); err != nil {
		t.Fatal(err)
	}
	for {
		_, text, err := conn.Read(ctx)
		if err != nil {
			t.Fatal(err)
		}
		var message struct {
			Response bool
			Data     json.RawMessage
		}
		if json.Unmarshal(text, &message) == nil && message.Response {
			if err := json.Unmarshal(message.Data, data); err != nil {
				t.Fatalf("%v: %s", err, text)
			}
			return
		}
	}
}

// Refusals are for the operator, the rest for who looks closely, and a hostile name stays in its line.
func TestTURNEventsAreLogged(t *testing.T) {
	var out lines
	log := turnEvent(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelInfo})))
	log(1, proto.EventTURNCreated, proto.TURNEvent{Client: "192.0.2.1:1", Username: "a"})
	log(1, proto.EventTURNDenied, proto.TURNEvent{Client: "192.0.2.1:1", Listener: "udp:0.0.0.0:3478", Username: "x\nlevel=ERROR", Code: 403, Method: "CreatePermission"})
	got := out.String()
	want := `msg="a client was refused by a relay" worker=1 client=192.0.2.1:1 listener=udp:0.0.0.0:3478 user="x\nlevel=ERROR" method=CreatePermission code=403`
	if strings.Count(got, "\n") != 1 || !strings.Contains(got, want) {
		t.Errorf("%s\nwant one line with %s", got, want)
	}
}
