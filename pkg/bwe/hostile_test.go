package bwe

import (
	"encoding/binary"
	"math"
	"testing"
	"time"

	pionrtcp "github.com/pion/rtcp"

	"gazpacho/pkg/rtp"
)

// sentPackets is a sender of n packets, a millisecond apart, the last of them at start.
func sentPackets(n int) *Sender {
	s := NewSender(SenderConfig{Start: 600_000, Feedback: true})
	for i := range n {
		s.Sent(start.Add(time.Duration(i-n)*ms), uint16(i), 1000)
	}
	return s
}

// transportCC is a report of count packets from base on: runs of one symbol with deltas of one size.
func transportCC(base, count uint16, reference uint32, symbol uint16, delta ...byte) []byte {
	b := []byte{0x80 | 15, 205, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2}
	b = binary.BigEndian.AppendUint16(b, base)
	b = binary.BigEndian.AppendUint16(b, count)
	b = binary.BigEndian.AppendUint32(b, reference<<8)
	for left := int(count); left > 0; left -= 0x1fff {
		b = binary.BigEndian.AppendUint16(b, symbol<<13|uint16(min(left, 0x1fff)))
	}
	for range count {
		b = append(b, delta...)
	}
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)/4-1))
	return b
}

func (s *Sender) sane(t testing.TB) {
	t.Helper()
	if b := s.Bitrate(); b < minBitrate || b > 1<<40 || math.IsNaN(s.estimate()) || math.IsInf(s.estimate(), 0) {
		t.Errorf("an estimate of %d, %f", b, s.estimate())
	}
	if l := s.Loss(); l < 0 || l > 1 || math.IsNaN(l) {
		t.Errorf("a loss of %f", l)
	}
	if n := len(s.flights.ring); n > maxFlights {
		t.Errorf("%d packets are kept", n)
	}
	if s.control.rtt < 0 || s.control.rtt > clockJump {
		t.Errorf("a round trip of %v", s.control.rtt)
	}
}

// Forty bytes can claim the loss of 65,535 packets. Only as many are read as were sent, and none twice over and over.
func TestSenderReadsNoMoreThanWasSent(t *testing.T) {
	s := sentPackets(100)
	for range 1000 {
		s.Feedback(start, arrivalsOf(transportCC(0, 65535, 0, 0)))
		s.Feedback(start, arrivalsOf(transportCC(99, 65535, 0, 0)))
		s.Feedback(start, arrivalsOf(transportCC(0x7000, 65535, 0, 0)))
	}
	if s.credit > 400 || s.credit < 0 {
		t.Errorf("%d statuses may still be read", s.credit)
	}
	if s.Refused() < 2500 {
		t.Errorf("%d reports were refused", s.Refused())
	}
	if s.average.count != 1 {
		t.Errorf("%d reports counted for loss", s.average.count)
	}
	s.sane(t)
}

// A replayed report, or one of packets that were never sent, changes nothing.
func TestSenderIgnoresReplays(t *testing.T) {
	s := sentPackets(100)
	report := transportCC(0, 100, 5, 1, 4)
	s.Feedback(start, arrivalsOf(report))
	once := *s
	for i := range 3 {
		s.Feedback(start.Add(time.Duration(i)*time.Second), arrivalsOf(report))
		s.Feedback(start.Add(time.Duration(i)*time.Second), arrivalsOf(transportCC(100, 100, 5, 1, 4)))
	}
	if s.Bitrate() != once.Bitrate() || s.heardAt != once.heardAt || s.average != once.average || s.control != once.control {
		t.Error("a replay counted")
	}
}

// Packets that were reported lost and come late are no loss, wherever their reports are.
func TestSenderTakesBackLosses(t *testing.T) {
	s := sentPackets(40)
	s.Feedback(start, arrivalsOf(transportCC(0, 40, 5, 0)))
	if s.loss.lost != 40 || s.loss.expected != 40 {
		t.Fatalf("%d of %d lost", s.loss.lost, s.loss.expected)
	}
	s.Feedback(start.Add(100*ms), arrivalsOf(transportCC(0, 40, 5, 1, 4)))
	if s.loss.lost != 0 || s.loss.expected != 40 {
		t.Errorf("%d of %d lost", s.loss.lost, s.loss.expected)
	}
}

// Arrival times that jump about, forth and back, and deltas as large as there are do not make the estimate absurd.
func TestSenderOfAbsurdClocks(t *testing.T) {
	s := sentPackets(1)
	seq := uint16(1)
	now := start
	for i := range 3000 {
		for range 10 {
			now = now.Add(ms)
			s.Sent(now, seq, 1200)
			seq++
		}
		delta := [][]byte{{0x7f, 0xff}, {0x80, 0x00}, {0, 0}}[i%3]
		s.Feedback(now, arrivalsOf(transportCC(seq-10, 10, uint32(i)*0x7fffff, 2, delta...)))
		s.SetDesired(i * 1000)
		s.Probe(now)
	}
	s.sane(t)
	if s.Bitrate() > 20_000_000 {
		t.Errorf("%d from ten packets in 10 ms", s.Bitrate())
	}
}

// A peer cannot talk the estimate up: what it claims to have received counts only as far as it was sent.
func TestSenderIsNotTalkedUp(t *testing.T) {
	s := NewSender(SenderConfig{Start: 600_000, Feedback: true})
	s.SetDesired(100_000_000)
	seq := uint16(0)
	now := start
	for i := range 600 { // 1 Mbit/s for a minute
		for range 10 {
			s.Sent(now, seq, 1250)
			seq++
		}
		now = now.Add(100 * ms)
		s.Feedback(now, arrivalsOf(transportCC(seq-10, 10, 3*uint32(i)/16, 1, 0))) // at eight times the speed
	}
	if s.Bitrate() > 3_300_000 { // half as much again as what is believable
		t.Errorf("%d", s.Bitrate())
	}
}

func TestFlightsAreBounded(t *testing.T) {
	s := NewSender(SenderConfig{Start: 600_000, Feedback: true})
	for i := range 200_000 {
		s.Sent(start.Add(time.Duration(i)*time.Microsecond), uint16(i), 1200)
	}
	if n := len(s.flights.ring); n != maxFlights {
		t.Errorf("%d", n)
	}
	slow := NewSender(SenderConfig{Start: 600_000, Feedback: true})
	for i := range 100_000 {
		slow.Sent(start.Add(time.Duration(i)*20*ms), uint16(i), 1200)
	}
	if n := len(slow.flights.ring); n != minFlights {
		t.Errorf("%d packets are kept of fifty a second", n)
	}
}

// Neither sending nor reading a report allocates.
func TestSenderDoesNotAllocate(t *testing.T) {
	s := sentPackets(300)
	now, seq := start, uint16(300)
	report := transportCC(0, 20, 0, 1, 4)
	if n := testing.AllocsPerRun(500, func() {
		for range 20 {
			now = now.Add(5 * ms)
			s.Sent(now, seq, 1200)
			seq++
		}
		binary.BigEndian.PutUint16(report[12:], seq-20)
		s.Feedback(now, arrivalsOf(report))
		s.Probe(now)
	}); n != 0 {
		t.Errorf("%f allocations", n)
	}
}

// What another implementation writes is read as it means it.
func FuzzSenderFeedback(f *testing.F) {
	f.Add(transportCC(0, 100, 5, 1, 4), uint16(0))
	f.Add(transportCC(0, 65535, 5, 0), uint16(5000))
	f.Add(transportCC(50, 50, 0xffffff, 2, 0x80, 0), uint16(65500))
	f.Fuzz(func(t *testing.T, raw []byte, first uint16) {
		compound, ok := rtp.ParseRTCP(raw)
		if !ok {
			return
		}
		s := NewSender(SenderConfig{Start: 600_000, Feedback: true})
		s.SetDesired(5_000_000)
		now := start
		for i := range 300 {
			now = now.Add(ms)
			s.Sent(now, first+uint16(i), 1200)
		}
		var p rtp.RTCP
		for compound.Next(&p) {
			now = now.Add(50 * ms)
			switch p.Kind {
			case rtp.TransportCC:
				s.Feedback(now, p.Arrivals())
			case rtp.REMB:
				s.REMB(now, p.REMBBitrate())
			}
			s.Probe(now)
			s.Poll(now)
		}
		s.sane(t)
	})
}

// Reports of pion's say the same to both: which packets came.
func TestSenderReadsPion(t *testing.T) {
	s := sentPackets(30)
	raw, err := (&pionrtcp.TransportLayerCC{
		Header:     pionrtcp.Header{Count: pionrtcp.FormatTCC, Type: pionrtcp.TypeTransportSpecificFeedback, Length: 6},
		SenderSSRC: 1, MediaSSRC: 2, BaseSequenceNumber: 3, PacketStatusCount: 7, ReferenceTime: 9,
		PacketChunks: []pionrtcp.PacketStatusChunk{&pionrtcp.StatusVectorChunk{
			Type: pionrtcp.TypeTCCStatusVectorChunk, SymbolSize: pionrtcp.TypeTCCSymbolSizeTwoBit,
			SymbolList: []uint16{1, 0, 2, 0, 0, 1, 1},
		}},
		RecvDeltas: []*pionrtcp.RecvDelta{
			{Type: 1, Delta: 1000}, {Type: 2, Delta: -500}, {Type: 1, Delta: 250}, {Type: 1, Delta: 0},
		},
	}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	s.Feedback(start, arrivalsOf(raw))
	want := map[uint16]fate{2: flying, 3: landed, 4: missing, 5: landed, 6: missing, 7: missing, 8: landed, 9: landed, 10: flying}
	for seq, fate := range want {
		if got := s.flights.find(seq).fate; got != fate {
			t.Errorf("packet %d: %d, want %d", seq, got, fate)
		}
	}
	if s.loss.lost != 3 || s.loss.expected != 7 {
		t.Errorf("%d of %d lost", s.loss.lost, s.loss.expected)
	}
}
