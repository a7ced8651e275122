package stream

import (
	"time"

	"gazpacho/pkg/rtp"
)

// Limits of a Cache. See ALGORITHMS.md, "Cache".
const (
	cacheMaxPackets = 2500
	cacheMinRing    = 32
	cacheMaxRing    = 4096 // the power of two above cacheMaxPackets
	slabMin         = 4 << 10
	slabMax         = 64 << 10
)

// Cache keeps the recent packets of one arriving stream: it is the retransmission buffer of all its consumers, and the one copy
// that is forwarded. Entries lie in a ring indexed by number, their bytes in slabs used in turn; both grow with the bitrate.
type Cache struct {
	maxAge time.Duration
	newest int64 // number
	ring   []cached
	slabs  []slab // oldest first; the last is being filled
	bytes  int    // in slabs
	count  int    // packets in slabs
}

// cached is one packet, or the slot of one.
type cached struct {
	packet rtp.Packet
	number int64
	at     time.Time
}

// slab holds the bytes of packets in the order in which they came.
type slab struct {
	buf   []byte
	used  int
	count int       // packets
	last  time.Time // when the last of them was put
}

// NewCache makes a cache that keeps packets for maxAge.
func NewCache(maxAge time.Duration) Cache { return Cache{maxAge: maxAge} }

// Put copies a packet under its extended number and returns the copy, nil if the number is kept already or too old to keep. The
// copy is the caller's to adjust before others see it; it is valid until the next Put.
//
// The ring grows when two packets want one slot, but only if it is a quarter full: a publisher that leaves out numbers at will makes
// it forget, not swell.
func (c *Cache) Put(now time.Time, number int64, p *rtp.Packet) *rtp.Packet {
	if c.ring == nil {
		c.ring = make([]cached, cacheMinRing)
		c.newest = number
	}
	if number <= c.newest-cacheMaxPackets {
		return nil
	}
	slot := c.slot(number)
	for c.fresh(now, slot) && slot.number != number && len(c.ring) < cacheMaxRing && c.count >= len(c.ring)/4 {
		c.resize(now, 2*len(c.ring))
		slot = c.slot(number)
	}
	if c.fresh(now, slot) && slot.number >= number {
		return nil // the same again, or from before what the ring can hold
	}
	c.newest = max(c.newest, number)
	slot.number, slot.at = number, now
	p.CopyTo(&slot.packet, c.room(now, len(p.Raw)))
	return &slot.packet
}

// Packet returns the packet with a number close to the newest, if it is kept, borrowed until the next Put.
func (c *Cache) Packet(now time.Time, seq uint16) (*rtp.Packet, bool) {
	if c.ring == nil {
		return nil, false
	}
	number := c.newest + int64(int16(seq-uint16(c.newest)))
	slot := c.slot(number)
	if slot.number != number || number <= c.newest-cacheMaxPackets || !c.fresh(now, slot) {
		return nil, false
	}
	return &slot.packet, true
}

// Trim gives memory back: all of it when nothing came for maxAge, half of the ring when a quarter would do. It is meant to be
// called about once a second.
func (c *Cache) Trim(now time.Time) {
	keep := 0
	for keep < len(c.slabs) && now.Sub(c.slabs[keep].last) >= c.maxAge {
		c.forget(&c.slabs[keep])
		keep++
	}
	if keep == len(c.slabs) {
		c.Clear()
		return
	}
	// One outdated slab stays for the next packets, so that a steady stream does not allocate.
	if keep > 0 {
		keep--
		c.slabs[keep].used = 0
		c.bytes += len(c.slabs[keep].buf)
	}
	n := copy(c.slabs, c.slabs[keep:])
	clear(c.slabs[n:])
	c.slabs = c.slabs[:n]
	if c.sweep(now) < len(c.ring)/4 && len(c.ring) > cacheMinRing {
		c.resize(now, len(c.ring)/2)
	}
}

// forget takes a slab out of the account.
func (c *Cache) forget(s *slab) {
	c.bytes -= len(s.buf)
	c.count -= s.count
	s.count = 0
}

// Clear forgets everything.
func (c *Cache) Clear() { *c = Cache{maxAge: c.maxAge} }

func (c *Cache) slot(number int64) *cached { return &c.ring[number&int64(len(c.ring)-1)] }

// fresh tells whether a slot holds a packet that may be used. Its slab is not written to again before it is stale.
func (c *Cache) fresh(now time.Time, s *cached) bool {
	return s.packet.Raw != nil && now.Sub(s.at) < c.maxAge
}

// sweep empties stale slots, whose views would keep old slabs alive. It returns how many numbers lie between the oldest fresh packet
// and the newest.
func (c *Cache) sweep(now time.Time) int {
	oldest := c.newest
	for i := range c.ring {
		switch s := &c.ring[i]; {
		case c.fresh(now, s):
			oldest = min(oldest, s.number)
		case s.packet.Raw != nil:
			*s = cached{}
		}
	}
	return int(c.newest-oldest) + 1
}

func (c *Cache) resize(now time.Time, size int) {
	old := c.ring
	c.ring = make([]cached, size)
	for i := range old {
		if c.fresh(now, &old[i]) {
			*c.slot(old[i].number) = old[i]
		}
	}
}

// room returns space for one packet in the newest slab, in the oldest if its packets are all stale, or in a new one, of the size
// of half of all before it.
func (c *Cache) room(now time.Time, size int) []byte {
	n := len(c.slabs)
	if n == 0 || len(c.slabs[n-1].buf)-c.slabs[n-1].used < size {
		if n > 1 && now.Sub(c.slabs[0].last) >= c.maxAge && len(c.slabs[0].buf) >= size {
			first := c.slabs[0]
			c.forget(&first)
			copy(c.slabs, c.slabs[1:])
			c.slabs[n-1] = slab{buf: first.buf}
			c.bytes += len(first.buf)
		} else {
			buf := make([]byte, min(max(c.bytes/2, slabMin), slabMax))
			c.slabs = append(c.slabs, slab{buf: buf})
			c.bytes += len(buf)
			n++
		}
	}
	s := &c.slabs[n-1]
	start := s.used
	s.used += size
	s.count++
	c.count++
	s.last = now
	return s.buf[start:s.used:s.used]
}
