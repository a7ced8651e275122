package main

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	pion "github.com/pion/dtls/v2"

	"gazpacho/pkg/stun"
)

// secured is a client of TLS or DTLS, what certificate it was shown, and what protocol was agreed on.
type secured struct {
	*turnConn
	certificate []byte
	protocol    string
}

func dialTLS(t *testing.T, at netip.AddrPort, protocol string) secured {
	t.Helper()
	nc, err := tls.Dial("tcp", at.String(), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"other", protocol}})
	if err != nil {
		t.Fatal(err)
	}
	s := nc.ConnectionState()
	return secured{newTURNConn(t, nc), s.PeerCertificates[0].Raw, s.NegotiatedProtocol}
}

func dialDTLS(t *testing.T, at netip.AddrPort, protocol string) secured {
	t.Helper()
	u, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(at))
	if err != nil {
		t.Fatal(err)
	}
	ear := &ear{Conn: u}
	nc, err := pion.Client(ear, &pion.Config{InsecureSkipVerify: true, SupportedProtocols: []string{"other", protocol}})
	if err != nil {
		t.Fatal(err)
	}
	return secured{newTURNConn(t, nc), nc.ConnectionState().PeerCertificates[0], ear.protocol(protocol)}
}

// ear hears what the server says in the clear, for the library does not tell which protocol was agreed on.
type ear struct {
	net.Conn
	mu    sync.Mutex
	heard []byte
}

// Read reads a datagram.
func (e *ear) Read(b []byte) (int, error) {
	n, err := e.Conn.Read(b)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.heard = append(e.heard, b[:n]...)
	return n, err
}

// protocol returns the one that was offered if the ServerHello has it: an extension of type 16, and in it a list of one name (RFC 7301 section 3.1).
func (e *ear) protocol(offered string) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := byte(len(offered))
	if bytes.Contains(e.heard, append([]byte{0, 16, 0, n + 3, 0, n + 1, n}, offered...)) {
		return offered
	}
	return ""
}

// RFC 7443: "stun.turn" and "stun.nat-discovery" are what clients of TLS and DTLS may name. SIGHUP has the certificate read again: who comes then is
// shown the new one, and who came before stays.
func TestTURNCertificateReload(t *testing.T) {
	dir := t.TempDir()
	certificate, key := pemFiles(t, dir)
	file := filepath.Join(dir, "worker.yaml")
	text := fmt.Sprintf("turn-realm: %s\nturn-user: [%s:%s]\nturn-tls-cert: %s\nturn-tls-key: %s\nlog-level: warn\n", turnRealm, turnUser, turnPassword, certificate, key)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	at := freePort(t)
	w := &turnWorker{t: t, at: freePort(t), since: time.Now()}
	w.start("--turn-listen", fmt.Sprintf("udp:%v,tls:%v,dtls:%v", w.at, at, at), "--config", file)
	dials := map[string]func(*testing.T, netip.AddrPort, string) secured{"TLS": dialTLS, "DTLS": dialDTLS}
	before := map[string]secured{}
	for name, dial := range dials {
		for _, protocol := range []string{"stun.turn", "stun.nat-discovery"} {
			c := dial(t, at, protocol)
			if c.protocol != protocol {
				t.Errorf("%s: agreed on %q, want %q", name, c.protocol, protocol)
			}
			before[name] = c
		}
		before[name].allocate(transportUDP)
	}
	pemFiles(t, dir)
	if err := w.process.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	for name, dial := range dials {
		for start := time.Now(); bytes.Equal(dial(t, at, "stun.turn").certificate, before[name].certificate); time.Sleep(20 * time.Millisecond) {
			if time.Since(start) > 20*time.Second {
				t.Fatalf("%s: the certificate is the old one", name)
			}
		}
		before[name].request(0, stun.Refresh)
		dial(t, at, "stun.turn").allocate(transportUDP)
	}
}
