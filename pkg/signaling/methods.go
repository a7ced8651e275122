package signaling

import (
	"context"
	"encoding/json"

	"gazpacho/pkg/room"
	"gazpacho/proto"
)

// method does what a request asks. It calls reply once, or returns why not.
type method func(ctx context.Context, c *session, data json.RawMessage, reply func(any)) error

// The bodies of requests that only name something.
type (
	transportID struct {
		TransportID string `json:"transportId"`
	}
	producerID struct {
		ProducerID string `json:"producerId"`
	}
	consumerID struct {
		ConsumerID string `json:"consumerId"`
	}
	consumerPriority struct {
		ConsumerID string `json:"consumerId"`
		Priority   int    `json:"priority"`
	}
	displayName struct {
		DisplayName string `json:"displayName"`
	}
	dataProducerID struct {
		DataProducerID string `json:"dataProducerId"`
	}
	dataConsumerID struct {
		DataConsumerID string `json:"dataConsumerId"`
	}
	nothing struct{}
)

// methods is every request of a client.
var methods = map[string]method{
	"getRouterRtpCapabilities": answer(func(p *room.Peer, _ context.Context, _ nothing) (proto.RTPCapabilities, error) {
		return p.RouterRTPCapabilities()
	}),
	"createWebRtcTransport":  answer((*room.Peer).CreateWebRTCTransport),
	"connectWebRtcTransport": act((*room.Peer).ConnectWebRTCTransport),
	"restartIce": answer(func(p *room.Peer, ctx context.Context, b transportID) (proto.ICEParameters, error) {
		return p.RestartICE(ctx, b.TransportID)
	}),
	"join": joinRoom,

	"produce":       answer((*room.Peer).Produce),
	"closeProducer": act(func(p *room.Peer, _ context.Context, b producerID) error { return p.CloseProducer(b.ProducerID) }),
	"pauseProducer": act(func(p *room.Peer, ctx context.Context, b producerID) error { return p.PauseProducer(ctx, b.ProducerID) }),
	"resumeProducer": act(func(p *room.Peer, ctx context.Context, b producerID) error {
		return p.ResumeProducer(ctx, b.ProducerID)
	}),

	"pauseConsumer": act(func(p *room.Peer, ctx context.Context, b consumerID) error { return p.PauseConsumer(ctx, b.ConsumerID) }),
	"resumeConsumer": act(func(p *room.Peer, ctx context.Context, b consumerID) error {
		return p.ResumeConsumer(ctx, b.ConsumerID)
	}),
	"setConsumerPreferredLayers": act((*room.Peer).SetConsumerPreferredLayers),
	"setConsumerPriority": act(func(p *room.Peer, ctx context.Context, b consumerPriority) error {
		return p.SetConsumerPriority(ctx, b.ConsumerID, b.Priority)
	}),
	"requestConsumerKeyFrame": act(func(p *room.Peer, ctx context.Context, b consumerID) error {
		return p.RequestConsumerKeyFrame(ctx, b.ConsumerID)
	}),

	"changeDisplayName": act(func(p *room.Peer, _ context.Context, b displayName) error { return p.ChangeDisplayName(b.DisplayName) }),

	"getTransportStats": answer(func(p *room.Peer, ctx context.Context, b transportID) ([]proto.WebRTCTransportStats, error) {
		return p.TransportStats(ctx, b.TransportID)
	}),
	"getProducerStats": answer(func(p *room.Peer, ctx context.Context, b producerID) ([]proto.RTPStreamStats, error) {
		return p.ProducerStats(ctx, b.ProducerID)
	}),
	"getConsumerStats": answer(func(p *room.Peer, ctx context.Context, b consumerID) ([]proto.RTPStreamStats, error) {
		return p.ConsumerStats(ctx, b.ConsumerID)
	}),

	"produceData": answer((*room.Peer).ProduceData),
	"getDataProducerStats": answer(func(p *room.Peer, ctx context.Context, b dataProducerID) ([]proto.DataProducerStats, error) {
		return p.DataProducerStats(ctx, b.DataProducerID)
	}),
	"getDataConsumerStats": answer(func(p *room.Peer, ctx context.Context, b dataConsumerID) ([]proto.DataConsumerStats, error) {
		return p.DataConsumerStats(ctx, b.DataConsumerID)
	}),

	// The demo slows its whole machine down by these; a server does not do that for whoever asks.
	"applyNetworkThrottle": act(func(*room.Peer, context.Context, nothing) error { return errNoThrottle }),
	"resetNetworkThrottle": act(func(*room.Peer, context.Context, nothing) error { return errNoThrottle }),
}

var errNoThrottle = proto.Unsupported("network throttling is not supported")

// answer is a method that has a result.
func answer[B, R any](f func(*room.Peer, context.Context, B) (R, error)) method {
	return func(ctx context.Context, c *session, data json.RawMessage, reply func(any)) error {
		var body B
		if err := decode(data, &body); err != nil {
			return err
		}
		result, err := f(c.peer, ctx, body)
		if err == nil {
			reply(result)
		}
		return err
	}
}

// act is a method that has none.
func act[B any](f func(*room.Peer, context.Context, B) error) method {
	return answer(func(p *room.Peer, ctx context.Context, body B) (nothing, error) { return nothing{}, f(p, ctx, body) })
}

// joinRoom has its answer sent before what follows from it, and allows larger messages from then on.
func joinRoom(_ context.Context, c *session, data json.RawMessage, reply func(any)) error {
	var body room.Join
	if err := decode(data, &body); err != nil {
		return err
	}
	return c.peer.Join(body, func(result room.JoinResult) {
		c.conn.SetReadLimit(limitAfterJoin)
		reply(result)
	})
}
