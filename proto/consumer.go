package proto

// Consume is the body of transport.consume. RTPParameters has one encoding, whose SSRC is new on the transport; ConsumableRTPEncodings are the
// producer's, each with the SSRC its mapping gave it, the lowest quality first. If Type is pipe, RTPParameters has an encoding for each of them.
type Consume struct {
	ConsumerID             string                  `json:"consumerId" needed:"true"`                            // new
	ProducerID             string                  `json:"producerId" needed:"true"`                            // of the same router
	Kind                   string                  `json:"kind" needed:"true" enum:"audio,video"`               // the producer's
	RTPParameters          RTPParameters           `json:"rtpParameters" needed:"true"`                         // what the peer receives
	Type                   string                  `json:"type" needed:"true" enum:"simple,simulcast,svc,pipe"` // the producer's, or pipe
	ConsumableRTPEncodings []RTPEncodingParameters `json:"consumableRtpEncodings" needed:"true"`                // the producer's
	Paused                 bool                    `json:"paused,omitempty"`                                    // send nothing until it is resumed
	PreferredLayers        *ConsumerLayers         `json:"preferredLayers,omitempty"`                           // absent is all of them
	IgnoreDTX              bool                    `json:"ignoreDtx,omitempty"`                                 // send no frames of silence
}

// ConsumeResult is the answer of transport.consume.
type ConsumeResult struct {
	Paused          bool            `json:"paused"`
	ProducerPaused  bool            `json:"producerPaused"`
	Score           ConsumerScore   `json:"score"`
	PreferredLayers *ConsumerLayers `json:"preferredLayers,omitempty"`
}

// ConsumerLayers names layers, counted from 0. An absent temporal layer is the highest.
type ConsumerLayers struct {
	SpatialLayer  int  `json:"spatialLayer" min:"0"`            // or the stream of a simulcast
	TemporalLayer *int `json:"temporalLayer,omitempty" min:"0"` // absent is the highest
}

// ConsumerScore is the body of consumer.score: Score of our own sending, ProducerScore of the stream being forwarded,
// ProducerScores of all.
type ConsumerScore struct {
	Score          uint8 `json:"score"`
	ProducerScore  uint8 `json:"producerScore"`
	ProducerScores []int `json:"producerScores"`
}

// CloseConsumer is the body of transport.closeConsumer.
type CloseConsumer struct {
	ConsumerID string `json:"consumerId" needed:"true"`
}

// SetPreferredLayers is the body of consumer.setPreferredLayers.
type SetPreferredLayers struct {
	PreferredLayers ConsumerLayers `json:"preferredLayers"`
}

// SetPreferredLayersResult tells the layers after clamping; absent for consumers without layers.
type SetPreferredLayersResult struct {
	PreferredLayers *ConsumerLayers `json:"preferredLayers,omitempty"`
}

// SetPriority is the body of consumer.setPriority: 1 to 255.
type SetPriority struct {
	Priority int `json:"priority" needed:"true" min:"1" max:"255"` // 1 is the lowest
}

// SetPriorityResult is its answer.
type SetPriorityResult struct {
	Priority int `json:"priority"`
}

// LayersChange is the body of consumer.layersChange; Layers is absent when nothing is forwarded.
type LayersChange struct {
	Layers *ConsumerLayers `json:"layers,omitempty"`
}

// ConsumerDump is the answer of consumer.dump. The layer fields are present for simulcast and SVC; -1 is none.
type ConsumerDump struct {
	ID                         string                  `json:"id"`
	Type                       string                  `json:"type"` // simple, simulcast, svc or pipe
	ProducerID                 string                  `json:"producerId"`
	Kind                       string                  `json:"kind"`
	RTPParameters              RTPParameters           `json:"rtpParameters"`
	ConsumableRTPEncodings     []RTPEncodingParameters `json:"consumableRtpEncodings"`
	SupportedCodecPayloadTypes []int                   `json:"supportedCodecPayloadTypes"` // of its media codecs
	TraceEventTypes            []string                `json:"traceEventTypes"`            // that consumer.trace tells of
	Paused                     bool                    `json:"paused"`
	ProducerPaused             bool                    `json:"producerPaused"`
	Priority                   int                     `json:"priority"`                         // 1 to 255
	RTPStreams                 []RTPStreamDump         `json:"rtpStreams"`                       // of a pipe one for each of the producer's
	RTPStream                  *RTPStreamDump          `json:"rtpStream,omitempty"`              // the only one, if it is no pipe
	PreferredSpatialLayer      *int                    `json:"preferredSpatialLayer,omitempty"`  // wished for
	TargetSpatialLayer         *int                    `json:"targetSpatialLayer,omitempty"`     // waited for
	CurrentSpatialLayer        *int                    `json:"currentSpatialLayer,omitempty"`    // forwarded
	PreferredTemporalLayer     *int                    `json:"preferredTemporalLayer,omitempty"` // wished for
	TargetTemporalLayer        *int                    `json:"targetTemporalLayer,omitempty"`    // waited for
	CurrentTemporalLayer       *int                    `json:"currentTemporalLayer,omitempty"`   // forwarded
}
