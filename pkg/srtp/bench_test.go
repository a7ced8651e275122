package srtp

import (
	"fmt"
	"testing"

	pionrtp "github.com/pion/rtp"
)

var benchSizes = []int{1200, 100} // bytes of RTP packet

func eachBench(b *testing.B, f func(b *testing.B, profile Profile, size int)) {
	for _, profile := range profiles {
		for _, size := range benchSizes {
			b.Run(fmt.Sprintf("%v/%d", profile, size), func(b *testing.B) { f(b, profile, size) })
		}
	}
}

// BenchmarkProtect writes a header and encrypts a shared payload behind it.
func BenchmarkProtect(b *testing.B) {
	eachBench(b, func(b *testing.B, profile Profile, size int) {
		s, _ := newPair(b, profile)
		payload := make([]byte, size-12)
		dst := make([]byte, size+MaxOverhead)
		seq := uint16(0)
		b.ReportAllocs()
		for b.Loop() {
			seq++
			copy(dst, rtpHeader(1, seq))
			if _, ok := s.ProtectRTP(dst, 12, payload); !ok {
				b.Fatal("refused")
			}
		}
	})
}

func BenchmarkProtectPion(b *testing.B) {
	eachBench(b, func(b *testing.B, profile Profile, size int) {
		k := newKeyring(profile, 1)
		c := newOracle(b, profile, k.keyA, k.saltA)
		packet := rtpPacket(1, 0, make([]byte, size-12))
		dst := make([]byte, 0, size+MaxOverhead)
		seq := uint16(0)
		var header pionrtp.Header
		b.ReportAllocs()
		for b.Loop() {
			seq++
			copy(packet, rtpHeader(1, seq))
			if _, err := c.EncryptRTP(dst, packet, &header); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// ring is packets sealed by a, in order. They fit a cache, as datagrams just read do.
func ring(b *testing.B, a *Session, size int) [][]byte {
	packets := make([][]byte, 1<<10)
	for i := range packets {
		packets[i] = protect(a, rtpPacket(1, uint16(i), make([]byte, size-12)), 12)
	}
	return packets
}

// BenchmarkUnprotect includes the copy that keeps the sealed packet for the next time.
func BenchmarkUnprotect(b *testing.B) {
	eachBench(b, func(b *testing.B, profile Profile, size int) {
		sender, receiver := newPair(b, profile)
		packets := ring(b, sender, size)
		buf := make([]byte, size+MaxOverhead)
		i := 0
		b.ReportAllocs()
		for b.Loop() {
			if i == len(packets) {
				i = 0
				clear(receiver.received)
			}
			n := copy(buf, packets[i])
			if _, reason := receiver.UnprotectRTP(buf[:n]); reason != OK {
				b.Fatal(reason)
			}
			i++
		}
	})
}

func BenchmarkUnprotectPion(b *testing.B) {
	eachBench(b, func(b *testing.B, profile Profile, size int) {
		sender, _ := newPair(b, profile)
		k := newKeyring(profile, 1)
		packets := ring(b, sender, size)
		c := newOracle(b, profile, k.keyA, k.saltA)
		buf := make([]byte, size+MaxOverhead)
		dst := make([]byte, size+MaxOverhead)
		var header pionrtp.Header
		i := 0
		b.ReportAllocs()
		for b.Loop() {
			if i == len(packets) {
				i = 0
				c.SetROC(1, 0)
			}
			n := copy(buf, packets[i])
			if _, err := c.DecryptRTP(dst[:0], buf[:n], &header); err != nil {
				b.Fatal(err)
			}
			i++
		}
	})
}

func BenchmarkNewSession(b *testing.B) {
	for _, profile := range profiles {
		b.Run(profile.String(), func(b *testing.B) {
			k := newKeyring(profile, 1)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := NewSession(profile, k.keyA, k.saltA, k.keyB, k.saltB); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
