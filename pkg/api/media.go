package api

import (
	"gazpacho/pkg/control"
	"gazpacho/proto"
)

func (k *call) carrier() carrier { return k.object.handle.(carrier) }

func (k *call) produce() (any, error) {
	b, err := decode[proto.ProduceMedia](k)
	if err != nil {
		return nil, err
	}
	o := &object{kind: "producer", id: b.ProducerID}
	p, err := create(k, o, func(closed func(control.Reason)) (*control.Producer, error) {
		return k.carrier().Produce(k, control.ProducerOptions{
			ID: o.id, Kind: b.Kind, RTPParameters: b.RTPParameters, Paused: b.Paused, KeyFrameRequestDelay: b.KeyFrameRequestDelay, Closed: closed,
		})
	})
	if err != nil {
		return nil, err
	}
	return produced(o, p), nil
}

func produced(o *object, p *control.Producer) *proto.Produced {
	return &proto.Produced{
		ProducerID: p.ID(), HandlerID: o.address, Kind: p.Kind(), Type: p.Type(), RTPParameters: p.RTPParameters(), Paused: p.Paused(),
	}
}

func (k *call) consume() (any, error) {
	b, err := decode[proto.ConsumeMedia](k)
	if err != nil {
		return nil, err
	}
	o := &object{kind: "consumer", id: b.ConsumerID}
	c, err := create(k, o, func(closed func(control.Reason)) (*control.Consumer, error) {
		return k.carrier().Consume(k, control.ConsumerOptions{
			ID: o.id, ProducerID: b.ProducerID, RTPCapabilities: b.RTPCapabilities, Paused: b.Paused, MID: b.MID, PreferredLayers: b.PreferredLayers,
			EnableRTX: b.EnableRTX, IgnoreDTX: b.IgnoreDTX, Pipe: b.Pipe, Closed: closed,
		})
	})
	if err != nil {
		return nil, err
	}
	return consumed(c), nil
}

func consumed(c *control.Consumer) *proto.Consumed {
	return &proto.Consumed{
		ConsumerID: c.ID(), ProducerID: c.ProducerID(), Kind: c.Kind(), Type: c.Type(), RTPParameters: c.RTPParameters(), Paused: c.Paused(),
		ProducerPaused: c.ProducerPaused(), Score: c.Score(), PreferredLayers: c.PreferredLayers(),
	}
}

func (k *call) produceData() (any, error) {
	b, err := decode[proto.ProduceMessages](k)
	if err != nil {
		return nil, err
	}
	o := &object{kind: "dataProducer", id: b.DataProducerID}
	_, err = create(k, o, func(closed func(control.Reason)) (*control.DataProducer, error) {
		return k.carrier().ProduceData(k, control.DataProducerOptions{
			ID: o.id, SCTPStreamParameters: b.SCTPStreamParameters, Label: b.Label, Protocol: b.Protocol, Paused: b.Paused, Closed: closed,
		})
	})
	if err != nil {
		return nil, err
	}
	return k.worker.Forward(k, proto.DataProducerDumpMethod, o.id, nil)
}

func (k *call) consumeData() (any, error) {
	b, err := decode[proto.ConsumeMessages](k)
	if err != nil {
		return nil, err
	}
	o := &object{kind: "dataConsumer", id: b.DataConsumerID}
	_, err = create(k, o, func(closed func(control.Reason)) (*control.DataConsumer, error) {
		return k.carrier().ConsumeData(k, control.DataConsumerOptions{
			ID: o.id, DataProducerID: b.DataProducerID, Ordered: b.Ordered, MaxPacketLifeTime: b.MaxPacketLifeTime,
			MaxRetransmits: b.MaxRetransmits, Paused: b.Paused, Subchannels: b.Subchannels, Closed: closed,
		})
	})
	if err != nil {
		return nil, err
	}
	return k.worker.Forward(k, proto.DataConsumerDumpMethod, o.id, nil)
}
