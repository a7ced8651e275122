package router

import (
	"maps"
	"time"

	"gazpacho/pkg/producer"
	"gazpacho/pkg/transport"
	"gazpacho/proto"
)

// Request is one request for the router or something in it. It knows nothing of the wire: Decode fills a body of proto.
type Request struct {
	Method    string
	HandlerID string
	Decode    func(body any) *proto.Error
}

// handler serves one method. A nil result is an answer without a body.
type handler func(r *Router, now time.Time, req Request) (any, *proto.Error)

// handlers is the router's part of the API, whole.
var handlers = joined(mediaHandlers, dataHandlers)

// mediaHandlers is what is about the router, its transports, and media.
var mediaHandlers = map[string]handler{
	proto.RouterDumpMethod:                      onRouter(func(r *Router, _ time.Time, _ *none) (any, *proto.Error) { return r.dump(), nil }),
	proto.RouterCreateWebRTCTransport:           onRouter((*Router).createWebRTCTransport),
	proto.RouterCreateWebRTCTransportWithServer: onRouter((*Router).createWebRTCTransportWithServer),
	proto.RouterCreatePlainTransport:            onRouter((*Router).createPlainTransport),
	proto.RouterCreatePipeTransport:             onRouter((*Router).createPipeTransport),
	proto.RouterCreateDirectTransport:           onRouter((*Router).createDirectTransport),
	proto.RouterCloseTransport: onRouter(func(r *Router, now time.Time, b *proto.CloseTransport) (any, *proto.Error) {
		return nil, r.closeTransport(now, b.TransportID)
	}),
	proto.RouterCreateAudioLevelObserver: onRouter(func(r *Router, now time.Time, b *proto.CreateAudioLevelObserver) (any, *proto.Error) {
		return nil, r.createAudioLevelObserver(now, b)
	}),
	proto.RouterCreateActiveSpeakerObserver: onRouter(func(r *Router, now time.Time, b *proto.CreateActiveSpeakerObserver) (any, *proto.Error) {
		return nil, r.createActiveSpeakerObserver(now, b)
	}),
	proto.RouterCloseRTPObserver: onRouter(func(r *Router, now time.Time, b *proto.CloseRTPObserver) (any, *proto.Error) {
		if r.observers[b.RTPObserverID] == nil {
			return nil, proto.NotFound("rtpObserver", b.RTPObserverID)
		}
		r.closeObserver(now, b.RTPObserverID)
		return nil, nil
	}),

	proto.TransportDumpMethod: onTransport(func(_ *Router, t transport.Transport, _ time.Time, _ *none) (any, *proto.Error) { return t.Dump(), nil }),
	proto.TransportGetStats: onTransport(func(_ *Router, t transport.Transport, now time.Time, _ *none) (any, *proto.Error) {
		return t.Stats(now), nil
	}),
	proto.TransportSetMaxIncomingBitrate: onTransport(func(_ *Router, t transport.Transport, _ time.Time, b *proto.SetMaxIncomingBitrate) (any, *proto.Error) {
		return nil, t.SetMaxIncomingBitrate(b.MaxIncomingBitrate)
	}),
	proto.TransportSetMaxOutgoingBitrate: onTransport(func(_ *Router, t transport.Transport, _ time.Time, b *proto.SetMaxOutgoingBitrate) (any, *proto.Error) {
		return nil, t.SetMaxOutgoingBitrate(b.MaxOutgoingBitrate)
	}),
	proto.TransportSetMinOutgoingBitrate: onTransport(func(_ *Router, t transport.Transport, _ time.Time, b *proto.SetMinOutgoingBitrate) (any, *proto.Error) {
		return nil, t.SetMinOutgoingBitrate(b.MinOutgoingBitrate)
	}),
	proto.TransportEnableTraceEvent: onTransport(func(_ *Router, t transport.Transport, _ time.Time, b *proto.EnableTraceEvent) (any, *proto.Error) {
		t.EnableTraceEvent(b.Types)
		return nil, nil
	}),
	proto.TransportProduce: onTransport(func(_ *Router, t transport.Transport, now time.Time, b *proto.Produce) (any, *proto.Error) {
		return result(t.Produce(now, b))
	}),
	proto.TransportConsume: onTransport((*Router).consume),
	proto.TransportCloseProducer: onTransport(func(_ *Router, t transport.Transport, now time.Time, b *proto.CloseProducer) (any, *proto.Error) {
		return nil, t.CloseProducer(now, b.ProducerID)
	}),
	proto.TransportCloseConsumer: onTransport(func(_ *Router, t transport.Transport, now time.Time, b *proto.CloseConsumer) (any, *proto.Error) {
		return nil, t.CloseConsumer(now, b.ConsumerID)
	}),
	proto.TransportRestartICE:    onTransport(restartICE),
	proto.WebRTCTransportConnect: onTransport(connectWebRTC),
	proto.PlainTransportConnect:  onTransport(connectPlain),
	proto.PipeTransportConnect:   onTransport(connectPipe),

	proto.ProducerDumpMethod: onProducer(func(p *producer.Producer, _ time.Time, _ *none) (any, *proto.Error) { return p.Dump(), nil }),
	proto.ProducerGetStats:   onProducer(func(p *producer.Producer, now time.Time, _ *none) (any, *proto.Error) { return p.Stats(now), nil }),
	proto.ProducerPause:      onProducer(func(p *producer.Producer, now time.Time, _ *none) (any, *proto.Error) { p.Pause(now); return nil, nil }),
	proto.ProducerResume:     onProducer(func(p *producer.Producer, now time.Time, _ *none) (any, *proto.Error) { p.Resume(now); return nil, nil }),
	proto.ProducerEnableTraceEvent: onProducer(func(p *producer.Producer, _ time.Time, b *proto.EnableTraceEvent) (any, *proto.Error) {
		p.EnableTraceEvent(b.Types)
		return nil, nil
	}),

	proto.ConsumerDumpMethod: onConsumer(func(c transport.Consumer, _ time.Time, _ *none) (any, *proto.Error) { return c.Dump(), nil }),
	proto.ConsumerGetStats:   onConsumer(func(c transport.Consumer, now time.Time, _ *none) (any, *proto.Error) { return c.Stats(now), nil }),
	proto.ConsumerPause:      onConsumer(func(c transport.Consumer, now time.Time, _ *none) (any, *proto.Error) { c.Pause(now); return nil, nil }),
	proto.ConsumerResume:     onConsumer(func(c transport.Consumer, now time.Time, _ *none) (any, *proto.Error) { c.Resume(now); return nil, nil }),
	proto.ConsumerSetPreferredLayers: onConsumer(func(c transport.Consumer, now time.Time, b *proto.SetPreferredLayers) (any, *proto.Error) {
		return result(c.SetPreferredLayers(now, b.PreferredLayers))
	}),
	proto.ConsumerSetPriority: onConsumer(func(c transport.Consumer, _ time.Time, b *proto.SetPriority) (any, *proto.Error) {
		return result(c.SetPriority(b.Priority))
	}),
	proto.ConsumerRequestKeyFrame: onConsumer(func(c transport.Consumer, now time.Time, _ *none) (any, *proto.Error) {
		c.RequestKeyFrame(now)
		return nil, nil
	}),
	proto.ConsumerEnableTraceEvent: onConsumer(func(c transport.Consumer, _ time.Time, b *proto.EnableTraceEvent) (any, *proto.Error) {
		c.EnableTraceEvent(b.Types)
		return nil, nil
	}),

	proto.TransportProduceData: onTransport(func(_ *Router, t transport.Transport, now time.Time, b *proto.ProduceData) (any, *proto.Error) {
		return result(t.ProduceData(now, b))
	}),
	proto.TransportConsumeData: onTransport((*Router).consumeData),
	proto.TransportCloseDataProducer: onTransport(func(_ *Router, t transport.Transport, now time.Time, b *proto.CloseDataProducer) (any, *proto.Error) {
		return nil, t.CloseDataProducer(now, b.DataProducerID)
	}),
	proto.TransportCloseDataConsumer: onTransport(func(_ *Router, t transport.Transport, now time.Time, b *proto.CloseDataConsumer) (any, *proto.Error) {
		return nil, t.CloseDataConsumer(now, b.DataConsumerID)
	}),

	proto.RTPObserverPause: onObserver(func(r *Router, id string, now time.Time, _ *none) *proto.Error {
		r.observers[id].Pause(now)
		return nil
	}),
	proto.RTPObserverResume: onObserver(func(r *Router, id string, now time.Time, _ *none) *proto.Error {
		r.observers[id].Resume(now)
		return nil
	}),
	proto.RTPObserverAddProducer: onObserver(func(r *Router, id string, now time.Time, b *proto.ObserverProducer) *proto.Error {
		return r.attach(now, id, b.ProducerID)
	}),
	proto.RTPObserverRemoveProducer: onObserver(func(r *Router, id string, now time.Time, b *proto.ObserverProducer) *proto.Error {
		s := r.producers[b.ProducerID]
		if s == nil {
			return proto.NotFound("producer", b.ProducerID)
		}
		return r.detach(now, s, id)
	}),
}

// HandleRequest serves a request whose handler id is the router or something in it.
func (r *Router) HandleRequest(now time.Time, req Request) (any, *proto.Error) {
	h := handlers[req.Method]
	if h == nil {
		return nil, &proto.Error{Name: proto.TypeErrorName, Code: proto.CodeUnknownMethod, Message: "unknown method " + req.Method}
	}
	return h(r, now, req)
}

// Handles tells whether a method is the router's, so that the worker can say "unknown method" before "unknown id".
func Handles(method string) bool { return handlers[method] != nil }

func joined(tables ...map[string]handler) map[string]handler {
	all := make(map[string]handler)
	for _, t := range tables {
		maps.Copy(all, t)
	}
	return all
}
