package proto

// Methods are the requests a worker answers. The handler id of a request names the object in front of the dot: the worker itself ("")
// for worker.*, else a router's, WebRtcServer's, transport's, producer's, consumer's or observer's id.
const (
	WorkerAttach             = "worker.attach"
	WorkerClose              = "worker.close"
	WorkerDumpMethod         = "worker.dump"
	WorkerResourceUsage      = "worker.getResourceUsage"
	WorkerUpdateSettings     = "worker.updateSettings"
	WorkerCreateWebRTCServer = "worker.createWebRtcServer"
	WorkerCloseWebRTCServer  = "worker.closeWebRtcServer"
	WorkerCreateRouter       = "worker.createRouter"
	WorkerCloseRouter        = "worker.closeRouter"

	WebRTCServerDumpMethod = "webRtcServer.dump"

	RouterDumpMethod                      = "router.dump"
	RouterCreateWebRTCTransport           = "router.createWebRtcTransport"
	RouterCreateWebRTCTransportWithServer = "router.createWebRtcTransportWithServer"
	RouterCreatePlainTransport            = "router.createPlainTransport"
	RouterCloseTransport                  = "router.closeTransport"
	RouterCreateAudioLevelObserver        = "router.createAudioLevelObserver"
	RouterCloseRTPObserver                = "router.closeRtpObserver"

	TransportDumpMethod            = "transport.dump"
	TransportGetStats              = "transport.getStats"
	TransportSetMaxIncomingBitrate = "transport.setMaxIncomingBitrate"
	TransportSetMaxOutgoingBitrate = "transport.setMaxOutgoingBitrate"
	TransportSetMinOutgoingBitrate = "transport.setMinOutgoingBitrate"
	TransportRestartICE            = "transport.restartIce"
	TransportProduce               = "transport.produce"
	TransportConsume               = "transport.consume"
	TransportEnableTraceEvent      = "transport.enableTraceEvent"
	TransportCloseProducer         = "transport.closeProducer"
	TransportCloseConsumer         = "transport.closeConsumer"

	WebRTCTransportConnect = "webRtcTransport.connect"
	PlainTransportConnect  = "plainTransport.connect"

	ProducerDumpMethod       = "producer.dump"
	ProducerGetStats         = "producer.getStats"
	ProducerPause            = "producer.pause"
	ProducerResume           = "producer.resume"
	ProducerEnableTraceEvent = "producer.enableTraceEvent"

	ConsumerDumpMethod         = "consumer.dump"
	ConsumerGetStats           = "consumer.getStats"
	ConsumerPause              = "consumer.pause"
	ConsumerResume             = "consumer.resume"
	ConsumerSetPreferredLayers = "consumer.setPreferredLayers"
	ConsumerSetPriority        = "consumer.setPriority"
	ConsumerRequestKeyFrame    = "consumer.requestKeyFrame"
	ConsumerEnableTraceEvent   = "consumer.enableTraceEvent"

	RTPObserverPause          = "rtpObserver.pause"
	RTPObserverResume         = "rtpObserver.resume"
	RTPObserverAddProducer    = "rtpObserver.addProducer"
	RTPObserverRemoveProducer = "rtpObserver.removeProducer"
)
