package control

import (
	"context"
	"errors"

	"gazpacho/pkg/channel"
	"gazpacho/proto"
)

type raw = channel.Raw

// codeIs tells whether err is a refusal with a code.
func codeIs(err error, code string) bool {
	var refused *proto.Error
	return errors.As(err, &refused) && refused.Code == code
}

// A handle of what somebody else has made hears events first and asks how things are then, so nothing falls in between.

func (r *Router) adoptTransport(ctx context.Context, id, kind string) (TransportHandle, *Transport, error) {
	t := newTransport(r, id, nil, nil)
	switch kind {
	case "webrtc":
		h := &WebRTCTransport{Transport: t, iceState: proto.ICENew, dtlsState: proto.DTLSNew}
		return h, t, adoptAs(ctx, t, h, h.adopt)
	case "plain":
		h := &PlainTransport{Transport: t}
		h.association.transport = t
		return h, t, adoptAs(ctx, t, h, func(d *proto.PlainTransportDump) {
			h.found(d.Tuple, d.RTCPTuple, d.SRTPParameters)
			h.adopt(&d.TransportDump)
		})
	case "pipe":
		t.pipe = true
		h := &PipeTransport{Transport: t}
		h.association.transport = t
		return h, t, adoptAs(ctx, t, h, func(d *proto.PipeTransportDump) {
			h.mu.Lock()
			h.tuple, h.srtp = d.Tuple, d.SRTPParameters
			h.mu.Unlock()
			h.adopt(&d.TransportDump)
		})
	}
	t.direct = true
	h := &DirectTransport{Transport: t}
	return h, t, adoptAs(ctx, t, h, func(*proto.DirectTransportDump) {})
}

// adoptAs enters a transport and asks how it is.
func adoptAs[D any](ctx context.Context, t *Transport, h object, adopt func(*D)) error {
	if err := t.router.admit(t.id, h, 0, func() error { return add(t.router, t.router.transports, t.id, t) }); err != nil {
		return err
	}
	dump, err := ask[D](ctx, t.router.worker, proto.TransportDumpMethod, t.id, nil)
	if err != nil {
		t.end()
		return err
	}
	adopt(&dump)
	return nil
}

// adoptHandle enters a producer or consumer and asks how it is.
func adoptHandle[H object, D any](ctx context.Context, t *Transport, table map[string]H, h H, own *handle, method string) (*D, error) {
	if err := enter(t, table, own, h); err != nil {
		return nil, err
	}
	dump, err := ask[D](ctx, t.router.worker, method, own.address, nil)
	if err != nil {
		own.end()
		return nil, err
	}
	return &dump, nil
}

func (t *Transport) adoptProducer(ctx context.Context, there proto.ProducerContents) (*Producer, error) {
	p := t.newProducer(ProducerOptions{ID: there.ID})
	p.address = there.HandlerID
	d, err := adoptHandle[*Producer, proto.ProducerDump](ctx, t, t.producers, p, &p.handle, proto.ProducerDumpMethod)
	if err != nil {
		return nil, err
	}
	p.set(func() { p.paused, p.opts.Kind, p.opts.RTPParameters = d.Paused, d.Kind, d.RTPParameters })
	return kept(p, p.made(d.Type))
}

func (t *Transport) adoptConsumer(ctx context.Context, id string) (*Consumer, error) {
	c := t.newConsumer(ConsumerOptions{ID: id})
	d, err := adoptHandle[*Consumer, proto.ConsumerDump](ctx, t, t.consumers, c, &c.handle, proto.ConsumerDumpMethod)
	if err != nil {
		return nil, err
	}
	c.set(func() {
		c.opts.ProducerID, c.media, c.kind, c.parameters, c.priority = d.ProducerID, d.Kind, d.Type, d.RTPParameters, d.Priority
		if c.current == nil {
			c.current = layersOf(d.CurrentSpatialLayer, d.CurrentTemporalLayer)
		}
	})
	return kept(c, c.made(d.Paused, d.ProducerPaused, c.score, layersOf(d.PreferredSpatialLayer, d.PreferredTemporalLayer)))
}

// layersOf reads the layers of a dump, where -1 is none.
func layersOf(spatial, temporal *int) *proto.ConsumerLayers {
	if spatial == nil || *spatial < 0 {
		return nil
	}
	l := &proto.ConsumerLayers{SpatialLayer: *spatial}
	if temporal != nil && *temporal >= 0 {
		l.TemporalLayer = temporal
	}
	return l
}

func (t *Transport) adoptDataProducer(ctx context.Context, there proto.ProducerContents) (*DataProducer, error) {
	p := t.newDataProducer(DataProducerOptions{ID: there.ID})
	p.address = there.HandlerID
	d, err := adoptHandle[*DataProducer, proto.DataProducerDump](ctx, t, t.dataProducers, p, &p.handle, proto.DataProducerDumpMethod)
	if err != nil {
		return nil, err
	}
	p.set(func() {
		p.paused, p.opts.Label, p.opts.Protocol = d.Paused, d.Label, d.Protocol
		if d.SCTPStreamParameters != nil {
			p.parameters = *d.SCTPStreamParameters
		}
	})
	return kept(p, add(t.router, t.router.dataProducers, p.id, p))
}

func (t *Transport) adoptDataConsumer(ctx context.Context, id string) (*DataConsumer, error) {
	c := t.newDataConsumer(DataConsumerOptions{ID: id})
	d, err := adoptHandle[*DataConsumer, proto.DataConsumerDump](ctx, t, t.dataConsumers, c, &c.handle, proto.DataConsumerDumpMethod)
	if err != nil {
		return nil, err
	}
	c.opts.DataProducerID = d.DataProducerID
	return kept(c, c.made(d))
}
