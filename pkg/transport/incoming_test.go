package transport

import (
	"math"
	"testing"
	"time"

	pionrtcp "github.com/pion/rtcp"

	"gazpacho/pkg/rtp"
	"gazpacho/proto"
)

// without removes extensions and feedback from a producer's parameters.
func without(o *proto.Produce, uri rtp.Extension, feedback string) *proto.Produce {
	var extensions []proto.RTPHeaderExtensionParameters
	for _, e := range o.RTPParameters.HeaderExtensions {
		if e.URI != uri.String() {
			extensions = append(extensions, e)
		}
	}
	o.RTPParameters.HeaderExtensions = extensions
	list := o.RTPParameters.Codecs[0].RTCPFeedback
	var kept []proto.RTCPFeedback
	for _, f := range list {
		if f.Type != feedback {
			kept = append(kept, f)
		}
	}
	o.RTPParameters.Codecs[0].RTCPFeedback = kept
	return o
}

// flow sends a picture every 10 ms with both extensions, and collects the feedback.
func (c *client) flow(ssrc uint32, first uint16, d time.Duration) (cc []*pionrtcp.TransportLayerCC, remb []*pionrtcp.ReceiverEstimatedMaximumBitrate) {
	c.t.Helper()
	for i := range int(d / (10 * time.Millisecond)) {
		seq := first + uint16(i)
		p := with(c.t, frame(ssrc, seq, seq == 1), ccID, []byte{byte(seq >> 8), byte(seq)})
		abs := rtp.AbsSendTime(c.now)
		c.sendRTP(with(c.t, p, absID, []byte{byte(abs >> 16), byte(abs >> 8), byte(abs)}))
		c.pass(10 * time.Millisecond)
		_, control := c.read()
		for _, compound := range control {
			for _, p := range compound.packets {
				switch p := p.(type) {
				case *pionrtcp.TransportLayerCC:
					cc = append(cc, p)
				case *pionrtcp.ReceiverEstimatedMaximumBitrate:
					remb = append(remb, p)
				}
			}
		}
	}
	return cc, remb
}

func remb(o *proto.Produce) *proto.Produce {
	o = without(o, rtp.ExtTransportCC, "transport-cc")
	o.RTPParameters.Codecs[0].RTCPFeedback = append(o.RTPParameters.Codecs[0].RTCPFeedback, proto.RTCPFeedback{Type: "goog-remb"})
	return o
}

// Chrome ramps up only with feedback: transport-cc where it is negotiated, else REMB, else nothing.
func TestFeedbackAsNegotiated(t *testing.T) {
	tests := []struct {
		name     string
		o        *proto.Produce
		cc, remb bool
	}{
		{"transport-cc", videoProducer("p", "v", 10), true, false},
		{"REMB", remb(videoProducer("p", "v", 10)), false, true},
		{"both", func() *proto.Produce {
			o := videoProducer("p", "v", 10)
			o.RTPParameters.Codecs[0].RTCPFeedback = append(o.RTPParameters.Codecs[0].RTCPFeedback, proto.RTCPFeedback{Type: "goog-remb"})
			return o
		}(), true, false},
		{"extension without feedback", without(videoProducer("p", "v", 10), rtp.ExtMID, "transport-cc"), false, false},
		{"feedback without extension", without(videoProducer("p", "v", 10), rtp.ExtTransportCC, ""), false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t)
			c := b.client(b.server(), "t")
			c.produce(tt.o)
			cc, remb := c.flow(10, 1, 5*time.Second)
			if (len(cc) > 0) != tt.cc || (len(remb) > 0) != tt.remb {
				t.Fatalf("%d of transport-cc, %d of REMB", len(cc), len(remb))
			}
			if tt.cc {
				total := 0
				for _, p := range cc {
					total += int(p.PacketStatusCount)
				}
				if total < 490 || total > 500 || cc[0].BaseSequenceNumber != 1 || cc[0].MediaSSRC != 10 {
					t.Errorf("feedback about %d packets, the first about %d", total, cc[0].BaseSequenceNumber)
				}
			}
			if tt.remb {
				if available := c.statistics().AvailableIncomingBitrate; available == nil || *available < 50_000 {
					t.Errorf("available: %v", available)
				}
			}
		})
	}
}

// A producer that negotiates transport-cc later takes over from REMB: two estimators for one path would fight.
func TestTransportCCReplacesREMB(t *testing.T) {
	b := newBench(t)
	c := b.client(b.server(), "t")
	c.produce(remb(videoProducer("p", "v", 10)))
	if _, remb := c.flow(10, 1, 3*time.Second); len(remb) == 0 {
		t.Fatal("no REMB")
	}
	c.produce(videoProducer("q", "w", 20))
	cc, remb := c.flow(20, 1, 3*time.Second)
	if len(cc) == 0 || len(remb) != 0 {
		t.Errorf("%d of transport-cc, %d of REMB", len(cc), len(remb))
	}
}

// A ceiling is told by REMB whatever feedback was negotiated.
func TestMaxIncomingBitrateIsToldByREMB(t *testing.T) {
	for name, o := range map[string]*proto.Produce{
		"transport-cc": videoProducer("p", "v", 10),
		"REMB":         remb(videoProducer("p", "v", 10)),
		"nothing":      without(without(videoProducer("p", "v", 10), rtp.ExtTransportCC, "transport-cc"), rtp.ExtAbsSendTime, ""),
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			c := b.client(b.server(), "t")
			c.produce(o)
			c.flow(10, 1, 3*time.Second)
			if err := c.w.SetMaxIncomingBitrate(40_000); err != nil {
				t.Fatal(err)
			}
			_, remb := c.flow(10, 301, 3*time.Second)
			if len(remb) < 2 {
				t.Fatalf("%d times in three seconds", len(remb))
			}
			for _, p := range remb {
				if math.Abs(float64(p.Bitrate)-40_000) > 1 {
					t.Errorf("told %f bit/s", p.Bitrate)
				}
			}
			if got := c.statistics().MaxIncomingBitrate; got == nil || *got != 40_000 {
				t.Errorf("statistics %v", got)
			}
			if err := c.w.SetMaxIncomingBitrate(0); err != nil {
				t.Fatal(err)
			}
			_, remb = c.flow(10, 601, 3*time.Second)
			if len(remb) == 0 || (remb[0].Bitrate != 0 && remb[0].Bitrate < 41_000) {
				t.Errorf("after it was lifted: %v", remb)
			}
		})
	}
}
