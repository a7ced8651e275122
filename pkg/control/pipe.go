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
	DisableSCTP bool              // no data producers, then
	SCTP        proto.SCTPOptions // all but EnableSCTP
}

// Piped is a producer's way to another router: what leaves this one, and what arrives at the other.
type Piped struct {
	Near, Far    *PipeTransport // in this router and in the other
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
// them, and however many ask at once. What is paused, resumed or closed here is there as well, be it the producer or the consumer that is sent
// through the pipe; what is closed there is not sent any more. Over a controller, that joins them.
func (r *Router) PipeToRouter(ctx context.Context, o PipeToRouterOptions) (Piped, error) {
	switch {
	case (o.ProducerID == "") == (o.DataProducerID == ""):
		return Piped{}, proto.BadField("producerId", "exactly one of it and dataProducerId is to be given")
	case o.Router == nil || o.Router == r:
		return Piped{}, proto.BadField("router", "is not another router")
	case o.Router.worker.client != r.worker.client && (r.worker.remote || o.Router.worker.remote):
		return Piped{}, proto.BadField("router", "is of another controller")
	case r.worker.remote:
		return r.pipeRemotely(ctx, o)
	case o.keeps() && o.Router.worker == r.worker:
		return Piped{}, proto.BadField("keepId", "must be false within one worker")
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
	once := sync.OnceFunc(func() {
		low.mu.Lock()
		if low.pairs[high] == p {
			delete(low.pairs, high)
		}
		low.mu.Unlock()
		for _, t := range ends {
			t.Close()
		}
	})
	part := func(Reason) { once() }
	for _, r := range []*Router{low, high} {
		t, err := r.CreatePipeTransport(ctx, o.transport())
		if p.err = err; err != nil {
			once()
			return
		}
		ends, p.ends[r] = append(ends, t), t
	}
	for i, t := range ends {
		other := ends[1-i]
		body := proto.ConnectPipeTransport{IP: other.Tuple().LocalAddress, Port: other.Tuple().LocalPort, SRTPParameters: other.SRTPParameters()}
		if p.err = t.Connect(ctx, body); p.err != nil {
			once()
			return
		}
	}
	for _, t := range ends {
		t.OnEnd(part)
	}
}

func (o *PipeToRouterOptions) transport() PipeTransportOptions {
	t := PipeTransportOptions{EnableRTX: o.EnableRTX, EnableSRTP: o.EnableSRTP, SCTPOptions: o.SCTP}
	t.EnableSCTP = !o.DisableSCTP
	t.ListenInfo = proto.ListenInfo{Protocol: "udp", IP: "127.0.0.1"}
	if o.ListenInfo != nil {
		t.ListenInfo = *o.ListenInfo
	}
	return t
}

func (o *PipeToRouterOptions) keeps() bool { return o.KeepID == nil || *o.KeepID }

func (o *PipeToRouterOptions) id(id string) string {
	if o.keeps() {
		return id
	}
	return "" // a new one
}

// media pipes a producer.
func (p *joint) media(ctx context.Context, from *Router, o PipeToRouterOptions) (Piped, error) {
	c, err := p.ends[from].Consume(ctx, ConsumerOptions{ProducerID: o.ProducerID})
	if err != nil {
		return Piped{}, err
	}
	silent := c.silent()
	there, err := p.ends[o.Router].Produce(ctx, ProducerOptions{
		ID: o.id(o.ProducerID), Kind: c.Kind(), RTPParameters: c.RTPParameters(), Paused: silent,
	})
	if err != nil {
		c.Close()
		return Piped{}, err
	}
	follow(&there.handle, &c.handle, silent, c.silent)
	return Piped{Near: p.ends[from], Far: p.ends[o.Router], Consumer: c, Producer: there}, nil
}

// data pipes a data producer.
func (p *joint) data(ctx context.Context, from *Router, o PipeToRouterOptions) (Piped, error) {
	c, err := p.ends[from].ConsumeData(ctx, DataConsumerOptions{DataProducerID: o.DataProducerID})
	if err != nil {
		return Piped{}, err
	}
	silent, stream := c.silent(), c.SCTPStreamParameters()
	there, err := p.ends[o.Router].ProduceData(ctx, DataProducerOptions{
		ID: o.id(o.DataProducerID), SCTPStreamParameters: &stream, Label: c.Label(), Protocol: c.Protocol(), Paused: silent,
	})
	if err != nil {
		c.Close()
		return Piped{}, err
	}
	follow(&there.handle, &c.handle, silent, c.silent)
	return Piped{Near: p.ends[from], Far: p.ends[o.Router], DataConsumer: c, DataProducer: there}, nil
}

// follow has what arrives be as silent as what is sent, as it was when it was made, and both end together.
func follow(there, sent *handle, was bool, silent func() bool) {
	m := &mirror{is: was, silent: silent, apply: func(paused bool) error { return there.setPaused(context.Background(), paused) }}
	sent.set(func() { sent.changed = m.news })
	m.news() // of what came before
	sent.OnEnd(func(Reason) { there.Close() })
	there.OnEnd(func(Reason) { sent.Close() })
}
