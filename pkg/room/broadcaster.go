package room

import (
	"context"
	"encoding/json"
	"time"

	"gazpacho/pkg/auth"
	"gazpacho/pkg/control"
	"gazpacho/proto"
)

// Broadcaster is a member without a connection of its own: ffmpeg or gstreamer, say, that some script speaks HTTP for. It stays until
// it is deleted, the room closes, or the last grant that was shown for it expires.
type Broadcaster struct {
	member
	expires time.Time   // zero: never
	expiry  *time.Timer // runs while it has an end
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

// CreateBroadcaster adds a broadcaster. The grant must be for its id, and allow it to send or receive something.
func (r *Room) CreateBroadcaster(g auth.Grant, b CreateBroadcaster) (BroadcasterResult, error) {
	if err := r.rooms.check(g, toTakePart); err != nil {
		return BroadcasterResult{}, err
	}
	if err := r.rooms.coversMember(g, r.id, b.ID); err != nil {
		return BroadcasterResult{}, err
	}
	made, err := r.newBroadcaster(b)
	if err != nil {
		return BroadcasterResult{}, err
	}
	if err := r.admit(made, g); err != nil {
		return BroadcasterResult{}, err
	}
	if !g.Subscribe || made.capabilities == nil {
		return BroadcasterResult{Peers: []BroadcasterPeer{}}, nil
	}
	return r.consumables(made), nil
}

// newBroadcaster checks what it says about itself.
func (r *Room) newBroadcaster(b CreateBroadcaster) (*Broadcaster, error) {
	switch {
	case b.ID == "" || len(b.ID) > maxID:
		return nil, proto.BadField("id", "has 1 to %d bytes", maxID)
	case b.DisplayName == "":
		return nil, proto.BadField("displayName", "is missing")
	case b.Device == nil || b.Device.Name == "":
		return nil, proto.BadField("device.name", "is missing")
	}
	if err := checkName(b.DisplayName); err != nil {
		return nil, err
	}
	b.Device.Flag = "broadcaster"
	device, err := json.Marshal(b.Device)
	if err != nil || len(device) > maxDevice {
		return nil, proto.BadField("device", "has at most %d bytes", maxDevice)
	}
	made := &Broadcaster{member: newMember(r, b.ID)}
	made.displayName, made.device = b.DisplayName, device
	if !absent(b.RTPCapabilities) {
		c, refused := control.DecodeRTPCapabilities(b.RTPCapabilities)
		if refused != nil {
			refused.Path = join("rtpCapabilities", refused.Path)
			return nil, refused
		}
		made.capabilities = &c
	}
	return made, nil
}

func (r *Room) admit(b *Broadcaster, g auth.Grant) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.closed:
		return proto.NotFound("room", r.id)
	case r.broadcasters[b.id] != nil:
		return proto.Duplicate("broadcaster", b.id)
	}
	if most := r.rooms.cfg.Limits.BroadcastersPerRoom; len(r.broadcasters) >= most {
		return r.rooms.full("broadcasters-per-room", most)
	}
	r.broadcasters[b.id] = b
	if b.expires = g.Expires; !b.expires.IsZero() {
		b.expiry = time.AfterFunc(b.expires.Sub(r.rooms.cfg.Now()), b.expired)
	}
	r.tell(nil, "newPeer", b.info())
	return nil
}

// consumables lists the joined peers and what a broadcaster can take of them.
func (r *Room) consumables(b *Broadcaster) BroadcasterResult {
	result := BroadcasterResult{Peers: []BroadcasterPeer{}}
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

// DeleteBroadcaster takes a broadcaster out, for who has its id or administers the room.
func (r *Room) DeleteBroadcaster(g auth.Grant, id string) error {
	if err := r.coversBroadcaster(g, id); err != nil {
		return err
	}
	if !r.removeBroadcaster(id) {
		return proto.NotFound("broadcaster", id)
	}
	return nil
}

// removeBroadcaster tells whether there was one.
func (r *Room) removeBroadcaster(id string) bool {
	r.mu.Lock()
	b := r.broadcasters[id]
	if b != nil {
		b.part()
	}
	r.mu.Unlock()
	if b != nil {
		b.closeTransports()
	}
	return b != nil
}

// part marks a broadcaster as gone and tells the peers. The room is locked.
func (b *Broadcaster) part() {
	delete(b.room.broadcasters, b.id)
	b.left = true
	b.stopExpiry()
	b.withdraw()
	b.room.tell(nil, "peerClosed", aboutPeer{b.id})
}

// dropBroadcasters forgets them all, since the room closes. The room is locked.
func (r *Room) dropBroadcasters() {
	for id, b := range r.broadcasters {
		b.left = true
		b.stopExpiry()
		delete(r.broadcasters, id)
	}
}

// createTransport makes a transport of either type, with a limit of its incoming bitrate.
func (b *Broadcaster) createTransport(ctx context.Context, o CreateBroadcasterTransport, most func() int) (any, error) {
	switch o.Type {
	case "webrtc":
		t := &transport{producing: true, consuming: true}
		if err := b.createWebRTC(ctx, t, control.WebRTCTransportOptions{SCTP: proto.SCTPOptions{EnableSCTP: true}}, most); err != nil {
			return nil, err
		}
		return infoOf(t.webrtc), nil
	case "plain":
		return b.createPlain(ctx, o, most)
	}
	return nil, proto.BadField("type", "%q is not plain or webrtc", o.Type)
}

func (b *Broadcaster) createPlain(ctx context.Context, o CreateBroadcasterTransport, most func() int) (any, error) {
	t := &transport{producing: true, consuming: true}
	var err error
	if t.seat, err = b.take(transportQuota); err != nil {
		return nil, err
	}
	made, err := b.room.router.CreatePlainTransport(ctx, control.PlainTransportOptions{
		ListenInfo: b.room.worker.Plain, RTCPMux: &o.RTCPMux, Comedia: o.Comedia == nil || *o.Comedia,
		Closed: func(control.Reason) { b.lost(t) },
	})
	if err != nil {
		b.giveBack(t.seat)
		return nil, err
	}
	b.room.mu.Lock()
	t.plain, t.Transport = made, made.Transport
	b.room.mu.Unlock()
	if err := b.settle(ctx, t, most); err != nil {
		return nil, err
	}
	info := PlainTransportInfo{ID: made.ID(), IP: made.Tuple().LocalAddress, Port: made.Tuple().LocalPort}
	if rtcp := made.RTCPTuple(); rtcp != nil {
		info.RTCPPort = rtcp.LocalPort
	}
	return info, nil
}
