package proto

// PlainTransportOptions is the body of router.createPlainTransport: RTP without ICE and DTLS.
type PlainTransportOptions struct {
	TransportID     string      `json:"transportId"`
	ListenInfo      ListenInfo  `json:"listenInfo"`
	RTCPListenInfo  *ListenInfo `json:"rtcpListenInfo,omitempty"` // with rtcpMux false; default: as ListenInfo, any port
	RTCPMux         *bool       `json:"rtcpMux,omitempty"`        // true
	Comedia         bool        `json:"comedia,omitempty"`        // learn the peer's address from its first valid packet
	EnableSRTP      bool        `json:"enableSrtp,omitempty"`
	SRTPCryptoSuite string      `json:"srtpCryptoSuite,omitempty"` // AES_CM_128_HMAC_SHA1_80
}

// SRTPParameters are keys exchanged by signaling: KeyBase64 is the master key, then the master salt. CryptoSuite is AEAD_AES_256_GCM (32 and 12
// bytes), AEAD_AES_128_GCM (16 and 12), AES_CM_128_HMAC_SHA1_80 or AES_CM_128_HMAC_SHA1_32 (16 and 14).
type SRTPParameters struct {
	CryptoSuite string `json:"cryptoSuite"`
	KeyBase64   string `json:"keyBase64"`
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

// ConnectPlainTransport is the body of plainTransport.connect. Without comedia IP and Port are required, and RTCPPort if there is no mux.
type ConnectPlainTransport struct {
	IP             string          `json:"ip,omitempty"`
	Port           uint16          `json:"port,omitempty"`
	RTCPPort       uint16          `json:"rtcpPort,omitempty"`
	SRTPParameters *SRTPParameters `json:"srtpParameters,omitempty"`
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
