package main

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"

	"gazpacho/pkg/auth"
	"gazpacho/pkg/logging"
	"gazpacho/pkg/room"
	"gazpacho/pkg/settings"
	"gazpacho/pkg/supervisor"
)

// config is the settings as they were given; flags.go says what each of them is.
type config struct {
	ConfigFile         string
	Listen             string
	TLSCert, TLSKey    string
	AllowedOrigins     []string
	TrustedProxies     []string
	AuthSecret         string
	AuthSecretFile     string
	AuthJWKS           string
	AuthAlgorithm      string
	AuthIssuer         string
	AuthAudience       string
	InsecureOpen       bool
	RTCListen          []string
	RTCPort            int
	AnnouncedAddresses []string
	MaxIncomingBitrate int
	TURN               turnConfig
	RoomLimits         room.Limits
	RequestRate        float64
	RequestBurst       int
	MaxSocketsPerIP    int
	Workers            int
	WorkerBin          string
	DataDir            string
	AdminListen        string
	Control            string
	LogLevel           string
	LogFormat          string

	Version    string
	Set        *settings.Set                // knows where each came from
	Stderr     io.Writer                    // nil: os.Stderr
	Ready      func(page, admin net.Addr)   // called once it serves; may be nil
	Interfaces func() ([]netip.Addr, error) // addresses of this machine; nil: those it has
}

// checked is the configuration after it was checked.
type checked struct {
	config
	rtc      supervisor.RTC
	count    int         // of workers
	auth     auth.Config // without secret and key set in the open mode
	proxies  []netip.Prefix
	relays   relays
	admin    adminAddress
	level    slog.Level
	warnings []string

	logs *logging.Log // once it runs
	log  *slog.Logger
}

// check finds what is wrong before anything is started, and touches nothing.
func (c config) check() (checked, error) {
	s := checked{config: c}
	if s.Stderr == nil {
		s.Stderr = os.Stderr
	}
	if s.Interfaces == nil {
		s.Interfaces = interfaces
	}
	s.warnings = append(s.warnings, c.Set.Warnings()...)
	for _, f := range []func(*checked) error{
		checkListen, checkOrigins, checkProxies, checkAccess, checkRTC, checkTURN, checkWorkers, checkLimits, checkAdmin, checkControl, checkLog, checkOpen,
	} {
		if err := f(&s); err != nil {
			return s, err
		}
	}
	return s, nil
}

// prepare makes what the settings name, as far as it must be there.
func (s *checked) prepare() error {
	if err := checkWorkerBin(s); err != nil {
		return err
	}
	return makeDataDir(s)
}

// wrong is the error of a setting, where it was given.
func (c config) wrong(setting string, err error) error { return c.Set.Wrong(setting, err) }

// wrongText is wrong without a cause.
func (c config) wrongText(setting, reason string) error { return c.wrong(setting, errors.New(reason)) }
