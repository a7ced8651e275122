package bwe

import (
	"testing"
	"time"
)

// rembOf is a sender whose peer estimates, after a second in which it sent at a bitrate.
func rembOf(bitrate int) (*Sender, time.Time) {
	s := NewSender(SenderConfig{Start: 600_000})
	s.REMB(start, 0)
	for range 20 {
		s.Passed(bitrate / 8 / 20)
	}
	return s, start.Add(time.Second)
}

func TestSenderObeysREMB(t *testing.T) {
	tests := []struct {
		name          string
		sending, told int
		want          int
	}{
		{"less than is sent", 500_000, 300_000, 300_000},
		{"more than was estimated", 500_000, 2_000_000, 2_000_000},
		{"what is sent, and that is less than was estimated", 200_000, 310_000, 600_000},
		{"no limit", 200_000, 0, 600_000},
		{"next to nothing", 500_000, 10, minBitrate},
		{"more than there is", 500_000, 1 << 60, rembMost},
	}
	for _, tt := range tests {
		s, now := rembOf(tt.sending)
		s.REMB(now, tt.told)
		if got := s.Bitrate(); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
}

// An estimate that only says that what is sent fits is no reason to stay: the next layer may be tried after a while.
func TestSenderTriesMoreUnderREMB(t *testing.T) {
	s, now := rembOf(600_000)
	s.SetDesired(5_000_000)
	for range 20 {
		for range 20 {
			s.Passed(600_000 / 8 / 20)
			now = now.Add(50 * ms)
		}
		s.REMB(now, 900_000)
	}
	if got := s.Bitrate(); got < 900_000 || got > 1_300_000 {
		t.Errorf("%d after 20 s", got)
	}
}

// "If the packet loss is above 10 %, the rate is decreased by half of the loss" (draft-ietf-rmcat-gcc-02 section 6).
func TestSenderWithoutFeedbackGoesByReports(t *testing.T) {
	s, now := rembOf(600_000)
	s.Reported(now, 64) // a quarter
	if got := s.Bitrate(); got != 525_000 {
		t.Errorf("%d after a loss of a quarter", got)
	}
	s.Reported(now.Add(100*ms), 64) // within the round trip
	if got := s.Bitrate(); got != 525_000 {
		t.Errorf("%d after the same loss again", got)
	}
	for i := range 10 {
		s.Reported(now.Add(time.Duration(i+1)*time.Second), 0)
	}
	s.REMB(now.Add(11*time.Second), 700_000)
	if got := s.Bitrate(); got != 700_000 {
		t.Errorf("%d when the loss was over", got)
	}
}

// With feedback a REMB is a ceiling, and what receiver reports say of loss is known already.
func TestREMBBesideFeedbackIsACeiling(t *testing.T) {
	s := sentPackets(20)
	s.Feedback(start, arrivalsOf(transportCC(0, 20, 5, 1, 4)))
	s.REMB(start, 250_000)
	s.Reported(start, 255)
	if got := s.Bitrate(); got != 250_000 || s.Loss() != 0 {
		t.Errorf("%d", got)
	}
	s.REMB(start, 0)
	if got := s.Bitrate(); got != 600_000 {
		t.Errorf("%d without a ceiling", got)
	}
}

// A peer that offered feedback and sends none, but REMB, is believed as one that did not offer it.
func TestREMBInsteadOfTheFeedbackThatWasOffered(t *testing.T) {
	s := sentPackets(20)
	s.REMB(start, 2_000_000)
	if got := s.Bitrate(); got != 2_000_000 || !s.Heard() {
		t.Errorf("%d", got)
	}
	s.SetDesired(10_000_000)
	if padding, _ := s.Probe(start); padding != 0 {
		t.Errorf("%d bytes of padding for a peer that does not report", padding)
	}
}
