package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"

	"gazpacho/pkg/admin"
	"gazpacho/pkg/auth"
	"gazpacho/pkg/limit"
	"gazpacho/pkg/logging"
	"gazpacho/pkg/room"
	"gazpacho/pkg/signaling"
	"gazpacho/pkg/supervisor"
	"gazpacho/pkg/web"
	"gazpacho/proto"
)

// Times of the HTTPS server. A client has 5 s for its handshake and as many for its headers (SECURITY.md R-WS-1), and little more for
// the whole of a request, none of which is long.
const (
	headerTimeout  = 5 * time.Second
	requestTimeout = 6 * time.Second
	answerTimeout  = 30 * time.Second
	idleTimeout    = 10 * time.Second // a socket that a page left open counts as a stranger's, and many people share an address
	goodbyeTimeout = 2 * time.Second
	maxHeader      = 16 << 10
)

// controller is what runs.
type controller struct {
	checked
	certificates *certificates
	// turnCertificates are those of relays; nil: they have the page's, or need none.
	turnCertificates *certificates
	verify           func(ctx context.Context, token string) (auth.Grant, error) // nil: open
	listener         *limit.Listener
	adminAt          net.Listener // nil: nowhere
	controlAt        net.Listener // nil: nowhere
	workers          *supervisor.Supervisor
}

// Run is the controller's life: it returns nil when ctx has ended and everything is cleaned up.
func Run(ctx context.Context, cfg config) error {
	s, err := cfg.check()
	if err != nil {
		return err
	}
	if err := s.prepare(); err != nil {
		return err
	}
	s.logs = logging.New(s.Stderr, logging.Config{Level: s.level, Format: s.LogFormat})
	defer s.logs.Close()
	s.log = s.logs.Logger()
	ctx, end := context.WithCancel(ctx)
	defer end()
	c := &controller{checked: s}
	defer c.close()
	if err := c.start(ctx); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	return c.serve(ctx, end)
}

// start makes everything that may fail, in the order of what it costs: a mistake is found before processes are started. What it has
// made when it fails, close closes.
func (c *controller) start(ctx context.Context) (err error) {
	if !c.open() {
		settings := c.auth
		settings.Log = c.log
		verifier, err := auth.New(ctx, settings)
		if err != nil {
			return c.wrongAuth(err)
		}
		c.verify = func(ctx context.Context, token string) (auth.Grant, error) {
			return verifier.Verify(ctx, token, time.Now())
		}
	}
	if c.certificates, err = newCertificates(c.checked, time.Now()); err != nil {
		return err
	}
	if c.turnCertificates, err = newTURNCertificates(c.checked, time.Now()); err != nil {
		return err
	}
	relaying, err := c.turnSettings()
	if err != nil {
		return err
	}
	l, err := listen(c.Listen)
	if err != nil {
		return c.wrong("listen", err)
	}
	c.listener = limit.NewListener(l, limit.ListenerConfig{Unauthenticated: c.MaxSocketsPerIP, Trusted: c.proxies})
	if c.adminAt, err = c.admin.listen(); err != nil {
		return c.wrong("admin-listen", err)
	}
	if c.controlAt, err = c.listenControl(); err != nil {
		return c.wrong("control", err)
	}
	c.workers, err = startWorkers(ctx, c.checked, relaying)
	return err
}

// close ends what start began, in the other order. What has ended already does not mind.
func (c *controller) close() {
	if c.workers != nil {
		c.workers.Close()
	}
	if c.adminAt != nil {
		c.adminAt.Close()
	}
	if c.controlAt != nil {
		c.controlAt.Close()
	}
	if c.listener != nil {
		c.listener.Close()
	}
}

// listen says in words what operators meet most.
func listen(address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		err = fmt.Errorf("%s is in use", address)
	case errors.Is(err, syscall.EACCES):
		err = fmt.Errorf("%s needs more rights than this user has", address)
	}
	return l, err
}

// startWorkers starts them all, and waits until each has its sockets: from then on every room finds a place. What they say is held back until they run: when a setting is wrong, one line says so.
func startWorkers(ctx context.Context, s checked, relaying *proto.TURNSettings) (*supervisor.Supervisor, error) {
	out := &output{log: s.logs}
	workers, err := supervisor.Start(ctx, supervisor.Config{
		Workers: s.count, WorkerBin: s.WorkerBin, Args: []string{"--log-level", s.LogLevel, "--log-format", s.LogFormat},
		RTC: s.rtc, TURN: relaying, TURNEvent: turnEvent(s.log), Log: s.log, Output: out.line,
	})
	var setting *supervisor.SettingError
	if errors.As(err, &setting) {
		name := setting.Setting
		if name == "worker" { // it did not take what we told it
			name = "worker-bin"
		}
		return nil, s.wrong(name, setting.Err)
	}
	out.release()
	return workers, err
}

// services are what answers.
type services struct {
	rooms     *room.Rooms
	signaling *signaling.Server
	admin     *admin.Server
}

// services puts them together: limits and rights go down as values, figures come up as functions.
func (c *controller) services() services {
	rooms := room.New(room.Config{Place: c.workers.Place, Limits: c.RoomLimits, MaxIncomingBitrate: c.MaxIncomingBitrate, TURN: c.relays.clients, Log: c.log})
	clients := signaling.New(signaling.Config{
		Rooms: rooms, Page: web.Handler(), Version: "Gazpacho " + c.Version, Verify: c.verify, Origins: c.AllowedOrigins, TrustedProxies: c.proxies,
		Limits: signaling.Limits{RequestRate: c.RequestRate, RequestBurst: c.RequestBurst, UnauthenticatedPerIP: c.MaxSocketsPerIP}, Log: c.log,
	})
	operators := admin.New(admin.Config{
		Version: c.Version, Workers: c.workers, Rooms: rooms.Stats, Signaling: clients.Stats, Sockets: c.listener.Stats, Lines: c.logs.Stats, Log: c.log,
	})
	return services{rooms, clients, operators}
}

// serve answers until ctx ends, then says goodbye in the order from the outside in. Whoever calls end ends it.
func (c *controller) serve(ctx context.Context, end context.CancelFunc) error {
	s := c.services()
	var others sync.WaitGroup
	defer others.Wait()
	defer end()
	asked, hangups := make(chan struct{}, 1), catchHangups()
	others.Go(func() { c.watchCertificates(ctx, asked) })
	others.Go(func() { hangups.watch(ctx, asked, end) })

	public, private := httpsServer(c, s.signaling), adminServer(c.checked, s.admin.Handler())
	defer private.Close()
	served := make(chan error, 3)
	endControl := c.serveControl(served)
	defer endControl()
	if c.adminAt != nil {
		go func() { served <- private.Serve(c.adminAt) }()
	}
	go func() {
		served <- public.Serve(tls.NewListener(c.listener, &tls.Config{
			GetCertificate: c.certificates.certificate, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"},
		}))
	}()
	s.admin.SetReady(true)
	c.announce()
	var err error
	select {
	case <-ctx.Done():
		c.log.Info("ending")
	case err = <-served:
	}
	s.admin.SetReady(false)
	c.goodbye(ctx, s, public)
	return err
}

// goodbye lets clients hear it, for a while.
func (c *controller) goodbye(ctx context.Context, s services, public *http.Server) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), goodbyeTimeout)
	defer cancel()
	c.listener.Close()
	s.rooms.Close()
	s.signaling.Wait(ctx)
	s.signaling.Close()
	_ = public.Shutdown(ctx) // what is left after that ends with us
	public.Close()
}

// httpsServer speaks HTTP/1.1 only, which WebSockets need. Its times hold until a WebSocket takes over.
func httpsServer(c *controller, handler http.Handler) *http.Server {
	return &http.Server{
		Handler: handler, ReadHeaderTimeout: headerTimeout, ReadTimeout: requestTimeout, WriteTimeout: answerTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: maxHeader, ConnContext: c.listener.ConnContext, ErrorLog: errorLog(c.checked),
	}
}

// errorLog hears of handshakes that fail, which is daily life on an open port.
func errorLog(s checked) *log.Logger { return slog.NewLogLogger(s.log.Handler(), slog.LevelDebug) }
