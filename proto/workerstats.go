package proto

// WorkerStats is the answer of worker.getStats: how the process fares. Counts named in the plural run from its start and never
// decrease, whatever is closed meanwhile; the rest are the state of the moment. Sizes are bytes, times microseconds.
type WorkerStats struct {
	Timestamp  int64             `json:"timestamp"` // milliseconds of the worker's clock
	Uptime     uint64            `json:"uptime"`
	Process    ProcessStats      `json:"process"`
	Loop       LoopStats         `json:"loop"`
	Objects    ObjectStats       `json:"objects"`
	Traffic    TrafficStats      `json:"traffic"`
	Handshakes HandshakeStats    `json:"handshakes"`
	UDP        UDPStats          `json:"udp"`
	TCP        TCPServerStats    `json:"tcp"`
	Egress     EgressStats       `json:"egress"`
	TURN       TURNStats         `json:"turn"`
	Drops      map[string]uint64 `json:"drops"` // what went no further, by reason: see the table of drop reasons
}

// ProcessStats is what the process uses.
type ProcessStats struct {
	CPUUser    uint64 `json:"cpuUser"`   // microseconds
	CPUSystem  uint64 `json:"cpuSystem"` // microseconds
	RSS        uint64 `json:"rss"`       // resident memory
	Heap       uint64 `json:"heap"`      // of live and not yet swept objects
	Goroutines int    `json:"goroutines"`
	OpenFDs    int    `json:"openFds"`
	GCs        uint64 `json:"gcs"`      // garbage collections
	GCPauses   uint64 `json:"gcPauses"` // stopped for garbage collection, all in all
	Panics     uint64 `json:"panics"`   // of packet handlers, survived
}

// TurnBounds are the upper bounds, in microseconds, of the classes of LoopStats.TurnTimes; a last class holds what is longer.
var TurnBounds = [...]uint64{50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000}

// LoopStats is how the loop fares.
type LoopStats struct {
	Turns       uint64   `json:"turns"`       // of the loop, each over all that was ready
	Batches     uint64   `json:"batches"`     // of datagrams, from sockets
	Packets     uint64   `json:"packets"`     // datagrams in them
	Posts       uint64   `json:"posts"`       // functions from elsewhere: requests, DTLS, SCTP
	Busy        uint64   `json:"busy"`        // time within turns
	TurnTimes   []uint64 `json:"turnTimes"`   // turns by how long they took, in the classes of TurnBounds
	LongestTurn uint64   `json:"longestTurn"` // since the stats were asked for before
	PostDepth   int      `json:"postDepth"`   // posted functions that wait
}

// ObjectStats counts what lives now.
type ObjectStats struct {
	Routers       int `json:"routers"`
	Producers     int `json:"producers"`
	Consumers     int `json:"consumers"`
	DataProducers int `json:"dataProducers"`
	DataConsumers int `json:"dataConsumers"`
	// Transports by kind ("webrtc", "plain", "pipe", "direct") and state: of WebRTC ones the worst of ICE and DTLS: new, connecting, connected,
	// disconnected, failed, ended (the peer has closed DTLS); of others open.
	Transports map[string]map[string]int `json:"transports"`
}

// TrafficStats counts what transports received and sent, in datagrams unless said otherwise. Bytes are those on the wire above UDP or TCP. What
// was received is either in one of the counts by protocol, or in the drops.
type TrafficStats struct {
	PacketsReceived      uint64 `json:"packetsReceived"`
	BytesReceived        uint64 `json:"bytesReceived"`
	PacketsSent          uint64 `json:"packetsSent"`
	BytesSent            uint64 `json:"bytesSent"`
	RTPPacketsReceived   uint64 `json:"rtpPacketsReceived"` // and forwarded
	RTPPacketsSent       uint64 `json:"rtpPacketsSent"`
	RTXPacketsReceived   uint64 `json:"rtxPacketsReceived"` // and forwarded, for they repaired a loss
	RTXPacketsSent       uint64 `json:"rtxPacketsSent"`
	RTCPPacketsReceived  uint64 `json:"rtcpPacketsReceived"` // compounds
	RTCPPacketsSent      uint64 `json:"rtcpPacketsSent"`
	SCTPReceived         uint64 `json:"sctpReceived"` // without DTLS
	SCTPSent             uint64 `json:"sctpSent"`
	STUNReceived         uint64 `json:"stunReceived"` // and answered
	STUNSent             uint64 `json:"stunSent"`
	DTLSReceived         uint64 `json:"dtlsReceived"`
	DTLSSent             uint64 `json:"dtlsSent"`
	NACKsReceived        uint64 `json:"nacksReceived"`        // packets asked for by consumers' peers
	NACKsSent            uint64 `json:"nacksSent"`            // packets asked of producers' peers
	KeyFramesRequested   uint64 `json:"keyFramesRequested"`   // PLI and FIR from consumers' peers
	KeyFrameRequestsSent uint64 `json:"keyFrameRequestsSent"` // PLI and FIR to producers' peers
	MessagesReceived     uint64 `json:"messagesReceived"`     // of data channels
	MessagesSent         uint64 `json:"messagesSent"`
}

// HandshakeStats counts DTLS handshakes.
type HandshakeStats struct {
	Running   int    `json:"running"`  // begun and not over: started less completed and failures
	Attempts  int    `json:"attempts"` // of those, with both hellos exchanged; 200 at most
	Started   uint64 `json:"started"`
	Completed uint64 `json:"completed"`
	Evicted   uint64 `json:"evicted"`   // attempts that made room for others, because their peers stood still while all places were taken
	Restarted uint64 `json:"restarted"` // attempts after one that failed or stalled, with fresh state
	// Given up, by reason: fingerprint (the peer is not who signaling said), malformed, version, suite, group, srtpProfile (what its
	// ClientHello offers), alert (the peer refused), protocol (we did), timeout (nothing came), closed (before it was over).
	Failures map[string]uint64 `json:"failures"`
}

// UDPStats counts what all UDP sockets received.
type UDPStats struct {
	Packets     uint64 `json:"packets"`
	Bytes       uint64 `json:"bytes"`
	Batches     uint64 `json:"batches"`
	TooLong     uint64 `json:"tooLong"`     // dropped datagrams
	Empty       uint64 `json:"empty"`       // dropped datagrams
	Unreachable uint64 `json:"unreachable"` // ICMP errors
	KernelDrops uint64 `json:"kernelDrops"` // for want of room in a socket's buffer
	Failures    uint64 `json:"failures"`    // other errors of the system
}

// TCPServerStats counts the connections of all TCP servers.
type TCPServerStats struct {
	Open     int               `json:"open"` // connections now
	Accepted uint64            `json:"accepted"`
	Refused  uint64            `json:"refused"`  // too many unproven ones from one address
	Failures uint64            `json:"failures"` // errors of the system while accepting
	Packets  uint64            `json:"packets"`
	Bytes    uint64            `json:"bytes"`
	Closed   map[string]uint64 `json:"closed"` // by us, by reason: expired, idle, notStun, tooLong, behind
}

// EgressStats counts what became of outgoing packets.
type EgressStats struct {
	Packets  uint64            `json:"packets"` // taken by the system
	Bytes    uint64            `json:"bytes"`
	Calls    uint64            `json:"calls"`    // of the system
	Messages uint64            `json:"messages"` // with GSO, several packets make one
	Drops    map[string]uint64 `json:"drops"`    // full, unreachable, closed, tooLong, failed
}
