// Command controller takes signaling over HTTPS and WebSocket and runs one worker per CPU core.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"gazpacho/pkg/supervisor"
)

// version is set by the linker.
var version = "dev"

// Exit codes.
const (
	exitOther    = 1
	exitSettings = 42
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := command().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "controller:", err)
		os.Exit(exitCode(err))
	}
}

func exitCode(err error) int {
	var ours *settingError
	var workers *supervisor.SettingError
	if errors.As(err, &ours) || errors.As(err, &workers) {
		return exitSettings
	}
	return exitOther
}

// settingError says which setting keeps the controller from starting.
type settingError struct {
	flag string
	err  error
}

// Error is one line.
func (e *settingError) Error() string { return "--" + e.flag + ": " + e.err.Error() }

// Unwrap returns the cause.
func (e *settingError) Unwrap() error { return e.err }

// command is the command line.
func command() *cobra.Command {
	cfg := config{Version: version}
	c := &cobra.Command{
		Use:   "controller",
		Short: "Gazpacho: a selective forwarding unit for WebRTC, with its signaling and a demo page.",
		Long: `Gazpacho: a selective forwarding unit for WebRTC, with its signaling and a demo page.

The controller serves the page and the signaling on one HTTPS port. Media goes to its workers,
one process per CPU core, each of which listens on one port of its own, UDP and TCP. Without
flags it is ready for tries on this machine and in its network.

Exit codes: 0 asked to end, 42 bad settings, 1 anything else.`,
		Example: `  controller
  controller --listen :443 --tls-cert fullchain.pem --tls-key privkey.pem \
             --announced-address 203.0.113.5
  controller --workers 2 --rtc-listen 10.0.0.7 --rtc-port 50000 --log-format json`,
		Version: version, Args: cobra.NoArgs, SilenceUsage: true, SilenceErrors: true,
		RunE: func(cmd *cobra.Command, _ []string) error { return Run(cmd.Context(), cfg) },
	}
	c.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		return &supervisor.SettingError{Setting: "flags", Err: err}
	})
	c.Args = func(_ *cobra.Command, args []string) error {
		if len(args) > 0 {
			return &supervisor.SettingError{Setting: "flags", Err: fmt.Errorf("unknown argument %q", args[0])}
		}
		return nil
	}
	c.CompletionOptions.DisableDefaultCmd = true
	addFlags(c, &cfg)
	return c
}
