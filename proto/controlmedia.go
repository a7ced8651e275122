package proto

// ProduceMedia is the body of transport.produce in the control API: what a peer sends, as its signaling has it.
type ProduceMedia struct {
	ProducerID                             string        `json:"producerId,omitempty"` // new in the router; made up if absent
	Kind                                   string        `json:"kind" needed:"true" enum:"audio,video"`
	RTPParameters                          RTPParameters `json:"rtpParameters" needed:"true"`                      // what the peer sends
	Paused                                 bool          `json:"paused,omitempty"`                                 // forward nothing until it is resumed
	KeyFrameRequestDelay                   int           `json:"keyFrameRequestDelay,omitempty" min:"0"`           // milliseconds between two requests, video only
	EnableMediasoupPacketIDHeaderExtension bool          `json:"enableMediasoupPacketIdHeaderExtension,omitempty"` // accepted, and of no effect
}

// Produced is a producer that was made.
type Produced struct {
	ProducerID    string        `json:"producerId"`
	HandlerID     string        `json:"handlerId"` // what requests for it are addressed to
	Kind          string        `json:"kind"`
	Type          string        `json:"type"`          // simple, simulcast or svc
	RTPParameters RTPParameters `json:"rtpParameters"` // with the CNAME of its transport
	Paused        bool          `json:"paused"`
}

// ConsumeMedia is the body of transport.consume in the control API. On a pipe transport, whose consumers send all there is, all but the ids and
// Paused have no meaning.
type ConsumeMedia struct {
	ConsumerID      string          `json:"consumerId,omitempty"`      // new; made up if absent
	ProducerID      string          `json:"producerId" needed:"true"`  // of the same router
	RTPCapabilities RTPCapabilities `json:"rtpCapabilities"`           // of the peer, in the router's numbers
	Paused          bool            `json:"paused,omitempty"`          // send nothing until it is resumed
	MID             string          `json:"mid,omitempty"`             // 0, 1 and so on if absent
	PreferredLayers *ConsumerLayers `json:"preferredLayers,omitempty"` // absent is all of them
	EnableRTX       *bool           `json:"enableRtx,omitempty"`       // retransmit what the peer asks for; absent is true for video, else false
	IgnoreDTX       bool            `json:"ignoreDtx,omitempty"`       // send no frames of silence
	Pipe            bool            `json:"pipe,omitempty"`            // send every encoding as it is, under an SSRC of its own
}

// Consumed is a consumer that was made.
type Consumed struct {
	ConsumerID      string          `json:"consumerId"`
	ProducerID      string          `json:"producerId"`
	Kind            string          `json:"kind"`
	Type            string          `json:"type"`          // the producer's, or pipe
	RTPParameters   RTPParameters   `json:"rtpParameters"` // what the peer receives
	Paused          bool            `json:"paused"`
	ProducerPaused  bool            `json:"producerPaused"`
	Score           ConsumerScore   `json:"score"`
	PreferredLayers *ConsumerLayers `json:"preferredLayers,omitempty"`
}

// ProduceMessages is the body of transport.produceData in the control API.
type ProduceMessages struct {
	DataProducerID       string                `json:"dataProducerId,omitempty"`       // new in the router; made up if absent
	SCTPStreamParameters *SCTPStreamParameters `json:"sctpStreamParameters,omitempty"` // needed, but on a direct transport
	Label                string                `json:"label,omitempty"`                // for the application
	Protocol             string                `json:"protocol,omitempty"`             // for the application
	Paused               bool                  `json:"paused,omitempty"`               // pass on nothing until it is resumed
}

// ConsumeMessages is the body of transport.consumeData in the control API. The stream is as the data producer has it where nothing is said, on a
// number that is free.
type ConsumeMessages struct {
	DataConsumerID    string   `json:"dataConsumerId,omitempty"`     // new; made up if absent
	DataProducerID    string   `json:"dataProducerId" needed:"true"` // of the same router
	Ordered           *bool    `json:"ordered,omitempty"`            // deliver in order
	MaxPacketLifeTime *uint16  `json:"maxPacketLifeTime,omitempty"`  // milliseconds a lost message is sent again
	MaxRetransmits    *uint16  `json:"maxRetransmits,omitempty"`     // how often a lost message is sent again
	Paused            bool     `json:"paused,omitempty"`             // send nothing until it is resumed
	Subchannels       []uint16 `json:"subchannels,omitempty"`        // it is subscribed to
}

// PipeToRouter is the body of router.pipeToRouter. Exactly one of ProducerID and DataProducerID is given. The rest is about the pair of pipe
// transports, which is made when the two routers are joined for the first time.
type PipeToRouter struct {
	ProducerID     string      `json:"producerId,omitempty"`            // of the router
	DataProducerID string      `json:"dataProducerId,omitempty"`        // of the router
	RouterID       string      `json:"routerId" needed:"true"`          // of the other one, of any worker
	KeepID         *bool       `json:"keepId,omitempty" default:"true"` // let the other router know it by the same id; must be false within one worker
	ListenInfo     *ListenInfo `json:"listenInfo,omitempty"`            // udp on 127.0.0.1, any port, if absent
	EnableRTX      bool        `json:"enableRtx,omitempty"`             // repair what gets lost between the routers
	EnableSRTP     bool        `json:"enableSrtp,omitempty"`            // encrypt what goes between the routers

	// As in SCTPOptions, but enabled if absent.
	EnableSCTP                                  *bool `json:"enableSctp,omitempty" default:"true"`                                               // allow data producers
	MaxSendMessageSize                          int   `json:"maxSendMessageSize,omitempty" default:"262144" min:"0" max:"8388608"`               // bytes
	MaxReceiveMessageSize                       int   `json:"maxReceiveMessageSize,omitempty" default:"262144" min:"0" max:"8388608"`            // bytes
	SCTPSendBufferSize                          int   `json:"sctpSendBufferSize,omitempty" default:"2000000" min:"0" max:"8388608"`              // bytes
	SCTPPerStreamSendQueueLimit                 int   `json:"sctpPerStreamSendQueueLimit,omitempty" default:"2000000" min:"0" max:"8388608"`     // bytes
	SCTPMaxReceiverWindowBufferSize             int   `json:"sctpMaxReceiverWindowBufferSize,omitempty" default:"5242880" min:"0" max:"8388608"` // bytes
	SCTPDefaultStreamBufferedAmountLowThreshold *int  `json:"sctpDefaultStreamBufferedAmountLowThreshold,omitempty" default:"1024" min:"0"`      // bytes
}

// SCTPOptions are those of both transports.
func (p *PipeToRouter) SCTPOptions() SCTPOptions {
	return SCTPOptions{
		EnableSCTP: p.EnableSCTP == nil || *p.EnableSCTP, MaxSendMessageSize: p.MaxSendMessageSize, MaxReceiveMessageSize: p.MaxReceiveMessageSize,
		SCTPSendBufferSize: p.SCTPSendBufferSize, SCTPPerStreamSendQueueLimit: p.SCTPPerStreamSendQueueLimit,
		SCTPMaxReceiverWindowBufferSize:             p.SCTPMaxReceiverWindowBufferSize,
		SCTPDefaultStreamBufferedAmountLowThreshold: p.SCTPDefaultStreamBufferedAmountLowThreshold,
	}
}

// Piped is the answer of router.pipeToRouter: what leaves the router, and what arrives at the other, of media or of data.
type Piped struct {
	TransportID       string            `json:"transportId"`       // of the pipe's end in the router
	RemoteTransportID string            `json:"remoteTransportId"` // of the pipe's end in the other router
	Consumer          *Consumed         `json:"consumer,omitempty"`
	Producer          *Produced         `json:"producer,omitempty"`
	DataConsumer      *DataConsumerDump `json:"dataConsumer,omitempty"`
	DataProducer      *DataProducerDump `json:"dataProducer,omitempty"`
	DataHandlerID     string            `json:"dataHandlerId,omitempty"` // what requests for the data producer are addressed to
}
