package channel

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gazpacho/proto"
)

// testHall is a hall whose guests attach with a name, and which echoes.
type testHall struct {
	*Hall
	mu    sync.Mutex
	left  []string
	told  []Notification
	wg    sync.WaitGroup
	names map[string]*Guest
}

func newTestHall(t *testing.T, ln net.Listener) *testHall {
	h := &testHall{names: map[string]*Guest{}}
	h.Hall = NewHall(ln, HallConfig{
		Hello: proto.Hello{Software: "hall", PID: 7}, HelloName: "hall.hello", AttachName: "hall.attach",
		Attach: func(g *Guest, body Raw) (any, *proto.Error) {
			var b proto.SetPriority
			if err := Decode(body, &b); err != nil {
				return nil, err
			}
			h.mu.Lock()
			defer h.mu.Unlock()
			g.State = string(rune('a' + b.Priority))
			h.names[g.State.(string)] = g
			return b, nil
		},
		Request: func(g *Guest, r Request) {
			g.Notify(Raw("\xa1o"), proto.State, r.HandlerID, "hall.asked", r.Body, nil)
			r.Respond(r.Body, nil)
		},
		Notification: func(g *Guest, n Notification) {
			h.mu.Lock()
			h.told = append(h.told, n)
			h.mu.Unlock()
			g.Notify(nil, proto.Lossy, n.HandlerID, n.Event, n.Body, n.Payload)
		},
		Detached: func(g *Guest) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.left = append(h.left, g.State.(string))
		},
	})
	return h
}

// enter attaches over a pipe.
func (h *testHall) enter(t *testing.T, number int, notified func(Notification)) (*Client, error) {
	t.Helper()
	ours, theirs := net.Pipe()
	h.wg.Go(func() { h.Accept(theirs) })
	var answer proto.SetPriority
	c, err := Attach(t.Context(), ours, Options{Notification: notified, Door: &Door{
		Hello: "hall.hello", Attach: "hall.attach", Body: proto.SetPriority{Priority: number}, Result: &answer,
	}})
	if err == nil && answer.Priority != number {
		t.Errorf("answered %+v", answer)
	}
	return c, err
}

func (h *testHall) leave(cs ...*Client) {
	for _, c := range cs {
		c.Close()
	}
	h.Close()
	h.wg.Wait()
}

// Many clients at a time: each is answered, and hears what is said to it, with its origin and before the answer.
func TestHall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestHall(t, nil)
		heard := map[int][]Notification{}
		var clients []*Client
		for i := range 3 {
			c, err := h.enter(t, i, func(n Notification) { heard[i] = append(heard[i], n) })
			if err != nil {
				t.Fatal(err)
			}
			clients = append(clients, c)
		}
		if hello := clients[0].Hello(); hello.Software != "hall" || hello.Protocol != proto.Current || hello.MaxFrame != MaxFrame {
			t.Errorf("hello %+v", hello)
		}
		for i, c := range clients {
			var answer proto.SetPriority
			if err := c.Request(t.Context(), "hall.ask", "target", proto.SetPriority{Priority: i + 10}, &answer); err != nil || answer.Priority != i+10 {
				t.Errorf("answer %+v, %v", answer, err)
			}
			if len(heard[i]) != 1 || heard[i][0].Event != "hall.asked" || heard[i][0].HandlerID != "target" || string(heard[i][0].Origin) != "\xa1o" {
				t.Errorf("heard %+v before the answer", heard[i])
			}
		}
		if err := clients[1].NotifyBinary("hall.packet", "p", nil, []byte("bytes")); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if len(heard[0])+len(heard[2]) != 2 || len(heard[1]) != 2 || string(heard[1][1].Payload) != "bytes" || len(heard[1][1].Origin) != 0 {
			t.Errorf("heard %+v", heard)
		}
		clients[1].Close()
		synctest.Wait()
		if len(h.left) != 1 || h.left[0] != "b" {
			t.Errorf("left: %q", h.left)
		}
		h.leave(clients...)
		if len(h.left) != 3 {
			t.Errorf("left: %q", h.left)
		}
	})
}

// Who is refused hears why; who says something else, or nothing, is no guest.
func TestHallRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestHall(t, nil)
		dial := func() *peer {
			ours, theirs := net.Pipe()
			h.wg.Go(func() { h.Accept(theirs) })
			p := newPeer(t, ours)
			if e := p.next(); string(e.name) != "hall.hello" {
				t.Errorf("hello %+v", e)
			}
			return p
		}
		p := dial()
		p.send(appendRequest(nil, 3, "hall.attach", "", map[string]any{"priority": "x"}))
		if err := p.refused(3); err.Code != proto.CodeBadBody || err.Path != "priority" {
			t.Errorf("got %+v", err)
		}
		p.ends()
		p = dial()
		p.send(appendRequest(nil, 3, proto.WorkerAttach, "", attachBody(1)))
		if err := p.refused(3); err.Code != proto.CodeInvalidState {
			t.Errorf("got %+v", err)
		}
		p.ends()
		p = dial()
		p.send(appendNotification(nil, "x", "", nil))
		p.ends()
		p = dial()
		start := time.Now()
		p.ends()
		if time.Since(start) != attachTimeout {
			t.Errorf("a silent one was ended after %v", time.Since(start))
		}
		p = dial()
		p.send(appendRequest(nil, 3, "hall.attach", "", proto.SetPriority{Priority: 1}))
		p.next()
		p.send(appendResponse(nil, 1, nil, nil))
		p.ends()
		// A worker's client is at the wrong door.
		ours, theirs := net.Pipe()
		h.wg.Go(func() { h.Accept(theirs) })
		if _, err := Attach(t.Context(), ours, Options{Epoch: 1}); err == nil {
			t.Error("a worker's client came in")
		}
		h.leave()
		if len(h.left) != 1 {
			t.Errorf("left: %q", h.left)
		}
	})
}

// A client that does not read is ended and holds up nobody; there are so many places.
func TestHallBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestHall(t, nil)
		ours, theirs := net.Pipe()
		h.wg.Go(func() { h.Accept(theirs) })
		deaf := newPeer(t, ours)
		deaf.next()
		deaf.send(appendRequest(nil, 3, "hall.attach", "", proto.SetPriority{Priority: 5}))
		synctest.Wait()
		other, err := h.enter(t, 1, nil)
		if err != nil {
			t.Fatal(err)
		}
		g := h.names["f"]
		big := make([]byte, 1<<20)
		for range 3 {
			g.Notify(nil, proto.Lossy, "", "hall.packet", nil, big)
		}
		if g.Dropped() == 0 {
			t.Error("nothing was dropped")
		}
		for range 20 {
			g.Notify(nil, proto.State, "", "hall.state", string(big), nil)
		}
		synctest.Wait()
		if len(h.left) != 1 || h.left[0] != "f" {
			t.Errorf("left: %q", h.left)
		}
		if err := other.Request(t.Context(), "hall.ask", "", nil, nil); err != nil {
			t.Error(err)
		}
		for range maxGuests - 1 {
			ours, theirs := net.Pipe()
			h.wg.Go(func() { h.Accept(theirs) })
			newPeer(t, ours).next()
		}
		if _, err := h.enter(t, 2, nil); err == nil {
			t.Error("there is a place too many")
		}
		h.leave(other)
	})
}

func TestListenUnix(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dir", "c.sock")
	if _, err := ListenUnix("fd:3"); err == nil {
		t.Error("it takes a descriptor")
	}
	ln, err := ListenUnix("unix:" + path)
	if err != nil {
		t.Fatal(err)
	}
	h := newTestHall(t, ln)
	served := make(chan error, 1)
	go func() { served <- h.Serve() }()
	for name, want := range map[string]os.FileMode{filepath.Dir(path): 0o700, path: 0o600} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
	if _, err := ListenUnix("unix:" + path); err == nil {
		t.Error("two at one path")
	}
	var answer proto.SetPriority
	c, err := Dial(t.Context(), "unix:"+path, Options{Door: &Door{Hello: "hall.hello", Attach: "hall.attach", Body: proto.SetPriority{Priority: 2}, Result: &answer}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := h.Close(); err != nil {
		t.Error(err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
	<-c.Done()
	var closed *proto.Error
	if err := c.Request(t.Context(), "hall.ask", "", nil, nil); !errors.As(err, &closed) || closed.Code != proto.CodeClosed {
		t.Errorf("asked a closed hall: %v", err)
	}
}
