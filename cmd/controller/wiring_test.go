package main

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"

	"gazpacho/pkg/auth"
)

// visit opens a WebSocket and returns the status of the answer, 101 for one that is open until the test's end.
func visit(t *testing.T, address, query string, header http.Header) (*websocket.Conn, int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	conn, r, err := websocket.Dial(ctx, "wss://"+address+"/?"+query, &websocket.DialOptions{HTTPClient: insecure(t), Subprotocols: []string{"protoo"}, HTTPHeader: header})
	if err != nil {
		if r == nil {
			t.Fatal(err)
		}
		return nil, r.StatusCode
	}
	t.Cleanup(func() { conn.CloseNow() })
	return conn, http.StatusSwitchingProtocols
}

func sign(t *testing.T, secret string, g auth.Grant) string {
	t.Helper()
	token, err := auth.Sign([]byte(secret), g, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return url.QueryEscape(token)
}

// With a secret the doors ask for tokens, and the log says which; without one they are open.
func TestTokensAreAskedFor(t *testing.T) {
	cfg := testConfig(t)
	cfg.AuthSecretFile = secretFile(t, goodSecret+"\n", 0o600)
	c := run(t, cfg)
	member := auth.Grant{Room: "r", Subscribe: true, Expires: time.Now().Add(time.Hour)}
	other := member
	other.Room = "other"
	for _, tt := range []struct {
		query string
		want  int
	}{
		{"roomId=r&peerId=p", http.StatusUnauthorized},
		{"roomId=r&peerId=p&token=x", http.StatusUnauthorized},
		{"roomId=r&peerId=p&token=" + sign(t, "another secret, of thirty-two bytes", member), http.StatusUnauthorized},
		{"roomId=r&peerId=p&token=" + sign(t, goodSecret, other), http.StatusForbidden},
		{"roomId=r&peerId=p&token=" + sign(t, goodSecret, member), http.StatusSwitchingProtocols},
	} {
		if _, status := visit(t, c.address, tt.query, nil); status != tt.want {
			t.Errorf("%.40s: %d, want %d", tt.query, status, tt.want)
		}
	}
	if log := c.log.String(); !strings.Contains(log, `msg="who enters needs a token" algorithm=HS256 keys=secret issuer=any audience=none`) || strings.Contains(log, "OPEN") {
		t.Errorf("%s", log)
	}
	if _, status := visit(t, run(t, testConfig(t)).address, "roomId=r&peerId=p", nil); status != http.StatusSwitchingProtocols {
		t.Errorf("the open mode says %d", status)
	}
}

// A key set that cannot be read stops the start.
func TestBadKeySet(t *testing.T) {
	cfg := testConfig(t)
	cfg.AuthJWKS = secretFile(t, `{"keys":[]}`, 0o600)
	cfg.Stderr = &lines{}
	if err := Run(t.Context(), cfg); err == nil || !strings.HasPrefix(err.Error(), "--auth-jwks: ") || exitCode(err) != exitSettings {
		t.Errorf("%v", err)
	}
}

// The limits of the settings are those of rooms and sessions.
func TestLimitsHold(t *testing.T) {
	cfg := configured(t, []string{"GAZPACHO_MAX_PEERS_PER_ROOM=1"}, "--max-transports-per-peer", "2", "--request-burst", "5", "--request-rate", "0.01", "--allowed-origin", "https://app.example")
	c := run(t, cfg)
	conn, status := visit(t, c.address, "roomId=r&peerId=p", http.Header{"Origin": {"https://app.example"}})
	if status != http.StatusSwitchingProtocols {
		t.Fatal(status)
	}
	if _, status := visit(t, c.address, "roomId=r&peerId=q", http.Header{"Origin": {"https://evil.example"}}); status != http.StatusForbidden {
		t.Errorf("another origin gets %d", status)
	}
	var codes []int
	for id := 1; id <= 6; id++ {
		codes = append(codes, ask(t, conn, id, "createWebRtcTransport"))
	}
	// Two transports, three too many, and a request too many.
	if codes[0] != 0 || codes[1] != 0 || codes[2] == 0 || codes[2] != codes[3] || codes[5] != http.StatusTooManyRequests {
		t.Errorf("the answers are %v", codes)
	}
	if second, status := visit(t, c.address, "roomId=r&peerId=q", nil); status == http.StatusSwitchingProtocols {
		// The room is asked once the WebSocket is open.
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		for {
			if _, _, err := second.Read(ctx); err != nil {
				if ctx.Err() != nil {
					t.Error("a second peer stays")
				}
				break
			}
		}
	}
}

// ask sends a request and returns the code of its answer, 0 for success.
func ask(t *testing.T, conn *websocket.Conn, id int, method string) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	text, _ := json.Marshal(map[string]any{"request": true, "id": id, "method": method, "data": map[string]any{}})
	if err := conn.Write(ctx, websocket.MessageText, text); err != nil {
		t.Fatal(err)
	}
	for {
		_, text, err := conn.Read(ctx)
		if err != nil {
			t.Fatal(err)
		}
		var answer struct {
			Response  bool
			ID        int
			ErrorCode int
		}
		if json.Unmarshal(text, &answer) == nil && answer.Response && answer.ID == id {
			return answer.ErrorCode
		}
	}
}

// One address holds no more sockets than it may; those beyond are closed at once.
func TestSocketsPerAddress(t *testing.T) {
	cfg := testConfig(t)
	cfg.MaxSocketsPerIP = 3
	c := run(t, cfg)
	var conns []net.Conn
	for range 3 {
		conn, err := net.Dial("tcp", c.address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conns = append(conns, conn)
	}
	// It may be closed before it is known here to be open.
	if beyond, err := net.Dial("tcp", c.address); err == nil {
		defer beyond.Close()
		_ = beyond.SetReadDeadline(time.Now().Add(4 * time.Second)) // the others have 5 s
		if _, err := beyond.Read(make([]byte, 1)); err == nil || os.IsTimeout(err) {
			t.Errorf("the fourth socket: %v", err)
		}
	}
	conns[0].Close()
	deadline := time.Now().Add(20 * time.Second)
	for { // until the server knows
		if r, err := insecure(t).Get("https://" + c.address + "/"); err == nil {
			r.Body.Close()
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("no socket is free after one was closed")
		}
	}
}

// A secret is in none of: the log at its most talkative, the answers, the command lines and the environments of workers.
func TestSecretsStayInside(t *testing.T) {
	const token = "eyJhbGciOiJIUzI1NiJ9.e30.not-a-signature"
	c, log := started(t, []string{"GAZPACHO_AUTH_SECRET=" + goodSecret, "GAZPACHO_LOG_LEVEL=debug"})
	address := log.address(t)
	if _, status := visit(t, address, "roomId=r&peerId=p&token="+token, nil); status != http.StatusUnauthorized {
		t.Errorf("%d", status)
	}
	r, err := insecure(t).Get("https://" + address + "/access?roomId=r&peerId=p&token=" + token)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(r.Body)
	r.Body.Close()
	workers := children(t, c.Process.Pid)
	if len(workers) != 2 {
		t.Errorf("workers are %v", workers)
	}
	seen := string(body)
	for _, pid := range workers {
		for _, file := range []string{"cmdline", "environ"} {
			text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), file))
			if err != nil {
				t.Error(err)
			}
			seen += string(text)
		}
	}
	_ = c.Process.Signal(syscall.SIGTERM)
	if err := c.Wait(); err != nil {
		t.Errorf("%v", err)
	}
	if seen += log.String(); !strings.Contains(seen, "GAZPACHO_LOG_LEVEL=debug") || !strings.Contains(seen, "who enters needs a token") {
		t.Error("the test sees nothing")
	}
	for _, secret := range []string{goodSecret, "not-a-signature", "GAZPACHO_AUTH_SECRET"} {
		if strings.Contains(seen, secret) {
			t.Errorf("%s is seen", secret)
		}
	}
}
