package control

import (
	"context"
	"sync/atomic"

	"gazpacho/pkg/channel"
	"gazpacho/proto"
)

// AudioLevelObserverOptions are when an observer speaks and who is told. Zero values are mediasoup's defaults.
type AudioLevelObserverOptions struct {
	MaxEntries *int // 1
	Threshold  *int // dBov: -80
	Interval   *int // milliseconds: 1000

	Volumes func(proto.AudioVolumes) // loudest first
	Silence func()                   // nobody is above the threshold any more
}

// AudioLevelObserver watches how loud audio producers are.
type AudioLevelObserver struct {
	router *Router
	id     string
	opts   AudioLevelObserverOptions
	closed atomic.Bool
}

// CreateAudioLevelObserver makes an observer without producers.
func (r *Router) CreateAudioLevelObserver(ctx context.Context, opts AudioLevelObserverOptions) (*AudioLevelObserver, error) {
	o := &AudioLevelObserver{router: r, id: newID(), opts: opts}
	if err := add(r, r.observers, o.id, o); err != nil {
		return nil, err
	}
	r.worker.listen(o.id, o, 0)
	err := r.worker.client.Request(ctx, proto.RouterCreateAudioLevelObserver, r.id, proto.CreateAudioLevelObserver{
		RTPObserverID: o.id, MaxEntries: opts.MaxEntries, Threshold: opts.Threshold, Interval: opts.Interval,
	}, nil)
	if err != nil {
		o.end()
		return nil, err
	}
	return o, nil
}

func (o *AudioLevelObserver) event(name string, body channel.Raw) {
	switch name {
	case proto.EventAudioLevelObserverVolumes:
		var v proto.AudioVolumes
		if o.opts.Volumes != nil && channel.Decode(body, &v) == nil {
			o.opts.Volumes(v)
		}
	case proto.EventAudioLevelObserverSilence:
		if o.opts.Silence != nil {
			o.opts.Silence()
		}
	}
}

// AddProducer begins to watch an audio producer of the same router; its end is noticed.
func (o *AudioLevelObserver) AddProducer(ctx context.Context, producerID string) error {
	body := proto.ObserverProducer{ProducerID: producerID}
	return o.router.worker.client.Request(ctx, proto.RTPObserverAddProducer, o.id, body, nil)
}

// RemoveProducer ends it.
func (o *AudioLevelObserver) RemoveProducer(ctx context.Context, producerID string) error {
	body := proto.ObserverProducer{ProducerID: producerID}
	return o.router.worker.client.Request(ctx, proto.RTPObserverRemoveProducer, o.id, body, nil)
}

// Close ends the observer.
func (o *AudioLevelObserver) Close() {
	if o.end() {
		o.router.worker.tell(proto.RouterCloseRTPObserver, o.router.id, proto.CloseRTPObserver{RTPObserverID: o.id})
	}
}

func (o *AudioLevelObserver) end() bool {
	if o.closed.Swap(true) {
		return false
	}
	o.router.worker.forget(o.id, 0)
	remove(o.router, o.router.observers, o.id)
	return true
}
