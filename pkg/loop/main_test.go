package loop

import (
	"context"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"gazpacho/pkg/socket"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var peerAddr = netip.MustParseAddrPort("192.0.2.1:5000")

// running runs a loop in a bubble of virtual time, where f acts from outside; stop ends it and
// returns what Run returned.
func running(t *testing.T, cfg Config, f func(t *testing.T, l *Loop, stop func() error)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l := New(cfg)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- l.Run(ctx) }()
		stop := func() error {
			cancel()
			err := <-ended
			ended <- err
			return err
		}
		f(t, l, stop)
		_ = stop()
	})
}

// batchOf makes a batch of n packets, numbered from 0, that was read at the given time.
func batchOf(l *Loop, n int, at time.Time) *socket.Batch {
	b := l.Pool().Take(nil)
	b.At = at
	for i := range n {
		b.Append([]byte{byte(i)}, peerAddr)
	}
	return b
}

// drain counts the packets that are left in a batch.
func drain(b *socket.Batch) (n int) {
	for {
		if _, _, ok := b.Next(); !ok {
			return n
		}
		n++
	}
}

// on runs f on the loop and waits for it.
func on(l *Loop, f func(now time.Time)) {
	done := make(chan struct{})
	l.Post(func(now time.Time) {
		defer close(done)
		f(now)
	})
	<-done
}
