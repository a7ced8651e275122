package stream

import (
	"slices"
	"time"
)

// Limits of a Rewriter. See ALGORITHMS.md, "Rewriting".
const (
	maxSegments  = 64
	segmentGrace = time.Second     // how long packets of an ended segment are still welcome
	segmentKept  = 2 * time.Second // how long its numbers can be asked for again; no cache keeps packets longer
)

// Offsets are added to what identifies a packet, each modulo its own width.
type Offsets struct {
	Timestamp uint32
	PictureID uint16
	TL0PICIDX uint8

	// Not added: how many spatial layers are forwarded, the lowest first, and how many temporal ones; 0 is all.
	Layers, Temporals uint8
}

// Rewriter gives forwarded packets new numbers without gaps of its own making, and knows where each number came from. It
// remembers runs of packets that were treated alike, not packets.
type Rewriter struct {
	// Offsets apply to what is forwarded next; who forwards adjusts them as it drops pictures or changes streams.
	Offsets Offsets

	segments []segment // oldest first; the last one is open unless dropping
	stream   uint8     // the stream being forwarded
	joinedAt time.Time // when it began to be
	highest  int64     // number in, of what was forwarded or dropped last
	next     int64     // number out of what would be forwarded next in order
	dropping bool      // highest was dropped
	dropped  mark      // the picture that was dropped last, while dropping
}

// mark names a picture by its timestamp.
type mark struct {
	timestamp uint32
	set       bool
}

func (m mark) is(timestamp uint32) bool { return m.set && m.timestamp == timestamp }

// segment is a run of numbers that were forwarded alike. Numbers in it that never came are reserved: should their packets come
// late, they find their place.
type segment struct {
	start, end int64 // of the numbers in; end is past the last, and not yet set while the segment is open
	out        int64 // number out of start
	endedAt    time.Time
	offsets    Offsets
	stream     uint8
	before     mark // pictures that were dropped in front of and behind it
	behind     mark
}

func (s *segment) dropped(timestamp uint32) bool {
	return s.before.is(timestamp) || s.behind.is(timestamp)
}

// NewRewriter makes a rewriter whose first packet will be numbered first.
func NewRewriter(first uint16) Rewriter { return Rewriter{next: int64(first)} }

// Begin forwards a packet of any stream behind all that was forwarded before, whatever its number: at the start, after a pause, or
// when the stream changes.
func (w *Rewriter) Begin(now time.Time, stream uint8, seq uint16) uint16 {
	w.Suspend(now)
	w.stream, w.highest, w.joinedAt = stream, int64(seq), now
	w.open(w.highest)
	w.next++
	return uint16(w.next - 1)
}

// MayBegin tells whether Begin may go on with a packet: it may not where packets of its stream that are already forwarded would follow it
// again.
func (w *Rewriter) MayBegin(now time.Time, stream uint8, seq uint16) bool {
	for i := len(w.segments) - 1; i >= 0; i-- {
		s := &w.segments[i]
		if s.end != 0 && now.Sub(s.endedAt) > segmentKept {
			break
		}
		if s.stream == stream {
			return int16(seq-uint16(w.endOf(i))) >= 0
		}
	}
	return true
}

// Ahead tells whether a packet of the stream being forwarded is beyond all before it, and so has to be given to Forward or Drop.
func (w *Rewriter) Ahead(seq uint16) bool { return int16(seq-uint16(w.highest)) > 0 }

// Forward returns the number out of a packet that is Ahead.
func (w *Rewriter) Forward(seq uint16) uint16 {
	number := w.highest + int64(seq-uint16(w.highest))
	if w.dropping {
		w.open(w.highest + 1)
	}
	w.next += number - w.highest
	w.highest = number
	return uint16(w.next - 1)
}

// Part ends the run in front of a packet that is Ahead and will be forwarded with other Offsets. Numbers in front of it, whose packets may still
// come, keep those in force until now if they are left as they are until Part returns.
func (w *Rewriter) Part(now time.Time, seq uint16) {
	number := w.highest + int64(seq-uint16(w.highest))
	if w.dropping {
		if number == w.highest+1 {
			return
		}
		w.open(w.highest + 1)
	}
	w.next += number - w.highest - 1
	w.end(now, number, mark{})
	w.highest = number - 1
}

// Drop leaves out a packet that is Ahead, as its whole picture is, which its timestamp names.
func (w *Rewriter) Drop(now time.Time, seq uint16, timestamp uint32) {
	w.leave(now, seq, mark{timestamp, true})
}

// Skip leaves out a packet that is Ahead and belongs to no picture.
func (w *Rewriter) Skip(now time.Time, seq uint16) { w.leave(now, seq, mark{}) }

// leave leaves out a packet. Numbers between it and the one before may still come late and stay reserved; but what lies between two
// packets of one dropped picture is left out with them.
func (w *Rewriter) leave(now time.Time, seq uint16, picture mark) {
	number := w.highest + int64(seq-uint16(w.highest))
	together := w.dropping && picture.set && picture == w.dropped
	if !w.dropping || number > w.highest+1 && !together {
		if w.dropping {
			w.open(w.highest + 1)
		}
		w.next += number - w.highest - 1
		w.end(now, number, picture)
	}
	w.highest = number
	if picture.set {
		w.dropped = picture
	}
}

// Reserved is the place of a late packet.
type Reserved struct {
	Seq     uint16
	Offsets Offsets // that were in force there
	Dropped bool    // the rest of its picture was left out
}

// Late returns the place that was reserved for a packet which is not Ahead, or not of the stream being forwarded.
func (w *Rewriter) Late(now time.Time, stream uint8, seq uint16, timestamp uint32) (Reserved, bool) {
	if stream != w.stream && now.Sub(w.joinedAt) > segmentGrace {
		return Reserved{}, false // the usual case for all streams but one of a simulcast
	}
	for i := len(w.segments) - 1; i >= 0; i-- {
		s := &w.segments[i]
		end := w.endOf(i)
		if s.end != 0 && now.Sub(s.endedAt) > segmentGrace {
			break
		}
		if s.stream != stream {
			continue
		}
		number := end + int64(int16(seq-uint16(end)))
		if number < s.start || number >= end {
			continue
		}
		// A publisher that leaps can put half a turn behind it in no time: a number from before that would be taken for one ahead.
		out := s.out + number - s.start
		return Reserved{Seq: uint16(out), Offsets: s.offsets, Dropped: s.dropped(timestamp)}, w.next-out <= 1<<15
	}
	return Reserved{}, false
}

// Origin is where a number out came from.
type Origin struct {
	Stream  uint8
	Seq     uint16
	Offsets Offsets // that were in force there

	before, behind mark
}

// Dropped tells whether the origin was the rest of a picture that was left out, as Reserved does, once its timestamp is known.
func (o *Origin) Dropped(timestamp uint32) bool {
	return o.before.is(timestamp) || o.behind.is(timestamp)
}

// Source finds the packet that was sent, or should have been, under a number.
func (w *Rewriter) Source(now time.Time, out uint16) (Origin, bool) {
	number := w.next + int64(int16(out-uint16(w.next)))
	for i := len(w.segments) - 1; i >= 0; i-- {
		s := &w.segments[i]
		if s.end != 0 && now.Sub(s.endedAt) > segmentKept {
			break
		}
		if in := s.start + number - s.out; in >= s.start && in < w.endOf(i) {
			return Origin{Stream: s.stream, Seq: uint16(in), Offsets: s.offsets, before: s.before, behind: s.behind}, true
		}
	}
	return Origin{}, false
}

// Next is the number that the next packet in order would get.
func (w *Rewriter) Next() uint16 { return uint16(w.next) }

// open starts a segment at a number in.
func (w *Rewriter) open(start int64) {
	if len(w.segments) == maxSegments {
		w.segments = w.segments[:copy(w.segments, w.segments[1:])]
	}
	w.segments = append(w.segments, segment{start: start, out: w.next, offsets: w.Offsets, stream: w.stream, before: w.dropped})
	w.dropping, w.dropped = false, mark{}
}

// end ends the open segment, if there is one, in front of a number in, which may be of a picture that is dropped.
func (w *Rewriter) end(now time.Time, at int64, picture mark) {
	if w.dropping || len(w.segments) == 0 {
		return
	}
	s := &w.segments[len(w.segments)-1]
	s.end, s.endedAt, s.behind = at, now, picture
	w.dropping = true
}

func (w *Rewriter) endOf(i int) int64 {
	if end := w.segments[i].end; end != 0 {
		return end
	}
	return w.highest + 1
}

// Suspend ends the run of packets: what follows is not in order with it. Begin goes on.
func (w *Rewriter) Suspend(now time.Time) { w.end(now, w.highest+1, mark{}) }

// Forget drops what is known about the numbers of a stream, because it began anew.
func (w *Rewriter) Forget(now time.Time, stream uint8) {
	if w.stream == stream {
		w.Suspend(now)
	}
	w.segments = slices.DeleteFunc(w.segments, func(s segment) bool { return s.stream == stream })
}
