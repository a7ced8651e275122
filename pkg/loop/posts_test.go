package loop

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestPostsRunInOrder(t *testing.T) {
	running(t, Config{}, func(t *testing.T, l *Loop, stop func() error) {
		var got []int
		for i := range 3 * turnPosts {
			l.Post(func(time.Time) { got = append(got, i) })
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		for i, v := range got {
			if v != i {
				t.Fatalf("%d ran in place %d", v, i)
			}
		}
		if len(got) != 3*turnPosts || l.Depth() != 0 {
			t.Errorf("%d ran, %d wait", len(got), l.Depth())
		}
	})
}

// Many goroutines post; each one's functions run in its own order, and none is lost.
func TestPostsFromManyGoroutines(t *testing.T) {
	running(t, Config{}, func(t *testing.T, l *Loop, stop func() error) {
		const goroutines, each = 8, 500
		got := make([][]int, goroutines)
		var posting sync.WaitGroup
		for g := range goroutines {
			posting.Go(func() {
				for i := range each {
					l.Post(func(time.Time) { got[g] = append(got[g], i) })
				}
			})
		}
		posting.Wait()
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		for g := range got {
			if len(got[g]) != each || !slices.IsSorted(got[g]) {
				t.Errorf("goroutine %d: %d ran, in order: %v", g, len(got[g]), slices.IsSorted(got[g]))
			}
		}
	})
}

func TestPostNeverBlocks(t *testing.T) {
	l := New(Config{})
	ran := 0
	for range 100_000 {
		l.Post(func(time.Time) { ran++ }) // nobody runs the loop yet
	}
	if l.Depth() != 100_000 || l.Stats().Depth != 100_000 {
		t.Errorf("depth %d", l.Depth())
	}
}

// A function that posts itself is one function in each turn: it cannot hold the loop.
func TestPostFromTheLoopWaitsForTheNextTurn(t *testing.T) {
	running(t, Config{}, func(t *testing.T, l *Loop, stop func() error) {
		var turns []uint64
		var again func(time.Time)
		again = func(time.Time) {
			turns = append(turns, l.Stats().Turns)
			if len(turns) < 5 {
				l.Post(again)
			}
		}
		l.Post(again)
		synctest.Wait()
		for i := range turns {
			if turns[i] != turns[0]+uint64(i) {
				t.Errorf("turns %v", turns)
			}
		}
		if len(turns) != 5 {
			t.Errorf("ran %d times", len(turns))
		}
	})
}

func TestPostAfterTheEndIsForgotten(t *testing.T) {
	running(t, Config{}, func(t *testing.T, l *Loop, stop func() error) {
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		l.Post(func(time.Time) { t.Error("ran") })
		if l.Depth() != 0 {
			t.Error("a post is kept for ever")
		}
	})
}

// The alarm comes once, until the queue was under half the bound.
func TestBacklogAlarm(t *testing.T) {
	var alarms []int
	l := New(Config{PostAlarm: 100, OnBacklog: func(_ time.Time, depth int) { alarms = append(alarms, depth) }})
	for _, depth := range []int{0, 99, 100, 101, 99, 100, 50, 100, 49, 99, 120, 0, 110} {
		l.watchDepth(depth)
	}
	if want := []int{100, 120, 110}; !slices.Equal(alarms, want) {
		t.Errorf("alarms at %v, want %v", alarms, want)
	}
}

// The depth that alarms is that of a whole backlog, not of what a turn takes from it.
func TestBacklogIsSeen(t *testing.T) {
	var alarms []int
	cfg := Config{OnBacklog: func(_ time.Time, depth int) { alarms = append(alarms, depth) }}
	running(t, cfg, func(t *testing.T, l *Loop, stop func() error) {
		hold := make(chan struct{})
		l.Post(func(time.Time) { <-hold })
		synctest.Wait()
		for range 5000 {
			l.Post(func(time.Time) {})
		}
		close(hold)
		synctest.Wait()
		if !slices.Equal(alarms, []int{5000}) {
			t.Errorf("alarms at %v", alarms)
		}
	})
}

// A burst must not leave its memory behind.
func TestPostQueueShrinks(t *testing.T) {
	running(t, Config{}, func(t *testing.T, l *Loop, stop func() error) {
		for range 10 * keepPosts {
			l.Post(func(time.Time) {})
		}
		for range 4 {
			on(l, func(time.Time) {})
		}
		on(l, func(time.Time) {
			l.posts.mu.Lock()
			defer l.posts.mu.Unlock()
			if n := cap(l.posts.queue) + cap(l.posts.batch); n > 2*keepPosts {
				t.Errorf("room for %d is kept", n)
			}
		})
	})
}
