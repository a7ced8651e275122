package room

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gazpacho/pkg/auth"
	"gazpacho/proto"
)

// told is what a client was told since it was asked last, of some methods, in order and with ids replaced by what they are of.
func (s *stage) told(c *fakeClient, methods string) string {
	text := c.take()
	for id, name := range map[string]string{
		s.mine.producer: "a-audio", s.mine.video: "a-video", s.theirs.producer: "b-audio", s.theirs.video: "b-video",
	} {
		text = strings.ReplaceAll(text, id, name)
	}
	var list []string
	for _, m := range strings.Fields(regexp.MustCompile(`(\w+\{)`).ReplaceAllString(strings.ReplaceAll(text, " ", "_"), " $1")) {
		m = strings.Trim(m, "_")
		if name, _, _ := strings.Cut(m, "{"); strings.Contains(methods, name) && name != "" {
			list = append(list, m)
		}
	}
	slices.Sort(list)
	return strings.Join(list, "\n")
}

// A grant that is taken back in part ends what it does not allow any more, on both sides, and leaves the rest.
func TestSetGrant(t *testing.T) {
	rs, _ := placed(t)
	defer rs.Close()
	const ends = "producerClosed consumerClosed dataConsumerClosed"
	for name, tt := range map[string]struct {
		missing  string
		told     []string // a is
		own      string   // what a has left
		consumed [3]int   // audio and video, and data, of a by b; consumers of a
	}{
		"nothing":   {"", nil, "audio video data", [3]int{2, 1, 3}},
		"audio":     {"audio", []string{`producerClosed{"producerId":"a-audio","reason":"not_allowed_any_more"}`}, "video data", [3]int{1, 1, 3}},
		"all media": {"audio video", []string{`producerClosed{"producerId":"a-audio"`, `producerClosed{"producerId":"a-video"`}, "data", [3]int{0, 1, 3}},
		"data":      {"data", nil, "audio video", [3]int{2, 0, 3}},
		"subscribe": {"subscribe", []string{"consumerClosed{", "consumerClosed{", "dataConsumerClosed{"}, "audio video data", [3]int{2, 1, 0}},
		"admin":     {"admin", nil, "audio video data", [3]int{2, 1, 3}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, rs, name)
			s.ca.take()
			g := grantOf(name, "a", without(strings.Fields(tt.missing)...)...)
			if err := s.a.SetGrant(g); err != nil {
				t.Fatal(err)
			}
			if got := s.a.Grant(); fmt.Sprint(got) != fmt.Sprint(g) {
				t.Errorf("it has the grant %+v", got)
			}
			told := strings.Split(s.told(s.ca, ends), "\n")
			for i, want := range tt.told {
				if i >= len(told) || !strings.HasPrefix(told[i], want) {
					t.Errorf("told %q, want %q", told, tt.told)
				}
			}
			if len(tt.told) == 0 && told[0] != "" {
				t.Errorf("told %q", told)
			}
			// The others hear from the worker.
			s.b.until(t, s.cb, func() bool { return len(s.b.consumers) == tt.consumed[0] && len(s.b.dataConsumers) == tt.consumed[1] })
			info := s.room.Info().Peers[0]
			var own []string
			for _, p := range info.Producers {
				own = append(own, p.Kind)
			}
			if len(info.DataProducers) > 0 {
				own = append(own, "data")
			}
			if strings.Join(own, " ") != tt.own || info.Consumers+info.DataConsumers != tt.consumed[2] {
				t.Errorf("a has %v, and %d consumers; want %s, %d", own, info.Consumers+info.DataConsumers, tt.own, tt.consumed[2])
			}
		})
	}
}

// Who may receive only now is offered all that there is, once; who never may is offered nothing.
func TestGrantToReceive(t *testing.T) {
	rs, _ := placed(t)
	defer rs.Close()
	s := newStage(t, rs, "r")
	blind := grantOf("r", "c", without("subscribe")...)
	c, client := newFakePeer(t, rs, blind)
	if _, err := c.CreateWebRTCTransport(t.Context(), CreateWebRTCTransport{Consuming: true}); code(err) != proto.CodeForbidden {
		t.Errorf("a transport to receive: %v", err)
	}
	// Not even what comes while it is here: media, chat or bot.
	if _, err := s.a.Produce(t.Context(), Produce{TransportID: s.mine.send, Kind: proto.Audio, RTPParameters: opus(31)}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.a.ProduceData(t.Context(), produceData(s.mine.send, 2)); err != nil {
		t.Fatal(err)
	}
	if info := s.room.Info().Peers[2]; info.Consumers+info.DataConsumers != 0 || len(c.offers) != 0 {
		t.Errorf("it has %+v", info)
	}
	if err := c.SetGrant(grantOf("r", "c", allRights...)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.CreateWebRTCTransport(t.Context(), CreateWebRTCTransport{Consuming: true}); err != nil {
		t.Fatal(err)
	}
	// Without a transport it was offered nothing yet; it takes part from the next grant on.
	c.until(t, client, func() bool { return !c.serving })
	for range 2 {
		if err := c.SetGrant(blind); err != nil {
			t.Fatal(err)
		}
		if err := c.SetGrant(grantOf("r", "c", "subscribe")); err != nil {
			t.Fatal(err)
		}
		c.until(t, client, func() bool { return len(c.consumers) == 5 && len(c.dataConsumers) == 3 })
	}
	if told := client.take(); strings.Count(told, "newConsumer{") < 10 {
		t.Errorf("told %s", told)
	}
}

// newFakePeer is a peer c that has joined with a grant and can take everything, but has no transport.
func newFakePeer(t *testing.T, rs *Rooms, g auth.Grant) (*Peer, *fakeClient) {
	t.Helper()
	client := newFake()
	p, err := rs.Enter(t.Context(), Entry{RoomID: g.Room, PeerID: "c", Grant: g}, client)
	if err != nil {
		t.Fatal(err)
	}
	forwards, err := p.RouterRTPCapabilities()
	if err != nil {
		t.Fatal(err)
	}
	caps, _ := json.Marshal(forwards)
	if err := p.Join(Join{DisplayName: "c", RTPCapabilities: caps}, func(JoinResult) {}); err != nil {
		t.Fatal(err)
	}
	return p, client
}

// A renewal is for the same room and peer, and is not over itself.
func TestSetGrantRefused(t *testing.T) {
	now := newClock()
	rs, _ := placed(t, now.configure)
	defer rs.Close()
	s := newStage(t, rs, "r")
	for want, g := range map[string]auth.Grant{
		"this room":    grantOf("s", "a", allRights...),
		"another peer": grantOf("r", "b", allRights...),
		"expired":      {Room: "r", Peer: "a", Expires: clock},
	} {
		if err := s.a.SetGrant(g); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v", g, err)
		}
	}
	if err := s.a.SetGrant(auth.Grant{}); code(err) != proto.CodeForbidden {
		t.Errorf("no grant: %v", err)
	}
	if g := s.a.Grant(); fmt.Sprint(g) != fmt.Sprint(auth.Everything()) {
		t.Errorf("it has %+v now", g)
	}
	if info := s.room.Info().Peers[0]; len(info.Producers) != 2 {
		t.Errorf("it has %+v", info)
	}
	// One that has expired is renewed.
	end := clock.Add(time.Minute)
	g := grantOf("r", "a", allRights...)
	g.Expires = end
	if err := s.a.SetGrant(g); err != nil {
		t.Fatal(err)
	}
	now.set(end)
	if err := s.a.ChangeDisplayName("A"); code(err) != proto.CodeUnauthorized {
		t.Errorf("after the end: %v", err)
	}
	g.Expires = end.Add(time.Minute)
	if err := s.a.SetGrant(g); err != nil {
		t.Fatal(err)
	}
	if err := s.a.ChangeDisplayName("A"); err != nil {
		t.Errorf("renewed: %v", err)
	}
	s.a.Leave()
	if err := s.a.SetGrant(g); code(err) != proto.CodeInvalidState {
		t.Errorf("of one who left: %v", err)
	}
}

// The lower of the server's and the grant's limit holds for every transport, and a new grant's for those that are there.
func TestMaxIncomingBitrate(t *testing.T) {
	for _, tt := range []struct{ server, grant, want int }{
		{0, 0, 0}, {0, 50_000, 50_000}, {70_000, 0, 70_000}, {70_000, 50_000, 50_000}, {50_000, 70_000, 50_000}, {0, 1, leastBitrate}, {1, 0, leastBitrate},
	} {
		r, _ := bare(t)
		r.rooms.cfg.MaxIncomingBitrate = tt.server
		if got := r.maxIncomingBitrate(auth.Grant{Publish: auth.Publish{MaxBitrate: tt.grant}}); got != tt.want {
			t.Errorf("%+v: %d", tt, got)
		}
	}
	rs, _ := placed(t, func(c *Config) { c.MaxIncomingBitrate = 2_000_000 })
	defer rs.Close()
	s := newStage(t, rs, "r")
	limits := func(who string, m *member) (list []int) {
		t.Helper()
		m.room.mu.Lock()
		var transports []*transport
		for _, id := range m.order {
			transports = append(transports, m.transports[id])
		}
		m.room.mu.Unlock()
		for _, x := range transports {
			if x.plain != nil {
				st, err := x.plain.Stats(t.Context())
				if err != nil || st.MaxIncomingBitrate == nil {
					t.Fatalf("%s: %+v, %v", who, st, err)
				}
				list = append(list, *st.MaxIncomingBitrate)
				continue
			}
			st, err := x.webrtc.Stats(t.Context())
			if err != nil || st.MaxIncomingBitrate == nil {
				t.Fatalf("%s: %+v, %v", who, st, err)
			}
			list = append(list, *st.MaxIncomingBitrate)
		}
		return list
	}
	if got := fmt.Sprint(limits("a", &s.a.member)); got != "[2000000 2000000]" {
		t.Errorf("at first %s", got)
	}
	for _, tt := range []struct{ grant, want int }{{500_000, 500_000}, {3_000_000, 2_000_000}, {100_000, 100_000}, {0, 2_000_000}} {
		g := grantOf("r", "a", allRights...)
		g.Publish.MaxBitrate = tt.grant
		if err := s.a.SetGrant(g); err != nil {
			t.Fatal(err)
		}
		if got := limits("a", &s.a.member); got[0] != tt.want || got[1] != tt.want {
			t.Errorf("with a grant of %d: %v", tt.grant, got)
		}
	}
	g := grantOf("r", "x", allRights...)
	g.Publish.MaxBitrate = 300_000
	x, err := s.room.Broadcaster(g, "x")
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"webrtc", "plain"} {
		if _, err := x.CreateTransport(t.Context(), CreateBroadcasterTransport{Type: kind}); err != nil {
			t.Fatal(err)
		}
	}
	if got := fmt.Sprint(limits("x", &x.b.member)); got != "[2000000 300000 300000]" {
		t.Errorf("the broadcaster's: %s", got)
	}
}

// Whatever is under way when a right is taken back, nothing of it is left, and no limit is an old one.
func TestSetGrantRaces(t *testing.T) {
	rs, _ := placed(t)
	defer rs.Close()
	for round := range 10 {
		id := fmt.Sprint("r", round)
		a, client, send := ready(t, rs, id, "a")
		b, _, from := ready(t, rs, id, "b")
		var race sync.WaitGroup
		for i := range 4 {
			race.Go(func() {
				_, _ = a.Produce(t.Context(), Produce{TransportID: send, Kind: proto.Audio, RTPParameters: opus(100 + i)})
			})
			race.Go(func() { _, _ = a.ProduceData(t.Context(), produceData(send, i)) })
			race.Go(func() {
				_, _ = b.Produce(t.Context(), Produce{TransportID: from, Kind: proto.Audio, RTPParameters: opus(200 + i)})
			})
			race.Go(func() { _, _ = a.CreateWebRTCTransport(t.Context(), CreateWebRTCTransport{}) })
		}
		last := grantOf(id, "a", "video")
		last.Publish.MaxBitrate = 123_000
		race.Go(func() {
			if err := a.SetGrant(last); err != nil {
				t.Error(err)
			}
		})
		race.Wait()
		a.until(t, client, func() bool { return !a.serving })
		a.room.mu.Lock()
		if len(a.producers)+len(a.dataProducers)+len(a.consumers)+len(a.dataConsumers) != 0 || a.used[producerQuota]+a.used[dataProducerQuota] != 0 {
			t.Errorf("left: %d producers, %d consumers; used %v", len(a.producers), len(a.consumers), a.used)
		}
		for _, x := range a.transports {
			if x.maxIncomingBitrate != 123_000 {
				t.Errorf("a transport has the limit %d", x.maxIncomingBitrate)
			}
		}
		a.room.mu.Unlock()
	}
}

// A worker that does not take the new limit is an error, and one of a transport that ended meanwhile is not.
func TestSetGrantOnEndedTransport(t *testing.T) {
	rs, _ := placed(t)
	defer rs.Close()
	s := newStage(t, rs, "r")
	tr, err := s.a.transport(s.mine.send)
	if err != nil {
		t.Fatal(err)
	}
	tr.Close() // by the worker, say: the room has not heard of it
	g := grantOf("r", "a", allRights...)
	g.Publish.MaxBitrate = 50_000
	if err := s.a.SetGrant(g); err != nil {
		t.Errorf("%v", err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.a.limitIncoming(gone, &transport{Transport: tr.Transport}, func() int { return 50_000 }); err == nil {
		t.Error("a limit that nobody was told of is no error")
	}
}
