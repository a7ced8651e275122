package bwe

import (
	"testing"
	"time"

	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/rtcp"

	"gazpacho/pkg/rtp"
	"gazpacho/pkg/simtest/script"
	"gazpacho/pkg/timer"
)

// FuzzFeedbackAgainstPion lets the same packets arrive at a Feedback and at pion's: both report the same of them, at the same times.
func FuzzFeedbackAgainstPion(f *testing.F) {
	f.Add(script.Write(uint16(65530), 1, 10, 1, 20, 3, 5, 0, 0, 200, 9, 1, 255))
	f.Add(script.Write(uint16(9), 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 255, 255, 1, 1))
	f.Fuzz(func(t *testing.T, input []byte) {
		s := script.New(input)
		type arrival struct {
			tick     uint32 // since the first
			received bool
		}
		ours, theirs := map[uint16]arrival{}, map[uint16]arrival{}
		var timers timer.Queue
		fb := NewFeedback(FeedbackConfig{SenderSSRC: 1, Timers: &timers, Send: func(_ time.Time, raw []byte) {
			note(t, raw, func(seq uint16, received bool, tick uint32) { ours[seq] = arrival{tick, received} })
		}})
		recorder := twcc.NewRecorder(1)
		// All within one interval, so that each side reports once; steps forward only, since what comes late each reports in its own way.
		seq, elapsed := s.Uint16(), time.Duration(0)
		for n := 0; s.More() && n < 200 && elapsed < FeedbackInterval-10*time.Millisecond; n++ {
			fb.Arrived(start.Add(elapsed), mediaSSRC, seq)
			recorder.Record(mediaSSRC, seq, elapsed.Microseconds())
			step := s.Byte()
			if step > 250 {
				step *= 2
			}
			seq += uint16(step)
			elapsed += time.Duration(s.Byte()) * 25 * time.Microsecond
		}
		timers.Advance(start.Add(time.Second))
		fb.Close()
		for _, p := range recorder.BuildFeedbackPacket() {
			raw, err := p.(*rtcp.TransportLayerCC).Marshal()
			if err != nil {
				t.Fatal(err)
			}
			note(t, raw, func(seq uint16, received bool, tick uint32) { theirs[seq] = arrival{tick, received} })
		}
		if len(ours) != len(theirs) {
			t.Fatalf("%d packets are reported, pion reports %d", len(ours), len(theirs))
		}
		first, got := uint32(0), false
		for seq, a := range ours {
			b := theirs[seq]
			if a.received != b.received {
				t.Fatalf("packet %d: received %v, pion says %v", seq, a.received, b.received)
			}
			if !a.received {
				continue
			}
			// Epochs differ, and pion rounds where we cut: two that are rounded apart may differ by two.
			if d := a.tick - b.tick; !got {
				first, got = d, true
			} else if d-first+2 > 4 {
				t.Fatalf("packet %d came at %d, pion says %d, others differ by %d", seq, a.tick, b.tick, first)
			}
		}
	})
}

// note reads a feedback packet.
func note(t *testing.T, raw []byte, f func(seq uint16, received bool, tick uint32)) {
	t.Helper()
	compound, ok := rtp.ParseRTCP(raw)
	if !ok {
		t.Fatalf("malformed %x", raw)
	}
	var p rtp.RTCP
	for compound.Next(&p) {
		for a := p.Arrivals(); a.Next(); {
			f(a.SequenceNumber, a.Received, a.Tick)
		}
	}
}
