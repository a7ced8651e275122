package transport

import (
	"time"

	"gazpacho/pkg/consumer"
	"gazpacho/pkg/producer"
	"gazpacho/pkg/rtp"
	"gazpacho/pkg/timer"
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
	outgoing  outgoing
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

func (m *media) init(k kind, id string, env *Env, owner Owner, self Transport, p path) {
	m.kind, m.id, m.env, m.owner, m.self, m.path = k, id, env, owner, self, p
	m.meters.all = &env.Totals.counts
	m.listener = newListener()
	m.bySSRC = make(map[uint32]*consumer.Consumer)
	m.byRTX = make(map[uint32]*consumer.Consumer)
	m.stamps = make(stamps)
	m.random = newRandom(env.Random)
	m.reports = env.Timers.New(m.sendReports)
	m.outgoing.init(m)
}

// ID returns the transport's id.
func (m *media) ID() string { return m.id }

// opened starts the flow of media: the path has an address and keys now.
func (m *media) opened(now time.Time) {
	m.reports.Reset(now.Add(firstReport))
	m.outgoing.hold()
	for _, c := range m.consumers {
		c.TransportConnected(now)
	}
	m.outgoing.release(now)
}

// shut stops the flow of media until opened is called again.
func (m *media) shut(now time.Time) {
	m.reports.Stop()
	m.outgoing.hold()
	for _, c := range m.consumers {
		c.TransportDisconnected(now)
	}
	m.outgoing.release(now)
	m.outgoing.stop()
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
	m.outgoing.stop()
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
