package room

import (
	"encoding/json"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gazpacho/pkg/auth"
	"gazpacho/proto"
)

// clock is what grants expire by, in tests that step it.
var clock = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// steppedClock is one that tests set.
type steppedClock struct{ at atomic.Pointer[time.Time] }

func newClock() *steppedClock {
	c := &steppedClock{}
	c.set(clock)
	return c
}

func (c *steppedClock) set(now time.Time) { c.at.Store(&now) }

func (c *steppedClock) configure(cfg *Config) { cfg.Now = func() time.Time { return *c.at.Load() } }

// The rights there are, by the claims that give them.
var allRights = []string{"audio", "video", "data", "subscribe", "admin"}

// grantOf is a grant for a room and a peer id with some rights.
func grantOf(room, peer string, rights ...string) auth.Grant {
	g := auth.Grant{Room: room, Peer: peer}
	for _, r := range rights {
		switch r {
		case "data":
			g.PublishData = true
		case "subscribe":
			g.Subscribe = true
		case "admin":
			g.Admin = true
		default:
			g.Publish.Kinds = append(g.Publish.Kinds, r)
		}
	}
	return g
}

// without is all rights but some.
func without(missing ...string) (rights []string) {
	for _, r := range allRights {
		if !strings.Contains(strings.Join(missing, " "), r) {
			rights = append(rights, r)
		}
	}
	return rights
}

// give replaces a peer's grant without any of the consequences that SetGrant has.
func (p *Peer) give(g auth.Grant) {
	p.room.mu.Lock()
	defer p.room.mu.Unlock()
	p.grant = &g
}

func vp8(ssrc int) json.RawMessage {
	text, _ := json.Marshal(map[string]any{
		"codecs":    []any{map[string]any{"mimeType": "video/VP8", "payloadType": 96, "clockRate": 90000}},
		"encodings": []any{map[string]any{"ssrc": ssrc}}, "rtcp": map[string]any{"cname": "c"},
	})
	return text
}

// stage is a room in which everything there can be is there: peer a sends and receives all kinds, peer b too, and so does the
// broadcaster x.
type stage struct {
	rooms  *Rooms
	room   *Room
	a, b   *Peer
	ca, cb *fakeClient
	x      BroadcasterAccess
	// of a, of b and of the broadcaster
	mine, theirs, casts ids
}

// ids of what one member has.
type ids struct {
	room, peer, broadcaster              string
	send, recv                           string
	producer, video, dataProducer        string
	consumer, dataConsumer, roomProducer string
}

func newStage(t *testing.T, rs *Rooms, id string) *stage {
	t.Helper()
	s := &stage{rooms: rs}
	s.a, s.ca, s.mine.send = ready(t, rs, id, "a")
	s.b, s.cb, s.theirs.send = ready(t, rs, id, "b")
	s.room = s.a.room
	s.mine.room, s.theirs.room, s.casts.room = id, id, id
	s.mine.peer, s.theirs.peer, s.casts.peer = "a", "b", "b"
	s.mine.broadcaster, s.theirs.broadcaster, s.casts.broadcaster = "x", "x", "x"
	for _, m := range []struct {
		p    *Peer
		mine *ids
	}{{s.a, &s.mine}, {s.b, &s.theirs}} {
		m.mine.recv = m.p.consuming().ID()
		m.mine.producer = m.p.makeProducer(t, m.mine.send, proto.Audio)
		m.mine.video = m.p.makeProducer(t, m.mine.send, proto.Video)
		made, err := m.p.ProduceData(t.Context(), produceData(m.mine.send, 1))
		if err != nil {
			t.Fatal(err)
		}
		m.mine.dataProducer = made.ID
	}
	caps, err := json.Marshal(s.room.RTPCapabilities())
	if err != nil {
		t.Fatal(err)
	}
	made, err := s.room.CreateBroadcaster(auth.Everything(), CreateBroadcaster{
		ID: "x", DisplayName: "X", Device: &BroadcasterDevice{Name: "go"}, RTPCapabilities: caps,
	})
	if err != nil || len(made.Peers) != 2 {
		t.Fatalf("%+v, %v", made, err)
	}
	if s.x, err = s.room.Broadcaster(auth.Everything(), "x"); err != nil {
		t.Fatal(err)
	}
	info, err := s.x.CreateTransport(t.Context(), CreateBroadcasterTransport{Type: "webrtc"})
	if err != nil {
		t.Fatal(err)
	}
	s.casts.send = info.(WebRTCTransportInfo).ID
	s.casts.recv, s.casts.roomProducer = s.casts.send, s.theirs.producer
	s.casts.dataProducer = s.theirs.dataProducer
	s.mine.consumer, s.mine.dataConsumer = s.a.someConsumer(t, s.ca)
	s.theirs.consumer, s.theirs.dataConsumer = s.b.someConsumer(t, s.cb)
	return s
}

func (p *Peer) makeProducer(t *testing.T, transport, kind string) string {
	t.Helper()
	params := opus(1)
	if kind == proto.Video {
		params = vp8(2)
	}
	made, err := p.Produce(t.Context(), Produce{TransportID: transport, Kind: kind, RTPParameters: params})
	if err != nil {
		t.Fatal(err)
	}
	return made.ID
}

func produceData(transport string, stream int) ProduceData {
	params, _ := json.Marshal(map[string]int{"streamId": stream})
	return ProduceData{TransportID: transport, SCTPStreamParameters: params, Label: "chat"}
}

// someConsumer waits until the peer consumes all that the other sends, and names one of each.
func (p *Peer) someConsumer(t *testing.T, c *fakeClient) (consumer, dataConsumer string) {
	t.Helper()
	p.until(t, c, func() bool { return len(p.consumers) == 2 && len(p.dataConsumers) == 1 })
	p.room.mu.Lock()
	defer p.room.mu.Unlock()
	for consumer = range p.consumers {
	}
	for dataConsumer = range p.dataConsumers {
	}
	return consumer, dataConsumer
}

// until waits until what a client is told lets f, called with the room locked, be true.
func (p *Peer) until(t *testing.T, c *fakeClient, f func() bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for {
		c.mu.Lock()
		changed := c.changed
		c.mu.Unlock()
		p.room.mu.Lock()
		ok := f()
		p.room.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("it does not come about; told %s", c.take())
		}
	}
}
