package proto

// ListenInfo is where a transport or WebRtcServer listens. A multicast group is joined on the interface that has AnnouncedAddress, if one of this
// machine's has it, else where the route to the group leads; with UDPReusePort any number of transports and programs share it.
type ListenInfo struct {
	Protocol         string       `json:"protocol" needed:"true" enum:"udp,tcp"`
	IP               string       `json:"ip" needed:"true"`           // an address of this machine, or 0.0.0.0 or ::, or a multicast group
	AnnouncedAddress string       `json:"announcedAddress,omitempty"` // address or host name peers are told instead
	ExposeInternalIP bool         `json:"exposeInternalIp,omitempty"` // also offer IP when AnnouncedAddress is given
	Port             uint16       `json:"port,omitempty"`             // 0: any of PortRange
	PortRange        *PortRange   `json:"portRange,omitempty"`
	Flags            *SocketFlags `json:"flags,omitempty"`
	SendBufferSize   int          `json:"sendBufferSize,omitempty" min:"0"` // bytes; 0: ours
	RecvBufferSize   int          `json:"recvBufferSize,omitempty" min:"0"` // bytes; 0: ours
}

// PortRange is inclusive.
type PortRange struct {
	Min uint16 `json:"min" needed:"true" min:"1"` // first
	Max uint16 `json:"max" needed:"true" min:"1"` // last
}

// SocketFlags of a ListenInfo.
type SocketFlags struct {
	IPv6Only     bool `json:"ipv6Only,omitempty"`     // a socket on :: takes no IPv4
	UDPReusePort bool `json:"udpReusePort,omitempty"` // share the port with others that do so
}

// TransportTuple is a 5-tuple as the API shows it.
type TransportTuple struct {
	LocalIP      string `json:"localIp"`      // deprecated alias of LocalAddress
	LocalAddress string `json:"localAddress"` // the announced one, if there is one
	LocalPort    uint16 `json:"localPort"`
	RemoteIP     string `json:"remoteIp,omitempty"`   // of the peer, once it is known
	RemotePort   uint16 `json:"remotePort,omitempty"` // of the peer, once it is known
	Protocol     string `json:"protocol"`             // udp or tcp
}

// KeyValue is an entry of a dump's tables with string keys.
type KeyValue struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// KeyValues is an entry with many values.
type KeyValues struct {
	Key    string   `json:"key"`
	Values []string `json:"values"`
}

// SSRCValue is an entry of a dump's tables with SSRC keys.
type SSRCValue struct {
	Key   uint32 `json:"key"`
	Value string `json:"value"`
}

// RTPListenerDump tells how packets find their producer.
type RTPListenerDump struct {
	SSRCTable []SSRCValue `json:"ssrcTable"`
	MIDTable  []KeyValue  `json:"midTable"`
	RIDTable  []KeyValue  `json:"ridTable"`
}

// RecvRTPHeaderExtensions are the ids of the extensions a transport itself reads.
type RecvRTPHeaderExtensions struct {
	MID               uint8 `json:"mid,omitempty"`
	RID               uint8 `json:"rid,omitempty"`
	RRID              uint8 `json:"rrid,omitempty"`
	AbsSendTime       uint8 `json:"absSendTime,omitempty"`
	TransportWideCC01 uint8 `json:"transportWideCc01,omitempty"`
}

// TransportDump is what all transports dump.
type TransportDump struct {
	ID                      string                  `json:"id"`
	Direct                  bool                    `json:"direct"` // its peer is the controller
	ProducerIDs             []string                `json:"producerIds"`
	ConsumerIDs             []string                `json:"consumerIds"`
	MapSSRCConsumerID       []SSRCValue             `json:"mapSsrcConsumerId"`    // what consumers send with
	MapRTXSSRCConsumerID    []SSRCValue             `json:"mapRtxSsrcConsumerId"` // what they send retransmissions with
	DataProducerIDs         []string                `json:"dataProducerIds"`
	DataConsumerIDs         []string                `json:"dataConsumerIds"`
	RecvRTPHeaderExtensions RecvRTPHeaderExtensions `json:"recvRtpHeaderExtensions"`
	RTPListener             RTPListenerDump         `json:"rtpListener"`
	MaxSendMessageSize      int                     `json:"maxSendMessageSize"`    // bytes of a data message to the peer
	MaxReceiveMessageSize   int                     `json:"maxReceiveMessageSize"` // bytes of a data message from the peer
	TraceEventTypes         []string                `json:"traceEventTypes"`       // that transport.trace tells of

	// Present if SCTP is enabled, capabilities once it is connected.
	SCTPParameters             *SCTPParameters             `json:"sctpParameters,omitempty"`
	SCTPState                  string                      `json:"sctpState,omitempty"` // new, connecting, connected, failed or closed
	SCTPNegotiatedCapabilities *SCTPNegotiatedCapabilities `json:"sctpNegotiatedCapabilities,omitempty"`
	SCTPListener               *SCTPListenerDump           `json:"sctpListener,omitempty"`
}

// TransportStats is what all transports count. Sizes are bytes, rates bit/s, Timestamp milliseconds of the worker's clock.
type TransportStats struct {
	Type                     string   `json:"type"` // webrtc-transport, plain-rtp-transport, pipe-transport, direct-transport
	TransportID              string   `json:"transportId"`
	Timestamp                int64    `json:"timestamp"`
	SCTPState                string   `json:"sctpState,omitempty"` // if SCTP is enabled
	PacketsReceived          uint64   `json:"packetsReceived"`     // datagrams: each is in one of the six counts that follow, or in Drops
	STUNReceived             uint64   `json:"stunReceived"`        // and answered
	DTLSReceived             uint64   `json:"dtlsReceived"`
	RTPPacketsReceived       uint64   `json:"rtpPacketsReceived"`  // and forwarded
	RTXPacketsReceived       uint64   `json:"rtxPacketsReceived"`  // and forwarded
	RTCPPacketsReceived      uint64   `json:"rtcpPacketsReceived"` // compounds
	SCTPReceived             uint64   `json:"sctpReceived"`        // without DTLS
	PacketsSent              uint64   `json:"packetsSent"`         // datagrams
	BytesReceived            uint64   `json:"bytesReceived"`
	RecvBitrate              int      `json:"recvBitrate"` // of the last second, as are the other rates
	BytesSent                uint64   `json:"bytesSent"`
	SendBitrate              int      `json:"sendBitrate"`
	RTPBytesReceived         uint64   `json:"rtpBytesReceived"`
	RTPRecvBitrate           int      `json:"rtpRecvBitrate"`
	RTPBytesSent             uint64   `json:"rtpBytesSent"`
	RTPSendBitrate           int      `json:"rtpSendBitrate"`
	RTXBytesReceived         uint64   `json:"rtxBytesReceived"` // retransmissions
	RTXRecvBitrate           int      `json:"rtxRecvBitrate"`
	RTXBytesSent             uint64   `json:"rtxBytesSent"` // retransmissions
	RTXSendBitrate           int      `json:"rtxSendBitrate"`
	ProbationBytesSent       uint64   `json:"probationBytesSent"` // padding, sent to find out whether more fits
	ProbationSendBitrate     int      `json:"probationSendBitrate"`
	AvailableOutgoingBitrate *int     `json:"availableOutgoingBitrate,omitempty"` // estimated to fit to the peer, within our limits
	AvailableIncomingBitrate *int     `json:"availableIncomingBitrate,omitempty"` // estimated to fit from the peer
	MaxIncomingBitrate       *int     `json:"maxIncomingBitrate,omitempty"`       // if one is set
	MaxOutgoingBitrate       *int     `json:"maxOutgoingBitrate,omitempty"`       // if one is set
	MinOutgoingBitrate       *int     `json:"minOutgoingBitrate,omitempty"`       // if one is set
	RTPPacketLossReceived    *float64 `json:"rtpPacketLossReceived,omitempty"`    // of late, 0 to 1, if transport-cc is negotiated
	RTPPacketLossSent        *float64 `json:"rtpPacketLossSent,omitempty"`        // of late, 0 to 1, if the peer reports it

	// Drops counts what went no further, by reason; those of received datagrams, together with what was handled, add up to what was received.
	Drops map[string]uint64 `json:"drops,omitempty"`
}

// MinBitrate is the lowest a transport's bitrate limits go, bit/s.
const MinBitrate = 30_000

// SetMaxIncomingBitrate is the body of transport.setMaxIncomingBitrate; 0 lifts the limit.
type SetMaxIncomingBitrate struct {
	MaxIncomingBitrate int `json:"maxIncomingBitrate" min:"0"` // bit/s
}

// SetMaxOutgoingBitrate is the body of transport.setMaxOutgoingBitrate; 0 lifts the limit.
type SetMaxOutgoingBitrate struct {
	MaxOutgoingBitrate int `json:"maxOutgoingBitrate" min:"0"` // bit/s, at least 30000 or 0
}

// SetMinOutgoingBitrate is the body of transport.setMinOutgoingBitrate; 0 lifts the limit.
type SetMinOutgoingBitrate struct {
	MinOutgoingBitrate int `json:"minOutgoingBitrate" min:"0"` // bit/s, at least 30000 or 0
}

// EnableTraceEvent is the body of the enableTraceEvent methods; the list replaces the one before. A transport knows probation and bwe, a
// producer rtp, keyframe, nack, pli, fir and sr, a consumer rtp, keyframe, nack, pli and fir. Other names are ignored.
type EnableTraceEvent struct {
	Types []string `json:"types"`
}

// TraceEvent is the body of the trace events. Info is for people: what it holds depends on the type, and may grow.
type TraceEvent struct {
	Type      string         `json:"type"`      // as in EnableTraceEvent
	Timestamp int64          `json:"timestamp"` // milliseconds of the worker's clock
	Direction string         `json:"direction"` // in or out
	Info      map[string]any `json:"info"`
}
