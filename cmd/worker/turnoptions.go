package main

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"gazpacho/pkg/settings"
	"gazpacho/proto"
)

// turnOptions are the flags about relaying, which proto.TURNSettings is made of.
type turnOptions struct {
	listen, users, secrets, relayAddresses, allowPeers, denyPeers, mediaPorts, alternates []string
	realm, userFile, secretFile, relayPorts, certificate, key                             string
	maxLifetime, nonceLifetime, drain                                                     time.Duration
	quotas                                                                                proto.TURNQuotas
	mobility, tcpRelay                                                                    bool
}

func (o *turnOptions) define(set *settings.Set) {
	set.Group("TURN", func(f *pflag.FlagSet) {
		settings.ListVar(f, &o.listen, "turn-listen", nil, "`addresses` of TURN's own: udp:, tcp:, tls: or dtls: and an address with a port, such as udp:0.0.0.0:3478")
		f.StringVar(&o.realm, "turn-realm", "", "what credentials are for, such as example.org")
		settings.ListVar(f, &o.users, "turn-user", nil, "`name:password` of a user; other users of this machine see it, the file's they don't")
		f.StringVar(&o.userFile, "turn-user-file", "", "`file` with lines of name:password")
		settings.ListVar(f, &o.secrets, "turn-secret", nil, "`secret` of credentials that expire: user EXPIRY:NAME, password base64(HMAC-SHA1(secret, user))")
		f.StringVar(&o.secretFile, "turn-secret-file", "", "`file` with a secret in each line")
		settings.ListVar(f, &o.relayAddresses, "turn-relay-address", nil, "`addresses` that relays are bound to, or ADDRESS=PUBLIC behind NAT; without any, that of the listeners")
		f.StringVar(&o.relayPorts, "turn-relay-ports", "49152-65535", "`range` of ports that relays may have")
		f.DurationVar(&o.maxLifetime, "turn-max-lifetime", time.Hour, "how long an allocation may live without a refresh")
		f.DurationVar(&o.nonceLifetime, "turn-nonce-lifetime", 10*time.Minute, "how long a nonce is good")
		settings.ListVar(f, &o.allowPeers, "turn-allow-peer", nil, "`prefixes` that may be relayed to although they are private, such as 10.0.0.0/8")
		settings.ListVar(f, &o.denyPeers, "turn-deny-peer", nil, "`prefixes` that may not be relayed to; the longest prefix decides")
		settings.ListVar(f, &o.mediaPorts, "turn-media-port", nil, "`addresses` with ports of other workers' media, which may always be relayed to")
		f.StringVar(&o.certificate, "turn-tls-cert", "", "PEM `file` with the certificates of tls and dtls")
		f.StringVar(&o.key, "turn-tls-key", "", "PEM `file` with their key")
		settings.ListVar(f, &o.alternates, "turn-alternate-server", nil, "`addresses` with ports of other servers, for clients over the total quota")
		f.BoolVar(&o.mobility, "turn-mobility", true, "clients may keep their allocation when their address changes (RFC 8016); =false refuses")
		f.BoolVar(&o.tcpRelay, "turn-tcp-relay", true, "relay TCP to peers, too (RFC 6062); =false relays UDP only")
		f.DurationVar(&o.drain, "turn-drain", time.Minute, "how long allocations may live on after SIGTERM, without a controller; a second one ends the worker at once")
	})
	set.Group("TURN quotas (0: none)", func(f *pflag.FlagSet) {
		f.IntVar(&o.quotas.PerUser, "turn-user-quota", 0, "allocations of a user")
		f.IntVar(&o.quotas.PerIP, "turn-ip-quota", 0, "allocations of an address, of a /64 of IPv6")
		f.IntVar(&o.quotas.Total, "turn-total-quota", 0, "allocations of a worker")
		f.IntVar(&o.quotas.Permissions, "turn-permissions", 0, "permissions of an allocation; 100 at most")
		f.IntVar(&o.quotas.Channels, "turn-channels", 0, "channels of an allocation; 100 at most")
		f.IntVar(&o.quotas.Bitrate, "turn-max-bitrate", 0, "bit/s of an allocation in each direction")
		f.IntVar(&o.quotas.PacketRate, "turn-max-packet-rate", 0, "packets/s of an allocation in each direction")
	})
	for _, secret := range []string{"turn-user", "turn-secret"} {
		settings.MarkSecret(set.Flags(), secret)
	}
}

// wanted tells whether anything says that the worker should relay.
func (o *turnOptions) wanted() bool {
	return len(o.listen)+len(o.users)+len(o.secrets) > 0 || o.realm != "" || o.userFile != "" || o.secretFile != ""
}

// settings reads the files and puts everything together; nil if nothing is to be relayed.
func (o *turnOptions) settings(set *settings.Set) (*proto.TURNSettings, error) {
	if !o.wanted() {
		return nil, nil
	}
	s := &proto.TURNSettings{
		Listen: o.listen, Realm: o.realm, Users: map[string]string{}, Secrets: append([]string(nil), o.secrets...), RelayAddresses: o.relayAddresses,
		AllowPeers: o.allowPeers, DenyPeers: o.denyPeers, MediaPorts: o.mediaPorts, Alternates: o.alternates, Quotas: o.quotas,
		Mobility: o.mobility, TCPRelay: o.tcpRelay,
	}
	for _, read := range []func(*settings.Set, *proto.TURNSettings) error{o.readUsers, o.readSecrets, o.readPorts, o.readTimes, o.readCertificate, o.checkQuotas} {
		if err := read(set, s); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (o *turnOptions) readUsers(set *settings.Set, s *proto.TURNSettings) error {
	add := func(setting, line string) error {
		name, password, ok := strings.Cut(line, ":")
		switch {
		case !ok || name == "" || password == "":
			return set.Wrong(setting, errors.New("a user is a name and a password with : between them"))
		case s.Users[name] != "":
			return set.Wrong(setting, fmt.Errorf("%q is there twice", name))
		}
		s.Users[name] = password
		return nil
	}
	for _, user := range o.users {
		if err := add("turn-user", user); err != nil {
			return err
		}
	}
	lines, err := fileLines(set, "turn-user-file", o.userFile)
	for _, line := range lines {
		if err == nil {
			err = add("turn-user-file", line)
		}
	}
	return err
}

func (o *turnOptions) readSecrets(set *settings.Set, s *proto.TURNSettings) error {
	lines, err := fileLines(set, "turn-secret-file", o.secretFile)
	s.Secrets = append(s.Secrets, lines...)
	return err
}

// maxFile is more than lists of users, secrets and certificates need, in bytes.
const maxFile = 4 << 20

// fileLines are the lines of a file that are not empty.
func fileLines(set *settings.Set, setting, name string) (lines []string, err error) {
	if name == "" {
		return nil, nil
	}
	text, _, err := settings.ReadFile(name, maxFile)
	if err != nil {
		return nil, set.Wrong(setting, err)
	}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	if len(lines) == 0 {
		return nil, set.Wrong(setting, fmt.Errorf("%s is empty", name))
	}
	return lines, nil
}

// readPorts takes a range such as 49152-65535.
func (o *turnOptions) readPorts(set *settings.Set, s *proto.TURNSettings) error {
	low, high, ok := strings.Cut(o.relayPorts, "-")
	first, err := strconv.ParseUint(strings.TrimSpace(low), 10, 16)
	last, err2 := strconv.ParseUint(strings.TrimSpace(high), 10, 16)
	if !ok || err != nil || err2 != nil || first == 0 || last < first {
		return set.Wrong("turn-relay-ports", fmt.Errorf("%q is not a range of ports such as 49152-65535", o.relayPorts))
	}
	s.MinPort, s.MaxPort = uint16(first), uint16(last)
	return nil
}

func (o *turnOptions) readTimes(set *settings.Set, s *proto.TURNSettings) error {
	for setting, t := range map[string]struct {
		from time.Duration
		to   *int
	}{"turn-max-lifetime": {o.maxLifetime, &s.MaxLifetime}, "turn-nonce-lifetime": {o.nonceLifetime, &s.NonceLifetime}} {
		if t.from < time.Second || t.from.Seconds() > math.MaxUint32 {
			return set.Wrong(setting, fmt.Errorf("%v is not at least a second", t.from))
		}
		*t.to = int(t.from / time.Second)
	}
	if o.drain < 0 {
		return set.Wrong("turn-drain", fmt.Errorf("%v is negative", o.drain))
	}
	return nil
}

func (o *turnOptions) readCertificate(set *settings.Set, s *proto.TURNSettings) error {
	for setting, f := range map[string]struct {
		name string
		to   *string
	}{"turn-tls-cert": {o.certificate, &s.Certificate}, "turn-tls-key": {o.key, &s.Key}} {
		if f.name == "" {
			continue
		}
		text, _, err := settings.ReadFile(f.name, maxFile)
		if err != nil {
			return set.Wrong(setting, err)
		}
		*f.to = string(text)
	}
	return nil
}

func (o *turnOptions) checkQuotas(set *settings.Set, _ *proto.TURNSettings) error {
	q := &o.quotas
	for setting, n := range map[string]int{
		"turn-user-quota": q.PerUser, "turn-ip-quota": q.PerIP, "turn-total-quota": q.Total, "turn-permissions": q.Permissions,
		"turn-channels": q.Channels, "turn-max-bitrate": q.Bitrate, "turn-max-packet-rate": q.PacketRate,
	} {
		if n < 0 {
			return set.Wrong(setting, fmt.Errorf("%d is negative", n))
		}
	}
	return nil
}
