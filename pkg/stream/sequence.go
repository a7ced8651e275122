package stream

// Limits on how far a sequence number may be from the highest so far (RFC 3550 section A.1, where MAX_MISORDER is 100: a
// repaired packet arrives later than that on a fast stream).
const (
	maxDropout  = 3000
	maxMisorder = 1500
)

// Place is where a sequence number falls.
type Place uint8

// The places.
const (
	Ahead      Place = iota // beyond the highest so far; what lies between is missing
	Behind                  // before the highest: late
	Again                   // came before
	OutOfRange              // too far from the highest to be believed
	Restart                 // the second one in a row that is out of range: the sender began anew
)

// window remembers which of the last windowSize numbers came, a bit each.
type window [windowSize / 64]uint64

// windowSize is a multiple of 64 above maxMisorder.
const windowSize = 1536

func (w *window) bit(number int64) (word *uint64, mask uint64) {
	at := uint64(number+windowSize) % windowSize // the very first numbers may be below 0
	return &w[at/64], 1 << (at % 64)
}

// set notes that a number came and tells whether it had before.
func (w *window) set(number int64) (again bool) {
	word, mask := w.bit(number)
	again = *word&mask != 0
	*word |= mask
	return again
}

// advance makes room for the numbers behind from up to to.
func (w *window) advance(from, to int64) {
	if to-from >= windowSize {
		*w = window{}
		return
	}
	for number := from + 1; number <= to; number++ {
		word, mask := w.bit(number)
		*word &^= mask
	}
}

// Sequence extends 16-bit sequence numbers and counts what is missing (RFC 3550 section A.1, A.3). The zero value is ready; the
// first packet begins the stream without probation, because it was authenticated.
type Sequence struct {
	started  bool
	base     int64 // first number since the beginning or the last restart
	highest  int64
	suspect  int32 // what would confirm a restart, -1 for nothing
	received int64 // since base, repeated ones included
	came     window

	lostBefore    int64 // in what was before the last restart
	expectedPrior int64
	receivedPrior int64
	fractionLost  uint8
}

// Update takes the number of a packet and extends it. Numbers out of range count as nothing.
func (s *Sequence) Update(seq uint16) (number int64, place Place) {
	if !s.started {
		s.begin(seq)
		return s.highest, Ahead
	}
	switch ahead := seq - uint16(s.highest); {
	case ahead != 0 && ahead < maxDropout:
		s.came.advance(s.highest, s.highest+int64(ahead))
		s.highest += int64(ahead)
		number, place = s.highest, Ahead
		s.came.set(number)
	case -ahead <= maxMisorder:
		number, place = s.highest-int64(-ahead), Behind
		if s.came.set(number) {
			place = Again
		}
	case s.suspect == int32(seq):
		s.lostBefore += s.highest - s.base + 1 - s.received
		s.begin(seq)
		return s.highest, Restart
	default:
		s.suspect = int32(seq + 1)
		return 0, OutOfRange
	}
	s.suspect = -1
	s.received++
	return number, place
}

func (s *Sequence) begin(seq uint16) {
	s.started, s.suspect = true, -1
	s.base, s.highest = int64(seq), int64(seq)
	s.received, s.expectedPrior, s.receivedPrior = 1, 0, 0
	s.came = window{}
	s.came.set(s.base)
}

// repaired notes that a missing number came another way; should it still come itself, it comes again.
func (s *Sequence) repaired(number int64) { s.came.set(number) }

// Highest is the extended highest number, as report blocks carry it.
func (s *Sequence) Highest() uint32 { return uint32(s.highest) }

// Lost is how many packets never came; duplicates can make it negative.
func (s *Sequence) Lost() int {
	if !s.started {
		return 0
	}
	return int(s.lostBefore + s.highest - s.base + 1 - s.received)
}

// FractionLost is what was lost in the last interval, in 1/256.
func (s *Sequence) FractionLost() uint8 { return s.fractionLost }

// EndInterval closes the interval between two reports: how many packets it should have had, and how many of those are missing.
// Late packets of the interval before can make missing negative.
func (s *Sequence) EndInterval() (expected, missing int) {
	if !s.started {
		return 0, 0
	}
	all := s.highest - s.base + 1
	expected = int(all - s.expectedPrior)
	missing = expected - int(s.received-s.receivedPrior)
	s.expectedPrior, s.receivedPrior = all, s.received
	s.fractionLost = 0
	if expected > 0 && missing > 0 {
		s.fractionLost = uint8(min(missing<<8/expected, 255))
	}
	return expected, missing
}
