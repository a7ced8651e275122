package producer

import (
	"time"

	"gazpacho/pkg/rtp"
	"gazpacho/pkg/timer"
)

// Limits on asking the publisher for key frames. See KEYFRAMES.md.
const (
	keyFrameInterval = 500 * time.Millisecond // R-RTP-6
	keyFrameRetry    = time.Second
)

// request is where asking for a key frame of one encoding stands.
type request struct {
	wanted  bool // somebody asked, and the publisher was not asked yet
	pending bool // the publisher was asked and did not answer yet
	retried bool // for the second time
	sentAt  time.Time
	number  uint8 // of FIR: "incremented by 1 for each new command" (RFC 5104 section 4.3.1.1)
}

// keyFrames asks the publisher for key frames, however often consumers ask for them: never twice within keyFrameInterval for the whole
// producer, once for all who ask while one is on the way, and once more if none comes.
type keyFrames struct {
	producer *Producer
	timer    *timer.Timer
	delay    time.Duration // between requests of one encoding
	sentAt   time.Time     // of any encoding
}

func (k *keyFrames) init(p *Producer) {
	k.producer = p
	k.delay = time.Duration(p.cfg.Options.KeyFrameRequestDelay) * time.Millisecond
	k.timer = p.cfg.Timers.New(k.run)
}

// request asks for a key frame of an encoding.
func (k *keyFrames) request(now time.Time, e *encoding) {
	// One that is on the way serves all who ask meanwhile.
	if e.request.pending || e.payload == nil || !e.payload.pli && !e.payload.fir {
		return
	}
	e.request.wanted = true
	k.run(now)
}

// arrived notes that a key frame of an encoding began to come. Whoever asked before gets it.
func (k *keyFrames) arrived(now time.Time, e *encoding) {
	if e.request.pending || e.request.wanted {
		e.request.pending, e.request.wanted, e.request.retried = false, false, false
		k.run(now)
	}
}

// forget drops all requests.
func (k *keyFrames) forget() {
	for i := range k.producer.encodings {
		r := &k.producer.encodings[i].request
		r.pending, r.wanted, r.retried = false, false, false
	}
	k.timer.Stop()
}

// run sends what may be sent, gives up what was not answered twice, and sets the timer for the rest.
func (k *keyFrames) run(now time.Time) {
	p := k.producer
	var w rtp.RTCPWriter
	w.Reset(p.rtcp)
	open := k.sentAt.IsZero() || now.Sub(k.sentAt) >= keyFrameInterval
	var next time.Time
	for i := range p.encodings {
		e := &p.encodings[i]
		k.expire(now, e)
		r := &e.request
		switch due := k.dueAt(now, r); {
		case !r.wanted && !r.pending:
		case r.wanted && open && !due.After(now):
			k.write(now, e, &w)
			next = earliest(next, now.Add(keyFrameRetry))
		default:
			next = earliest(next, due)
		}
	}
	if next.IsZero() {
		k.timer.Stop()
	} else {
		k.timer.Reset(next)
	}
	if w.Len() > 0 { // all streams in one compound: it counts as one request
		k.sentAt = now
		p.cfg.Feedback.SendRTCP(now, w.Bytes())
	}
}

// expire turns a request that was not answered into a second one, and ends that if it is not answered either.
func (k *keyFrames) expire(now time.Time, e *encoding) {
	r := &e.request
	if !r.pending || now.Sub(r.sentAt) < keyFrameRetry {
		return
	}
	r.pending = false
	if !r.retried {
		r.wanted, r.retried = true, true
		return
	}
	r.retried = false
}

// dueAt is when something is to be done about a request. The repetition of an unanswered one need not heed the delay between requests,
// only the limit that all streams share.
func (k *keyFrames) dueAt(now time.Time, r *request) time.Time {
	if r.pending {
		return r.sentAt.Add(keyFrameRetry)
	}
	due := now
	if !r.sentAt.IsZero() && !r.retried {
		due = r.sentAt.Add(k.delay)
	}
	if !k.sentAt.IsZero() {
		if free := k.sentAt.Add(keyFrameInterval); free.After(due) {
			due = free
		}
	}
	return due
}

// earliest is the first of two times, of which a may be none.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}

// write adds the request for one encoding to a compound. A repeated FIR has the number of the first (RFC 5104 section 4.3.1.2).
func (k *keyFrames) write(now time.Time, e *encoding, w *rtp.RTCPWriter) {
	p, r := k.producer, &e.request
	if e.payload.pli {
		w.PLI(p.cfg.SSRC, e.ssrc)
		e.plis++
		p.trace(now, tracePLI, "out", map[string]any{"ssrc": e.ssrc})
	} else {
		if !r.retried {
			r.number++
		}
		w.FIR(p.cfg.SSRC, rtp.FIREntry{SSRC: e.ssrc, SequenceNumber: r.number})
		e.firs++
		p.trace(now, traceFIR, "out", map[string]any{"ssrc": e.ssrc})
	}
	p.cfg.Counters.KeyFrames++
	r.wanted, r.pending, r.sentAt = false, true, now
}
