package room

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gazpacho/pkg/auth"
	"gazpacho/pkg/supervisor"
	"gazpacho/proto"
)

func code(err error) string {
	var e *proto.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func enter(t *testing.T, rs *Rooms, room, id string) (*Peer, *fakeClient) {
	t.Helper()
	c := newFake()
	p, err := rs.Enter(t.Context(), open(room, id), c)
	if err != nil {
		t.Fatal(err)
	}
	return p, c
}

// ready is a peer that has joined and can send and receive.
func ready(t *testing.T, rs *Rooms, room, id string) (p *Peer, c *fakeClient, send string) {
	t.Helper()
	p, c = enter(t, rs, room, id)
	forwards, err := p.RouterRTPCapabilities()
	if err != nil {
		t.Fatal(err)
	}
	caps, err := json.Marshal(forwards)
	if err != nil {
		t.Fatal(err)
	}
	s, err := p.CreateWebRTCTransport(t.Context(), CreateWebRTCTransport{Producing: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.CreateWebRTCTransport(t.Context(), CreateWebRTCTransport{Consuming: true}); err != nil {
		t.Fatal(err)
	}
	if err := p.Join(Join{DisplayName: id, RTPCapabilities: caps}, func(JoinResult) {}); err != nil {
		t.Fatal(err)
	}
	return p, c, s.ID
}

// Many who come at a time meet in one room.
func TestCrowd(t *testing.T) {
	rs, w := placed(t)
	defer rs.Close()
	var crowd sync.WaitGroup
	peers := make([]*Peer, 50)
	for i := range peers {
		crowd.Go(func() {
			p, err := rs.Enter(t.Context(), open("r", strings.Repeat("p", i+1)), newFake())
			if err != nil {
				t.Error(err)
				return
			}
			peers[i] = p
		})
	}
	crowd.Wait()
	if w.Routers() != 1 {
		t.Errorf("%d routers", w.Routers())
	}
	for _, p := range peers {
		crowd.Go(p.Leave)
		crowd.Go(p.Leave) // the session and the watch may both
	}
	crowd.Wait()
	if _, err := rs.Room(auth.Everything(), "r"); code(err) != proto.CodeNotFound || w.Routers() != 0 || w.Load() != 0 {
		t.Errorf("after all have left: %v, %d routers, load %d", err, w.Routers(), w.Load())
	}
}

// Rooms that open and close while others come and go lose nobody and leave nothing.
func TestRevolvingDoor(t *testing.T) {
	rs, w := placed(t)
	defer rs.Close()
	var visitors sync.WaitGroup
	for i := range 8 {
		visitors.Go(func() {
			for range 20 {
				p, err := rs.Enter(t.Context(), open("r", string(rune('a'+i%4))), newFake())
				if err != nil {
					t.Error(err)
					return
				}
				if err := p.Join(Join{}, func(JoinResult) {}); err != nil && code(err) != proto.CodeInvalidState {
					t.Error(err) // another visitor of the same name may have replaced this one
				}
				p.Leave()
			}
		})
	}
	visitors.Wait()
	if _, err := rs.Room(auth.Everything(), "r"); err == nil || w.Routers() != 0 {
		t.Errorf("a room is left: %v, %d routers", err, w.Routers())
	}
}

func TestMediaMeets(t *testing.T) {
	rs, w := placed(t, func(c *Config) { c.MaxIncomingBitrate = 1_500_000 })
	defer rs.Close()
	a, _, send := ready(t, rs, "r", "a")
	_, cb, _ := ready(t, rs, "r", "b")
	made, err := a.Produce(t.Context(), Produce{TransportID: send, Kind: proto.Audio, RTPParameters: opus(1)})
	if err != nil {
		t.Fatal(err)
	}
	cb.await(t, "newConsumer")
	cb.await(t, "consumerScore")
	if told := cb.take(); !strings.Contains(told, made.ID) || !strings.Contains(told, `"appData":{"peerId":"a"}`) {
		t.Errorf("told %s", told)
	}
	if s, err := a.TransportStats(t.Context(), send); err != nil || s[0].MaxIncomingBitrate == nil || *s[0].MaxIncomingBitrate != 1_500_000 {
		t.Errorf("%+v, %v", s, err)
	}
	if w.Load() != 2 {
		t.Errorf("load %d", w.Load())
	}
	a.Leave()
	cb.await(t, "peerClosed")
	cb.await(t, "consumerClosed")
	for what, err := range map[string]error{
		"produce":   errOf(a.Produce(t.Context(), Produce{TransportID: send, Kind: proto.Audio, RTPParameters: opus(2)})),
		"transport": errOf(a.CreateWebRTCTransport(t.Context(), CreateWebRTCTransport{})),
		"join":      a.Join(Join{}, func(JoinResult) { t.Error("one who left joins") }),
	} {
		if err == nil {
			t.Errorf("%s of one who left", what)
		}
	}
	if w.Load() != 0 {
		t.Errorf("load %d", w.Load())
	}
}

func errOf[V any](_ V, err error) error { return err }

// Whoever comes while the rooms close is refused, and those inside are told.
func TestRoomsClose(t *testing.T) {
	rs, w := placed(t)
	_, c := enter(t, rs, "r", "a")
	rs.Close()
	if c.closed() != CloseGoingAway || w.Routers() != 0 {
		t.Errorf("closed with %d, %d routers", c.closed(), w.Routers())
	}
	if _, err := rs.Enter(t.Context(), open("r", "b"), newFake()); code(err) != proto.CodeClosed {
		t.Errorf("%v", err)
	}
}

// A room whose making is still under way when the rooms close does not outlive them.
func TestCloseWhileMaking(t *testing.T) {
	w := newWorker(t)
	asked, release := make(chan struct{}), make(chan struct{})
	rs := New(Config{Log: slog.New(slog.DiscardHandler), Place: func(context.Context) (*supervisor.Worker, error) {
		close(asked)
		<-release
		return w, nil
	}})
	entered := make(chan error, 1)
	go func() {
		_, err := rs.Enter(t.Context(), open("r", "a"), newFake())
		entered <- err
	}()
	<-asked
	rs.Close()
	close(release)
	if err := <-entered; code(err) != proto.CodeClosed {
		// It may have slipped in before the room was closed; then it was told.
		if err != nil {
			t.Errorf("%v", err)
		}
	}
	for deadline := time.Now().Add(10 * time.Second); w.Routers() != 0; {
		if time.Now().After(deadline) {
			t.Fatal("the room outlives the rooms")
		}
	}
}

// Without a worker nobody waits for ever, and the next one may try again.
func TestNoWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rs := New(Config{Log: slog.New(slog.DiscardHandler), Place: func(ctx context.Context) (*supervisor.Worker, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}})
		for range 2 {
			start := time.Now()
			if _, err := rs.Enter(t.Context(), open("r", "a"), newFake()); code(err) != proto.CodeBusy || time.Since(start) != createTimeout {
				t.Errorf("%v after %v", err, time.Since(start))
			}
		}
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := rs.Enter(impatient, open("r", "a"), newFake()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		time.Sleep(createTimeout) // the room's making ends by itself
		synctest.Wait()
		if len(rs.rooms) != 0 {
			t.Errorf("%d rooms", len(rs.rooms))
		}
	})
}

// A worker that dies closes its rooms, tells their peers to come back, and rooms on others live on.
func TestWorkerGone(t *testing.T) {
	first, second := newWorker(t), newWorker(t)
	next := first
	rs := New(Config{Log: slog.New(slog.DiscardHandler), Place: func(context.Context) (*supervisor.Worker, error) { return next, nil }})
	defer rs.Close()
	a, ca := enter(t, rs, "one", "a")
	next = second
	_, cb := enter(t, rs, "two", "b")
	first.Detach()
	if ca.closed() != CloseRestart || cb.closed() != 0 {
		t.Errorf("closed with %d and %d", ca.closed(), cb.closed())
	}
	a.Leave() // the session's end follows
	if _, err := rs.Room(auth.Everything(), "one"); err == nil {
		t.Error("the dead worker's room is still there")
	}
	_, again := enter(t, rs, "one", "a")
	if again.closed() != 0 {
		t.Errorf("who came back is closed with %d", again.closed())
	}
}

func TestEntryCheck(t *testing.T) {
	for _, tt := range []struct {
		e    Entry
		path string
	}{
		{Entry{RoomID: "r", PeerID: "p"}, ""},
		{Entry{RoomID: "r", PeerID: "p", ConsumerReplicas: maxReplicas}, ""},
		{Entry{PeerID: "p"}, "roomId"},
		{Entry{RoomID: "r"}, "peerId"},
		{Entry{RoomID: strings.Repeat("r", maxID+1), PeerID: "p"}, "roomId"},
		{Entry{RoomID: "r", PeerID: "p", ConsumerReplicas: -1}, "consumerReplicas"},
		{Entry{RoomID: "r", PeerID: "p", ConsumerReplicas: maxReplicas + 1}, "consumerReplicas"},
	} {
		err := tt.e.Check()
		var e *proto.Error
		if errors.As(err, &e) != (tt.path != "") || (e != nil && e.Path != tt.path) {
			t.Errorf("%+v: %v", tt.e, err)
		}
	}
}
