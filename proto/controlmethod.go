package proto

// Requests of the control API that a worker does not know. The handler id of controller.* is empty.
const (
	ControllerAttach            = "controller.attach"                      // makes whoever sends it a client
	ControllerListWorkers       = "controller.listWorkers"                 // tells which workers run
	ControllerRTPCapabilities   = "controller.getSupportedRtpCapabilities" // tells what routers can be made of
	ControllerListRouters       = "controller.listRouters"                 // tells which routers live, on all workers
	ControllerListWebRTCServers = "controller.listWebRtcServers"           // tells which WebRtcServers live that clients have made
	ControllerOpenRouter        = "controller.openRouter"                  // tells what is in a router, and its events from then on; may make it the client's
	ControllerLeaveRouter       = "controller.leaveRouter"                 // takes that back: a router that was the client's is nobody's, and stays
	ControllerTakeWebRTCServer  = "controller.takeWebRtcServer"            // makes a WebRtcServer the client's
	RouterUpdateMediaCodecs     = "router.updateMediaCodecs"               // has a router forward other codecs, of producers that come after it
	RouterCanConsume            = "router.canConsume"                      // tells whether an endpoint can take a producer
	RouterPipeToRouter          = "router.pipeToRouter"                    // makes a producer, of media or of data, another router's, too
)

// Events of the control API that a worker does not know. What is closed by a request is not told to who asked.
const (
	EventControllerHello    = "controller.hello"    // is the first message of a connection
	EventRouterClosed       = "router.closed"       // it has ended, with all that was in it
	EventTransportClosed    = "transport.closed"    // it has ended, with all that it carried
	EventProducerClosed     = "producer.closed"     // it has ended; its consumers are told
	EventConsumerClosed     = "consumer.closed"     // it has ended
	EventDataProducerClosed = "dataProducer.closed" // it has ended; its data consumers are told
	EventDataConsumerClosed = "dataConsumer.closed" // it has ended
	EventRTPObserverClosed  = "rtpObserver.closed"  // it has ended
	EventWebRTCServerClosed = "webRtcServer.closed" // it has ended
)

// Events of what another client of a router has made, paused or resumed.
const (
	EventRouterNewTransport       = "router.newTransport"       // it has one more
	EventRouterNewRTPObserver     = "router.newRtpObserver"     // it has one more
	EventTransportNewProducer     = "transport.newProducer"     // it has one more
	EventTransportNewConsumer     = "transport.newConsumer"     // it has one more
	EventTransportNewDataProducer = "transport.newDataProducer" // it has one more
	EventTransportNewDataConsumer = "transport.newDataConsumer" // it has one more

	EventProducerPaused      = "producer.paused"      // its consumers' producerPause comes besides
	EventProducerResumed     = "producer.resumed"     // its consumers' producerResume comes besides
	EventConsumerPaused      = "consumer.paused"      // by itself
	EventConsumerResumed     = "consumer.resumed"     // by itself
	EventDataProducerPaused  = "dataProducer.paused"  // its data consumers' dataProducerPause comes besides
	EventDataProducerResumed = "dataProducer.resumed" // its data consumers' dataProducerResume comes besides
	EventDataConsumerPaused  = "dataConsumer.paused"  // by itself
	EventDataConsumerResumed = "dataConsumer.resumed" // by itself
	EventRTPObserverPaused   = "rtpObserver.paused"   // it is deaf
	EventRTPObserverResumed  = "rtpObserver.resumed"  // it is not any more
)

// ControlMethods is every request of the control API that the channel does not have, or has with another body. The rest of the channel's requests
// are the same; a worker's are addressed to its id.
var ControlMethods = []Method{
	{Name: ControllerAttach, Target: "controller", Request: AttachClient{}, Response: AttachClientResult{}},
	{Name: ControllerListWorkers, Target: "controller", Response: []WorkerInfo{}},
	{Name: ControllerRTPCapabilities, Target: "controller", Response: RTPCapabilities{}},
	{Name: ControllerListRouters, Target: "controller", Response: []RouterInfo{}},
	{Name: ControllerListWebRTCServers, Target: "controller", Response: []WebRTCServerInfo{}},
	{Name: ControllerOpenRouter, Target: "controller", Request: OpenRouter{}, Response: RouterContents{}},
	{Name: ControllerLeaveRouter, Target: "controller", Request: LeaveRouter{}},
	{Name: ControllerTakeWebRTCServer, Target: "controller", Request: TakeWebRTCServer{}},
	{Name: WorkerCreateWebRTCServer, Target: "worker", Request: NewWebRTCServer{}, Response: WebRTCServerCreated{}},
	{Name: WorkerCreateRouter, Target: "worker", Request: NewRouter{}, Response: RouterCreated{}},
	{Name: RouterUpdateMediaCodecs, Target: "router", Request: UpdateMediaCodecs{}, Response: RTPCapabilities{}},
	{Name: RouterCanConsume, Target: "router", Request: CanConsume{}, Response: CanConsumeResult{}},
	{Name: RouterPipeToRouter, Target: "router", Request: PipeToRouter{}, Response: Piped{}},
	{Name: RouterCreateAudioLevelObserver, Target: "router", Request: CreateAudioLevelObserver{}, Response: RTPObserverCreated{}},
	{Name: RouterCreateActiveSpeakerObserver, Target: "router", Request: CreateActiveSpeakerObserver{}, Response: RTPObserverCreated{}},
	{Name: TransportProduce, Target: "transport", Request: ProduceMedia{}, Response: Produced{}},
	{Name: TransportConsume, Target: "transport", Request: ConsumeMedia{}, Response: Consumed{}},
	{Name: TransportProduceData, Target: "transport", Request: ProduceMessages{}, Response: DataProducerDump{}},
	{Name: TransportConsumeData, Target: "transport", Request: ConsumeMessages{}, Response: DataConsumerDump{}},
}

// ControlEvents is every event of the control API that the channel does not have. The rest of the channel's events are the same.
var ControlEvents = []EventType{
	{Name: EventControllerHello, Target: "controller", Body: Hello{}},
	{Name: EventRouterClosed, Target: "router", Body: Closed{}},
	{Name: EventTransportClosed, Target: "transport", Body: Closed{}},
	{Name: EventProducerClosed, Target: "producer", Body: Closed{}},
	{Name: EventConsumerClosed, Target: "consumer", Body: Closed{}},
	{Name: EventDataProducerClosed, Target: "dataProducer", Body: Closed{}},
	{Name: EventDataConsumerClosed, Target: "dataConsumer", Body: Closed{}},
	{Name: EventRTPObserverClosed, Target: "rtpObserver", Body: Closed{}},
	{Name: EventWebRTCServerClosed, Target: "webRtcServer", Body: Closed{}},
	{Name: EventRouterNewTransport, Target: "router", Body: NewTransport{}},
	{Name: EventRouterNewRTPObserver, Target: "router", Body: ObserverContents{}},
	{Name: EventTransportNewProducer, Target: "transport", Body: ProducerContents{}},
	{Name: EventTransportNewConsumer, Target: "transport", Body: NewConsumer{}},
	{Name: EventTransportNewDataProducer, Target: "transport", Body: ProducerContents{}},
	{Name: EventTransportNewDataConsumer, Target: "transport", Body: NewDataConsumer{}},
	{Name: EventProducerPaused, Target: "producer"},
	{Name: EventProducerResumed, Target: "producer"},
	{Name: EventConsumerPaused, Target: "consumer"},
	{Name: EventConsumerResumed, Target: "consumer"},
	{Name: EventDataProducerPaused, Target: "dataProducer"},
	{Name: EventDataProducerResumed, Target: "dataProducer"},
	{Name: EventDataConsumerPaused, Target: "dataConsumer"},
	{Name: EventDataConsumerResumed, Target: "dataConsumer"},
	{Name: EventRTPObserverPaused, Target: "rtpObserver"},
	{Name: EventRTPObserverResumed, Target: "rtpObserver"},
}
