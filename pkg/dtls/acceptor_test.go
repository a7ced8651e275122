package dtls

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"math/big"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	pion "github.com/pion/dtls/v2"

	"gazpacho/pkg/mailbox"
)

var clientAt = netip.MustParseAddrPort("192.0.2.1:4000")

// acceptorWorld is an Acceptor whose loop is a lock, and a client of the library.
type acceptorWorld struct {
	t        *testing.T
	mu       sync.Mutex
	posts    chan func(now time.Time)
	acceptor *Acceptor
	client   *mailbox.Conn
	change   func(datagram []byte) []byte // on the way to the acceptor; nil: it is not there
	received chan string
	closed   chan netip.AddrPort
	sent     [][]byte
}

func certificateOf(t testing.TB, isRSA bool) *tls.Certificate {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	c := &tls.Certificate{}
	var der []byte
	var err error
	if isRSA {
		key, _ := rsa.GenerateKey(rand.Reader, 2048)
		der, err = x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
		c.PrivateKey = key
	} else {
		key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		der, err = x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
		c.PrivateKey = key
	}
	if err != nil {
		t.Fatal(err)
	}
	c.Certificate = [][]byte{der}
	return c
}

func newAcceptorWorld(t *testing.T, isRSA bool) *acceptorWorld {
	t.Helper()
	w := &acceptorWorld{t: t, posts: make(chan func(time.Time), 1024), received: make(chan string, 1024), closed: make(chan netip.AddrPort, 16)}
	certificate := certificateOf(t, isRSA)
	var err error
	w.acceptor, err = NewAcceptor(AcceptorConfig{
		Certificate: func() *tls.Certificate { return certificate }, Protocols: []string{"stun.turn"}, Random: rand.Reader,
		Post:     func(f func(time.Time)) { w.posts <- f },
		Timer:    func(time.Time, func(time.Time)) func() { return func() {} },
		Send:     func(b []byte, _ netip.AddrPort) { w.sent = append(w.sent, bytes.Clone(b)); w.client.Put(b) },
		Received: func(_ time.Time, _ netip.AddrPort, m []byte) { w.received <- string(m) },
		Closed:   func(_ time.Time, from netip.AddrPort) { w.closed <- from },
	})
	if err != nil {
		t.Fatal(err)
	}
	w.client = mailbox.New(func(b []byte) {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.change != nil {
			b = w.change(bytes.Clone(b))
		}
		w.acceptor.Handle(time.Now(), b, clientAt)
	})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for f := range w.posts {
			if f == nil {
				return
			}
			w.mu.Lock()
			f(time.Now())
			w.mu.Unlock()
		}
	}()
	t.Cleanup(func() {
		w.mu.Lock()
		w.acceptor.Close()
		w.mu.Unlock()
		_ = w.client.Close()
		w.posts <- nil
		<-ended
	})
	return w
}

// connect is the client's handshake.
func (w *acceptorWorld) connect(suites ...pion.CipherSuiteID) (*pion.Conn, error) {
	return w.connectWith(&pion.Config{CipherSuites: suites})
}

func (w *acceptorWorld) connectWith(c *pion.Config) (*pion.Conn, error) {
	ctx, cancel := context.WithTimeout(w.t.Context(), 20*time.Second)
	defer cancel()
	c.InsecureSkipVerify, c.FlightInterval, c.LoggerFactory = true, 100*time.Millisecond, silence{}
	return pion.ClientWithContext(ctx, w.client, c)
}

func (w *acceptorWorld) write(message string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.acceptor.Write([]byte(message), clientAt)
}

func (w *acceptorWorld) stats() AcceptorStats {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.acceptor.Stats()
}

func next[T any](t *testing.T, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(20 * time.Second):
		t.Fatal("nothing came")
	}
	return v
}

// Messages go both ways whatever key the certificate has, after exactly one HelloVerifyRequest of ours; the library asks for none.
func TestAcceptor(t *testing.T) {
	for name, test := range map[string]struct {
		rsa   bool
		suite pion.CipherSuiteID
	}{
		"ECDSA": {false, pion.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256},
		"RSA":   {true, pion.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256},
	} {
		t.Run(name, func(t *testing.T) {
			w := newAcceptorWorld(t, test.rsa)
			conn, err := w.connect(test.suite)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			for _, m := range []string{"one", "two", string(make([]byte, 1100))} {
				if _, err := conn.Write([]byte(m)); err != nil {
					t.Fatal(err)
				}
				if got := next(t, w.received); got != m {
					t.Errorf("%q came", got)
				}
				if !w.write(m) {
					t.Fatal("the client takes nothing")
				}
				b := make([]byte, 2000)
				_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
				n, err := conn.Read(b)
				if err != nil || string(b[:n]) != m {
					t.Errorf("the client read %q, %v", b[:n], err)
				}
			}
			if s := w.stats(); s.Challenged != 1 || s.Accepted != 1 || s.Clients != 1 {
				t.Errorf("counted %+v", s)
			}
		})
	}
}

// A client that leaves is forgotten, and its owner told.
func TestAcceptorClientLeaves(t *testing.T) {
	for range 20 {
		w := newAcceptorWorld(t, false)
		goodbyes := 0
		w.change = func(b []byte) []byte {
			if b[0] == contentAlert {
				goodbyes++
			}
			return b
		}
		conn, err := w.connect()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write([]byte("hello")); err != nil {
			t.Fatal(err)
		}
		next(t, w.received)
		conn.Close()
		w.mu.Lock()
		silent := goodbyes == 0
		w.mu.Unlock()
		if silent {
			continue // the library's client sometimes closes its connection before it says goodbye on it: ask another
		}
		if from := next(t, w.closed); from != clientAt {
			t.Errorf("%v was closed", from)
		}
		if s := w.stats(); s.Clients != 0 {
			t.Errorf("counted %+v", s)
		}
		if w.write("late") {
			t.Error("a message to nobody was taken")
		}
		return
	}
	t.Fatal("no client said goodbye")
}

// helloOf is a ClientHello as one datagram.
func helloOf(seq uint16, cookie []byte, suites ...uint16) []byte {
	body := append([]byte{0xfe, 0xfd}, bytes.Repeat([]byte{7}, 32)...)
	body = append(body, 0, byte(len(cookie)))
	body = append(body, cookie...)
	body = binary.BigEndian.AppendUint16(body, uint16(2*len(suites)))
	for _, s := range suites {
		body = binary.BigEndian.AppendUint16(body, s)
	}
	body = append(body, 1, 0)
	b := make([]byte, recordHeader+handshakeHeader, 512)
	putHandshakeHeader(b[recordHeader:], typeClientHello, len(body), seq, 0, len(body))
	putRecordHeader(b, contentHandshake, uint64(seq), handshakeHeader+len(body))
	return append(b, body...)
}

// RFC 6347 section 4.2.1: a server that keeps nothing of who it does not know. However many hellos come from however many addresses, there is no
// client, and no answer is longer than what it answers.
func TestAcceptorKeepsNothingOfStrangers(t *testing.T) {
	w := newAcceptorWorld(t, false)
	now := time.Now()
	for i := range 1000 {
		hello := helloOf(0, nil, suiteECDSAGCM)
		if i%2 == 1 {
			hello = helloOf(1, bytes.Repeat([]byte{byte(i)}, cookieSize), suiteECDSAGCM)
		}
		w.acceptor.Handle(now, hello, netip.AddrPortFrom(clientAt.Addr(), uint16(i+1)))
		if n := len(w.sent[len(w.sent)-1]); n > len(hello) {
			t.Fatalf("%d bytes answer %d", n, len(hello))
		}
	}
	if s := w.stats(); s.Clients != 0 || s.Challenged != 1000 || w.acceptor.greeting != 0 {
		t.Errorf("counted %+v", s)
	}
}

// A cookie is good for the address, port and hello that it was made for, and for a minute at most.
func TestCookies(t *testing.T) {
	c, err := newCookies(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1_800_000_000, 0)
	hello := helloOf(0, nil, suiteECDSAGCM)
	h, ok := parseStranger(hello)
	if !ok {
		t.Fatal("the hello is not understood")
	}
	request := c.verifyRequest(now, clientAt, &h)
	cookie := request[len(request)-cookieSize:]
	again := func(change func(b []byte), at netip.AddrPort, when time.Time) bool {
		b := helloOf(1, cookie, suiteECDSAGCM)
		if change != nil {
			change(b)
		}
		h, ok := parseStranger(b)
		return ok && c.good(when, at, &h)
	}
	if !again(nil, clientAt, now) || !again(nil, clientAt, now.Add(cookieAge)) {
		t.Error("the cookie is not good")
	}
	for name, good := range map[string]bool{
		"another port":    again(nil, netip.AddrPortFrom(clientAt.Addr(), 1), now),
		"another address": again(nil, netip.MustParseAddrPort("192.0.2.2:4000"), now),
		"late":            again(nil, clientAt, now.Add(2*cookieAge)),
		"early":           again(nil, clientAt, now.Add(-2*cookieAge)),
		"another random":  again(func(b []byte) { b[recordHeader+handshakeHeader+5] ^= 1 }, clientAt, now),
		"another cookie":  again(func(b []byte) { b[recordHeader+handshakeHeader+36] ^= 1 }, clientAt, now),
		"other suites":    again(func(b []byte) { b[len(b)-3] ^= 1 }, clientAt, now),
	} {
		if good {
			t.Errorf("%s: the cookie is good", name)
		}
	}
}

// What is not protected does not end a connection (R-DTLS-2): alerts, data, hellos without a cookie, and nonsense.
func TestAcceptorIgnoresWhatIsForged(t *testing.T) {
	w := newAcceptorWorld(t, false)
	conn, err := w.connect()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	next(t, w.received)
	forged := func(kind uint8, epoch uint64, content ...byte) []byte {
		b := make([]byte, recordHeader, 100)
		putRecordHeader(b, kind, epoch<<48|99, len(content))
		return append(b, content...)
	}
	w.mu.Lock()
	for _, b := range [][]byte{
		forged(contentAlert, 0, 2, 40), forged(contentAlert, 0, 1, 0), forged(contentData, 0, 1, 2, 3), forged(contentData, 1, make([]byte, 40)...),
		forged(contentAlert, 1, make([]byte, 40)...), forged(contentHandshake, 1, make([]byte, 60)...), forged(contentHandshake, 0, make([]byte, 60)...),
		helloOf(0, nil, suiteECDSAGCM), helloOf(1, make([]byte, cookieSize), suiteECDSAGCM),
		{1, 2, 3},
		nil, bytes.Repeat([]byte{0xff}, 100),
	} {
		w.acceptor.Handle(time.Now(), b, clientAt)
	}
	w.mu.Unlock()
	if _, err := conn.Write([]byte("still here")); err != nil {
		t.Fatal(err)
	}
	if got := next(t, w.received); got != "still here" {
		t.Errorf("%q came", got)
	}
	if s := w.stats(); s.Clients != 1 {
		t.Errorf("counted %+v", s)
	}
}

// A client is silent for as long as it is kept, and no longer than strangers may be otherwise; who does not finish the handshake is gone sooner.
func TestAcceptorExpires(t *testing.T) {
	w := newAcceptorWorld(t, false)
	conn, err := w.connect()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	next(t, w.received)
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	w.acceptor.Keep(clientAt)
	w.acceptor.check(now.Add(time.Hour))
	if len(w.acceptor.clients) != 1 {
		t.Error("a client that is kept was dropped")
	}
	w.acceptor.Release(now, clientAt)
	w.acceptor.check(now.Add(strangerTime))
	if len(w.acceptor.clients) != 1 {
		t.Error("a client was dropped too soon")
	}
	w.acceptor.check(now.Add(strangerTime + time.Second))
	if len(w.acceptor.clients) != 0 || len(w.closed) != 1 {
		t.Error("a silent client was not dropped")
	}
}

// Who offers nothing that is spoken here is told, once its address is its own.
func TestAcceptorRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		version, suite uint16
		description    byte
	}{
		"DTLS 1.0":  {version10, 0xc00a, 70},
		"CBC alone": {version12, 0xc00a, 40},
		"RSA alone": {version12, suiteRSAGCM, 40},
	} {
		w := newAcceptorWorld(t, false)
		hello := func(seq uint16, cookie []byte) []byte {
			b := helloOf(seq, cookie, test.suite)
			binary.BigEndian.PutUint16(b[recordHeader+handshakeHeader:], test.version)
			return b
		}
		now := time.Now()
		w.mu.Lock()
		w.acceptor.Handle(now, hello(0, nil), clientAt)
		request := w.sent[0]
		w.acceptor.Handle(now, hello(1, request[len(request)-cookieSize:]), clientAt)
		w.mu.Unlock()
		if got := w.sent[len(w.sent)-1]; !bytes.Equal(got, []byte{contentAlert, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2, 2, test.description}) {
			t.Errorf("%s: % x", name, got)
		}
		if s := w.stats(); s.Refused != 1 || s.Clients != 0 {
			t.Errorf("%s: counted %+v", name, s)
		}
	}
}

// The reader of hellos takes anything.
func FuzzStranger(f *testing.F) {
	f.Add(helloOf(0, nil, suiteECDSAGCM))
	f.Add(helloOf(1, make([]byte, cookieSize), suiteRSAChaCha20, suiteECDSAGCM))
	c, _ := newCookies(rand.Reader)
	f.Fuzz(func(t *testing.T, b []byte) {
		h, ok := parseStranger(b)
		if !ok {
			return
		}
		_ = pickSuite(&h, true)
		_ = c.good(time.Unix(1, 0), clientAt, &h)
		if hello := h.forLibrary(); len(hello) > len(h.body)+handshakeHeader+2 || !bytes.HasSuffix(h.onWire(), h.body) {
			t.Errorf("a hello of %d bytes becomes %d", len(h.body), len(hello))
		}
	})
}

// RFC 7301 section 3.2: one of those that the client offers is agreed on, or nothing is. Who offers nothing is not asked.
func TestAcceptorProtocols(t *testing.T) {
	for offered, ok := range map[string]bool{"": true, "other,stun.turn": true, "other": false} {
		t.Run(offered, func(t *testing.T) {
			w := newAcceptorWorld(t, false)
			c := &pion.Config{}
			if offered != "" {
				c.SupportedProtocols = strings.Split(offered, ",")
			}
			conn, err := w.connectWith(c)
			if (err == nil) != ok {
				t.Fatalf("connected: %v", err)
			}
			if err == nil {
				conn.Close()
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			if told := bytes.Contains(slices.Concat(w.sent...), []byte("\x00\x10\x00\x0c\x00\x0a\x09stun.turn")); told != (ok && offered != "") {
				t.Errorf("told: %v", told)
			}
		})
	}
}

// A client takes no record number twice, so a server that asked for a cookie with one must not answer with the same (RFC 6347 section 4.2.1): that answer
// would be lost, and the handshake a second late.
func TestAcceptorRecordNumbers(t *testing.T) {
	w := newAcceptorWorld(t, false)
	conn, err := w.connect()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	w.mu.Lock()
	defer w.mu.Unlock()
	seen := map[uint64]bool{}
	for _, datagram := range w.sent {
		for r, rest, ok := nextRecord(datagram); ok; r, rest, ok = nextRecord(rest) {
			number := binary.BigEndian.Uint64(r.raw[3:])
			if seen[number] {
				t.Errorf("the number %d of epoch %d is there twice", number&(1<<48-1), r.epoch)
			}
			seen[number] = true
		}
	}
	if len(seen) < 3 {
		t.Errorf("%d records were sent", len(seen))
	}
}
