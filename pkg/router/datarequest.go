package router

import (
	"time"

	"gazpacho/pkg/data"
	"gazpacho/proto"
)

// dataHandlers is the part of the API that data producers and data consumers answer themselves.
var dataHandlers = map[string]handler{
	proto.DataProducerDumpMethod: onDataProducer(func(p *data.Producer, _ time.Time, _ *none) (any, *proto.Error) { return p.Dump(), nil }),
	proto.DataProducerGetStats:   onDataProducer(func(p *data.Producer, now time.Time, _ *none) (any, *proto.Error) { return p.Stats(now), nil }),
	proto.DataProducerPause:      onDataProducer(func(p *data.Producer, now time.Time, _ *none) (any, *proto.Error) { p.Pause(now); return nil, nil }),
	proto.DataProducerResume:     onDataProducer(func(p *data.Producer, now time.Time, _ *none) (any, *proto.Error) { p.Resume(now); return nil, nil }),

	proto.DataConsumerDumpMethod: onDataConsumer(func(c *data.Consumer, _ time.Time, _ *none) (any, *proto.Error) { return c.Dump(), nil }),
	proto.DataConsumerGetStats:   onDataConsumer(func(c *data.Consumer, now time.Time, _ *none) (any, *proto.Error) { return c.Stats(now), nil }),
	proto.DataConsumerPause:      onDataConsumer(func(c *data.Consumer, now time.Time, _ *none) (any, *proto.Error) { c.Pause(now); return nil, nil }),
	proto.DataConsumerResume:     onDataConsumer(func(c *data.Consumer, now time.Time, _ *none) (any, *proto.Error) { c.Resume(now); return nil, nil }),
	proto.DataConsumerGetBufferedAmount: onDataConsumer(func(c *data.Consumer, _ time.Time, _ *none) (any, *proto.Error) {
		amount, err := c.BufferedAmount()
		return result(proto.BufferedAmount{BufferedAmount: amount}, err)
	}),
	proto.DataConsumerSetBufferedAmountLowThreshold: onDataConsumer(
		func(c *data.Consumer, _ time.Time, b *proto.SetBufferedAmountLowThreshold) (any, *proto.Error) {
			return nil, c.SetBufferedAmountLowThreshold(b.Threshold)
		}),
	proto.DataConsumerSend: onDataConsumer(func(c *data.Consumer, now time.Time, b *proto.SendData) (any, *proto.Error) {
		amount, err := c.Send(now, b.PPID, b.Data)
		return result(proto.BufferedAmount{BufferedAmount: amount}, err)
	}),
	proto.DataConsumerSetSubchannels: onDataConsumer(func(c *data.Consumer, _ time.Time, b *proto.SetSubchannels) (any, *proto.Error) {
		c.SetSubchannels(b.Subchannels)
		return proto.Subchannels{Subchannels: c.Subchannels()}, nil
	}),
	proto.DataConsumerAddSubchannel: onDataConsumer(func(c *data.Consumer, _ time.Time, b *proto.Subchannel) (any, *proto.Error) {
		c.AddSubchannel(b.Subchannel)
		return proto.Subchannels{Subchannels: c.Subchannels()}, nil
	}),
	proto.DataConsumerRemoveSubchannel: onDataConsumer(func(c *data.Consumer, _ time.Time, b *proto.Subchannel) (any, *proto.Error) {
		c.RemoveSubchannel(b.Subchannel)
		return proto.Subchannels{Subchannels: c.Subchannels()}, nil
	}),
}

func onDataProducer[B any](f func(p *data.Producer, now time.Time, b *B) (any, *proto.Error)) handler {
	return func(r *Router, now time.Time, req Request) (any, *proto.Error) {
		s := r.dataProducers[req.HandlerID]
		if s == nil {
			return nil, proto.NotFound("dataProducer", req.HandlerID)
		}
		b, err := decode[B](req)
		if err != nil {
			return nil, err
		}
		return f(s.producer, now, b)
	}
}

func onDataConsumer[B any](f func(c *data.Consumer, now time.Time, b *B) (any, *proto.Error)) handler {
	return func(r *Router, now time.Time, req Request) (any, *proto.Error) {
		s, ok := r.dataConsumers[req.HandlerID]
		if !ok {
			return nil, proto.NotFound("dataConsumer", req.HandlerID)
		}
		b, err := decode[B](req)
		if err != nil {
			return nil, err
		}
		return f(s.consumer, now, b)
	}
}
