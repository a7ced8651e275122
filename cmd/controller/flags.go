package main

import (
	"github.com/spf13/pflag"

	"gazpacho/pkg/room"
	"gazpacho/pkg/settings"
	"gazpacho/pkg/signaling"
)

// variablePrefix begins the names of the environment's settings.
const variablePrefix = "GAZPACHO_"

// newConfig returns the settings with their defaults. The order of groups and of the flags in them is that of the help.
func newConfig() *config {
	set := settings.New("controller", variablePrefix)
	cfg := &config{Version: version, Set: set, RoomLimits: room.DefaultLimits()}
	set.Group("Page and signaling", cfg.pageFlags)
	set.Group("Who may enter", cfg.accessFlags)
	set.Group("Media", cfg.mediaFlags)
	set.Group("Relays (TURN)", cfg.turnFlags)
	set.Group("Limits", cfg.limitFlags)
	set.Group("Workers and files", cfg.fileFlags)
	set.Group("Operation", cfg.operationFlags)
	return cfg
}

// The usages below are all documentation that a setting has: the help and the example file come from them. The word in
// backquotes is the placeholder of the value.

func (c *config) pageFlags(f *pflag.FlagSet) {
	f.StringVar(&c.Listen, "listen", ":4443", "`address` of the HTTPS port")
	f.StringVar(&c.TLSCert, "tls-cert", "", "PEM `file` with the certificate and its chain; without one a self-signed certificate is made and kept. "+
		"Files that change are read again, at the latest on SIGHUP")
	f.StringVar(&c.TLSKey, "tls-key", "", "PEM `file` with its key")
	settings.ListVar(f, &c.AllowedOrigins, "allowed-origin", nil, "`origins` of pages elsewhere that may connect, such as https://app.example; those of this host always may; *: all")
	settings.ListVar(f, &c.TrustedProxies, "trusted-proxy", nil, "`addresses` or prefixes of proxies whose X-Forwarded-For is believed")
}

func (c *config) accessFlags(f *pflag.FlagSet) {
	f.StringVar(&c.AuthSecret, "auth-secret", "", "`secret` that access tokens (JWT, HS256) are signed with, of 32 bytes or more; better in a file or a variable, since command lines are public")
	settings.MarkSecret(f, "auth-secret")
	f.StringVar(&c.AuthSecretFile, "auth-secret-file", "", "`file` that holds the secret instead")
	f.StringVar(&c.AuthJWKS, "auth-jwks", "", "`file` or https URL of the key set (JWKS) whose keys sign tokens instead")
	f.StringVar(&c.AuthAlgorithm, "auth-algorithm", "", "the only `algorithm` that tokens may be signed with (default HS256 with a secret, ES256 with a key set)")
	f.StringVar(&c.AuthIssuer, "auth-issuer", "", "`iss` that tokens must have")
	f.StringVar(&c.AuthAudience, "auth-audience", "", "`aud` that tokens must have; without it those that are for somebody are refused")
	f.BoolVar(&c.InsecureOpen, "insecure-open", false, "let everybody in without a token, from the whole internet too")
}

func (c *config) mediaFlags(f *pflag.FlagSet) {
	settings.ListVar(f, &c.RTCListen, "rtc-listen", []string{"0.0.0.0", "::"}, "`addresses` that workers listen on; 0.0.0.0 and :: stand for all of this machine's")
	f.IntVar(&c.RTCPort, "rtc-port", 40000, "`port` of the first worker, UDP and TCP; the next workers have the next ports; 0: any")
	settings.ListVar(f, &c.AnnouncedAddresses, "announced-address", nil, "`address` or host name that clients are told instead, when this machine is behind NAT; one of each IP version at most")
	f.IntVar(&c.MaxIncomingBitrate, "max-incoming-bitrate", 0, "most that each transport of a client may send, in `bit/s`; 0: no limit but the token's")
}

// quota is a setting that is a whole number, 1 or more.
type quota struct {
	setting string
	value   *int
	usage   string
	initial int
}

// quotas are those limits that have the same rule. Zero is refused although packages read it as their default: to an operator it
// means nothing, or none at all.
func (c *config) quotas() []quota {
	l, s := &c.RoomLimits, signaling.DefaultLimits()
	d := room.DefaultLimits()
	return []quota{
		{"max-rooms", &l.Rooms, "most rooms", d.Rooms},
		{"max-peers-per-room", &l.PeersPerRoom, "most peers of a room", d.PeersPerRoom},
		{"max-broadcasters-per-room", &l.BroadcastersPerRoom, "most broadcasters of a room", d.BroadcastersPerRoom},
		{"max-transports-per-room", &l.TransportsPerRoom, "most transports of a room", d.TransportsPerRoom},
		{"max-producers-per-room", &l.ProducersPerRoom, "most producers of a room", d.ProducersPerRoom},
		{"max-consumers-per-room", &l.ConsumersPerRoom, "most consumers of a room", d.ConsumersPerRoom},
		{"max-transports-per-peer", &l.TransportsPerPeer, "most transports of a peer", d.TransportsPerPeer},
		{"max-producers-per-peer", &l.ProducersPerPeer, "most producers of a peer", d.ProducersPerPeer},
		{"max-consumers-per-peer", &l.ConsumersPerPeer, "most consumers of a peer", d.ConsumersPerPeer},
		{"max-data-producers-per-peer", &l.DataProducersPerPeer, "most data producers of a peer", d.DataProducersPerPeer},
		{"max-data-consumers-per-peer", &l.DataConsumersPerPeer, "most data consumers of a peer", d.DataConsumersPerPeer},
		{"request-burst", &c.RequestBurst, "requests that a client may send at once", s.RequestBurst},
		{"max-sockets-per-ip", &c.MaxSocketsPerIP, "most sockets of one address (IPv6: of a /64) that have entered no room yet", s.UnauthenticatedPerIP},
	}
}

func (c *config) limitFlags(f *pflag.FlagSet) {
	for _, l := range c.quotas() {
		if l.setting == "request-burst" { // its rate comes first
			f.Float64Var(&c.RequestRate, "request-rate", signaling.DefaultLimits().RequestRate, "requests a second that a client may send in the long run")
		}
		f.IntVar(l.value, l.setting, l.initial, l.usage)
	}
}

func (c *config) fileFlags(f *pflag.FlagSet) {
	f.StringVar(&c.ConfigFile, "config", "", "YAML `file` with settings, called as the flags are; `controller config --example` prints one")
	f.IntVar(&c.Workers, "workers", 0, "`number` of worker processes; 0: one for each CPU")
	f.StringVar(&c.WorkerBin, "worker-bin", "", "the worker `program` (default: worker, beside this program)")
	f.StringVar(&c.DataDir, "data-dir", "", "`directory` for what is kept, such as the certificate (default: "+defaultDataDirHelp+")")
}

func (c *config) operationFlags(f *pflag.FlagSet) {
	f.StringVar(&c.AdminListen, "admin-listen", "127.0.0.1:9090", "loopback `address` for health, metrics and profiles (HTTP); unix:PATH: a socket that its owner alone may use; none: nowhere")
	f.StringVar(&c.Control, "control", "none", "`address` of the control API, by which programs of this user make routers and transports of their own: unix:PATH; none: nowhere")
	f.StringVar(&c.LogLevel, "log-level", "info", "`level` of what is logged: debug, info, warn, error or none")
	f.StringVar(&c.LogFormat, "log-format", "text", "`format` of the log, text or json, on standard error")
}
