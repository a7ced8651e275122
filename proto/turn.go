package proto

// TURNSettings is how a worker relays for clients that cannot be reached directly. It is the body of worker.updateTurn, and what the worker's
// --turn flags say. Prefixes are addresses with or without a length, such as 10.0.0.0/8. Times are seconds.
type TURNSettings struct {
	Listen         []string          `json:"listen,omitempty"`                // own ports, besides those of media: udp:, tcp:, tls: or dtls: and an address with a port
	Realm          string            `json:"realm" needed:"true"`             // what clients are asked to have credentials for, such as example.org
	Users          map[string]string `json:"users,omitempty"`                 // passwords by user name
	Secrets        []string          `json:"secrets,omitempty"`               // of credentials that expire: the user name is when, the password its HMAC-SHA1
	RelayAddresses []string          `json:"relayAddresses,omitempty"`        // what relays are bound to, or that=what peers see instead; the listening ones if absent
	MinPort        uint16            `json:"minPort,omitempty"`               // of relays; 49152 if absent
	MaxPort        uint16            `json:"maxPort,omitempty"`               // 65535 if absent
	MaxLifetime    int               `json:"maxLifetime,omitempty" min:"0"`   // of an allocation without a refresh, in seconds; 3600 if absent
	NonceLifetime  int               `json:"nonceLifetime,omitempty" min:"0"` // in seconds; 600 if absent
	AllowPeers     []string          `json:"allowPeers,omitempty"`            // prefixes that may be relayed to although they are private, say
	DenyPeers      []string          `json:"denyPeers,omitempty"`             // prefixes that may not be; the longest prefix decides
	MediaPorts     []string          `json:"mediaPorts,omitempty"`            // addresses with ports of other workers' media, or that=where it is behind NAT, which may always be relayed to
	Certificate    string            `json:"certificate,omitempty"`           // PEM, of tls and dtls
	Key            string            `json:"key,omitempty"`                   // PEM
	Quotas         TURNQuotas        `json:"quotas"`
	Alternates     []string          `json:"alternates,omitempty"` // addresses with ports of other servers, for clients over the total quota
	Mobility       bool              `json:"mobility,omitempty"`   // clients may keep their allocation when their address changes (RFC 8016)
	TCPRelay       bool              `json:"tcpRelay,omitempty"`   // TCP to peers, too (RFC 6062)
}

// TURNQuotas bound what clients cost. Zero is no limit, and the most there may be for permissions and channels.
type TURNQuotas struct {
	PerUser     int `json:"perUser,omitempty" min:"0"`     // allocations
	PerIP       int `json:"perIp,omitempty" min:"0"`       // allocations; a /64 of IPv6 counts as one
	Total       int `json:"total,omitempty" min:"0"`       // allocations
	Permissions int `json:"permissions,omitempty" min:"0"` // of an allocation; 100 if absent
	Channels    int `json:"channels,omitempty" min:"0"`    // of an allocation; 100 if absent
	Bitrate     int `json:"bitrate,omitempty" min:"0"`     // of an allocation, bit/s in each direction
	PacketRate  int `json:"packetRate,omitempty" min:"0"`  // of an allocation, packets/s in each direction
}

// TURNStats counts what a worker relays. What is named in the plural and not of the moment runs from the start.
type TURNStats struct {
	Enabled      bool                `json:"enabled"`
	Draining     bool                `json:"draining"`
	Allocations  int                 `json:"allocations"` // of the moment, as are the following
	Reservations int                 `json:"reservations"`
	Permissions  int                 `json:"permissions"`
	Channels     int                 `json:"channels"`
	Connections  int                 `json:"connections"`
	Ports        int                 `json:"ports"` // that relays may take, and how many are not taken
	PortsFree    int                 `json:"portsFree"`
	ShortCircuit TURNVolume          `json:"shortCircuit"` // from media of this worker, which needed no socket
	Relays       TURNRelayStats      `json:"relays"`
	Listeners    []TURNListenerStats `json:"listeners"`
}

// TURNRelayStats counts what came in on relayed addresses.
type TURNRelayStats struct {
	Packets uint64 `json:"packets"`
	Bytes   uint64 `json:"bytes"`
	Batches uint64 `json:"batches"`
	TooLong uint64 `json:"tooLong"`
	Empty   uint64 `json:"empty"`
	Errors  uint64 `json:"errors"` // that ICMP brought back
}

// TURNListenerStats counts what clients did on one listener. Users are of class static, or limited if their credentials expire.
type TURNListenerStats struct {
	Name      string                    `json:"name"` // such as udp:0.0.0.0:3478, or media:udp on the ports of media
	Transport string                    `json:"transport"`
	Requests  uint64                    `json:"requests"`
	Answers   map[string]uint64         `json:"answers"` // by error code; 0 is success
	Drops     map[string]uint64         `json:"drops"`   // by reason
	Classes   map[string]TURNClassStats `json:"classes"`
}

// TURNClassStats is what users of one class have, had and relayed.
type TURNClassStats struct {
	Allocations int        `json:"allocations"`
	Created     uint64     `json:"created"`
	Up          TURNVolume `json:"up"`   // to peers
	Down        TURNVolume `json:"down"` // to clients
}

// TURNVolume is packets and the bytes of their payload.
type TURNVolume struct {
	Packets uint64 `json:"packets"`
	Bytes   uint64 `json:"bytes"`
}

// TURNDump is the answer of turn.dump.
type TURNDump struct {
	Allocations []TURNAllocation `json:"allocations"`
}

// TURNAllocation is one allocation. Times are milliseconds of the worker's clock.
type TURNAllocation struct {
	ID          uint64           `json:"id"`
	Client      string           `json:"client"`
	Protocol    string           `json:"protocol"`
	Listener    string           `json:"listener"`
	Username    string           `json:"username"`
	Class       string           `json:"class"`
	Relays      []string         `json:"relays"`
	TCP         bool             `json:"tcp"` // to peers
	CreatedAt   int64            `json:"createdAt"`
	ExpiresAt   int64            `json:"expiresAt"`
	Permissions []TURNPermission `json:"permissions"`
	Channels    []TURNChannel    `json:"channels"`
	Connections []string         `json:"connections"`
	Up          TURNVolume       `json:"up"`
	Down        TURNVolume       `json:"down"`
}

// TURNPermission lets an address send.
type TURNPermission struct {
	Peer      string `json:"peer"`
	ExpiresAt int64  `json:"expiresAt"`
}

// TURNChannel is a number for a peer.
type TURNChannel struct {
	Number    uint16 `json:"number"`
	Peer      string `json:"peer"`
	ExpiresAt int64  `json:"expiresAt"`
}

// TURNEvent tells what happened to an allocation.
type TURNEvent struct {
	ID       uint64 `json:"id,omitempty"`
	Client   string `json:"client"`
	Listener string `json:"listener"`
	Relay    string `json:"relay,omitempty"`
	Username string `json:"username"`
	Class    string `json:"class"`
	Reason   string `json:"reason,omitempty"` // of an end: expired, deleted, closed, revoked or shutdown
	Code     int    `json:"code,omitempty"`   // of a denial, with the method
	Method   string `json:"method,omitempty"`
	// Suppressed is how many events of this kind were left out before this one: there are at most 100 of each kind in a second.
	Suppressed int `json:"suppressed,omitempty"`
}
