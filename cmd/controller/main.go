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

	"gazpacho/pkg/settings"
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

// exitCode tells scripts and service managers what is worth another try: a wrong setting is not.
func exitCode(err error) int {
	var setting *settings.Error
	if errors.As(err, &setting) {
		return exitSettings
	}
	return exitOther
}

// command is the command line. Every command takes all settings, since each of them is about the same controller.
func command() *cobra.Command {
	cfg := newConfig()
	c := &cobra.Command{
		Use:   "controller",
		Short: "Gazpacho: a selective forwarding unit for WebRTC, with its signaling and a demo page.",
		Long: `Gazpacho: a selective forwarding unit for WebRTC, with its signaling and a demo page.

The controller serves the page and the signaling on one HTTPS port. Media goes to its workers,
one process per CPU core, each of which listens on one port of its own, UDP and TCP. Without
settings it is ready for tries on this machine and in its network, and open to everybody there.

Every flag is a setting. A YAML file (--config) and the environment say the same: the file by the
flag's name, the environment by GAZPACHO_ and the name in capitals, such as GAZPACHO_RTC_PORT. The
command line goes before the environment, and that before the file.

Exit codes: 0 asked to end, 42 bad settings, 1 anything else.`,
		Example: `  controller
  controller --config /etc/gazpacho.yaml
  controller --listen :443 --tls-cert fullchain.pem --tls-key privkey.pem \
             --announced-address 203.0.113.5 --auth-secret-file secret
  controller --workers 2 --rtc-listen 10.0.0.7 --rtc-port 50000 --log-format json`,
		Version: version, SilenceUsage: true, SilenceErrors: true, Args: noArgs,
		PersistentPreRunE: func(*cobra.Command, []string) error { return load(cfg) },
		RunE:              func(cmd *cobra.Command, _ []string) error { return Run(cmd.Context(), *cfg) },
	}
	c.PersistentFlags().AddFlagSet(cfg.Set.Flags())
	c.AddCommand(configCommand(cfg), tokenCommand(cfg))
	c.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return cfg.Set.FlagError(err) })
	c.CompletionOptions.DisableDefaultCmd = true
	c.SuggestionsMinimumDistance = 2
	c.SetHelpCommand(&cobra.Command{Hidden: true}) // --help does
	setHelp(c, cfg.Set)
	return c
}

// load takes the settings from all places. Secrets of the environment are forgotten there: workers would inherit them, and with them
// whatever a crash of theirs leaves behind.
func load(cfg *config) error {
	if err := cfg.Set.Load(os.Environ()); err != nil {
		return err
	}
	for _, name := range cfg.Set.SecretVariables() {
		if err := os.Unsetenv(name); err != nil {
			return err
		}
	}
	return nil
}

// noArgs refuses words that are neither flags nor commands.
func noArgs(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := ""
	if near := c.SuggestionsFor(args[0]); len(near) > 0 {
		hint = fmt.Sprintf("; did you mean %s?", near[0])
	}
	return &settings.Error{Where: "command line", Err: fmt.Errorf("unknown argument %q%s", args[0], hint)}
}
