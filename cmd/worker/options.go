package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/pflag"

	"gazpacho/pkg/settings"
	"gazpacho/pkg/worker"
	"gazpacho/proto"
)

// variablePrefix begins the names of the environment's settings. Those of a controller begin otherwise, and are inherited.
const variablePrefix = "GAZPACHO_WORKER_"

// options are the flags.
type options struct {
	set *settings.Set

	config              string
	channel             string
	logLevel, logFormat string
	certificate, key    string
	detachGrace         time.Duration
	turn                turnOptions
	level               slog.Level // of logLevel, once checked
	relaying            *proto.TURNSettings
}

func newOptions() *options {
	o := &options{set: settings.New("worker", variablePrefix)}
	o.set.Group("Process", func(f *pflag.FlagSet) {
		f.StringVar(&o.channel, "channel", "", "where the controller comes: unix:PATH listens there, fd:N is an inherited socket")
		f.DurationVar(&o.detachGrace, "detach-grace", time.Minute, "how long media flows on after the controller left; 0 ends the worker at once")
		f.StringVar(&o.certificate, "dtls-certificate", "", "PEM `file` with the DTLS certificate; without one it is made at start")
		f.StringVar(&o.key, "dtls-key", "", "PEM `file` with its ECDSA key")
		f.StringVar(&o.logLevel, "log-level", "info", "debug, info, warn, error or none")
		f.StringVar(&o.logFormat, "log-format", "text", "text or json, on standard error")
		f.StringVar(&o.config, "config", "", "YAML `file` with any of these settings, by the flags' names")
	})
	o.turn.define(o.set)
	return o
}

// load takes the settings from all places, once the command line was parsed.
func (o *options) load(environ []string) error {
	if err := o.set.Load(environ); err != nil {
		return err
	}
	for _, name := range o.set.SecretVariables() {
		if err := os.Unsetenv(name); err != nil {
			return err
		}
	}
	return o.check()
}

// reread takes them once more, as they are now.
func reread(args, environ []string) (*options, error) {
	o := newOptions()
	if err := o.set.Flags().Parse(args); err != nil {
		return nil, err
	}
	return o, o.load(environ)
}

// check looks at what the flags' types do not say.
func (o *options) check() error {
	if o.detachGrace < 0 {
		return o.set.Wrong("detach-grace", fmt.Errorf("%v is negative", o.detachGrace))
	}
	var ok bool
	if o.level, ok = worker.ParseLevel(o.logLevel); !ok {
		return o.set.Wrong("log-level", fmt.Errorf("%q is not debug, info, warn, error or none", o.logLevel))
	}
	if o.logFormat != "text" && o.logFormat != "json" {
		return o.set.Wrong("log-format", fmt.Errorf("%q is not text or json", o.logFormat))
	}
	var err error
	if o.relaying, err = o.turn.settings(o.set); err != nil {
		return err
	}
	if o.channel == "" && o.relaying == nil {
		return o.set.Wrong("channel", errors.New("is missing: give --channel unix:PATH or fd:N, or --turn-listen to relay without a controller"))
	}
	return nil
}

// placed says where a setting was given that the worker does not like.
func (o *options) placed(err error) error {
	var wrong *worker.SettingError
	if errors.As(err, &wrong) && o.set.Flags().Lookup(wrong.Setting) != nil {
		return o.set.Wrong(wrong.Setting, wrong.Err)
	}
	return err
}
