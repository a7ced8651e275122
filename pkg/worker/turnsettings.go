package worker

import (
	"crypto/tls"
	"errors"
	"fmt"
	"math"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"gazpacho/pkg/turn"
	"gazpacho/proto"
)

// turnPlan is proto.TURNSettings, understood.
type turnPlan struct {
	config      turn.Config
	listen      []turnListen
	certificate *tls.Certificate                  // of tls and dtls
	media       []netip.AddrPort                  // of other workers, as clients call them
	mediaAt     map[netip.AddrPort]netip.AddrPort // where they are, if that is elsewhere
}

// turnListen is one listener of TURN's own.
type turnListen struct {
	transport turn.Transport
	at        netip.AddrPort
}

func (l turnListen) String() string { return l.transport.String() + ":" + l.at.String() }

// turnField is what is wrong with one of the settings: the path of its field.
type turnField struct {
	path string
	err  error
}

// turnFlags are the flags that say the fields of proto.TURNSettings.
var turnFlags = map[string]string{
	"listen": "turn-listen", "realm": "turn-realm", "users": "turn-user", "secrets": "turn-secret", "relayAddresses": "turn-relay-address",
	"minPort": "turn-relay-ports", "maxPort": "turn-relay-ports", "maxLifetime": "turn-max-lifetime", "nonceLifetime": "turn-nonce-lifetime",
	"allowPeers": "turn-allow-peer", "denyPeers": "turn-deny-peer", "mediaPorts": "turn-media-port", "certificate": "turn-tls-cert",
	"key": "turn-tls-key", "alternates": "turn-alternate-server", "quotas.perUser": "turn-user-quota", "quotas.perIp": "turn-ip-quota",
	"quotas.total": "turn-total-quota", "quotas.permissions": "turn-permissions", "quotas.channels": "turn-channels",
	"quotas.bitrate": "turn-max-bitrate", "quotas.packetRate": "turn-max-packet-rate",
}

// setting is the error as the program's start tells it.
func (f *turnField) setting() *SettingError {
	return &SettingError{Setting: turnFlags[f.path], Err: f.err}
}

// turnConfigFields are the fields of turn.Config and the settings they are made of.
var turnConfigFields = map[string]string{
	"Realm": "realm", "Users": "users", "Secrets": "secrets", "Relays": "relayAddresses", "MinPort": "minPort", "MaxPort": "maxPort",
	"MaxLifetime": "maxLifetime", "NonceLifetime": "nonceLifetime", "AllowPeers": "allowPeers", "DenyPeers": "denyPeers",
	"AlternateServers": "alternates", "Quotas.PerUser": "quotas.perUser", "Quotas.PerIP": "quotas.perIp", "Quotas.Total": "quotas.total",
	"Quotas.Permissions": "quotas.permissions", "Quotas.Channels": "quotas.channels", "Quotas.Bitrate": "quotas.bitrate", "Quotas.PacketRate": "quotas.packetRate",
}

// fieldOf tells which setting the core does not like.
func fieldOf(err error) *turnField {
	var e *turn.ConfigError
	if errors.As(err, &e) {
		if path := turnConfigFields[e.Setting]; path != "" {
			return &turnField{path, e.Err}
		}
	}
	return &turnField{"realm", err}
}

// planTURN reads the settings. What the core checks itself is left to it.
func planTURN(s *proto.TURNSettings) (*turnPlan, *turnField) {
	p := &turnPlan{config: turn.Config{
		Realm: s.Realm, Software: "Gazpacho", Users: s.Users, MinPort: s.MinPort, MaxPort: s.MaxPort, MaxLifetime: time.Duration(s.MaxLifetime) * time.Second,
		NonceLifetime: time.Duration(s.NonceLifetime) * time.Second, Mobility: s.Mobility, TCPRelay: s.TCPRelay,
		Quotas: turn.Quotas(s.Quotas),
	}}
	for _, secret := range s.Secrets {
		if secret == "" {
			return nil, &turnField{"secrets", errors.New("one is empty")}
		}
		p.config.Secrets = append(p.config.Secrets, []byte(secret))
	}
	for _, read := range []func(*proto.TURNSettings) *turnField{p.readListen, p.readRelays, p.readPeers, p.readCertificate, p.checkPorts, p.checkTimes} {
		if wrong := read(s); wrong != nil {
			return nil, wrong
		}
	}
	p.config.Own = p.own()
	return p, nil
}

// own is the addresses of this machine, and those it has for others: what goes to one of them comes back.
func (p *turnPlan) own() []netip.Addr {
	list := ownAddresses()
	for _, r := range p.config.Relays {
		if r.Announced.IsValid() {
			list = append(list, r.Announced.Unmap())
		}
	}
	for _, a := range p.media {
		list = append(list, a.Addr())
	}
	return list
}

// checkPorts finds what would be a range of none.
func (p *turnPlan) checkPorts(s *proto.TURNSettings) *turnField {
	low, high := s.MinPort, s.MaxPort
	if high == 0 {
		high = 65535
	}
	if low == 0 {
		low = 49152
	}
	if high < low {
		return &turnField{"minPort", fmt.Errorf("%d to %d is not a range of ports", low, high)}
	}
	return nil
}

// checkTimes finds what no duration can hold; what is too long or too short is left to the core.
func (p *turnPlan) checkTimes(s *proto.TURNSettings) *turnField {
	for _, f := range []struct {
		path    string
		seconds int
	}{{"maxLifetime", s.MaxLifetime}, {"nonceLifetime", s.NonceLifetime}} {
		if f.seconds < 0 || f.seconds > math.MaxInt32 {
			return &turnField{f.path, fmt.Errorf("%d is not 0 to %d", f.seconds, math.MaxInt32)}
		}
	}
	return nil
}

func (p *turnPlan) readListen(s *proto.TURNSettings) *turnField {
	for _, text := range s.Listen {
		name, address, _ := strings.Cut(text, ":")
		transport, ok := turnTransports[name]
		at, err := netip.ParseAddrPort(address)
		if !ok || err != nil || at.Port() == 0 && !at.Addr().IsLoopback() {
			return &turnField{"listen", fmt.Errorf("%q is not udp:, tcp:, tls: or dtls: and an address with a port, such as udp:0.0.0.0:3478", text)}
		}
		l := turnListen{transport, at}
		if slices.Contains(p.listen, l) && at.Port() != 0 {
			return &turnField{"listen", fmt.Errorf("%s is there twice", l)}
		}
		p.listen = append(p.listen, l)
		p.config.ListenPorts = append(p.config.ListenPorts, at.Port())
	}
	return nil
}

var turnTransports = map[string]turn.Transport{"udp": turn.UDP, "tcp": turn.TCP, "tls": turn.TLS, "dtls": turn.DTLS}

// readRelays takes where relays are bound. If nothing is said it is where TURN listens, or all of this machine's public addresses, or what there is.
func (p *turnPlan) readRelays(s *proto.TURNSettings) *turnField {
	for _, text := range s.RelayAddresses {
		local, announced, given := strings.Cut(text, "=")
		a := turn.RelayAddress{}
		var err error
		if a.Local, err = netip.ParseAddr(local); err == nil && given {
			a.Announced, err = netip.ParseAddr(announced)
		}
		if err != nil || a.Local.IsUnspecified() || a.Local.IsMulticast() {
			return &turnField{"relayAddresses", fmt.Errorf("%q is not an address of this machine, or two with = between them", text)}
		}
		p.config.Relays = append(p.config.Relays, a)
	}
	if len(p.config.Relays) == 0 {
		p.config.Relays = p.guessRelays()
	}
	if len(p.config.Relays) == 0 {
		return &turnField{"relayAddresses", errors.New("is missing, and this machine has no address to take instead")}
	}
	return nil
}

// checkRelays finds addresses that are not this machine's, on which every allocation would fail. Those of listeners are seen when they are opened.
func (p *turnPlan) checkRelays() *turnField {
	for _, r := range p.config.Relays {
		if slices.ContainsFunc(p.listen, func(l turnListen) bool { return l.at.Addr() == r.Local }) {
			continue
		}
		u, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(r.Local, 0)))
		if err != nil {
			return &turnField{"relayAddresses", fmt.Errorf("nothing can be relayed on %v: %w", r.Local, err)}
		}
		u.Close()
	}
	return nil
}

// guessRelays takes one address of each family.
func (p *turnPlan) guessRelays() (list []turn.RelayAddress) {
	var candidates []netip.Addr
	for _, l := range p.listen {
		if ip := l.at.Addr().Unmap(); !ip.IsUnspecified() {
			candidates = append(candidates, ip)
		}
	}
	if len(candidates) == 0 {
		candidates = ownAddresses()
		slices.SortStableFunc(candidates, func(a, b netip.Addr) int { return rank(a) - rank(b) })
	}
	for _, is4 := range []bool{true, false} {
		i := slices.IndexFunc(candidates, func(ip netip.Addr) bool { return ip.Is4() == is4 && !ip.IsLinkLocalUnicast() })
		if i >= 0 {
			list = append(list, turn.RelayAddress{Local: candidates[i]})
		}
	}
	return list
}

// rank prefers what peers elsewhere can reach.
func rank(ip netip.Addr) int {
	switch {
	case ip.IsLoopback():
		return 2
	case ip.IsPrivate():
		return 1
	}
	return 0
}

func (p *turnPlan) readPeers(s *proto.TURNSettings) *turnField {
	var wrong *turnField
	if p.config.AllowPeers, wrong = prefixes("allowPeers", s.AllowPeers); wrong != nil {
		return wrong
	}
	if p.config.DenyPeers, wrong = prefixes("denyPeers", s.DenyPeers); wrong != nil {
		return wrong
	}
	if wrong = p.readMedia(s.MediaPorts); wrong != nil {
		return wrong
	}
	p.config.AlternateServers, wrong = addrPorts("alternates", s.Alternates)
	return wrong
}

// readMedia takes ports of media, as clients call them, or that and where they are on this machine.
func (p *turnPlan) readMedia(texts []string) (wrong *turnField) {
	p.mediaAt = make(map[netip.AddrPort]netip.AddrPort)
	for _, text := range texts {
		called, at, elsewhere := strings.Cut(text, "=")
		list, wrong := addrPorts("mediaPorts", []string{called})
		if wrong != nil {
			return wrong
		}
		p.media = append(p.media, list[0])
		if !elsewhere {
			continue
		}
		there, wrong := addrPorts("mediaPorts", []string{at})
		if wrong != nil {
			return wrong
		}
		p.mediaAt[list[0]] = there[0]
	}
	return nil
}

// prefixes reads addresses with or without a length. Bits behind the length are a mistake: it is not known which of the two is meant.
func prefixes(path string, texts []string) (list []netip.Prefix, wrong *turnField) {
	for _, text := range texts {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			ip, ipErr := netip.ParseAddr(text)
			if ipErr != nil || ip.Zone() != "" {
				return nil, &turnField{path, fmt.Errorf("%q is not a prefix such as 10.0.0.0/8", text)}
			}
			prefix = netip.PrefixFrom(ip, ip.BitLen())
		}
		if prefix.Masked() != prefix {
			return nil, &turnField{path, fmt.Errorf("%q has bits behind its length: is it %s?", text, prefix.Masked())}
		}
		list = append(list, prefix)
	}
	return list, nil
}

func addrPorts(path string, texts []string) (list []netip.AddrPort, wrong *turnField) {
	for _, text := range texts {
		a, err := netip.ParseAddrPort(text)
		if err != nil || a.Port() == 0 {
			return nil, &turnField{path, fmt.Errorf("%q is not an address with a port", text)}
		}
		list = append(list, netip.AddrPortFrom(a.Addr().Unmap(), a.Port()))
	}
	return list, nil
}

// readCertificate takes what TLS and DTLS need, which is needed if one of them is listened on.
func (p *turnPlan) readCertificate(s *proto.TURNSettings) *turnField {
	needed := slices.ContainsFunc(p.listen, func(l turnListen) bool { return l.transport == turn.TLS || l.transport == turn.DTLS })
	switch {
	case s.Certificate == "" && s.Key == "" && !needed:
		return nil
	case s.Certificate == "":
		return &turnField{"certificate", errors.New("is missing: tls and dtls take a certificate and its key")}
	case s.Key == "":
		return &turnField{"key", errors.New("is missing: tls and dtls take a certificate and its key")}
	}
	c, err := tls.X509KeyPair([]byte(s.Certificate), []byte(s.Key))
	if err != nil {
		return &turnField{"certificate", err}
	}
	p.certificate = &c
	return nil
}

// ownAddresses are those of this machine.
func ownAddresses() (list []netip.Addr) {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok {
			if ip, ok := netip.AddrFromSlice(n.IP); ok {
				list = append(list, ip.Unmap())
			}
		}
	}
	return list
}
