package dtls

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"net/netip"
	"time"

	pion "github.com/pion/dtls/v2"

	"gazpacho/pkg/mailbox"
)

const (
	// acceptedQueue is how many messages may wait to be sealed for one client.
	acceptedQueue = 128
	// maxAcceptedMessage is the longest message that is read.
	maxAcceptedMessage = 2048
)

// accepted is one client of an Acceptor: the library's server for it, which lives in goroutines, and what stands between the two.
type accepted struct {
	// Passed in.
	owner *Acceptor
	from  netip.AddrPort
	suite *standIn
	first uint64 // number of our first record

	// Owned.
	config  *pion.Config
	mail    *mailbox.Conn // what the client sent, for the library
	in, out *mailbox.Outbox
	queue   chan []byte
	ctx     context.Context
	cancel  context.CancelFunc

	// State, of the loop.
	connected, keyed, kept bool
	startedAt, heardAt     time.Time
	record                 uint64   // of the records we make for the library
	held                   [][]byte // what is protected, until there are keys
}

func newAccepted(now time.Time, a *Acceptor, from netip.AddrPort, h *stranger, suite uint16, isRSA bool, certificate *tls.Certificate) *accepted {
	c := &accepted{owner: a, from: from, first: h.record, startedAt: now, heardAt: now, queue: make(chan []byte, acceptedQueue)}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.suite = &standIn{wire: suite, rsa: isRSA, shift: h.seq, hello: h.forLibrary(), real: h.onWire()}
	c.suite.keyed = func() { a.cfg.Post(func(time.Time) { c.release() }) }
	c.in = mailbox.NewOutbox(a.cfg.Post, c.received)
	c.out = mailbox.NewOutbox(a.cfg.Post, func(_ time.Time, b []byte) { a.cfg.Send(b, c.from) })
	c.mail = mailbox.New(c.toWire)
	c.config = &pion.Config{
		Certificates: []tls.Certificate{*certificate}, InsecureSkipVerifyHello: true, // we have verified it
		SupportedProtocols: a.cfg.Protocols,
		CipherSuites:       []pion.CipherSuiteID{}, CustomCipherSuites: func() []pion.CipherSuite { return []pion.CipherSuite{c.suite} },
		FlightInterval: flightInterval, MTU: fragmentBody, LoggerFactory: silence{},
	}
	return c
}

func (c *accepted) start() {
	c.put(contentHandshake, c.suite.hello)
	go c.run()
}

// run is the life of the library's server.
func (c *accepted) run() {
	ctx, cancel := context.WithTimeout(c.ctx, greetingTime)
	defer cancel()
	conn, err := pion.ServerWithContext(ctx, c.mail, c.config)
	if err != nil {
		_ = c.mail.Close()
		c.owner.cfg.Post(func(now time.Time) { c.over(now, false) })
		return
	}
	c.owner.cfg.Post(func(time.Time) { c.open() })
	go c.writeQueue(conn)
	b := make([]byte, maxAcceptedMessage)
	for {
		n, err := conn.Read(b)
		if err != nil {
			break
		}
		c.in.Put(b[:n])
	}
	_ = conn.Close()
	c.cancel()
	c.owner.cfg.Post(func(now time.Time) { c.over(now, true) })
}

// writeQueue seals messages, until the client is gone.
func (c *accepted) writeQueue(conn *pion.Conn) {
	for {
		select {
		case m := <-c.queue:
			if _, err := conn.Write(m); err != nil {
				return
			}
		case <-c.ctx.Done():
			_ = conn.Close()
			return
		}
	}
}

// open is told that the handshake is done.
func (c *accepted) open() {
	a := c.owner
	if a.clients[c.from] == c && !c.connected {
		c.connected = true
		a.greeting--
		a.stats.Accepted++
	}
}

// over is told that the library's server has ended.
func (c *accepted) over(now time.Time, was bool) {
	if !was {
		c.owner.stats.Failed++
	}
	c.owner.drop(now, c)
}

// received takes a message from the client.
func (c *accepted) received(now time.Time, message []byte) {
	if c.owner.clients[c.from] == c {
		c.heardAt = now
		c.owner.cfg.Received(now, c.from, message)
	}
}

func (c *accepted) write(message []byte) bool {
	select {
	case c.queue <- bytes.Clone(message):
		return true
	default:
		return false
	}
}

func (c *accepted) expired(now time.Time) bool {
	if !c.connected {
		return now.Sub(c.startedAt) > greetingTime
	}
	return !c.kept && now.Sub(c.heardAt) > strangerTime
}

func (c *accepted) close() {
	c.cancel()
	_ = c.mail.Close() // always nil
}

// handle leads records of the client to the library, each by itself. Before there are keys a client says ClientKeyExchange and nothing else that
// is not protected; what is neither is dropped, for the library would end the connection (R-DTLS-2).
func (c *accepted) handle(now time.Time, datagram []byte) {
	for {
		r, rest, ok := nextRecord(datagram)
		if !ok {
			return
		}
		datagram = rest
		switch {
		case r.epoch == 1 || r.epoch == 0 && r.kind == contentChangeCipherSpec && len(r.fragment()) == 1 && r.fragment()[0] == 1:
			c.protected(r)
		case r.epoch == 0 && r.kind == contentHandshake && !c.connected:
			c.plain(r)
		default:
			c.owner.stats.Dropped++
		}
	}
}

func (c *accepted) protected(r record) {
	switch {
	case c.keyed:
		c.mail.Put(r.raw)
	case len(c.held) <= maxHeld:
		c.held = append(c.held, bytes.Clone(r.raw))
	}
}

// release hands on what was held.
func (c *accepted) release() {
	c.keyed = true
	for _, raw := range c.held {
		c.mail.Put(raw)
	}
	c.held = nil
}

// plain hands on handshake messages: the hello again, if the client did not get the answer, and ClientKeyExchange.
func (c *accepted) plain(r record) {
	for b := r.fragment(); len(b) > 0; {
		f, rest, ok := nextFragment(b)
		if !ok || len(f.data) != f.length {
			return
		}
		message := bytes.Clone(b[:len(b)-len(rest)])
		b = rest
		switch {
		case f.kind == typeClientHello && f.seq == c.suite.shift:
			c.put(contentHandshake, c.suite.hello)
		case f.kind == typeClientKeyExchange && f.seq == c.suite.shift+1 && parses(message):
			renumber(message, -c.suite.shift)
			c.put(contentHandshake, message)
		}
	}
}

// put makes a record of a message for the library.
func (c *accepted) put(kind uint8, message []byte) {
	b := make([]byte, recordHeader, recordHeader+len(message))
	putRecordHeader(b, kind, c.record, len(message))
	c.record++
	c.mail.Put(append(b, message...))
}

// toWire sends a datagram of the library's, by its goroutines.
func (c *accepted) toWire(datagram []byte) {
	b := bytes.Clone(datagram)
	for rest := b; ; {
		r, next, ok := nextRecord(rest)
		if !ok {
			break
		}
		rest = next
		if r.epoch != 0 {
			continue
		}
		c.number(r)
		if r.kind == contentHandshake && len(r.fragment()) >= handshakeHeader {
			c.suite.toWire(r.fragment())
		}
	}
	c.out.Put(b)
}

// number raises the number of a record before there are keys: that of the hello is the first, since lower ones are spent on asking for cookies, and a
// client takes no number twice (RFC 6347 section 4.2.1).
func (c *accepted) number(r record) {
	const most = 1<<48 - 1 // the epoch is above
	n := binary.BigEndian.Uint64(r.raw[3:])
	binary.BigEndian.PutUint64(r.raw[3:], (n+c.first)&most)
}
