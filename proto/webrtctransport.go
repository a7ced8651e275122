package proto

// WebRTCTransportOptions is the body of router.createWebRtcTransport and …WithServer. Exactly one of WebRTCServerID (with server)
// and ListenInfos (without) is given. Absent options have mediasoup's defaults.
type WebRTCTransportOptions struct {
	TransportID                     string       `json:"transportId" needed:"true"` // new
	WebRTCServerID                  string       `json:"webRtcServerId,omitempty"`
	ListenInfos                     []ListenInfo `json:"listenInfos,omitempty"`
	EnableUDP                       *bool        `json:"enableUdp,omitempty" default:"true"`                                 // offer UDP candidates
	EnableTCP                       *bool        `json:"enableTcp,omitempty"`                                                // offer TCP candidates; absent is true with a server, else false
	PreferUDP                       bool         `json:"preferUdp,omitempty"`                                                // give UDP candidates the higher priority
	PreferTCP                       bool         `json:"preferTcp,omitempty"`                                                // give TCP candidates the higher priority
	ICEConsentTimeout               *int         `json:"iceConsentTimeout,omitempty" default:"30" min:"0"`                   // seconds; 0 is off, else it is clamped to 10 … 60
	InitialAvailableOutgoingBitrate *int         `json:"initialAvailableOutgoingBitrate,omitempty" default:"600000" min:"0"` // bit/s, until the peer's feedback says more
	SCTPOptions
}

// ICEParameters are our credentials (RFC 8445 section 5.3).
type ICEParameters struct {
	UsernameFragment string `json:"usernameFragment"` // of ours
	Password         string `json:"password"`         // of ours
	ICELite          bool   `json:"iceLite"`          // true: we only answer checks
}

// ICECandidate is one address we listen on. Address and IP are the same: clients of different age read one or the other.
type ICECandidate struct {
	Foundation string `json:"foundation"` // the same for candidates of one protocol
	Priority   uint32 `json:"priority"`   // the higher the better (RFC 8445 section 5.1.2)
	IP         string `json:"ip"`
	Address    string `json:"address"`
	Protocol   string `json:"protocol"` // udp or tcp
	Port       uint16 `json:"port"`
	Type       string `json:"type"`              // host
	TCPType    string `json:"tcpType,omitempty"` // passive
}

// DTLSParameters of either side.
type DTLSParameters struct {
	Role         string            `json:"role,omitempty" enum:"auto,client,server" default:"auto"` // what the owner of the parameters will be
	Fingerprints []DTLSFingerprint `json:"fingerprints" needed:"true"`                              // of the certificate; one that matches is enough
}

// DTLSFingerprint is a certificate's hash (RFC 8122 section 5): Algorithm is sha-1, sha-224, sha-256, sha-384 or sha-512.
type DTLSFingerprint struct {
	Algorithm string `json:"algorithm" needed:"true" enum:"sha-1,sha-224,sha-256,sha-384,sha-512"`
	Value     string `json:"value" needed:"true"` // hexadecimal bytes joined by colons
}

// States of ICE and DTLS.
const (
	ICENew          = "new"
	ICEConnected    = "connected"
	ICECompleted    = "completed"
	ICEDisconnected = "disconnected"
	ICEClosed       = "closed"

	DTLSNew        = "new"
	DTLSConnecting = "connecting"
	DTLSConnected  = "connected"
	DTLSFailed     = "failed"
	DTLSClosed     = "closed"
)

// WebRTCTransportDump is the answer of router.createWebRtcTransport and of transport.dump.
type WebRTCTransportDump struct {
	TransportDump
	ICERole          string          `json:"iceRole"` // controlled
	ICEParameters    ICEParameters   `json:"iceParameters"`
	ICECandidates    []ICECandidate  `json:"iceCandidates"`
	ICEState         string          `json:"iceState"` // new, connected, completed, disconnected or closed
	ICESelectedTuple *TransportTuple `json:"iceSelectedTuple,omitempty"`
	DTLSParameters   DTLSParameters  `json:"dtlsParameters"`
	DTLSState        string          `json:"dtlsState"`                // new, connecting, connected, failed or closed
	DTLSRemoteCert   string          `json:"dtlsRemoteCert,omitempty"` // PEM
}

// WebRTCTransportStats is the answer of transport.getStats.
type WebRTCTransportStats struct {
	TransportStats
	ICERole          string          `json:"iceRole"`  // controlled
	ICEState         string          `json:"iceState"` // as in the dump
	ICESelectedTuple *TransportTuple `json:"iceSelectedTuple,omitempty"`
	DTLSState        string          `json:"dtlsState"` // as in the dump
}

// ConnectWebRTCTransport is the body of webRtcTransport.connect.
type ConnectWebRTCTransport struct {
	DTLSParameters DTLSParameters `json:"dtlsParameters" needed:"true"` // the peer's
}

// ConnectWebRTCTransportResult tells our DTLS role: client or server.
type ConnectWebRTCTransportResult struct {
	DTLSLocalRole string `json:"dtlsLocalRole"` // client or server
}

// ICEStateChange is the body of webRtcTransport.iceStateChange.
type ICEStateChange struct {
	ICEState string `json:"iceState"` // connected, completed or disconnected
}

// ICESelectedTupleChange is the body of webRtcTransport.iceSelectedTupleChange.
type ICESelectedTupleChange struct {
	ICESelectedTuple TransportTuple `json:"iceSelectedTuple"`
}

// DTLSStateChange is the body of webRtcTransport.dtlsStateChange; the certificate comes with connected.
type DTLSStateChange struct {
	DTLSState      string `json:"dtlsState"`                // connecting, connected, failed or closed
	DTLSRemoteCert string `json:"dtlsRemoteCert,omitempty"` // PEM
	Reason         string `json:"reason,omitempty"`         // of failed and closed
}
