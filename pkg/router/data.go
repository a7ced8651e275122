package router

import (
	"slices"
	"time"

	"gazpacho/pkg/data"
	"gazpacho/pkg/transport"
	"gazpacho/proto"
)

// dataSource is a data producer and the data consumers that listen to it.
type dataSource struct {
	producer  *data.Producer
	transport transport.Transport
	consumers []string // ids
}

// dataSink is a data consumer, the transport it is on and the data producer it listens to.
type dataSink struct {
	consumer   *data.Consumer
	transport  transport.Transport
	producerID string
}

// DataProducerCreated keeps a new data producer.
func (r *Router) DataProducerCreated(_ time.Time, t transport.Transport, p *data.Producer) *proto.Error {
	if err := r.claim("dataProducer", p.ID(), "dataProducerId"); err != nil {
		return err
	}
	r.dataProducers[p.ID()] = &dataSource{producer: p, transport: t}
	return nil
}

// DataProducerClosed forgets a data producer; its consumers are gone.
func (r *Router) DataProducerClosed(_ time.Time, p *data.Producer) {
	delete(r.dataProducers, p.ID())
	r.ids.Release(p.ID())
}

// DataConsumerCreated keeps a new data consumer.
func (r *Router) DataConsumerCreated(_ time.Time, t transport.Transport, c *data.Consumer, p *data.Producer) *proto.Error {
	if err := r.claim("dataConsumer", c.ID(), "dataConsumerId"); err != nil {
		return err
	}
	r.dataConsumers[c.ID()] = dataSink{consumer: c, transport: t, producerID: p.ID()}
	s := r.dataProducers[p.ID()]
	s.consumers = append(s.consumers, c.ID())
	return nil
}

// DataConsumerClosed takes a data consumer off its data producer.
func (r *Router) DataConsumerClosed(_ time.Time, c *data.Consumer) {
	id := c.ID()
	if s := r.dataProducers[r.dataConsumers[id].producerID]; s != nil {
		s.producer.RemoveConsumer(c)
		s.consumers = slices.DeleteFunc(s.consumers, func(other string) bool { return other == id })
	}
	delete(r.dataConsumers, id)
	r.ids.Release(id)
}

func (r *Router) consumeData(t transport.Transport, now time.Time, b *proto.ConsumeData) (any, *proto.Error) {
	s := r.dataProducers[b.DataProducerID]
	if s == nil {
		return nil, proto.NotFound("dataProducer", b.DataProducerID)
	}
	return result(t.ConsumeData(now, b, s.producer))
}

// dumpData fills the tables of router.dump that are about data.
func (r *Router) dumpData(d *proto.RouterDump) {
	for _, id := range sortedKeys(r.dataProducers) {
		values := proto.KeyValues{Key: id, Values: sorted(r.dataProducers[id].consumers)}
		d.MapDataProducerIDDataConsumerIDs = append(d.MapDataProducerIDDataConsumerIDs, values)
	}
	for _, id := range sortedKeys(r.dataConsumers) {
		value := proto.KeyValue{Key: id, Value: r.dataConsumers[id].producerID}
		d.MapDataConsumerIDDataProducerID = append(d.MapDataConsumerIDDataProducerID, value)
	}
}
