package room

import (
	"context"
	"encoding/json"

	"gazpacho/pkg/control"
	"gazpacho/proto"
)

// Broadcaster is a member without a connection of its own: ffmpeg or gstreamer, say, that some script speaks HTTP for.
type Broadcaster struct {
	member
}

// CreateBroadcaster is the body that makes one. With RTPCapabilities it can receive, too.
type CreateBroadcaster struct {
	ID              string             `json:"id"`
	DisplayName     string             `json:"displayName"`
	Device          *BroadcasterDevice `json:"device"`
	RTPCapabilities json.RawMessage    `json:"rtpCapabilities"`
}

// BroadcasterDevice says what it is.
type BroadcasterDevice struct {
	Flag    string `json:"flag"`
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
}

// BroadcasterResult is the answer: who is there and, for one that can receive, what it can take of them.
type BroadcasterResult struct {
	Peers []BroadcasterPeer `json:"peers"`
}

// BroadcasterPeer is a peer and what it sends.
type BroadcasterPeer struct {
	PeerInfo
	Producers []BroadcasterProducer `json:"producers"`
}

// BroadcasterProducer is something a broadcaster can consume.
type BroadcasterProducer struct {
	ID   string `json:"id"`
	Kind string `json:"kind"`
}

// CreateBroadcasterTransport is the body that makes a transport of one. RTCPMux is false and Comedia true unless said otherwise.
type CreateBroadcasterTransport struct {
	Type    string `json:"type"` // plain or webrtc
	RTCPMux bool   `json:"rtcpMux"`
	Comedia *bool  `json:"comedia"`
}

// PlainTransportInfo is the answer for a plain one.
type PlainTransportInfo struct {
	ID       string `json:"id"`
	IP       string `json:"ip"`
	Port     uint16 `json:"port"`
	RTCPPort uint16 `json:"rtcpPort,omitempty"`
}

// ConnectBroadcasterTransport is the body that tells a transport its peer: DTLSParameters of a WebRTC one, the rest of a plain one.
type ConnectBroadcasterTransport struct {
	DTLSParameters *proto.DTLSParameters `json:"dtlsParameters"`
	IP             string                `json:"ip"`
	Port           uint16                `json:"port"`
	RTCPPort       uint16                `json:"rtcpPort"`
}

// BroadcasterConsumer is the answer to consume.
type BroadcasterConsumer struct {
	ID            string              `json:"id"`
	ProducerID    string              `json:"producerId"`
	Kind          string              `json:"kind"`
	RTPParameters proto.RTPParameters `json:"rtpParameters"`
	Type          string              `json:"type"`
}

// CreateBroadcaster adds a broadcaster.
func (r *Room) CreateBroadcaster(b CreateBroadcaster) (BroadcasterResult, error) {
	switch {
	case b.ID == "" || len(b.ID) > maxID:
		return BroadcasterResult{}, proto.BadField("id", "has 1 to %d bytes", maxID)
	case b.DisplayName == "":
		return BroadcasterResult{}, proto.BadField("displayName", "is missing")
	case b.Device == nil || b.Device.Name == "":
		return BroadcasterResult{}, proto.BadField("device.name", "is missing")
	}
	if err := checkName(b.DisplayName); err != nil {
		return BroadcasterResult{}, err
	}
	b.Device.Flag = "broadcaster"
	device, err := json.Marshal(b.Device)
	if err != nil || len(device) > maxDevice {
		return BroadcasterResult{}, proto.BadField("device", "has at most %d bytes", maxDevice)
	}
	made := &Broadcaster{member: newMember(r, b.ID)}
	made.displayName, made.device = b.DisplayName, device
	if !absent(b.RTPCapabilities) {
		c, refused := control.DecodeRTPCapabilities(b.RTPCapabilities)
		if refused != nil {
			refused.Path = join("rtpCapabilities", refused.Path)
			return BroadcasterResult{}, refused
		}
		made.capabilities = &c
	}
	if err := r.admit(made); err != nil {
		return BroadcasterResult{}, err
	}
	return r.consumables(made), nil
}

func (r *Room) admit(b *Broadcaster) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.closed:
		return proto.NotFound("room", r.id)
	case r.broadcasters[b.id] != nil:
		return proto.Duplicate("broadcaster", b.id)
	}
	r.broadcasters[b.id] = b
	r.tell(nil, "newPeer", b.info())
	return nil
}

// consumables lists the joined peers and what a broadcaster can take of them, if it can take anything.
func (r *Room) consumables(b *Broadcaster) BroadcasterResult {
	result := BroadcasterResult{Peers: []BroadcasterPeer{}}
	if b.capabilities == nil {
		return result
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.peers {
		if !p.joined {
			continue
		}
		peer := BroadcasterPeer{PeerInfo: p.info(), Producers: []BroadcasterProducer{}}
		for id, producer := range p.producers {
			if r.router.CanConsume(id, *b.capabilities) {
				peer.Producers = append(peer.Producers, BroadcasterProducer{ID: id, Kind: producer.Kind()})
			}
		}
		result.Peers = append(result.Peers, peer)
	}
	return result
}

// Broadcaster finds one.
func (r *Room) Broadcaster(id string) (*Broadcaster, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if b := r.broadcasters[id]; b != nil {
		return b, nil
	}
	return nil, proto.NotFound("broadcaster", id)
}

// DeleteBroadcaster takes a broadcaster out.
func (r *Room) DeleteBroadcaster(id string) error {
	r.mu.Lock()
	b := r.broadcasters[id]
	if b == nil {
		r.mu.Unlock()
		return proto.NotFound("broadcaster", id)
	}
	delete(r.broadcasters, id)
	b.left = true
	b.withdraw()
	r.tell(nil, "peerClosed", aboutPeer{id})
	r.mu.Unlock()
	b.closeTransports()
	return nil
}

// CreateTransport makes a transport: the answer is a PlainTransportInfo or WebRTCTransportInfo.
func (b *Broadcaster) CreateTransport(ctx context.Context, o CreateBroadcasterTransport) (any, error) {
	switch o.Type {
	case "webrtc":
		t := &transport{producing: true, consuming: true}
		if err := b.createWebRTC(ctx, t, control.WebRTCTransportOptions{SCTP: proto.SCTPOptions{EnableSCTP: true}}); err != nil {
			return nil, err
		}
		return infoOf(t.webrtc), nil
	case "plain":
		return b.createPlain(ctx, o)
	}
	return nil, proto.BadField("type", "%q is not plain or webrtc", o.Type)
}

func (b *Broadcaster) createPlain(ctx context.Context, o CreateBroadcasterTransport) (any, error) {
	if err := b.mayCreateTransport(); err != nil {
		return nil, err
	}
	t := &transport{producing: true, consuming: true}
	made, err := b.room.router.CreatePlainTransport(ctx, control.PlainTransportOptions{
		ListenInfo: b.room.worker.Plain, RTCPMux: &o.RTCPMux, Comedia: o.Comedia == nil || *o.Comedia,
		Closed: func(control.Reason) { b.lost(t) },
	})
	if err != nil {
		return nil, err
	}
	b.room.mu.Lock()
	t.plain, t.Transport = made, made.Transport
	b.room.mu.Unlock()
	if err := b.keep(t); err != nil {
		return nil, err
	}
	info := PlainTransportInfo{ID: made.ID(), IP: made.Tuple().LocalAddress, Port: made.Tuple().LocalPort}
	if rtcp := made.RTCPTuple(); rtcp != nil {
		info.RTCPPort = rtcp.LocalPort
	}
	return info, nil
}

// ConnectTransport gives a transport its peer.
func (b *Broadcaster) ConnectTransport(ctx context.Context, id string, o ConnectBroadcasterTransport) error {
	t, err := b.transport(id)
	switch {
	case err != nil:
		return err
	case t.plain != nil:
		return t.plain.Connect(ctx, proto.ConnectPlainTransport{IP: o.IP, Port: o.Port, RTCPPort: o.RTCPPort})
	case o.DTLSParameters == nil:
		return proto.BadField("dtlsParameters", "is missing")
	}
	return t.webrtc.Connect(ctx, *o.DTLSParameters)
}

// Produce begins to send something to the peers.
func (b *Broadcaster) Produce(ctx context.Context, o Produce) (Created, error) {
	return b.produce(ctx, o, nil)
}

// Consume begins to receive a producer of the room.
func (b *Broadcaster) Consume(ctx context.Context, transportID, producerID string) (BroadcasterConsumer, error) {
	t, err := b.transport(transportID)
	if err != nil {
		return BroadcasterConsumer{}, err
	}
	if b.capabilities == nil {
		return BroadcasterConsumer{}, proto.InvalidState("broadcaster %q has no rtpCapabilities", b.id)
	}
	c, err := t.Consume(ctx, control.ConsumerOptions{ProducerID: producerID, RTPCapabilities: *b.capabilities})
	if err != nil {
		return BroadcasterConsumer{}, err
	}
	return BroadcasterConsumer{
		ID: c.ID(), ProducerID: c.ProducerID(), Kind: c.Kind(), RTPParameters: c.RTPParameters(), Type: c.Type(),
	}, nil
}
