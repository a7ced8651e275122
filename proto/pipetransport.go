package proto

// PipeTransportOptions is the body of router.createPipeTransport: RTP between two routers, of one worker or of many.
type PipeTransportOptions struct {
	TransportID string     `json:"transportId" needed:"true"` // new
	ListenInfo  ListenInfo `json:"listenInfo" needed:"true"`  // of protocol udp
	EnableRTX   bool       `json:"enableRtx,omitempty"`       // for dumps to show: consumers' parameters decide
	EnableSRTP  bool       `json:"enableSrtp,omitempty"`      // encrypt with AEAD_AES_256_GCM, with keys from signaling
	SCTPOptions
}

// PipeTransportDump is the answer of router.createPipeTransport and of transport.dump.
type PipeTransportDump struct {
	TransportDump
	Tuple          TransportTuple  `json:"tuple"`
	RTX            bool            `json:"rtx"`
	SRTPParameters *SRTPParameters `json:"srtpParameters,omitempty"` // ours
}

// PipeTransportStats is the answer of transport.getStats.
type PipeTransportStats struct {
	TransportStats
	Tuple TransportTuple `json:"tuple"`
}

// ConnectPipeTransport is the body of pipeTransport.connect: where the other end is.
type ConnectPipeTransport struct {
	IP             string          `json:"ip" needed:"true"`         // the other end's address
	Port           uint16          `json:"port" needed:"true"`       // and port
	SRTPParameters *SRTPParameters `json:"srtpParameters,omitempty"` // the other end's; needed if SRTP is enabled, else refused
}

// ConnectPipeTransportResult is the answer of pipeTransport.connect.
type ConnectPipeTransportResult struct {
	Tuple TransportTuple `json:"tuple"`
}
