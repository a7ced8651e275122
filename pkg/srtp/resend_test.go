package srtp

import (
	"bytes"
	"testing"
)

// protectAgain is protect for a packet that was sent before.
func protectAgain(s *Session, packet []byte, header int) []byte {
	dst := append(bytes.Clone(packet), make([]byte, MaxOverhead)...)
	n, ok := s.ProtectRTPAgain(dst, header, dst[header:len(packet)])
	if !ok {
		return nil
	}
	return dst[:n:n]
}

func TestResend(t *testing.T) {
	eachProfile(t, func(t *testing.T, profile Profile) {
		a, b := newPair(t, profile)
		packet := rtpPacket(1, 65535, []byte("lost"))
		a.AllowResend(1)
		first := protect(a, packet, 12)
		for i := range uint16(1023) {
			mustProtect(t, a, 1, i)
		}
		// The lost packet is the last one in the window, beyond a rollover.
		again := protectAgain(a, packet, 12)
		if !bytes.Equal(again, first) {
			t.Fatalf("resent %x, first %x", again, first)
		}
		if got := wantRTP(t, b, again, OK); !bytes.Equal(got, packet) {
			t.Errorf("%x came back", got)
		}
		wantRTP(t, b, again, Replayed)
		mustProtect(t, a, 1, 1023)
		if protectAgain(a, packet, 12) != nil {
			t.Error("resent from behind the window")
		}
	})
}

// TestResendChanged: with another header alone, GCM would give away its authentication key, as RFC 7714 section 16.1 warns of
// "two plaintexts [...] encrypted using the same IV".
func TestResendChanged(t *testing.T) {
	eachProfile(t, func(t *testing.T, profile Profile) {
		a, _ := newPair(t, profile)
		a.AllowResend(1)
		packet := rtpPacket(1, 7, []byte("payload"))
		if protect(a, packet, 12) == nil {
			t.Fatal("refused")
		}
		changed := []struct {
			name   string
			change func(p []byte) []byte
		}{
			{"payload", func(p []byte) []byte { p[12] ^= 1; return p }},
			{"marker", func(p []byte) []byte { p[1] ^= 0x80; return p }},
			{"timestamp", func(p []byte) []byte { p[7]++; return p }},
			{"length", func(p []byte) []byte { return p[:len(p)-1] }},
		}
		for _, c := range changed {
			p := c.change(bytes.Clone(packet))
			dst := append(p, make([]byte, MaxOverhead)...)
			if _, ok := a.ProtectRTPAgain(dst, 12, dst[12:len(p)]); ok {
				t.Errorf("another %s was resent", c.name)
			}
			if !bytes.Equal(dst[12:], make([]byte, len(dst)-12)) {
				t.Errorf("another %s: dst was not erased", c.name)
			}
		}
		if protectAgain(a, packet, 12) == nil {
			t.Error("the same packet was refused")
		}
	})
}

func TestResendRefused(t *testing.T) {
	eachProfile(t, func(t *testing.T, profile Profile) {
		a, _ := newPair(t, profile)
		packet := rtpPacket(1, 7, []byte("payload"))
		if protectAgain(a, packet, 12) != nil {
			t.Error("resent on an unknown stream")
		}
		mustProtect(t, a, 1, 7)
		if protectAgain(a, packet, 12) != nil {
			t.Error("resent without AllowResend")
		}
		a.AllowResend(1)
		if protectAgain(a, packet, 12) != nil {
			t.Error("resent what was sent before AllowResend")
		}
		mustProtect(t, a, 1, 8)
		a.AllowResend(1) // a second call forgets nothing
		if protectAgain(a, rtpPacket(1, 8, []byte("payload")), 12) == nil {
			t.Error("refused after a second AllowResend")
		}
		if protectAgain(a, rtpPacket(1, 9, nil), 12) != nil {
			t.Error("resent what was never sent")
		}
		if _, ok := a.ProtectRTPAgain(make([]byte, 20), 12, nil); ok {
			t.Error("resent without room")
		}
		a.Forget(1)
		a.AllowResend(1)
		if protectAgain(a, rtpPacket(1, 8, []byte("payload")), 12) != nil {
			t.Error("resent a forgotten packet")
		}
	})
}
