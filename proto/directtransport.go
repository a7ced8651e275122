package proto

// DirectTransportOptions is the body of router.createDirectTransport: the controller itself sends and receives, by binary notifications.
type DirectTransportOptions struct {
	TransportID           string `json:"transportId" needed:"true"`                                              // new
	MaxSendMessageSize    int    `json:"maxSendMessageSize,omitempty" default:"262144" min:"0" max:"8388608"`    // bytes, to the controller
	MaxReceiveMessageSize int    `json:"maxReceiveMessageSize,omitempty" default:"262144" min:"0" max:"8388608"` // bytes, from the controller
}

// DirectTransportDump is the answer of router.createDirectTransport and of transport.dump.
type DirectTransportDump struct {
	TransportDump
}

// DirectTransportStats is the answer of transport.getStats.
type DirectTransportStats struct {
	TransportStats
}

// DataProducerSend is the meta of dataProducer.send. A message that is for some subchannels goes to data consumers that are subscribed to at
// least one of them; besides, they must be subscribed to RequiredSubchannel, and not to IgnoredSubchannel.
type DataProducerSend struct {
	PPID               uint32   `json:"ppid"`                  // 51 text, 53 binary, 56 and 57 the same when empty (RFC 8831 section 8)
	Subchannels        []uint16 `json:"subchannels,omitempty"` // absent is all consumers
	RequiredSubchannel *uint16  `json:"requiredSubchannel,omitempty"`
	IgnoredSubchannel  *uint16  `json:"ignoredSubchannel,omitempty"`
}

// DataConsumerMessage is the meta of dataConsumer.message.
type DataConsumerMessage struct {
	PPID uint32 `json:"ppid"` // as in DataProducerSend
}
