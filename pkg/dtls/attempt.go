package dtls

import (
	"bytes"
	"net"
	"time"
)

const (
	// stall is how long an attempt may stand still before another ClientHello takes its place.
	stall = time.Second
	// chunk is how much of a handshake message goes into one record for the library.
	chunk = 1200
	// maxHeld is how many records may be ahead of ChangeCipherSpec: a Finished, and a copy of it. So many alerts
	// may be ahead of the remnant.
	maxHeld = 2
)

// attempt is the loop's side of one handshake, and of the connection it becomes. What the peer sends
// reaches the island in the order the RFC gives it: plaintext handshake messages, ChangeCipherSpec,
// protected records. So the library never has to keep a record for later, which it does in a buffer
// that is given to others meanwhile.
type attempt struct {
	// Passed in.
	owner *Association
	hello *clientHello // what is answered; nil as client

	// Owned.
	island  *island // nil once there is a remnant
	inbox   reassembler
	data    net.Conn // application data; nil until connected, or if unwanted
	remnant *remnant // nil until connected, or if application data is wanted

	// State.
	flight     flight
	progressAt time.Time // when the peer last brought the handshake forward
	recordSeq  uint64    // of the records we make for the library
	answers    int       // how often the ServerHello went out
	ccsSent    bool      // our ChangeCipherSpec went out
	ccsCame    bool      // the peer's came
	keyed      bool      // and was handed on
	held       [][]byte  // protected records that came before that
	alerts     [][]byte  // for the remnant, that came before there was one
	sent       [][]byte  // our flight with ChangeCipherSpec
	lastWords  bool      // the close_notify after Close went out
}

func newAttempt(now time.Time, a *Association) *attempt {
	at := &attempt{owner: a, hello: a.hello, flight: flight{role: a.role}, progressAt: now}
	at.island = newIsland(a, at)
	return at
}

// start sets the island going; a server's has the ClientHello waiting.
func (at *attempt) start() {
	if at.hello != nil {
		at.put(at.hello.raw, 0)
		at.flight.last = typeClientHello
		at.inbox.next = 1
	}
	at.island.start()
}

// cancel makes the island unwind. It is not waited for.
func (at *attempt) cancel() {
	if at.island != nil {
		at.island.cancel()
	}
}

// stalledAt returns when another ClientHello may take over, if the peer does nothing until then. If the first
// to come won for good, whoever forges one first would lock the peer out; if the last did, whoever
// forges one later would cut the peer off.
func (at *attempt) stalledAt() time.Time { return at.progressAt.Add(stall) }

// finish forgets what only the handshake needed.
func (at *attempt) finish(data net.Conn, r *remnant) {
	at.data, at.remnant = data, r
	if r != nil {
		at.island = nil
		if at.flight.role == Server {
			r.flight = at.sent
		}
	}
	at.hello, at.inbox, at.held, at.sent = nil, reassembler{}, nil, nil
}

// catchUp takes in the alerts that waited for the remnant.
func (at *attempt) catchUp(now time.Time) {
	alerts := at.alerts
	at.alerts = nil
	for _, raw := range alerts {
		if at.owner.current == at && at.owner.state == StateConnected {
			at.protected(now, record{kind: contentAlert, epoch: 1, raw: raw})
		}
	}
}

// handshakeFragment takes in a piece of a plaintext handshake message.
func (at *attempt) handshakeFragment(now time.Time, f fragment) {
	if why := at.inbox.add(f); why != passed {
		at.owner.drop(why)
	}
	for {
		p, ok := at.inbox.front()
		if !ok {
			return
		}
		if !at.flight.accepts(p.kind()) || !parses(p.raw) {
			at.inbox.reject()
			at.owner.drop(DropMessage)
			return
		}
		if !at.put(p.raw, at.inbox.next) { // the peer's retransmission is the next chance
			return
		}
		at.flight.last, at.progressAt = p.kind(), now
		at.inbox.advance()
		at.keyUp()
	}
}

// changeCipherSpec takes in the peer's announcement that it protects records from here on.
func (at *attempt) changeCipherSpec(r record) {
	switch {
	case len(r.fragment()) != 1 || r.fragment()[0] != 1: // RFC 5246 section 7.1
		at.owner.drop(DropRecord)
	case at.ccsCame:
		at.owner.drop(DropDuplicate)
	case at.flight.role == Client && !at.ccsSent: // no server changes before the client has
		at.owner.drop(DropEarly)
	default:
		at.ccsCame = true
		at.keyUp()
	}
}

// protected takes in a record of epoch 1.
func (at *attempt) protected(now time.Time, r record) {
	switch {
	case at.remnant != nil:
		if at.remnant.protected(now, at.owner, r) {
			at.owner.ended(now, at, nil)
		}
	case r.kind == contentAlert && !at.owner.cfg.Data && len(r.raw) <= maxFinished && len(at.alerts) < maxHeld:
		// A peer can end the connection the moment it has our Finished. The library is about to leave by then, and
		// would take the alert with it.
		at.alerts = append(at.alerts, bytes.Clone(r.raw))
	case at.keyed:
		at.deliver(r.raw)
	case r.kind == contentHandshake && len(r.raw) <= maxFinished && len(at.held) < maxHeld:
		at.held = append(at.held, bytes.Clone(r.raw))
	default:
		at.owner.drop(DropEarly)
	}
}

// keyUp hands on ChangeCipherSpec, and what waited for it, once everything before it was handed on.
func (at *attempt) keyUp() {
	if at.keyed || !at.ccsCame || !at.flight.complete() {
		return
	}
	var b [recordHeader + 1]byte
	putRecordHeader(b[:], contentChangeCipherSpec, at.recordSeq, 1)
	b[recordHeader] = 1
	if !at.deliver(b[:]) {
		at.ccsCame = false
		return
	}
	at.recordSeq++
	at.keyed = true
	for _, raw := range at.held {
		at.deliver(raw)
	}
	at.held = nil
}

// put hands a whole handshake message to the library, in records of our own making: so neither a forged record
// number nor a forged fragment reaches it.
func (at *attempt) put(raw []byte, seq uint16) bool {
	var b [recordHeader + handshakeHeader + chunk]byte
	kind, body := raw[0], raw[handshakeHeader:]
	for offset := 0; ; {
		n := copy(b[recordHeader+handshakeHeader:], body[offset:])
		putRecordHeader(b[:], contentHandshake, at.recordSeq, handshakeHeader+n)
		putHandshakeHeader(b[recordHeader:], kind, len(body), seq, offset, n)
		if !at.deliver(b[:recordHeader+handshakeHeader+n]) {
			return false
		}
		at.recordSeq++
		if offset += n; offset == len(body) {
			return true
		}
	}
}

func (at *attempt) deliver(record []byte) bool {
	if !at.island.mail.Put(record) {
		at.owner.drop(DropMailbox)
		return false
	}
	return true
}

// outgoing hears what the island has to send. After Close there is one thing left to say, an alert; an
// attempt that was given up says nothing more.
func (at *attempt) outgoing(now time.Time, datagram []byte) {
	a := at.owner
	if a.current != at {
		return
	}
	if datagram[0] == contentHandshake && datagram[recordHeader] == typeServerHello {
		at.answers++
	}
	// If two ClientHellos came, the peer is behind one of them, and the answer to the other makes it give up.
	// So the first is answered once, and not again before it is clear which one it is.
	if a.hello != nil && at.flight.last == typeClientHello && at.answers > 1 {
		return
	}
	if a.state == StateClosed {
		if at.lastWords || datagram[0] != contentAlert {
			return
		}
		at.lastWords = true
	}
	at.note(datagram)
	a.cfg.Send(now, datagram)
}

// note keeps our last flight, which begins with ChangeCipherSpec or has it within, until the handshake is over.
func (at *attempt) note(datagram []byte) {
	if containsRecord(datagram, contentChangeCipherSpec) {
		at.ccsSent, at.sent = true, nil // sent again, it takes the place of the copy before
	}
	if at.ccsSent && at.owner.state == StateConnecting {
		at.sent = append(at.sent, bytes.Clone(datagram))
	}
}

func containsRecord(datagram []byte, kind uint8) bool {
	for {
		r, rest, ok := nextRecord(datagram)
		if !ok || r.kind == kind {
			return ok
		}
		datagram = rest
	}
}
