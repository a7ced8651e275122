package bwe

import (
	"time"

	"gazpacho/pkg/rtp"
)

const (
	// burstTime is how far apart packets of one burst were sent: pacers send them together, so they queue because of each
	// other, not because of the path (draft-ietf-rmcat-gcc-02 section 5.2).
	burstTime = 5 * time.Millisecond

	// A burst that a path held back, like radio does, arrives at once; such packets belong together up to this long.
	maxBurst = 100 * time.Millisecond

	// clockJump is more than any queue holds: the sender's clock was set, or it is another sender's.
	clockJump = 3 * time.Second
)

// burst is a group of packets sent together.
type burst struct {
	firstSent, lastSent       time.Duration // on the sender's clock
	firstArrival, lastArrival time.Duration // on ours
}

// bursts groups packets and compares each group with the one before. The zero value is ready to use.
type bursts struct {
	clock    rtp.Unwrapper[uint32]
	count    int // 0, 1, then 2: whether current and previous are there
	current  burst
	previous burst
}

// sendTime turns 24 bits of 6.18 fixed point seconds into a time that does not wrap after 64 s.
func (b *bursts) sendTime(absSendTime uint32) time.Duration {
	// In the upper 24 bits of 32 they wrap where the unwrapper does. Times 10^9 / 2^18 is times 5^9 / 2^9.
	return time.Duration(b.clock.Unwrap(absSendTime<<8)>>8) * 1953125 >> 9
}

// variation is how two consecutive bursts differ.
type variation struct {
	sent    time.Duration // between them when they left
	arrived time.Duration // between them when they came
	at      time.Duration // when the later one had come
}

// add notes a packet. When it begins a new burst and there were two before it, it returns their variation.
func (b *bursts) add(sent, arrival time.Duration) (v variation, ok bool) {
	switch {
	case b.count == 0:
		b.begin(sent, arrival)
		return variation{}, false
	case (arrival - b.current.lastArrival - (sent - b.current.lastSent)).Abs() > clockJump:
		b.count = 0
		b.begin(sent, arrival)
		return variation{}, false
	case sent < b.current.firstSent:
		return variation{}, false // overtaken: its burst is done
	case b.belongs(sent, arrival):
		b.current.lastSent = max(b.current.lastSent, sent)
		b.current.lastArrival = arrival
		return variation{}, false
	}
	v = variation{
		sent:    b.current.lastSent - b.previous.lastSent,
		arrived: b.current.lastArrival - b.previous.lastArrival,
		at:      b.current.lastArrival,
	}
	ok = b.count == 2
	b.begin(sent, arrival)
	return v, ok
}

func (b *bursts) begin(sent, arrival time.Duration) {
	b.count = min(b.count+1, 2)
	b.previous = b.current
	b.current = burst{sent, sent, arrival, arrival}
}

// belongs tells whether a packet is part of the current burst.
func (b *bursts) belongs(sent, arrival time.Duration) bool {
	if sent-b.current.firstSent <= burstTime {
		return true
	}
	apart := arrival - b.current.lastArrival
	faster := apart < sent-b.current.lastSent
	return faster && apart <= burstTime && arrival-b.current.firstArrival < maxBurst
}
