package control

import (
	"context"

	"gazpacho/proto"
)

// What a controller decides is asked for here. The other requests are the same at a worker.

func (w *Worker) createRouterRemotely(ctx context.Context, workerID string, o RouterOptions) (*Router, error) {
	r := w.newRouter(o)
	var made proto.RouterCreated
	if err := r.open(ctx, workerID, proto.NewRouter{RouterID: r.id, MediaCodecs: o.MediaCodecs}, &made); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.workerID, r.capabilities = made.WorkerID, made.RTPCapabilities
	return r, nil
}

func (w *Worker) openServerRemotely(ctx context.Context, workerID string, o WebRTCServerOptions) (*WebRTCServer, error) {
	s := w.newWebRTCServer(o)
	var made proto.WebRTCServerCreated
	err := s.open(ctx, workerID, proto.NewWebRTCServer{WebRTCServerID: s.id, ListenInfos: o.ListenInfos}, &made)
	s.workerID = made.WorkerID
	return kept(s, err)
}

// canConsumeRemotely knows no error: who does not answer has nothing to consume.
func (r *Router) canConsumeRemotely(producerID string, capabilities proto.RTPCapabilities) bool {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	body := proto.CanConsume{ProducerID: producerID, RTPCapabilities: capabilities}
	result, err := ask[proto.CanConsumeResult](ctx, r.worker, proto.RouterCanConsume, r.id, body)
	return err == nil && result.CanConsume
}

func (t *Transport) produceRemotely(ctx context.Context, o ProducerOptions) (*Producer, error) {
	p := t.newProducer(o)
	var made proto.Produced
	err := t.produce(ctx, p, proto.ProduceMedia{
		ProducerID: p.id, Kind: o.Kind, RTPParameters: o.RTPParameters, Paused: o.Paused, KeyFrameRequestDelay: o.KeyFrameRequestDelay,
	}, &made)
	if err != nil {
		return nil, err
	}
	p.opts.RTPParameters = made.RTPParameters
	return kept(p, p.made(made.Type))
}

func (t *Transport) consumeRemotely(ctx context.Context, o ConsumerOptions) (*Consumer, error) {
	c := t.newConsumer(o)
	var made proto.Consumed
	err := t.askConsume(ctx, c, proto.ConsumeMedia{
		ConsumerID: c.id, ProducerID: o.ProducerID, RTPCapabilities: o.RTPCapabilities, Paused: o.Paused, MID: o.MID,
		PreferredLayers: o.PreferredLayers, EnableRTX: o.EnableRTX, IgnoreDTX: o.IgnoreDTX, Pipe: o.Pipe,
	}, &made)
	if err != nil {
		return nil, err
	}
	return kept(c, c.madeRemotely(&made))
}

func (c *Consumer) madeRemotely(made *proto.Consumed) error {
	c.media, c.kind, c.parameters = made.Kind, made.Type, made.RTPParameters
	return c.made(made.Paused, made.ProducerPaused, made.Score, made.PreferredLayers)
}

func (t *Transport) produceDataRemotely(ctx context.Context, o DataProducerOptions) (*DataProducer, error) {
	p := t.newDataProducer(o)
	var made proto.DataProducerDump
	err := t.askProduceData(ctx, p, proto.ProduceMessages{
		DataProducerID: p.id, SCTPStreamParameters: o.SCTPStreamParameters, Label: o.Label, Protocol: o.Protocol, Paused: o.Paused,
	}, &made)
	if made.SCTPStreamParameters != nil {
		p.parameters = *made.SCTPStreamParameters
	}
	return kept(p, err)
}

func (t *Transport) consumeDataRemotely(ctx context.Context, o DataConsumerOptions) (*DataConsumer, error) {
	c := t.newDataConsumer(o)
	if err := enter(t, t.dataConsumers, &c.handle, c); err != nil {
		return nil, err
	}
	return kept(c, t.askConsumeData(ctx, c, proto.ConsumeMessages{
		DataConsumerID: c.id, DataProducerID: o.DataProducerID, Ordered: o.Ordered, MaxPacketLifeTime: o.MaxPacketLifeTime,
		MaxRetransmits: o.MaxRetransmits, Paused: o.Paused, Subchannels: o.Subchannels,
	}))
}
