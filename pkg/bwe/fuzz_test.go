package bwe

import (
	"encoding/binary"
	"testing"
	"time"

	"gazpacho/pkg/rtp"
	"gazpacho/pkg/timer"
)

// FuzzFeedback gives a Feedback any sequence numbers at any times. What it sends can be read back and fits a datagram, and who sent something is
// told so.
func FuzzFeedback(f *testing.F) {
	f.Add([]byte{0, 1, 0, 0, 2, 0, 0, 3, 5})
	f.Add([]byte{0xff, 0xff, 1, 0, 0, 1, 0x80, 0, 1, 0, 1, 255})
	f.Add([]byte{0, 1, 0, 0x7f, 0xff, 200, 0, 2, 200, 0, 0, 200})
	f.Fuzz(func(t *testing.T, script []byte) {
		var timers timer.Queue
		now := start
		arrived, received := 0, 0
		fb := NewFeedback(FeedbackConfig{SenderSSRC: 1, Timers: &timers, Send: func(_ time.Time, raw []byte) {
			compound, ok := rtp.ParseRTCP(raw)
			if !ok || len(raw) > MaxFeedbackSize {
				t.Fatalf("sent %d bytes: %x", len(raw), raw)
			}
			var p rtp.RTCP
			for compound.Next(&p) {
				arrivals := p.Arrivals()
				for arrivals.Next() {
					if arrivals.Received {
						received++
					}
				}
			}
		}})
		for len(script) >= 3 && arrived < 60 {
			now = now.Add(time.Duration(script[2]) * 5 * time.Millisecond)
			timers.Advance(now)
			fb.Arrived(now, mediaSSRC, binary.BigEndian.Uint16(script))
			arrived++
			script = script[3:]
		}
		timers.Advance(now.Add(time.Second))
		fb.Close()
		if arrived > 0 && received == 0 {
			t.Fatalf("%d arrived and none was reported", arrived)
		}
		// A range is reported again from where a packet came late, so one may be told of several times: at most once per arrival.
		if received > arrived*arrived {
			t.Fatalf("%d arrived, %d were reported", arrived, received)
		}
	})
}
