package dtls

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	pion "github.com/pion/dtls/v2"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// loop stands in for the worker's loop: one goroutine runs what is posted.
type loop struct {
	mu     sync.Mutex
	wake   sync.Cond
	posted []func(now time.Time)
	closed bool
}

func newLoop() *loop {
	l := &loop{}
	l.wake.L = &l.mu
	go l.run()
	return l
}

func (l *loop) post(f func(now time.Time)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.posted = append(l.posted, f)
	l.wake.Signal()
}

func (l *loop) run() {
	for {
		l.mu.Lock()
		for len(l.posted) == 0 && !l.closed {
			l.wake.Wait()
		}
		batch := l.posted
		l.posted = nil
		l.mu.Unlock()
		if len(batch) == 0 {
			return
		}
		for _, f := range batch {
			f(time.Now())
		}
	}
}

// do runs f on the loop and waits for it.
func (l *loop) do(f func(now time.Time)) {
	done := make(chan struct{})
	l.post(func(now time.Time) { f(now); close(done) })
	<-done
}

func (l *loop) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.wake.Signal()
}

func (l *loop) timer(at time.Time, f func(now time.Time)) (stop func()) {
	stopped := false // on the loop
	t := time.AfterFunc(time.Until(at), func() {
		l.post(func(now time.Time) {
			if !stopped {
				f(now)
			}
		})
	})
	return func() { stopped = true; t.Stop() }
}

// world is one association with its loop, and the path to its peer. It lives in a synctest bubble or outside.
type world struct {
	*loop
	t        testing.TB
	a        *Association
	cert     *Certificate
	counters Counters
	limiter  *Limiter

	// What the association said, on the loop.
	events []string
	keys   Keys
	reason error
	sentAt []time.Time

	// Filters of the path, called on the loop: one datagram in, any number out. Nil passes.
	toPeer, toUs func(b []byte) [][]byte
	peer         *peer
}

var (
	certsOnce        sync.Once
	ourCert, aCert   *Certificate
	strangersCert    *Certificate
	testCertificates = func() {
		for _, c := range []**Certificate{&ourCert, &aCert, &strangersCert} {
			var err error
			if *c, err = NewCertificate(rand.Reader, time.Now()); err != nil {
				panic(err)
			}
		}
	}
)

func newWorld(t testing.TB, change ...func(*Config)) *world {
	return newWorldOn(newLoop(), t, change...)
}

// newWorldOn makes an association that shares a loop with others.
func newWorldOn(l *loop, t testing.TB, change ...func(*Config)) *world {
	certsOnce.Do(testCertificates)
	w := &world{loop: l, t: t, cert: ourCert, limiter: NewLimiter(MaxHandshakes)}
	cfg := Config{
		Certificate: ourCert, Events: w, Post: w.post, Send: w.send, Timer: w.timer,
		Limiter: w.limiter, Counters: &w.counters,
	}
	for _, f := range change {
		f(&cfg)
	}
	w.a = New(cfg)
	return w
}

func (w *world) DTLSConnecting(time.Time) { w.events = append(w.events, "connecting") }
func (w *world) DTLSConnected(_ time.Time, k Keys) {
	w.events, w.keys = append(w.events, "connected"), k
}
func (w *world) DTLSClosed(time.Time) { w.events = append(w.events, "closed") }
func (w *world) DTLSFailed(_ time.Time, reason error) {
	w.events, w.reason = append(w.events, "failed"), reason
}

// send is Config.Send.
func (w *world) send(now time.Time, b []byte) {
	w.sentAt = append(w.sentAt, now)
	b = bytes.Clone(b)
	for _, b := range through(w.toPeer, b) {
		if w.peer != nil {
			w.peer.mail.Put(b)
		}
	}
}

// receive is a datagram from the peer's side of the path.
func (w *world) receive(b []byte) {
	b = bytes.Clone(b)
	w.post(func(now time.Time) {
		for _, b := range through(w.toUs, b) {
			w.a.Handle(now, b)
		}
	})
}

func through(filter func([]byte) [][]byte, b []byte) [][]byte {
	if filter == nil {
		return [][]byte{b}
	}
	return filter(b)
}

// start starts the association on the loop, with the fingerprints of the usual peer.
func (w *world) start(role Role, remote ...Fingerprint) {
	w.t.Helper()
	if remote == nil {
		remote = aCert.Fingerprints()[2:3]
	}
	w.do(func(now time.Time) {
		if err := w.a.Start(now, role, remote); err != nil {
			w.t.Errorf("Start: %v", err)
		}
		w.a.Ready(now)
	})
}

// close ends the world and everything in it, in a bubble.
func (w *world) close() {
	w.do(func(now time.Time) { w.a.Close(now) })
	if w.peer != nil {
		w.peer.close()
	}
	time.Sleep(time.Second) // the library may wait for a flight interval before it ends
	w.loop.close()
}

func (w *world) expectEvents(want ...string) {
	w.t.Helper()
	w.do(func(time.Time) {
		if !slices.Equal(w.events, want) {
			w.t.Errorf("events %v, want %v (reason %v)", w.events, want, w.reason)
		}
	})
}

// dropped returns a counter.
func (w *world) dropped(d Drop) (n uint64) {
	w.do(func(time.Time) { n = w.counters.Dropped(d) })
	return n
}

// peer is the other end: the library as it is, on a mailbox.
type peer struct {
	mail  *carrier
	suite *chacha20
	conn  *pion.Conn
	err   error
	done  chan struct{} // the handshake is over
	run   func()
}

// peerConfig says how a peer differs from a usual one.
type peerConfig struct {
	cert     *Certificate
	profiles []pion.SRTPProtectionProfile
	gcm      bool // offer only the library's AES-GCM
	noSRTP   bool
	cookie   bool     // as server, ask for the ClientHello again
	alpn     []string // makes the ClientHello as long as one likes
}

var gcmProfile = []pion.SRTPProtectionProfile{pion.SRTP_AEAD_AES_128_GCM}

// connect makes a peer in the other role and lets it begin.
func (w *world) connect(ours Role, pc peerConfig) *peer {
	p := w.newPeer(ours, pc)
	w.do(func(time.Time) { w.peer = p })
	go p.run()
	return p
}

func (w *world) newPeer(ours Role, pc peerConfig) *peer {
	p := &peer{done: make(chan struct{}), suite: &chacha20{}}
	p.mail = newCarrier(w.receive)
	if pc.cert == nil {
		pc.cert = aCert
	}
	if pc.profiles == nil && !pc.noSRTP {
		pc.profiles = gcmProfile
	}
	config := &pion.Config{
		Certificates:            []tls.Certificate{pc.cert.pair},
		ClientAuth:              pion.RequireAnyClientCert,
		InsecureSkipVerify:      true,
		InsecureSkipVerifyHello: !pc.cookie,
		SRTPProtectionProfiles:  pc.profiles,
		SupportedProtocols:      pc.alpn,
		LoggerFactory:           silence{},
		VerifyPeerCertificate: func(raw [][]byte, _ [][]*x509.Certificate) error {
			if !bytes.Equal(raw[0], w.cert.pair.Certificate[0]) {
				return errors.New("not our certificate")
			}
			return nil
		},
	}
	if pc.gcm {
		config.CipherSuites = []pion.CipherSuiteID{suiteGCM128}
	} else {
		config.CipherSuites = []pion.CipherSuiteID{}
		config.CustomCipherSuites = func() []pion.CipherSuite { return []pion.CipherSuite{p.suite} }
	}
	connect := pion.ClientWithContext
	if ours == Client {
		connect = pion.ServerWithContext
	}
	p.run = func() {
		ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
		defer cancel()
		p.conn, p.err = connect(ctx, p.mail, config)
		if p.err == nil {
			p.mail.connect(func() {})
		}
		close(p.done)
	}
	return p
}

// close ends the peer without a word to us.
func (p *peer) close() {
	_ = p.mail.Close()
	<-p.done
	if p.conn != nil {
		_ = p.conn.Close()
	}
}

// export is what the peer would key SRTP with.
func (p *peer) export(length int) ([]byte, error) {
	if p.suite.IsInitialized() {
		return p.suite.export(length)
	}
	state := p.conn.ConnectionState()
	return state.ExportKeyingMaterial(exporterLabel, nil, length)
}

// read returns the next message the peer gets.
func (p *peer) read() (string, error) {
	b := make([]byte, 2000)
	n, err := p.conn.Read(b)
	return string(b[:n]), err
}

// expectConnected waits for the peer, and checks that both ends have the same keys the right way round.
func (w *world) expectConnected(p *peer, profile Profile) {
	w.t.Helper()
	<-p.done
	if p.err != nil {
		w.t.Fatalf("peer: %v", p.err)
	}
	// On a lossy path our end may be connected later.
	for range 300 {
		synctest.Wait()
		state := StateNew
		if w.do(func(time.Time) { state = w.a.State() }); state != StateConnecting {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	w.expectEvents("connecting", "connected")
	if w.keys.Profile != profile {
		w.t.Errorf("profile %#x, want %#x", w.keys.Profile, profile)
	}
	theirs := Server
	if w.a.Role() == Server {
		theirs = Client
	}
	k, err := srtpKeys(profile, theirs, p.export)
	if err != nil {
		w.t.Fatal(err)
	}
	same := bytes.Equal(k.LocalKey, w.keys.RemoteKey) && bytes.Equal(k.RemoteKey, w.keys.LocalKey) &&
		bytes.Equal(k.LocalSalt, w.keys.RemoteSalt) && bytes.Equal(k.RemoteSalt, w.keys.LocalSalt)
	if !same || len(k.LocalKey) == 0 || bytes.Equal(k.LocalKey, k.RemoteKey) {
		w.t.Errorf("keys differ: ours %+v, theirs %+v", w.keys, k)
	}
	if want := certificatePEM(aCert.pair.Certificate[0]); w.keys.RemoteCertificatePEM != want {
		w.t.Errorf("certificate %q", w.keys.RemoteCertificatePEM)
	}
}

// expectTraffic sends application data both ways.
func (w *world) expectTraffic(p *peer) {
	w.t.Helper()
	var data net.Conn
	w.do(func(time.Time) { data = w.a.Data() })
	if data == nil {
		w.t.Fatal("no data conn")
	}
	for i := range 3 {
		out := fmt.Sprintf("message %d", i)
		if _, err := data.Write([]byte(out)); err != nil {
			w.t.Errorf("Write: %v", err)
		}
		if got, err := p.read(); err != nil || got != out {
			w.t.Errorf("peer read %q, %v, want %q", got, err, out)
		}
		if _, err := p.conn.Write([]byte(out)); err != nil {
			w.t.Errorf("peer's Write: %v", err)
		}
		b := make([]byte, 100)
		n, err := data.Read(b)
		if err != nil || string(b[:n]) != out {
			w.t.Errorf("Read = %q, %v, want %q", b[:n], err, out)
		}
	}
}

func withData(c *Config) { c.Data = true }
