package bwe

import (
	"math"
	"time"
)

// usage is what the trend says about the path.
type usage uint8

const (
	normalUse usage = iota
	overUse
	underUse
)

// Constants of the detector (draft-ietf-rmcat-gcc-02 section 5.4), with the gains of libwebrtc.
const (
	overuseTime      = 10.0   // ms that the trend must be above the threshold
	thresholdInitial = 12.5   // ms
	thresholdMin     = 6.0    // ms
	thresholdMax     = 600.0  // ms
	thresholdUp      = 0.0087 // K_u per ms: slow, or a rival TCP flow would starve us
	thresholdDown    = 0.039  // K_d per ms
	thresholdJump    = 15.0   // ms: outliers beyond this do not move it
	thresholdStep    = 100.0  // ms: longest time one step stands for
)

// detector compares the trend with a threshold that follows it.
type detector struct {
	threshold float64
	above     float64 // ms, as sent, for which the trend has been too high
	times     int
	trend     float64
	at        time.Duration
	started   bool
	state     usage
}

// update takes the trend after a variation and returns the state of the path. The threshold adapts: it must be low enough to
// notice our own queue and rise when other traffic makes one.
func (d *detector) update(trend float64, v variation) usage {
	if !d.started {
		d.started, d.threshold, d.at = true, thresholdInitial, v.at
	}
	switch {
	case trend > d.threshold:
		// One burst is no evidence, and a trend that falls already is none either.
		if d.times == 0 {
			d.above = milliseconds(v.sent) / 2
		} else {
			d.above += milliseconds(v.sent)
		}
		d.times++
		if d.above > overuseTime && d.times > 1 && trend >= d.trend {
			d.above, d.times = 0, 0
			d.state = overUse
		}
	case trend < -d.threshold:
		d.above, d.times, d.state = 0, 0, underUse
	default:
		d.above, d.times, d.state = 0, 0, normalUse
	}
	d.trend = trend
	d.adapt(math.Abs(trend), v.at)
	return d.state
}

func (d *detector) adapt(size float64, at time.Duration) {
	step := min(milliseconds(at-d.at), thresholdStep)
	d.at = at
	if size > d.threshold+thresholdJump {
		return
	}
	gain := thresholdUp
	if size < d.threshold {
		gain = thresholdDown
	}
	d.threshold += gain * (size - d.threshold) * step
	d.threshold = min(max(d.threshold, thresholdMin), thresholdMax)
}
