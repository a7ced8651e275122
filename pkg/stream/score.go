package stream

import "math"

// MaxScore is a flawless stream. A stream that is alive scores at least 1; 0 is silence.
const MaxScore = 10

// scoreSamples is how many intervals the score looks back on.
const scoreSamples = 24

// score rates a stream from its loss and repair, interval by interval. See ALGORITHMS.md, "Score".
type score struct {
	value   uint8
	count   int
	next    int
	samples [scoreSamples]uint8
}

// reset forgets the history.
func (s *score) reset(value uint8) { *s = score{value: value} }

// update takes an interval: packets expected, those of them lost on the way, and those of the lost that were repaired. It tells
// whether the score changed.
func (s *score) update(expected, lost, repaired int) bool {
	if expected <= 0 {
		return false
	}
	s.samples[s.next] = sample(expected, lost, repaired)
	s.next = (s.next + 1) % scoreSamples
	s.count = min(s.count+1, scoreSamples)
	was := s.value
	s.value = s.average()
	return s.value != was
}

// sample rates one interval.
func sample(expected, lost, repaired int) uint8 {
	lost = min(max(lost, 0), expected)
	repaired = min(max(repaired, 0), lost)
	all := float64(expected)
	worth := float64(repaired) * (1 - float64(repaired)/all)
	delivered := (all - float64(lost) + worth) / all
	return uint8(max(math.Round(MaxScore*math.Pow(delivered, 4)), 1))
}

// average weighs the oldest sample 1 and each later one 1 more.
func (s *score) average() uint8 {
	sum, weights := 0, 0
	for i := range s.count {
		at := (s.next - s.count + i + scoreSamples) % scoreSamples
		sum += (i + 1) * int(s.samples[at])
		weights += i + 1
	}
	return uint8((sum + weights/2) / weights)
}
