package transport

import (
	"time"

	"gazpacho/pkg/rtp"
)

// recorder is a tap that notes what a producer forwards.
type recorder struct {
	numbers []uint16 // of packets with a payload
	ssrcs   []uint32
	empty   int // packets without
	closed  bool
	each    func(p *rtp.Packet)
}

// tap attaches a recorder to a producer.
func (c *client) tap(producerID string) *recorder {
	c.t.Helper()
	for _, p := range c.w.producers {
		if p.ID() == producerID {
			r := &recorder{}
			p.AddTap(r)
			return r
		}
	}
	c.t.Fatalf("there is no producer %s", producerID)
	return nil
}

func (r *recorder) ProducerPacket(_ time.Time, p *rtp.Packet) {
	if len(p.Payload) == 0 {
		r.empty++
		return
	}
	r.numbers, r.ssrcs = append(r.numbers, p.SequenceNumber), append(r.ssrcs, p.SSRC)
	if r.each != nil {
		r.each(p)
	}
}

func (r *recorder) ProducerStream(time.Time, uint32) {}
func (r *recorder) ProducerScore(time.Time)          {}
func (r *recorder) ProducerPaused(time.Time)         {}
func (r *recorder) ProducerResumed(time.Time)        {}
func (r *recorder) ProducerClosed(time.Time)         { r.closed = true }
