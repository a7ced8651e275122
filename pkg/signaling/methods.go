package signaling

import (
	"context"
	"encoding/json"

	"gazpacho/pkg/room"
	"gazpacho/proto"
)

// method is a request of a client: what its grant must allow, and what it does. do calls reply once, or returns why not.
type method struct {
	needs right
	do    func(ctx context.Context, c *session, data json.RawMessage, reply func(any)) error
}

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
	peerID struct {
		PeerID string `json:"peerId"`
	}
	peerProducerID struct {
		PeerID     string `json:"peerId"`
		ProducerID string `json:"producerId"`
	}
	nothing struct{}
)

// methods is every request of a client.
var methods = map[string]method{
	"getRouterRtpCapabilities": answer(member, func(p *room.Peer, _ context.Context, _ nothing) (proto.RTPCapabilities, error) {
		return p.RouterRTPCapabilities()
	}),
	"createWebRtcTransport":  answer(takingPart, (*room.Peer).CreateWebRTCTransport),
	"connectWebRtcTransport": act(takingPart, (*room.Peer).ConnectWebRTCTransport),
	"restartIce": answer(takingPart, func(p *room.Peer, ctx context.Context, b transportID) (proto.ICEParameters, error) {
		return p.RestartICE(ctx, b.TransportID)
	}),
	"join": {member, joinRoom},

	"produce":       answer(publishing, (*room.Peer).Produce),
	"closeProducer": act(member, func(p *room.Peer, _ context.Context, b producerID) error { return p.CloseProducer(b.ProducerID) }),
	"pauseProducer": act(member, func(p *room.Peer, ctx context.Context, b producerID) error { return p.PauseProducer(ctx, b.ProducerID) }),
	"resumeProducer": act(publishing, func(p *room.Peer, ctx context.Context, b producerID) error {
		return p.ResumeProducer(ctx, b.ProducerID)
	}),

	"pauseConsumer": act(subscribing, func(p *room.Peer, ctx context.Context, b consumerID) error { return p.PauseConsumer(ctx, b.ConsumerID) }),
	"resumeConsumer": act(subscribing, func(p *room.Peer, ctx context.Context, b consumerID) error {
		return p.ResumeConsumer(ctx, b.ConsumerID)
	}),
	"setConsumerPreferredLayers": act(subscribing, (*room.Peer).SetConsumerPreferredLayers),
	"setConsumerPriority": act(subscribing, func(p *room.Peer, ctx context.Context, b consumerPriority) error {
		return p.SetConsumerPriority(ctx, b.ConsumerID, b.Priority)
	}),
	"requestConsumerKeyFrame": act(subscribing, func(p *room.Peer, ctx context.Context, b consumerID) error {
		return p.RequestConsumerKeyFrame(ctx, b.ConsumerID)
	}),

	"changeDisplayName": act(member, func(p *room.Peer, _ context.Context, b displayName) error { return p.ChangeDisplayName(b.DisplayName) }),

	"getTransportStats": answer(member, func(p *room.Peer, ctx context.Context, b transportID) ([]proto.WebRTCTransportStats, error) {
		return p.TransportStats(ctx, b.TransportID)
	}),
	"getProducerStats": answer(member, func(p *room.Peer, ctx context.Context, b producerID) ([]proto.RTPStreamStats, error) {
		return p.ProducerStats(ctx, b.ProducerID)
	}),
	"getConsumerStats": answer(member, func(p *room.Peer, ctx context.Context, b consumerID) ([]proto.RTPStreamStats, error) {
		return p.ConsumerStats(ctx, b.ConsumerID)
	}),

	"produceData": answer(publishingData, (*room.Peer).ProduceData),
	"getDataProducerStats": answer(member, func(p *room.Peer, ctx context.Context, b dataProducerID) ([]proto.DataProducerStats, error) {
		return p.DataProducerStats(ctx, b.DataProducerID)
	}),
	"getDataConsumerStats": answer(member, func(p *room.Peer, ctx context.Context, b dataConsumerID) ([]proto.DataConsumerStats, error) {
		return p.DataConsumerStats(ctx, b.DataConsumerID)
	}),

	// Of administrators.
	"closePeer": act(administering, func(p *room.Peer, _ context.Context, b peerID) error { return p.ClosePeer(b.PeerID) }),
	"closeRoom": {administering, closeRoom},
	"closePeerProducer": act(administering, func(p *room.Peer, _ context.Context, b peerProducerID) error {
		return p.ClosePeerProducer(b.PeerID, b.ProducerID)
	}),

	"renewToken": {member, renewToken},

	// The demo slows its whole machine down by these; a server does not do that for whoever asks.
	"applyNetworkThrottle": act(member, func(*room.Peer, context.Context, nothing) error { return errNoThrottle }),
	"resetNetworkThrottle": act(member, func(*room.Peer, context.Context, nothing) error { return errNoThrottle }),
}

var errNoThrottle = proto.Unsupported("network throttling is not supported")

func init() {
	for name, m := range methods {
		declared(m.needs, "method "+name)
	}
}

// answer is a method that has a result.
func answer[B, R any](needs right, f func(*room.Peer, context.Context, B) (R, error)) method {
	return method{needs, func(ctx context.Context, c *session, data json.RawMessage, reply func(any)) error {
		var body B
		if err := decode(data, &body); err != nil {
			return err
		}
		result, err := f(c.peer, ctx, body)
		if err == nil {
			reply(result)
		}
		return err
	}}
}

// act is a method that has none.
func act[B any](needs right, f func(*room.Peer, context.Context, B) error) method {
	return answer(needs, func(p *room.Peer, ctx context.Context, body B) (nothing, error) { return nothing{}, f(p, ctx, body) })
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

// closeRoom has its answer sent before the connection ends with all others. That the caller may do it has been checked.
func closeRoom(_ context.Context, c *session, _ json.RawMessage, reply func(any)) error {
	reply(nothing{})
	return c.peer.CloseRoom()
}
