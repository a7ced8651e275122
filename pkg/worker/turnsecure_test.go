package worker_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/pion/dtls/v2"
)

// Calls of clients whose relay is reached by TLS and by DTLS. The client is that of the tests for UDP and TCP; what it says is put into TLS or DTLS on the
// way, for it would not accept the certificate.
func TestCallThroughSecureRelay(t *testing.T) {
	at := freeAddress(t)
	s := turnSettings("tls:"+at.String(), "dtls:"+at.String())
	s.Certificate, s.Key = pemPair(t)
	w := startTURN(t, s)
	router, id := w.Router(), w.Server()
	t.Run("TLS", func(t *testing.T) { relayedCall(t, w, router, id, iceServer(intoTLS(t, at), "tcp")) })
	t.Run("DTLS", func(t *testing.T) { relayedCall(t, w, router, id, iceServer(intoDTLS(t, at), "udp")) })
	for _, l := range turnStats(w).Listeners {
		if created := l.Classes["static"].Created; (created >= 2) != (l.Transport == "tls" || l.Transport == "dtls") {
			t.Errorf("%s: %d allocations", l.Name, created)
		}
	}
}

func pemPair(t *testing.T) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	text := func(kind string, b []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}))
	}
	return text("CERTIFICATE", der), text("PRIVATE KEY", keyDER)
}

// intoTLS is a port of TCP whose connections go on in TLS.
func intoTLS(t *testing.T, to netip.AddrPort) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	t.Cleanup(func() { l.Close(); all.Wait() })
	all.Go(func() {
		for {
			plain, err := l.Accept()
			if err != nil {
				return
			}
			secure, err := tls.Dial("tcp", to.String(), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"stun.turn"}})
			if err != nil {
				t.Error(err)
				plain.Close()
				continue
			}
			for _, way := range [][2]net.Conn{{plain, secure}, {secure, plain}} {
				all.Go(func() {
					_, _ = io.Copy(way[1], way[0])
					plain.Close()
					secure.Close()
				})
			}
		}
	})
	return l.Addr().(*net.TCPAddr).AddrPort()
}

// intoDTLS is a port of UDP whose datagrams go on in DTLS, an association for each source.
func intoDTLS(t *testing.T, to netip.AddrPort) netip.AddrPort {
	t.Helper()
	u, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	secured := map[netip.AddrPort]*dtls.Conn{}
	var all sync.WaitGroup
	t.Cleanup(func() { u.Close(); all.Wait() })
	all.Go(func() {
		defer func() {
			for _, c := range secured {
				_ = c.Close()
			}
		}()
		b := make([]byte, 2048)
		for {
			n, from, err := u.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			c := secured[from]
			if c == nil {
				if c, err = secure(to); err != nil {
					t.Error(err)
					continue
				}
				secured[from] = c
				all.Go(func() { backInto(u, from, c) })
			}
			_, _ = c.Write(b[:n])
		}
	})
	return u.LocalAddr().(*net.UDPAddr).AddrPort()
}

func secure(to netip.AddrPort) (*dtls.Conn, error) {
	nc, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to))
	if err != nil {
		return nil, err
	}
	return dtls.Client(nc, &dtls.Config{InsecureSkipVerify: true})
}

func backInto(u *net.UDPConn, to netip.AddrPort, from *dtls.Conn) {
	b := make([]byte, 2048)
	for {
		n, err := from.Read(b)
		if err != nil {
			return
		}
		_, _ = u.WriteToUDPAddrPort(b[:n], to)
	}
}
