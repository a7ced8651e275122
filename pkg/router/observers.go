package router

import (
	"slices"
	"time"

	"gazpacho/pkg/observer"
	"gazpacho/proto"
)

// rtpObserver is what all observers have in common.
type rtpObserver interface {
	AddProducer(now time.Time, s observer.Source) (*observer.Tap, *proto.Error)
	RemoveProducer(now time.Time, id string) (*observer.Tap, *proto.Error)
	Producers() []string
	Pause(now time.Time)
	Resume(now time.Time)
	Close(now time.Time)
}

func (r *Router) createActiveSpeakerObserver(now time.Time, o *proto.CreateActiveSpeakerObserver) *proto.Error {
	if err := r.claim("rtpObserver", o.RTPObserverID, "rtpObserverId"); err != nil {
		return err
	}
	r.observers[o.RTPObserverID] = observer.NewActiveSpeaker(now, o, r.env.Timers, r.env.Events)
	return nil
}

func (r *Router) createAudioLevelObserver(now time.Time, o *proto.CreateAudioLevelObserver) *proto.Error {
	if err := r.claim("rtpObserver", o.RTPObserverID, "rtpObserverId"); err != nil {
		return err
	}
	a, err := observer.NewAudioLevels(now, o, r.env.Timers, r.env.Events)
	if err != nil {
		r.ids.Release(o.RTPObserverID)
		return err
	}
	r.observers[o.RTPObserverID] = a
	return nil
}

func (r *Router) closeObserver(now time.Time, id string) {
	a := r.observers[id]
	for _, s := range r.producers {
		if slices.Contains(s.observers, id) {
			_ = r.detach(now, s, id) // it is attached
		}
	}
	a.Close(now)
	delete(r.observers, id)
	r.ids.Release(id)
}

func (r *Router) attach(now time.Time, observerID string, producerID string) *proto.Error {
	s := r.producers[producerID]
	if s == nil {
		return proto.NotFound("producer", producerID)
	}
	if slices.Contains(s.observers, observerID) {
		return nil
	}
	tap, err := r.observers[observerID].AddProducer(now, s.producer)
	if err != nil {
		return err
	}
	s.producer.AddTap(tap)
	s.observers = append(s.observers, observerID)
	return nil
}

func (r *Router) detach(now time.Time, s *source, observerID string) *proto.Error {
	tap, err := r.observers[observerID].RemoveProducer(now, s.producer.ID())
	if err != nil {
		return err
	}
	s.producer.RemoveTap(tap)
	s.observers = slices.DeleteFunc(s.observers, func(id string) bool { return id == observerID })
	return nil
}
