package ice

import (
	"testing"

	"gazpacho/pkg/tuple"
)

// RFC 8445 section 5.1.2.1: priority = 2^24·type preference + 2^8·local preference + 256 − component,
// with the preferences of mediasoup: the first candidate of its documentation has 1076302079.
func TestPriority(t *testing.T) {
	for _, test := range []struct {
		index     int
		preferred bool
		want      uint32
	}{
		{0, false, 1076302079},
		{1, false, 1076276479},
		{2, false, 1076250879},
		{0, true, 1076558079},
		{1, true, 1076532479},
		{100, false, 1073742079},
		{1000, false, 1073742079}, // never below a local preference of 0
		{1000, true, 1073998079},
	} {
		if got := Priority(test.index, test.preferred); got != test.want {
			t.Errorf("listen address %d, preferred %v: %d, want %d", test.index, test.preferred, got, test.want)
		}
	}
	expect(t, "internal", InternalPriority(1076302079), 1076301079)
}

// RFC 8445 section 5.1.2: the priority is "a positive integer between 1 and 2^31 − 1", and candidates
// of a stream must not share one: protocols are told apart by the listen index.
func TestPrioritiesDiffer(t *testing.T) {
	seen := map[uint32]int{}
	for i := range 100 {
		p := Priority(i, false)
		if other, ok := seen[p]; ok || p < 1 || p > 1<<31-1 {
			t.Errorf("%d of listen address %d, and of %d", p, i, other)
		}
		seen[p] = i
	}
}

func TestFoundation(t *testing.T) {
	expect(t, "foundation", Foundation(tuple.UDP), "udpcandidate")
	expect(t, "foundation", Foundation(tuple.TCP), "tcpcandidate")
}

// The names of the channel protocol.
func TestStateNames(t *testing.T) {
	for s, want := range map[State]string{
		New: "new", Connected: "connected", Completed: "completed", Disconnected: "disconnected", Closed: "closed",
	} {
		expect(t, "name", s.String(), want)
	}
}
