package producer

import (
	"gazpacho/pkg/rtp"
	"gazpacho/proto"
)

// orientation is the last value of the video-orientation extension (3GPP TS 26.114 section 7.4.5): 0 0 0 0 C F R1 R0.
type orientation struct {
	value uint8
	known bool
}

// orient tells the controller when a camera was turned.
func (p *Producer) orient(pkt *rtp.Packet) {
	v := pkt.Extension(rtp.ExtVideoOrientation)
	if len(v) == 0 || p.orientation.known && p.orientation.value == v[0] {
		return
	}
	p.orientation = orientation{value: v[0], known: true}
	p.cfg.Events.Emit(p.ID(), proto.Event{Name: proto.EventProducerVideoOrientation, Body: proto.VideoOrientation{
		Camera:   v[0]&8 != 0,
		Flip:     v[0]&4 != 0,
		Rotation: 90 * int(v[0]&3),
	}})
}
