package proto

// Produce is the body of transport.produce.
type Produce struct {
	ProducerID                             string        `json:"producerId" needed:"true"` // new
	Kind                                   string        `json:"kind" needed:"true" enum:"audio,video"`
	RTPParameters                          RTPParameters `json:"rtpParameters" needed:"true"`                      // what the peer sends
	RTPMapping                             RTPMapping    `json:"rtpMapping" needed:"true"`                         // what the router calls it
	Paused                                 bool          `json:"paused,omitempty"`                                 // forward nothing until it is resumed
	KeyFrameRequestDelay                   int           `json:"keyFrameRequestDelay,omitempty" min:"0"`           // milliseconds between two requests, video only
	EnableMediasoupPacketIDHeaderExtension bool          `json:"enableMediasoupPacketIdHeaderExtension,omitempty"` // number the packets that have no id yet, for consumers who know the extension
}

// ProduceResult tells what kind of producer it became: simple, simulcast or svc.
type ProduceResult struct {
	Type string `json:"type"` // simple, simulcast or svc
}

// CloseProducer is the body of transport.closeProducer.
type CloseProducer struct {
	ProducerID string `json:"producerId" needed:"true"`
}

// ProducerDump is the answer of producer.dump.
type ProducerDump struct {
	ID              string          `json:"id"`
	Kind            string          `json:"kind"`
	Type            string          `json:"type"` // simple, simulcast or svc
	RTPParameters   RTPParameters   `json:"rtpParameters"`
	RTPMapping      RTPMapping      `json:"rtpMapping"`
	RTPStreams      []RTPStreamDump `json:"rtpStreams"`
	TraceEventTypes []string        `json:"traceEventTypes"` // that producer.trace tells of
	Paused          bool            `json:"paused"`
}

// RTPStreamDump is one stream of a producer or consumer.
type RTPStreamDump struct {
	Params    RTPStreamParams `json:"params"`
	Score     uint8           `json:"score"` // 0 to 10
	RTXStream *RTXStreamDump  `json:"rtxStream,omitempty"`
}

// RTPStreamParams is how a stream was set up.
type RTPStreamParams struct {
	EncodingIdx    int    `json:"encodingIdx"` // of rtpParameters.encodings
	SSRC           uint32 `json:"ssrc"`
	PayloadType    uint8  `json:"payloadType"`
	MimeType       string `json:"mimeType"`
	ClockRate      int    `json:"clockRate"` // Hz
	RID            string `json:"rid,omitempty"`
	CNAME          string `json:"cname"`
	RTXSSRC        uint32 `json:"rtxSsrc,omitempty"`
	RTXPayloadType uint8  `json:"rtxPayloadType,omitempty"`
	UseNACK        bool   `json:"useNack"` // what is lost is asked for again
	UsePLI         bool   `json:"usePli"`
	UseFIR         bool   `json:"useFir"`
	UseInBandFEC   bool   `json:"useInBandFec"`
	UseDTX         bool   `json:"useDtx"`
	SpatialLayers  int    `json:"spatialLayers"`  // how many
	TemporalLayers int    `json:"temporalLayers"` // how many
}

// RTXStreamDump is a stream's retransmission stream.
type RTXStreamDump struct {
	Params RTXStreamParams `json:"params"`
}

// RTXStreamParams is how a retransmission stream was set up.
type RTXStreamParams struct {
	SSRC        uint32 `json:"ssrc"`
	PayloadType uint8  `json:"payloadType"`
	MimeType    string `json:"mimeType"`
	ClockRate   int    `json:"clockRate"` // Hz
	RRID        string `json:"rrid,omitempty"`
	CNAME       string `json:"cname"`
}

// RTPStreamStats is an element of the answers of producer.getStats (type inbound-rtp) and consumer.getStats (outbound-rtp first,
// then the inbound-rtp of the producer's stream it forwards). Jitter is in RTP timestamp units, RoundTripTime milliseconds,
// FractionLost in 1/256, bitrates bit/s, Timestamp milliseconds of the worker's clock.
type RTPStreamStats struct {
	Type                 string         `json:"type"`
	Timestamp            int64          `json:"timestamp"`
	SSRC                 uint32         `json:"ssrc"`
	RTXSSRC              uint32         `json:"rtxSsrc,omitempty"` // of its retransmissions
	RID                  string         `json:"rid,omitempty"`
	Kind                 string         `json:"kind"`
	MimeType             string         `json:"mimeType"`
	PacketsLost          int            `json:"packetsLost"` // expected less received (RFC 3550 section 6.4.1), so it may be below 0
	FractionLost         uint8          `json:"fractionLost"`
	Jitter               uint32         `json:"jitter"`
	PacketsDiscarded     uint64         `json:"packetsDiscarded"`     // received, and of no use
	PacketsRetransmitted uint64         `json:"packetsRetransmitted"` // sent again, or received again
	PacketsRepaired      uint64         `json:"packetsRepaired"`      // lost, and then received by retransmission
	NACKCount            uint64         `json:"nackCount"`            // requests for retransmissions
	NACKPacketCount      uint64         `json:"nackPacketCount"`      // packets they asked for
	PLICount             uint64         `json:"pliCount"`             // requests for key frames
	FIRCount             uint64         `json:"firCount"`             // requests for key frames
	RoundTripTime        float64        `json:"roundTripTime,omitempty"`
	RTXPacketsDiscarded  uint64         `json:"rtxPacketsDiscarded,omitempty"` // retransmissions of no use
	Score                uint8          `json:"score"`                         // 0 to 10
	PacketCount          uint64         `json:"packetCount"`
	ByteCount            uint64         `json:"byteCount"`
	Bitrate              int            `json:"bitrate"`                  // of the last second
	BitrateByLayer       *LayerBitrates `json:"bitrateByLayer,omitempty"` // "spatial.temporal": bit/s; always there if inbound
}

// LayerBitrates are the bitrates of layers, bit/s by "spatial.temporal"; layers that carry nothing are left out.
type LayerBitrates map[string]int

// ProducerScore is the body of producer.score: one element per stream that was seen.
type ProducerScore []StreamScore

// StreamScore is the health of one stream, 0 (dead) to 10.
type StreamScore struct {
	EncodingIdx int    `json:"encodingIdx"` // of rtpParameters.encodings
	SSRC        uint32 `json:"ssrc"`
	RID         string `json:"rid,omitempty"`
	Score       uint8  `json:"score"`
}

// VideoOrientation is the body of producer.videoOrientationChange; Rotation is degrees clockwise.
type VideoOrientation struct {
	Camera   bool `json:"camera"`
	Flip     bool `json:"flip"`
	Rotation int  `json:"rotation"`
}
