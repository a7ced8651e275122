package api

import (
	"gazpacho/pkg/control"
	"gazpacho/proto"
)

// pipeToRouter pipes by the handles, and enters what came of it: both transports, if they are new, and what goes through them.
func (k *call) pipeToRouter() (any, error) {
	b, err := decode[proto.PipeToRouter](k)
	if err != nil {
		return nil, err
	}
	other, err := k.opened(ofRouter, b.RouterID)
	if err != nil {
		return nil, err
	}
	sctp := b.SCTPOptions()
	p, err := k.of.router.PipeToRouter(k, control.PipeToRouterOptions{
		ProducerID: b.ProducerID, DataProducerID: b.DataProducerID, Router: other.router, KeepID: b.KeepID, ListenInfo: b.ListenInfo,
		EnableRTX: b.EnableRTX, EnableSRTP: b.EnableSRTP, DisableSCTP: !sctp.EnableSCTP, SCTP: sctp,
	})
	if err != nil {
		return nil, err
	}
	reg := k.server.reg
	near, far := reg.enterPipe(k.session, k.of, p.Near), reg.enterPipe(k.session, other, p.Far)
	answer := proto.Piped{TransportID: near.id, RemoteTransportID: far.id}
	if p.Consumer != nil {
		reg.enter(k.session, near, "consumer", p.Consumer.ID(), p.Consumer)
		answer.Consumer, answer.Producer = consumed(p.Consumer), produced(reg.enter(k.session, far, "producer", p.Producer.ID(), p.Producer), p.Producer)
		return answer, nil
	}
	reg.enter(k.session, near, "dataConsumer", p.DataConsumer.ID(), p.DataConsumer)
	answer.DataHandlerID = reg.enter(k.session, far, "dataProducer", p.DataProducer.ID(), p.DataProducer).address
	answer.DataConsumer, answer.DataProducer = &proto.DataConsumerDump{}, &proto.DataProducerDump{}
	if *answer.DataConsumer, err = p.DataConsumer.Dump(k); err != nil {
		return nil, err
	}
	*answer.DataProducer, err = p.DataProducer.Dump(k)
	return answer, err
}

// enterPipe enters an end of a pipe, unless it was.
func (r *registry) enterPipe(by *session, h *holding, t *control.PipeTransport) *object {
	r.pipes.Lock()
	defer r.pipes.Unlock()
	if o := r.partOf(h, "transport", t.ID()); o != nil {
		return o
	}
	o := &object{kind: "transport", sort: "pipe", id: t.ID(), of: h, maker: by}
	return r.enterMade(o, t)
}

// ender tells when it has ended.
type ender interface {
	OnEnd(func(control.Reason))
}

// enter enters what goes through a pipe.
func (r *registry) enter(by *session, t *object, kind, id string, handle ender) *object {
	return r.enterMade(&object{kind: kind, id: id, of: t.of, transport: t, maker: by}, handle)
}

// enterMade enters what was made by the handles themselves. Its own end, that nobody asked for, comes from the other end of the pipe.
func (r *registry) enterMade(o *object, handle ender) *object {
	if r.add(o, true) == nil {
		r.made(o, handle)
	}
	handle.OnEnd(func(why control.Reason) {
		if why == "" {
			why = control.PipeClosed
		}
		r.ended(o, why)
	})
	return o
}
