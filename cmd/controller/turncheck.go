package main

import (
	"fmt"
	"math"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"gazpacho/pkg/settings"
	"gazpacho/proto"
)

// checkTURNListen takes a transport and an address with a port. Which of them this machine has, the workers find out when they bind.
func checkTURNListen(s *checked, w *proto.TURNSettings) error {
	s.relays.secure = false
	for i, text := range w.Listen {
		transport, address, _ := strings.Cut(text, ":")
		at, err := netip.ParseAddrPort(address)
		if err != nil || at.Port() == 0 || at.Addr().Zone() != "" || !slices.Contains([]string{"udp", "tcp", "tls", "dtls"}, transport) {
			return s.wrong("turn-listen", fmt.Errorf("%q is not udp:, tcp:, tls: or dtls: and an address with a port, such as udp:0.0.0.0:3478", text))
		}
		if slices.Contains(w.Listen[:i], text) {
			return s.wrong("turn-listen", fmt.Errorf("%s is there twice", text))
		}
		s.relays.secure = s.relays.secure || transport == "tls" || transport == "dtls"
	}
	return nil
}

// maxRealm is the longest that fits an answer to a stranger that is not much longer than the question.
const maxRealm = 60

func checkTURNRealm(s *checked, w *proto.TURNSettings) error {
	if w.Realm == "" {
		return s.wrongText("turn-realm", "is empty, and part of every user's key")
	}
	if len(w.Realm) > maxRealm || strings.ContainsAny(w.Realm, "\"\\") || strings.ContainsFunc(w.Realm, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return s.wrong("turn-realm", fmt.Errorf("has at most %d bytes, none of them a quotation mark, a backslash or a control character", maxRealm))
	}
	return nil
}

// checkTURNUsers names no password.
func checkTURNUsers(s *checked, w *proto.TURNSettings) error {
	for _, text := range s.TURN.Users {
		name, password, _ := strings.Cut(text, ":")
		switch {
		case name == "" || password == "":
			return s.wrongText("turn-user", "a user is a name and a password with : between them")
		case w.Users[name] != "":
			return s.wrong("turn-user", fmt.Errorf("%q is there twice", name))
		}
		w.Users[name] = password
	}
	if len(w.Users) > 0 && s.Set.Origin("turn-user").Flag() {
		s.warnPublic("turn-user")
	}
	return nil
}

func checkTURNSecrets(s *checked, w *proto.TURNSettings) error {
	w.Secrets = slices.Clone(s.TURN.Secrets)
	if len(w.Secrets) > 0 && s.Set.Origin("turn-secret").Flag() {
		s.warnPublic("turn-secret")
	}
	file := s.TURN.SecretFile
	if file == "" {
		return nil
	}
	if len(w.Secrets) > 0 {
		return s.wrongText("turn-secret-file", "goes alone: give it or turn-secret")
	}
	text, info, err := settings.ReadFile(file, maxSecretFile)
	if err != nil {
		return s.wrong("turn-secret-file", err)
	}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" {
			w.Secrets = append(w.Secrets, line)
		}
	}
	if len(w.Secrets) == 0 {
		return s.wrong("turn-secret-file", fmt.Errorf("%s is empty; %s", file, secretHint))
	}
	if settings.ReadableByOthers(info) {
		s.warnings = append(s.warnings, fmt.Sprintf("turn-secret-file: every user of the machine can read it: chmod 600 %s", file))
	}
	return nil
}

// warnPublic says what is said every time a secret stands on the command line.
func (s *checked) warnPublic(setting string) {
	s.warnings = append(s.warnings, fmt.Sprintf("--%s: every user of this machine can read the command line; %s and the configuration file keep it",
		setting, variablePrefix+strings.ToUpper(strings.ReplaceAll(setting, "-", "_"))))
}

func checkTURNAddresses(s *checked, w *proto.TURNSettings) error {
	for _, text := range w.RelayAddresses {
		local, announced, given := strings.Cut(text, "=")
		a, err := netip.ParseAddr(local)
		b := a
		if err == nil && given {
			b, err = netip.ParseAddr(announced)
		}
		if err != nil || a.Zone() != "" || b.Zone() != "" || a.IsUnspecified() || b.IsUnspecified() || a.IsMulticast() || b.IsMulticast() || a.Is4() != b.Is4() {
			return s.wrong("turn-relay-address", fmt.Errorf("%q is not an address of this machine, or two of one IP version with = between them", text))
		}
	}
	return nil
}

// checkTURNPorts takes a range such as 49152-65535, with room for a pair (EVEN-PORT).
func checkTURNPorts(s *checked, w *proto.TURNSettings) error {
	low, high, _ := strings.Cut(s.TURN.Ports, "-")
	first, err := strconv.ParseUint(low, 10, 16)
	last, err2 := strconv.ParseUint(high, 10, 16)
	switch {
	case err != nil || err2 != nil:
		return s.wrong("turn-relay-ports", fmt.Errorf("%q is not a range of ports such as 49152-65535", s.TURN.Ports))
	case first < 1024 || last <= first:
		return s.wrong("turn-relay-ports", fmt.Errorf("%q is not a range of two ports or more from 1024", s.TURN.Ports))
	}
	w.MinPort, w.MaxPort = uint16(first), uint16(last)
	return nil
}

// checkTURNPeers takes prefixes as trusted-proxy does: bits beyond the length are a typing error.
func checkTURNPeers(s *checked, _ *proto.TURNSettings) error {
	for _, f := range []struct {
		setting string
		list    []string
	}{{"turn-allow-peer", s.TURN.AllowPeers}, {"turn-deny-peer", s.TURN.DenyPeers}} {
		for _, text := range f.list {
			p, err := netip.ParsePrefix(text)
			if err != nil {
				var a netip.Addr
				if a, err = netip.ParseAddr(text); err == nil && a.Zone() == "" {
					p = netip.PrefixFrom(a, a.BitLen())
				}
			}
			if !p.IsValid() || p != p.Masked() {
				return s.wrong(f.setting, fmt.Errorf("%q is not an address or a prefix such as 10.0.0.0/8", text))
			}
		}
	}
	return nil
}

func checkTURNTimes(s *checked, _ *proto.TURNSettings) error {
	for _, f := range []struct {
		setting     string
		value, most time.Duration
	}{
		{"turn-max-lifetime", s.TURN.MaxLifetime, 24 * time.Hour},
		{"turn-nonce-lifetime", s.TURN.NonceLifetime, time.Hour},
		{"turn-credential-lifetime", s.TURN.CredentialLifetime, 7 * 24 * time.Hour},
	} {
		if f.value < time.Second || f.value > f.most {
			return s.wrong(f.setting, fmt.Errorf("%v is not 1s to %v", f.value, f.most))
		}
	}
	return nil
}

func checkTURNCertificate(s *checked, _ *proto.TURNSettings) error {
	for _, f := range []struct{ setting, file, other, value string }{
		{"turn-tls-cert", s.TURN.TLSCert, "turn-tls-key", s.TURN.TLSKey}, {"turn-tls-key", s.TURN.TLSKey, "turn-tls-cert", s.TURN.TLSCert},
	} {
		switch {
		case f.file == "":
		case f.value == "":
			return s.wrongText(f.setting, "goes with --"+f.other+": give both or none")
		default:
			if _, err := os.Stat(f.file); err != nil {
				return s.wrong(f.setting, err)
			}
		}
	}
	return nil
}

func checkTURNQuotas(s *checked, _ *proto.TURNSettings) error {
	for _, q := range s.TURN.quotas() {
		if *q.value < 0 || *q.value > math.MaxInt32 {
			return s.wrong(q.setting, fmt.Errorf("%d is not 0 to %d", *q.value, math.MaxInt32))
		}
	}
	return nil
}

// turnURL is what RFC 7065 has. A host may be a name, an IPv4 address, or an IPv6 address in brackets.
var turnURL = regexp.MustCompile(`^turns?:(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(:[0-9]{1,5})?(\?transport=(udp|tcp))?$`)

// checkTURNURLs finds what clients are told.
func checkTURNURLs(s *checked, w *proto.TURNSettings) error {
	for _, text := range s.TURN.URLs {
		if !turnURL.MatchString(text) {
			return s.wrong("turn-url", fmt.Errorf("%q is not a URL such as turns:turn.example.org:443?transport=tcp", text))
		}
	}
	s.relays.clients.URLs = s.TURN.URLs
	if len(s.TURN.URLs) > 0 || len(w.Listen) == 0 {
		return nil
	}
	urls, err := s.rtc.TURNURLs(w.Listen)
	if err != nil {
		return s.wrong("turn-listen", err)
	}
	s.relays.clients.URLs = urls
	return nil
}
