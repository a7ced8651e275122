package control

import (
	"context"
	"errors"
	"sync"

	"gazpacho/proto"
)

// PipeToRouterOptions say what another router shall have, and how. Exactly one of ProducerID and DataProducerID is given.
type PipeToRouterOptions struct {
	ProducerID     string
	DataProducerID string
	Router         *Router // the other one; of any worker

	// KeepID has the other router know the producer by the same id; true. Within one worker it must be false.
	KeepID *bool

	// How the two routers are joined, when they are for the first time.
	ListenInfo  *proto.ListenInfo // udp 127.0.0.1, any port
	EnableRTX   bool
	EnableSRTP  bool
	DisableSCTP bool // no data producers, then
}

// Piped is a producer's way to another router: what leaves this one, and what arrives at the other.
type Piped struct {
	Consumer     *Consumer
	Producer     *Producer
	DataConsumer *DataConsumer
	DataProducer *DataProducer
}

// joint is the two ends of what joins two routers.
type joint struct {
	ready chan struct{} // closed when the rest is settled
	ends  map[*Router]*PipeTransport
	err   error
}

// PipeToRouter makes a producer of this router one of another's, too. There is one pair of pipe transports for two routers, whatever goes between
// them, and however many ask at once. What is paused, resumed or closed here is there as well; what is closed there is not sent any more.
func (r *Router) PipeToRouter(ctx context.Context, o PipeToRouterOptions) (Piped, error) {
	switch {
	case (o.ProducerID == "") == (o.DataProducerID == ""):
		return Piped{}, proto.BadField("producerId", "exactly one of it and dataProducerId is to be given")
	case o.Router == nil || o.Router == r:
		return Piped{}, proto.BadField("router", "is not another router")
	case o.ProducerID != "" && r.producer(o.ProducerID) == nil:
		return Piped{}, proto.NotFound("producer", o.ProducerID)
	case o.DataProducerID != "" && r.dataProducer(o.DataProducerID) == nil:
		return Piped{}, proto.NotFound("dataProducer", o.DataProducerID)
	}
	p, err := r.join(ctx, o)
	if err != nil {
		return Piped{}, err
	}
	if o.ProducerID != "" {
		return p.media(ctx, r, o)
	}
	return p.data(ctx, r, o)
}

// join finds or makes the pair. It is entered with the router whose id is lower, so that both ways lead to one.
func (r *Router) join(ctx context.Context, o PipeToRouterOptions) (*joint, error) {
	low, high := r, o.Router
	if high.id < low.id {
		low, high = high, low
	}
	for {
		low.mu.Lock()
		p := low.pairs[high]
		if p == nil {
			p = &joint{ready: make(chan struct{}), ends: map[*Router]*PipeTransport{}}
			low.pairs[high] = p
			low.mu.Unlock()
			p.make(ctx, low, high, o)
			close(p.ready)
			return p, p.err
		}
		low.mu.Unlock()
		select {
		case <-p.ready:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		// Who made it may have hung up: then it is our turn.
		if !errors.Is(p.err, context.Canceled) && !errors.Is(p.err, context.DeadlineExceeded) {
			return p, p.err
		}
	}
}

// make makes both transports and connects them, or leaves nothing.
func (p *joint) make(ctx context.Context, low, high *Router, o PipeToRouterOptions) {
	ends := make([]*PipeTransport, 0, 2)
	part := sync.OnceFunc(func() {
		low.mu.Lock()
		if low.pairs[high] == p {
			delete(low.pairs, high)
		}
		low.mu.Unlock()
		for _, t := range ends {
			t.Close()
		}
	})
	for _, r := range []*Router{low, high} {
		t, err := r.CreatePipeTransport(ctx, o.transport())
		if p.err = err; err != nil {
			part()
			return
		}
		ends, p.ends[r] = append(ends, t), t
	}
	for i, t := range ends {
		other := ends[1-i]
		body := proto.ConnectPipeTransport{IP: other.Tuple().LocalAddress, Port: other.Tuple().LocalPort, SRTPParameters: other.SRTPParameters()}
		if p.err = t.Connect(ctx, body); p.err != nil {
			part()
			return
		}
	}
	for _, t := range ends {
		t.onEnd(part)
	}
}

func (o *PipeToRouterOptions) transport() PipeTransportOptions {
	t := PipeTransportOptions{EnableRTX: o.EnableRTX, EnableSRTP: o.EnableSRTP}
	t.EnableSCTP = !o.DisableSCTP
	t.ListenInfo = proto.ListenInfo{Protocol: "udp", IP: "127.0.0.1"}
	if o.ListenInfo != nil {
		t.ListenInfo = *o.ListenInfo
	}
	return t
}

func (o *PipeToRouterOptions) id(id string) string {
	if o.KeepID != nil && !*o.KeepID {
		return "" // a new one
	}
	return id
}

// media pipes a producer.
func (p *joint) media(ctx context.Context, from *Router, o PipeToRouterOptions) (Piped, error) {
	m := &mirror{}
	c, err := p.ends[from].Consume(ctx, ConsumerOptions{
		ProducerID: o.ProducerID, ProducerPause: func() { m.set(true) }, ProducerResume: func() { m.set(false) },
	})
	if err != nil {
		return Piped{}, err
	}
	paused := c.ProducerPaused()
	there, err := p.ends[o.Router].Produce(ctx, ProducerOptions{
		ID: o.id(o.ProducerID), Kind: c.Kind(), RTPParameters: c.RTPParameters(), Paused: paused,
	})
	if err != nil {
		c.Close()
		return Piped{}, err
	}
	m.begin(paused, func(paused bool) error {
		if paused {
			return there.Pause(context.Background())
		}
		return there.Resume(context.Background())
	})
	m.set(c.ProducerPaused())
	c.onEnd(there.Close)
	there.onEnd(c.Close)
	return Piped{Consumer: c, Producer: there}, nil
}

// data pipes a data producer.
func (p *joint) data(ctx context.Context, from *Router, o PipeToRouterOptions) (Piped, error) {
	m := &mirror{}
	c, err := p.ends[from].ConsumeData(ctx, DataConsumerOptions{
		DataProducerID: o.DataProducerID, ProducerPause: func() { m.set(true) }, ProducerResume: func() { m.set(false) },
	})
	if err != nil {
		return Piped{}, err
	}
	paused, stream := c.ProducerPaused(), c.SCTPStreamParameters()
	there, err := p.ends[o.Router].ProduceData(ctx, DataProducerOptions{
		ID: o.id(o.DataProducerID), SCTPStreamParameters: &stream, Label: c.Label(), Protocol: c.Protocol(), Paused: paused,
	})
	if err != nil {
		c.Close()
		return Piped{}, err
	}
	m.begin(paused, func(paused bool) error {
		if paused {
			return there.Pause(context.Background())
		}
		return there.Resume(context.Background())
	})
	m.set(c.ProducerPaused())
	c.onEnd(there.Close)
	there.onEnd(c.Close)
	return Piped{DataConsumer: c, DataProducer: there}, nil
}
