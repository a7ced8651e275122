package mailbox

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A mailbox is what it says on the tin.
var _ net.Conn = (*Conn)(nil)

func discard([]byte) {}

func TestReadGivesWhatPutTook(t *testing.T) {
	c := New(discard)
	in := []byte("first")
	if !c.Put(in) || !c.Put([]byte("second")) || !c.Put(nil) {
		t.Fatal("an empty mailbox refused a datagram")
	}
	copy(in, "-----") // Put copies
	if got := c.Len(); got != 3 {
		t.Errorf("Len = %d, want 3", got)
	}
	for _, want := range []string{"first", "second", ""} {
		b := make([]byte, 100)
		n, err := c.Read(b)
		if err != nil || string(b[:n]) != want {
			t.Errorf("Read = %q, %v, want %q", b[:n], err, want)
		}
	}
}

func TestPutDropsWhatDoesNotFit(t *testing.T) {
	c := New(discard)
	for i := range Capacity {
		if !c.Put([]byte{byte(i)}) {
			t.Fatalf("datagram %d of %d was dropped", i, Capacity)
		}
	}
	if c.Put([]byte{99}) {
		t.Error("a full mailbox took a datagram")
	}
	if got := c.Dropped(); got != 1 {
		t.Errorf("Dropped = %d, want 1", got)
	}
	var b [1]byte
	if _, err := c.Read(b[:]); err != nil || b[0] != 0 {
		t.Errorf("Read = %d, %v: the oldest datagrams must stay", b[0], err)
	}
	if !c.Put([]byte{100}) {
		t.Error("there is room again, but Put refused")
	}
	if c.Put(make([]byte, MaxDatagram+1)) {
		t.Error("a datagram over the limit was taken")
	}
	if got := c.Dropped(); got != 2 {
		t.Errorf("Dropped = %d, want 2", got)
	}
}

func TestReadCutsWhatDoesNotFit(t *testing.T) {
	c := New(discard)
	c.Put([]byte("long"))
	c.Put([]byte("next"))
	b := make([]byte, 2)
	if n, err := c.Read(b); n != 2 || !errors.Is(err, io.ErrShortBuffer) || string(b) != "lo" {
		t.Errorf("Read = %q, %d, %v, want \"lo\", 2, ErrShortBuffer", b, n, err)
	}
	b = make([]byte, 8)
	if n, err := c.Read(b); err != nil || string(b[:n]) != "next" {
		t.Errorf("Read = %q, %v: the rest of a cut datagram must not come back", b[:n], err)
	}
}

func TestReadWaitsForPut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(discard)
		got := make(chan string, 1)
		go func() {
			b := make([]byte, 10)
			n, _ := c.Read(b)
			got <- string(b[:n])
		}()
		synctest.Wait()
		if len(got) != 0 {
			t.Fatal("Read returned before there was anything")
		}
		c.Put([]byte("now"))
		if s := <-got; s != "now" {
			t.Errorf("Read = %q", s)
		}
	})
}

func TestDeadlines(t *testing.T) {
	read := func(c *Conn) error { _, err := c.Read(make([]byte, 10)); return err }
	write := func(c *Conn) error { _, err := c.Write([]byte("x")); return err }
	tests := []struct {
		name string
		do   func(c *Conn, now time.Time) error
		took time.Duration
		want error
	}{
		{"read waits for its deadline", func(c *Conn, now time.Time) error {
			_ = c.SetReadDeadline(now.Add(time.Second))
			return read(c)
		}, time.Second, os.ErrDeadlineExceeded},
		{"one that is over fails at once", func(c *Conn, _ time.Time) error {
			_ = c.SetReadDeadline(time.Unix(0, 1))
			return read(c)
		}, 0, os.ErrDeadlineExceeded},
		{"one that is over fails even if data waits", func(c *Conn, _ time.Time) error {
			c.Put([]byte("x"))
			_ = c.SetReadDeadline(time.Unix(0, 1))
			return read(c)
		}, 0, os.ErrDeadlineExceeded},
		{"the zero time removes it", func(c *Conn, now time.Time) error {
			_ = c.SetReadDeadline(time.Unix(0, 1))
			_ = c.SetReadDeadline(time.Time{})
			c.Put([]byte("x"))
			return read(c)
		}, 0, nil},
		{"a later one replaces it", func(c *Conn, now time.Time) error {
			_ = c.SetReadDeadline(now.Add(time.Second))
			_ = c.SetReadDeadline(now.Add(2 * time.Second))
			return read(c)
		}, 2 * time.Second, os.ErrDeadlineExceeded},
		{"setting one ends a read in progress", func(c *Conn, now time.Time) error {
			time.AfterFunc(time.Second, func() { _ = c.SetReadDeadline(time.Unix(0, 1)) })
			return read(c)
		}, time.Second, os.ErrDeadlineExceeded},
		{"data before the deadline", func(c *Conn, now time.Time) error {
			_ = c.SetReadDeadline(now.Add(2 * time.Second))
			time.AfterFunc(time.Second, func() { c.Put([]byte("x")) })
			return read(c)
		}, time.Second, nil},
		{"the write deadline is another", func(c *Conn, _ time.Time) error {
			_ = c.SetReadDeadline(time.Unix(0, 1))
			return write(c)
		}, 0, nil},
		{"write after its deadline", func(c *Conn, _ time.Time) error {
			_ = c.SetWriteDeadline(time.Unix(0, 1))
			return write(c)
		}, 0, os.ErrDeadlineExceeded},
		{"both at once", func(c *Conn, _ time.Time) error {
			_ = c.SetDeadline(time.Unix(0, 1))
			return errors.Join(read(c), write(c))
		}, 0, os.ErrDeadlineExceeded},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := New(discard)
				start := time.Now()
				err := tt.do(c, start)
				if !errors.Is(err, tt.want) {
					t.Errorf("error %v, want %v", err, tt.want)
				}
				if took := time.Since(start); took != tt.took {
					t.Errorf("took %v, want %v", took, tt.took)
				}
			})
		})
	}
}

// A deadline is a timeout by the rules of package net, which libraries look at.
func TestDeadlineIsATimeout(t *testing.T) {
	c := New(discard)
	_ = c.SetReadDeadline(time.Unix(0, 1))
	_, err := c.Read(nil)
	var timeout net.Error
	if !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("%v is no timeout", err)
	}
}

func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wrote := 0
		c := New(func([]byte) { wrote++ })
		_ = c.SetDeadline(time.Now().Add(time.Hour)) // its timers must not outlive the mailbox
		var errs [3]error
		var wg sync.WaitGroup
		for i := range errs {
			wg.Go(func() { _, errs[i] = c.Read(make([]byte, 10)) })
		}
		synctest.Wait()
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		wg.Wait()
		for _, err := range errs {
			if !errors.Is(err, net.ErrClosed) {
				t.Errorf("a waiting Read ended with %v, want net.ErrClosed", err)
			}
		}
		if c.Put([]byte("late")) || c.Dropped() != 0 {
			t.Error("Put after Close must report false, and is no drop")
		}
		if _, err := c.Write([]byte("late")); !errors.Is(err, net.ErrClosed) || wrote != 0 {
			t.Errorf("Write after Close: %v", err)
		}
		if err := c.SetReadDeadline(time.Time{}); !errors.Is(err, net.ErrClosed) {
			t.Errorf("SetReadDeadline after Close: %v", err)
		}
		if err := c.Close(); err != nil {
			t.Errorf("second Close: %v", err)
		}
	})
}

func TestCloseForgetsWhatWaits(t *testing.T) {
	c := New(discard)
	c.Put([]byte("x"))
	_ = c.Close()
	if n, err := c.Read(make([]byte, 10)); n != 0 || !errors.Is(err, net.ErrClosed) {
		t.Errorf("Read = %d, %v", n, err)
	}
	if c.head != nil || c.tail != nil || c.Len() != 0 {
		t.Error("a closed mailbox holds buffers")
	}
}

func TestWriteHandsOver(t *testing.T) {
	var got []byte
	c := New(func(b []byte) { got = bytes.Clone(b) })
	if n, err := c.Write([]byte("out")); n != 3 || err != nil || string(got) != "out" {
		t.Errorf("Write = %d, %v, handed over %q", n, err, got)
	}
	if c.LocalAddr().Network() != "mailbox" || c.RemoteAddr().String() != "mailbox" {
		t.Error("addresses")
	}
}

// The queue is a FIFO of at most Capacity, whatever is done to it.
func TestQueueModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := New(discard)
		var model [][]byte
		var dropped uint64
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				b := rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, "b")
				ok := c.Put(b)
				if ok != (len(model) < Capacity) {
					t.Fatalf("Put = %v with %d waiting", ok, len(model))
				}
				if ok {
					model = append(model, b)
				} else {
					dropped++
				}
			},
			"read": func(t *rapid.T) {
				if len(model) == 0 {
					return // it would wait
				}
				b := make([]byte, 20)
				n, err := c.Read(b)
				if err != nil || !bytes.Equal(b[:n], model[0]) {
					t.Fatalf("Read = %x, %v, want %x", b[:n], err, model[0])
				}
				model = model[1:]
			},
			"": func(t *rapid.T) {
				if c.Len() != len(model) || c.Dropped() != dropped {
					t.Fatalf("Len %d, Dropped %d, want %d, %d", c.Len(), c.Dropped(), len(model), dropped)
				}
			},
		})
	})
}

func TestConcurrentUse(t *testing.T) {
	c := New(discard)
	var wg sync.WaitGroup
	wg.Go(func() {
		var last byte
		b := make([]byte, 10)
		for {
			n, err := c.Read(b)
			if err != nil {
				return
			}
			if n != 1 || b[0] < last {
				t.Errorf("got %x after %d", b[:n], last)
			}
			last = b[0]
		}
	})
	wg.Go(func() {
		for range 100 {
			_ = c.SetReadDeadline(time.Now().Add(time.Hour))
			_, _ = c.Write([]byte("x"))
		}
	})
	for i := range 250 {
		for !c.Put([]byte{byte(i)}) {
			runtime.Gosched()
		}
	}
	for c.Len() > 0 {
		runtime.Gosched()
	}
	_ = c.Close()
	wg.Wait()
}

func TestPutAndReadDoNotAllocate(t *testing.T) {
	c := New(discard)
	in, out := make([]byte, 1200), make([]byte, 1500)
	if n := testing.AllocsPerRun(1000, func() {
		c.Put(in)
		_, _ = c.Read(out)
		_, _ = c.Write(in)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestIdleMailboxIsSmall(t *testing.T) {
	const n = 1000
	boxes := make([]*Conn, n)
	b := make([]byte, 1200)
	before := heap()
	for i := range boxes {
		boxes[i] = New(discard)
		boxes[i].Put(b) // its buffer goes back to all others
		_, _ = boxes[i].Read(b)
	}
	if each := (heap() - before) / n; each > 512 {
		t.Errorf("an idle mailbox holds %d bytes", each)
	}
	runtime.KeepAlive(boxes)
}

func heap() int {
	runtime.GC()
	runtime.GC() // twice empties sync.Pool
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

func BenchmarkPutRead(b *testing.B) {
	c := New(discard)
	in, out := make([]byte, 1200), make([]byte, 1500)
	b.ReportAllocs()
	for b.Loop() {
		c.Put(in)
		_, _ = c.Read(out)
	}
}
