package transport

import (
	"fmt"
	"slices"
	"time"

	"gazpacho/pkg/producer"
	"gazpacho/pkg/rtp"
	"gazpacho/proto"
)

func encodingPath(i int) string { return fmt.Sprintf("rtpParameters.encodings[%d]", i) }

// Produce adds a producer: all of it or nothing.
func (m *media) Produce(now time.Time, o *proto.Produce) (proto.ProduceResult, *proto.Error) {
	p, err := producer.New(producer.Config{
		Options: o, Timers: m.env.Timers, Feedback: m, Events: m.env.Events, SSRC: receiverSSRC,
		Counters: &m.env.Totals.feedback,
	})
	if err != nil {
		return proto.ProduceResult{}, err
	}
	if err := m.listener.add(p, &o.RTPParameters); err != nil {
		p.Close(now)
		return proto.ProduceResult{}, err
	}
	if err := m.owner.ProducerCreated(now, m.self, p); err != nil {
		m.listener.remove(p)
		p.Close(now)
		return proto.ProduceResult{}, err
	}
	m.producers = append(m.producers, p)
	m.env.Totals.producers++
	m.learnExtensions(&o.RTPParameters)
	m.incoming.negotiate(m, &o.RTPParameters)
	return p.Result(), nil
}

// CloseProducer ends a producer.
func (m *media) CloseProducer(now time.Time, id string) *proto.Error {
	i := slices.IndexFunc(m.producers, func(p *producer.Producer) bool { return p.ID() == id })
	if i < 0 {
		return proto.NotFound("producer", id)
	}
	p := m.producers[i]
	m.producers = slices.Delete(m.producers, i, i+1)
	m.env.Totals.producers--
	m.listener.remove(p)
	p.Close(now)
	m.owner.ProducerClosed(now, p)
	return nil
}

// learnExtensions notes the ids of the extensions that the transport itself reads. Bundled media sections agree on them (RFC 8843 section
// 9.1); should they not, the last one counts, as in mediasoup.
func (m *media) learnExtensions(params *proto.RTPParameters) {
	for _, h := range params.HeaderExtensions {
		e, ok := rtp.ExtensionOf(h.URI)
		if !ok {
			continue
		}
		switch e {
		case rtp.ExtMID, rtp.ExtRID, rtp.ExtRepairedRID, rtp.ExtAbsSendTime, rtp.ExtTransportCC:
			m.ids[e] = uint8(h.ID)
		}
	}
}
