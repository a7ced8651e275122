package observer

import (
	"time"

	"gazpacho/pkg/timer"
	"gazpacho/proto"
)

// Default and limits of ActiveSpeaker, as mediasoup has them, in milliseconds.
const (
	defaultSpeakerInterval = 300
	minSpeakerInterval     = 100
	maxSpeakerInterval     = 5000
)

// How far somebody's activity must be above that of the dominant speaker, on each time scale. See ACTIVESPEAKER.md.
const (
	leadStep     = 3
	leadWord     = 2
	leadSentence = 0
)

// ActiveSpeaker tells which of its producers is the dominant speaker, when that becomes another. See ACTIVESPEAKER.md.
type ActiveSpeaker struct {
	audience

	// passed in
	interval time.Duration
	events   Events

	// owned
	timer *timer.Timer

	// state
	dominant *Tap // nil if there is none
}

// NewActiveSpeaker makes an observer without producers.
func NewActiveSpeaker(now time.Time, o *proto.CreateActiveSpeakerObserver, timers *timer.Queue, events Events) *ActiveSpeaker {
	a := &ActiveSpeaker{audience: audience{id: o.RTPObserverID, newEar: newSpeech}, events: events}
	a.gone = a.lost
	interval := min(max(value(o.Interval, defaultSpeakerInterval), minSpeakerInterval), maxSpeakerInterval)
	a.interval = time.Duration(interval) * time.Millisecond
	a.timer = timers.New(a.tick)
	a.timer.Reset(now.Add(a.interval))
	return a
}

// lost leaves nobody dominant until somebody speaks, if it was the dominant speaker who went.
func (a *ActiveSpeaker) lost(t *Tap) {
	if t == a.dominant {
		a.dominant = nil
	}
}

// Pause stops listening. The dominant speaker remains it.
func (a *ActiveSpeaker) Pause(now time.Time) {
	if a.paused || a.closed {
		return
	}
	a.paused = true
	a.timer.Stop()
	a.forget(now)
}

// Resume takes Pause back.
func (a *ActiveSpeaker) Resume(now time.Time) {
	if !a.paused || a.closed {
		return
	}
	a.paused = false
	a.timer.Reset(now.Add(a.interval))
}

// Close ends the observer without telling anybody.
func (a *ActiveSpeaker) Close(time.Time) {
	a.closed = true
	a.timer.Stop()
	a.taps, a.dominant = nil, nil
}

// tick looks for somebody who speaks clearly more than the dominant speaker, and of those for the one who does it most.
func (a *ActiveSpeaker) tick(now time.Time) {
	a.timer.Reset(now.Add(a.interval))
	reference := silence
	if a.dominant != nil {
		reference = a.dominant.ear.(*speech).activity(now)
	}
	next, lead := a.dominant, float64(leadWord)
	for _, t := range a.taps {
		if t == a.dominant || t.paused {
			continue
		}
		over := t.ear.(*speech).activity(now).over(reference)
		if over.step > leadStep && over.word > lead && over.sentence > leadSentence {
			next, lead = t, over.word
		}
	}
	if next != a.dominant {
		a.dominant = next
		a.events.Emit(a.id, proto.Event{
			Name: proto.EventDominantSpeaker, Body: proto.DominantSpeaker{ProducerID: next.id},
		})
	}
}
