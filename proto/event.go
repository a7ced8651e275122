package proto

// Events are the notifications a worker sends; the handler id names the object in front of the dot.
const (
	EventWorkerHello                = "worker.hello"                           // is the first message on a channel
	EventTURNCreated                = "turn.allocationCreated"                 // a client has a relayed address
	EventTURNRefreshed              = "turn.allocationRefreshed"               // and keeps it
	EventTURNMoved                  = "turn.allocationMoved"                   // and its own address is another now
	EventTURNEnded                  = "turn.allocationEnded"                   // and has it no longer
	EventTURNDenied                 = "turn.denied"                            // a client whose credentials are right was refused
	EventICEStateChange             = "webRtcTransport.iceStateChange"         // ICE got further, or lost the peer
	EventICESelectedTupleChange     = "webRtcTransport.iceSelectedTupleChange" // the peer is reached by another 5-tuple
	EventDTLSStateChange            = "webRtcTransport.dtlsStateChange"        // DTLS got further, failed, or was closed by the peer
	EventPlainTransportTuple        = "plainTransport.tuple"                   // comedia has learned where the peer's RTP comes from
	EventPlainTransportRTCPTuple    = "plainTransport.rtcpTuple"               // comedia has learned where the peer's RTCP comes from
	EventDirectTransportRTCP        = "directTransport.rtcp"                   // what a peer would be sent
	EventTransportTrace             = "transport.trace"                        // a packet of a kind that was asked for
	EventProducerScore              = "producer.score"                         // the health of the streams it receives
	EventProducerTrace              = "producer.trace"                         // a packet of a kind that was asked for
	EventProducerVideoOrientation   = "producer.videoOrientationChange"        // the sender turned its camera
	EventConsumerProducerPause      = "consumer.producerPause"                 // its producer was paused
	EventConsumerProducerResume     = "consumer.producerResume"                // its producer was resumed
	EventConsumerProducerClose      = "consumer.producerClose"                 // its producer has ended, and so has it
	EventConsumerLayersChange       = "consumer.layersChange"                  // other layers are forwarded, or none
	EventConsumerScore              = "consumer.score"                         // its health, and that of what it forwards
	EventConsumerTrace              = "consumer.trace"                         // a packet of a kind that was asked for
	EventConsumerRTP                = "consumer.rtp"                           // what a peer would be sent; of direct transports only
	EventAudioLevelObserverVolumes  = "audioLevelObserver.volumes"             // who is how loud
	EventAudioLevelObserverSilence  = "audioLevelObserver.silence"             // nobody is loud any more
	EventDominantSpeaker            = "activeSpeakerObserver.dominantSpeaker"  // another one speaks now
	EventTransportListenServerClose = "transport.listenServerClose"            // its WebRtcServer was closed, and so was it
	EventSCTPStateChange            = "transport.sctpStateChange"              // SCTP got further, failed, or was closed by the peer
	EventSCTPNegotiatedCapabilities = "transport.sctpNegotiatedCapabilities"   // how many streams both sides agreed on
	EventDataConsumerProducerPause  = "dataConsumer.dataProducerPause"         // its data producer was paused
	EventDataConsumerProducerResume = "dataConsumer.dataProducerResume"        // its data producer was resumed
	EventDataConsumerProducerClose  = "dataConsumer.dataProducerClose"         // its data producer has ended, and so has it
	EventDataConsumerAmountLow      = "dataConsumer.bufferedAmountLow"         // what waits for the peer has fallen to the threshold
	EventDataConsumerBufferFull     = "dataConsumer.sctpSendBufferFull"        // the peer is too slow: its stream was reset
	EventDataConsumerMessage        = "dataConsumer.message"                   // of direct transports only
)

// Class is what happens to an event when the channel's reader falls behind.
type Class uint8

// Classes of back-pressure.
const (
	State    Class = iota // never dropped
	Coalesce              // only the newest of one event and target is kept
	Lossy                 // the oldest are dropped, and counted
)

// Event goes up: what happened to the object whose id is its target. A nil Body is an event without one. Payload, if not nil, makes it a
// binary notification whose meta is Body; it is borrowed.
type Event struct {
	Name    string
	Body    any
	Payload []byte
}

// Topic is what a coalesced event is news of: a newer one of the same topic and target takes its place. Silence is news of volumes,
// or else an older silence could arrive after the volumes that ended it.
func (e Event) Topic() string {
	if e.Name == EventAudioLevelObserverSilence {
		return EventAudioLevelObserverVolumes
	}
	return e.Name
}

// Class tells how the event behaves when the channel is full.
func (e Event) Class() Class {
	switch e.Name {
	case EventProducerScore, EventConsumerScore, EventConsumerLayersChange, EventAudioLevelObserverVolumes,
		EventAudioLevelObserverSilence, EventDominantSpeaker, EventDataConsumerAmountLow, EventDataConsumerBufferFull:
		return Coalesce
	case EventTURNCreated, EventTURNRefreshed, EventTURNMoved, EventTURNEnded, EventTURNDenied,
		EventTransportTrace, EventProducerTrace, EventConsumerTrace, EventConsumerRTP, EventDirectTransportRTCP, EventDataConsumerMessage:
		return Lossy
	}
	return State
}
