package srtp

import (
	"testing"

	"pgregory.net/rapid"
)

func TestGuessIndex(t *testing.T) {
	const roc = 1 << 16
	for _, c := range []struct {
		name    string
		highest int64
		seq     uint16
		want    int64
	}{
		{"first packet", none, 65535, 65535},
		{"next", 10, 11, 11},
		{"rollover", 65535, 0, roc},
		{"before the rollover, after it", roc, 65535, 65535},
		// R-RTP-7: the rollover survives a gap of 2^15-1.
		{"gap of 2^15-1 over the rollover", 65535, 32766, roc + 32766},
		{"gap of 2^15-1 within", 100, 100 + 32767, 100 + 32767},
		{"gap of 2^15-1 to zero", 32769, 0, roc},
		{"late by 2^15-1", 2*roc + 100, 32869, roc + 32869},
		{"late by 2^15-1 within", 2*roc + 40000, 7233, 2*roc + 7233},
		// RFC 3711 appendix A compares with "greater than" on both sides: half a circle keeps the rollover.
		{"half a circle ahead", 2*roc + 100, 32868, 2*roc + 32868},
		{"half a circle behind", 2*roc + 40000, 7232, 2*roc + 7232},
		{"nothing before the first rollover", 5, 65535, 65535},
		{"nothing after the last", maxROC<<16 | 65535, 0, maxROC << 16},
		{"into the last", (maxROC-1)<<16 | 65535, 3, maxROC<<16 | 3},
	} {
		if got := guessIndex(c.highest, c.seq); got != c.want {
			t.Errorf("%s: %#x, want %#x", c.name, got, c.want)
		}
	}
}

// TestGuessIndexNearest checks what the guess is for: of all indices with this sequence number it is one of the nearest.
func TestGuessIndexNearest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		highest := rapid.Int64Range(1<<16, maxROC<<16-1).Draw(t, "highest")
		seq := rapid.Uint16().Draw(t, "seq")
		got := guessIndex(highest, seq)
		if uint16(got) != seq {
			t.Fatalf("%#x has another sequence number", got)
		}
		if d := max(got-highest, highest-got); d > 1<<15 {
			t.Fatalf("%#x is %d from %#x", got, d, highest)
		}
	})
}
