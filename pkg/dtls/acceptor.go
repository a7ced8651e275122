package dtls

import (
	"crypto/rsa"
	"crypto/tls"
	"io"
	"net/netip"
	"time"
)

// Bounds of an Acceptor.
const (
	maxAccepted   = 4096 // clients
	maxGreeting   = 128  // clients whose handshake is not over
	greetingTime  = 10 * time.Second
	strangerTime  = 30 * time.Second // how long a client may be silent that its owner does not keep
	acceptorCheck = time.Second
)

// AcceptorConfig is what an Acceptor is made of. Functions are called on the loop.
type AcceptorConfig struct {
	Certificate func() *tls.Certificate
	Protocols   []string // of ALPN (RFC 7301); who offers others only is refused
	Random      io.Reader
	Post        func(f func(now time.Time))
	Timer       func(at time.Time, f func(now time.Time)) (stop func())
	Send        func(datagram []byte, to netip.AddrPort)
	Received    func(now time.Time, from netip.AddrPort, message []byte) // borrowed
	Closed      func(now time.Time, from netip.AddrPort)
}

// Acceptor is a DTLS server for clients on one UDP socket, whoever they are: TURN's. Nothing is kept of a client before it has shown, by a cookie,
// that its address is its own. It belongs to the loop.
type Acceptor struct {
	cfg      AcceptorConfig
	cookies  cookies
	clients  map[netip.AddrPort]*accepted
	greeting int
	stop     func() // of the timer; nil while there are no clients
	stats    AcceptorStats
}

// AcceptorStats counts what an Acceptor did.
type AcceptorStats struct {
	Clients                               int
	Challenged, Accepted, Failed, Refused uint64
	Dropped                               uint64 // datagrams that are no DTLS of a client's
}

// NewAcceptor makes one. The error is that of Random.
func NewAcceptor(cfg AcceptorConfig) (*Acceptor, error) {
	c, err := newCookies(cfg.Random)
	return &Acceptor{cfg: cfg, cookies: c, clients: make(map[netip.AddrPort]*accepted)}, err
}

// Stats returns the counters.
func (a *Acceptor) Stats() AcceptorStats {
	s := a.stats
	s.Clients = len(a.clients)
	return s
}

// Handle takes a datagram from the socket, borrowed.
func (a *Acceptor) Handle(now time.Time, datagram []byte, from netip.AddrPort) {
	client := a.clients[from]
	if h, ok := parseStranger(datagram); ok && (client == nil || client.connected || h.seq != client.suite.shift) {
		a.hello(now, &h, from, client)
		return
	}
	if client == nil {
		a.stats.Dropped++
		return
	}
	client.handle(now, datagram)
}

// hello is answered with a cookie until it brings one. A client that is known may begin anew: "the server MUST NOT destroy the existing association
// until the client has demonstrated reachability" (RFC 6347 section 4.2.8).
func (a *Acceptor) hello(now time.Time, h *stranger, from netip.AddrPort, client *accepted) {
	certificate := a.cfg.Certificate()
	if certificate == nil {
		a.stats.Refused++
		return
	}
	if !a.cookies.good(now, from, h) {
		a.stats.Challenged++
		a.cfg.Send(a.cookies.verifyRequest(now, from, h), from)
		return
	}
	_, isRSA := certificate.PrivateKey.(*rsa.PrivateKey)
	suite := pickSuite(h, isRSA)
	if suite == 0 || h.seq == 0 {
		a.stats.Refused++
		a.cfg.Send(h.refusal(), from)
		return
	}
	if client != nil {
		a.drop(now, client)
	}
	if len(a.clients) >= maxAccepted || a.greeting >= maxGreeting {
		a.stats.Refused++
		return
	}
	a.greeting++
	c := newAccepted(now, a, from, h, suite, isRSA, certificate)
	a.clients[from] = c
	if a.stop == nil {
		a.stop = a.cfg.Timer(now.Add(acceptorCheck), a.check)
	}
	c.start()
}

// Write sends a message to a client, and returns false if there is no such client or it is too slow. It does not block.
func (a *Acceptor) Write(message []byte, to netip.AddrPort) bool {
	c := a.clients[to]
	return c != nil && c.connected && c.write(message)
}

// Keep lets a client be silent for as long as its owner likes, Release not any more.
func (a *Acceptor) Keep(from netip.AddrPort) {
	if c := a.clients[from]; c != nil {
		c.kept = true
	}
}

// Release ends what Keep began.
func (a *Acceptor) Release(now time.Time, from netip.AddrPort) {
	if c := a.clients[from]; c != nil {
		c.kept, c.heardAt = false, now
	}
}

// check ends clients that are silent.
func (a *Acceptor) check(now time.Time) {
	for _, c := range a.clients {
		if c.expired(now) {
			a.drop(now, c)
		}
	}
	if a.stop = nil; len(a.clients) > 0 {
		a.stop = a.cfg.Timer(now.Add(acceptorCheck), a.check)
	}
}

// drop ends a client.
func (a *Acceptor) drop(now time.Time, c *accepted) {
	if a.clients[c.from] != c {
		return
	}
	delete(a.clients, c.from)
	if !c.connected {
		a.greeting--
	}
	c.close()
	if c.connected {
		a.cfg.Closed(now, c.from)
	}
}

// Close ends all clients, and tells nobody.
func (a *Acceptor) Close() {
	for _, c := range a.clients {
		c.close()
	}
	clear(a.clients)
	if a.stop != nil {
		a.stop()
		a.stop = nil
	}
}
