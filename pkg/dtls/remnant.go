package dtls

import (
	"encoding/binary"
	"time"
)

// remnant is what stays of a connection that carries no application data. After the handshake such a connection has two things left to do: to
// repeat its last flight for a peer that missed it, and to exchange goodbyes. That needs the keys, but neither the library nor its goroutines and
// buffers, which are most of what a transport costs. It belongs to the loop.
type remnant struct {
	cipher recordCipher
	next   uint64   // epoch and number of our next record
	flight [][]byte // our last flight as it was sent; nil as client, which does not have the last word
	heard  uint64   // epoch and number of the peer's latest Finished
}

// recordCipher protects records of one association, both ways.
type recordCipher interface {
	// sealRecord seals header and plaintext into a new slice.
	sealRecord(raw []byte) []byte
	// openRecord opens a record in place and returns the plaintext, if it is authentic.
	openRecord(raw []byte) (plain []byte, ok bool)
}

// protected takes in a record of epoch 1 that the gate let through. It tells whether it ends the association.
func (r *remnant) protected(now time.Time, a *Association, rec record) (over bool) {
	if len(rec.raw) > maxFinished { // nothing that we would take in is longer
		a.drop(DropSealed)
		return false
	}
	plain, ok := r.cipher.openRecord(rec.raw)
	if !ok {
		a.drop(DropSealed) // "Invalid records SHOULD be silently discarded" (RFC 6347 section 4.1.2.7)
		return false
	}
	number := binary.BigEndian.Uint64(rec.raw[3:])
	said, isAlert := parseAlert(plain)
	switch {
	case rec.kind == contentAlert && isAlert && said.ends():
		if said.closes() {
			r.goodbye(now, a) // "The other party MUST respond with a close_notify alert of its own" (RFC 5246 section 7.2.1)
		}
		return true
	case rec.kind == contentHandshake && number > r.heard:
		// The peer repeats its Finished because it misses ours (RFC 6347 section 4.2.4). The flight is the same to the bit: one who has it drops it
		// as a replay.
		r.heard = number
		for _, datagram := range r.flight {
			a.cfg.Send(now, datagram)
		}
	default:
		a.drop(DropDuplicate) // or an alert that ends nothing
	}
	return false
}

// goodbye sends a close_notify.
func (r *remnant) goodbye(now time.Time, a *Association) {
	raw := make([]byte, recordHeader+2)
	putRecordHeader(raw, contentAlert, r.next, 2)
	raw[recordHeader], raw[recordHeader+1] = alertWarning, alertCloseNotify
	r.next++
	a.cfg.Send(now, r.cipher.sealRecord(raw))
}
