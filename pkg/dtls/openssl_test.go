package dtls

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// opensslPeer is the openssl command at the other end of a UDP path on the loopback.
type opensslPeer struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	lines chan string // its output
	done  chan struct{}
}

const patience = 10 * time.Second

// startOpenSSL runs openssl with the usual peer's certificate.
func startOpenSSL(t *testing.T, args ...string) *opensslPeer {
	t.Helper()
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for name, b := range map[string][]byte{
		cert: []byte(certificatePEM(aCert.pair.Certificate[0])), key: keyToPEM(t, aCert.pair.PrivateKey),
	} {
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p := &opensslPeer{lines: make(chan string, 1000), done: make(chan struct{})}
	p.cmd = exec.Command("openssl", append(args, "-cert", cert, "-key", key)...)
	out, w := io.Pipe()
	p.cmd.Stdout, p.cmd.Stderr = w, w
	var err error
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			p.lines <- s.Text()
		}
	}()
	go func() {
		defer close(p.done)
		_ = p.cmd.Wait()
		_ = w.Close()
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.done
		for range p.lines {
		}
	})
	return p
}

// expect reads on to a line that has the prefix, and returns the rest of it.
func (p *opensslPeer) expect(t *testing.T, prefix string) string {
	t.Helper()
	timeout := time.After(patience)
	for {
		select {
		case line, ok := <-p.lines:
			if !ok {
				t.Fatalf("openssl ended before %q", prefix)
			}
			if rest, ok := strings.CutPrefix(strings.TrimSpace(line), prefix); ok {
				return strings.TrimSpace(rest)
			}
		case <-timeout:
			t.Fatalf("openssl did not print %q", prefix)
		}
	}
}

// overUDP lets a world send and receive on a socket, to the given address or to whoever comes first.
func overUDP(t *testing.T, to *net.UDPAddr, c *Config) (deliver func(w *world), local string) {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	c.Send = func(_ time.Time, b []byte) {
		mu.Lock()
		defer mu.Unlock()
		_, _ = conn.WriteToUDP(b, to)
	}
	return func(w *world) {
		read := make(chan struct{})
		go func() {
			defer close(read)
			b := make([]byte, 2000)
			for {
				n, from, err := conn.ReadFromUDP(b)
				if err != nil {
					return
				}
				mu.Lock()
				to = from
				mu.Unlock()
				w.receive(b[:n])
			}
		}()
		t.Cleanup(func() { _ = conn.Close(); <-read })
	}, conn.LocalAddr().String()
}

// await polls, in real time: openssl lives there.
func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s did not come", what)
		}
	}
}

// The other implementation agrees with us on everything: suite, profile, SRTP keys, application data
// in both directions, and the end.
func TestAgainstOpenSSL(t *testing.T) {
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Log("openssl is not installed: TestSuiteAgainstCryptoTLS stands alone")
		return
	}
	const chacha, gcm = "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-ECDSA-AES128-GCM-SHA256"
	tests := []struct {
		name            string
		ciphers, agreed string
		srtp            string
		ours, theirs    Profile // by the order of who is server
	}{
		{"ChaCha20", chacha, chacha, "SRTP_AEAD_AES_128_GCM", AEADAES128GCM, AEADAES128GCM},
		{"ChaCha20 after GCM", gcm + ":" + chacha, chacha, "SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_256_GCM", AEADAES256GCM, AES128CMHMACSHA180},
		{"GCM", gcm, gcm, "SRTP_AES128_CM_SHA1_80", AES128CMHMACSHA180, AES128CMHMACSHA180},
		{"all", "DEFAULT", chacha, "SRTP_AES128_CM_SHA1_32:SRTP_AES128_CM_SHA1_80", AES128CMHMACSHA180, AES128CMHMACSHA132},
	}
	for _, role := range []Role{Server, Client} {
		for _, tt := range tests {
			t.Run(string(role)+"/"+tt.name, func(t *testing.T) {
				certsOnce.Do(testCertificates)
				profile := tt.ours
				if role == Client {
					profile = tt.theirs
				}
				key, salt := profile.sizes()
				common := []string{
					"-dtls1_2", "-cipher", tt.ciphers, "-use_srtp", tt.srtp, "-mtu", "1200",
					"-keymatexport", exporterLabel, "-keymatexportlen", fmt.Sprint(2 * (key + salt)),
				}
				var deliver func(*world)
				var p *opensslPeer
				setUp := func(c *Config) {
					c.Data = true
					if role == Server {
						var local string
						deliver, local = overUDP(t, nil, c)
						p = startOpenSSL(t, slices.Concat([]string{"s_client", "-connect", local}, common)...)
						return
					}
					p = startOpenSSL(t, slices.Concat([]string{"s_server", "-accept", "127.0.0.1:0", "-Verify", "1"}, common)...)
					to, err := net.ResolveUDPAddr("udp4", p.expect(t, "ACCEPT"))
					if err != nil {
						t.Fatal(err)
					}
					deliver, _ = overUDP(t, to, c)
				}
				w := newWorld(t, setUp)
				t.Cleanup(func() { w.do(func(now time.Time) { w.a.Close(now) }); w.loop.close() })
				deliver(w)
				w.start(role)
				checkOpenSSL(t, w, p, role, tt.agreed, profile)
			})
		}
	}
}

func checkOpenSSL(t *testing.T, w *world, p *opensslPeer, role Role, agreed string, profile Profile) {
	t.Helper()
	events := func() (e []string) {
		w.do(func(time.Time) { e = slices.Clone(w.events) })
		return e
	}
	await(t, "connected", func() bool { return len(events()) == 2 })
	w.expectEvents("connecting", "connected")

	// s_client and s_server print these in different orders and words.
	material := ""
	for suite := ""; suite == "" || material == ""; {
		line := p.expect(t, "")
		if rest, ok := strings.CutPrefix(line, "Keying material: "); ok {
			material = rest
		}
		if strings.Contains(line, "Cipher is "+agreed) || line == "CIPHER is "+agreed {
			suite = agreed
		}
	}
	exported, err := hex.DecodeString(material)
	if err != nil {
		t.Fatalf("%q: %v", material, err)
	}
	want, err := srtpKeys(profile, role, func(int) ([]byte, error) { return exported, nil })
	if err != nil || !bytes.Equal(want.LocalKey, w.keys.LocalKey) || !bytes.Equal(want.RemoteKey, w.keys.RemoteKey) ||
		!bytes.Equal(want.LocalSalt, w.keys.LocalSalt) || !bytes.Equal(want.RemoteSalt, w.keys.RemoteSalt) ||
		w.keys.Profile != profile {
		t.Errorf("keys %+v, openssl's %+v, %v", w.keys, want, err)
	}

	var data net.Conn
	w.do(func(time.Time) { data = w.a.Data() })
	if _, err := data.Write([]byte("from us to openssl\n")); err != nil {
		t.Error(err)
	}
	p.expect(t, "from us to openssl")
	if _, err := io.WriteString(p.stdin, "from openssl to us\n"); err != nil {
		t.Error(err)
	}
	_ = data.SetReadDeadline(time.Now().Add(patience))
	b := make([]byte, 100)
	if n, err := data.Read(b); err != nil || string(b[:n]) != "from openssl to us\n" {
		t.Errorf("read %q, %v", b[:n], err)
	}
	if role == Client { // s_server has no way to say close_notify, but it listens
		w.do(func(now time.Time) { w.a.Close(now) })
		p.expect(t, "DONE")
		return
	}
	_, _ = io.WriteString(p.stdin, "Q\n") // s_client's command to close
	await(t, "close_notify", func() bool { return len(events()) == 3 })
	w.expectEvents("connecting", "connected", "closed")
}
