package worker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gazpacho/pkg/loop"
	"gazpacho/pkg/transport"
	"gazpacho/pkg/tuple"
	"gazpacho/proto"
)

// bomb is an ingress that panics on every datagram that begins with a bang.
type bomb struct {
	handled chan byte
	faults  chan time.Time
}

func (b *bomb) Handle(_ time.Time, datagram []byte, _ tuple.Tuple) {
	if datagram[0] == '!' {
		panic("bang")
	}
	b.handled <- datagram[0]
}

func (b *bomb) LinkClosed(time.Time, tuple.Link) {}
func (b *bomb) Fault(now time.Time)              { b.faults <- now }

// A panic in a packet handler costs the transport it was for, and the packets behind it are handled; more than three in a minute end the
// worker with a *loop.PanicError, of which IsPanic tells.
func TestPanicPolicy(t *testing.T) {
	var log bytes.Buffer // written by the loop, read after it ended
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	w, err := start(t.Context(), Config{
		Channel: "unix:" + filepath.Join(t.TempDir(), "w.sock"), Log: slog.New(slog.NewTextHandler(&log, nil)),
	}, cancel)
	if err != nil {
		t.Fatal(err)
	}
	defer w.channel.Close()
	ended := make(chan error, 1)
	go func() { ended <- w.loop.Run(ctx) }()

	in := &bomb{handled: make(chan byte, 100), faults: make(chan time.Time, 100)}
	bound := make(chan transport.Binding, 1)
	w.loop.Post(func(time.Time) {
		b, err := w.env.Binder.Bind([]proto.ListenInfo{{Protocol: "udp", IP: "127.0.0.1"}}, in)
		if err != nil {
			panic(err)
		}
		bound <- b
	})
	binding := <-bound
	defer binding.Close()
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(binding.Locals()[0].Address))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	send := func(b byte) {
		t.Helper()
		if _, err := conn.Write([]byte{b}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range maxPanics {
		send('!')
		send(byte('a' + i))
		if got := <-in.handled; got != byte('a'+i) {
			t.Fatalf("handled %q", got)
		}
		<-in.faults
	}
	select {
	case err := <-ended:
		t.Fatalf("ended after %d panics: %v", maxPanics, err)
	default:
	}
	send('!')
	err = <-ended
	var p *loop.PanicError
	if !errors.As(err, &p) || p.Value != "bang" || !IsPanic(err) || !strings.Contains(string(p.Stack), "bomb") {
		t.Errorf("ended with %v", err)
	}
	if len(in.faults) != 0 {
		t.Error("the fourth panic was survived")
	}
	if n := strings.Count(log.String(), "level=ERROR msg=panic"); n != maxPanics+1 || !strings.Contains(log.String(), "bang") {
		t.Errorf("%d panics were logged: %s", n, &log)
	}
}

// A panic that is nobody's is logged with its stack, like that of a packet, and once.
func TestFatalPanicIsLogged(t *testing.T) {
	var log strings.Builder
	p := panics{log: slog.New(slog.NewTextHandler(&log, nil))}
	p.fatal(nil)
	p.fatal(errors.New("something else"))
	p.fatal(&loop.PanicError{Where: "batch", Value: "known"})
	p.fatal(fmt.Errorf("wrapped: %w", &loop.PanicError{Where: "post", Value: "bang", Stack: []byte("here")}))
	if !strings.HasSuffix(log.String(), "level=ERROR msg=panic where=post value=bang stack=here\n") || strings.Count(log.String(), "\n") != 1 {
		t.Errorf("%s", &log)
	}
}

// Only panics of the last minute count, and one that belongs to nobody is fatal.
func TestPanicWindow(t *testing.T) {
	p := panics{log: slog.New(slog.DiscardHandler)}
	now := time.Unix(1000, 0)
	if !p.handle(now, "batch", "x", nil) {
		t.Error("a panic without an ingress was survived")
	}
	in := &bomb{faults: make(chan time.Time, 100)}
	p = panics{log: p.log}
	p.serving(in)
	for i := range 50 {
		now = now.Add(panicWindow / maxPanics)
		if p.handle(now, "batch", "x", nil) {
			t.Fatalf("panic %d, one every 20 s, was fatal", i)
		}
	}
	if len(in.faults) != 50 {
		t.Errorf("%d faults", len(in.faults))
	}
	for range maxPanics - 1 {
		p.handle(now, "batch", "x", nil)
	}
	if !p.handle(now, "batch", "x", nil) {
		t.Error("too many in a minute were survived")
	}
}
