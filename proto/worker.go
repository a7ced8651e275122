package proto

// Hello is the body of worker.hello, the first message on a channel, from the worker.
type Hello struct {
	Protocol     Version  `json:"protocol"`
	Software     string   `json:"software"` // gazpacho
	Version      string   `json:"version"`
	PID          int      `json:"pid"`
	Instance     string   `json:"instance"`     // random, of this run of the process
	MaxFrame     int      `json:"maxFrame"`     // bytes
	Capabilities []string `json:"capabilities"` // what it can do beyond its version
}

// Attach is the body of worker.attach, which a controller sends before any other request. A second controller is refused as busy
// unless its epoch is higher.
type Attach struct {
	Protocol Version `json:"protocol" needed:"true"` // the sender's
	Epoch    uint64  `json:"epoch"`                  // higher than that of who went before
	Software string  `json:"software,omitempty"`     // for logs
}

// AttachResult is the answer of worker.attach: the version to speak and what already lives in the worker.
type AttachResult struct {
	Protocol  Version  `json:"protocol"`  // the lower of both sides'
	Instance  string   `json:"instance"`  // as in the hello
	RouterIDs []string `json:"routerIds"` // of those that live already
}

// WorkerDump is the answer of worker.dump.
type WorkerDump struct {
	PID                    int                    `json:"pid"` // of the process
	WebRTCServerIDs        []string               `json:"webRtcServerIds"`
	RouterIDs              []string               `json:"routerIds"`
	ChannelMessageHandlers ChannelMessageHandlers `json:"channelMessageHandlers"`
}

// ChannelMessageHandlers are the ids that requests and notifications may be addressed to.
type ChannelMessageHandlers struct {
	ChannelRequestHandlers      []string `json:"channelRequestHandlers"`
	ChannelNotificationHandlers []string `json:"channelNotificationHandlers"`
}

// ResourceUsage is the answer of worker.getResourceUsage: getrusage(2), times in milliseconds, MaxRSS in KiB.
type ResourceUsage struct {
	UTime    uint64 `json:"ru_utime"`
	STime    uint64 `json:"ru_stime"`
	MaxRSS   uint64 `json:"ru_maxrss"`
	IxRSS    uint64 `json:"ru_ixrss"`
	IdRSS    uint64 `json:"ru_idrss"`
	IsRSS    uint64 `json:"ru_isrss"`
	MinFlt   uint64 `json:"ru_minflt"`
	MajFlt   uint64 `json:"ru_majflt"`
	NSwap    uint64 `json:"ru_nswap"`
	InBlock  uint64 `json:"ru_inblock"`
	OuBlock  uint64 `json:"ru_oublock"`
	MsgSnd   uint64 `json:"ru_msgsnd"`
	MsgRcv   uint64 `json:"ru_msgrcv"`
	NSignals uint64 `json:"ru_nsignals"`
	NVCSw    uint64 `json:"ru_nvcsw"`
	NIvCSw   uint64 `json:"ru_nivcsw"`
}

// UpdateSettings is the body of worker.updateSettings; absent fields stay.
type UpdateSettings struct {
	LogLevel string   `json:"logLevel,omitempty" enum:"debug,info,warn,error,none"`
	LogTags  []string `json:"logTags,omitempty"` // accepted, and of no effect
}

// CreateWebRTCServer is the body of worker.createWebRtcServer.
type CreateWebRTCServer struct {
	WebRTCServerID string       `json:"webRtcServerId" needed:"true"` // new
	ListenInfos    []ListenInfo `json:"listenInfos" needed:"true"`    // each is one socket
}

// CloseWebRTCServer is the body of worker.closeWebRtcServer.
type CloseWebRTCServer struct {
	WebRTCServerID string `json:"webRtcServerId" needed:"true"`
}

// IPPort is an address a socket is bound to, with the port it got.
type IPPort struct {
	IP   string `json:"ip"`
	Port uint16 `json:"port"`
}

// ICEUsernameFragment tells which transport an ICE user name belongs to.
type ICEUsernameFragment struct {
	LocalICEUsernameFragment string `json:"localIceUsernameFragment"`
	WebRTCTransportID        string `json:"webRtcTransportId"`
}

// WebRTCServerDump is the answer of worker.createWebRtcServer and webRtcServer.dump.
type WebRTCServerDump struct {
	ID                        string                `json:"id"`
	UDPSockets                []IPPort              `json:"udpSockets"`
	TCPServers                []IPPort              `json:"tcpServers"`
	WebRTCTransportIDs        []string              `json:"webRtcTransportIds"`
	LocalICEUsernameFragments []ICEUsernameFragment `json:"localIceUsernameFragments"`
}

// CreateRouter is the body of worker.createRouter.
type CreateRouter struct {
	RouterID string `json:"routerId" needed:"true"` // new
}

// CloseRouter is the body of worker.closeRouter.
type CloseRouter struct {
	RouterID string `json:"routerId" needed:"true"`
}

// CloseTransport is the body of router.closeTransport.
type CloseTransport struct {
	TransportID string `json:"transportId" needed:"true"`
}

// RouterDump is the answer of router.dump.
type RouterDump struct {
	ID                               string      `json:"id"`
	TransportIDs                     []string    `json:"transportIds"`
	RTPObserverIDs                   []string    `json:"rtpObserverIds"`
	MapProducerIDConsumerIDs         []KeyValues `json:"mapProducerIdConsumerIds"`
	MapConsumerIDProducerID          []KeyValue  `json:"mapConsumerIdProducerId"`
	MapProducerIDObserverIDs         []KeyValues `json:"mapProducerIdObserverIds"`
	MapDataProducerIDDataConsumerIDs []KeyValues `json:"mapDataProducerIdDataConsumerIds"`
	MapDataConsumerIDDataProducerID  []KeyValue  `json:"mapDataConsumerIdDataProducerId"`
}
