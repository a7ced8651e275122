// Command worker is the media process. A controller starts it, or any program that speaks the channel protocol (proto/PROTOCOL.md).
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"gazpacho/pkg/logging"
	"gazpacho/pkg/worker"
)

// version is set by the linker.
var version = "dev"

// Exit codes.
const (
	exitOther    = 1
	exitSettings = 42
	exitPanic    = 70
)

func main() {
	signal.Ignore(syscall.SIGPIPE, syscall.SIGHUP, syscall.SIGALRM, syscall.SIGUSR1, syscall.SIGUSR2)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if args := os.Args[1:]; isDropIn(args) {
		if err := dropIn(ctx, args); err != nil {
			fmt.Fprintln(os.Stderr, "worker:", err)
			os.Exit(libraryExit(err))
		}
		return
	}
	if err := command().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		os.Exit(exitCode(err))
	}
}

func exitCode(err error) int {
	var setting *worker.SettingError
	switch {
	case errors.As(err, &setting):
		return exitSettings
	case worker.IsPanic(err):
		return exitPanic
	default:
		return exitOther
	}
}

// options are the flags.
type options struct {
	channel, logLevel, logFormat string
	certificate, key             string
	detachGrace                  time.Duration
}

func command() *cobra.Command {
	var o options
	c := &cobra.Command{
		Use:   "worker --channel unix:PATH",
		Short: "The media process of Gazpacho: ICE, DTLS, SRTP and forwarding on one core.",
		Long: `The media process of Gazpacho: ICE, DTLS, SRTP and forwarding on one core.

A worker does nothing by itself. It waits for a controller on its channel, a Unix socket
that carries requests, responses and events in msgpack (proto/PROTOCOL.md). The controller
starts one worker per CPU; any other program may do the same.

Exit codes: 0 asked to end, 42 bad settings, 70 panic, 1 anything else.`,
		Example: `  worker --channel unix:/run/gazpacho/w0.sock
  worker --channel fd:3`,
		Version: version, Args: noArgs, SilenceUsage: true, SilenceErrors: true,
		RunE: func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), o) },
	}
	c.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &worker.SettingError{Setting: "flags", Err: err} })
	f := c.Flags()
	f.SortFlags = false
	f.StringVar(&o.channel, "channel", "", "where the controller comes: unix:PATH listens there, fd:N is an inherited socket")
	f.DurationVar(&o.detachGrace, "detach-grace", time.Minute, "how long media flows on after the controller left; 0 ends the worker at once")
	f.StringVar(&o.certificate, "dtls-certificate", "", "PEM file with the DTLS certificate; without one it is made at start")
	f.StringVar(&o.key, "dtls-key", "", "PEM file with its ECDSA key")
	f.StringVar(&o.logLevel, "log-level", "info", "debug, info, warn, error or none")
	f.StringVar(&o.logFormat, "log-format", "text", "text or json, on standard error")
	return c
}

func noArgs(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return &worker.SettingError{Setting: "arguments", Err: fmt.Errorf("there are none, but %q was given", args[0])}
	}
	return nil
}

func run(ctx context.Context, o options) error {
	cfg, err := config(o)
	if err != nil {
		return err
	}
	var level slog.LevelVar
	level.Set(cfg.level)
	log := logging.New(os.Stderr, logging.Config{Level: &level, Format: o.logFormat, Attrs: []slog.Attr{slog.Int("worker", os.Getpid())}})
	defer log.Close() // the last words matter most, those of a panic above all
	cfg.Log, cfg.Level = log.Logger(), &level
	// One thread for the loop, one for readers, garbage collection and handshakes.
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(min(2, runtime.NumCPU()))
	}
	return worker.Run(ctx, cfg.Config)
}

// settings are the options after they were checked.
type settings struct {
	worker.Config
	level slog.Level
}

func config(o options) (settings, error) {
	if o.channel == "" {
		return settings{}, &worker.SettingError{Setting: "channel", Err: errors.New("is missing: give --channel unix:PATH or fd:N")}
	}
	if o.detachGrace < 0 {
		return settings{}, &worker.SettingError{Setting: "detach-grace", Err: fmt.Errorf("%v is negative", o.detachGrace)}
	}
	level, ok := worker.ParseLevel(o.logLevel)
	if !ok {
		return settings{}, &worker.SettingError{Setting: "log-level", Err: fmt.Errorf("%q is not debug, info, warn, error or none", o.logLevel)}
	}
	if o.logFormat != "text" && o.logFormat != "json" {
		return settings{}, &worker.SettingError{Setting: "log-format", Err: fmt.Errorf("%q is not text or json", o.logFormat)}
	}
	certificate, err := worker.LoadCertificate(o.certificate, o.key)
	if err != nil {
		return settings{}, err
	}
	return settings{worker.Config{
		Channel: o.channel, DetachGrace: o.detachGrace, Certificate: certificate, Version: version,
	}, level}, nil
}
