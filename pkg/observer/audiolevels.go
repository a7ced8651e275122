// Package observer listens to audio producers: levels, active speaker.
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

// AudioLevels tells at intervals which of its producers were loud: an event with the loudest, or one that it became silent.
type AudioLevels struct {
	audience

	// passed in
	entries   int
	threshold int // dBov
	interval  time.Duration
	events    Events

	// owned
	timer *timer.Timer

	// state
	silent bool // the controller was told so, or never heard of volumes
}

// NewAudioLevels makes an observer without producers, or says which option is wrong.
func NewAudioLevels(now time.Time, o *proto.CreateAudioLevelObserver, timers *timer.Queue, events Events) (*AudioLevels, *proto.Error) {
	a := &AudioLevels{
		audience: audience{id: o.RTPObserverID, newEar: func(time.Time) ear { return new(volume) }},
		entries:  value(o.MaxEntries, defaultEntries), threshold: value(o.Threshold, defaultThreshold),
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

// Pause stops listening. What was loud is silent then.
func (a *AudioLevels) Pause(now time.Time) {
	if a.paused || a.closed {
		return
	}
	a.paused = true
	a.timer.Stop()
	a.forget(now)
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
		if mean, ok := t.ear.(*volume).mean(); ok && mean >= a.threshold {
			volumes = append(volumes, proto.AudioVolume{ProducerID: t.id, Volume: mean})
		}
	}
	a.forget(now)
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

// silence tells the controller once.
func (a *AudioLevels) silence() {
	if !a.silent {
		a.silent = true
		a.events.Emit(a.id, proto.Event{Name: proto.EventAudioLevelObserverSilence})
	}
}

// volume adds up the levels of one producer over an interval.
type volume struct {
	samples int
	sum     int // in -dBov
}

func (v *volume) hear(_ time.Time, level uint8) {
	v.samples++
	v.sum += int(level)
}

func (v *volume) forget(time.Time) { *v = volume{} }

// mean is the mean level of the interval in dBov, false if there were too few packets to tell.
func (v *volume) mean() (int, bool) {
	if v.samples < minSamples {
		return 0, false
	}
	return -(v.sum + v.samples/2) / v.samples, true
}
