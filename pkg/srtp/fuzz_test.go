package srtp

import (
	"bytes"
	"testing"
)

// FuzzUnprotect feeds anything, and checks that nothing forged is taken and that the session still works afterwards.
func FuzzUnprotect(f *testing.F) {
	for i, profile := range profiles {
		a, _ := newPair(f, profile)
		f.Add(uint8(i), mustProtect(f, a, 1, 1))
		f.Add(uint8(i), mustProtectRTCP(f, a, rtcpPacket(1, 20)))
	}
	f.Add(uint8(0), []byte{0x90, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0xbe, 0xde, 0xff, 0xff})
	f.Add(uint8(2), bytes.Repeat([]byte{0x8f}, 72))
	f.Fuzz(func(t *testing.T, which uint8, packet []byte) {
		profile := profiles[int(which)%len(profiles)]
		a, b := newPair(t, profile)
		// What is right under these keys is in the seeds, and only that: it repeats the only packets made with them.
		authentic := map[string]bool{
			string(mustProtect(t, a, 1, 1)):                  true,
			string(mustProtectRTCP(t, a, rtcpPacket(1, 20))): true,
		}
		rtpCopy, rtcpCopy := bytes.Clone(packet), bytes.Clone(packet)
		n, reason := b.UnprotectRTP(rtpCopy)
		if (reason == OK) != (n > 0) || reason == OK && !authentic[string(packet)] {
			t.Fatalf("RTP: %d bytes, %v", n, reason)
		}
		n, reason = b.UnprotectRTCP(rtcpCopy)
		if (reason == OK) != (n > 0) || reason == OK && !authentic[string(packet)] {
			t.Fatalf("RTCP: %d bytes, %v", n, reason)
		}
		wantRTP(t, b, mustProtect(t, a, 1, 2), OK)
		wantRTCP(t, b, mustProtectRTCP(t, a, rtcpPacket(1, 20)), OK)
	})
}

// FuzzRoundTrip protects any payload behind any header that parses.
func FuzzRoundTrip(f *testing.F) {
	f.Add(uint8(0), uint8(0), []byte("payload"), uint16(1))
	f.Add(uint8(1), uint8(15), []byte{}, uint16(65535))
	f.Add(uint8(2), uint8(3), bytes.Repeat([]byte{1}, 1400), uint16(0))
	f.Fuzz(func(t *testing.T, which, csrcs uint8, payload []byte, seq uint16) {
		a, b := newPair(t, profiles[int(which)%len(profiles)])
		csrcs &= 15
		header := 12 + 4*int(csrcs)
		packet := rtpPacket(1, seq, append(make([]byte, header-12), payload[:min(len(payload), 1400)]...))
		packet[0] |= csrcs
		if got := wantRTP(t, b, protect(a, packet, header), OK); !bytes.Equal(got, packet) {
			t.Fatalf("%x came back as %x", packet, got)
		}
	})
}
