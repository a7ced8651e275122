package transport

import (
	"time"

	"gazpacho/pkg/consumer"
	"gazpacho/pkg/producer"
	"gazpacho/pkg/rtp"
	"gazpacho/pkg/timer"
	"gazpacho/proto"
)

// path is what a transport adds below its media: an address and, mostly, keys.
type path interface {
	// open tells whether media can be sent.
	open() bool
	// protectRTP encrypts payload behind the header that slot[:header] already holds; payload may lie in the slot.
	protectRTP(slot []byte, header int, payload []byte) (n int, ok bool)
	// protectRTCP encrypts slot[:n] in place.
	protectRTCP(slot []byte, n int) (size int, ok bool)
	// protectAgain is protectRTP for a packet that was sent before, bit for bit.
	protectAgain(slot []byte, header int, payload []byte) (n int, ok bool)
	// allowAgain says that packets of an SSRC will be sent again, from the next one on.
	allowAgain(ssrc uint32)
	// forget ends the outgoing stream of an SSRC.
	forget(ssrc uint32)
	// commit sends the first n bytes of the slot that was lent last: RTP, RTX or RTCP.
	commit(now time.Time, n int, p protocol)
}

// media is what all transports share: the producers and consumers of one peer, and the RTCP between them and it.
type media struct {
	// passed in
	id    string
	env   *Env
	owner Owner
	self  Transport
	path  path
	slots Slots // where packets are made, if not in env.Egress
	kind  kind

	// owned
	producers []*producer.Producer
	consumers []Consumer
	listener  listener
	bySSRC    map[uint32]*consumer.Consumer // media SSRC → consumer
	byRTX     map[uint32]*consumer.Consumer
	messages  *messages // nil without SCTP
	incoming  incoming
	reports   *timer.Timer // the RTCP interval
	random    random

	// state
	ids         rtp.ExtensionIDs // of extensions the transport itself reads
	packet      rtp.Packet       // the view of the packet at hand, reused
	transportCC uint16           // transport-wide sequence number that went out last
	stamps      stamps           // of packets that may have to be sent again
	available   int              // what the peer's REMB allows, bit/s; 0 until it sent one
	reference   reference        // the peer's reference time to answer
	blocks      []rtp.ReportBlock
	traces      []string
	limits      limits
	meters      meters
	drops       drops
	verdicts    verdicts // of packets the producers did not forward
	condition   condition
	closed      bool
}

// limits are bitrates in bit/s; 0 is none.
type limits struct {
	maxIncoming, maxOutgoing, minOutgoing int
}

func (m *media) init(k kind, id string, env *Env, owner Owner, self Transport, p path) {
	m.kind, m.id, m.env, m.owner, m.self, m.path = k, id, env, owner, self, p
	m.meters.all = &env.Totals.counts
	m.listener = newListener()
	m.bySSRC = make(map[uint32]*consumer.Consumer)
	m.byRTX = make(map[uint32]*consumer.Consumer)
	m.stamps = make(stamps)
	m.random = newRandom(env.Random)
	m.reports = env.Timers.New(m.sendReports)
}

// ID returns the transport's id.
func (m *media) ID() string { return m.id }

// opened starts the flow of media: the path has an address and keys now.
func (m *media) opened(now time.Time) {
	m.reports.Reset(now.Add(firstReport))
	for _, c := range m.consumers {
		c.TransportConnected(now)
	}
}

// shut stops the flow of media until opened is called again.
func (m *media) shut(now time.Time) {
	m.reports.Stop()
	for _, c := range m.consumers {
		c.TransportDisconnected(now)
	}
}

// closeMedia closes everything the transport carries: consumers first, so that none hears of a producer's end on the same transport.
func (m *media) closeMedia(now time.Time) {
	m.reports.Stop()
	if m.messages != nil {
		m.messages.close(now)
	}
	for _, c := range m.consumers {
		c.Close(now)
		m.owner.ConsumerClosed(now, c)
	}
	for _, p := range m.producers {
		p.Close(now)
		m.owner.ProducerClosed(now, p)
	}
	m.incoming.close()
	m.env.Totals.consumers -= len(m.consumers)
	m.env.Totals.producers -= len(m.producers)
	m.consumers, m.producers = nil, nil
}

// drop counts a packet that goes no further.
func (m *media) drop(reason Drop) {
	m.drops[reason]++
	m.env.Totals.tally.drops[reason]++
}

// EnableTraceEvent replaces the set of trace events; unknown ones are ignored, as mediasoup does.
func (m *media) EnableTraceEvent(types []string) {
	m.traces = m.traces[:0]
	for _, t := range types {
		if t == "probation" || t == "bwe" {
			m.traces = append(m.traces, t)
		}
	}
}

// SetMaxIncomingBitrate limits what the peer may send, by REMB; 0 lifts the limit.
func (m *media) SetMaxIncomingBitrate(bitrate int) *proto.Error {
	if err := checkBitrate("maxIncomingBitrate", bitrate); err != nil {
		return err
	}
	m.limits.maxIncoming = bitrate
	m.incoming.setMax(m, bitrate)
	return nil
}

// SetMaxOutgoingBitrate limits the estimate of what the peer can take; 0 lifts the limit.
func (m *media) SetMaxOutgoingBitrate(bitrate int) *proto.Error {
	if err := checkBitrate("maxOutgoingBitrate", bitrate); err != nil {
		return err
	}
	if bitrate != 0 && bitrate < m.limits.minOutgoing {
		return proto.BadField("maxOutgoingBitrate", "%d is below minOutgoingBitrate, %d", bitrate, m.limits.minOutgoing)
	}
	m.limits.maxOutgoing = bitrate
	return nil
}

// SetMinOutgoingBitrate is the floor of that estimate; 0 lifts it.
func (m *media) SetMinOutgoingBitrate(bitrate int) *proto.Error {
	if err := checkBitrate("minOutgoingBitrate", bitrate); err != nil {
		return err
	}
	if bitrate != 0 && m.limits.maxOutgoing != 0 && bitrate > m.limits.maxOutgoing {
		return proto.BadField("minOutgoingBitrate", "%d is above maxOutgoingBitrate, %d", bitrate, m.limits.maxOutgoing)
	}
	m.limits.minOutgoing = bitrate
	return nil
}

func checkBitrate(field string, bitrate int) *proto.Error {
	if bitrate < 0 || (bitrate > 0 && bitrate < proto.MinBitrate) {
		return proto.BadField(field, "%d is not 0 or at least %d bit/s", bitrate, proto.MinBitrate)
	}
	return nil
}
