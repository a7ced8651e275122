package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"gazpacho/pkg/stun"
)

// Every setting of TURN that makes no sense: one line that names it and where it was given, and exit code 42.
func TestBadTURNSettings(t *testing.T) {
	dir := t.TempDir()
	certificate, key := pemFiles(t, dir)
	_, otherKey := pemFiles(t, t.TempDir())
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	empty, users := file("empty", "\n"), file("users", "nobody\n")
	bad := file("bad.yaml", "turn-realm: example.org\nturn-relay-ports: all\n")
	unknown := file("unknown.yaml", "turn-relm: example.org\n")
	prefix := file("prefix.yaml", "turn-listen: udp:127.0.0.1:0\nturn-realm: example.org\nturn-deny-peer: [10.0.0.1/8]\n")
	kind := file("kind.yaml", "turn-listen: {udp: 3478}\n")
	twice := file("twice.yaml", "turn-realm: example.org\nturn-realm: example.com\n")
	good := []string{"--turn-listen=udp:127.0.0.1:0", "--turn-realm=example.org", "--turn-user=name:swordfish"}
	with := func(args ...string) []string { return append(append([]string{}, good...), args...) }
	tests := []struct {
		name string
		args []string
		says string
	}{
		{"empty realm with users", []string{"--turn-listen=udp:127.0.0.1:0", "--turn-user=name:swordfish"}, "--turn-realm"},
		{"no such protocol", []string{"--turn-listen=sctp:127.0.0.1:3478", "--turn-realm=r"}, "--turn-listen"},
		{"no port", []string{"--turn-listen=udp:127.0.0.1", "--turn-realm=r"}, "--turn-listen"},
		{"the same twice", []string{"--turn-listen=udp:127.0.0.1:3999,udp:127.0.0.1:3999", "--turn-realm=r"}, "--turn-listen"},
		{"not an address of ours", []string{"--turn-listen=udp:192.0.2.1:3478", "--turn-realm=r"}, "--turn-listen"},
		{"user without password", with("--turn-user=name2"), "--turn-user"},
		{"user twice", with("--turn-user=name:other"), "--turn-user"},
		{"file without users", with("--turn-user-file=" + empty), "--turn-user-file"},
		{"file with half a user", with("--turn-user-file=" + users), "--turn-user-file"},
		{"no such file", with("--turn-user-file=" + dir + "/none"), "--turn-user-file"},
		{"file without end", with("--turn-secret-file=/dev/zero"), "--turn-secret-file"},
		{"file without secrets", with("--turn-secret-file=" + empty), "--turn-secret-file"},
		{"relay address", with("--turn-relay-address=here"), "--turn-relay-address"},
		{"wildcard to relay on", with("--turn-relay-address=0.0.0.0"), "--turn-relay-address"},
		{"relay address of others", with("--turn-relay-address=192.0.2.1"), "--turn-relay-address"},
		{"relay announced in another family", with("--turn-relay-address=::1=192.0.2.1"), "--turn-relay-address"},
		{"nowhere to listen", []string{"--turn-realm=example.org", "--turn-user=name:swordfish"}, "--turn-listen"},
		{"realm that cannot be quoted", []string{"--turn-listen=udp:127.0.0.1:0", `--turn-realm=a"b`}, "--turn-realm"},
		{"ports for the system's own", with("--turn-relay-ports=100-200"), "--turn-relay-ports"},
		{"one port", with("--turn-relay-ports=50000-50000"), "--turn-relay-ports"},
		{"no pair of ports", with("--turn-relay-ports=50001-50002"), "--turn-relay-ports"},
		{"too many permissions", with("--turn-permissions=101"), "--turn-permissions"},
		{"too many channels", with("--turn-channels=101"), "--turn-channels"},
		{"negative bitrate", with("--turn-max-bitrate=-1"), "--turn-max-bitrate"},
		{"lifetime of days", with("--turn-max-lifetime=100h"), "--turn-max-lifetime"},
		{"ports that are none", with("--turn-relay-ports=many"), "--turn-relay-ports"},
		{"ports turned around", with("--turn-relay-ports=5000-4000"), "--turn-relay-ports"},
		{"ports that are too many", with("--turn-relay-ports=5000-70000"), "--turn-relay-ports"},
		{"lifetime", with("--turn-max-lifetime=0s"), "--turn-max-lifetime"},
		{"nonce", with("--turn-nonce-lifetime=1ms"), "--turn-nonce-lifetime"},
		{"allowed prefix", with("--turn-allow-peer=10.0.0.1/8"), "--turn-allow-peer"},
		{"denied prefix", with("--turn-deny-peer=10.0.0.0/33"), "--turn-deny-peer"},
		{"media port", with("--turn-media-port=10.0.0.1"), "--turn-media-port"},
		{"alternate", with("--turn-alternate-server=example.org"), "--turn-alternate-server"},
		{"quota", with("--turn-user-quota=-1"), "--turn-user-quota"},
		{"drain", with("--turn-drain=-1s"), "--turn-drain"},
		{"TLS without a certificate", []string{"--turn-listen=tls:127.0.0.1:0", "--turn-realm=r"}, "--turn-tls-cert"},
		{"DTLS without a key", []string{"--turn-listen=dtls:127.0.0.1:0", "--turn-realm=r", "--turn-tls-cert=" + certificate}, "--turn-tls-key"},
		{"key of another certificate", with("--turn-tls-cert="+certificate, "--turn-tls-key="+otherKey), "--turn-tls-cert"},
		{"no such key", with("--turn-tls-cert="+certificate, "--turn-tls-key="+key+"x"), "--turn-tls-key"},
		{"wrong value in a file", []string{"--config=" + bad}, "bad.yaml:2: turn-relay-ports"},
		{"unknown name in a file", []string{"--config=" + unknown}, "unknown.yaml:1: \"turn-relm\""},
		{"prefix in a file", []string{"--config=" + prefix}, "prefix.yaml:3: turn-deny-peer"},
		{"wrong type in a file", []string{"--config=" + kind}, "kind.yaml:1: turn-listen"},
		{"the same twice in a file", []string{"--config=" + twice}, "twice.yaml:2: turn-realm"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			code, stdout, stderr := runWorker(t, tt.args...)
			if code != exitSettings || stdout != "" {
				t.Errorf("exit code %d, %q on standard output, %q", code, stdout, stderr)
			}
			if strings.Count(stderr, "\n") != 1 || !strings.HasPrefix(stderr, "worker: ") || !strings.Contains(stderr, tt.says) || strings.Contains(stderr, "swordfish") {
				t.Errorf("says %q, want one line about %q", stderr, tt.says)
			}
		})
	}
}

// What a file and the environment say is what flags say; SIGHUP reads the file again, and a worse one is not taken.
func TestTURNReload(t *testing.T) {
	file := filepath.Join(t.TempDir(), "worker.yaml")
	write := func(user string) {
		t.Helper()
		if err := os.WriteFile(file, []byte("turn-realm: example.org\nturn-user: ["+user+"]\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(turnUser + ":" + turnPassword)
	w := startTURNBare(t, "--config", file, "--log-level", "error")
	n := newTURNNet(t)
	c := n.client(w)
	c.allocate()
	write("somebody:else")
	allowed := func() bool {
		c := n.client(w)
		c.ask(stun.CodeUnauthenticated, stun.Allocate, transportUDP)
		c.send(stun.Allocate, transportUDP)
		n.egress.Flush()
		code, err := c.answer()
		if err != nil || code != 0 && code != stun.CodeUnauthenticated {
			t.Fatalf("answered %d, %v", code, err)
		}
		return code == 0
	}
	if !allowed() {
		t.Error("the file is read by itself")
	}
	hangUp := func(what string, want bool) {
		t.Helper()
		if err := w.process.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		for start := time.Now(); allowed() != want; time.Sleep(10 * time.Millisecond) {
			if time.Since(start) > 20*time.Second {
				t.Fatal(what)
			}
		}
	}
	hangUp("the file is not read again", false)
	write(turnUser + ":" + turnPassword)
	hangUp("the file is not read again, once more", true)
	if err := os.WriteFile(file, []byte("turn-realm: \"\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := w.process.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	for start := time.Now(); !strings.Contains(w.log.String(), "not taken over"); time.Sleep(10 * time.Millisecond) {
		if time.Since(start) > 20*time.Second {
			t.Fatal("nothing is said about a bad file")
		}
	}
	if !allowed() {
		t.Error("a bad file was taken")
	}
	if strings.Contains(w.log.String(), turnPassword) {
		t.Error("the password is in the log")
	}
}

// SIGTERM: what is relayed goes on, new clients are refused, and the worker ends with the last allocation.
func TestTURNDrain(t *testing.T) {
	w := startTURN(t, "--turn-drain", "1m")
	n := newTURNNet(t)
	c, late := n.client(w), n.client(w)
	c.allocate()
	late.ask(stun.CodeUnauthenticated, stun.Allocate, transportUDP)
	if err := w.process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	refused := false
	for start := time.Now(); !refused; time.Sleep(10 * time.Millisecond) {
		late.send(stun.Allocate, transportUDP)
		n.egress.Flush()
		code, err := late.answer()
		if err != nil {
			t.Fatal(err)
		}
		if refused = code == stun.CodeInsufficientCapacity || code == stun.CodeQuotaReached; !refused {
			late.ask(0, stun.Refresh, func(b *stun.Builder) { b.AddUint32(stun.AttrLifetime, 0) })
		}
		if time.Since(start) > 20*time.Second {
			t.Fatal("a worker that drains takes new clients")
		}
	}
	c.ask(0, stun.Refresh, nil)
	c.ask(0, stun.Refresh, func(b *stun.Builder) { b.AddUint32(stun.AttrLifetime, 0) })
	ended := make(chan error, 1)
	go func() { ended <- w.process.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("ended with %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("it does not end with the last allocation")
	}
}

// A second SIGTERM ends the worker whatever is relayed.
func TestTURNSecondSIGTERM(t *testing.T) {
	w := startTURN(t, "--turn-drain", "1m")
	n := newTURNNet(t)
	n.client(w).allocate()
	ended := make(chan error, 1)
	go func() { ended <- w.process.Wait() }()
	for start := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		_ = w.process.Process.Signal(syscall.SIGTERM)
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("ended with %v", err)
			}
			return
		default:
		}
		if time.Since(start) > 20*time.Second {
			t.Fatal("it does not end")
		}
	}
}

// startTURNBare runs a worker that is told everything but where it listens by its arguments.
func startTURNBare(t *testing.T, args ...string) *turnWorker {
	t.Helper()
	w := &turnWorker{t: t, at: freePort(t), since: time.Now(), log: new(lockedBuffer)}
	w.start(append([]string{"--turn-listen", fmt.Sprint("udp:", w.at)}, args...)...)
	return w
}

// lockedBuffer is a log that is read while it is written.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write adds to it.
func (l *lockedBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

// String is what was written so far.
func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
