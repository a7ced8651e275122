package control

import (
	"context"
	"sync/atomic"

	"gazpacho/pkg/channel"
	"gazpacho/proto"
)

// rtpObserver is an observer as its router sees it.
type rtpObserver interface{ closeBy(Reason) }

// observing is what all observers have in common.
type observing struct {
	router *Router
	id     string
	told   func(Reason) // may be nil
	closed atomic.Bool
}

func (r *Router) newObserving(id string, told func(Reason)) observing {
	return observing{router: r, id: IDOr(id), told: told}
}

// ID is the observer's.
func (o *observing) ID() string { return o.id }

// AddProducer begins to watch an audio producer of the same router; its end is noticed.
func (o *observing) AddProducer(ctx context.Context, producerID string) error {
	body := proto.ObserverProducer{ProducerID: producerID}
	return o.router.worker.client.Request(ctx, proto.RTPObserverAddProducer, o.id, body, nil)
}

// RemoveProducer ends it.
func (o *observing) RemoveProducer(ctx context.Context, producerID string) error {
	body := proto.ObserverProducer{ProducerID: producerID}
	return o.router.worker.client.Request(ctx, proto.RTPObserverRemoveProducer, o.id, body, nil)
}

// Pause makes the observer deaf.
func (o *observing) Pause(ctx context.Context) error {
	return o.router.worker.client.Request(ctx, proto.RTPObserverPause, o.id, nil, nil)
}

// Resume takes Pause back.
func (o *observing) Resume(ctx context.Context) error {
	return o.router.worker.client.Request(ctx, proto.RTPObserverResume, o.id, nil, nil)
}

// Close ends the observer.
func (o *observing) Close() {
	if o.end() {
		o.router.worker.tell(proto.RouterCloseRTPObserver, o.router.id, proto.CloseRTPObserver{RTPObserverID: o.id})
	}
}

func (o *observing) closeBy(reason Reason) {
	if o.end() {
		call(o.told, reason)
	}
}

func (o *observing) end() bool {
	if o.closed.Swap(true) {
		return false
	}
	o.router.worker.forget(o.id, 0)
	remove(o.router, o.router.observers, o.id)
	return true
}

// observe makes an observer in the router by a request; to is whom its events go to.
func (o *observing) observe(ctx context.Context, to object, method string, body any) error {
	r := o.router
	if err := r.admit(o.id, to, 0, func() error { return add[rtpObserver](r, r.observers, o.id, o) }); err != nil {
		return err
	}
	if err := r.worker.client.Request(ctx, method, r.id, body, nil); err != nil {
		undo(err, o.Close, o.end)
		return err
	}
	return nil
}

// AudioLevelObserverOptions are when an observer speaks and who is told. Zero values are mediasoup's defaults.
type AudioLevelObserverOptions struct {
	ID         string // made up if empty
	MaxEntries *int   // 1
	Threshold  *int   // dBov: -80
	Interval   *int   // milliseconds: 1000

	Volumes func(proto.AudioVolumes) // loudest first
	Silence func()                   // nobody is above the threshold any more
	Closed  func(Reason)             // never for Close
}

// AudioLevelObserver watches how loud audio producers are.
type AudioLevelObserver struct {
	observing
	opts AudioLevelObserverOptions
}

// CreateAudioLevelObserver makes an observer without producers.
func (r *Router) CreateAudioLevelObserver(ctx context.Context, opts AudioLevelObserverOptions) (*AudioLevelObserver, error) {
	o := &AudioLevelObserver{observing: r.newObserving(opts.ID, opts.Closed), opts: opts}
	err := o.observe(ctx, o, proto.RouterCreateAudioLevelObserver, proto.CreateAudioLevelObserver{
		RTPObserverID: o.id, MaxEntries: opts.MaxEntries, Threshold: opts.Threshold, Interval: opts.Interval,
	})
	if err != nil {
		return nil, err
	}
	return o, nil
}

func (o *AudioLevelObserver) event(name string, body channel.Raw) {
	switch name {
	case proto.EventAudioLevelObserverVolumes:
		heed(body, o.opts.Volumes)
	case proto.EventAudioLevelObserverSilence:
		notify(o.opts.Silence)
	case proto.EventRTPObserverClosed:
		heedEnd(body, o.closeBy)
	}
}

// ActiveSpeakerObserverOptions are how often an observer decides and who is told. Zero values are mediasoup's defaults.
type ActiveSpeakerObserverOptions struct {
	ID       string // made up if empty
	Interval *int   // milliseconds: 300

	DominantSpeaker func(producerID string)
	Closed          func(Reason) // never for Close
}

// ActiveSpeakerObserver watches which of several audio producers is the one that speaks.
type ActiveSpeakerObserver struct {
	observing
	opts ActiveSpeakerObserverOptions
}

// CreateActiveSpeakerObserver makes an observer without producers.
func (r *Router) CreateActiveSpeakerObserver(ctx context.Context, opts ActiveSpeakerObserverOptions) (*ActiveSpeakerObserver, error) {
	o := &ActiveSpeakerObserver{observing: r.newObserving(opts.ID, opts.Closed), opts: opts}
	err := o.observe(ctx, o, proto.RouterCreateActiveSpeakerObserver, proto.CreateActiveSpeakerObserver{
		RTPObserverID: o.id, Interval: opts.Interval,
	})
	if err != nil {
		return nil, err
	}
	return o, nil
}

func (o *ActiveSpeakerObserver) event(name string, body channel.Raw) {
	switch name {
	case proto.EventDominantSpeaker:
		heed(body, func(s proto.DominantSpeaker) { call(o.opts.DominantSpeaker, s.ProducerID) })
	case proto.EventRTPObserverClosed:
		heedEnd(body, o.closeBy)
	}
}
