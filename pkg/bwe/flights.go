package bwe

import "time"

// Sizes of the ring of sent packets, powers of two. It grows while packets younger than flightTime would be overwritten unreported:
// at most 128 KiB, which is a second of 90 Mbit/s.
const (
	minFlights = 256
	maxFlights = 8192
	flightTime = time.Second
)

// fate is what is known of a packet that was sent.
type fate uint8

const (
	unknown fate = iota // no packet
	flying              // sent, and not reported
	missing             // reported as not received, which may be because it is late
	landed              // reported as received
)

// flight is one packet on its way.
type flight struct {
	sent    time.Duration // on our clock
	seq     uint16        // transport-wide
	size    uint16        // bytes
	cluster uint8         // of a probe, 0 is none
	fate    fate
}

// flights are the last packets sent, by transport-wide sequence number.
type flights struct {
	ring    []flight
	high    uint16 // sent last
	started bool
}

// add notes a packet. Its slot may hold one of the last turn of the ring.
func (f *flights) add(sent time.Duration, seq uint16, size int, cluster uint8) {
	if f.ring == nil {
		f.ring = make([]flight, minFlights)
	}
	slot := f.slot(seq)
	if slot.fate == flying && sent-slot.sent < flightTime && len(f.ring) < maxFlights {
		f.grow()
		slot = f.slot(seq)
	}
	*slot = flight{sent, seq, uint16(size), cluster, flying}
	f.high, f.started = seq, true
}

func (f *flights) slot(seq uint16) *flight { return &f.ring[int(seq)&(len(f.ring)-1)] }

func (f *flights) grow() {
	old := f.ring
	f.ring = make([]flight, 2*len(old))
	for i := range old {
		if old[i].fate != unknown {
			*f.slot(old[i].seq) = old[i]
		}
	}
}

// behind returns how many packets were sent after seq, or false if seq was not sent yet.
func (f *flights) behind(seq uint16) (int, bool) {
	n := f.high - seq
	return int(n), f.started && n < 1<<15
}

// find returns a packet, nil if it is not kept any more or never was.
func (f *flights) find(seq uint16) *flight {
	if slot := f.slot(seq); slot.fate != unknown && slot.seq == seq {
		return slot
	}
	return nil
}
