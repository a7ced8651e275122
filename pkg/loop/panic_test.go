package loop

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gazpacho/pkg/socket"
)

var errBroken = errors.New("broken")

// A packet that makes a handler panic costs itself: the packets behind it are handled, in its batch
// and in others.
func TestPanicOfOnePacket(t *testing.T) {
	var told []string
	cfg := Config{OnPanic: func(now time.Time, where string, value any, stack []byte) bool {
		told = append(told, where)
		if value != errBroken || !strings.Contains(string(stack), "TestPanicOfOnePacket") || now.IsZero() {
			t.Errorf("told of %v at %v:\n%s", value, now, stack)
		}
		return false
	}}
	running(t, cfg, func(t *testing.T, l *Loop, stop func() error) {
		var handled []byte
		sink := l.Sink(func(_ time.Time, b *socket.Batch) {
			for {
				_, data, ok := b.Next()
				if !ok {
					return
				}
				if data[0]%3 == 1 {
					panic(errBroken)
				}
				handled = append(handled, data[0])
			}
		})
		sink(batchOf(l, 8, time.Now()))
		sink(batchOf(l, 1, time.Now()))
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(handled, []byte{0, 2, 3, 5, 6, 0}) || len(told) != 3 || told[0] != "batch" {
			t.Errorf("handled %v, told %v", handled, told)
		}
		if l.Pool().InUse() != 0 {
			t.Error("the batch was not released")
		}
	})
}

// A handler that panics before it takes a packet would do so for ever.
func TestPanicWithoutProgress(t *testing.T) {
	calls := 0
	cfg := Config{OnPanic: func(time.Time, string, any, []byte) bool { return false }}
	running(t, cfg, func(t *testing.T, l *Loop, stop func() error) {
		sink := l.Sink(func(_ time.Time, b *socket.Batch) {
			calls++
			panic(errBroken)
		})
		sink(batchOf(l, 8, time.Now()))
		if err := stop(); err != nil || calls != 1 || l.Pool().InUse() != 0 {
			t.Errorf("Run = %v after %d calls, %d batches in use", err, calls, l.Pool().InUse())
		}
	})
}

func TestFatalPanics(t *testing.T) {
	boom := func(time.Time) { panic(errBroken) }
	tests := []struct {
		where string
		cfg   Config
		cause func(l *Loop)
	}{
		{"batch", Config{}, func(l *Loop) {
			l.Sink(func(now time.Time, _ *socket.Batch) { boom(now) })(batchOf(l, 1, time.Now()))
		}},
		{"batch", Config{OnPanic: func(time.Time, string, any, []byte) bool { return true }}, func(l *Loop) {
			l.Sink(func(now time.Time, _ *socket.Batch) { boom(now) })(batchOf(l, 1, time.Now()))
		}},
		{"post", Config{}, func(l *Loop) { l.Post(boom) }},
		{"timer", Config{}, func(l *Loop) { l.Timers().New(boom).Reset(time.Now()) }},
		{"turn end", Config{}, func(l *Loop) { l.OnTurnEnd(boom) }},
	}
	for _, tt := range tests {
		t.Run(tt.where, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := New(tt.cfg)
				tt.cause(l)
				l.Post(func(time.Time) {}) // wakes it
				err := l.Run(context.Background())
				var p *PanicError
				if !errors.As(err, &p) || p.Where != tt.where || !errors.Is(err, errBroken) {
					t.Fatalf("Run = %v", err)
				}
				if !strings.Contains(string(p.Stack), "TestFatalPanics") {
					t.Errorf("stack:\n%s", p.Stack)
				}
				if want := "loop: panic in " + tt.where + ": broken"; err.Error() != want {
					t.Errorf("error %q, want %q", err, want)
				}
			})
		})
	}
}

func TestPanicErrorWithoutError(t *testing.T) {
	err := &PanicError{Where: "post", Value: "text"}
	if errors.Unwrap(err) != nil || err.Error() != "loop: panic in post: text" {
		t.Errorf("%v unwraps to %v", err, errors.Unwrap(err))
	}
}
