package stream

import (
	"testing"
	"time"

	"gazpacho/pkg/simtest/script"
)

// Operations of FuzzRewriter.
const (
	rewriteForward = iota
	rewritePart    // and forward
	rewriteDrop
	rewriteSkip
	rewriteLate
	rewriteBegin
	rewriteSuspend
	rewriteForget
	rewriteWait
	rewriteOperations
)

// outlet is a rewriter with what was sent by it: which packet under which number, and what is still to be found.
type outlet struct {
	t    *testing.T
	w    Rewriter
	now  time.Time
	sent map[int64]origin // by extended number out
}

// origin is a packet that came in.
type origin struct {
	stream uint8
	seq    uint16
}

// emit notes a number out and checks that no other packet had it.
func (o *outlet) emit(out uint16, from origin) {
	o.t.Helper()
	number := o.w.next + int64(int16(out-o.w.Next())) // extended, as the receiver would
	if was, used := o.sent[number]; used && was != from {
		o.t.Fatalf("%d was %+v, and is %+v", out, was, from)
	}
	o.sent[number] = from
	source, ok := o.w.Source(o.now, out)
	if !ok || source.Stream != from.stream || source.Seq != from.seq {
		o.t.Fatalf("%d comes from %+v, %v; want %+v", out, source, ok, from)
	}
}

// FuzzRewriter forwards, drops, switches and forgets in any order, with gaps of any size: numbers out grow, none is given to two packets, and
// each is traced back to where it came from.
func FuzzRewriter(f *testing.F) {
	f.Add(script.Write(uint16(65533), uint16(65530), uint16(5), uint16(7), rewriteBegin, 0, rewriteForward, 3, rewriteDrop, 0, rewriteForward, 1, rewriteLate, 0, 3, rewriteBegin, 1))
	f.Add(script.Write(uint16(1), uint16(0), uint16(0), uint16(0), rewriteBegin, 0, rewriteSkip, 200, rewriteSuspend, rewriteWait, 9, rewriteBegin, 0, rewriteForget, 0, rewriteBegin, 2))
	f.Fuzz(func(t *testing.T, input []byte) {
		s := script.New(input)
		o := &outlet{t: t, w: NewRewriter(s.Uint16()), now: start, sent: map[int64]origin{}}
		var newest [3]uint16 // of each stream
		for i := range newest {
			newest[i] = s.Uint16()
		}
		stream, open := uint8(0), false
		for steps := 0; s.More() && steps < 200; steps++ {
			switch op := s.Below(rewriteOperations); op {
			case rewriteForward, rewritePart, rewriteDrop, rewriteSkip:
				gap := uint16(s.Byte())
				if gap > 200 {
					gap *= maxDropout / 256
				}
				seq := newest[stream] + 1 + gap
				if !open || !o.w.Ahead(seq) {
					continue
				}
				newest[stream] = seq
				switch op {
				case rewriteForward, rewritePart:
					before := o.w.Next()
					if op == rewritePart {
						o.w.Part(o.now, seq)
						o.w.Offsets.Layers++
					}
					out := o.w.Forward(seq)
					if int16(out-before) < 0 || o.w.Next() != out+1 {
						t.Fatalf("%d behind %d, next %d", out, before, o.w.Next())
					}
					o.emit(out, origin{stream, seq})
				case rewriteDrop:
					o.w.Drop(o.now, seq, uint32(s.Below(3)))
				case rewriteSkip:
					o.w.Skip(o.now, seq)
				}
			case rewriteLate:
				late := uint8(s.Below(3))
				from := origin{late, newest[late] - uint16(s.Byte())}
				if place, ok := o.w.Late(o.now, from.stream, from.seq, 9); ok {
					o.emit(place.Seq, from)
				}
			case rewriteBegin:
				next := uint8(s.Below(3))
				if seq := newest[next] + 1; o.w.MayBegin(o.now, next, seq) {
					stream, open, newest[next] = next, true, seq
					o.emit(o.w.Begin(o.now, next, seq), origin{next, seq})
				}
			case rewriteSuspend:
				o.w.Suspend(o.now)
				open = false
			case rewriteForget:
				which := uint8(s.Below(3))
				o.w.Forget(o.now, which)
				newest[which] = s.Uint16()
				open = open && which != stream
			case rewriteWait:
				o.now = o.now.Add(time.Duration(s.Byte()) * 20 * time.Millisecond)
			}
			if len(o.w.segments) > maxSegments {
				t.Fatalf("%d segments", len(o.w.segments))
			}
		}
	})
}

// FuzzCache puts packets of any number, size and time: what it returns is what was put, it keeps nothing twice, nothing for too long, and no
// more memory than what came.
func FuzzCache(f *testing.F) {
	f.Add(script.Write(uint16(65500), 1, 100, 0, 1, 255, 1, 2, 3, 4, 40, 60, 200))
	f.Add(script.Write(uint16(0), 0, 1, 1, 255, 90, 90, 255, 91, 91, 1, 1, 1))
	f.Fuzz(func(t *testing.T, input []byte) {
		const age = 500 * time.Millisecond
		s := script.New(input)
		c := NewCache(age)
		now, newest := start, int64(s.Uint16())
		type kept struct {
			number int64
			at     time.Time
		}
		var list []kept
		total := 0
		for steps := 0; s.More() && steps < 300; steps++ {
			step := int64(int8(s.Byte()))
			if step > 100 {
				step *= 40
			}
			number := newest + step
			size := 20 + 5*int(s.Byte())
			now = now.Add(time.Duration(s.Byte()) * time.Millisecond)
			total += size
			_, was := c.Packet(now, uint16(number))
			was = was && number > newest-1<<15
			if q := put(t, &c, now, number, size); q != nil {
				if was {
					t.Fatalf("%d was put twice", number)
				}
				list = append(list, kept{number, now})
				if got, ok := c.Packet(now, uint16(number)); !ok || got != q || !intact(q, number) {
					t.Fatalf("%d cannot be read", number)
				}
			}
			newest = max(newest, number)
			if s.Below(16) == 0 {
				c.Trim(now)
			}
			probe := newest - int64(s.Byte())
			if q, ok := c.Packet(now, uint16(probe)); ok {
				fresh := false
				for _, k := range list {
					fresh = fresh || k.number == probe && now.Sub(k.at) < age
				}
				if !fresh || !intact(q, probe) {
					t.Fatalf("%d is stale or spoiled", probe)
				}
			}
			if len(c.ring) > cacheMaxRing || c.bytes > 4*total+2*slabMin {
				t.Fatalf("a ring of %d and %d bytes for %d", len(c.ring), c.bytes, total)
			}
		}
	})
}
