package producer

import "time"

// LayerBitrate returns what one spatial and temporal layer of the stream known by a mapped SSRC took of late, in bit/s, without those below it; 0 if it is
// not sent. A stream that does not say which layers it has sends one.
func (p *Producer) LayerBitrate(now time.Time, ssrc uint32, spatial, temporal int) int {
	e := p.mapped(ssrc)
	if e == nil || e.recv == nil || spatial < 0 || spatial >= e.layers.Spatial || temporal < 0 || temporal >= e.layers.Temporal {
		return 0
	}
	return e.rates[spatial*e.layers.Temporal+temporal].Bitrate(now)
}
