package main

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

const (
	// maxWorkers is more than any machine's cores; what is beyond is a mistake.
	maxWorkers = 1024
	// minBitrate is less than any medium needs, bit/s; workers ask for no less.
	minBitrate = 30_000

	defaultDataDirHelp = "$XDG_DATA_HOME/gazpacho or ~/.local/share/gazpacho"
)

// checkListen leaves it to the operating system whether the address is one of this machine, and the port free.
func checkListen(s *checked) error {
	if _, _, err := net.SplitHostPort(s.Listen); err != nil {
		return s.wrong("listen", fmt.Errorf("%q is not HOST:PORT or :PORT", s.Listen))
	}
	switch {
	case s.TLSCert != "" && s.TLSKey == "":
		return s.wrongText("tls-cert", "goes with --tls-key: give both or none")
	case s.TLSCert == "" && s.TLSKey != "":
		return s.wrongText("tls-key", "goes with --tls-cert: give both or none")
	}
	return nil
}

// checkOrigins takes what signaling compares with a browser's Origin: *, a scheme with a host, or a host.
func checkOrigins(s *checked) error {
	for _, text := range s.AllowedOrigins {
		if text == "*" {
			continue
		}
		origin := text
		if !strings.Contains(origin, "://") {
			origin = "https://" + origin
		}
		u, err := url.Parse(origin)
		if err != nil || u.Host == "" || u.Path != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil || strings.ContainsAny(u.Host, "* ") {
			return s.wrong("allowed-origin", fmt.Errorf("%q is not an origin such as https://app.example, a host name, or *", text))
		}
	}
	return nil
}

// checkProxies takes prefixes, and addresses as prefixes of one. Bits beyond a prefix's length are a typing error more often than
// not: 10.0.0.1/8 may be meant to be one address or all of its network.
func checkProxies(s *checked) error {
	s.proxies = nil
	for _, text := range s.TrustedProxies {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			var a netip.Addr
			if a, err = netip.ParseAddr(text); err == nil && a.Zone() == "" {
				p = netip.PrefixFrom(a, a.BitLen())
			}
		}
		if !p.IsValid() || p != p.Masked() {
			return s.wrong("trusted-proxy", fmt.Errorf("%q is not an address or a prefix such as 10.0.0.0/8", text))
		}
		if p.Bits() == 0 {
			return s.wrong("trusted-proxy", fmt.Errorf("%q is everybody, who could then pretend to be anybody", text))
		}
		s.proxies = append(s.proxies, p)
	}
	return nil
}

// checkRTC checks the form of addresses only: which of them this machine has, the workers find out when they bind.
func checkRTC(s *checked) error {
	s.rtc.Listen = nil
	for _, text := range s.RTCListen {
		a, err := netip.ParseAddr(strings.Trim(text, "[]")) // as in URLs
		if err != nil || a.Zone() != "" {
			return s.wrong("rtc-listen", fmt.Errorf("%q is not an IP address", text))
		}
		s.rtc.Listen = append(s.rtc.Listen, a.Unmap())
	}
	if len(s.rtc.Listen) == 0 {
		return s.wrongText("rtc-listen", "no address is given")
	}
	if s.RTCPort < 0 || s.RTCPort > 65535 {
		return s.wrong("rtc-port", fmt.Errorf("%d is not 0 to 65535", s.RTCPort))
	}
	for _, a := range s.AnnouncedAddresses {
		if a == "" || strings.ContainsAny(a, " /") {
			return s.wrong("announced-address", fmt.Errorf("%q is not an address or host name", a))
		}
	}
	s.rtc.Port, s.rtc.Announced = s.RTCPort, s.AnnouncedAddresses
	return nil
}

// checkWorkers counts: every worker has a port of its own.
func checkWorkers(s *checked) error {
	if s.Workers < 0 || s.Workers > maxWorkers {
		return s.wrong("workers", fmt.Errorf("%d is not 0 to %d", s.Workers, maxWorkers))
	}
	if s.count = s.Workers; s.count == 0 {
		s.count = runtime.NumCPU()
	}
	if s.RTCPort != 0 && s.RTCPort+s.count-1 > 65535 {
		return s.wrong("rtc-port", fmt.Errorf("%d workers from port %d on need ports above 65535", s.count, s.RTCPort))
	}
	return nil
}

// checkLimits refuses limits that let nothing through: each of them would look like a fault.
func checkLimits(s *checked) error {
	for _, l := range s.quotas() {
		if *l.value < 1 || *l.value > math.MaxInt32 {
			return s.wrong(l.setting, fmt.Errorf("%d is not 1 to %d", *l.value, math.MaxInt32))
		}
	}
	if !(s.RequestRate > 0 && s.RequestRate <= 1e6) { // nor is it NaN
		return s.wrong("request-rate", fmt.Errorf("%v is not more than 0, up to 1000000", s.RequestRate))
	}
	if s.MaxIncomingBitrate != 0 && s.MaxIncomingBitrate < minBitrate {
		return s.wrong("max-incoming-bitrate", fmt.Errorf("%d is neither 0 nor %d or more", s.MaxIncomingBitrate, minBitrate))
	}
	return nil
}

// checkLog takes the levels that workers take, too; none is above all that slog has.
func checkLog(s *checked) error {
	levels := map[string]slog.Level{
		"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError, "none": slog.LevelError + 100,
	}
	level, ok := levels[s.LogLevel]
	if !ok {
		return s.wrong("log-level", fmt.Errorf("%q is not debug, info, warn, error or none", s.LogLevel))
	}
	if s.level = level; s.LogFormat != "text" && s.LogFormat != "json" {
		return s.wrong("log-format", fmt.Errorf("%q is not text or json", s.LogFormat))
	}
	return nil
}

// checkWorkerBin finds the worker program now, when it can be told in one line, rather than when it is to be started.
func checkWorkerBin(s *checked) error {
	if s.WorkerBin == "" {
		own, err := os.Executable()
		if err != nil {
			return s.wrong("worker-bin", err)
		}
		s.WorkerBin = filepath.Join(filepath.Dir(own), "worker")
	}
	info, err := os.Stat(s.WorkerBin)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return s.wrong("worker-bin", fmt.Errorf("there is no %s: run `make build`, or name the worker program", s.WorkerBin))
	case err != nil:
		return s.wrong("worker-bin", err)
	case info.IsDir() || info.Mode()&0o111 == 0:
		return s.wrong("worker-bin", fmt.Errorf("%s is not a program", s.WorkerBin))
	}
	// exec takes names without a slash from PATH, which is not what was checked.
	if s.WorkerBin, err = filepath.Abs(s.WorkerBin); err != nil {
		return s.wrong("worker-bin", err)
	}
	return nil
}

// makeDataDir makes it for its owner alone: there is a key in it.
func makeDataDir(s *checked) error {
	if s.DataDir == "" {
		s.DataDir = defaultDataDir()
	}
	if err := os.MkdirAll(s.DataDir, 0o700); err != nil {
		return s.wrong("data-dir", err)
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
