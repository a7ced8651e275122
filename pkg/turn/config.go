package turn

import (
	"net/netip"
	"time"
)

// Config is what an operator decides. Zero values stand for the defaults named here.
type Config struct {
	Realm    string // 1 to 60 bytes, quoted-string text
	Software string // the value of SOFTWARE; "Gazpacho"

	Users   map[string]string // static credentials, password by user name
	Secrets [][]byte          // of time-limited credentials (see Password); several while one replaces another

	Relays           []RelayAddress
	MinPort, MaxPort uint16 // of relays; 49152 and 65535
	// ExclusivePorts says that no other process takes ports of the range: a relay's socket then opens when the first peer is permitted that is not
	// our own media, and never if there is none.
	ExclusivePorts bool

	MaxLifetime   time.Duration // of allocations, at least a second; an hour
	NonceLifetime time.Duration // ten minutes

	AllowPeers, DenyPeers []netip.Prefix // the longest prefix decides; see Policy
	Own                   []netip.Addr   // addresses of this host
	ListenPorts           []uint16       // where clients come in on those: never a peer, whatever is allowed

	Quotas Quotas

	AlternateServers []netip.AddrPort // where clients are sent (300) that are over Quotas.Total, or come while the server drains
	Mobility         bool             // RFC 8016; without it a client that asks is refused with 405
	TCPRelay         bool             // RFC 6062
}

// RelayAddress is one address that relays are opened on.
type RelayAddress struct {
	Local     netip.Addr
	Announced netip.Addr // what clients and peers see; Local if it is zero
}

// Quotas bound what users cost (R-TURN-3, R-TURN-6). Zero is no limit, but for Permissions and Channels, where it is the most there can be.
type Quotas struct {
	PerUser, PerIP, Total int // allocations and reserved ports; of IPv6 clients a /64 counts as one
	Permissions, Channels int // of an allocation; 100
	Bitrate               int // bit/s of an allocation, in each direction
	PacketRate            int // packets/s of an allocation, in each direction
}

// ConfigError is a setting that makes no sense. Setting is the name of the field, such as "Realm".
type ConfigError struct {
	Setting string
	Err     error
}

func (e *ConfigError) Error() string { return e.Setting + ": " + e.Err.Error() }

func (e *ConfigError) Unwrap() error { return e.Err }
