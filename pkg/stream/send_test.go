package stream

import (
	"testing"
	"time"

	"gazpacho/pkg/rtp"
)

func TestSendReports(t *testing.T) {
	s := NewSend(90000)
	if _, ok := s.SenderInfo(start, 1, nil, 0); ok {
		t.Error("a report before the first packet")
	}
	if _, _, ok := s.Last(); ok {
		t.Error("a last packet before the first")
	}
	s.Sent(start, 1000, 1212, 1200)
	s.Sent(start.Add(time.Millisecond), 1000, 512, 500) // of the same picture
	s.Sent(start.Add(2*time.Millisecond), 1<<32-500, 112, 100)
	if timestamp, at, ok := s.Last(); !ok || timestamp != 1000 || at != start {
		t.Errorf("last %d at %v", timestamp, at)
	}
	// Without the publisher's clock the report extrapolates from when the last picture came.
	now := start.Add(100 * time.Millisecond)
	want := rtp.SenderInfo{SSRC: 9, NTP: rtp.NTP(now), Timestamp: 1000 + 9000, Packets: 3, Octets: 1800}
	if got, ok := s.SenderInfo(now, 9, &Clock{}, 5); !ok || got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	// With it, the report names what the publisher captures now, moved as the stream's timestamps are.
	var c Clock
	c.Report(start, 90000, rtp.NTP(start), 700)
	want.Timestamp = 700 + 9000 + 5
	if got, ok := s.SenderInfo(now, 9, &c, 5); !ok || got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// Reports of two streams of one publisher, made from its clock, put what was captured at the same moment at the same time, however far
// the ways of the two differ.
func TestSendKeepsStreamsInSync(t *testing.T) {
	audio, video := NewSend(48000), NewSend(90000)
	audio.Sent(start, 5000, 100, 80)
	video.Sent(start, 90000, 1200, 1180)
	var audioClock, videoClock Clock
	captured := start.Add(-time.Hour) // the publisher's clock is an hour behind
	audioClock.Report(start.Add(10*time.Millisecond), 48000, rtp.NTP(captured), 5000)
	videoClock.Report(start.Add(13*time.Millisecond), 90000, rtp.NTP(captured), 90000)
	now := start.Add(time.Second)
	a, _ := audio.SenderInfo(now, 1, &audioClock, 0)
	v, _ := video.SenderInfo(now, 2, &videoClock, 0)
	at := func(info rtp.SenderInfo, timestamp uint32, rate int) time.Time {
		return rtp.NTPTime(info.NTP).Add(time.Duration(int32(timestamp-info.Timestamp)) * time.Second / time.Duration(rate))
	}
	if d := at(v, 90000, 90000).Sub(at(a, 5000, 48000)); d < 0 || d > 4*time.Millisecond {
		t.Errorf("the same moment is %v apart", d)
	}
}

func TestSendLearnsFromReports(t *testing.T) {
	s := NewSend(90000)
	if s.Score() != MaxScore {
		t.Errorf("score %d to begin with", s.Score())
	}
	if _, known := s.RoundTripTime(); known {
		t.Error("a round trip before a report")
	}
	for i := range 100 {
		s.Sent(start, uint32(i), 1000, 988)
	}
	sentAt := rtp.CompactNTP(rtp.NTP(start))
	now := start.Add(250 * time.Millisecond)
	changed := s.HandleReport(now, rtp.ReportBlock{TotalLost: 20, FractionLost: 51, Jitter: 33, LastSR: sentAt, Delay: 1 << 15 / 5})
	if rtt, known := s.RoundTripTime(); !known || rtt < 149*time.Millisecond || rtt > 151*time.Millisecond {
		t.Errorf("round trip %v", rtt)
	}
	if !changed || s.Score() != 4 {
		t.Errorf("score %d for a fifth lost", s.Score())
	}
	// The same lost packets are not counted again, and an interval without packets changes nothing.
	if s.HandleReport(now, rtp.ReportBlock{TotalLost: 20}) {
		t.Error("a report about nothing changed the score")
	}
	for i := range 100 {
		s.Sent(start, uint32(i), 1000, 988)
	}
	for range 20 {
		s.SentAgain(start, 1002, true)
		s.SentAgain(start, 1002, false)
	}
	s.Asked(20)
	if changed := s.HandleReport(now, rtp.ReportBlock{TotalLost: 40}); !changed || s.Score() != 7 { // (1·4 + 2·8)/3
		t.Errorf("score %d after a repaired interval", s.Score())
	}
	v := s.Stats(start)
	if v.Packets != 240 || v.Bytes != 200*1000+40*1002 || v.PacketsRetransmitted != 40 || v.PacketsRepaired != 20 || v.NACKs != 1 || v.NACKPackets != 20 ||
		v.PacketsLost != 40 || v.Bitrate < 1_600_000 {
		t.Errorf("%+v", v)
	}
}

func TestSendAllocatesNothing(t *testing.T) {
	s := NewSend(90000)
	now := start
	if n := testing.AllocsPerRun(1000, func() {
		now = now.Add(time.Millisecond)
		s.Sent(now, 1, 1200, 1188)
		s.HandleReport(now, rtp.ReportBlock{TotalLost: 1})
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestSendAffordsNoMoreThanItSent(t *testing.T) {
	s := NewSend(90000)
	afford := func() (n int) {
		for s.Afford() {
			n++
		}
		return n
	}
	if n := afford(); n != 0 {
		t.Errorf("%d repetitions of nothing", n)
	}
	for range 5 {
		s.Sent(start, 1, 100, 88)
	}
	if n := afford(); n != 5 {
		t.Errorf("%d repetitions of 5 packets", n)
	}
	for range 3 * maxAllowance {
		s.Sent(start, 1, 100, 88)
	}
	if n := afford(); n != maxAllowance {
		t.Errorf("%d repetitions at once, want %d", n, maxAllowance)
	}
}
