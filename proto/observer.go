package proto

// CreateAudioLevelObserver is the body of router.createAudioLevelObserver. Absent options have mediasoup's defaults.
type CreateAudioLevelObserver struct {
	RTPObserverID string `json:"rtpObserverId"`
	MaxEntries    *int   `json:"maxEntries,omitempty"` // 1
	Threshold     *int   `json:"threshold,omitempty"`  // dBov, -127 to 0: -80
	Interval      *int   `json:"interval,omitempty"`   // milliseconds, clamped to 250 … 5000: 1000
}

// CreateActiveSpeakerObserver is the body of router.createActiveSpeakerObserver.
type CreateActiveSpeakerObserver struct {
	RTPObserverID string `json:"rtpObserverId"`
	Interval      *int   `json:"interval,omitempty"` // milliseconds, clamped to 100 … 5000: 300
}

// CloseRTPObserver is the body of router.closeRtpObserver.
type CloseRTPObserver struct {
	RTPObserverID string `json:"rtpObserverId"`
}

// ObserverProducer is the body of rtpObserver.addProducer and removeProducer.
type ObserverProducer struct {
	ProducerID string `json:"producerId"`
}

// AudioVolumes is the body of audioLevelObserver.volumes, loudest first.
type AudioVolumes []AudioVolume

// DominantSpeaker is the body of activeSpeakerObserver.dominantSpeaker: who is it now.
type DominantSpeaker struct {
	ProducerID string `json:"producerId"`
}

// AudioVolume is the mean level of one producer over the interval, -127 to 0 dBov.
type AudioVolume struct {
	ProducerID string `json:"producerId"`
	Volume     int    `json:"volume"`
}
