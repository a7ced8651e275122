package transport

import (
	"encoding/binary"
	"slices"
	"testing"
	"time"

	pionrtp "github.com/pion/rtp"

	"gazpacho/pkg/rtp"
	"gazpacho/pkg/simtest/script"
	"gazpacho/pkg/srtp"
	"gazpacho/proto"
)

// Operations of FuzzTraffic.
const (
	trafficFrame = iota
	trafficRetransmission
	trafficProbe
	trafficMedia
	trafficControl
	trafficRequest // RTCP of the receiver, about what it receives
	trafficCheck
	trafficGarbage
	trafficSwitch
	trafficWait
	trafficOperations
)

// stage is a server with one who sends and one who receives, and what went between them.
type stage struct {
	*bench
	t        *testing.T
	server   *Server
	from, to *client
	next     map[uint32]uint16
	given    uint64 // datagrams
}

// newStage makes a sender of plain video on 10 and simulcast on 20 and 21, and its receiver, with retransmissions on a stream of their own for the
// first and on the same stream for the second.
func newStage(t *testing.T) *stage {
	b := newBench(t)
	s := b.server()
	g := &stage{bench: b, t: t, server: s, from: b.client(s, "from"), to: b.client(s, "to"), next: map[uint32]uint16{}}
	g.from.produce(videoProducer("p", "v", 10))
	g.from.produce(simulcastProducer("q", "s", "a", "b"))
	g.to.consume(videoConsumer("c", "p", 300, 1010), g.from)
	o := videoConsumer("d", "q", 400, 9000, 9001)
	o.RTPParameters.Encodings[0].RTX = nil
	o.RTPParameters.Codecs = o.RTPParameters.Codecs[:1]
	g.to.consume(o, g.from)
	if _, err := g.from.w.Connect(b.now, &dtlsParameters); err != nil {
		t.Fatal(err)
	}
	g.read()
	g.given = b.env.Totals.counts.packetsIn // their checks
	return g
}

// give hands a datagram to the server.
func (g *stage) give(c *client, datagram []byte) {
	g.given++
	c.deliver(datagram)
}

// giveRTP protects a packet of the sender; one that its own session refuses is lost on the way.
func (g *stage) giveRTP(raw []byte) {
	header, ok := rtp.HeaderLength(raw)
	if !ok {
		return
	}
	dst := append(slices.Clone(raw), make([]byte, srtp.MaxOverhead)...)
	if n, ok := g.from.session.ProtectRTP(dst, header, raw[header:]); ok {
		g.give(g.from, dst[:n])
	}
}

func (g *stage) giveRTCP(c *client, raw []byte) {
	if len(raw) < 8 {
		return
	}
	dst := append(slices.Clone(raw), make([]byte, srtpOverhead)...)
	if n, ok := c.session.ProtectRTCP(dst, len(raw)); ok {
		g.give(c, dst[:n])
	}
}

// media is a packet of one of the streams, with what identifies it.
func (g *stage) media(ssrc uint32, key bool) *pionrtp.Packet {
	p := frame(ssrc, g.next[ssrc], key)
	switch ssrc {
	case 20, 21:
		with(g.t, p, midID, []byte("s"))
		with(g.t, p, ridID, []byte{'a' + byte(ssrc-20)})
	}
	return p
}

func (g *stage) marshal(p *pionrtp.Packet) []byte {
	p.Version = 2
	raw, err := p.Marshal()
	if err != nil {
		g.t.Fatal(err)
	}
	return raw
}

// read takes what was sent to both. Under its keys nothing comes twice: the client would refuse it.
func (g *stage) read() {
	g.t.Helper()
	g.from.read()
	media, _ := g.to.read()
	for _, p := range media {
		if p.SSRC != 300 && p.SSRC != 301 && p.SSRC != 400 && p.SSRC != 1234 {
			g.t.Fatalf("a packet of %d", p.SSRC)
		}
	}
}

// conserved checks that each datagram is counted once: at the server, or at one transport as handled or as dropped for one reason.
func (g *stage) conserved() {
	g.t.Helper()
	totals := g.env.Totals
	var unrouted, handled, dropped uint64
	for _, n := range g.server.drops {
		unrouted += n
	}
	for _, n := range totals.counts.in {
		handled += n
	}
	totals.tally.each(func(_ string, n uint64, received bool) {
		if received {
			dropped += n
		}
	})
	if totals.counts.packetsIn+unrouted != g.given {
		g.t.Fatalf("%d datagrams came, %d for transports and %d for nobody are counted", g.given, totals.counts.packetsIn, unrouted)
	}
	if handled+dropped != g.given {
		g.t.Fatalf("of %d datagrams %d were handled and %d dropped: %v", g.given, handled, dropped, totals.tally.table())
	}
}

// request writes what a receiver can say about one of its streams.
func request(s *script.Script) []byte {
	var w rtp.RTCPWriter
	w.Reset(make([]byte, 400))
	ssrc := []uint32{300, 400, 301, 10}[s.Below(4)]
	switch s.Below(5) {
	case 0:
		first := s.Uint16()
		w.NACK(1, ssrc, []uint16{first, first + 1, first + uint16(s.Byte())})
	case 1:
		w.PLI(1, ssrc)
	case 2:
		w.FIR(1, rtp.FIREntry{SSRC: ssrc, SequenceNumber: s.Byte()})
	case 3:
		w.ReceiverReport(1, []rtp.ReportBlock{{SSRC: ssrc, FractionLost: s.Byte(), HighestSequence: s.Uint32(), LastSR: s.Uint32(), Delay: s.Uint32()}})
	case 4:
		w.REMB(1, int(s.Uint32()), ssrc)
	}
	return w.Bytes()
}

// FuzzTraffic is a call in which both peers may send anything under their keys, and a stranger anything without, in any order and at any time, while
// requests change what goes where. What comes is counted once, what goes out can be decrypted and read by its receiver, and goes to nobody else;
// in the end nothing is left.
func FuzzTraffic(f *testing.F) {
	f.Add(script.Write(trafficFrame, 0, 1, trafficFrame, 0, 0, trafficFrame, 0, 0, trafficRequest, 0, 0, uint16(1), 2, trafficWait, 9, trafficRetransmission, 1))
	f.Add(script.Write(trafficFrame, 1, 1, trafficFrame, 2, 1, trafficFrame, 1, 0, trafficWait, 90, trafficRequest, 1, 1, trafficFrame, 2, 1, trafficSwitch, 3, trafficFrame, 2, 0))
	f.Add(script.Write(trafficProbe, 3, trafficMedia, "\x90\x65\x00\x01\x00\x00\x00\x00\x00\x00\x00\x0a\xbe\xde\x00\x01\x10v\x00\x00\x10", trafficControl, 0, "\x80\xc8\x00\x06", trafficGarbage, 1, "\x16\xfe\xfd", trafficCheck, 0))
	f.Add(script.Write(trafficSwitch, 0, trafficSwitch, 5, trafficFrame, 0, 1, trafficSwitch, 1, trafficSwitch, 2, trafficWait, 255, trafficSwitch, 6, trafficFrame, 0, 1))
	f.Fuzz(func(t *testing.T, input []byte) {
		if len(input) > 2048 {
			return
		}
		g := newStage(t)
		s := script.New(input)
		for steps := 0; s.More() && steps < 80; steps++ {
			g.step(s)
			g.read()
			g.take()
			g.conserved()
		}
		for _, c := range []*client{g.from, g.to} {
			c.w.Close(g.now)
		}
		g.server.Close(g.now)
		if n := g.timers.Len(); n != 0 || len(g.server.tuples) != 0 || len(g.server.fragments) != 0 || len(g.server.links) != 0 {
			t.Fatalf("left: %d timers, %v, %v, %v", n, g.server.tuples, g.server.fragments, g.server.links)
		}
	})
}

// step does one thing of the script.
func (g *stage) step(s *script.Script) {
	switch s.Below(trafficOperations) {
	case trafficFrame:
		ssrc := []uint32{10, 20, 21}[s.Below(3)]
		how := s.Byte()
		g.next[ssrc] += 1 + uint16(how>>4)
		g.giveRTP(g.marshal(g.media(ssrc, how&1 != 0)))
	case trafficRetransmission:
		p := g.media(10, false)
		p.SSRC, p.PayloadType = 11, 102
		g.next[11]++
		p.SequenceNumber = g.next[11]
		p.Payload = append(binary.BigEndian.AppendUint16(nil, g.next[10]-uint16(s.Byte()&15)), p.Payload...)
		g.giveRTP(g.marshal(p))
	case trafficProbe:
		p := g.media(10, false)
		g.next[10] += uint16(s.Byte())
		p.SequenceNumber, p.Payload = g.next[10], nil
		g.giveRTP(g.marshal(p))
	case trafficMedia:
		raw := slices.Clone(s.Bytes())
		if len(raw) >= rtp.HeaderSize {
			raw[0] = 0x80 | raw[0]&0x3f
		}
		g.giveRTP(raw)
	case trafficControl:
		g.giveRTCP([]*client{g.from, g.to}[s.Below(2)], s.Bytes())
	case trafficRequest:
		g.giveRTCP(g.to, request(s))
	case trafficCheck:
		g.give(g.from, check(g.t, g.from.w.agent.UsernameFragment(), g.from.w.agent.Password(), s.Bool()))
	case trafficGarbage:
		g.given++
		at := from(g.server, evilAddress)
		if s.Bool() {
			at = g.from.from
		}
		g.server.Handle(g.now, slices.Clone(s.Bytes()), at)
	case trafficSwitch:
		g.command(s.Below(8))
	case trafficWait:
		g.pass(time.Duration(s.Byte()) * 10 * time.Millisecond)
	}
}

// command is what the application may ask for meanwhile.
func (g *stage) command(which int) {
	producer, consumers := g.from.w.producers, g.to.w.consumers
	switch {
	case which == 0 && len(producer) > 0:
		producer[0].Pause(g.now)
	case which == 1 && len(producer) > 0:
		producer[0].Resume(g.now)
	case which == 2 && len(consumers) > 0:
		consumers[0].Pause(g.now)
	case which == 3 && len(consumers) > 0:
		consumers[0].Resume(g.now)
	case which == 4 && len(consumers) > 1:
		if _, err := consumers[1].SetPreferredLayers(g.now, proto.ConsumerLayers{SpatialLayer: 0}); err != nil {
			g.t.Fatal(err)
		}
	case which == 5 && len(consumers) > 1:
		consumers[1].RequestKeyFrame(g.now)
	case which == 6:
		_ = g.from.w.SetMaxIncomingBitrate(500_000)
	case which == 7 && len(consumers) > 1:
		if err := g.to.w.CloseConsumer(g.now, consumers[1].ID()); err != nil {
			g.t.Fatal(err)
		}
	}
}
