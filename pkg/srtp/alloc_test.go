package srtp

import (
	"encoding/binary"
	"testing"
)

// TestAllocations proves the packet path free of allocations, in both directions, with every profile.
func TestAllocations(t *testing.T) {
	eachProfile(t, func(t *testing.T, profile Profile) {
		a, b := newPair(t, profile)
		payload := make([]byte, 1100)
		dst := make([]byte, 12+len(payload)+MaxOverhead)
		report, size := make([]byte, 200), 100
		seq := uint16(65000) // rolls over on the way
		a.AllowResend(1)
		for _, c := range []struct {
			name string
			run  func() bool
		}{
			{"RTP from a shared payload", func() bool {
				seq++
				copy(dst, rtpHeader(1, seq))
				n, ok := a.ProtectRTP(dst, 12, payload)
				_, reason := b.UnprotectRTP(dst[:n])
				return ok && reason == OK
			}},
			{"RTP in place", func() bool {
				seq++
				copy(dst, rtpHeader(1, seq))
				n, ok := a.ProtectRTP(dst, 12, dst[12:100])
				_, reason := b.UnprotectRTP(dst[:n])
				return ok && reason == OK
			}},
			{"RTP again", func() bool {
				seq++
				copy(dst, rtpHeader(1, seq))
				_, first := a.ProtectRTP(dst, 12, payload)
				n, ok := a.ProtectRTPAgain(dst, 12, payload)
				_, reason := b.UnprotectRTP(dst[:n])
				return first && ok && reason == OK
			}},
			{"RTCP", func() bool {
				copy(report, rtcpHeader(1))
				n, ok := a.ProtectRTCP(report, size)
				_, reason := b.UnprotectRTCP(report[:n])
				return ok && reason == OK
			}},
			{"RTP dropped", func() bool {
				_, reason := b.UnprotectRTP(dst[:200])
				return reason != OK
			}},
		} {
			if !c.run() { // the first packet of a stream makes its state
				t.Errorf("%s: a packet was lost", c.name)
			}
			failed := false
			allocs := testing.AllocsPerRun(1000, func() { failed = failed || !c.run() })
			if allocs != 0 || failed {
				t.Errorf("%s: %v allocations, packet lost: %v", c.name, allocs, failed)
			}
		}
	})
}

var headerBuf [12]byte

func rtpHeader(ssrc uint32, seq uint16) []byte {
	headerBuf = [12]byte{0x80, 96}
	binary.BigEndian.PutUint16(headerBuf[2:], seq)
	binary.BigEndian.PutUint32(headerBuf[8:], ssrc)
	return headerBuf[:]
}

func rtcpHeader(ssrc uint32) []byte {
	headerBuf = [12]byte{0x80, 201}
	binary.BigEndian.PutUint32(headerBuf[4:], ssrc)
	return headerBuf[:8]
}
