package proto

// Methods are the requests a worker answers. The handler id of a request names the object in front of the dot: the worker itself ("")
// for worker.*, else a router's, WebRtcServer's, transport's, producer's, consumer's, data producer's, data consumer's or observer's id.
const (
	WorkerAttach             = "worker.attach"             // makes whoever sends it the worker's controller
	WorkerClose              = "worker.close"              // closes everything; the process exits with 0 after the answer
	WorkerDumpMethod         = "worker.dump"               // tells what lives in the worker
	WorkerResourceUsage      = "worker.getResourceUsage"   // tells what the operating system counted of the process
	WorkerGetStats           = "worker.getStats"           // tells how the process fares
	WorkerGetProfile         = "worker.getProfile"         // observes the process for a while, or shows its memory
	WorkerUpdateTURN         = "worker.updateTurn"         // begins to relay, or changes how
	WorkerUpdateSettings     = "worker.updateSettings"     // changes what is logged
	WorkerCreateWebRTCServer = "worker.createWebRtcServer" // opens sockets that many transports share
	WorkerCloseWebRTCServer  = "worker.closeWebRtcServer"  // closes a WebRtcServer and the transports that listen on it
	WorkerCreateRouter       = "worker.createRouter"       // makes an empty router
	WorkerCloseRouter        = "worker.closeRouter"        // closes a router and all that is in it

	TURNDumpMethod = "turn.dump" // tells the allocations of a worker

	WebRTCServerDumpMethod = "webRtcServer.dump" // tells the addresses and transports of a WebRtcServer

	RouterDumpMethod                      = "router.dump"                            // tells what is in a router
	RouterCreateWebRTCTransport           = "router.createWebRtcTransport"           // makes a transport over ICE and DTLS with sockets of its own
	RouterCreateWebRTCTransportWithServer = "router.createWebRtcTransportWithServer" // makes a transport over ICE and DTLS on the sockets of a WebRtcServer
	RouterCreatePlainTransport            = "router.createPlainTransport"            // makes a transport of bare RTP over UDP
	RouterCreatePipeTransport             = "router.createPipeTransport"             // makes a transport to another router
	RouterCreateDirectTransport           = "router.createDirectTransport"           // makes a transport whose peer is the controller
	RouterCloseTransport                  = "router.closeTransport"                  // closes a transport and all it carries
	RouterCreateAudioLevelObserver        = "router.createAudioLevelObserver"        // makes an observer that tells who is how loud
	RouterCreateActiveSpeakerObserver     = "router.createActiveSpeakerObserver"     // makes an observer that tells who speaks
	RouterCloseRTPObserver                = "router.closeRtpObserver"                // closes an observer

	TransportDumpMethod            = "transport.dump"                  // tells how a transport is set up and what it carries
	TransportGetStats              = "transport.getStats"              // tells what a transport has counted
	TransportSetMaxIncomingBitrate = "transport.setMaxIncomingBitrate" // tells the peer, by REMB, what it may send
	TransportSetMaxOutgoingBitrate = "transport.setMaxOutgoingBitrate" // limits what is estimated to fit to the peer
	TransportSetMinOutgoingBitrate = "transport.setMinOutgoingBitrate" // is how little is ever estimated to fit to the peer
	TransportRestartICE            = "transport.restartIce"            // makes new credentials; the old ones hold until the peer uses the new
	TransportProduce               = "transport.produce"               // expects media from the peer
	TransportConsume               = "transport.consume"               // sends a producer's media to the peer
	TransportEnableTraceEvent      = "transport.enableTraceEvent"      // chooses what transport.trace tells of
	TransportCloseProducer         = "transport.closeProducer"         // closes a producer and its consumers
	TransportCloseConsumer         = "transport.closeConsumer"         // closes a consumer
	TransportProduceData           = "transport.produceData"           // expects messages from the peer on one SCTP stream
	TransportConsumeData           = "transport.consumeData"           // sends a data producer's messages to the peer on one SCTP stream
	TransportCloseDataProducer     = "transport.closeDataProducer"     // closes a data producer and its data consumers
	TransportCloseDataConsumer     = "transport.closeDataConsumer"     // closes a data consumer

	WebRTCTransportConnect = "webRtcTransport.connect" // tells the peer's fingerprints, and starts DTLS; once
	PlainTransportConnect  = "plainTransport.connect"  // tells the peer's address, unless it is learned, and its SRTP key; once
	PipeTransportConnect   = "pipeTransport.connect"   // tells the other end's address, and its SRTP key; once

	ProducerDumpMethod       = "producer.dump"             // tells how a producer is set up
	ProducerGetStats         = "producer.getStats"         // tells what a producer has counted, an element per stream
	ProducerPause            = "producer.pause"            // drops what comes from the peer from now on
	ProducerResume           = "producer.resume"           // forwards again, after asking for a key frame
	ProducerEnableTraceEvent = "producer.enableTraceEvent" // chooses what producer.trace tells of

	ConsumerDumpMethod         = "consumer.dump"               // tells how a consumer is set up
	ConsumerGetStats           = "consumer.getStats"           // tells what a consumer has counted, and the stream it forwards
	ConsumerPause              = "consumer.pause"              // sends nothing from now on
	ConsumerResume             = "consumer.resume"             // sends again, from the next key frame on, which is asked for
	ConsumerSetPreferredLayers = "consumer.setPreferredLayers" // says which layers the peer should get at most
	ConsumerSetPriority        = "consumer.setPriority"        // says how important a consumer is among those of its transport
	ConsumerRequestKeyFrame    = "consumer.requestKeyFrame"    // asks the producer's peer for a key frame
	ConsumerEnableTraceEvent   = "consumer.enableTraceEvent"   // chooses what consumer.trace tells of

	DataProducerDumpMethod = "dataProducer.dump"     // tells how a data producer is set up
	DataProducerGetStats   = "dataProducer.getStats" // tells what a data producer has counted
	DataProducerPause      = "dataProducer.pause"    // drops messages from now on
	DataProducerResume     = "dataProducer.resume"   // passes messages on again

	DataConsumerDumpMethod                    = "dataConsumer.dump"                          // tells how a data consumer is set up
	DataConsumerGetStats                      = "dataConsumer.getStats"                      // tells what a data consumer has counted
	DataConsumerPause                         = "dataConsumer.pause"                         // sends no messages from now on
	DataConsumerResume                        = "dataConsumer.resume"                        // sends messages again
	DataConsumerGetBufferedAmount             = "dataConsumer.getBufferedAmount"             // tells how much waits for the peer
	DataConsumerSetBufferedAmountLowThreshold = "dataConsumer.setBufferedAmountLowThreshold" // says below what dataConsumer.bufferedAmountLow is told
	DataConsumerSend                          = "dataConsumer.send"                          // sends a message of the controller's own
	DataConsumerSetSubchannels                = "dataConsumer.setSubchannels"                // replaces the subchannels it is subscribed to
	DataConsumerAddSubchannel                 = "dataConsumer.addSubchannel"                 // subscribes to one more
	DataConsumerRemoveSubchannel              = "dataConsumer.removeSubchannel"              // unsubscribes from one

	RTPObserverPause          = "rtpObserver.pause"          // tells nothing from now on
	RTPObserverResume         = "rtpObserver.resume"         // tells again
	RTPObserverAddProducer    = "rtpObserver.addProducer"    // listens to a producer of the router
	RTPObserverRemoveProducer = "rtpObserver.removeProducer" // listens to it no more
)
