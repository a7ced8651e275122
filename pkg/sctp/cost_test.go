package sctp

import (
	"encoding/binary"
	"testing"
	"time"

	"gazpacho/pkg/mailbox"
)

// R-SCTP-1: "≤ 1 ms CPU per packet" of what we do with it before the library, however many chunks, streams and resets it holds. The least of some tries is
// taken: others use the machine, too.
func TestCostOfAPacket(t *testing.T) {
	const limit, tries, size = time.Millisecond, 20, mailbox.MaxDatagram
	fill := func(kind uint8, value func(n int) []byte) []byte {
		b := packet()
		for n := 0; ; n++ {
			c := chunkOf(kind, value(n)...)
			if len(b)+len(c) > size {
				return b
			}
			b = append(b, c...)
		}
	}
	// One chunk that resets as many streams as fit, and all of them different from those asked for before.
	resets := func(from int) []byte {
		ids := make([]byte, 16, size)
		for n := from; len(ids) < size-64; n++ {
			ids = binary.BigEndian.AppendUint16(ids, uint16(n))
		}
		binary.BigEndian.PutUint16(ids, paramOutgoingReset)
		binary.BigEndian.PutUint16(ids[2:], uint16(len(ids)))
		return packet(chunkOf(chunkReconfig, ids...))
	}
	packets := map[string][]byte{
		"empty chunks":  fill(99, func(int) []byte { return nil }),
		"DATA":          fill(chunkData, func(n int) []byte { return []byte{0, 0, 0, 1, byte(n >> 8), byte(n), 0, 0, 0, 0, 0, 0} }),
		"SACKs":         fill(chunkSACK, func(int) []byte { return make([]byte, 12) }),
		"INITs":         fill(chunkInit, func(int) []byte { return make([]byte, 16) }),
		"resets":        resets(5000),
		"half a chunk":  append(packet(), 0, 0, 0xff),
		"forward TSNs":  fill(chunkForwardTSN, func(int) []byte { return make([]byte, 4) }),
		"short RECONFs": fill(chunkReconfig, func(int) []byte { return []byte{0, 13, 0, 4} }),
	}
	for name, b := range packets {
		least := time.Hour
		for range tries {
			w := &wire{island: &island{counters: new(Counters), declared: map[uint16]struct{}{}}, streams: map[uint16]inbound{}}
			w.inspect(resets(0)) // what came before makes looking up dear
			w.inspect(resets(1000))
			if len(w.resetting) != maxResets {
				t.Fatalf("%d resets are remembered, want %d", len(w.resetting), maxResets)
			}
			start := time.Now()
			w.inspect(b)
			least = min(least, time.Since(start))
			if len(w.resetting) > maxResets || len(w.touched) > maxStrangers {
				t.Fatalf("%s: %d resets, %d streams are remembered", name, len(w.resetting), len(w.touched))
			}
		}
		if least > limit {
			t.Errorf("%s: %v", name, least)
		}
	}
}
