package dtls

import "time"

// What a peer that misses our last flight may still send: a flight of its own, again and again
// (RFC 6347 section 4.2.4). Plaintext is admitted but goes nowhere; the protected Finished goes to
// the remnant or to the library, which answer it. The library keeps it for ever: 300 of them are 33 KB.
const (
	retransmitPeriod = 60 * time.Second
	plainRate        = 10 // records per second
	sealedRate       = 5
	// A Finished is 12 bytes of header, 12 of data, and at most 24 of nonce and tag.
	maxFinished = recordHeader + 48
)

// gate decides, record by record, what may come near the library. It never answers.
type gate struct {
	data   bool // application data is wanted
	done   bool
	until  time.Time // when retransmissions end
	plain  rate
	sealed rate
}

// finish tells the gate that the handshake is over.
func (g *gate) finish(now time.Time) {
	g.done, g.until = true, now.Add(retransmitPeriod)
}

// check returns passed, or why the record is dropped.
func (g *gate) check(now time.Time, r record) Drop {
	switch {
	case r.kind < contentChangeCipherSpec || r.kind > contentData:
		return DropContentType
	case r.epoch == 0:
		return g.plaintext(now, r)
	case r.epoch > 1:
		return DropEpoch
	case r.kind == contentChangeCipherSpec:
		// The library would take it without any authentication, and move its replay window by it.
		return DropContentType
	case r.kind == contentData && !g.data:
		return DropData // nobody would take it from the library, which then stands still
	case g.done && r.kind == contentHandshake:
		if len(r.raw) > maxFinished {
			return DropLate
		}
		return g.retransmission(now, &g.sealed, sealedRate)
	}
	return passed
}

func (g *gate) plaintext(now time.Time, r record) Drop {
	switch {
	case r.kind == contentAlert:
		return DropPlaintextAlert
	case r.kind == contentData:
		return DropPlaintextData
	case !g.done:
		return passed
	case r.kind != contentHandshake:
		return DropLate
	}
	return g.retransmission(now, &g.plain, plainRate)
}

func (g *gate) retransmission(now time.Time, seen *rate, perSecond int) Drop {
	if !now.Before(g.until) || !seen.take(now, perSecond) {
		return DropRetransmission
	}
	return passed
}

// rate counts the records of the second that began with the first of them.
type rate struct {
	since time.Time
	n     int
}

func (r *rate) take(now time.Time, perSecond int) bool {
	if now.Sub(r.since) >= time.Second {
		r.since, r.n = now, 0
	}
	r.n++
	return r.n <= perSecond
}
