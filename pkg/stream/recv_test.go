package stream

import (
	"testing"
	"time"

	"gazpacho/pkg/rtp"
	"gazpacho/pkg/timer"
)

// nobody owns streams in tests that look at nothing but the stream.
type nobody struct{ asked int }

func (n *nobody) StreamMissing(_ time.Time, _ *Recv, s []uint16) { n.asked += len(s) }
func (n *nobody) StreamBroken(time.Time, *Recv)                  {}
func (n *nobody) StreamScore(time.Time, *Recv)                   {}

func newVideo(timers *timer.Queue) *Recv {
	return NewRecv(start, RecvConfig{Timers: timers, Owner: &nobody{}, ClockRate: 90000, NACK: true, NACKDelay: true, RTX: true})
}

// "LSR: The middle 32 bits out of 64 in the NTP timestamp received as part of the most recent RTCP sender report"; "DLSR: The delay,
// expressed in units of 1/65536 seconds, between receiving the last SR packet and sending this reception report block" (RFC 3550 section
// 6.4.1).
func TestRecvReportsItsLastSenderReport(t *testing.T) {
	var timers timer.Queue
	r := newVideo(&timers)
	r.Receive(start, 65535, 0, 100)
	if b := r.Report(start, 7); b.LastSR != 0 || b.Delay != 0 || b.SSRC != 7 {
		t.Errorf("before a sender report: %+v", b)
	}
	r.Receive(start, 2, 3000, 100)
	r.HandleSenderReport(start, rtp.SenderInfo{NTP: 0x1122334455667788, Timestamp: 3000})
	b := r.Report(start.Add(1500*time.Millisecond), 7)
	want := rtp.ReportBlock{
		SSRC: 7, FractionLost: 170, TotalLost: 2, HighestSequence: 65538, LastSR: 0x33445566, Delay: 3 << 15, Jitter: b.Jitter,
	}
	if b != want {
		t.Errorf("%+v, want %+v", b, want)
	}
	if !r.Clock().Known() {
		t.Error("the clock did not learn of it")
	}
}

func TestRecvReportsItsRetransmissions(t *testing.T) {
	var timers timer.Queue
	r := newVideo(&timers)
	r.Receive(start, 10, 0, 100)
	if _, ok := r.RTXReport(start, 8); ok {
		t.Error("a report before the first retransmission")
	}
	r.Receive(start, 13, 0, 100) // 11 and 12 are missing
	if n, ok := r.Repair(start, 500, 12, 90); !ok || n != 12 {
		t.Errorf("repaired %d, %t", n, ok)
	}
	if _, ok := r.Repair(start, 501, 12, 90); ok {
		t.Error("repaired twice")
	}
	r.DiscardRTX(start, 504, 20)
	r.HandleRTXSenderReport(start, rtp.SenderInfo{NTP: 1 << 16})
	b, ok := r.RTXReport(start.Add(time.Second), 8)
	want := rtp.ReportBlock{SSRC: 8, TotalLost: 2, FractionLost: 2 * 256 / 5, HighestSequence: 504, LastSR: 1, Delay: 1 << 16}
	if !ok || b != want {
		t.Errorf("%+v, %t, want %+v", b, ok, want)
	}
	// Repairs are not receptions: the report block of the stream tells what the path lost.
	if b := r.Report(start, 7); b.TotalLost != 2 {
		t.Errorf("%d lost after a repair, want 2", b.TotalLost)
	}
	s := r.Stats(start)
	if s.Packets != 5 || s.Bytes != 100+100+90+90+20 || s.PacketsRepaired != 1 || s.PacketsRetransmitted != 2 || s.RTXDiscarded != 2 {
		t.Errorf("%+v", s)
	}
	r.Discard()
	r.SetRoundTripTime(42 * time.Millisecond)
	if s := r.Stats(start); s.PacketsDiscarded != 1 || s.RoundTripTime != 42*time.Millisecond {
		t.Errorf("%+v", s)
	}
}

// Jitter is measured on what comes in order, and reported (RFC 3550 section 6.4.1, A.8).
func TestRecvReportsJitter(t *testing.T) {
	var timers timer.Queue
	r := newVideo(&timers)
	var want jitter
	for i, ms := range []int{0, 20, 55, 60, 61, 100, 140} {
		now := start.Add(time.Duration(ms) * time.Millisecond)
		r.Receive(now, uint16(2*i), uint32(i)*1800, 100)
		want.update(now, uint32(i)*1800, 90000)
	}
	r.Receive(start.Add(time.Second), 3, 1800, 100) // late: says nothing of the path
	if b := r.Report(start.Add(time.Second), 7); b.Jitter != want.value() || b.Jitter == 0 {
		t.Errorf("jitter %d, want %d", b.Jitter, want.value())
	}
	if s := r.Stats(start); s.Jitter != want.value() {
		t.Errorf("jitter %d, want %d", s.Jitter, want.value())
	}
}

// A publisher probes for bandwidth with retransmissions nobody asked for. They do not make a dead stream alive.
func TestRecvProbingIsNoSignOfLife(t *testing.T) {
	var timers timer.Queue
	r := NewRecv(start, RecvConfig{Timers: &timers, Owner: &nobody{}, ClockRate: 90000, NACK: true, RTX: true, MaxSilence: time.Second})
	if r.ActiveSince() != start {
		t.Errorf("active since %v", r.ActiveSince())
	}
	r.Receive(start, 1, 0, 100)
	now := start.Add(1500 * time.Millisecond)
	r.Repair(now.Add(-time.Second), 1, 1, 100)
	r.DiscardRTX(now.Add(-time.Second), 2, 100)
	timers.Advance(now)
	if r.Score() != 0 || !r.ActiveSince().IsZero() {
		t.Errorf("score %d, active since %v", r.Score(), r.ActiveSince())
	}
	r.Repair(now, 3, 1, 100)
	if r.Score() != 0 {
		t.Error("a probe woke the stream")
	}
	r.Receive(now, 2, 0, 100)
	if r.Score() != MaxScore || r.ActiveSince() != now {
		t.Errorf("score %d, active since %v", r.Score(), r.ActiveSince())
	}
}

func TestRecvCloseStopsItsTimers(t *testing.T) {
	var timers timer.Queue
	r := NewRecv(start, RecvConfig{Timers: &timers, Owner: &nobody{}, ClockRate: 90000, NACK: true, MaxSilence: time.Second})
	r.Receive(start, 1, 0, 100)
	r.Receive(start, 3, 0, 100)
	if timers.Len() != 2 {
		t.Fatalf("%d timers, want 2", timers.Len())
	}
	r.Close()
	if timers.Len() != 0 {
		t.Errorf("%d timers are left", timers.Len())
	}
}

// A list that fills and empties again and again, repairs included, needs no memory after a while.
func TestRecvAllocatesNothing(t *testing.T) {
	var timers timer.Queue
	r := newVideo(&timers)
	now, seq, rtx := start, uint16(0), uint16(0)
	step := func() {
		for range 20 {
			now = now.Add(5 * time.Millisecond)
			timers.Advance(now)
			seq++
			if seq%10 == 3 {
				continue
			}
			r.Receive(now, seq, uint32(seq)*450, 1200)
			if seq%10 == 9 {
				rtx++
				r.Repair(now, rtx, seq-6, 1200)
			}
		}
		r.Report(now, 1)
	}
	step()
	if n := testing.AllocsPerRun(200, step); n != 0 {
		t.Errorf("%v allocations in 20 packets", n)
	}
	if s := r.Stats(now); s.PacketsRepaired == 0 || s.NACKs == 0 || s.RTXDiscarded != 0 {
		t.Errorf("%+v", s)
	}
}

func BenchmarkRecv(b *testing.B) {
	var timers timer.Queue
	r := newVideo(&timers)
	now := time.Now()
	for i := 0; b.Loop(); i++ {
		now = now.Add(time.Millisecond)
		r.Receive(now, uint16(i), uint32(i/10)*3000, 1200)
	}
}
