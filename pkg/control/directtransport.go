package control

import (
	"context"

	"gazpacho/pkg/channel"
	"gazpacho/proto"
)

// DirectTransportOptions are how large messages may be and who is told. Absent options have mediasoup's defaults.
type DirectTransportOptions struct {
	ID                    string // made up if empty
	MaxSendMessageSize    int    // bytes, to us
	MaxReceiveMessageSize int    // bytes, from us

	RTCP   func(packet []byte) // what a peer would be sent; not to be changed, and copied by who keeps it
	Trace  func(proto.TraceEvent)
	Closed func(Reason)
}

// DirectTransport lets the controller itself send and receive: packets by Producer.Send and ConsumerOptions.RTP, messages by DataProducer.Send
// and DataConsumerOptions.Message. Those that wait for a worker that does not keep up are dropped, the oldest first.
type DirectTransport struct {
	*Transport
	opts DirectTransportOptions
}

// CreateDirectTransport makes a transport without a network.
func (r *Router) CreateDirectTransport(ctx context.Context, o DirectTransportOptions) (*DirectTransport, error) {
	t := &DirectTransport{Transport: newTransport(r, o.ID, o.Closed, o.Trace), opts: o}
	t.direct = true
	body := proto.DirectTransportOptions{
		TransportID: t.id, MaxSendMessageSize: o.MaxSendMessageSize, MaxReceiveMessageSize: o.MaxReceiveMessageSize,
	}
	if err := t.open(ctx, t, proto.RouterCreateDirectTransport, body, nil); err != nil {
		return nil, err
	}
	return t, nil
}

func (t *DirectTransport) receive(_ string, _ channel.Raw, payload []byte) {
	call(t.opts.RTCP, payload)
}

// SendRTCP says something of what we send and receive: reports, NACKs, requests for key frames.
func (t *DirectTransport) SendRTCP(packet []byte) error {
	return t.router.worker.client.NotifyBinary(proto.NotifyTransportSendRTCP, t.id, nil, packet)
}

// Dump tells all about the transport.
func (t *DirectTransport) Dump(ctx context.Context) (proto.DirectTransportDump, error) {
	return ask[proto.DirectTransportDump](ctx, t.router.worker, proto.TransportDumpMethod, t.id, nil)
}

// Stats counts what went through.
func (t *DirectTransport) Stats(ctx context.Context) (proto.DirectTransportStats, error) {
	return ask[proto.DirectTransportStats](ctx, t.router.worker, proto.TransportGetStats, t.id, nil)
}

// Send sends an RTP packet on behalf of a producer of a direct transport. Nobody answers: what is wrong with it is counted in the transport's
// statistics. Errors: UnsupportedError on other transports, Error of code closed.
func (p *Producer) Send(packet []byte) error {
	if !p.transport.direct {
		return errNotDirect("producer", p.id)
	}
	return p.worker().client.NotifyBinary(proto.NotifyProducerSend, p.address, nil, packet)
}

// DataMessage is one message for a data producer to send. PPID is 51 for text and 53 for binary. The rest is about who gets it: see
// proto.DataProducerSend.
type DataMessage struct {
	proto.DataProducerSend
	Payload []byte
}

// Send sends a message on behalf of a data producer of a direct transport. Errors are those of Producer.Send.
func (p *DataProducer) Send(m DataMessage) error {
	if !p.transport.direct {
		return errNotDirect("dataProducer", p.id)
	}
	return p.worker().client.NotifyBinary(proto.NotifyDataProducerSend, p.address, m.DataProducerSend, m.Payload)
}

func errNotDirect(kind, id string) error {
	return proto.Unsupported("%s %q is not on a direct transport", kind, id)
}

func (c *Consumer) receive(_ string, _ channel.Raw, payload []byte) { call(c.opts.RTP, payload) }

func (c *DataConsumer) receive(_ string, meta channel.Raw, payload []byte) {
	var m proto.DataConsumerMessage
	if c.opts.Message != nil && channel.Decode(meta, &m) == nil {
		c.opts.Message(m.PPID, payload)
	}
}
