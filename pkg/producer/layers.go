package producer

import (
	"time"

	"gazpacho/pkg/codec"
	"gazpacho/pkg/rtp"
)

// maxReread is how many packets behind the first one of a key frame may have come before it.
const maxReread = 256

// describe adds what the dependency descriptor says of a packet to its frame. Packets that refer to a structure whose own packet came late, or
// had to be repaired, could not be understood: they can now. Consumers that wait for the key frame find them in the cache.
func (e *encoding) describe(now time.Time, pkt *rtp.Packet) {
	v := pkt.Extension(rtp.ExtDependencyDescriptor)
	if v == nil || e.depends.Read(v, &pkt.Frame) != codec.Renewed {
		return
	}
	missing := 0
	for seq := pkt.SequenceNumber + 1; seq-pkt.SequenceNumber < maxReread && missing < maxHole; seq++ {
		q, ok := e.cache.Packet(now, seq)
		if !ok {
			missing++
			continue
		}
		if v := q.Extension(rtp.ExtDependencyDescriptor); v != nil {
			e.depends.Read(v, &q.Frame)
		}
	}
}

// maxHole is how many packets may be missing among them: usually there are none behind the newest one.
const maxHole = 16
