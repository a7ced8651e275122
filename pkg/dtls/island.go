package dtls

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"sync/atomic"
	"time"

	"gazpacho/pkg/mailbox"

	pion "github.com/pion/dtls/v2"
)

const (
	// flightInterval is when an unanswered flight is sent again: a path that loses a packet should not
	// cost the library's second. It does not back off.
	flightInterval = 150 * time.Millisecond
	// fragmentBody leaves room, in 1200 bytes of datagram, for the headers the library forgets to count.
	fragmentBody = 1150
	// gcmRecords is how many records one key may protect where the nonces are random: two of 2^24 are
	// equal with odds of 2^-17 (R-DTLS-7).
	gcmRecords = 1 << 24
)

// island is one connection of the library, with the goroutines that run it. It knows the loop by Post alone:
// it touches nothing of Association and attempt, but passes them on to what it posts.
type island struct {
	// Passed in.
	owner    *Association
	attempt  *attempt
	post     func(func(now time.Time))
	role     Role
	remote   []digest
	wantData bool
	budget   int // records one key may protect where the nonces are random
	counters *Counters

	// Owned.
	mail   *carrier // what the peer sent
	out    *mailbox.Outbox
	config *pion.Config
	suite  *chacha20 // nil when the suite is the library's
	ctx    context.Context
	cancel context.CancelFunc

	// State, of the island's goroutines.
	peer     []byte // the certificate that matched a fingerprint
	sealed   int    // records protected; the library's connection guards it
	farewell bool   // so is the alert beyond the budget
	spent    atomic.Bool
}

func newIsland(a *Association, at *attempt) *island {
	i := &island{
		owner: a, attempt: at, post: a.cfg.Post, role: a.role, remote: a.remote,
		wantData: a.cfg.Data, budget: a.gcmRecords, counters: a.cfg.Counters,
	}
	i.ctx, i.cancel = context.WithCancel(context.Background())
	i.mail = newCarrier(i.send)
	i.out = mailbox.NewOutbox(i.post, at.outgoing)
	i.config = &pion.Config{
		Certificates:            []tls.Certificate{a.cfg.Certificate.pair},
		ClientAuth:              pion.RequireAnyClientCert,
		InsecureSkipVerify:      true, // there is no authority: verify compares fingerprints
		InsecureSkipVerifyHello: true, // ICE has verified the address
		VerifyPeerCertificate:   i.verify,
		FlightInterval:          flightInterval,
		MTU:                     fragmentBody,
		LoggerFactory:           silence{},
	}
	i.offer(at.hello, a.cfg.Profiles)
	return i
}

// offer sets cipher suites and SRTP profiles. A server is set to exactly what it will choose, because the library
// would follow the client's order: hello was found acceptable before.
func (i *island) offer(hello *clientHello, preferred []Profile) {
	gcm := []pion.CipherSuiteID{suiteGCM128}
	if hello == nil {
		i.useChaCha20()
		i.config.CipherSuites = gcm // after ours
		for _, p := range preferred {
			i.config.SRTPProtectionProfiles = append(i.config.SRTPProtectionProfiles, pion.SRTPProtectionProfile(p))
		}
		return
	}
	if hello.chacha20 {
		i.useChaCha20()
		i.config.CipherSuites = []pion.CipherSuiteID{} // nil would be the library's default
	} else {
		i.config.CipherSuites = gcm
	}
	p, _ := hello.choose(preferred)
	i.config.SRTPProtectionProfiles = []pion.SRTPProtectionProfile{pion.SRTPProtectionProfile(p)}
}

func (i *island) useChaCha20() {
	i.suite = &chacha20{}
	// The library asks several times, and must always get the one it gives the keys to.
	i.config.CustomCipherSuites = func() []pion.CipherSuite { return []pion.CipherSuite{i.suite} }
}

func (i *island) start() { go i.run() }

// run is the beginning of the island's life: the library's goroutines are the rest. Every attempt posts
// handshakeOver once, and then ended if it was connected.
func (i *island) run() {
	conn, keys, err := i.handshake()
	out := outcome{keys: keys}
	if err == nil && !i.wantData {
		out.remnant, err = i.leave(conn)
	}
	if err != nil || !i.wantData {
		i.cancel()
		_ = i.mail.Close()
		i.post(func(now time.Time) { i.owner.handshakeOver(now, i.attempt, out, err) })
		return
	}
	data := mailbox.New(func(b []byte) { _, _ = conn.Write(b) })
	data.Grow(mailbox.Bulk)
	i.mail.Grow(mailbox.Bulk)
	out.data = data
	i.post(func(now time.Time) { i.owner.handshakeOver(now, i.attempt, out, nil) })
	i.mail.connect(i.over)
	// Close says close_notify, unless the peer did, and waits for the library's goroutines.
	context.AfterFunc(i.ctx, func() { _ = conn.Close() })
	i.readData(conn, data)
}

// over hears that the library has closed the connection.
func (i *island) over() {
	var reason error
	if i.spent.Load() {
		reason = ErrRecordBudget
	}
	i.post(func(now time.Time) { i.owner.ended(now, i.attempt, reason) })
	i.cancel()
}

// readData moves application data on until the connection is over. The library reads nothing more, not even a
// close_notify, while it has data nobody takes: so it is always taken, and dropped if need be.
func (i *island) readData(conn *pion.Conn, data *mailbox.Conn) {
	b := make([]byte, mailbox.MaxDatagram)
	for {
		n, err := conn.Read(b)
		if errors.Is(err, io.EOF) {
			_ = data.Close()
			return
		}
		if err == nil && !data.Put(b[:n]) { // other errors are about one record
			i.counters.unread.Add(1)
		}
	}
}

func (i *island) handshake() (*pion.Conn, Keys, error) {
	connect := pion.ServerWithContext
	if i.role == Client {
		connect = pion.ClientWithContext
	}
	conn, err := connect(i.ctx, i.mail, i.config)
	i.config = nil // the library has its own copy of what it needs
	if err != nil {
		return nil, Keys{}, err
	}
	keys, err := i.keys(conn)
	if err != nil {
		_ = conn.Close()
		return nil, Keys{}, err
	}
	return conn, keys, nil
}

// keys exports the SRTP keys, of a connection whose peer is verified (R-DTLS-5).
func (i *island) keys(conn *pion.Conn) (Keys, error) {
	if i.peer == nil {
		return Keys{}, ErrFingerprint
	}
	var export exporter
	if i.suite != nil && i.suite.IsInitialized() {
		export = i.suite.export
	} else {
		state := conn.ConnectionState()
		export = func(length int) ([]byte, error) {
			return state.ExportKeyingMaterial(exporterLabel, nil, length)
		}
	}
	profile, _ := conn.SelectedSRTPProtectionProfile()
	keys, err := srtpKeys(Profile(profile), i.role, export)
	keys.RemoteCertificatePEM = certificatePEM(i.peer)
	return keys, err
}

// verify is asked by the library once the peer has proven to own the certificate's key, and before keys are
// derived. It must say yes for the handshake to go on. As server, that proof is a signature over the
// whole handshake so far, so it does not matter that the library ignores what the client's Finished says.
func (i *island) verify(certificates [][]byte, _ [][]*x509.Certificate) error {
	if len(certificates) == 0 || !matches(certificates[0], i.remote) {
		return ErrFingerprint
	}
	i.peer = certificates[0]
	return nil
}

// send passes a datagram on to the loop. The library calls it from one goroutine at a time.
func (i *island) send(b []byte) {
	if !i.spend(b) && !i.out.Put(b) {
		i.counters.unposted.Add(1)
	}
}

// spend counts the protected records of a datagram against the budget, and tells whether it must not be sent:
// the connection ends then. The alert that says so is the one record beyond.
func (i *island) spend(b []byte) bool {
	if i.suite != nil && i.suite.IsInitialized() {
		return false // its nonces never repeat
	}
	alert := false
	for {
		r, rest, ok := nextRecord(b)
		if !ok {
			break
		}
		if r.epoch > 0 {
			i.sealed++
			alert = r.kind == contentAlert
		}
		b = rest
	}
	if i.sealed < i.budget {
		return false
	}
	if alert && !i.farewell {
		i.farewell = true
		return false
	}
	i.spent.Store(true)
	i.cancel()
	return true
}
