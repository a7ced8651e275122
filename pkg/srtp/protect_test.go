package srtp

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

// TestProtectShared encrypts straight from a buffer that others read too.
func TestProtectShared(t *testing.T) {
	eachProfile(t, func(t *testing.T, profile Profile) {
		a, b := newPair(t, profile)
		shared := bytes.Repeat([]byte("shared "), 150)
		before := bytes.Clone(shared)
		dst := bytes.Repeat([]byte{0xee}, 12+len(shared)+MaxOverhead+8)
		copy(dst, rtpPacket(1, 1, nil))
		n, ok := a.ProtectRTP(dst, 12, shared)
		if !ok || !bytes.Equal(shared, before) {
			t.Fatal("refused, or the payload was written to")
		}
		if n > 12+len(shared)+MaxOverhead {
			t.Errorf("the packet grew by %d", n-12-len(shared))
		}
		if got := dst[12+len(shared)+MaxOverhead:]; !bytes.Equal(got, bytes.Repeat([]byte{0xee}, 8)) {
			t.Errorf("wrote behind the room it needs: %x", got)
		}
		if got := wantRTP(t, b, dst[:n], OK); !bytes.Equal(got[12:], shared) {
			t.Error("another payload came back")
		}
	})
}

func TestProtectEmptyPayload(t *testing.T) {
	eachProfile(t, func(t *testing.T, profile Profile) {
		a, b := newPair(t, profile)
		packet := rtpPacket(1, 1, nil)
		if got := wantRTP(t, b, protect(a, packet, 12), OK); !bytes.Equal(got, packet) {
			t.Errorf("%x came back", got)
		}
	})
}

func TestProtectRoom(t *testing.T) {
	eachProfile(t, func(t *testing.T, profile Profile) {
		a, _ := newPair(t, profile)
		payload := make([]byte, 20)
		for _, c := range []struct {
			name      string
			dst       int
			header    int
			wantTaken bool
		}{
			{"no room for the tag", 12 + 20 + MaxOverhead - 1, 12, false},
			{"header too short", 100, 11, false},
			{"negative header", 100, -1, false},
			{"header longer than dst", 100, 101, false},
			{"empty dst", 0, 12, false},
			{"just enough", 12 + 20 + MaxOverhead, 12, true},
		} {
			dst := make([]byte, c.dst)
			copy(dst, rtpPacket(1, 1, nil))
			if _, ok := a.ProtectRTP(dst, c.header, payload); ok != c.wantTaken {
				t.Errorf("%s: %v", c.name, ok)
			}
		}
		packet := rtcpPacket(1, 20)
		for _, c := range []struct {
			name      string
			dst, n    int
			wantTaken bool
		}{
			{"no room for tag and index", 20 + MaxRTCPOverhead - 1, 20, false},
			{"shorter than a header", 100, 7, false},
			{"longer than dst", 20, 21, false},
			{"just enough", 20 + MaxRTCPOverhead, 20, true},
		} {
			dst := make([]byte, c.dst)
			copy(dst, packet)
			if _, ok := a.ProtectRTCP(dst, c.n); ok != c.wantTaken {
				t.Errorf("RTCP, %s: %v", c.name, ok)
			}
		}
	})
}

// TestProtectOnce: RFC 3711 section 9.1: "it is essential that [...] the keystream [...] never be reused".
func TestProtectOnce(t *testing.T) {
	eachProfile(t, func(t *testing.T, profile Profile) {
		a, _ := newPair(t, profile)
		for _, c := range []struct {
			seq  uint16
			want bool
		}{
			{1000, true},
			{1000, false},
			{1001, true},
			{999, true},
			{999, false},
			{3000, true},
			{3000 - 1023, true},
			{3000 - 1024, false},
			{1001, false},
		} {
			got := protect(a, rtpPacket(1, c.seq, []byte{1}), 12) != nil
			if got != c.want {
				t.Errorf("sequence number %d: %v", c.seq, got)
			}
		}
		if protect(a, rtpPacket(2, 1000, []byte{1}), 12) == nil {
			t.Error("another SSRC was refused")
		}
	})
}

// TestKeySpent: RFC 3711 section 9.2: "when 2^48 SRTP packets or 2^31 SRTCP packets have been secured with the same
// key [...] the key management MUST be called [...] or the session MUST be terminated."
func TestKeySpent(t *testing.T) {
	eachProfile(t, func(t *testing.T, profile Profile) {
		a, _ := newPair(t, profile)
		mustProtect(t, a, 1, 40000)
		a.sent[1].highest = 1<<48 - 2
		if protect(a, rtpPacket(1, 65535, nil), 12) == nil {
			t.Error("the last packet was refused")
		}
		for _, seq := range []uint16{0, 1, 32766} {
			if protect(a, rtpPacket(1, seq, nil), 12) != nil {
				t.Errorf("sequence number %d was sent with a spent key", seq)
			}
		}
		a.rtcpIndex = maxRTCPIndex - 1
		mustProtectRTCP(t, a, rtcpPacket(1, 8))
		dst := make([]byte, 100)
		copy(dst, rtcpPacket(1, 8))
		if _, ok := a.ProtectRTCP(dst, 8); ok || a.rtcpIndex != maxRTCPIndex {
			t.Error("RTCP was sent with a spent key")
		}
	})
}

func TestForget(t *testing.T) {
	eachProfile(t, func(t *testing.T, profile Profile) {
		a, b := newPair(t, profile)
		a.Forget(1) // not there
		wantRTP(t, b, mustProtect(t, a, 1, 65000), OK)
		wantRTP(t, b, mustProtect(t, a, 1, 200), OK) // rollover 1
		a.Forget(1)
		a.Forget(1)
		if len(a.sent) != 0 || len(a.forgotten) != 1 {
			t.Fatalf("%d streams, %d forgotten", len(a.sent), len(a.forgotten))
		}
		for _, seq := range []uint16{200, 199, 0, 65000, 65001} {
			if protect(a, rtpPacket(1, seq, []byte("other")), 12) != nil {
				t.Errorf("sequence number %d was sent again", seq)
			}
		}
		// It goes on where it was, so the peer's rollover counter still fits.
		wantRTP(t, b, mustProtect(t, a, 1, 201), OK)
		a.AllowResend(2)
		a.Forget(2) // nothing sent, nothing to remember
		if len(a.forgotten) != 0 || len(a.sent) != 1 {
			t.Errorf("%d streams, %d forgotten", len(a.sent), len(a.forgotten))
		}
	})
}

// recorder is a transform that remembers which index encrypted what.
type recorder struct {
	t    *rapid.T
	used map[uint32]map[int64]string
}

func (r *recorder) sealRTP(dst []byte, header int, payload []byte, ssrc uint32, index int64, _ *prefix) (int, uint64) {
	copy(dst[header:], payload)
	var tag uint64
	for _, b := range dst[:header+len(payload)] {
		tag = tag*31 + uint64(b) + 1
	}
	return header + len(payload) + gcmTagSize, tag
}

func (r *recorder) openRTP([]byte, int, uint32, int64, *prefix) bool { return false }
func (r *recorder) sealRTCP([]byte, int, uint32, uint32) int         { return 0 }
func (r *recorder) openRTCP([]byte, uint32, uint32) bool             { return false }
func (r *recorder) rtcpIndexAt(int) int                              { return 0 }

// sent checks a packet that left the session.
func (r *recorder) sent(s *Session, packet []byte) {
	ssrc := uint32(packet[11])
	seq := uint16(packet[2])<<8 | uint16(packet[3])
	index := guessIndex(s.sent[ssrc].highest, seq)
	if r.used[ssrc] == nil {
		r.used[ssrc] = map[int64]string{}
	}
	if before, ok := r.used[ssrc][index]; ok && before != string(packet) {
		r.t.Fatalf("index %d of SSRC %d encrypted two packets", index, ssrc)
	}
	r.used[ssrc][index] = string(packet)
}

// TestNoIndexTwice is R-RTP-7: no key, SSRC and index is ever used for two packets, whatever the caller asks for.
func TestNoIndexTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := &recorder{t: t, used: map[uint32]map[int64]string{}}
		s := &Session{
			send: r, sent: map[uint32]*sentStream{}, forgotten: map[uint32]int64{},
		}
		seqs := [2]uint16{rapid.Uint16().Draw(t, "a"), rapid.Uint16().Draw(t, "b")}
		for range 60 {
			which := rapid.IntRange(0, 1).Draw(t, "which")
			ssrc := uint32(which)
			seqs[which] += uint16(rapid.OneOf(rapid.IntRange(-2, 2), rapid.IntRange(-1030, 32767)).Draw(t, "step"))
			packet := rtpPacket(ssrc, seqs[which], []byte{byte(rapid.IntRange(0, 1).Draw(t, "content"))})
			dst := append(bytes.Clone(packet), make([]byte, MaxOverhead)...)
			var ok bool
			switch rapid.SampledFrom([]string{"send", "send", "send", "again", "allow", "forget"}).Draw(t, "what") {
			case "send":
				_, ok = s.ProtectRTP(dst, 12, packet[12:])
			case "again":
				_, ok = s.ProtectRTPAgain(dst, 12, packet[12:])
			case "allow":
				s.AllowResend(ssrc)
			case "forget":
				s.Forget(ssrc)
			}
			if ok {
				r.sent(s, packet)
			}
		}
	})
}
