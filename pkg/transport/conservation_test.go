package transport

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	pionrtcp "github.com/pion/rtcp"
	pionrtp "github.com/pion/rtp"

	"gazpacho/pkg/ice"
	"gazpacho/pkg/producer"
	"gazpacho/pkg/rtp"
	"gazpacho/pkg/socket"
	"gazpacho/pkg/tuple"
	"gazpacho/proto"
)

// traffic draws datagrams of every kind, good and bad, for one transport.
type traffic struct {
	*client
	r    *rand.Rand
	next map[uint32]uint16
	old  [][]byte
	rtcp uint64 // compounds that the transport, while it lived, must have taken
	taps []*recorder
	seen uint16 // sequence number of a packet of its consumer's
}

func newTraffic(c *client, r *rand.Rand) *traffic {
	if _, err := c.w.Connect(c.now, &dtlsParameters); err != nil {
		c.t.Fatal(err)
	}
	id := c.w.ID()
	c.produce(videoProducer("p"+id, "v", 10))
	c.produce(simulcastProducer("q"+id, "s", "a", "b"))
	audio := opusProducer("r" + id)
	audio.RTPParameters.MID, audio.RTPParameters.Encodings[0].SSRC, audio.RTPMapping.Encodings[0].SSRC = "audio", 31, 31
	c.produce(audio)
	return &traffic{
		client: c, r: r, next: map[uint32]uint16{},
		taps: []*recorder{c.tap("p" + id), c.tap("q" + id), c.tap("r" + id)},
	}
}

// units are those of the reasons in drops.
var units = func() map[string]proto.DropUnit {
	m := map[string]proto.DropUnit{}
	for _, r := range proto.DropReasons {
		m[r.Name] = r.Unit
	}
	return m
}()

// balance checks a transport's books: what it received was handled or dropped.
func balance(t *testing.T, s *proto.TransportStats) {
	t.Helper()
	handled := s.SCTPReceived + s.STUNReceived + s.DTLSReceived + s.RTPPacketsReceived + s.RTXPacketsReceived + s.RTCPPacketsReceived
	dropped := uint64(0)
	for reason, n := range s.Drops {
		if units[reason] == proto.DropReceived {
			dropped += n
		}
	}
	if handled+dropped != s.PacketsReceived || handled == 0 || dropped == 0 {
		t.Errorf("%s received %d packets, handled %d, dropped %d: %v", s.TransportID, s.PacketsReceived, handled, dropped, s.Drops)
	}
}

// count sorts what left by what it carries.
func count(sent []socket.Sent) (c counts) {
	for _, s := range sent {
		kind := protocolRTP
		switch {
		case isSCTP(s.Data):
			kind = protocolSCTP
		case s.Data[0] <= 3:
			kind = protocolSTUN
		case rtp.IsRTCP(s.Data):
			kind = protocolRTCP
		case s.Data[1]&0x7f == 102:
			kind = protocolRTX
		}
		c.out[kind]++
		c.packetsOut++
		c.bytesOut += uint64(len(s.Data))
	}
	return c
}

// Conservation: every datagram is answered (STUN), handed to DTLS, taken as RTCP, forwarded to the taps, or counted under exactly one
// reason, of a transport or of its server; and what all of them count stays when one of them is closed. Everything is compared with what
// was seen from outside.
func TestConservation(t *testing.T) {
	var sum counts
	reasons := map[string]bool{}
	for seed := range uint64(20) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			b := newBench(t)
			s := b.server()
			r := rand.New(rand.NewPCG(seed, 7))
			one, two := newTraffic(b.client(s, "one"), r), newTraffic(b.client(s, "two"), r)
			two.consume(videoConsumer("c", "pone", 15, 1010), one.client)
			one.consume(videoConsumer("d", "ptwo", 15, 1010), two.client)
			plain := b.plain(proto.PlainTransportOptions{Comedia: true})
			bare := newBare(b, one.w)
			three := b.stranger(s, "three")
			three.reach(three.w, three.from.Remote)
			b.egress.Take()
			before := b.env.Totals.counts
			var first proto.TransportStats
			var sent []socket.Sent
			const total = 6000
			for n := range total {
				sent = append(sent, bare.gone()...)
				for _, packet := range b.egress.Take() {
					sent = append(sent, packet)
					if packet.To == two.from && !rtp.IsRTCP(packet.Data) {
						two.seen = binary.BigEndian.Uint16(packet.Data[2:])
					}
				}
				switch pick := r.IntN(10); {
				case pick == 0:
					sendPlain(plain, b, r)
				case pick > 7:
					bare.send(r)
				case pick < 4:
					one.send()
				case pick < 7:
					two.send()
				case r.IntN(2) == 0:
					three.deliver(clientHello)
				default:
					three.sendRTP(frame(1, uint16(n), true))
				}
				if r.IntN(20) == 0 {
					b.pass(10 * time.Millisecond)
				}
				if n == total/2 {
					first = one.statistics().TransportStats
					one.w.Close(b.now)
				}
				if n == total*3/4 {
					plain.Close(b.now)
				}
			}
			sent = append(sent, bare.gone()...)
			fifth, sixth := bare.pipe.Stats(b.now).(proto.PipeTransportStats).TransportStats, bare.direct.Stats(b.now).(proto.DirectTransportStats).TransportStats
			balance(t, &fifth)
			balance(t, &sixth)
			if bare.taken != fifth.SCTPReceived {
				t.Errorf("SCTP took %d packets, not %d", bare.taken, fifth.SCTPReceived)
			}
			second, third := two.statistics().TransportStats, plain.Stats(b.now).(proto.PlainTransportStats).TransportStats
			balance(t, &first)
			balance(t, &second)
			balance(t, &third)
			fourth := three.statistics().TransportStats
			balance(t, &fourth)

			all := b.env.Totals.counts
			for k := range numProtocols {
				all.in[k] -= before.in[k]
				all.out[k] -= before.out[k]
			}
			dropped, served := uint64(0), uint64(0)
			b.env.Totals.EachDrop(func(_ string, n uint64, received bool) {
				if received {
					dropped += n
				}
			})
			for _, n := range s.Drops() {
				served += n
			}
			handled := uint64(0)
			for _, n := range all.in {
				handled += n
			}
			if handled+dropped != total {
				t.Errorf("of %d datagrams %d were handled and %d dropped", total, handled, dropped)
			}
			if got := first.PacketsReceived + second.PacketsReceived + third.PacketsReceived + fourth.PacketsReceived + fifth.PacketsReceived + sixth.PacketsReceived; got != all.packetsIn || all.packetsIn-before.packetsIn+served != total {
				t.Errorf("the transports received %d, all of them %d, their server kept %d", got, all.packetsIn, served)
			}
			if got := first.BytesReceived + second.BytesReceived + third.BytesReceived + fourth.BytesReceived + fifth.BytesReceived + sixth.BytesReceived; got != all.bytesIn {
				t.Errorf("the transports received %d bytes, all of them %d", got, all.bytesIn)
			}
			forwarded := uint64(0)
			for _, tap := range slices.Concat(one.taps, two.taps, bare.taps) {
				forwarded += uint64(len(tap.numbers))
			}
			out := count(append(sent, b.egress.Take()...))
			dtls := uint64(len(b.islands[0].got) + len(b.islands[1].got))
			if all.in[protocolSTUN] != out.out[protocolSTUN] || all.in[protocolDTLS] != dtls ||
				all.in[protocolRTP]+all.in[protocolRTX] != forwarded || all.in[protocolRTCP] < one.rtcp+two.rtcp {
				t.Errorf("handled %v; %d answers, %d handed to DTLS, %d forwarded, at least %d of RTCP",
					all.in, out.out[protocolSTUN], dtls, forwarded, one.rtcp+two.rtcp)
			}
			if all.out != out.out || all.packetsOut-before.packetsOut != out.packetsOut || all.bytesOut-before.bytesOut != out.bytesOut {
				t.Errorf("sent %v, %d packets of %d bytes; counted %v, %d, %d", out.out, out.packetsOut, out.bytesOut,
					all.out, all.packetsOut-before.packetsOut, all.bytesOut-before.bytesOut)
			}
			for k := range numProtocols {
				sum.in[k] += all.in[k]
				sum.out[k] += all.out[k]
			}
			b.env.Totals.EachDrop(func(reason string, n uint64, _ bool) { reasons[reason] = reasons[reason] || n > 0 })
		})
	}
	for k := range numProtocols {
		if sum.in[k] == 0 || sum.out[k] == 0 && k != protocolDTLS {
			t.Errorf("the traffic was not diverse: in %v, out %v", sum.in, sum.out)
		}
	}
	for reason, unit := range units {
		if unit == proto.DropReceived && !reasons[reason] && !rare[reason] {
			t.Errorf("the traffic was not diverse: nothing was dropped for %s", reason)
		}
	}
}

// rare are the reasons that need more than random traffic, or a fault. They have tests of their own.
var rare = map[string]bool{
	"tooManyStreams": true, "unauthorizedTuple": true, "srtpTooOld": true, "panic": true, "producerDuplicate": true, "producerSequence": true,
	"producerClosed": true, "stunBudget": true, "stunNotRequest": true, "stunClosed": true,
}

// bare is a pipe with SCTP and a direct transport, which have no ICE and no DTLS. Both send what another transport's publisher gives.
type bare struct {
	*bench
	pipe     *Pipe
	direct   *Direct
	peer     tuple.Tuple
	taps     []*recorder
	sequence uint16
	taken    uint64 // packets that the associations of the pipe took
}

func newBare(b *bench, w *WebRTC) *bare {
	k := &bare{bench: b, direct: b.direct(proto.DirectTransportOptions{})}
	k.pipe = b.pipe("pipe", proto.PipeTransportOptions{SCTPOptions: proto.SCTPOptions{EnableSCTP: true}})
	k.peer = tuple.Of(tuple.UDP, k.pipe.local.Link, k.pipe.local.Address, peerAddress)
	if _, err := k.pipe.Connect(b.now, &proto.ConnectPipeTransport{IP: peerAddress.Addr().String(), Port: peerAddress.Port()}); err != nil {
		b.t.Fatal(err)
	}
	forward := videoConsumer("forward", "pone", 15, 1010)
	forward.Type = proto.Pipe
	if _, err := k.pipe.Consume(b.now, forward, w.producers[0]); err != nil {
		b.t.Fatal(err)
	}
	if _, err := k.direct.Consume(b.now, videoConsumer("up", "pone", 15, 1010), w.producers[0]); err != nil {
		b.t.Fatal(err)
	}
	for id, t := range map[string]Transport{"pipe": k.pipe, "direct": k.direct} {
		if _, err := t.Produce(b.now, videoProducer(id+"d", "", 70)); err != nil {
			b.t.Fatal(err)
		}
	}
	for _, p := range []*producer.Producer{k.pipe.producers[0], k.direct.producers[0]} {
		tap := &recorder{}
		p.AddTap(tap)
		k.taps = append(k.taps, tap)
	}
	return k
}

// gone is what the direct transport sent up.
func (k *bare) gone() (sent []socket.Sent) {
	for _, u := range k.goneUp() {
		sent = append(sent, socket.Sent{Data: u.payload})
	}
	return sent
}

// send has one datagram arrive, and now and then SCTP send one, end or fail.
func (k *bare) send(r *rand.Rand) {
	k.sequence++
	media := marshal(k.t, frame(70, k.sequence, k.sequence%50 == 1))
	switch r.IntN(8) {
	case 0:
		media = rtcpReport()
	case 1:
		media = []byte{byte(r.Uint32()), 1, 2}
	}
	if r.IntN(2) == 0 {
		if rtp.IsRTCP(media) {
			k.direct.ReceiveRTCP(k.now, media)
		} else {
			k.direct.ReceiveRTP(k.now, k.direct.producers[0], media)
		}
		return
	}
	from := k.peer
	if r.IntN(10) == 0 {
		from.Remote = evilAddress
	}
	if r.IntN(3) > 0 {
		k.pipe.Handle(k.now, media, from)
		return
	}
	if r.IntN(100) == 0 {
		k.pipe.SCTPFailed(k.now)
	}
	k.pipe.Handle(k.now, sctpPacket(9), from)
	for _, island := range k.packets {
		k.taken += uint64(len(island.got))
		island.got, island.full = nil, r.IntN(20) == 0
	}
	switch r.IntN(200) {
	case 0:
		k.pipe.SCTPClosed(k.now)
	case 1, 2, 3, 4:
		k.pipe.SendSCTP(k.now, sctpPacket(9))
	}
}

// sendPlain sends one datagram to a plain transport: of its peer or another, media, RTCP or noise.
func sendPlain(p *Plain, b *bench, r *rand.Rand) {
	from := tuple.Of(tuple.UDP, p.local.Link, p.local.Address, peerAddress)
	if r.IntN(5) == 0 && p.tuple.IsValid() {
		from.Remote = evilAddress
	}
	switch r.IntN(4) {
	case 0:
		p.Handle(b.now, []byte{byte(r.Uint32()), 1, 2}, from)
	case 1:
		p.Handle(b.now, rtcpReport(), from)
	case 2:
		p.Handle(b.now, []byte{0x81, 201, 0, 1, 0, 0, 0, 1}, from)
	default:
		p.Handle(b.now, append([]byte{}, mediaPacket...), from)
	}
}

// send delivers one datagram.
func (tr *traffic) send() {
	switch tr.r.IntN(12) {
	case 0:
		tr.deliver(check(tr.t, tr.w.agent.UsernameFragment(), tr.w.agent.Password(), tr.r.IntN(2) == 0))
		return
	case 1:
		tr.deliver(check(tr.t, tr.w.agent.UsernameFragment(), "forged", true))
		return
	case 2:
		b := make([]byte, tr.r.IntN(100))
		for i := range b {
			b[i] = byte(tr.r.Uint32())
		}
		if len(b) > 0 && b[0] <= 3 {
			b[0] = 4
		}
		if tr.r.IntN(3) == 0 {
			tr.server.Handle(tr.now, b, from(tr.server, evilAddress))
			return
		}
		tr.deliver(b)
		return
	case 3:
		tr.deliver(clientHello)
		return
	case 4:
		if len(tr.old) > 0 {
			tr.deliver(tr.old[tr.r.IntN(len(tr.old))])
			return
		}
		tr.deliver([]byte{200})
		return
	case 5:
		if !tr.w.closed {
			tr.rtcp++
		}
		tr.sendRTCP(&pionrtcp.ReceiverReport{SSRC: 9}, &pionrtcp.PictureLossIndication{MediaSSRC: tr.r.Uint32N(20)}, nack(15, tr.seen), nack(tr.r.Uint32N(20), uint16(tr.r.Uint32())))
		return
	case 6:
		raw := []byte{0x81, 201, 0, 1, 0, 0, 0, 1}
		if tr.r.IntN(4) == 0 {
			raw = bytes.Repeat([]byte{0x80, 201, 0, 1, 0, 0, 0, 1}, 33)
		}
		tr.deliver(tr.sealRawRTCP(raw))
		return
	}
	if tr.r.IntN(12) == 0 {
		tr.deliver(tr.badCheck())
		return
	}
	datagram := tr.seal(tr.media())
	if len(tr.old) < 50 {
		tr.old = append(tr.old, datagram)
	}
	if tr.r.IntN(10) == 0 {
		datagram[len(datagram)-1] ^= 1 // forged
	}
	tr.deliver(datagram)
}

// badCheck is a Binding request that is cut, changed on the way, or for somebody else.
func (tr *traffic) badCheck() []byte {
	b := check(tr.t, tr.w.agent.UsernameFragment(), tr.w.agent.Password(), false)
	switch tr.r.IntN(3) {
	case 0:
		return b[:len(b)-4]
	case 1:
		b[len(b)-1] ^= 1
		return b
	default:
		return check(tr.t, "stranger", "forged", false)
	}
}

// media is a packet of one of the streams, or of none; some are empty, not of a codec, or retransmissions nobody wants.
func (tr *traffic) media() *pionrtp.Packet {
	ssrc := []uint32{10, 10, 11, 20, 21, 22, 31, 99}[tr.r.IntN(8)]
	tr.next[ssrc] += uint16(1 + tr.r.IntN(2))
	p := frame(ssrc, tr.next[ssrc], tr.r.IntN(50) == 0)
	switch ssrc {
	case 11:
		p.PayloadType = 102
		p.Payload = append([]byte{byte(tr.next[10] >> 8), byte(tr.next[10] - uint16(tr.r.IntN(4)))}, p.Payload...)
	case 31:
		p.PayloadType = 100
	case 20, 21:
		with(tr.t, p, midID, []byte("s"))
		with(tr.t, p, ridID, []byte{'a' + byte(ssrc-20)})
	case 22:
		with(tr.t, p, midID, []byte("s"))
	}
	switch tr.r.IntN(20) {
	case 0:
		p.Payload = nil
	case 1:
		p.PayloadType = 55
	case 2:
		p.Payload = []byte{0x90}
	case 3:
		with(tr.t, p, ccID, []byte{1, 2})
	case 4:
		if tr.w.closed {
			break
		}
		if pr := tr.w.producers[tr.r.IntN(3)]; pr.Paused() {
			pr.Resume(tr.now)
		} else {
			pr.Pause(tr.now)
		}
	}
	return p
}

// Every reason has a name of its own: they share a table in the statistics.
func TestDropNamesAreDistinct(t *testing.T) {
	names := map[string]bool{}
	total := 0
	new(tally).each(func(reason string, _ uint64, received bool) {
		total++
		names[reason] = true
		if received != (units[reason] == proto.DropReceived) {
			t.Errorf("%s is documented to be of a %q", reason, units[reason])
		}
	})
	if want := int(numDrops) + int(producer.NumVerdicts) - 2 + int(ice.NumDrops); len(names) != want || total != want || names[""] {
		t.Errorf("%d names, want %d: %v", len(names), want, names)
	}
}
