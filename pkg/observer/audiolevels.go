// Package observer listens to audio producers: levels.
package observer

import (
	"slices"
	"time"

	"gazpacho/pkg/timer"
	"gazpacho/proto"
)

// Defaults and limits of AudioLevels, as mediasoup has them.
const (
	defaultEntries   = 1
	defaultThreshold = -80 // dBov
	defaultInterval  = 1000
	minInterval      = 250 // milliseconds
	maxInterval      = 5000
	minSamples       = 10 // of one producer in an interval
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

// AudioLevels tells at intervals which of its producers were loud: an event with the loudest, or one that it became silent.
type AudioLevels struct {
	// passed in
	id        string
	entries   int
	threshold int // dBov
	interval  time.Duration
	events    Events

	// owned
	timer *timer.Timer
	taps  []*Tap // in the order of adding

	// state
	paused bool
	silent bool // the controller was told so, or never heard of volumes
	closed bool
}

// NewAudioLevels makes an observer without producers, or says which option is wrong.
func NewAudioLevels(now time.Time, o *proto.CreateAudioLevelObserver, timers *timer.Queue, events Events) (*AudioLevels, *proto.Error) {
	a := &AudioLevels{
		id: o.RTPObserverID, entries: value(o.MaxEntries, defaultEntries), threshold: value(o.Threshold, defaultThreshold),
		events: events, silent: true,
	}
	if a.entries < 1 {
		return nil, proto.BadField("maxEntries", "%d is not at least 1", a.entries)
	}
	if a.threshold < -127 || a.threshold > 0 {
		return nil, proto.BadField("threshold", "%d dBov is not -127 to 0", a.threshold)
	}
	interval := min(max(value(o.Interval, defaultInterval), minInterval), maxInterval)
	a.interval = time.Duration(interval) * time.Millisecond
	a.timer = timers.New(a.tick)
	a.timer.Reset(now.Add(a.interval))
	return a, nil
}

func value(option *int, otherwise int) int {
	if option == nil {
		return otherwise
	}
	return *option
}

// ID returns the observer's id.
func (a *AudioLevels) ID() string { return a.id }

// AddProducer returns the tap by which the observer listens to a producer; the caller adds it.
func (a *AudioLevels) AddProducer(_ time.Time, s Source) (*Tap, *proto.Error) {
	if s.Kind() != proto.Audio {
		return nil, proto.BadField("producerId", "producer %q is not of kind audio", s.ID())
	}
	if slices.ContainsFunc(a.taps, func(t *Tap) bool { return t.id == s.ID() }) {
		return nil, proto.Duplicate("producer", s.ID())
	}
	t := &Tap{observer: a, id: s.ID(), paused: s.Paused()}
	a.taps = append(a.taps, t)
	return t, nil
}

// RemoveProducer forgets a producer and returns the tap that the caller removes.
func (a *AudioLevels) RemoveProducer(_ time.Time, id string) (*Tap, *proto.Error) {
	i := slices.IndexFunc(a.taps, func(t *Tap) bool { return t.id == id })
	if i < 0 {
		return nil, proto.NotFound("producer", id)
	}
	t := a.taps[i]
	a.taps = slices.Delete(a.taps, i, i+1)
	return t, nil
}

// Producers returns the ids of its producers in the order of adding.
func (a *AudioLevels) Producers() []string {
	ids := make([]string, len(a.taps))
	for i, t := range a.taps {
		ids[i] = t.id
	}
	return ids
}

// Pause stops listening. What was loud is silent then.
func (a *AudioLevels) Pause(time.Time) {
	if a.paused || a.closed {
		return
	}
	a.paused = true
	a.timer.Stop()
	a.reset()
	a.silence()
}

// Resume takes Pause back.
func (a *AudioLevels) Resume(now time.Time) {
	if !a.paused || a.closed {
		return
	}
	a.paused = false
	a.timer.Reset(now.Add(a.interval))
}

// Close ends the observer without telling anybody.
func (a *AudioLevels) Close(time.Time) {
	a.closed = true
	a.timer.Stop()
	a.taps = nil
}

// tick ends an interval.
func (a *AudioLevels) tick(now time.Time) {
	a.timer.Reset(now.Add(a.interval))
	var volumes proto.AudioVolumes
	for _, t := range a.taps {
		if mean, ok := t.mean(); ok && mean >= a.threshold {
			volumes = append(volumes, proto.AudioVolume{ProducerID: t.id, Volume: mean})
		}
	}
	a.reset()
	if len(volumes) == 0 {
		a.silence()
		return
	}
	slices.SortStableFunc(volumes, func(x, y proto.AudioVolume) int { return y.Volume - x.Volume })
	a.silent = false
	a.events.Emit(a.id, proto.Event{
		Name: proto.EventAudioLevelObserverVolumes, Body: volumes[:min(len(volumes), a.entries)],
	})
}

func (a *AudioLevels) reset() {
	for _, t := range a.taps {
		t.samples, t.sum = 0, 0
	}
}

// silence tells the controller once.
func (a *AudioLevels) silence() {
	if !a.silent {
		a.silent = true
		a.events.Emit(a.id, proto.Event{Name: proto.EventAudioLevelObserverSilence})
	}
}
