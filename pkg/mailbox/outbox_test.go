package mailbox

import (
	"bytes"
	"fmt"
	"sync"
	"testing"
	"time"
)

// posted is a loop that runs when it is told to.
type posted struct {
	mu   sync.Mutex
	list []func(now time.Time)
}

func (p *posted) post(f func(now time.Time)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.list = append(p.list, f)
}

func (p *posted) run() (n int) {
	p.mu.Lock()
	list := p.list
	p.list = nil
	p.mu.Unlock()
	for _, f := range list {
		f(time.Time{})
	}
	return len(list)
}

// Datagrams arrive whole and in order, many of them in one post, and what is put is copied.
func TestOutbox(t *testing.T) {
	var loop posted
	var got []string
	o := NewOutbox(loop.post, func(_ time.Time, b []byte) { got = append(got, string(b)) })
	var want []string
	for round := range 3 {
		for i := range 20 {
			s := fmt.Sprintf("datagram %d of %d", i, round)
			b := []byte(s)
			if !o.Put(b) {
				t.Fatal("no room")
			}
			clear(b)
			want = append(want, s)
		}
		if n := loop.run(); n != 1 {
			t.Errorf("%d posts", n)
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %q", got)
	}
	if loop.run() != 0 {
		t.Error("posts without datagrams")
	}
}

// A loop that does not come costs a bounded amount of memory, and what fits still arrives.
func TestOutboxIsBounded(t *testing.T) {
	var loop posted
	bytesOut, came := 0, 0
	o := NewOutbox(loop.post, func(_ time.Time, b []byte) { bytesOut += len(b); came++ })
	datagram, put := make([]byte, 1200), 0
	for range 10_000 {
		if o.Put(datagram) {
			put++
		}
	}
	fit := maxParcels * (parcelSize / 1200)
	if put != fit {
		t.Errorf("%d were taken, want %d", put, fit)
	}
	if n := loop.run(); n != maxParcels {
		t.Errorf("%d posts", n)
	}
	if came != fit || bytesOut != fit*1200 {
		t.Errorf("%d came, %d bytes", came, bytesOut)
	}
	if !o.Put(datagram) || loop.run() != 1 || came != fit+1 {
		t.Error("nothing goes through afterwards")
	}
}

// A datagram as large as a parcel, or larger, goes in one of its own.
func TestOutboxOfLargeDatagrams(t *testing.T) {
	var loop posted
	var sizes []int
	o := NewOutbox(loop.post, func(_ time.Time, b []byte) { sizes = append(sizes, len(b)) })
	for _, n := range []int{10, parcelSize, parcelSize + 5, 7, 0} {
		o.Put(make([]byte, n))
	}
	loop.run()
	if fmt.Sprint(sizes) != fmt.Sprint([]int{10, parcelSize, parcelSize + 5, 7, 0}) {
		t.Errorf("sizes %v", sizes)
	}
}

// The loop may be at work while the island puts; nothing is lost or comes twice.
func TestOutboxConcurrently(t *testing.T) {
	var loop posted
	next := 0
	o := NewOutbox(loop.post, func(_ time.Time, b []byte) {
		if want := fmt.Sprintf("%8d", next); !bytes.HasPrefix(b, []byte(want)) {
			t.Errorf("got %q, want %s", b[:8], want)
		}
		next++
	})
	const count = 20_000
	done := make(chan struct{})
	go func() {
		defer close(done)
		b := make([]byte, 600)
		for i := 0; i < count; {
			copy(b, fmt.Sprintf("%8d", i))
			if o.Put(b) {
				i++
			}
		}
	}()
	for over := false; !over; {
		select {
		case <-done:
			over = true
		default:
		}
		loop.run()
	}
	if next != count {
		t.Errorf("%d came", next)
	}
}

func TestOutboxDoesNotAllocate(t *testing.T) {
	var loop posted
	o := NewOutbox(loop.post, func(time.Time, []byte) {})
	b := make([]byte, 1200)
	n := testing.AllocsPerRun(100, func() {
		for range 12 {
			o.Put(b)
		}
		loop.run()
	})
	// The slices of the queue and of the test's loop, and the function: of a dozen datagrams.
	if n > 4 {
		t.Errorf("%v allocations", n)
	}
}

func TestGrow(t *testing.T) {
	c := New(discard)
	defer c.Close()
	c.Grow(Bulk)
	for range Bulk {
		if !c.Put([]byte{1}) {
			t.Fatal("dropped")
		}
	}
	if c.Put([]byte{1}) || c.Dropped() != 1 || c.Len() != Bulk {
		t.Errorf("%d wait, %d dropped", c.Len(), c.Dropped())
	}
}
