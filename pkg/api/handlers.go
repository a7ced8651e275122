package api

import (
	"gazpacho/pkg/control"
	"gazpacho/proto"
)

// handler is how a request is carried out.
type handler struct {
	target string // what it is addressed to, as in proto.Method
	do     func(*call) (any, error)
}

// handlers is the whole API: what is said here, and the rest of a worker's requests as the worker has them.
var handlers = table()

// apart are those a worker does not carry out as they are. Whoever makes one of them at a worker decides by ORTC first, or makes up ids.
var apart = map[string]func(*call) (any, error){
	proto.ControllerListWorkers:       (*call).listWorkers,
	proto.ControllerRTPCapabilities:   func(*call) (any, error) { return control.SupportedRTPCapabilities(), nil },
	proto.ControllerListRouters:       (*call).listRouters,
	proto.ControllerListWebRTCServers: (*call).listWebRTCServers,
	proto.ControllerOpenRouter:        (*call).openRouter,
	proto.ControllerLeaveRouter:       (*call).leaveRouter,
	proto.ControllerTakeWebRTCServer:  (*call).takeWebRTCServer,
	proto.ControllerAttach:            func(*call) (any, error) { return nil, proto.InvalidState("already attached") },

	proto.WorkerUpdateTURN:         func(*call) (any, error) { return nil, errSupervised },
	proto.WorkerClose:              func(*call) (any, error) { return nil, errSupervised },
	proto.WorkerCreateRouter:       (*call).createRouter,
	proto.WorkerCloseRouter:        (*call).closeRouter,
	proto.WorkerCreateWebRTCServer: (*call).createWebRTCServer,
	proto.WorkerCloseWebRTCServer:  (*call).closeWebRTCServer,

	proto.RouterUpdateMediaCodecs:               (*call).updateMediaCodecs,
	proto.RouterCanConsume:                      (*call).canConsume,
	proto.RouterPipeToRouter:                    (*call).pipeToRouter,
	proto.RouterCreateWebRTCTransport:           (*call).createWebRTCTransport,
	proto.RouterCreateWebRTCTransportWithServer: (*call).createWebRTCTransport,
	proto.RouterCreatePlainTransport:            (*call).createPlainTransport,
	proto.RouterCreatePipeTransport:             (*call).createPipeTransport,
	proto.RouterCreateDirectTransport:           (*call).createDirectTransport,
	proto.RouterCreateAudioLevelObserver:        (*call).createAudioLevelObserver,
	proto.RouterCreateActiveSpeakerObserver:     (*call).createActiveSpeakerObserver,
	proto.RouterCloseTransport:                  closing("transport", func(b proto.CloseTransport) string { return b.TransportID }),
	proto.RouterCloseRTPObserver:                closing("rtpObserver", func(b proto.CloseRTPObserver) string { return b.RTPObserverID }),

	proto.TransportProduce:           (*call).produce,
	proto.TransportConsume:           (*call).consume,
	proto.TransportProduceData:       (*call).produceData,
	proto.TransportConsumeData:       (*call).consumeData,
	proto.TransportCloseProducer:     closing("producer", func(b proto.CloseProducer) string { return b.ProducerID }),
	proto.TransportCloseConsumer:     closing("consumer", func(b proto.CloseConsumer) string { return b.ConsumerID }),
	proto.TransportCloseDataProducer: closing("dataProducer", func(b proto.CloseDataProducer) string { return b.DataProducerID }),
	proto.TransportCloseDataConsumer: closing("dataConsumer", func(b proto.CloseDataConsumer) string { return b.DataConsumerID }),

	// What is paused here is so at the other end of a pipe, too, which the handle sees to.
	proto.ProducerPause:      pausing(pausable.Pause),
	proto.ProducerResume:     pausing(pausable.Resume),
	proto.ConsumerPause:      pausing(pausable.Pause),
	proto.ConsumerResume:     pausing(pausable.Resume),
	proto.DataProducerPause:  pausing(pausable.Pause),
	proto.DataProducerResume: pausing(pausable.Resume),
	proto.DataConsumerPause:  pausing(pausable.Pause),
	proto.DataConsumerResume: pausing(pausable.Resume),
	proto.RTPObserverPause:   deafening(true),
	proto.RTPObserverResume:  deafening(false),
}

var errSupervised = proto.Failed(proto.CodeForbidden, "workers belong to the controller: it ends them, and its settings say what they relay")

func table() map[string]handler {
	all := map[string]handler{}
	for _, m := range proto.Methods {
		if m.Name != proto.WorkerAttach {
			all[m.Name] = handler{m.Target, (*call).forward}
		}
	}
	for _, m := range proto.ControlMethods {
		all[m.Name] = handler{target: m.Target}
	}
	for name, do := range apart {
		all[name] = handler{all[name].target, do}
	}
	return all
}

// forward hands a request on to the worker as it is.
func (k *call) forward() (any, error) {
	id := ""
	switch {
	case k.object != nil:
		id = k.object.id
	case k.of != nil:
		id = k.of.id
	case k.worker == nil:
		return nil, proto.NotFound("worker", "")
	}
	return k.worker.Forward(k, k.method, id, k.body)
}

// pausable is a producer or consumer, of media or of data.
type pausable interface {
	Pause(ctx contextOf) error
	Resume(ctx contextOf) error
	OnPause(f func(ctx contextOf, paused bool))
}

func pausing(f func(pausable, contextOf) error) func(*call) (any, error) {
	return func(k *call) (any, error) { return nil, f(k.object.handle.(pausable), k) }
}

// deafening pauses an observer, or resumes it.
func deafening(paused bool) func(*call) (any, error) {
	return func(k *call) (any, error) {
		result, err := k.forward()
		if err == nil {
			k.server.reg.paused(k, k.object, paused)
		}
		return result, err
	}
}

// closing ends a part of what the request is addressed to, which must be its parent.
func closing[B any](kind string, idOf func(B) string) func(*call) (any, error) {
	return func(k *call) (any, error) {
		b, err := decode[B](k)
		if err != nil {
			return nil, err
		}
		reg, id := k.server.reg, idOf(b)
		o := reg.partOf(k.of, kind, id)
		if o == nil || o.transport != k.object {
			return nil, proto.NotFound(kind, clip(id))
		}
		reg.shut(o, k.session)
		return nil, nil
	}
}
