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

	"github.com/spf13/cobra"

	"gazpacho/pkg/logging"
	"gazpacho/pkg/settings"
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
	if args := os.Args[1:]; isDropIn(args) {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
		defer stop()
		if err := dropIn(ctx, args); err != nil {
			fmt.Fprintln(os.Stderr, "worker:", err)
			os.Exit(libraryExit(err))
		}
		return
	}
	if err := command().ExecuteContext(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		os.Exit(exitCode(err))
	}
}

func exitCode(err error) int {
	var setting *worker.SettingError
	var placed *settings.Error
	switch {
	case errors.As(err, &setting), errors.As(err, &placed):
		return exitSettings
	case worker.IsPanic(err):
		return exitPanic
	default:
		return exitOther
	}
}

func command() *cobra.Command {
	o := newOptions()
	c := &cobra.Command{
		Use:   "worker",
		Short: "The media process of Gazpacho: ICE, DTLS, SRTP, forwarding and TURN on one core.",
		Long: `The media process of Gazpacho: ICE, DTLS, SRTP, forwarding and TURN on one core.

A worker does nothing by itself. It waits for a controller on its channel, a Unix socket
that carries requests, responses and events in msgpack (proto/PROTOCOL.md). The controller
starts one worker per CPU; any other program may do the same.

With --turn-realm it is a TURN server, too: on the ports of media, and on those of
--turn-listen. That needs no controller: without a channel a worker only relays. SIGHUP
reads users, secrets, certificates and limits again; SIGTERM ends the worker with its last
allocation, or after --turn-drain; a second one at once.

A YAML file (--config) and the environment say the same as flags: the file by the flag's
name, the environment by GAZPACHO_WORKER_ and the name in capitals.

Exit codes: 0 asked to end, 42 bad settings, 70 panic, 1 anything else.`,
		Example: `  worker --channel unix:/run/gazpacho/w0.sock
  worker --channel fd:3
  worker --turn-listen udp:0.0.0.0:3478,tcp:0.0.0.0:3478 --turn-realm example.org --turn-user-file users`,
		Version: version, Args: noArgs, SilenceUsage: true, SilenceErrors: true,
		RunE: func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), o) },
	}
	c.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return o.set.FlagError(err) })
	c.Flags().SortFlags = false
	c.Flags().AddFlagSet(o.set.Flags())
	c.SetUsageFunc(func(c *cobra.Command) error {
		fmt.Fprintf(c.OutOrStderr(), "Usage:\n  worker [flags]\n\nExamples:\n%s\n", c.Example)
		o.set.WriteUsage(c.OutOrStderr(), helpWidth)
		fmt.Fprintf(c.OutOrStderr(), "\nOther:\n  -h, --help      this text\n  -v, --version   the version\n")
		return nil
	})
	return c
}

// helpWidth is the width of the help, in columns.
const helpWidth = 100

func noArgs(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return &worker.SettingError{Setting: "arguments", Err: fmt.Errorf("there are none, but %q was given", args[0])}
	}
	return nil
}

func run(ctx context.Context, o *options) error {
	environ := os.Environ()
	if err := o.load(environ); err != nil {
		return err
	}
	again := func() (*options, error) { return reread(os.Args[1:], environ) }
	certificate, err := worker.LoadCertificate(o.certificate, o.key)
	if err != nil {
		return o.placed(err)
	}
	var level slog.LevelVar
	level.Set(o.level)
	log := logging.New(os.Stderr, logging.Config{Level: &level, Format: o.logFormat, Attrs: []slog.Attr{slog.Int("worker", os.Getpid())}})
	defer log.Close() // the last words matter most, those of a panic above all
	for _, warning := range o.set.Warnings() {
		log.Logger().Warn(warning)
	}
	// One thread for the loop, one for readers, garbage collection and handshakes.
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(min(2, runtime.NumCPU()))
	}
	cfg := worker.Config{
		Channel: o.channel, DetachGrace: o.detachGrace, Certificate: certificate, Version: version, Log: log.Logger(), Level: &level,
	}
	ctx, stop := signal.NotifyContext(ctx, o.endings()...)
	defer stop()
	if o.relaying != nil {
		ctx, stop = context.WithCancel(ctx)
		defer stop()
		s := newSignals()
		go s.watch(ctx, log.Logger(), o.channel == "", again, stop)
		cfg.TURN = worker.Relaying{Settings: o.relaying, Reload: s.reload, Drain: s.drain, DrainFor: o.turn.drain}
	}
	releaseFile()
	return o.placed(worker.Run(ctx, cfg))
}
