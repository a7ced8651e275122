package observer

import (
	"math"
	"time"
)

// The time scales of speech activity: steps of 20 ms, words of 5 steps, sentences of 10 words.
const (
	step          = 20 * time.Millisecond
	wordSteps     = 5
	sentenceWords = 10
	sentenceSteps = wordSteps * sentenceWords
)

// Thresholds and limits. See ACTIVESPEAKER.md.
const (
	bands        = 13  // that the range of loudness, 0 to 127, is divided into
	bandWidth    = 10  // 127 by bands, rounded up
	loudStep     = 7   // a step with more bands active counts for its word
	loudWord     = 4   // a word with more loud steps counts for its sentence
	holdSteps    = 5   // that a gap between packets may be long without being silence
	silentLevel  = 127 // dBov below the loudest sample there is
	floorWindow  = 15 * time.Second
	leastScore   = 1e-10
	speechChance = 0.5 // that a unit is active while somebody speaks
	stepRate     = 0.78
	wordRate     = 24
	sentenceRate = 47
)

// Scores by the number of active units of each time scale.
var (
	stepScores     = activityScores(bands, stepRate)
	wordScores     = activityScores(wordSteps, wordRate)
	sentenceScores = activityScores(sentenceWords, sentenceRate)
)

// activityScores weighs up the two explanations for v of n units being active: log p(v|speech) - log p(v|silence), where speech makes the
// number binomial and silence exponential with a rate. Scores are compared by their quotient, so they are positive.
func activityScores(n int, rate float64) []float64 {
	scores := make([]float64, n+1)
	choose := 1.0
	for v := range scores {
		speech := math.Log(choose) + float64(v)*math.Log(speechChance) + float64(n-v)*math.Log(1-speechChance)
		silence := math.Log(rate) - rate*float64(v)
		scores[v] = max(speech-silence, leastScore)
		choose = choose * float64(n-v) / float64(v+1)
	}
	return scores
}

// activity is how much somebody speaks now, in this word and in this sentence.
type activity struct {
	step, word, sentence float64
}

// silence is the activity of somebody who does not speak.
var silence = activity{step: stepScores[0], word: wordScores[0], sentence: sentenceScores[0]}

// speech is the ear for one speaker. Whatever the packets' rate and gaps, it holds one loudness for each step of time.
type speech struct {
	loudness [sentenceSteps]uint8 // 0 is silence, 127 the loudest; a ring
	next     int
	until    time.Time // where the ring ends

	// The noise floor is the least loudness of this window and the one before.
	floorAt   time.Time // when the window began
	least     uint8     // in this window, 0 if nothing was heard
	leastPast uint8     // in the one before
}

func newSpeech(now time.Time) ear { return &speech{until: now, floorAt: now} }

func (s *speech) hear(now time.Time, level uint8) {
	loud := silentLevel - min(level, silentLevel)
	s.adapt(now, loud)
	steps := int(now.Sub(s.until) / step)
	switch {
	case steps <= 0: // more than one packet in a step
		last := &s.loudness[(s.next+sentenceSteps-1)%sentenceSteps]
		*last = max(*last, loud)
		return
	case steps > holdSteps: // silence is not sent
		s.fill(steps-1, 0)
		steps = 1
	}
	s.fill(steps, loud)
}

// fill lets steps pass.
func (s *speech) fill(steps int, loud uint8) {
	s.until = s.until.Add(time.Duration(steps) * step)
	for range min(steps, sentenceSteps) {
		s.loudness[s.next] = loud
		s.next = (s.next + 1) % sentenceSteps
	}
}

// adapt keeps the noise floor.
func (s *speech) adapt(now time.Time, loud uint8) {
	if now.Sub(s.floorAt) >= floorWindow {
		s.leastPast, s.least, s.floorAt = s.least, 0, now
	}
	if loud > 0 && (s.least == 0 || loud < s.least) {
		s.least = loud
	}
}

// floor is 0 until a whole window was heard.
func (s *speech) floor() uint8 {
	if s.least == 0 {
		return s.leastPast
	}
	return min(s.least, s.leastPast)
}

func (s *speech) forget(now time.Time) { *s = speech{until: now, floorAt: now, leastPast: s.floor()} }

// activity rates what was heard until now.
func (s *speech) activity(now time.Time) activity {
	if steps := int(now.Sub(s.until) / step); steps > holdSteps {
		s.fill(steps, 0)
	}
	audible := s.floor() + bandWidth
	if s.floor() == 0 {
		audible = 0
	}
	var newest, word, sentence int // active units
	at := s.next
	for w := range sentenceWords {
		steps := 0
		for i := range wordSteps {
			at = (at + sentenceSteps - 1) % sentenceSteps
			active := 0
			if loud := s.loudness[at]; loud >= audible {
				active = int(loud) / bandWidth
			}
			if w == 0 && i == 0 {
				newest = active
			}
			if active > loudStep {
				steps++
			}
		}
		if w == 0 {
			word = steps
		}
		if steps > loudWord {
			sentence++
		}
	}
	return activity{step: stepScores[newest], word: wordScores[word], sentence: sentenceScores[sentence]}
}

// over tells by how much an activity is above another on each scale.
func (a activity) over(b activity) activity {
	return activity{step: math.Log(a.step / b.step), word: math.Log(a.word / b.word), sentence: math.Log(a.sentence / b.sentence)}
}
