package proto

// CreateAudioLevelObserver is the body of router.createAudioLevelObserver. Absent options have mediasoup's defaults.
type CreateAudioLevelObserver struct {
	RTPObserverID string `json:"rtpObserverId" needed:"true"`                          // new
	MaxEntries    *int   `json:"maxEntries,omitempty" default:"1" min:"1"`             // how many producers are told at most
	Threshold     *int   `json:"threshold,omitempty" default:"-80" min:"-127" max:"0"` // dBov; who is not louder is silent
	Interval      *int   `json:"interval,omitempty" default:"1000"`                    // milliseconds, clamped to 250 … 5000
}

// CreateActiveSpeakerObserver is the body of router.createActiveSpeakerObserver.
type CreateActiveSpeakerObserver struct {
	RTPObserverID string `json:"rtpObserverId" needed:"true"`      // new
	Interval      *int   `json:"interval,omitempty" default:"300"` // milliseconds, clamped to 100 … 5000
}

// CloseRTPObserver is the body of router.closeRtpObserver.
type CloseRTPObserver struct {
	RTPObserverID string `json:"rtpObserverId" needed:"true"`
}

// ObserverProducer is the body of rtpObserver.addProducer and removeProducer.
type ObserverProducer struct {
	ProducerID string `json:"producerId" needed:"true"` // of kind audio
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
	Volume     int    `json:"volume"` // dBov
}
