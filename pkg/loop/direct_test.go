package loop

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gazpacho/pkg/socket"
)

// collect is a handler that appends the first byte of each packet.
func collect(to *[]byte) Handler {
	return func(_ time.Time, b *socket.Batch) {
		for _, data, ok := b.Next(); ok; _, data, ok = b.Next() {
			*to = append(*to, data[0])
		}
	}
}

// When a direct sink returns, its batch was handled, sent and released: nobody else had to be woken.
func TestDirectIsDoneWhenItReturns(t *testing.T) {
	l := New(Config{})
	ended := 0
	l.OnTurnEnd(func(time.Time) { ended++ })
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- l.Run(ctx) }()
	on(l, func(time.Time) {}) // it runs
	var handled []byte
	sink := l.Direct(collect(&handled))
	sink(batchOf(l, 0, time.Now())) // waits for the turn of the post to end: from here on nobody runs one but us
	before, handledBefore := ended, l.Stats().Batches
	sink(batchOf(l, 3, time.Now()))
	if !slices.Equal(handled, []byte{0, 1, 2}) || ended != before+1 || l.Pool().InUse() != 0 {
		t.Errorf("handled %v, %d turns ended, %d batches in use", handled, ended-before, l.Pool().InUse())
	}
	if s := l.Stats(); s.Packets != 3 || s.Batches-handledBefore != 1 {
		t.Errorf("%+v", s)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// Batches behind which more are waiting share a turn, as many as a turn takes.
func TestDirectBatchesShareATurn(t *testing.T) {
	running(t, Config{}, func(t *testing.T, l *Loop, stop func() error) {
		synctest.Wait()
		var handled []byte
		sink := l.Direct(collect(&handled))
		before := l.Stats().Turns
		for i := range 6 {
			b := batchOf(l, 1, time.Now())
			b.More = i < 5
			sink(b)
			if want := []int{0, 0, 0, 4, 4, 6}[i]; len(handled) != want {
				t.Fatalf("%d were handled after batch %d", len(handled), i)
			}
		}
		if turns := l.Stats().Turns - before; turns != 2 {
			t.Errorf("%d turns", turns)
		}
	})
}

// What came before Run waits for it, and nothing overtakes it.
func TestDirectBeforeRunKeepsOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Config{})
		var handled []byte
		sink := l.Direct(collect(&handled))
		for range turnBatches + 2 { // more than one turn takes
			sink(batchOf(l, 1, time.Now()))
		}
		if len(handled) > 0 {
			t.Fatal("handled before Run")
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- l.Run(ctx) }()
		sink(batchOf(l, 2, time.Now()))
		synctest.Wait()
		if n := len(handled); n != turnBatches+4 || handled[n-1] != 1 || slices.Contains(handled[:n-1], 1) {
			t.Errorf("handled %v", handled)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		sink(batchOf(l, 1, time.Now()))
		if len(handled) != turnBatches+4 {
			t.Error("handled after Run")
		}
	})
}

// A deadline that a reader's turn sets is met, though the loop's own goroutine has slept through it.
func TestDirectSetsTimers(t *testing.T) {
	running(t, Config{}, func(t *testing.T, l *Loop, stop func() error) {
		synctest.Wait()
		start := time.Now()
		var fired []time.Duration
		sink := l.Direct(func(now time.Time, b *socket.Batch) {
			drain(b)
			l.Timers().New(func(now time.Time) { fired = append(fired, now.Sub(start)) }).Reset(now.Add(20 * time.Millisecond))
			l.Timers().New(func(now time.Time) { fired = append(fired, now.Sub(start)) }).Reset(now)
		})
		sink(batchOf(l, 1, time.Now()))
		time.Sleep(time.Second)
		synctest.Wait()
		if !slices.Equal(fired, []time.Duration{0, 20 * time.Millisecond}) {
			t.Errorf("fired after %v", fired)
		}
	})
}

// A fatal panic in a reader's turn ends Run as any other does, and nothing is handled afterwards.
func TestDirectPanicEndsRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Config{})
		ended := make(chan error, 1)
		go func() { ended <- l.Run(t.Context()) }()
		synctest.Wait()
		calls := 0
		sink := l.Direct(func(time.Time, *socket.Batch) { calls++; panic(errBroken) })
		sink(batchOf(l, 1, time.Now()))
		sink(batchOf(l, 1, time.Now()))
		var p *PanicError
		if err := <-ended; !errors.As(err, &p) || !errors.Is(err, errBroken) || p.Where != "batch" || calls != 1 {
			t.Errorf("%v after %d calls", err, calls)
		}
	})
}

// The state has one owner at a time, whoever has something to do. The race detector sees where it has not.
func TestDirectReadersAndPostsTakeTurns(t *testing.T) {
	l := New(Config{})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	packets, posts, timers := 0, 0, 0
	handler := func(now time.Time, b *socket.Batch) {
		packets += drain(b)
		l.Timers().New(func(time.Time) { timers++ }).Reset(now)
	}
	go func() { done <- l.Run(ctx) }()
	const readers, each = 4, 200
	var all sync.WaitGroup
	for i := range readers {
		sink := l.Direct(handler)
		if i == 0 {
			sink = l.Sink(handler) // of a connection
		}
		all.Go(func() {
			for range each {
				sink(batchOf(l, 2, time.Now()))
				l.Post(func(time.Time) { posts++ })
			}
		})
	}
	all.Wait()
	for handled := false; !handled; {
		on(l, func(time.Time) { handled = packets == 2*readers*each && timers == readers*each })
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if posts != readers*each || l.Pool().InUse() != 0 {
		t.Errorf("%d posts ran, %d batches are in use", posts, l.Pool().InUse())
	}
}
