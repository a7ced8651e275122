package socket

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// faulty is a socket that fails as its script says, and then has a datagram.
type faulty struct {
	script []error
	reads  int
}

func (f *faulty) read(pool *Pool, cancel <-chan struct{}) (*Batch, leftOut, error) {
	if f.reads++; f.reads <= len(f.script) {
		err := f.script[f.reads-1]
		if err == nil {
			return pool.Take(cancel), leftOut{tooLong: 2, empty: 1}, nil // nothing but datagrams of a wrong length
		}
		return pool.Take(cancel), leftOut{}, err
	}
	b := pool.Take(cancel)
	if b == nil {
		return nil, leftOut{}, net.ErrClosed
	}
	b.Append([]byte("good"), loopback4)
	return b, leftOut{}, nil
}

func (*faulty) readOn(*Pool) (*Batch, leftOut, error) { return nil, leftOut{}, nil }
func (f *faulty) send(*Egress, uint16)                {}
func (f *faulty) local() netip.AddrPort               { return loopback4 }
func (f *faulty) buffers() (send, recv int)           { return 0, 0 }
func (f *faulty) kernelDrops() uint64                 { return 0 }
func (f *faulty) close() error                        { return nil }

func errs(n int, err error) []error {
	script := make([]error, n)
	for i := range script {
		script[i] = err
	}
	return script
}

// SECURITY.md R-ICE-7: whatever a socket reports, its reader counts it and goes on.
func TestReadErrorsAreCounted(t *testing.T) {
	tests := []struct {
		name   string
		script []error
		want   UDPStats
		took   time.Duration
	}{
		{"nothing wrong", nil, UDPStats{}, 0},
		{"refused", errs(3, os.NewSyscallError("recvmmsg", syscall.ECONNREFUSED)), UDPStats{Unreachable: 3}, 0},
		{"host unreachable", errs(100, syscall.EHOSTUNREACH), UDPStats{Unreachable: 100}, 0},
		{"too long, or empty", errs(2, nil), UDPStats{TooLong: 4, Empty: 2}, 0},
		{"no memory, once", errs(1, syscall.ENOMEM), UDPStats{Failures: 1}, 0},
		// From the ninth failure on the reader pauses, so that it does not burn a core.
		{"no memory, for long", errs(108, syscall.ENOMEM), UDPStats{Failures: 108}, time.Second},
		{"no number", errs(1, errors.New("odd")), UDPStats{Failures: 1}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				u := &UDP{conn: &faulty{script: tt.script}, closed: make(chan struct{}), links: NewLinks()}
				pool := NewPool(1)
				start := time.Now()
				b, err := u.ReadBatch(pool)
				if err != nil {
					t.Fatal(err)
				}
				if took := time.Since(start); took != tt.took {
					t.Errorf("took %v, want %v", took, tt.took)
				}
				if _, data, _ := b.Next(); string(data) != "good" {
					t.Errorf("got %q", data)
				}
				b.Release()
				want := tt.want
				want.Packets, want.Bytes, want.Batches = 1, 4, 1
				if got := u.Stats(); got != want || pool.InUse() != 0 {
					t.Errorf("stats %+v, want %+v, %d batches lost", got, want, pool.InUse())
				}
			})
		})
	}
}

// Close ends a reader that pauses, and one whose socket fails for ever.
func TestCloseEndsAFailingReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := &UDP{conn: &faulty{script: errs(1<<20, syscall.ENOMEM)}, closed: make(chan struct{}), links: NewLinks()}
		ended := make(chan error)
		go func() {
			_, err := u.ReadBatch(NewPool(1))
			ended <- err
		}()
		time.Sleep(5 * time.Millisecond)
		start := time.Now()
		u.Close()
		if err := <-ended; !errors.Is(err, net.ErrClosed) || time.Since(start) != 0 {
			t.Errorf("ReadBatch = %v after %v", err, time.Since(start))
		}
	})
}
