package socket

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"gazpacho/pkg/tuple"
)

func TestBatchAppend(t *testing.T) {
	from := netip.MustParseAddrPort("192.0.2.1:5000")
	tests := []struct {
		name string
		data string
		want bool
	}{
		{"empty", "", false},
		{"one byte", "x", true},
		{"longest", filler(MaxDatagram, 'x'), true},
		{"too long", filler(MaxDatagram+1, 'x'), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := NewPool(1).Take(nil)
			if got := b.Append([]byte(tt.data), from); got != tt.want {
				t.Fatalf("Append = %v, want %v", got, tt.want)
			}
			_, data, ok := b.Next()
			if ok != tt.want || string(data) != strings.Repeat(tt.data, b.Len()) {
				t.Errorf("Next = %d bytes, %v", len(data), ok)
			}
		})
	}
}

func TestBatchIsACursor(t *testing.T) {
	b := NewPool(1).Take(nil)
	b.Link, b.Protocol = 7, tuple.TCP
	b.Local = netip.MustParseAddrPort("127.0.0.1:4443")
	mapped := netip.MustParseAddrPort("[::ffff:192.0.2.1]:5000")
	for i := range BatchSize {
		if b.Full() || !b.Append([]byte{byte(i)}, mapped) {
			t.Fatalf("packet %d was not taken", i)
		}
	}
	if !b.Full() || b.Append([]byte{0}, mapped) {
		t.Error("a full batch took a packet")
	}
	for i := range BatchSize {
		if b.Remaining() != BatchSize-i {
			t.Fatalf("Remaining = %d after %d", b.Remaining(), i)
		}
		from, data, ok := b.Next()
		want := tuple.Of(tuple.TCP, 7, b.Local, mapped)
		if !ok || len(data) != 1 || data[0] != byte(i) || from != want {
			t.Fatalf("packet %d = %v %v %v, want from %v", i, from, data, ok, want)
		}
	}
	if _, _, ok := b.Next(); ok {
		t.Error("Next went past the end")
	}
}

// A handler may grow a packet to its slot's end; that must not reach the next packet.
func TestBatchSlotsAreApart(t *testing.T) {
	b := NewPool(1).Take(nil)
	for i := range BatchSize {
		b.Append([]byte{byte(i)}, loopback4)
	}
	for i := range BatchSize {
		_, data, _ := b.Next()
		if data[0] != byte(i) {
			t.Fatalf("packet %d was overwritten", i)
		}
		if cap(data) < MaxDatagram {
			t.Fatalf("room for %d bytes only", cap(data))
		}
		data = data[:cap(data)]
		for k := range data {
			data[k] = 0xff
		}
	}
}

func TestReleaseTwicePanics(t *testing.T) {
	b := NewPool(2).Take(nil)
	b.Release()
	defer func() {
		if recover() == nil {
			t.Error("no panic: two readers would share the memory")
		}
	}()
	b.Release()
}

func TestReleasedPacketsArePoisonedInTestBuilds(t *testing.T) {
	b := NewPool(1).Take(nil)
	b.Append([]byte("kept"), loopback4)
	_, kept, _ := b.Next()
	clearUsed(b)
	if string(kept) != "\xdb\xdb\xdb\xdb" {
		t.Errorf("a kept packet still reads %q", kept)
	}
	copy(kept, "kept")
	b.Release()
	if poisoned := kept[0] == 0xdb; poisoned != poison {
		t.Errorf("poisoned: %v, build says %v", poisoned, poison)
	}
}

func TestPoolBoundsAndRecycles(t *testing.T) {
	p := NewPool(2)
	if p.Size() != 2 || p.InUse() != 0 {
		t.Fatalf("Size %d, InUse %d", p.Size(), p.InUse())
	}
	a, b := p.Take(nil), p.Take(nil)
	if p.InUse() != 2 {
		t.Errorf("InUse = %d", p.InUse())
	}
	cancel := make(chan struct{})
	close(cancel)
	if p.Take(cancel) != nil {
		t.Error("a third batch came out of a pool of two")
	}
	taken := make(chan *Batch)
	go func() { taken <- p.Take(nil) }()
	a.At, a.Link, a.Local, a.Protocol, a.Closed = time.Now(), 3, loopback6, tuple.TCP, true
	a.Append([]byte("old"), loopback4)
	a.Release()
	c := <-taken
	if c != a {
		t.Error("the waiting reader did not get the released batch")
	}
	if !c.At.IsZero() || c.Link != 0 || c.Local.IsValid() || c.Protocol != tuple.UDP || c.Closed || c.Len() != 0 {
		t.Errorf("a recycled batch remembers: %+v %v %v", c.At, c.Link, c.Len())
	}
	b.Release()
	c.Release()
	if p.InUse() != 0 {
		t.Errorf("InUse = %d at the end", p.InUse())
	}
}

// A worker that idles should not hold the memory of a busy one.
func TestPoolMakesBatchesWhenNeeded(t *testing.T) {
	p := NewPool(64)
	for range 1000 {
		p.Take(nil).Release()
	}
	if made := p.made.Load(); made != 1 {
		t.Errorf("%d batches were made for one reader at a time", made)
	}
}

func TestPoolDoesNotAllocate(t *testing.T) {
	p := NewPool(1)
	p.Take(nil).Release()
	if n := testing.AllocsPerRun(100, func() { p.Take(nil).Release() }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
