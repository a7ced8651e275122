package ortc

// SSRCs lie between these, as mediasoup's do: nine digits are easy to tell from other numbers in logs, and some room
// above remains for consecutive ones.
const (
	firstSSRC = 100_000_000
	lastSSRC  = 999_999_998
)

// randomSSRC makes an SSRC of a random number.
func randomSSRC(random func() uint32) uint32 {
	return firstSSRC + random()%(lastSSRC-firstSSRC+1)
}

// randomSSRCs makes the first SSRCs of two runs of n that do not touch.
func randomSSRCs(random func() uint32, n int) (uint32, uint32) {
	a, b := randomSSRC(random), randomSSRC(random)
	// In arithmetic modulo 2^32, b lies in the run of a or a in the run of b.
	if run := uint32(n); b-a < run || a-b < run {
		b = a + run
	}
	return a, b
}
