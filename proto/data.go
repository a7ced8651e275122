package proto

// SCTPOptions are what a transport's SCTP association is made of (RFC 8831). Sizes are bytes; absent or 0 is mediasoup's default.
type SCTPOptions struct {
	EnableSCTP                                  bool `json:"enableSctp,omitempty"`                                                              // allow data channels
	MaxSendMessageSize                          int  `json:"maxSendMessageSize,omitempty" default:"262144" min:"0" max:"8388608"`               // of a message to the peer
	MaxReceiveMessageSize                       int  `json:"maxReceiveMessageSize,omitempty" default:"262144" min:"0" max:"8388608"`            // of a message from the peer
	SCTPSendBufferSize                          int  `json:"sctpSendBufferSize,omitempty" default:"2000000" min:"0" max:"8388608"`              // what may wait for the peer, of all streams
	SCTPPerStreamSendQueueLimit                 int  `json:"sctpPerStreamSendQueueLimit,omitempty" default:"2000000" min:"0" max:"8388608"`     // what may wait for the peer, of one stream
	SCTPMaxReceiverWindowBufferSize             int  `json:"sctpMaxReceiverWindowBufferSize,omitempty" default:"5242880" min:"0" max:"8388608"` // at least 16384, or 0
	SCTPDefaultStreamBufferedAmountLowThreshold *int `json:"sctpDefaultStreamBufferedAmountLowThreshold,omitempty" default:"1024" min:"0"`      // of data consumers: see bufferedAmountLowThreshold

	// What SCTPParameters tell clients that negotiate by it; absent is as many as there can be. The association itself finds out how many there are.
	NumSCTPStreams *NumSCTPStreams `json:"numSctpStreams,omitempty"`
}

// NumSCTPStreams is how many streams an association begins with, as clients knew it until mediasoup 3.20.
type NumSCTPStreams struct {
	OS  uint16 `json:"OS"`  // most outgoing streams
	MIS uint16 `json:"MIS"` // most incoming streams
}

// SCTPParameters tell the peer of the association. Clients of different age read different fields of the same meaning. Our own caps on
// what waits for a peer (1 MiB per data consumer, 8 MiB per transport) hold however large the buffers are said to be.
type SCTPParameters struct {
	Port                        uint16 `json:"port"`                        // 5000
	OS                          int    `json:"OS"`                          // most outgoing streams
	MIS                         int    `json:"MIS"`                         // most incoming streams
	MaxMessageSize              int    `json:"maxMessageSize"`              // what MaxReceiveMessageSize is, for older clients
	MaxSendMessageSize          int    `json:"maxSendMessageSize"`          // of a message to the peer
	MaxReceiveMessageSize       int    `json:"maxReceiveMessageSize"`       // of a message from the peer
	SendBufferSize              int    `json:"sendBufferSize"`              // as SCTPOptions said
	PerStreamSendQueueLimit     int    `json:"perStreamSendQueueLimit"`     // as SCTPOptions said
	MaxReceiverWindowBufferSize int    `json:"maxReceiverWindowBufferSize"` // as SCTPOptions said
	IsDataChannel               bool   `json:"isDataChannel"`               // over DTLS
}

// SCTPNegotiatedCapabilities is how many streams both sides agreed on.
type SCTPNegotiatedCapabilities struct {
	NegotiatedMaxOutboundStreams uint16 `json:"negotiatedMaxOutboundStreams"`
	NegotiatedMaxInboundStreams  uint16 `json:"negotiatedMaxInboundStreams"`
}

// SCTPStreamParameters are a stream's id and reliability. An ordered stream is reliable. MaxPacketLifeTime, in milliseconds, and
// MaxRetransmits exclude each other.
type SCTPStreamParameters struct {
	StreamID          uint16  `json:"streamId"`                    // up to 65534, new among the transport's data producers, or data consumers
	Ordered           *bool   `json:"ordered,omitempty"`           // true, unless one of the others is given
	MaxPacketLifeTime *uint16 `json:"maxPacketLifeTime,omitempty"` // milliseconds a lost message is sent again
	MaxRetransmits    *uint16 `json:"maxRetransmits,omitempty"`    // how often a lost message is sent again
}

// SCTPListenerDump tells how messages find their data producer.
type SCTPListenerDump struct {
	StreamIDTable []StreamIDValue `json:"streamIdTable"`
}

// StreamIDValue is an entry of a dump's table with SCTP stream ids.
type StreamIDValue struct {
	Key   uint16 `json:"key"`
	Value string `json:"value"`
}

// States of SCTP.
const (
	SCTPNew        = "new"
	SCTPConnecting = "connecting"
	SCTPConnected  = "connected"
	SCTPFailed     = "failed"
	SCTPClosed     = "closed"
)

// SCTPStateChange is the body of transport.sctpStateChange.
type SCTPStateChange struct {
	SCTPState string `json:"sctpState"` // connecting, connected, failed or closed
}

// SCTPNegotiated is the body of transport.sctpNegotiatedCapabilities.
type SCTPNegotiated struct {
	SCTPNegotiatedCapabilities SCTPNegotiatedCapabilities `json:"sctpNegotiatedCapabilities"`
}

// Types of data producers and data consumers.
const (
	DataSCTP   = "sctp"
	DataDirect = "direct"
)

// ProduceData is the body of transport.produceData.
type ProduceData struct {
	DataProducerID       string                `json:"dataProducerId" needed:"true"`          // new
	Type                 string                `json:"type" needed:"true" enum:"sctp,direct"` // sctp, unless the transport is a direct one
	SCTPStreamParameters *SCTPStreamParameters `json:"sctpStreamParameters,omitempty"`        // needed with type sctp
	Label                string                `json:"label,omitempty"`                       // for the application
	Protocol             string                `json:"protocol,omitempty"`                    // for the application
	Paused               bool                  `json:"paused,omitempty"`                      // pass on nothing until it is resumed
}

// DataProducerDump is the answer of transport.produceData and of dataProducer.dump.
type DataProducerDump struct {
	ID                   string                `json:"id"`
	Type                 string                `json:"type"`
	SCTPStreamParameters *SCTPStreamParameters `json:"sctpStreamParameters,omitempty"`
	Label                string                `json:"label"`
	Protocol             string                `json:"protocol"`
	Paused               bool                  `json:"paused"`
}

// DataProducerStats is the element of the answer of dataProducer.getStats. Paused producers count, too.
type DataProducerStats struct {
	Type             string `json:"type"`      // data-producer
	Timestamp        int64  `json:"timestamp"` // milliseconds of the worker's clock
	Label            string `json:"label"`
	Protocol         string `json:"protocol"`
	MessagesReceived uint64 `json:"messagesReceived"` // those for paused producers, too
	BytesReceived    uint64 `json:"bytesReceived"`
}

// CloseDataProducer is the body of transport.closeDataProducer.
type CloseDataProducer struct {
	DataProducerID string `json:"dataProducerId" needed:"true"`
}

// ConsumeData is the body of transport.consumeData. A consumer with subchannels gets of a message that is for some subchannels only
// what it is subscribed to.
type ConsumeData struct {
	DataConsumerID       string                `json:"dataConsumerId" needed:"true"`          // new
	DataProducerID       string                `json:"dataProducerId" needed:"true"`          // of the same router
	Type                 string                `json:"type" needed:"true" enum:"sctp,direct"` // sctp, unless the transport is a direct one
	SCTPStreamParameters *SCTPStreamParameters `json:"sctpStreamParameters,omitempty"`        // needed with type sctp
	Label                string                `json:"label,omitempty"`                       // for the application
	Protocol             string                `json:"protocol,omitempty"`                    // for the application
	Paused               bool                  `json:"paused,omitempty"`                      // send nothing until it is resumed
	Subchannels          []uint16              `json:"subchannels,omitempty"`                 // it is subscribed to
}

// DataConsumerDump is the answer of transport.consumeData and of dataConsumer.dump.
type DataConsumerDump struct {
	ID                         string                `json:"id"`
	DataProducerID             string                `json:"dataProducerId"`
	Type                       string                `json:"type"`
	SCTPStreamParameters       *SCTPStreamParameters `json:"sctpStreamParameters,omitempty"`
	Label                      string                `json:"label"`
	Protocol                   string                `json:"protocol"`
	BufferedAmount             int                   `json:"bufferedAmount"`             // bytes the peer has not acknowledged
	BufferedAmountLowThreshold int                   `json:"bufferedAmountLowThreshold"` // bytes
	Paused                     bool                  `json:"paused"`
	DataProducerPaused         bool                  `json:"dataProducerPaused"`
	Subchannels                []uint16              `json:"subchannels"` // in order
}

// DataConsumerStats is the element of the answer of dataConsumer.getStats. MessagesDropped are those the peer was too slow for, or
// that were too large.
type DataConsumerStats struct {
	Type            string `json:"type"`      // data-consumer
	Timestamp       int64  `json:"timestamp"` // milliseconds of the worker's clock
	Label           string `json:"label"`
	Protocol        string `json:"protocol"`
	MessagesSent    uint64 `json:"messagesSent"`
	BytesSent       uint64 `json:"bytesSent"`
	MessagesDropped uint64 `json:"messagesDropped,omitempty"`
	BufferedAmount  int    `json:"bufferedAmount"` // bytes the peer has not acknowledged
}

// CloseDataConsumer is the body of transport.closeDataConsumer.
type CloseDataConsumer struct {
	DataConsumerID string `json:"dataConsumerId" needed:"true"`
}

// BufferedAmount is the answer of dataConsumer.getBufferedAmount and of dataConsumer.send, and the body of
// dataConsumer.bufferedAmountLow: bytes the peer has not acknowledged.
type BufferedAmount struct {
	BufferedAmount int `json:"bufferedAmount"`
}

// SetBufferedAmountLowThreshold is the body of dataConsumer.setBufferedAmountLowThreshold.
type SetBufferedAmountLowThreshold struct {
	Threshold int `json:"threshold" min:"0"` // bytes
}

// Blob is bytes: a blob in msgpack, base64 in JSON.
type Blob []byte

// SendData is the body of dataConsumer.send. PPID says what Data is (RFC 8831 section 8): 51 text, 53 binary, 56 and 57 the same when
// empty.
type SendData struct {
	PPID uint32 `json:"ppid"`
	Data Blob   `json:"data"`
}

// SetSubchannels is the body of dataConsumer.setSubchannels.
type SetSubchannels struct {
	Subchannels []uint16 `json:"subchannels"`
}

// Subchannel is the body of dataConsumer.addSubchannel and dataConsumer.removeSubchannel.
type Subchannel struct {
	Subchannel uint16 `json:"subchannel"`
}

// Subchannels is the answer of the methods that change them, in order.
type Subchannels struct {
	Subchannels []uint16 `json:"subchannels"`
}
