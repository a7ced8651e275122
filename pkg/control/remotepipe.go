package control

import (
	"context"

	"gazpacho/proto"
)

// pipeRemotely has a controller pipe, and makes handles of what came of it.
func (r *Router) pipeRemotely(ctx context.Context, o PipeToRouterOptions) (Piped, error) {
	keep, sctp := o.keeps(), !o.DisableSCTP
	made, err := ask[proto.Piped](ctx, r.worker, proto.RouterPipeToRouter, r.id, proto.PipeToRouter{
		ProducerID: o.ProducerID, DataProducerID: o.DataProducerID, RouterID: o.Router.id, KeepID: &keep, ListenInfo: o.ListenInfo,
		EnableRTX: o.EnableRTX, EnableSRTP: o.EnableSRTP, EnableSCTP: &sctp, MaxSendMessageSize: o.SCTP.MaxSendMessageSize,
		MaxReceiveMessageSize: o.SCTP.MaxReceiveMessageSize, SCTPSendBufferSize: o.SCTP.SCTPSendBufferSize,
		SCTPPerStreamSendQueueLimit:                 o.SCTP.SCTPPerStreamSendQueueLimit,
		SCTPMaxReceiverWindowBufferSize:             o.SCTP.SCTPMaxReceiverWindowBufferSize,
		SCTPDefaultStreamBufferedAmountLowThreshold: o.SCTP.SCTPDefaultStreamBufferedAmountLowThreshold,
	})
	if err != nil {
		return Piped{}, err
	}
	near, err := r.pipeEnd(ctx, made.TransportID)
	if err != nil {
		return Piped{}, err
	}
	far, err := o.Router.pipeEnd(ctx, made.RemoteTransportID)
	if err != nil {
		return Piped{}, err
	}
	p, err := near.adoptPiped(ctx, far.Transport, &made)
	if err != nil {
		return Piped{}, err
	}
	p.Near, p.Far = near, far
	return p, nil
}

// pipeEnd is the handle of a pipe transport that the controller has made for two routers, whichever of us hears of it first.
func (r *Router) pipeEnd(ctx context.Context, id string) (*PipeTransport, error) {
	r.joining.Lock()
	defer r.joining.Unlock()
	r.worker.mu.Lock()
	known, ok := r.worker.objects[id].object.(*PipeTransport)
	r.worker.mu.Unlock()
	if ok {
		return known, nil
	}
	h, _, err := r.adoptTransport(ctx, id, "pipe")
	if err != nil {
		return nil, err
	}
	return h.(*PipeTransport), nil
}

// adoptPiped makes handles of what was made on both ends.
func (t *Transport) adoptPiped(ctx context.Context, far *Transport, made *proto.Piped) (p Piped, err error) {
	if made.Consumer != nil {
		if p.Consumer, err = t.adoptConsumer(ctx, made.Consumer.ConsumerID); err != nil {
			return Piped{}, err
		}
		p.Producer, err = far.adoptProducer(ctx, proto.ProducerContents{ID: made.Producer.ProducerID, HandlerID: made.Producer.HandlerID})
	} else {
		if p.DataConsumer, err = t.adoptDataConsumer(ctx, made.DataConsumer.ID); err != nil {
			return Piped{}, err
		}
		p.DataProducer, err = far.adoptDataProducer(ctx, proto.ProducerContents{ID: made.DataProducer.ID, HandlerID: made.DataHandlerID})
	}
	return p, err
}
