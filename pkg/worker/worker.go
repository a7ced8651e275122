// Package worker is the media process: dispatches requests, wires sockets to transports.
package worker

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"gazpacho/pkg/data"
	"gazpacho/pkg/dtls"
	"gazpacho/pkg/loop"
	"gazpacho/pkg/router"
	"gazpacho/pkg/socket"
	"gazpacho/pkg/transport"
	"gazpacho/proto"
)

// Config is how a worker is started.
type Config struct {
	Channel     string            // unix:PATH listens there, fd:N uses an inherited socket
	Library     *Library          // instead of Channel: that of the mediasoup library which started the worker
	DetachGrace time.Duration     // how long to forward on after the controller left; 0: not at all
	Certificate *dtls.Certificate // nil: a new one
	Version     string
	Log         *slog.Logger
	Level       *slog.LevelVar // of Log, for worker.updateSettings; may be nil

	TURN Relaying
}

// Worker is one media process. Everything but its channel belongs to the loop.
type Worker struct {
	// passed in
	cfg    Config
	ctx    context.Context // of the worker's life
	cancel context.CancelFunc

	// owned
	instance string
	loop     *loop.Loop
	channel  wire
	links    *socket.Links
	egress   *socket.Egress
	env      *transport.Env
	binder   *binder
	relay    *relay // nil while nothing is relayed
	islands  islands
	panics   panics
	inbox    inbox
	orphan   func() // stops the timer that waits for the next controller; nil while one is attached

	// state
	startedAt time.Time
	profiling atomic.Bool // a profile is being observed
	servers   map[string]*transport.Server
	routers   map[string]*router.Router
	owners    map[string]*router.Router // of every id within a router, the router's own included
}

// Run is the worker's life: it returns nil when the controller asked it to close, left for good, or ctx is done.
func Run(ctx context.Context, cfg Config) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w, err := start(ctx, cfg, cancel)
	if err != nil {
		return err
	}
	served := make(chan error, 1)
	go func() {
		served <- w.channel.Serve()
		w.loop.Post(func(time.Time) { cancel() }) // no channel, no worker
	}()
	go w.listenToOperator()
	if err = w.loop.Run(ctx); err == nil {
		w.end(time.Now())
	}
	w.panics.fatal(err)
	w.channel.Close()
	return errors.Join(err, <-served)
}

// end closes everything. The loop has stopped: this goroutine owns its state now.
func (w *Worker) end(now time.Time) {
	for _, id := range keys(w.routers) {
		w.routers[id].Close(now)
	}
	for _, id := range keys(w.servers) {
		w.servers[id].Close(now)
	}
	if w.relay != nil {
		w.relay.close(now)
	}
	w.egress.Flush()
}

func start(ctx context.Context, cfg Config, cancel context.CancelFunc) (*Worker, error) {
	w := &Worker{
		cfg: cfg, ctx: ctx, cancel: cancel, instance: newInstance(), startedAt: time.Now(), links: socket.NewLinks(),
		servers: make(map[string]*transport.Server),
		routers: make(map[string]*router.Router),
		owners:  make(map[string]*router.Router),
	}
	w.panics.log = cfg.Log
	w.loop = loop.New(loop.Config{
		OnPanic:   w.panics.handle,
		OnBacklog: func(_ time.Time, depth int) { cfg.Log.Warn("post queue is long", "depth", depth) },
	})
	if w.cfg.Certificate == nil {
		certificate, err := dtls.NewCertificate(rand.Reader, time.Now())
		if err != nil {
			return nil, err
		}
		w.cfg.Certificate = certificate
	}
	w.egress = socket.NewEgress(w.links)
	w.loop.OnTurnEnd(w.turnEnd)
	w.binder = &binder{loop: w.loop, links: w.links, egress: w.egress, panics: &w.panics}
	w.islands = newIslands(w.cfg.Certificate, w.loop)
	w.env = &transport.Env{
		Totals: new(transport.Totals),
		Egress: w.egress, Events: events{w}, Timers: w.loop.Timers(), Random: rand.Reader,
		Binder: w.binder, NewDTLS: w.islands.open,
		NewSCTP: w.islands.openSCTP, NewPacketSCTP: w.islands.openPacketSCTP, DataBudget: data.NewBudget(transport.MaxWorkerBuffer, nil),
		Fingerprints: fingerprints(w.cfg.Certificate),
	}
	if cfg.Library != nil {
		w.channel = cfg.Library.serve(w)
		return w, nil
	}
	if err := w.startRelaying(); err != nil {
		return nil, err
	}
	if cfg.Channel == "" {
		w.channel = newSilence()
		return w, nil
	}
	server, err := w.listen(cfg.Channel)
	if err != nil {
		return nil, err
	}
	w.channel = server
	return w, nil
}

// SettingError says which setting keeps the worker from starting.
type SettingError struct {
	Setting string
	Err     error
}

// Error is one line.
func (e *SettingError) Error() string { return e.Setting + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *SettingError) Unwrap() error { return e.Err }

func newInstance() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // does not fail
	return hex.EncodeToString(b[:])
}

func (w *Worker) hello() proto.Hello {
	return proto.Hello{
		Software: "gazpacho", Version: w.cfg.Version, PID: os.Getpid(), Instance: w.instance, Capabilities: []string{},
	}
}

// attached ends the wait for a controller.
func (w *Worker) attached(time.Time) {
	if w.orphan != nil {
		w.orphan()
		w.orphan = nil
	}
}

// detached begins it: media flows on meanwhile.
func (w *Worker) detached(now time.Time) {
	if w.cfg.DetachGrace == 0 {
		w.cancel()
		return
	}
	w.cfg.Log.Warn("controller left, forwarding on", "grace", w.cfg.DetachGrace)
	t := w.loop.Timers().New(func(time.Time) {
		w.cfg.Log.Error("no controller came back")
		w.cancel()
	})
	t.Reset(now.Add(w.cfg.DetachGrace))
	w.orphan = t.Stop
}

// events is the one way up, as the transports see it.
type events struct{ w *Worker }

// Emit writes an event to the channel.
func (e events) Emit(target string, event proto.Event) {
	sent := false
	if event.Payload != nil {
		sent = e.w.channel.NotifyBinary(target, event.Name, event.Body, event.Payload)
	} else {
		sent = e.w.channel.Notify(target, event)
	}
	if !sent {
		e.w.cfg.Log.Error("event could not be encoded", "event", event.Name)
	}
}
