package proto

// PlainTransportOptions is the body of router.createPlainTransport: RTP without ICE and DTLS.
type PlainTransportOptions struct {
	TransportID     string      `json:"transportId" needed:"true"`        // new
	ListenInfo      ListenInfo  `json:"listenInfo" needed:"true"`         // of protocol udp
	RTCPListenInfo  *ListenInfo `json:"rtcpListenInfo,omitempty"`         // with rtcpMux false; absent is as ListenInfo, any port
	RTCPMux         *bool       `json:"rtcpMux,omitempty" default:"true"` // RTP and RTCP share a port
	Comedia         bool        `json:"comedia,omitempty"`                // learn the peer's address from its first valid packet
	EnableSRTP      bool        `json:"enableSrtp,omitempty"`             // encrypt, with keys from signaling
	SRTPCryptoSuite string      `json:"srtpCryptoSuite,omitempty" default:"AES_CM_128_HMAC_SHA1_80" enum:"AEAD_AES_256_GCM,AEAD_AES_128_GCM,AES_CM_128_HMAC_SHA1_80,AES_CM_128_HMAC_SHA1_32"`
	SCTPOptions
}

// SRTPParameters are keys exchanged by signaling: KeyBase64 is the master key, then the master salt. CryptoSuite is AEAD_AES_256_GCM (32 and 12
// bytes), AEAD_AES_128_GCM (16 and 12), AES_CM_128_HMAC_SHA1_80 or AES_CM_128_HMAC_SHA1_32 (16 and 14).
type SRTPParameters struct {
	CryptoSuite string `json:"cryptoSuite" needed:"true" enum:"AEAD_AES_256_GCM,AEAD_AES_128_GCM,AES_CM_128_HMAC_SHA1_80,AES_CM_128_HMAC_SHA1_32"`
	KeyBase64   string `json:"keyBase64" needed:"true"`
}

// PlainTransportDump is the answer of router.createPlainTransport and of transport.dump.
type PlainTransportDump struct {
	TransportDump
	RTCPMux        bool            `json:"rtcpMux"`
	Comedia        bool            `json:"comedia"`
	Tuple          TransportTuple  `json:"tuple"`
	RTCPTuple      *TransportTuple `json:"rtcpTuple,omitempty"`
	SRTPParameters *SRTPParameters `json:"srtpParameters,omitempty"`
}

// PlainTransportStats is the answer of transport.getStats.
type PlainTransportStats struct {
	TransportStats
	RTCPMux   bool            `json:"rtcpMux"`
	Comedia   bool            `json:"comedia"`
	Tuple     TransportTuple  `json:"tuple"`
	RTCPTuple *TransportTuple `json:"rtcpTuple,omitempty"`
}

// ConnectPlainTransport is the body of plainTransport.connect. Without comedia IP and Port are required, and RTCPPort if there is no mux; with it they
// are not looked at.
type ConnectPlainTransport struct {
	IP             string          `json:"ip,omitempty"`             // the peer's address
	Port           uint16          `json:"port,omitempty"`           // where it takes RTP, and RTCP if there is mux
	RTCPPort       uint16          `json:"rtcpPort,omitempty"`       // where it takes RTCP
	SRTPParameters *SRTPParameters `json:"srtpParameters,omitempty"` // needed if SRTP is enabled, else refused
}

// ConnectPlainTransportResult is the answer of plainTransport.connect.
type ConnectPlainTransportResult struct {
	Tuple          TransportTuple  `json:"tuple"`
	RTCPTuple      *TransportTuple `json:"rtcpTuple,omitempty"`
	SRTPParameters *SRTPParameters `json:"srtpParameters,omitempty"`
}

// PlainTransportTuple is the body of plainTransport.tuple: comedia learned the peer's address.
type PlainTransportTuple struct {
	Tuple TransportTuple `json:"tuple"`
}

// PlainTransportRTCPTuple is the body of plainTransport.rtcpTuple.
type PlainTransportRTCPTuple struct {
	RTCPTuple TransportTuple `json:"rtcpTuple"`
}
