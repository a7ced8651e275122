package room

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"unicode/utf8"

	"gazpacho/pkg/control"
	"gazpacho/proto"
)

// Limits of what a peer says about itself, which all others are sent.
const (
	maxDisplayName = 256     // bytes
	maxDevice      = 4 << 10 // bytes of JSON
)

// Peer is a client in a room. Its methods are the requests of the demo's protocol.
type Peer struct {
	member
	client Client

	// state, guarded by the room's lock
	joined   bool
	offers   []offer // to be consumed, in order
	serving  bool    // a goroutine works on offers
	relaying relaying
}

// ID is the peer's.
func (p *Peer) ID() string { return p.id }

// Leave takes the peer out of the room.
func (p *Peer) Leave() { p.room.leave(p) }

// RouterRTPCapabilities is what the room forwards.
func (p *Peer) RouterRTPCapabilities() (proto.RTPCapabilities, error) {
	if err := p.may(); err != nil {
		return proto.RTPCapabilities{}, err
	}
	return p.room.RTPCapabilities(), nil
}

// Join makes the peer visible to the others and has it offered what they send. reply gets the answer before anything that follows
// from it is sent to the client.
func (p *Peer) Join(b Join, reply func(JoinResult)) error {
	if err := p.may(); err != nil {
		return err
	}
	if err := checkName(b.DisplayName); err != nil {
		return err
	}
	device, err := objectOf("device", b.Device, maxDevice)
	if err != nil {
		return err
	}
	var capabilities *proto.RTPCapabilities
	if !absent(b.RTPCapabilities) {
		c, refused := control.DecodeRTPCapabilities(b.RTPCapabilities)
		if refused != nil {
			refused.Path = join("rtpCapabilities", refused.Path)
			return refused
		}
		capabilities = &c
	}
	r := p.room
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case p.left:
		return errLeft(p.id)
	case p.joined:
		return proto.InvalidState("peer %q has joined already", p.id)
	}
	p.displayName, p.device, p.capabilities = b.DisplayName, device, capabilities
	others := []PeerInfo{}
	for _, o := range r.peers {
		if o.joined {
			others = append(others, o.info())
		}
	}
	for _, b := range r.broadcasters {
		others = append(others, b.info())
	}
	p.joined = true
	reply(JoinResult{Peers: others})
	r.tell(p, "newPeer", p.info())
	p.offeredAll()
	return nil
}

// offeredAll has the peer consume what the others send, in the order in which they began. The room is locked.
func (p *Peer) offeredAll() {
	r := p.room
	for _, producer := range slices.SortedFunc(maps.Values(r.producers), func(a, b *producer) int { return a.number - b.number }) {
		if producer.owner != &p.member {
			p.offeredMedia(producer)
		}
	}
	for _, d := range slices.SortedFunc(maps.Values(r.dataProducers), func(a, b *dataProducer) int { return a.number - b.number }) {
		if d.owner != &p.member {
			p.offered(offer{data: d})
		}
	}
}

// Joined tells whether Join has succeeded.
func (p *Peer) Joined() bool {
	p.room.mu.Lock()
	defer p.room.mu.Unlock()
	return p.joined
}

// mustBeJoined refuses what only those may who are visible.
func (p *Peer) mustBeJoined() error {
	if !p.Joined() {
		return proto.InvalidState("peer %q has not joined yet", p.id)
	}
	return nil
}

// ChangeDisplayName renames the peer for the others.
func (p *Peer) ChangeDisplayName(name string) error {
	if err := p.may(); err != nil {
		return err
	}
	if err := checkName(name); err != nil {
		return err
	}
	if err := p.mustBeJoined(); err != nil {
		return err
	}
	r := p.room
	r.mu.Lock()
	defer r.mu.Unlock()
	old := p.displayName
	p.displayName = name
	if !p.left {
		r.tell(p, "peerDisplayNameChanged", peerDisplayNameChanged{PeerID: p.id, DisplayName: name, OldDisplayName: old})
	}
	return nil
}

// Produce begins to send something to the others.
func (p *Peer) Produce(ctx context.Context, b Produce) (Created, error) {
	if err := p.mayJoined(); err != nil { // first: what a peer has to do before is told before what is wrong with the body
		return Created{}, err
	}
	if err := p.room.rooms.checkKind(p.Grant(), b.Kind); err != nil {
		return Created{}, err
	}
	return p.produce(ctx, b, func(id string, s proto.ProducerScore) {
		p.notify("producerScore", producerScore{ProducerID: id, Score: s})
	})
}

// notify tells the client, unless it left.
func (p *Peer) notify(method string, data any) {
	p.room.mu.Lock()
	defer p.room.mu.Unlock()
	if !p.left {
		p.client.Notify(method, data)
	}
}

// CloseProducer ends one of the peer's producers.
func (p *Peer) CloseProducer(id string) error {
	producer, err := p.ownProducer(id)
	if err != nil {
		return err
	}
	p.stopped(producer)
	producer.Close()
	return nil
}

// PauseProducer pauses one of the peer's producers.
func (p *Peer) PauseProducer(ctx context.Context, id string) error {
	producer, err := p.ownProducer(id)
	if err != nil {
		return err
	}
	return producer.Pause(ctx)
}

// ResumeProducer resumes it.
func (p *Peer) ResumeProducer(ctx context.Context, id string) error {
	producer, err := p.ownProducer(id)
	if err != nil {
		return err
	}
	return producer.Resume(ctx)
}

// ProducerStats counts what the room received of it.
func (p *Peer) ProducerStats(ctx context.Context, id string) ([]proto.RTPStreamStats, error) {
	if err := p.may(); err != nil {
		return nil, err
	}
	producer, err := p.producer(id)
	if err != nil {
		return nil, err
	}
	return producer.Stats(ctx)
}

func (p *Peer) ownProducer(id string) (*producer, error) {
	if err := p.mayJoined(); err != nil {
		return nil, err
	}
	return p.producer(id)
}

func checkName(name string) error {
	if len(name) > maxDisplayName || !utf8.ValidString(name) {
		return proto.BadField("displayName", "has at most %d bytes of UTF-8", maxDisplayName)
	}
	return nil
}

// objectOf checks that raw is an object of limited size; absent ones become nil.
func objectOf(path string, raw json.RawMessage, limit int) (json.RawMessage, error) {
	switch {
	case absent(raw):
		return nil, nil
	case raw[0] != '{' || len(raw) > limit:
		return nil, proto.BadField(path, "is an object of at most %d bytes", limit)
	}
	return raw, nil
}

// absent tells whether a field is missing or null.
func absent(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }
