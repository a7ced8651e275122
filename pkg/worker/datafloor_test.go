package worker

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/pion/logging"
	pion "github.com/pion/sctp"
)

// floor is two associations of the library, back to back in memory: what they cost is what nobody who uses them can go below.
type floor struct {
	payload []byte
	from    *pion.Stream
	low     chan struct{}
	arrived chan struct{}
}

func newFloor(b *testing.B, size int) *floor {
	b.Helper()
	one, two := newQueue(), newQueue()
	var ends [2]*pion.Association
	var connecting sync.WaitGroup
	for i, c := range []net.Conn{&queued{in: one, out: two}, &queued{in: two, out: one}} {
		connecting.Go(func() {
			a, err := pion.ClientWithOptions(pion.WithNetConn(c), pion.WithLoggerFactory(&logging.DefaultLoggerFactory{Writer: io.Discard}),
				pion.WithMaxReceiveBufferSize(5_242_880), pion.WithMaxMessageSize(1<<20), pion.WithMTU(1191))
			if err != nil {
				b.Error(err)
			}
			ends[i] = a
		})
	}
	connecting.Wait()
	if b.Failed() {
		b.FailNow()
	}
	f := &floor{payload: make([]byte, size), low: make(chan struct{}, 1), arrived: make(chan struct{}, 1<<16)}
	var to *pion.Stream
	var err error
	if f.from, err = ends[0].OpenStream(1, pion.PayloadTypeWebRTCBinary); err != nil {
		b.Fatal(err)
	}
	if to, err = ends[1].OpenStream(1, pion.PayloadTypeWebRTCBinary); err != nil {
		b.Fatal(err)
	}
	f.from.SetBufferedAmountLowThreshold(512 << 10)
	f.from.OnBufferedAmountLow(func() {
		select {
		case f.low <- struct{}{}:
		default:
		}
	})
	go func() {
		for buffer := make([]byte, size); ; {
			if _, _, err := to.ReadSCTP(buffer); err != nil {
				return
			}
			f.arrived <- struct{}{}
		}
	}()
	b.Cleanup(func() {
		for _, a := range ends {
			_ = a.Close()
		}
	})
	return f
}

// run sends n messages and waits for them.
func (f *floor) run(b *testing.B, n int) {
	b.Helper()
	for range n {
		for f.from.BufferedAmount()+uint64(len(f.payload)) > 768<<10 {
			<-f.low
		}
		if _, err := f.from.WriteSCTP(f.payload, pion.PayloadTypeWebRTCBinary); err != nil {
			b.Fatal(err)
		}
	}
	for range n {
		await(b, f.arrived)
	}
}

// queue is one direction of a path in memory that loses nothing.
type queue struct {
	mu      sync.Mutex
	wake    sync.Cond
	packets [][]byte
	closed  bool
}

func newQueue() *queue {
	q := &queue{}
	q.wake.L = &q.mu
	return q
}

// queued is one end of it. It keeps what it is given to write, which costs nothing and the library allows.
type queued struct{ in, out *queue }

func (c *queued) Read(b []byte) (int, error) {
	c.in.mu.Lock()
	defer c.in.mu.Unlock()
	for len(c.in.packets) == 0 && !c.in.closed {
		c.in.wake.Wait()
	}
	if c.in.closed {
		return 0, net.ErrClosed
	}
	p := c.in.packets[0]
	c.in.packets = c.in.packets[1:]
	return copy(b, p), nil
}

func (c *queued) Write(b []byte) (int, error) {
	c.out.mu.Lock()
	defer c.out.mu.Unlock()
	c.out.packets = append(c.out.packets, b)
	c.out.wake.Signal()
	return len(b), nil
}

func (c *queued) Close() error {
	c.in.mu.Lock()
	defer c.in.mu.Unlock()
	c.in.closed = true
	c.in.wake.Broadcast()
	return nil
}

func (c *queued) LocalAddr() net.Addr              { return nil }
func (c *queued) RemoteAddr() net.Addr             { return nil }
func (c *queued) SetDeadline(time.Time) error      { return nil }
func (c *queued) SetReadDeadline(time.Time) error  { return nil }
func (c *queued) SetWriteDeadline(time.Time) error { return nil }
