package dtls

import "sync/atomic"

// Drop is why the gate dropped a record, a message or a datagram. Nothing that is dropped is answered.
type Drop uint8

// The reasons. passed is not one.
const (
	passed             Drop = iota
	DropOver                // the association has failed or is closed
	DropRecord              // record header: version, length, or bytes missing
	DropContentType         // a content type the epoch has no use for
	DropEpoch               // an epoch that cannot exist: we never renegotiate
	DropPlaintextAlert      // an alert anyone could have written
	DropPlaintextData       // application data anyone could have written
	DropData                // application data, unless Config.Data is set
	DropLate                // plaintext, after the handshake
	DropRetransmission      // retransmitted handshake, more often or longer than a peer needs to
	DropEarly               // nothing to give it to yet: no attempt, or no keys
	DropDuplicate           // a handshake message that was delivered before
	DropFragment            // handshake fragment: header, type, or order
	DropMemory              // handshake fragment: more than we are willing to hold
	DropMessage             // whole handshake message: wrong in order, or does not parse
	DropHelloMalformed      // ClientHello that does not parse
	DropHelloVersion        // ClientHello without DTLS 1.2
	DropHelloSuite          // ClientHello without a cipher suite of ours
	DropHelloGroup          // ClientHello without an elliptic curve of ours
	DropHelloSRTP           // ClientHello without an SRTP profile of ours
	DropHelloRival          // another ClientHello during a handshake (it waits until that stalls)
	DropLimit               // as many handshakes as the worker allows (the attempt waits)
	DropMailbox             // the island does not keep up
	DropSealed              // protected record that is not authentic, or means nothing
	DropUnread              // application data that nobody takes
	DropUnposted            // a datagram to the peer that the loop does not get round to sending
	DropBudget              // not a record but a connection: the record budget of its key is spent (R-DTLS-7)
	numDrops
)

var dropNames = [numDrops]string{
	"passed", "over", "record", "contentType", "epoch", "plaintextAlert", "plaintextData", "data", "late",
	"retransmission", "early", "duplicate", "fragment", "memory", "message", "helloMalformed",
	"helloVersion", "helloSuite", "helloGroup", "helloSrtp", "helloRival", "limit", "mailbox", "sealed", "unread", "unposted", "recordBudget",
}

// String returns the name the counter is published under.
func (d Drop) String() string { return dropNames[d] }

// Error makes a refused ClientHello the reason of a failure.
func (d Drop) Error() string { return "dtls: dropped: " + dropNames[d] }

// Counters counts drops by reason. It belongs to the loop; associations may share one.
type Counters struct {
	dropped [numDrops]uint64
	// Retransmitted counts the plaintext handshake records admitted after the handshake: the peer has
	// not had our last flight. Not a drop, and not handed on either.
	Retransmitted uint64
	Handshakes    Handshakes

	// Of DropUnread and DropUnposted: islands count them.
	unread, unposted atomic.Uint64
}

func (c *Counters) count(d Drop) { c.dropped[d]++ }

// Dropped returns how often something was dropped for that reason.
func (c *Counters) Dropped(d Drop) uint64 {
	switch d {
	case DropUnread:
		return c.unread.Load()
	case DropUnposted:
		return c.unposted.Load()
	}
	return c.dropped[d]
}

// Each calls f for every reason there is.
func (c *Counters) Each(f func(d Drop, n uint64)) {
	for d := passed + 1; d < numDrops; d++ {
		f(d, c.Dropped(d))
	}
}
