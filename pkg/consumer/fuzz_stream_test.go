package consumer_test

import (
	"math/rand/v2"
	"testing"

	"gazpacho/pkg/simtest/script"
)

// FuzzOneStream is TestOneStreamForTheReceiver with a fuzzer for whims.
func FuzzOneStream(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 2))
	for i := range settings {
		whims := make([]byte, 1500)
		for j := range whims {
			whims[j] = byte(r.Uint32())
		}
		f.Add(append([]byte{byte(i), 0}, whims...))
		f.Add(append([]byte{byte(i), 1}, whims[:300]...))
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		if len(input) > 4096 {
			return
		}
		s := script.New(input)
		x := newTraffic(t, s.Below(len(settings)), func(_ string, low, high int) int { return low + s.Below(high-low+1) })
		x.run(s.Bool(), s.More)
	})
}
