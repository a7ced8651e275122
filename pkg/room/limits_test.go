package room

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"gazpacho/pkg/auth"
	"gazpacho/proto"
)

// full tells whether an error is the refusal by a limit of n.
func full(err error, limit string, n int) bool {
	var e *proto.Error
	return errors.As(err, &e) && e.Code == proto.CodeLimit && e.Message == fmt.Sprintf("the limit %s of %d is reached", limit, n)
}

// filler makes one more of something, and frees one of those that it made.
type filler struct {
	limit  string
	set    func(*Limits)
	make   func(t *testing.T, s *stage) error
	remove func(t *testing.T, s *stage)
}

func newBroadcaster(s *stage, id string) error {
	return errOf(s.room.CreateBroadcaster(auth.Everything(), CreateBroadcaster{ID: id, DisplayName: id, Device: &BroadcasterDevice{Name: "go"}}))
}

// one of a map; the room is locked meanwhile.
func one[V any](s *stage, m map[string]V) (v V) {
	s.room.mu.Lock()
	defer s.room.mu.Unlock()
	for _, v = range m {
		break
	}
	return v
}

var numbers atomic.Int64 // for what must differ

func next() int { return int(numbers.Add(1)) }

var fillers = []filler{
	{
		"rooms", func(l *Limits) { l.Rooms = 3 },
		func(t *testing.T, s *stage) error {
			return errOf(s.rooms.Enter(t.Context(), open(fmt.Sprint("room", next()), "p"), newFake()))
		},
		func(t *testing.T, s *stage) {
			for _, r := range s.rooms.all() {
				if strings.HasPrefix(r.id, "room") {
					one(&stage{room: r}, r.peers).Leave()
					return
				}
			}
			t.Error("no room is left")
		},
	},
	{
		"peers-per-room", func(l *Limits) { l.PeersPerRoom = 5 },
		func(t *testing.T, s *stage) error {
			return errOf(s.rooms.Enter(t.Context(), open("r", fmt.Sprint("p", next())), newFake()))
		},
		func(_ *testing.T, s *stage) { s.a.Leave() },
	},
	{
		"broadcasters-per-room", func(l *Limits) { l.BroadcastersPerRoom = 4 },
		func(_ *testing.T, s *stage) error { return newBroadcaster(s, fmt.Sprint("x", next())) },
		func(t *testing.T, s *stage) {
			if err := s.room.DeleteBroadcaster(auth.Everything(), "x"); err != nil {
				t.Error(err)
			}
		},
	},
	{
		"transports-per-peer", func(l *Limits) { l.TransportsPerPeer = 5 },
		func(t *testing.T, s *stage) error {
			return errOf(s.a.CreateWebRTCTransport(t.Context(), CreateWebRTCTransport{Producing: true}))
		},
		closeTransport,
	},
	{
		"transports-per-peer", func(l *Limits) { l.TransportsPerPeer = 5 },
		func(t *testing.T, s *stage) error {
			return errOf(s.x.CreateTransport(t.Context(), CreateBroadcasterTransport{Type: "plain"}))
		},
		func(_ *testing.T, s *stage) { one(s, s.x.b.transports).closedByWorker(&s.x.b.member) },
	},
	{
		"transports-per-room", func(l *Limits) { l.TransportsPerRoom = 8 },
		func(t *testing.T, s *stage) error {
			return errOf(s.b.CreateWebRTCTransport(t.Context(), CreateWebRTCTransport{Producing: true}))
		},
		closeTransport,
	},
	{
		"transports-per-room", func(l *Limits) { l.TransportsPerRoom = 8 },
		func(t *testing.T, s *stage) error {
			return errOf(s.b.CreateWebRTCTransport(t.Context(), CreateWebRTCTransport{Producing: true}))
		},
		func(_ *testing.T, s *stage) { s.a.Leave() },
	}, // with two
	{"producers-per-peer", func(l *Limits) { l.ProducersPerPeer = 6 }, produceOne, closeProducer},
	{"producers-per-room", func(l *Limits) { l.ProducersPerRoom = 9 }, produceOne, closeProducer},
	{"producers-per-peer", func(l *Limits) { l.ProducersPerPeer = 6 }, produceOne, closeTransport}, // with all of them
	{
		"data-producers-per-peer", func(l *Limits) { l.DataProducersPerPeer = 6 },
		func(t *testing.T, s *stage) error {
			return errOf(s.a.ProduceData(t.Context(), produceData(s.mine.send, next()%1000)))
		},
		func(_ *testing.T, s *stage) {
			d := one(s, s.a.dataProducers)
			d.Close()
			s.a.stoppedData(d)
		},
	},
	{"consumers-per-peer", func(l *Limits) { l.ConsumersPerPeer = 7 }, consumeOne, nil},
	{"consumers-per-room", func(l *Limits) { l.ConsumersPerRoom = 9 }, consumeOne, nil},
	{
		"data-consumers-per-peer", func(l *Limits) { l.DataConsumersPerPeer = 7 },
		func(t *testing.T, s *stage) error {
			return errOf(s.x.ConsumeData(t.Context(), s.casts.send, s.theirs.dataProducer))
		}, nil,
	},
}

func produceOne(t *testing.T, s *stage) error {
	return errOf(s.a.Produce(t.Context(), Produce{TransportID: s.mine.send, Kind: proto.Audio, RTPParameters: opus(1000 + next())}))
}

func consumeOne(t *testing.T, s *stage) error {
	return errOf(s.x.Consume(t.Context(), s.casts.send, s.theirs.producer))
}

func closeProducer(t *testing.T, s *stage) {
	if err := s.a.CloseProducer(s.mine.producer); err != nil {
		t.Error(err)
	}
}

func closeTransport(_ *testing.T, s *stage) {
	t, _ := s.a.transport(s.mine.send)
	t.closedByWorker(&s.a.member)
}

// closedByWorker is what happens when a transport's end is the worker's doing: control tells of its children, then of itself.
func (t *transport) closedByWorker(m *member) {
	t.Close()
	m.lost(t)
}

// Every limit fills, refuses what is one too many by its name and number, and has room again when one is freed.
func TestLimits(t *testing.T) {
	w := newWorker(t)
	for i, f := range fillers {
		t.Run(fmt.Sprintf("%s-%d", f.limit, i), func(t *testing.T) {
			rs := New(onWorker(w, func(c *Config) { f.set(&c.Limits) }))
			defer rs.Close()
			s := newStage(t, rs, "r")
			before := rs.Stats().Refusals[f.limit]
			n, err := 0, error(nil)
			for ; err == nil && n < 20; n++ {
				err = f.make(t, s)
			}
			var most int
			var e *proto.Error
			if errors.As(err, &e) {
				_, _ = fmt.Sscanf(e.Message, "the limit "+f.limit+" of %d is reached", &most)
			}
			if most == 0 || !full(err, f.limit, most) || n < 2 {
				t.Fatalf("after %d: %v", n, err)
			}
			if got := rs.Stats().Refusals[f.limit] - before; got != 1 {
				t.Errorf("counted %d times", got)
			}
			if f.remove == nil {
				s.x.b.transports[s.casts.send].closedByWorker(&s.x.b.member)
				info, err := s.x.CreateTransport(t.Context(), CreateBroadcasterTransport{Type: "webrtc"})
				if err != nil {
					t.Fatal(err)
				}
				s.casts.send = info.(WebRTCTransportInfo).ID
			} else {
				f.remove(t, s)
			}
			if f.limit == "producers-per-peer" && len(s.a.producers) == 0 {
				s.mine.send = s.a.anyTransport(t)
			}
			if err := f.make(t, s); err != nil {
				t.Errorf("after one was freed: %v", err)
			}
		})
	}
}

// anyTransport is one that is left.
func (p *Peer) anyTransport(t *testing.T) string {
	t.Helper()
	p.room.mu.Lock()
	defer p.room.mu.Unlock()
	if len(p.order) == 0 {
		t.Fatal("no transport is left")
	}
	return p.order[0]
}

// What is refused does not stay counted: a limit that was met is not lower afterwards.
func TestFailuresAreNotCounted(t *testing.T) {
	rs, _ := placed(t)
	defer rs.Close()
	s := newStage(t, rs, "r")
	mine, all := s.a.used, s.room.used
	cast := s.x.b.used
	made := func(q quota, used *tally, err error) {
		if err == nil { // the answer was faster than hanging up
			used[q]++
			all[q]++
		}
	}
	for range 40 {
		// What the worker, ORTC or the tables refuse, and what nobody waits for any more.
		for what, err := range map[string]error{
			"an SSRC that is taken": errOf(s.a.Produce(t.Context(), Produce{TransportID: s.mine.send, Kind: proto.Audio, RTPParameters: opus(1)})),
			"another kind":          errOf(s.a.Produce(t.Context(), Produce{TransportID: s.mine.send, Kind: proto.Video, RTPParameters: opus(9)})),
			"a stream taken":        errOf(s.a.ProduceData(t.Context(), produceData(s.mine.send, 1))),
		} {
			if err == nil {
				t.Errorf("%s is taken", what)
			}
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		made(transportQuota, &mine, errOf(s.a.CreateWebRTCTransport(gone, CreateWebRTCTransport{})))
		made(transportQuota, &cast, errOf(s.x.CreateTransport(gone, CreateBroadcasterTransport{Type: "plain"})))
		made(consumerQuota, &cast, errOf(s.x.Consume(gone, s.casts.send, s.theirs.producer)))
		made(dataConsumerQuota, &cast, errOf(s.x.ConsumeData(gone, s.casts.send, s.theirs.dataProducer)))
	}
	s.room.mu.Lock()
	defer s.room.mu.Unlock()
	if s.a.used != mine || s.x.b.used != cast || s.room.used != all {
		t.Errorf("counted %v, %v, %v; were %v, %v, %v", s.a.used, s.x.b.used, s.room.used, mine, cast, all)
	}
}

// However many ask at a time, there is never one more than a limit; and when all have gone, nothing is counted.
func TestLimitsUnderRaces(t *testing.T) {
	rs, w := placed(t, func(c *Config) {
		c.Limits = Limits{
			PeersPerRoom: 6, TransportsPerPeer: 3, TransportsPerRoom: 10, ProducersPerPeer: 3, ProducersPerRoom: 8,
			ConsumersPerPeer: 5, ConsumersPerRoom: 12, DataProducersPerPeer: 2, DataConsumersPerPeer: 4, BroadcastersPerRoom: 2,
		}
	})
	defer rs.Close()
	keeper, _ := enter(t, rs, "r", "keeper")
	r := keeper.room
	done := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		for {
			r.mu.Lock()
			over := len(r.peers) > 6 || len(r.broadcasters) > 2
			for q, most := range rs.cfg.Limits.perRoom() {
				over = over || r.used[q] > most || r.used[q] < 0
			}
			for _, p := range r.peers {
				over = over || len(p.offers) > 5+4 || len(p.transports) > 3 || len(p.producers) > 3 || len(p.consumers) > 5
				for q, most := range rs.cfg.Limits.perPeer() {
					over = over || p.used[q] > most || p.used[q] < 0
				}
			}
			if over {
				t.Errorf("too many: %d peers, %d broadcasters, %v", len(r.peers), len(r.broadcasters), r.used)
			}
			r.mu.Unlock()
			select {
			case <-done:
				return
			default:
			}
		}
	})
	var crowd sync.WaitGroup
	for i := range 12 {
		crowd.Go(func() {
			for round := range 5 {
				visit(t, rs, fmt.Sprint("p", i), round)
			}
		})
	}
	crowd.Wait()
	close(done)
	watching.Wait()
	for i := range 2 {
		_ = r.DeleteBroadcaster(auth.Everything(), fmt.Sprint("x", i))
	}
	keeper.until(t, newFake(), func() bool { return r.used == tally{} || t.Failed() })
	s := rs.Stats()
	for _, limit := range []string{"peers-per-room", "transports-per-peer", "producers-per-peer"} {
		if s.Refusals[limit] == 0 {
			t.Errorf("nobody met the limit %s: %v", limit, s.Refusals)
		}
	}
	keeper.Leave()
	if w.Load() != 0 || w.Routers() != 0 {
		t.Errorf("left: load %d, %d routers", w.Load(), w.Routers())
	}
}

// visit is a short stay with everything at once.
func visit(t *testing.T, rs *Rooms, id string, round int) {
	p, err := rs.Enter(t.Context(), open("r", id), newFake())
	if err != nil {
		if code(err) != proto.CodeLimit {
			t.Error(err)
		}
		return
	}
	defer p.Leave()
	var all sync.WaitGroup
	defer all.Wait()
	for range 4 {
		all.Go(func() {
			_, _ = p.CreateWebRTCTransport(t.Context(), CreateWebRTCTransport{Producing: true, Consuming: true})
		})
	}
	all.Wait()
	caps, _ := p.RouterRTPCapabilities()
	_ = p.Join(Join{DisplayName: id, RTPCapabilities: mustJSON(caps)}, func(JoinResult) {})
	p.room.mu.Lock()
	order := append([]string{"none"}, p.order...)
	p.room.mu.Unlock()
	send := order[len(order)-1]
	for i := range 4 {
		all.Go(func() {
			_, _ = p.Produce(t.Context(), Produce{TransportID: send, Kind: proto.Audio, RTPParameters: opus(1 + i)})
		})
		all.Go(func() { _, _ = p.ProduceData(t.Context(), produceData(send, i)) })
	}
	if round%2 == 0 {
		all.Go(func() {
			name := fmt.Sprint("x", round/2%2)
			if err := errOf(p.room.CreateBroadcaster(auth.Everything(), CreateBroadcaster{ID: name, DisplayName: name, Device: &BroadcasterDevice{Name: "go"}})); err == nil {
				_ = p.room.DeleteBroadcaster(auth.Everything(), name)
			}
		})
	}
}

// The default limits let those be who are honest, and 0 is the default.
func TestDefaultLimits(t *testing.T) {
	d := DefaultLimits()
	if (Limits{}).complete() != d || (Limits{Rooms: -1}).complete() != d {
		t.Errorf("%+v", Limits{}.complete())
	}
	if got := (Limits{Rooms: 1, ConsumersPerRoom: 2}).complete(); got.Rooms != 1 || got.ConsumersPerRoom != 2 || got.PeersPerRoom != d.PeersPerRoom {
		t.Errorf("%+v", got)
	}
	for name, of := range map[string]struct{ peers, senders, replicas int }{
		"a meeting of 12": {12, 12, 0}, "a load test": {12, 12, maxReplicas}, "a meeting of 100": {100, 100, 0}, "a webinar of 1000": {1000, 10, 0},
	} {
		producers := of.senders * 3 // audio, camera, screen
		consumers := producers * (of.peers - 1) * (1 + of.replicas)
		if of.peers > d.PeersPerRoom || producers > d.ProducersPerRoom || consumers > d.ConsumersPerRoom || of.peers*2 > d.TransportsPerRoom ||
			producers*(1+of.replicas) > d.ConsumersPerPeer || of.peers > d.DataConsumersPerPeer {
			t.Errorf("%s does not fit", name)
		}
	}
}
