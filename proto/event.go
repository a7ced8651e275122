package proto

// Events are the notifications a worker sends; the handler id names the object in front of the dot.
const (
	EventWorkerHello                = "worker.hello"
	EventICEStateChange             = "webRtcTransport.iceStateChange"
	EventICESelectedTupleChange     = "webRtcTransport.iceSelectedTupleChange"
	EventDTLSStateChange            = "webRtcTransport.dtlsStateChange"
	EventPlainTransportTuple        = "plainTransport.tuple"
	EventPlainTransportRTCPTuple    = "plainTransport.rtcpTuple"
	EventTransportTrace             = "transport.trace"
	EventProducerScore              = "producer.score"
	EventProducerTrace              = "producer.trace"
	EventProducerVideoOrientation   = "producer.videoOrientationChange"
	EventConsumerProducerPause      = "consumer.producerPause"
	EventConsumerProducerResume     = "consumer.producerResume"
	EventConsumerProducerClose      = "consumer.producerClose"
	EventConsumerLayersChange       = "consumer.layersChange"
	EventConsumerScore              = "consumer.score"
	EventConsumerTrace              = "consumer.trace"
	EventAudioLevelObserverVolumes  = "audioLevelObserver.volumes"
	EventAudioLevelObserverSilence  = "audioLevelObserver.silence"
	EventDominantSpeaker            = "activeSpeakerObserver.dominantSpeaker"
	EventTransportListenServerClose = "transport.listenServerClose"
	EventSCTPStateChange            = "transport.sctpStateChange"
	EventSCTPNegotiatedCapabilities = "transport.sctpNegotiatedCapabilities"
	EventDataConsumerProducerPause  = "dataConsumer.dataProducerPause"
	EventDataConsumerProducerResume = "dataConsumer.dataProducerResume"
	EventDataConsumerProducerClose  = "dataConsumer.dataProducerClose"
	EventDataConsumerAmountLow      = "dataConsumer.bufferedAmountLow"
	EventDataConsumerBufferFull     = "dataConsumer.sctpSendBufferFull"
)

// Class is what happens to an event when the channel's reader falls behind.
type Class uint8

// Classes of back-pressure.
const (
	State    Class = iota // never dropped
	Coalesce              // only the newest of one event and target is kept
	Lossy                 // the oldest are dropped, and counted
)

// Event goes up: what happened to the object whose id is its target. A nil Body is an event without one.
type Event struct {
	Name string
	Body any
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
	case EventTransportTrace, EventProducerTrace, EventConsumerTrace:
		return Lossy
	}
	return State
}
