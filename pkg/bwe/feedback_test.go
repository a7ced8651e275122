package bwe

import (
	"testing"
	"time"

	"github.com/pion/rtcp"
	"pgregory.net/rapid"

	"gazpacho/pkg/rtp"
	"gazpacho/pkg/timer"
)

const senderSSRC, mediaSSRC = 0x11111111, 0x22222222

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// failer is what tests and properties have in common.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// report is one feedback packet, decoded by pion: the tick of each packet in it, -1 for the lost.
type report struct {
	at       time.Time
	base     uint16
	feedback uint8
	size     int
	ticks    []int64
}

// sender is the other end of a Feedback: it collects what is reported.
type sender struct {
	t        failer
	timers   timer.Queue
	feedback *Feedback
	now      time.Time
	reports  []report
}

func newSender(t failer) *sender {
	s := &sender{t: t, now: start}
	s.feedback = NewFeedback(FeedbackConfig{SenderSSRC: senderSSRC, Timers: &s.timers, Send: s.collect})
	return s
}

func (s *sender) collect(now time.Time, raw []byte) {
	s.t.Helper()
	if now != s.now || len(raw) > MaxFeedbackSize {
		s.t.Fatalf("%d bytes at %v, now %v", len(raw), now, s.now)
	}
	packets, err := rtcp.Unmarshal(raw)
	if err != nil || len(packets) != 1 {
		s.t.Fatalf("pion: %v of %x", err, raw)
	}
	p, ok := packets[0].(*rtcp.TransportLayerCC)
	if !ok || p.SenderSSRC != senderSSRC || p.MediaSSRC != mediaSSRC {
		s.t.Fatalf("sent %+v", packets[0])
	}
	r := report{at: now, base: p.BaseSequenceNumber, feedback: p.FbPktCount, size: len(raw)}
	var symbols []uint16
	for _, chunk := range p.PacketChunks {
		switch c := chunk.(type) {
		case *rtcp.RunLengthChunk:
			for range c.RunLength {
				symbols = append(symbols, c.PacketStatusSymbol)
			}
		case *rtcp.StatusVectorChunk:
			symbols = append(symbols, c.SymbolList...)
		}
	}
	tick := uint32(p.ReferenceTime) * rtp.TransportReference
	for _, symbol := range symbols[:p.PacketStatusCount] {
		if symbol == rtcp.TypeTCCPacketNotReceived {
			r.ticks = append(r.ticks, -1)
			continue
		}
		tick += uint32(p.RecvDeltas[0].Delta / rtcp.TypeTCCDeltaScaleFactor)
		p.RecvDeltas = p.RecvDeltas[1:]
		r.ticks = append(r.ticks, int64(tick))
	}
	s.reports = append(s.reports, r)
}

// at moves the clock to d after the start, firing what is due on the way.
func (s *sender) at(d time.Duration) *sender {
	target := start.Add(d)
	for next := s.timers.Next(); !next.IsZero() && !next.After(target); next = s.timers.Next() {
		s.now = next
		s.timers.Advance(next)
	}
	s.now = target
	return s
}

func (s *sender) arrive(seqs ...uint16) *sender {
	for _, seq := range seqs {
		s.feedback.Arrived(s.now, mediaSSRC, seq)
	}
	return s
}

// take returns the reports since it was called last.
func (s *sender) take() []report {
	r := s.reports
	s.reports = nil
	return r
}

const ms = time.Millisecond

// ticks is d in ticks, with the lost as -1.
func ticks(ds ...time.Duration) (list []int64) {
	for _, d := range ds {
		if d < 0 {
			list = append(list, -1)
			continue
		}
		list = append(list, max(int64(d/(250*time.Microsecond)), 1))
	}
	return list
}

func (s *sender) expect(name string, reports []report, base uint16, want []int64) {
	s.t.Helper()
	if len(reports) != 1 {
		s.t.Fatalf("%s: %d reports", name, len(reports))
	}
	r := reports[0]
	if r.base != base || len(r.ticks) != len(want) {
		s.t.Fatalf("%s: %d packets from %d, want %d from %d", name, len(r.ticks), r.base, len(want), base)
	}
	for i := range want {
		if r.ticks[i] != want[i] {
			s.t.Fatalf("%s: packet %d at %d, want %d", name, int(base)+i, r.ticks[i], want[i])
		}
	}
}

func TestFeedbackEveryInterval(t *testing.T) {
	s := newSender(t)
	if !s.timers.Next().IsZero() {
		t.Error("a timer runs before anything arrived")
	}
	s.arrive(10).at(20*ms).arrive(11, 13).at(40 * ms).arrive(14)
	if s.at(99 * ms); len(s.reports) != 0 {
		t.Fatal("reported too early")
	}
	s.at(100 * ms)
	s.expect("first", s.take(), 10, ticks(0, 20*ms, -1, 20*ms, 40*ms))
	s.at(150 * ms).arrive(15).at(200 * ms)
	s.expect("second", s.take(), 15, ticks(150*ms))
	// The loss between two reports belongs to the later one.
	s.at(210 * ms).arrive(18).at(300 * ms)
	s.expect("third", s.take(), 16, ticks(-1, -1, 210*ms))
	s.at(400 * ms)
	if len(s.take()) != 0 || !s.timers.Next().IsZero() {
		t.Error("a silent sender keeps a timer running")
	}
	s.at(10 * time.Second).arrive(19).at(10*time.Second + 100*ms)
	s.expect("after a pause", s.take(), 19, ticks(10*time.Second))
}

func TestFeedbackIsCounted(t *testing.T) {
	s := newSender(t)
	for i := range 600 {
		s.at(time.Duration(i) * 100 * ms).arrive(uint16(i))
	}
	for i, r := range s.take() {
		if r.feedback != uint8(i) {
			t.Fatalf("feedback %d is called %d", i, r.feedback)
		}
	}
}

func TestFeedbackForgetsDuplicates(t *testing.T) {
	s := newSender(t)
	s.arrive(10).at(5*ms).arrive(11, 10, 11).at(100 * ms)
	s.expect("in one report", s.take(), 10, ticks(0, 5*ms))
	s.at(120*ms).arrive(10, 11).at(300 * ms)
	if len(s.take()) != 0 {
		t.Error("reported a duplicate of what was reported")
	}
}

// A packet that comes late, but before its loss was reported, makes the times go back.
func TestFeedbackOfReorderedPackets(t *testing.T) {
	s := newSender(t)
	s.arrive(10).at(5 * ms).arrive(12).at(80 * ms).arrive(11).at(100 * ms)
	s.expect("back and forth", s.take(), 10, ticks(0, 80*ms, 5*ms))
	s.at(110 * ms).arrive(8).at(200 * ms)
	s.expect("before the very first", s.take(), 8, ticks(110*ms, -1, 0, 80*ms, 5*ms))
}

// One that comes after its loss was reported has its range reported again.
func TestFeedbackTakesALossBack(t *testing.T) {
	s := newSender(t)
	s.arrive(10, 12, 13).at(100 * ms)
	s.expect("with the loss", s.take(), 10, ticks(0, -1, 0, 0))
	s.at(110 * ms).arrive(11).at(120 * ms).arrive(14).at(200 * ms)
	s.expect("without", s.take(), 11, ticks(110*ms, 0, 0, 120*ms))
	s.at(210 * ms).arrive(15).at(300 * ms)
	s.expect("and on from there", s.take(), 15, ticks(210*ms))
}

func TestFeedbackOverTheWrap(t *testing.T) {
	s := newSender(t)
	s.arrive(65534).at(10*ms).arrive(0).at(20*ms).arrive(65535, 1).at(100 * ms)
	s.expect("wrap", s.take(), 65534, ticks(0, 20*ms, 10*ms, 20*ms))
	s.at(110 * ms).arrive(3).at(120 * ms).arrive(2).at(200 * ms)
	s.expect("behind it", s.take(), 2, ticks(120*ms, 110*ms))
}

// A packet older than the history is neither reported nor taken for a new one: the numbers go on as before.
func TestFeedbackIgnoresTheImpossiblyOld(t *testing.T) {
	s := newSender(t)
	for i := range uint16(1000) {
		s.at(time.Duration(i) * ms).arrive(2000 + i)
	}
	s.at(1100 * ms).take()
	s.at(1200*ms).arrive(1000, 500, 3000).at(1300 * ms)
	s.expect("new ones only", s.take(), 3000, ticks(1200*ms))
	// Seen from 52000, a turn back, 33000 would be older still. From 3000 on it is a leap.
	s.arrive(52000, 33000).at(1400 * ms)
	if r := s.take(); len(r) != 1 || r[0].base != 3001 || len(r[0].ticks) != 30000 {
		t.Errorf("reports %d", len(r))
	}
}

// A sender that begins anew with numbers that look old is understood after half a second.
func TestFeedbackOfASenderThatBeganAnew(t *testing.T) {
	s := newSender(t)
	for i := range uint16(1000) {
		s.at(time.Duration(i) * ms).arrive(20000 + i)
	}
	s.at(1100 * ms).take()
	for i := range uint16(600) {
		s.at(1100*ms + time.Duration(i)*ms).arrive(5 + i)
	}
	s.at(1800 * ms)
	reports := s.take()
	if len(reports) == 0 || reports[0].base < 400 || reports[0].base > 410 {
		t.Fatalf("%d reports from %d", len(reports), reports[0].base)
	}
	last := reports[len(reports)-1]
	if end := last.base + uint16(len(last.ticks)); end != 605 {
		t.Errorf("the last reported is %d", end)
	}
	for _, r := range reports {
		for i, tick := range r.ticks {
			if tick < 0 {
				t.Errorf("packet %d reported lost", int(r.base)+i)
			}
		}
	}
}

// What is pending is reported before a leap that would push it out of the history, and the leap itself is a loss.
func TestFeedbackOfALeap(t *testing.T) {
	s := newSender(t)
	s.arrive(10, 11).at(10 * ms).arrive(20000)
	s.expect("before the leap", s.take(), 10, ticks(0, 0))
	s.at(100 * ms)
	reports := s.take()
	if len(reports) != 1 || reports[0].base != 12 || len(reports[0].ticks) != 20000-12+1 || reports[0].size > 40 {
		t.Fatalf("%d reports, %d packets from %d in %d bytes", len(reports), len(reports[0].ticks), reports[0].base, reports[0].size)
	}
	for i, tick := range reports[0].ticks[:20000-12] {
		if tick >= 0 {
			t.Fatalf("packet %d received", 12+i)
		}
	}
	s.at(110 * ms).arrive(20001).at(200 * ms)
	s.expect("behind the leap", s.take(), 20001, ticks(110*ms))
}

// Many packets are reported before the interval ends, in packets that fit.
func TestFeedbackOfAFloodFitsDatagrams(t *testing.T) {
	s := newSender(t)
	seq := uint16(65000)
	received := 0
	for i := range 3000 { // at 50 µs each: 150 ms
		s.at(time.Duration(i) * 50 * time.Microsecond)
		if seq++; i%3 != 0 {
			s.arrive(seq)
			received++
		}
	}
	s.at(time.Second)
	reports := s.take()
	if len(reports) != 3 {
		t.Errorf("%d packets in %d reports", received, len(reports))
	}
	next := reports[0].base
	for _, r := range reports {
		if r.base != next {
			t.Errorf("a report begins at %d, want %d", r.base, next)
		}
		next += uint16(len(r.ticks))
		for _, tick := range r.ticks {
			if tick >= 0 {
				received--
			}
		}
	}
	if received != 0 {
		t.Errorf("%d packets are not reported", received)
	}
	if !reports[0].at.Before(start.Add(100 * ms)) {
		t.Error("a full report waited for the interval")
	}
}

// Where the even numbers take another path than the odd ones all deltas are large: one report needs two packets.
func TestFeedbackSplitsWhereAPacketIsFull(t *testing.T) {
	s := newSender(t)
	for odd := range uint16(2) {
		s.at(time.Duration(odd) * 70 * ms)
		for i := range uint16(350) {
			s.arrive(2*i + odd)
		}
	}
	s.at(100 * ms)
	reports := s.take()
	if len(reports) != 2 || reports[0].base != 0 || reports[1].base != uint16(len(reports[0].ticks)) || reports[0].size < MaxFeedbackSize-20 {
		t.Fatalf("%d reports, the first of %d bytes", len(reports), reports[0].size)
	}
	if reports[1].feedback != reports[0].feedback+1 || reports[0].at != reports[1].at {
		t.Error("not numbered one after the other")
	}
	for i, tick := range append(reports[0].ticks, reports[1].ticks...) {
		if want := ticks(time.Duration(i%2) * 70 * ms)[0]; tick != want {
			t.Fatalf("packet %d at %d, want %d", i, tick, want)
		}
	}
}

// Two packets of one report 9 s apart do not fit one packet's deltas.
func TestFeedbackSplitsWhereADeltaDoesNotFit(t *testing.T) {
	s := newSender(t)
	s.arrive(10, 12).at(100 * ms).take()
	s.at(9 * time.Second).arrive(11).at(9*time.Second + 100*ms)
	reports := s.take()
	if len(reports) != 2 || reports[0].base != 11 || reports[1].base != 12 {
		t.Fatalf("reports %+v", reports)
	}
	if reports[0].ticks[0] != 36000 || reports[1].ticks[0] != 1 {
		t.Errorf("ticks %v %v", reports[0].ticks, reports[1].ticks)
	}
}

func TestClosedFeedbackIsSilent(t *testing.T) {
	s := newSender(t)
	s.arrive(1)
	s.feedback.Close()
	s.at(time.Second)
	if len(s.take()) != 0 || s.timers.Len() != 0 {
		t.Error("a closed Feedback reports")
	}
	NewFeedback(FeedbackConfig{Timers: &s.timers}).Close()
}

// Over a path that loses, duplicates and reorders, every packet that arrived is reported in the end exactly when it arrived, every
// other between the first and the last as lost, and nothing twice in different ways.
func TestFeedbackProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newSender(t)
		first := rapid.Uint16().Draw(t, "first")
		arrived := map[uint16]int64{}
		order := []uint16{}
		for i := range uint16(rapid.IntRange(1, 400).Draw(t, "packets")) {
			order = append(order, first+i)
		}
		for range rapid.IntRange(0, 20).Draw(t, "swaps") {
			i := rapid.IntRange(0, len(order)-1).Draw(t, "from")
			j := min(i+rapid.IntRange(0, 60).Draw(t, "by"), len(order)-1)
			order[i], order[j] = order[j], order[i]
		}
		var now time.Duration
		for _, seq := range order {
			now += time.Duration(rapid.IntRange(0, 30_000).Draw(t, "µs")) * time.Microsecond
			s.at(now)
			switch rapid.IntRange(0, 9).Draw(t, "fate") {
			case 0: // lost
			case 1:
				s.arrive(seq, seq)
				fallthrough
			default:
				if _, ok := arrived[seq]; !ok {
					arrived[seq] = ticks(now)[0]
				}
				s.arrive(seq)
			}
		}
		s.at(now + time.Second)
		if len(arrived) == 0 {
			return
		}
		// The epoch is the first arrival, not the first step of this test's clock.
		var offset int64 = -1
		reported := map[uint16]int64{}
		for _, r := range s.take() {
			for i, tick := range r.ticks {
				seq := r.base + uint16(i)
				if was, ok := reported[seq]; ok && was >= 0 && was != tick {
					t.Fatalf("packet %d reported at %d, then at %d", seq, was, tick)
				}
				reported[seq] = tick
			}
		}
		for seq, tick := range arrived {
			got, ok := reported[seq]
			if !ok || got < 0 {
				t.Fatalf("packet %d arrived and is reported %v, %d", seq, ok, got)
			}
			if offset < 0 || tick-got < offset {
				offset = tick - got
			}
		}
		for seq, got := range reported {
			tick, ok := arrived[seq]
			if ok != (got >= 0) {
				t.Fatalf("packet %d arrived %v, reported %d", seq, ok, got)
			}
			// Both count whole ticks, from epochs that are not whole ticks apart.
			if d := tick - got - offset; ok && (d < 0 || d > 2) {
				t.Fatalf("packet %d at %d, reported at %d", seq, tick, got)
			}
		}
	})
}

func TestFeedbackAllocatesNothing(t *testing.T) {
	var timers timer.Queue
	size := 0
	f := NewFeedback(FeedbackConfig{Timers: &timers, Send: func(_ time.Time, raw []byte) { size += len(raw) }})
	now, seq := start, uint16(0)
	step := func() {
		for range 100 {
			now = now.Add(2 * ms)
			timers.Advance(now)
			f.Arrived(now, mediaSSRC, seq)
			seq++
		}
	}
	for range 20 {
		step() // grow what has to grow
	}
	if n := testing.AllocsPerRun(100, step); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if size == 0 {
		t.Error("nothing was reported")
	}
}

func BenchmarkFeedback(b *testing.B) {
	var timers timer.Queue
	f := NewFeedback(FeedbackConfig{Timers: &timers, Send: func(time.Time, []byte) {}})
	now, seq := start, uint16(0)
	for b.Loop() {
		now = now.Add(ms)
		timers.Advance(now)
		f.Arrived(now, mediaSSRC, seq)
		seq++
	}
}
