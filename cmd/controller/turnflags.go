package main

import (
	"time"

	"github.com/spf13/pflag"

	"gazpacho/pkg/room"
	"gazpacho/pkg/settings"
	"gazpacho/proto"
)

// turnConfig is the settings about relays. Those that workers have as well have the same names there.
type turnConfig struct {
	Enabled                                                     bool
	Listen, URLs, Users, Secrets, Relays, AllowPeers, DenyPeers []string
	Realm, SecretFile, Ports, TLSCert, TLSKey                   string
	MaxLifetime, NonceLifetime, CredentialLifetime              time.Duration
	Quotas                                                      proto.TURNQuotas
	Mobility, TCPRelay                                          bool
}

// nobody is every address: without more, relays lead to our own media only, which a stolen credential is of little use for.
var nobody = []string{"0.0.0.0/0", "::/0"}

func (c *config) turnFlags(f *pflag.FlagSet) {
	t := &c.TURN
	f.BoolVar(&t.Enabled, "turn", false, "relay media for clients that no direct path leads to, on the TCP ports of media and on those of turn-listen, and hand out credentials")
	settings.ListVar(f, &t.Listen, "turn-listen", nil, "`addresses` of TURN's own, shared by all workers: udp:, tcp:, tls: or dtls: and an address with a port, such as tls:0.0.0.0:443; one is as good as turn")
	settings.ListVar(f, &t.URLs, "turn-url", nil, "`URLs` that clients are told in place of those of turn-listen, such as turns:turn.example.org:443?transport=tcp")
	f.StringVar(&t.Realm, "turn-realm", "gazpacho", "`text` that clients are asked for credentials with, such as example.org")
	settings.ListVar(f, &t.Secrets, "turn-secret", nil, "`secrets` of the credentials that are handed out; the first makes them, all are good. Without any one is made at start")
	f.StringVar(&t.SecretFile, "turn-secret-file", "", "`file` with a secret in each line instead")
	f.DurationVar(&t.CredentialLifetime, "turn-credential-lifetime", room.DefaultTURNLifetime, "how long those credentials are good for something new; clients get others in time")
	settings.ListVar(f, &t.Users, "turn-user", nil, "`name:password` of a user besides; better in a file or a variable, since command lines are public")
	settings.ListVar(f, &t.Relays, "turn-relay-address", nil, "`addresses` that relays are bound to, or ADDRESS=PUBLIC behind NAT (default: the first of rtc-listen, as announced)")
	f.StringVar(&t.Ports, "turn-relay-ports", "49152-65535", "`range` of ports that relays may have")
	settings.ListVar(f, &t.AllowPeers, "turn-allow-peer", nil, "`prefixes` that may be relayed to besides our own media, such as 10.0.0.0/8; the longest prefix decides")
	settings.ListVar(f, &t.DenyPeers, "turn-deny-peer", nobody, "`prefixes` that may not be; none: all but private addresses may, as other TURN servers have it")
	f.DurationVar(&t.MaxLifetime, "turn-max-lifetime", time.Hour, "how long an allocation may live without a refresh")
	f.DurationVar(&t.NonceLifetime, "turn-nonce-lifetime", 10*time.Minute, "how long a nonce is good")
	f.StringVar(&t.TLSCert, "turn-tls-cert", "", "PEM `file` with the certificate of tls and dtls and its chain (default: that of the page)")
	f.StringVar(&t.TLSKey, "turn-tls-key", "", "PEM `file` with its key")
	for _, q := range t.quotas() {
		f.IntVar(q.value, q.setting, q.initial, q.usage)
	}
	f.BoolVar(&t.Mobility, "turn-mobility", true, "clients may keep their allocation when their address changes (RFC 8016)")
	f.BoolVar(&t.TCPRelay, "turn-tcp-relay", true, "relay TCP to peers, too (RFC 6062)")
	settings.MarkSecret(f, "turn-secret")
	settings.MarkSecret(f, "turn-user")
}

// quotas are those of each worker. A browser makes an allocation for each URL, on each of its addresses, for each of its two transports.
func (t *turnConfig) quotas() []quota {
	q := &t.Quotas
	return []quota{
		{"turn-user-quota", &q.PerUser, "most allocations of a user, that is of a peer, on each worker; 0: no limit", 64},
		{"turn-ip-quota", &q.PerIP, "most allocations of an address (IPv6: of a /64) on each worker; 0: no limit", 1024},
		{"turn-total-quota", &q.Total, "most allocations on each worker; 0: as many as there are ports", 0},
		{"turn-max-bitrate", &q.Bitrate, "most that an allocation relays in each direction, `bit/s`; 0: no limit", 0},
		{"turn-max-packet-rate", &q.PacketRate, "most `packets` a second that an allocation relays in each direction; 0: no limit", 0},
	}
}
