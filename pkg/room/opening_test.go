package room

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"gazpacho/pkg/auth"
	"gazpacho/pkg/supervisor"
	"gazpacho/proto"
)

// A room whose only visitors hung up while it was being made is closed: else each of them would leave one behind.
func TestNobodyEnters(t *testing.T) {
	w := newWorker(t)
	var mu sync.Mutex
	asked, release := make(chan struct{}, 100), make(chan struct{})
	rs := New(Config{Log: slog.New(slog.DiscardHandler), Place: func(context.Context) (*supervisor.Worker, error) {
		asked <- struct{}{}
		mu.Lock()
		wait := release
		mu.Unlock()
		<-wait
		return w, nil
	}})
	defer rs.Close()
	var visitors sync.WaitGroup
	for i := range 20 {
		ctx, hangUp := context.WithCancel(t.Context())
		for range 2 {
			visitors.Go(func() {
				if _, err := rs.Enter(ctx, open(fmt.Sprint("r", i), "p"), newFake()); err == nil {
					t.Error("entered before there was a room")
				}
			})
		}
		<-asked
		hangUp()
	}
	visitors.Wait()
	close(release)
	eventually(t, "20 rooms to be made and closed", func() bool { s := rs.Stats(); return s.RoomsOpened == 20 && s.Rooms == 0 && w.Routers() == 0 })
	// One who stays keeps it.
	if _, err := rs.Enter(t.Context(), open("r0", "p"), newFake()); err != nil {
		t.Fatal(err)
	}
	if s := rs.Stats(); s.Rooms != 1 || s.Peers != 1 {
		t.Errorf("%+v", s)
	}
}

// eventually waits for what comes about in another goroutine of ours.
func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !f(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: it does not come about", what)
		}
	}
}

// Rooms whose visitors hang up at any moment are either entered or gone, and none is left.
func TestHangUpAnyTime(t *testing.T) {
	rs, w := placed(t)
	defer rs.Close()
	var visitors sync.WaitGroup
	for i := range 8 {
		visitors.Go(func() {
			for n := range 25 {
				ctx, hangUp := context.WithTimeout(t.Context(), time.Duration(n*20)*time.Microsecond)
				p, err := rs.Enter(ctx, open(fmt.Sprint("r", i%3), fmt.Sprint("p", i)), newFake())
				if err == nil {
					p.Leave()
				}
				hangUp()
			}
		})
	}
	visitors.Wait()
	eventually(t, "no room is left", func() bool { return rs.Stats().Rooms == 0 && w.Routers() == 0 })
}

// Rooms that are being made count as rooms.
func TestRoomLimitWhileMaking(t *testing.T) {
	w := newWorker(t)
	release := make(chan struct{})
	rs := New(Config{Log: slog.New(slog.DiscardHandler), Limits: Limits{Rooms: 3}, Place: func(context.Context) (*supervisor.Worker, error) {
		<-release
		return w, nil
	}})
	defer rs.Close()
	var entered, refused int
	var mu sync.Mutex
	var visitors sync.WaitGroup
	for i := range 20 {
		visitors.Go(func() {
			_, err := rs.Enter(t.Context(), open(fmt.Sprint("r", i), "p"), newFake())
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				entered++
			case full(err, "rooms", 3):
				refused++
			default:
				t.Error(err)
			}
		})
	}
	eventually(t, "17 refusals", func() bool { return rs.Stats().Refusals["rooms"] == 17 })
	close(release)
	visitors.Wait()
	if entered != 3 || refused != 17 {
		t.Errorf("%d entered, %d refused", entered, refused)
	}
	if err := rs.CloseRoom(auth.Everything(), "none"); code(err) != proto.CodeNotFound {
		t.Error(err)
	}
}
