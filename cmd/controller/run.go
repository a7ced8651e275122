package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"

	"gazpacho/pkg/room"
	"gazpacho/pkg/signaling"
	"gazpacho/pkg/supervisor"
	"gazpacho/pkg/web"
)

// Times of the HTTPS server. A client has 5 s for its handshake and headers (SECURITY.md R-WS-1).
const (
	headerTimeout   = 5 * time.Second
	bodyTimeout     = 15 * time.Second
	answerTimeout   = 30 * time.Second
	idleTimeout     = 2 * time.Minute
	goodbyeTimeout  = 2 * time.Second
	maxHeader       = 16 << 10
	maxWorkerOutput = 64 << 10 // kept while starting
)

// Run is the controller's life: it returns nil when ctx has ended and everything is cleaned up.
func Run(ctx context.Context, cfg config) error {
	s, err := cfg.check()
	if err != nil {
		return err
	}
	cert, err := certificate(s, time.Now())
	if err != nil {
		return err
	}
	listener, err := listen(s.Listen)
	if err != nil {
		return err
	}
	defer listener.Close()
	workers, err := startWorkers(ctx, s)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	defer workers.Close()
	return serve(ctx, s, workers, tls.NewListener(listener, &tls.Config{
		Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"},
	}))
}

func listen(address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		err = fmt.Errorf("%s is in use", address)
	case errors.Is(err, syscall.EACCES):
		err = fmt.Errorf("%s needs more rights than this user has", address)
	case err == nil:
		return l, nil
	}
	return nil, &settingError{"listen", err}
}

// startWorkers starts them all. What they say is held back until they run: when a setting is wrong, one line says so.
func startWorkers(ctx context.Context, s settings) (*supervisor.Supervisor, error) {
	out := &output{settings: s}
	workers, err := supervisor.Start(ctx, supervisor.Config{
		Workers: s.Workers, WorkerBin: s.WorkerBin, Args: []string{"--log-level", s.LogLevel, "--log-format", s.LogFormat},
		RTC: s.rtc, Log: s.log, Output: out.line,
	})
	var setting *supervisor.SettingError
	if errors.As(err, &setting) {
		return nil, &settingError{setting.Setting, setting.Err}
	}
	out.release()
	return workers, err
}

// serve answers until ctx ends, then says goodbye in the order from the outside in.
func serve(ctx context.Context, s settings, workers *supervisor.Supervisor, l net.Listener) error {
	rooms := room.New(room.Config{Place: workers.Place, Log: s.log})
	handler := signaling.New(signaling.Config{Rooms: rooms, Page: web.Handler(), Version: "Gazpacho " + s.Version, Log: s.log})
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: headerTimeout, ReadTimeout: bodyTimeout, WriteTimeout: answerTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		// Handshakes that fail are daily life on an open port.
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	announce(s, l.Addr())
	var err error
	select {
	case <-ctx.Done():
		s.log.Info("ending")
	case err = <-served:
	}
	goodbye, cancel := context.WithTimeout(context.WithoutCancel(ctx), goodbyeTimeout)
	defer cancel()
	l.Close()
	rooms.Close()
	handler.Wait(goodbye)
	handler.Close()
	_ = server.Shutdown(goodbye) // what is left after that ends with us
	server.Close()
	return err
}

// announce says what a stranger wants to know first.
func announce(s settings, address net.Addr) {
	host := "localhost"
	port := 0
	if a, ok := address.(*net.TCPAddr); ok {
		port = a.Port
		if !a.IP.IsUnspecified() && !a.IP.IsLoopback() {
			host = a.IP.String()
		}
	}
	ports := "any free"
	if s.RTCPort != 0 {
		ports = fmt.Sprintf("%d-%d", s.RTCPort, s.RTCPort+s.Workers-1)
	}
	s.log.Info("Gazpacho is ready", "page", fmt.Sprintf("https://%s", net.JoinHostPort(host, fmt.Sprint(port))),
		"workers", s.Workers, "mediaPorts", ports, "version", s.Version)
	if s.TLSCert == "" {
		s.log.Info("the certificate is self-signed: browsers ask once whether you trust it", "data", s.DataDir)
	}
	if !web.Bundled() {
		s.log.Warn("this program was built without the demo page: run `make build`")
	}
	if s.Ready != nil {
		s.Ready(address)
	}
}
