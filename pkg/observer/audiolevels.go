// Package observer listens to audio producers: levels.
package observer

import (
	"time"

	"gazpacho/pkg/rtp"
	"gazpacho/pkg/timer"
	"gazpacho/proto"
)

// Events is the one way up.
type Events interface {
	Emit(target string, e proto.Event)
}

// Source is a producer as an observer sees it.
type Source interface {
	ID() string
	Kind() string
	Paused() bool
}

// Tap listens to one producer.
type Tap struct{}

func (t *Tap) ProducerPacket(now time.Time, p *rtp.Packet) {}
func (t *Tap) ProducerStream(now time.Time, ssrc uint32)   {}
func (t *Tap) ProducerScore(now time.Time)                 {}
func (t *Tap) ProducerPaused(now time.Time)                {}
func (t *Tap) ProducerResumed(now time.Time)               {}
func (t *Tap) ProducerClosed(now time.Time)                {}

// AudioLevels tells who is loud.
type AudioLevels struct{}

// NewAudioLevels makes one.
func NewAudioLevels(now time.Time, o *proto.CreateAudioLevelObserver, timers *timer.Queue, events Events) (*AudioLevels, *proto.Error) {
	return &AudioLevels{}, nil
}
func (o *AudioLevels) ID() string { return "" }

// AddProducer returns the tap to add to the producer.
func (o *AudioLevels) AddProducer(now time.Time, s Source) (*Tap, *proto.Error) { return nil, nil }

// RemoveProducer returns the tap to remove from the producer.
func (o *AudioLevels) RemoveProducer(now time.Time, id string) (*Tap, *proto.Error) { return nil, nil }
func (o *AudioLevels) Producers() []string                                          { return nil }
func (o *AudioLevels) Pause(now time.Time)                                          {}
func (o *AudioLevels) Resume(now time.Time)                                         {}
func (o *AudioLevels) Close(now time.Time)                                          {}
