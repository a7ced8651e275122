package observer

import (
	"time"

	"gazpacho/pkg/rtp"
)

// Tap listens to one producer for an AudioLevels.
type Tap struct {
	// passed in
	observer *AudioLevels
	id       string

	// state
	paused  bool
	samples int
	sum     int // of the samples, in -dBov
}

// ProducerPacket takes the level that a packet's extension tells, in -dBov (RFC 6464 section 3):
//
//	 0                   1
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|  ID   | len=0 |V| level       |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
func (t *Tap) ProducerPacket(_ time.Time, p *rtp.Packet) {
	if t.paused || t.observer.paused {
		return
	}
	if v := p.Extension(rtp.ExtAudioLevel); len(v) > 0 {
		t.samples++
		t.sum += int(v[0] & 0x7f)
	}
}

// mean is the mean level of the interval in dBov, false if there were too few packets to tell.
func (t *Tap) mean() (int, bool) {
	if t.samples < minSamples {
		return 0, false
	}
	return -(t.sum + t.samples/2) / t.samples, true
}

// ProducerStream does not matter to levels.
func (t *Tap) ProducerStream(time.Time, uint32) {}

// ProducerScore does not matter to levels.
func (t *Tap) ProducerScore(time.Time) {}

// ProducerPaused forgets what was heard.
func (t *Tap) ProducerPaused(time.Time) { t.paused, t.samples, t.sum = true, 0, 0 }

// ProducerResumed listens again.
func (t *Tap) ProducerResumed(time.Time) { t.paused = false }

// ProducerClosed forgets the producer.
func (t *Tap) ProducerClosed(now time.Time) {
	_, _ = t.observer.RemoveProducer(now, t.id) // it may have been removed before
}
