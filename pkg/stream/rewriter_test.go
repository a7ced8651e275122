package stream

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestRewriterForwardsEverything(t *testing.T) {
	w := NewRewriter(1000)
	if got := w.Begin(start, 0, 65534); got != 1000 {
		t.Fatalf("the first packet is %d", got)
	}
	for i, seq := range []uint16{65535, 0, 1, 2} {
		if !w.Ahead(seq) {
			t.Fatalf("%d is not ahead", seq)
		}
		if got := w.Forward(seq); got != 1001+uint16(i) {
			t.Errorf("%d became %d", seq, got)
		}
	}
	if w.Ahead(2) || w.Ahead(65534) {
		t.Error("what was forwarded is ahead")
	}
	if w.Next() != 1005 {
		t.Errorf("next is %d", w.Next())
	}
}

func TestRewriterReservesWhatIsMissing(t *testing.T) {
	w := NewRewriter(1000)
	w.Begin(start, 0, 10)
	if got := w.Forward(13); got != 1003 {
		t.Errorf("13 behind a gap of two became %d", got)
	}
	for seq, want := range map[uint16]uint16{11: 1001, 12: 1002} {
		if got, ok := w.Late(start, 0, seq, 0); !ok || got.Seq != want {
			t.Errorf("late %d became %d, %t, want %d", seq, got.Seq, ok, want)
		}
	}
	if _, ok := w.Late(start, 0, 9, 0); ok {
		t.Error("a packet from before the beginning has a place")
	}
}

func TestRewriterDrops(t *testing.T) {
	w := NewRewriter(1000)
	w.Begin(start, 0, 10)
	w.Drop(start, 11, 1)
	w.Drop(start, 12, 1)
	if got := w.Forward(13); got != 1001 {
		t.Errorf("13 behind two dropped became %d", got)
	}
	for _, seq := range []uint16{11, 12} {
		if _, ok := w.Late(start, 0, seq, 1); ok {
			t.Errorf("dropped %d has a place", seq)
		}
	}
}

// What is missing in front of a dropped packet may belong to something that is wanted; what is missing between two packets of one dropped
// picture may not.
func TestRewriterDropsAroundGaps(t *testing.T) {
	tests := []struct {
		name     string
		run      func(w *Rewriter) uint16 // returns the number of 20
		want     uint16
		reserved map[uint16]uint16
	}{
		{
			"gap in front of a drop", func(w *Rewriter) uint16 { w.Drop(start, 13, 1); return w.Forward(20) }, 1009,
			map[uint16]uint16{11: 1001, 12: 1002, 14: 1003, 19: 1008},
		},
		{"gap between drops", func(w *Rewriter) uint16 {
			w.Drop(start, 11, 1)
			w.Drop(start, 14, 2)
			return w.Forward(20)
		}, 1008, map[uint16]uint16{12: 1001, 13: 1002, 15: 1003}},
		{"gap within a dropped picture", func(w *Rewriter) uint16 {
			w.Drop(start, 11, 1)
			w.Drop(start, 14, 1)
			w.Drop(start, 19, 1)
			return w.Forward(20)
		}, 1001, nil},
		{
			"gap behind a drop", func(w *Rewriter) uint16 { w.Drop(start, 11, 1); return w.Forward(20) }, 1009,
			map[uint16]uint16{12: 1001, 19: 1008},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := NewRewriter(1000)
			w.Begin(start, 0, 10)
			if got := tt.run(&w); got != tt.want {
				t.Errorf("20 became %d, want %d", got, tt.want)
			}
			for seq := uint16(11); seq < 20; seq++ {
				got, ok := w.Late(start, 0, seq, 0)
				want, reserved := tt.reserved[seq]
				if reserved && (!ok || got.Seq != want) {
					t.Errorf("late %d became %d, %t, want %d", seq, got.Seq, ok, want)
				}
				if tt.name == "gap within a dropped picture" && ok {
					t.Errorf("late %d of a dropped picture has a place", seq)
				}
			}
		})
	}
}

// The rest of a picture that was dropped in part is not wanted, although its numbers may be reserved.
func TestRewriterMarksWhatBelongsToDroppedPictures(t *testing.T) {
	w := NewRewriter(1000)
	w.Begin(start, 0, 10)
	w.Drop(start, 12, 77) // 11 and 13 may be of the same picture
	w.Forward(15)         // or 14 of this one
	w.Skip(start, 17)     // no picture: 16 is what its timestamp says
	w.Forward(18)
	tests := []struct {
		seq       uint16
		timestamp uint32
		want      bool
	}{{11, 77, true}, {11, 70, false}, {13, 77, true}, {14, 78, false}, {16, 78, false}, {16, 0, false}}
	for _, tt := range tests {
		if got, ok := w.Late(start, 0, tt.seq, tt.timestamp); !ok || got.Dropped != tt.want {
			t.Errorf("%d at %d: %+v, %t", tt.seq, tt.timestamp, got, ok)
		} else if from, ok := w.Source(start, got.Seq); !ok || from.Dropped(tt.timestamp) != tt.want {
			t.Errorf("%d at %d comes from %+v, %t", tt.seq, tt.timestamp, from, ok)
		}
	}
}

func TestRewriterOffsetsOfThePast(t *testing.T) {
	w := NewRewriter(1000)
	w.Begin(start, 0, 10)
	w.Forward(12) // 11 is missing
	w.Drop(start, 13, 1)
	w.Offsets.PictureID--
	w.Forward(15) // 14 is missing
	w.Offsets = Offsets{Timestamp: 7, PictureID: 8, TL0PICIDX: 9}
	w.Begin(start, 1, 500)
	tests := []struct {
		stream uint8
		seq    uint16
		out    uint16
		want   Offsets
	}{
		{0, 11, 1001, Offsets{}}, {0, 14, 1003, Offsets{PictureID: 1<<16 - 1}}, {1, 500, 1005, Offsets{Timestamp: 7, PictureID: 8, TL0PICIDX: 9}},
	}
	for _, tt := range tests {
		if got, ok := w.Late(start, tt.stream, tt.seq, 0); !ok || got != (Reserved{tt.out, tt.want, false}) {
			t.Errorf("stream %d, %d: %+v %t, want %d %v", tt.stream, tt.seq, got, ok, tt.out, tt.want)
		}
		if got, ok := w.Source(start, tt.out); !ok || got.Stream != tt.stream || got.Seq != tt.seq || got.Offsets != tt.want {
			t.Errorf("%d comes from %+v, %t", tt.out, got, ok)
		}
	}
	for _, out := range []uint16{999, 1006, 40000} {
		if _, ok := w.Source(start, out); ok {
			t.Errorf("%d was sent", out)
		}
	}
}

// The numbers of a stream that was left wrap and come around again: they must not be taken for stragglers.
func TestRewriterForgetsInTime(t *testing.T) {
	w := NewRewriter(1000)
	w.Begin(start, 0, 10)
	w.Forward(12)
	w.Begin(start, 1, 500)
	if _, ok := w.Late(start.Add(segmentGrace), 0, 11, 0); !ok {
		t.Error("a straggler is not welcome")
	}
	if _, ok := w.Late(start.Add(segmentGrace+1), 0, 11, 0); ok {
		t.Error("a straggler is welcome for ever")
	}
	if _, ok := w.Source(start.Add(segmentKept), 1002); !ok {
		t.Error("a number of the stream before is forgotten too soon")
	}
	if _, ok := w.Source(start.Add(segmentKept+1), 1002); ok {
		t.Error("a number of the stream before is known for ever")
	}
	if _, ok := w.Source(start.Add(time.Hour), 1003); !ok {
		t.Error("a number of the stream being forwarded is forgotten")
	}
}

func TestRewriterSuspendsAndForgets(t *testing.T) {
	w := NewRewriter(1000)
	w.Begin(start, 0, 10)
	w.Forward(12)
	w.Suspend(start)
	w.Suspend(start)
	if _, ok := w.Late(start.Add(time.Minute), 0, 11, 0); ok {
		t.Error("what was suspended is still open")
	}
	if got := w.Begin(start.Add(time.Minute), 0, 60000); got != 1003 {
		t.Errorf("after a pause comes %d", got)
	}
	w.Forget(start.Add(time.Minute), 0)
	if _, ok := w.Source(start.Add(time.Minute), 1003); ok || len(w.segments) != 0 {
		t.Error("a forgotten stream has numbers")
	}
	if got := w.Begin(start.Add(time.Minute), 0, 3); got != 1004 {
		t.Errorf("after a new beginning comes %d", got)
	}
	w.Forget(start, 7) // of a stream that never was
	if _, ok := w.Source(start.Add(time.Minute), 1004); !ok {
		t.Error("another stream's end took numbers")
	}
}

// A run does not begin again with what the last one of its stream forwarded, until its numbers may have come around.
func TestRewriterMayBegin(t *testing.T) {
	w := NewRewriter(1000)
	if !w.MayBegin(start, 0, 7) {
		t.Error("nothing may begin")
	}
	w.Begin(start, 0, 65530)
	w.Forward(65534)
	w.Suspend(start)
	w.Begin(start, 1, 20)
	for _, tt := range []struct {
		after  time.Duration
		stream uint8
		seq    uint16
		want   bool
	}{
		{0, 0, 65529, false},
		{0, 0, 65534, false},
		{0, 0, 65535, true},
		{0, 0, 3, true},
		{0, 1, 20, false},
		{0, 1, 21, true},
		{0, 2, 5, true},
		{segmentKept, 0, 65534, false},
		{segmentKept + 1, 0, 65534, true},
		{time.Hour, 1, 20, false},
	} {
		if got := w.MayBegin(start.Add(tt.after), tt.stream, tt.seq); got != tt.want {
			t.Errorf("%d of stream %d after %v: %t", tt.seq, tt.stream, tt.after, got)
		}
	}
}

func TestRewriterIsBounded(t *testing.T) {
	w := NewRewriter(1000)
	w.Begin(start, 0, 0)
	for seq := uint16(1); seq < 60000; seq += 2 {
		w.Drop(start, seq, uint32(seq))
		w.Forward(seq + 1)
	}
	if len(w.segments) > maxSegments || cap(w.segments) > 2*maxSegments {
		t.Errorf("%d segments", len(w.segments))
	}
	seq := uint16(60001)
	if n := testing.AllocsPerRun(1000, func() {
		w.Drop(start, seq, uint32(seq))
		w.Forward(seq + 1)
		seq += 2
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// event is what happened to one number in of a run: forwarded, dropped or lost on the way in.
type event struct {
	kind byte
	seq  uint16
	out  uint16 // of what was forwarded
}

// run is what happened between two switches.
type run struct {
	stream uint8
	events []event
}

// settled is the run without what was lost at its end: nothing behind tells that it is missing.
func (r *run) settled() []event {
	n := len(r.events)
	for n > 0 && r.events[n-1].kind == 'L' {
		n--
	}
	return r.events[:n]
}

// Whatever is lost, dropped or switched: what is forwarded, and what is missing among it, is numbered in order, without a gap and without a
// number given twice; what is late finds the number that was left for it; and every number can be traced back.
func TestRewriterModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first := rapid.Uint16().Draw(t, "first out")
		w := NewRewriter(first)
		var next [3]uint16 // number that each stream sends next
		for i := range next {
			next[i] = rapid.Uint16().Draw(t, "first in")
		}
		var runs []*run
		begin := func(stream uint8) {
			seq := next[stream]
			next[stream]++
			runs = append(runs, &run{stream, []event{{'F', seq, w.Begin(start, stream, seq)}}})
		}
		begin(0)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			r := runs[len(runs)-1]
			seq := next[r.stream]
			switch rapid.SampledFrom([]byte("FFFDDLLS")).Draw(t, "step") {
			case 'F':
				r.events = append(r.events, event{'F', seq, w.Forward(seq)})
				next[r.stream]++
			case 'D':
				if seq%2 == 0 {
					w.Skip(start, seq)
				} else {
					w.Drop(start, seq, uint32(seq))
				}
				r.events = append(r.events, event{'D', seq, 0})
				next[r.stream]++
			case 'L':
				r.events = append(r.events, event{'L', seq, 0})
				next[r.stream]++
			case 'S':
				begin(uint8(rapid.IntRange(0, 2).Draw(t, "stream")))
			}
		}
		want := first
		for _, r := range runs {
			for _, e := range r.settled() {
				place, ok := w.Late(start, r.stream, e.seq, 0)
				switch {
				case e.kind == 'D':
					if ok {
						t.Fatalf("dropped %d of stream %d has a place", e.seq, r.stream)
					}
					continue
				case e.kind == 'F' && e.out != want:
					t.Fatalf("%d of stream %d became %d, want %d", e.seq, r.stream, e.out, want)
				case !ok || place.Seq != want:
					t.Fatalf("late %d of stream %d became %d, %t, want %d", e.seq, r.stream, place.Seq, ok, want)
				}
				if from, ok := w.Source(start, want); !ok || from.Stream != r.stream || from.Seq != e.seq {
					t.Fatalf("%d comes from %+v, %t, want %d of %d", want, from, ok, e.seq, r.stream)
				}
				want++
			}
			for _, e := range r.events[len(r.settled()):] {
				if _, ok := w.Late(start, r.stream, e.seq, 0); ok {
					t.Fatalf("%d behind the end of stream %d has a place", e.seq, r.stream)
				}
			}
		}
		if w.Next() != want {
			t.Fatalf("next is %d, want %d", w.Next(), want)
		}
	})
}
