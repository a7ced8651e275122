package room

import (
	"context"
	"encoding/json"
	"maps"
	"slices"

	"gazpacho/pkg/auth"
	"gazpacho/pkg/control"
	"gazpacho/proto"
)

// member is what peers and broadcasters have in common: who they are, and what they send and receive. The room's lock guards it.
type member struct {
	// passed in
	room *Room
	id   string

	// state
	grant         *auth.Grant // of a peer; nil: a broadcaster's
	used          tally
	displayName   string
	device        json.RawMessage
	capabilities  *proto.RTPCapabilities // nil: receives nothing
	transports    map[string]*transport
	order         []string // of the transports
	producers     map[string]*producer
	consumers     map[string]*consumer
	dataProducers map[string]*dataProducer
	dataConsumers map[string]*dataConsumer
	left          bool
}

// transport is one of a member's. Either webrtc or plain is set.
type transport struct {
	*control.Transport
	webrtc               *control.WebRTCTransport
	plain                *control.PlainTransport
	producing, consuming bool
	watch                *watch // of a peer's
	seat                 *seat
	maxIncomingBitrate   int // as the worker was told, bit/s
	closed               bool
}

// producer is something a member sends.
type producer struct {
	*control.Producer
	owner   *member
	appData map[string]json.RawMessage
	number  int // in the order of their making
	seat    *seat
	closed  bool
}

// consumer is something a member receives.
type consumer struct {
	*control.Consumer
	seat      *seat
	announced bool // the client was told of it
	closed    bool
}

func newMember(r *Room, id string) member {
	return member{
		room: r, id: id, transports: map[string]*transport{}, producers: map[string]*producer{}, consumers: map[string]*consumer{},
		dataProducers: map[string]*dataProducer{}, dataConsumers: map[string]*dataConsumer{},
	}
}

func (m *member) info() PeerInfo {
	return PeerInfo{ID: m.id, DisplayName: m.displayName, Device: m.device}
}

// keep adds a transport that was just made, or closes it if the member left meanwhile.
func (m *member) keep(t *transport) error {
	m.room.mu.Lock()
	left := m.left
	if !left && !t.closed {
		m.transports[t.ID()] = t
		m.order = append(m.order, t.ID())
	}
	m.room.mu.Unlock()
	if left {
		m.abandon(t)
		return errLeft(m.id)
	}
	return nil
}

// abandon closes a transport that was just made.
func (m *member) abandon(t *transport) {
	t.Close()
	m.lost(t)
}

// lost forgets a transport that was closed by something else.
func (m *member) lost(t *transport) {
	m.room.mu.Lock()
	defer m.room.mu.Unlock()
	t.closed = true
	t.seat.release()
	if t.Transport != nil {
		delete(m.transports, t.ID())
		m.order = slices.DeleteFunc(m.order, func(id string) bool { return id == t.ID() })
	}
}

func (m *member) transport(id string) (*transport, error) {
	return find(m, m.transports, "transport", id)
}

func (m *member) producer(id string) (*producer, error) {
	return find(m, m.producers, "producer", id)
}

func (m *member) consumer(id string) (*consumer, error) {
	return find(m, m.consumers, "consumer", id)
}

// find looks an id up among what is the member's own: nobody can name what is another's.
func find[V any](m *member, table map[string]V, kind, id string) (V, error) {
	m.room.mu.Lock()
	defer m.room.mu.Unlock()
	v, ok := table[id]
	if !ok {
		return v, proto.NotFound(kind, id)
	}
	return v, nil
}

// produce makes a producer and offers it to the others. score, which may be nil, hears of it.
func (m *member) produce(ctx context.Context, b Produce, score func(id string, s proto.ProducerScore)) (Created, error) {
	t, err := m.transport(b.TransportID)
	if err != nil {
		return Created{}, err
	}
	params, refused := control.DecodeRTPParameters(b.RTPParameters)
	if refused != nil {
		refused.Path = join("rtpParameters", refused.Path)
		return Created{}, refused
	}
	p := &producer{owner: m, appData: appDataOf(b.AppData, m.id)}
	if p.seat, err = m.take(producerQuota); err != nil {
		return Created{}, err
	}
	opts := control.ProducerOptions{Kind: b.Kind, RTPParameters: params, Paused: b.Paused}
	opts.Score = func(s proto.ProducerScore) {
		if id := p.name(m.room); id != "" && score != nil {
			score(id, s)
		}
	}
	opts.Closed = func(control.Reason) { m.stopped(p) }
	made, err := t.Produce(ctx, opts)
	if err != nil {
		m.giveBack(p.seat)
		return Created{}, err
	}
	if err := m.sends(p, made); err != nil {
		made.Close()
		return Created{}, err
	}
	if made.Kind() == proto.Audio {
		if err := m.room.levels.AddProducer(ctx, made.ID()); err != nil {
			m.room.log.Warn("audio level is not observed", "peer", m.id, "producer", made.ID(), "error", err)
		}
	}
	m.room.mu.Lock()
	defer m.room.mu.Unlock()
	if !p.closed {
		m.room.offer(p)
	}
	return Created{ID: made.ID()}, nil
}

// sends enters a producer that was just made.
func (m *member) sends(p *producer, made *control.Producer) error {
	m.room.mu.Lock()
	defer m.room.mu.Unlock()
	p.Producer = made
	kind := toPublish(made.Kind())
	switch {
	case m.left || p.closed: // its transports are closed, or are being so
		p.seat.release()
		return errLeft(m.id)
	case !m.held(kind): // the grant was changed meanwhile
		p.seat.release()
		return m.room.rooms.forbidden("the token lacks " + kind.claim)
	}
	m.room.numbers++
	p.number = m.room.numbers
	m.producers[made.ID()] = p
	m.room.producers[made.ID()] = p
	return nil
}

// name is a producer's id once it is entered.
func (p *producer) name(r *Room) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p.Producer == nil {
		return ""
	}
	return p.ID()
}

// stopped forgets a producer.
func (m *member) stopped(p *producer) {
	m.room.mu.Lock()
	defer m.room.mu.Unlock()
	m.drop(p)
}

// drop is stopped for a room that is locked.
func (m *member) drop(p *producer) {
	p.closed = true
	p.seat.release()
	if p.Producer != nil {
		delete(m.producers, p.ID())
		delete(m.room.producers, p.ID())
	}
}

// withdraw takes what a member who leaves sends off what can be offered. The room is locked.
func (m *member) withdraw() {
	for id := range m.producers {
		delete(m.room.producers, id)
	}
	for id := range m.dataProducers {
		delete(m.room.dataProducers, id)
	}
}

// closeTransports closes all that a member who left had.
func (m *member) closeTransports() {
	m.room.mu.Lock()
	transports := slices.Collect(maps.Values(m.transports))
	m.room.mu.Unlock()
	for _, t := range transports {
		m.abandon(t)
	}
}

// appDataOf is what others are told about a producer: what its sender said, and who that is.
func appDataOf(given map[string]json.RawMessage, peerID string) map[string]json.RawMessage {
	data := map[string]json.RawMessage{}
	maps.Copy(data, given)
	id, _ := json.Marshal(peerID) // a string
	data["peerId"] = id
	return data
}

func join(field, path string) string {
	if path == "" {
		return field
	}
	return field + "." + path
}

func errLeft(id string) *proto.Error { return proto.InvalidState("peer %q has left", id) }
