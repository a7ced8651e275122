package proto

// Method is a request of the channel: whose handler id it carries and the types of its body and its answer; nil is none.
type Method struct {
	Name     string
	Target   string // worker, webRtcServer, router, transport, producer, consumer, dataProducer, dataConsumer or rtpObserver
	Request  any
	Response any

	// Others are the answers of other types of transports, which Response is not of.
	Others []Variant
}

// Variant is the answer of one type of transport.
type Variant struct {
	Of       string // a plain transport
	Response any
}

// EventType is an event of the channel: whose handler id it carries and the type of its body; nil is none.
type EventType struct {
	Name   string
	Target string
	Body   any

	// Payload says what the bytes of a binary one are; Body is its meta then.
	Payload string
}

// Methods is every request a worker answers, by the object it is addressed to.
var Methods = []Method{
	{Name: WorkerAttach, Target: "worker", Request: Attach{}, Response: AttachResult{}},
	{Name: WorkerClose, Target: "worker"},
	{Name: WorkerDumpMethod, Target: "worker", Response: WorkerDump{}},
	{Name: WorkerResourceUsage, Target: "worker", Response: ResourceUsage{}},
	{Name: WorkerGetStats, Target: "worker", Response: WorkerStats{}},
	{Name: WorkerGetProfile, Target: "worker", Request: GetProfile{}, Response: Profile{}},
	{Name: WorkerUpdateSettings, Target: "worker", Request: UpdateSettings{}},
	{Name: WorkerUpdateTURN, Target: "worker", Request: TURNSettings{}},
	{Name: TURNDumpMethod, Target: "worker", Response: TURNDump{}},
	{Name: WorkerCreateWebRTCServer, Target: "worker", Request: CreateWebRTCServer{}, Response: WebRTCServerDump{}},
	{Name: WorkerCloseWebRTCServer, Target: "worker", Request: CloseWebRTCServer{}},
	{Name: WorkerCreateRouter, Target: "worker", Request: CreateRouter{}},
	{Name: WorkerCloseRouter, Target: "worker", Request: CloseRouter{}},

	{Name: WebRTCServerDumpMethod, Target: "webRtcServer", Response: WebRTCServerDump{}},

	{Name: RouterDumpMethod, Target: "router", Response: RouterDump{}},
	{Name: RouterCreateWebRTCTransport, Target: "router", Request: WebRTCTransportOptions{}, Response: WebRTCTransportDump{}},
	{Name: RouterCreateWebRTCTransportWithServer, Target: "router", Request: WebRTCTransportOptions{}, Response: WebRTCTransportDump{}},
	{Name: RouterCreatePlainTransport, Target: "router", Request: PlainTransportOptions{}, Response: PlainTransportDump{}},
	{Name: RouterCreatePipeTransport, Target: "router", Request: PipeTransportOptions{}, Response: PipeTransportDump{}},
	{Name: RouterCreateDirectTransport, Target: "router", Request: DirectTransportOptions{}, Response: DirectTransportDump{}},
	{Name: RouterCloseTransport, Target: "router", Request: CloseTransport{}},
	{Name: RouterCreateAudioLevelObserver, Target: "router", Request: CreateAudioLevelObserver{}},
	{Name: RouterCreateActiveSpeakerObserver, Target: "router", Request: CreateActiveSpeakerObserver{}},
	{Name: RouterCloseRTPObserver, Target: "router", Request: CloseRTPObserver{}},

	{Name: TransportDumpMethod, Target: "transport", Response: WebRTCTransportDump{}, Others: []Variant{
		{"a plain transport", PlainTransportDump{}}, {"a pipe transport", PipeTransportDump{}}, {"a direct transport", DirectTransportDump{}},
	}},
	{Name: TransportGetStats, Target: "transport", Response: WebRTCTransportStats{}, Others: []Variant{
		{"a plain transport", PlainTransportStats{}}, {"a pipe transport", PipeTransportStats{}}, {"a direct transport", DirectTransportStats{}},
	}},
	{Name: TransportSetMaxIncomingBitrate, Target: "transport", Request: SetMaxIncomingBitrate{}},
	{Name: TransportSetMaxOutgoingBitrate, Target: "transport", Request: SetMaxOutgoingBitrate{}},
	{Name: TransportSetMinOutgoingBitrate, Target: "transport", Request: SetMinOutgoingBitrate{}},
	{Name: TransportRestartICE, Target: "transport", Response: ICEParameters{}},
	{Name: TransportProduce, Target: "transport", Request: Produce{}, Response: ProduceResult{}},
	{Name: TransportConsume, Target: "transport", Request: Consume{}, Response: ConsumeResult{}},
	{Name: TransportEnableTraceEvent, Target: "transport", Request: EnableTraceEvent{}},
	{Name: TransportCloseProducer, Target: "transport", Request: CloseProducer{}},
	{Name: TransportCloseConsumer, Target: "transport", Request: CloseConsumer{}},

	{Name: TransportProduceData, Target: "transport", Request: ProduceData{}, Response: DataProducerDump{}},
	{Name: TransportConsumeData, Target: "transport", Request: ConsumeData{}, Response: DataConsumerDump{}},
	{Name: TransportCloseDataProducer, Target: "transport", Request: CloseDataProducer{}},
	{Name: TransportCloseDataConsumer, Target: "transport", Request: CloseDataConsumer{}},

	{Name: WebRTCTransportConnect, Target: "transport", Request: ConnectWebRTCTransport{}, Response: ConnectWebRTCTransportResult{}},
	{Name: PlainTransportConnect, Target: "transport", Request: ConnectPlainTransport{}, Response: ConnectPlainTransportResult{}},
	{Name: PipeTransportConnect, Target: "transport", Request: ConnectPipeTransport{}, Response: ConnectPipeTransportResult{}},

	{Name: ProducerDumpMethod, Target: "producer", Response: ProducerDump{}},
	{Name: ProducerGetStats, Target: "producer", Response: []RTPStreamStats{}},
	{Name: ProducerPause, Target: "producer"},
	{Name: ProducerResume, Target: "producer"},
	{Name: ProducerEnableTraceEvent, Target: "producer", Request: EnableTraceEvent{}},

	{Name: ConsumerDumpMethod, Target: "consumer", Response: ConsumerDump{}},
	{Name: ConsumerGetStats, Target: "consumer", Response: []RTPStreamStats{}},
	{Name: ConsumerPause, Target: "consumer"},
	{Name: ConsumerResume, Target: "consumer"},
	{Name: ConsumerSetPreferredLayers, Target: "consumer", Request: SetPreferredLayers{}, Response: SetPreferredLayersResult{}},
	{Name: ConsumerSetPriority, Target: "consumer", Request: SetPriority{}, Response: SetPriorityResult{}},
	{Name: ConsumerRequestKeyFrame, Target: "consumer"},
	{Name: ConsumerEnableTraceEvent, Target: "consumer", Request: EnableTraceEvent{}},

	{Name: DataProducerDumpMethod, Target: "dataProducer", Response: DataProducerDump{}},
	{Name: DataProducerGetStats, Target: "dataProducer", Response: []DataProducerStats{}},
	{Name: DataProducerPause, Target: "dataProducer"},
	{Name: DataProducerResume, Target: "dataProducer"},

	{Name: DataConsumerDumpMethod, Target: "dataConsumer", Response: DataConsumerDump{}},
	{Name: DataConsumerGetStats, Target: "dataConsumer", Response: []DataConsumerStats{}},
	{Name: DataConsumerPause, Target: "dataConsumer"},
	{Name: DataConsumerResume, Target: "dataConsumer"},
	{Name: DataConsumerGetBufferedAmount, Target: "dataConsumer", Response: BufferedAmount{}},
	{Name: DataConsumerSetBufferedAmountLowThreshold, Target: "dataConsumer", Request: SetBufferedAmountLowThreshold{}},
	{Name: DataConsumerSend, Target: "dataConsumer", Request: SendData{}, Response: BufferedAmount{}},
	{Name: DataConsumerSetSubchannels, Target: "dataConsumer", Request: SetSubchannels{}, Response: Subchannels{}},
	{Name: DataConsumerAddSubchannel, Target: "dataConsumer", Request: Subchannel{}, Response: Subchannels{}},
	{Name: DataConsumerRemoveSubchannel, Target: "dataConsumer", Request: Subchannel{}, Response: Subchannels{}},

	{Name: RTPObserverPause, Target: "rtpObserver"},
	{Name: RTPObserverResume, Target: "rtpObserver"},
	{Name: RTPObserverAddProducer, Target: "rtpObserver", Request: ObserverProducer{}},
	{Name: RTPObserverRemoveProducer, Target: "rtpObserver", Request: ObserverProducer{}},
}

// Events is every event a worker sends.
var Events = []EventType{
	{Name: EventWorkerHello, Target: "worker", Body: Hello{}},
	{Name: EventTURNCreated, Target: "worker", Body: TURNEvent{}},
	{Name: EventTURNRefreshed, Target: "worker", Body: TURNEvent{}},
	{Name: EventTURNMoved, Target: "worker", Body: TURNEvent{}},
	{Name: EventTURNEnded, Target: "worker", Body: TURNEvent{}},
	{Name: EventTURNDenied, Target: "worker", Body: TURNEvent{}},
	{Name: EventICEStateChange, Target: "transport", Body: ICEStateChange{}},
	{Name: EventICESelectedTupleChange, Target: "transport", Body: ICESelectedTupleChange{}},
	{Name: EventDTLSStateChange, Target: "transport", Body: DTLSStateChange{}},
	{Name: EventPlainTransportTuple, Target: "transport", Body: PlainTransportTuple{}},
	{Name: EventPlainTransportRTCPTuple, Target: "transport", Body: PlainTransportRTCPTuple{}},
	{Name: EventDirectTransportRTCP, Target: "transport", Payload: "RTCP, a compound"},
	{Name: EventTransportListenServerClose, Target: "transport"},
	{Name: EventTransportTrace, Target: "transport", Body: TraceEvent{}},
	{Name: EventProducerScore, Target: "producer", Body: ProducerScore{}},
	{Name: EventProducerVideoOrientation, Target: "producer", Body: VideoOrientation{}},
	{Name: EventProducerTrace, Target: "producer", Body: TraceEvent{}},
	{Name: EventConsumerProducerPause, Target: "consumer"},
	{Name: EventConsumerProducerResume, Target: "consumer"},
	{Name: EventConsumerProducerClose, Target: "consumer"},
	{Name: EventConsumerLayersChange, Target: "consumer", Body: LayersChange{}},
	{Name: EventConsumerScore, Target: "consumer", Body: ConsumerScore{}},
	{Name: EventConsumerTrace, Target: "consumer", Body: TraceEvent{}},
	{Name: EventConsumerRTP, Target: "consumer", Payload: "an RTP packet"},
	{Name: EventSCTPStateChange, Target: "transport", Body: SCTPStateChange{}},
	{Name: EventSCTPNegotiatedCapabilities, Target: "transport", Body: SCTPNegotiated{}},
	{Name: EventDataConsumerProducerPause, Target: "dataConsumer"},
	{Name: EventDataConsumerProducerResume, Target: "dataConsumer"},
	{Name: EventDataConsumerProducerClose, Target: "dataConsumer"},
	{Name: EventDataConsumerAmountLow, Target: "dataConsumer", Body: BufferedAmount{}},
	{Name: EventDataConsumerBufferFull, Target: "dataConsumer"},
	{Name: EventDataConsumerMessage, Target: "dataConsumer", Body: DataConsumerMessage{}, Payload: "a message"},
	{Name: EventAudioLevelObserverVolumes, Target: "rtpObserver", Body: AudioVolumes{}},
	{Name: EventAudioLevelObserverSilence, Target: "rtpObserver"},
	{Name: EventDominantSpeaker, Target: "rtpObserver", Body: DominantSpeaker{}},
}
