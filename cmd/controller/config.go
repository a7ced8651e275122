package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"gazpacho/pkg/supervisor"
)

// maxWorkers is more than any machine's cores; what is beyond is a mistake.
const maxWorkers = 1024

const defaultDataDirHelp = "$XDG_DATA_HOME/gazpacho or ~/.local/share/gazpacho"

// config is the settings as they come from the command line.
type config struct {
	Listen             string
	TLSCert, TLSKey    string
	RTCListen          []string
	RTCPort            int
	AnnouncedAddresses []string
	Workers            int
	WorkerBin          string
	DataDir            string
	LogLevel           string
	LogFormat          string
	Version            string

	Stderr io.Writer           // nil: os.Stderr
	Ready  func(page net.Addr) // called once it serves; may be nil
}

// settings is the configuration after it was checked.
type settings struct {
	config
	rtc supervisor.RTC
	log *slog.Logger
}

// check finds what is wrong before anything is started.
func (c config) check() (settings, error) {
	s := settings{config: c}
	if s.Stderr == nil {
		s.Stderr = os.Stderr
	}
	for _, f := range []func(*settings) error{checkListen, checkRTC, checkWorkers, checkDataDir, checkLog} {
		if err := f(&s); err != nil {
			return s, err
		}
	}
	return s, nil
}

func checkListen(s *settings) error {
	if _, _, err := net.SplitHostPort(s.Listen); err != nil {
		return &settingError{"listen", fmt.Errorf("%q is not HOST:PORT or :PORT", s.Listen)}
	}
	if (s.TLSCert == "") != (s.TLSKey == "") {
		return &settingError{"tls-cert", errors.New("goes with --tls-key: give both or none")}
	}
	return nil
}

func checkRTC(s *settings) error {
	for _, text := range s.RTCListen {
		a, err := netip.ParseAddr(strings.Trim(strings.TrimSpace(text), "[]"))
		if err != nil || a.Zone() != "" {
			return &settingError{"rtc-listen", fmt.Errorf("%q is not an IP address", text)}
		}
		s.rtc.Listen = append(s.rtc.Listen, a.Unmap())
	}
	if s.RTCPort < 0 || s.RTCPort > 65535 {
		return &settingError{"rtc-port", fmt.Errorf("%d is not 0 to 65535", s.RTCPort)}
	}
	for _, a := range s.AnnouncedAddresses {
		if a == "" || strings.ContainsAny(a, " /") {
			return &settingError{"announced-address", fmt.Errorf("%q is not an address or host name", a)}
		}
	}
	s.rtc.Port, s.rtc.Announced = s.RTCPort, s.AnnouncedAddresses
	return nil
}

func checkWorkers(s *settings) error {
	if s.Workers < 1 || s.Workers > maxWorkers {
		return &settingError{"workers", fmt.Errorf("%d is not 1 to %d", s.Workers, maxWorkers)}
	}
	if s.RTCPort != 0 && s.RTCPort+s.Workers-1 > 65535 {
		return &settingError{"rtc-port", fmt.Errorf("%d workers from port %d on need ports above 65535", s.Workers, s.RTCPort)}
	}
	if s.WorkerBin == "" {
		own, err := os.Executable()
		if err != nil {
			return &settingError{"worker-bin", err}
		}
		s.WorkerBin = filepath.Join(filepath.Dir(own), "worker")
	}
	info, err := os.Stat(s.WorkerBin)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return &settingError{"worker-bin", fmt.Errorf("there is no %s: run `make build`, or name the worker program", s.WorkerBin)}
	case err != nil:
		return &settingError{"worker-bin", err}
	case info.IsDir() || info.Mode()&0o111 == 0:
		return &settingError{"worker-bin", fmt.Errorf("%s is not a program", s.WorkerBin)}
	}
	// exec takes names without a slash from PATH, which is not what was checked.
	if s.WorkerBin, err = filepath.Abs(s.WorkerBin); err != nil {
		return &settingError{"worker-bin", err}
	}
	return nil
}

func checkDataDir(s *settings) error {
	if s.DataDir == "" {
		s.DataDir = defaultDataDir()
	}
	if err := os.MkdirAll(s.DataDir, 0o700); err != nil {
		return &settingError{"data-dir", err}
	}
	return nil
}

// defaultDataDir follows the XDG base directory specification; services without a home have /var/lib.
func defaultDataDir() string {
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "gazpacho")
	}
	if home, err := os.UserHomeDir(); err == nil {
		return filepath.Join(home, ".local", "share", "gazpacho")
	}
	return "/var/lib/gazpacho"
}

func checkLog(s *settings) error {
	levels := map[string]slog.Level{
		"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError, "none": slog.LevelError + 100,
	}
	level, ok := levels[s.LogLevel]
	if !ok {
		return &settingError{"log-level", fmt.Errorf("%q is not debug, info, warn, error or none", s.LogLevel)}
	}
	options := &slog.HandlerOptions{Level: level}
	switch s.LogFormat {
	case "text":
		s.log = slog.New(slog.NewTextHandler(s.Stderr, options))
	case "json":
		s.log = slog.New(slog.NewJSONHandler(s.Stderr, options))
	default:
		return &settingError{"log-format", fmt.Errorf("%q is not text or json", s.LogFormat)}
	}
	return nil
}
