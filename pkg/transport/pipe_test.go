package transport

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	pionrtcp "github.com/pion/rtcp"

	"gazpacho/pkg/rtp"
	"gazpacho/pkg/tuple"
	"gazpacho/proto"
)

// joint is two pipe transports that are connected with each other, and the network between them.
type joint struct {
	*bench
	near, far *Pipe
	lose      func(datagram []byte) bool // on the way from near to far
	carried   int
}

func (b *bench) pipe(id string, o proto.PipeTransportOptions) *Pipe {
	b.t.Helper()
	o.TransportID, o.ListenInfo = id, proto.ListenInfo{Protocol: "udp", IP: "10.0.0.1"}
	p, err := NewPipe(b.now, b.env, b, &o)
	if err != nil {
		b.t.Fatal(err)
	}
	return p
}

func (b *bench) joint(o proto.PipeTransportOptions) *joint {
	b.t.Helper()
	j := &joint{bench: b, near: b.pipe("near", o), far: b.pipe("far", o)}
	for _, p := range []struct{ one, other *Pipe }{{j.near, j.far}, {j.far, j.near}} {
		d := p.other.Dump().(proto.PipeTransportDump)
		_, err := p.one.Connect(b.now, &proto.ConnectPipeTransport{IP: "10.0.0.1", Port: d.Tuple.LocalPort, SRTPParameters: d.SRTPParameters})
		if err != nil {
			b.t.Fatal(err)
		}
	}
	b.take()
	return j
}

// carry delivers what was sent, and what is sent because of it: to the pipes, and into the inboxes of the clients.
func (j *joint) carry() {
	j.t.Helper()
	for sent := j.egress.Take(); len(sent) > 0; sent = j.egress.Take() {
		for _, s := range sent {
			switch s.To.Remote {
			case j.near.local.Address:
				j.carried++
				j.near.Handle(j.now, s.Data, tuple.Of(tuple.UDP, j.near.local.Link, j.near.local.Address, j.far.local.Address))
			case j.far.local.Address:
				j.carried++
				if j.lose == nil || !j.lose(s.Data) {
					j.far.Handle(j.now, s.Data, tuple.Of(tuple.UDP, j.far.local.Link, j.far.local.Address, j.near.local.Address))
				}
			default:
				i := slices.IndexFunc(j.clients, func(c *client) bool { return c.from == s.To })
				j.clients[i].inbox = append(j.clients[i].inbox, s.Data)
			}
		}
	}
}

// piped is what a pipe consumer sends of three streams of 10, 20 and 30, known to the router as 1010 and so on.
func piped(id, producerID string, rtx bool) *proto.Consume {
	o := &proto.Consume{ConsumerID: id, ProducerID: producerID, Kind: proto.Video, Type: proto.Pipe}
	o.RTPParameters = proto.RTPParameters{Codecs: vp8Codecs(), RTCP: proto.RTCPParameters{CNAME: "publisher"}}
	feedback := o.RTPParameters.Codecs[0].RTCPFeedback
	if rtx {
		o.RTPParameters.Codecs[0].RTCPFeedback = feedback[:3]
	} else {
		o.RTPParameters.Codecs = o.RTPParameters.Codecs[:1]
		o.RTPParameters.Codecs[0].RTCPFeedback = feedback[1:3]
	}
	for i := range uint32(3) {
		e := proto.RTPEncodingParameters{SSRC: 500 + i}
		if rtx {
			e.RTX = &proto.RTXEncoding{SSRC: 600 + i}
		}
		o.RTPParameters.Encodings = append(o.RTPParameters.Encodings, e)
		o.ConsumableRTPEncodings = append(o.ConsumableRTPEncodings, proto.RTPEncodingParameters{SSRC: 1010 + 10*i})
	}
	return o
}

// receives is the producer at the other end.
func receives(o *proto.Consume) *proto.Produce {
	p := &proto.Produce{ProducerID: o.ProducerID + " piped", Kind: o.Kind, RTPParameters: o.RTPParameters, RTPMapping: proto.RTPMapping{Codecs: vp8Mapping()}}
	for i, e := range o.RTPParameters.Encodings {
		p.RTPMapping.Encodings = append(p.RTPMapping.Encodings, proto.EncodingMapping{SSRC: e.SSRC, MappedSSRC: uint32(2010 + 10*i)})
	}
	return p
}

// threeStreams is a simulcast whose streams are announced by SSRC.
func threeStreams(id string) *proto.Produce {
	o := videoProducer(id, "v", 10)
	o.RTPParameters.Encodings, o.RTPMapping.Encodings = nil, nil
	for i := range uint32(3) {
		ssrc := 10 + 10*i
		o.RTPParameters.Encodings = append(o.RTPParameters.Encodings, proto.RTPEncodingParameters{SSRC: ssrc, RTX: &proto.RTXEncoding{SSRC: ssrc + 1}})
		o.RTPMapping.Encodings = append(o.RTPMapping.Encodings, proto.EncodingMapping{SSRC: ssrc, MappedSSRC: ssrc + 1000})
	}
	return o
}

// Simulcast from a publisher through a pipe to a subscriber of the other router: all streams cross, and there is a choice among them; key frames are
// asked for across, losses on the pipe are repaired if it has RTX, and the senders' clocks are known on the other side.
func TestPipe(t *testing.T) {
	for _, o := range []proto.PipeTransportOptions{{}, {EnableSRTP: true}, {EnableRTX: true}, {EnableRTX: true, EnableSRTP: true}} {
		t.Run(fmt.Sprintf("RTX %v SRTP %v", o.EnableRTX, o.EnableSRTP), func(t *testing.T) {
			b := newBench(t)
			s := b.server()
			from, to := b.client(s, "from"), b.client(s, "to")
			j := b.joint(o)
			from.produce(threeStreams("p"))
			consume := piped("c", "p", o.EnableRTX)
			result, err := j.near.Consume(b.now, consume, from.w.producers[0])
			if err != nil || result.Score.Score != 10 || len(result.Score.ProducerScores) != 3 {
				t.Fatalf("%+v, %v", result, err)
			}
			produced, err := j.far.Produce(b.now, receives(consume))
			if err != nil || produced.Type != proto.Simulcast {
				t.Fatalf("%+v, %v", produced, err)
			}
			if _, err := to.w.Consume(b.now, videoConsumer("d", "p piped", 300, 2010, 2020, 2030), j.far.producers[0]); err != nil {
				t.Fatal(err)
			}
			lost := 0
			j.lose = func(datagram []byte) bool {
				if o.EnableRTX && !rtp.IsRTCP(datagram) && j.carried%60 == 59 {
					lost++
					return true
				}
				return false
			}
			sequence, last, shown := uint16(0), uint16(0), -1
			got := map[uint16]bool{}
			play := func(d time.Duration) {
				for end := b.now.Add(d); b.now.Before(end); b.pass(20 * time.Millisecond) {
					sequence++
					for i := range 3 {
						p := frame(uint32(10+10*i), sequence+uint16(7000*i), sequence%25 == 1)
						p.Timestamp = uint32(sequence) * 1800
						p.Payload = append(p.Payload, make([]byte, i)...)
						from.sendRTP(p)
						j.carry()
					}
					for _, p := range to.readMedia() {
						got[p.SequenceNumber], last, shown = true, max(last, p.SequenceNumber), len(p.Payload)-108
					}
				}
			}
			for _, want := range []int{2, 0, 1} {
				if _, err := to.w.consumers[0].SetPreferredLayers(b.now, proto.ConsumerLayers{SpatialLayer: want}); err != nil {
					t.Fatal(err)
				}
				if play(4 * time.Second); shown != want {
					t.Errorf("layer %d, want %d", shown, want)
				}
			}
			first := last
			for got[first-1] {
				first--
			}
			if o.EnableRTX && lost < 5 || int(last-first) < 500 {
				t.Errorf("only %d packets without a gap, %d lost on the way", last-first, lost)
			}
			rows := j.far.producers[0].Stats(b.now)
			for _, row := range rows {
				if row.PacketCount < 500 || row.PacketsRepaired == 0 != (lost == 0) {
					t.Errorf("the far producer received %+v", row)
				}
				if clock := j.far.producers[0].Stream(row.SSRC + 1510 + 9*(row.SSRC-500)); clock == nil || !clock.Clock().Known() {
					t.Errorf("nothing is known of the clock of %d", row.SSRC)
				}
			}
			if len(rows) != 3 {
				t.Errorf("%d streams crossed", len(rows))
			}
			// A key frame that the subscriber asks for is asked of the publisher, for the stream it watches.
			j.lose = nil
			from.read()
			j.pass(time.Second) // a publisher is not asked more often than twice a second
			to.sendRTCP(&pionrtcp.PictureLossIndication{MediaSSRC: 300})
			j.carry()
			if list := readRTCP[*pionrtcp.PictureLossIndication](from); len(list) != 1 || list[0].MediaSSRC != 20 {
				t.Errorf("the publisher was asked %v", list)
			}
			if stats := j.near.consumers[0].Stats(b.now); len(stats) != 3 || stats[1].PLICount == 0 || stats[1].PacketCount < 500 || (stats[1].PacketsRepaired > 0) != (lost > 0) {
				t.Errorf("the pipe sent %+v", stats)
			}
		})
	}
}

// What pauses the producer, or the pipe, stops every stream; what resumes asks for key frames of all.
func TestPipePauses(t *testing.T) {
	b := newBench(t)
	from := b.client(b.server(), "from")
	j := b.joint(proto.PipeTransportOptions{})
	from.produce(threeStreams("p"))
	if _, err := j.near.Consume(b.now, piped("c", "p", false), from.w.producers[0]); err != nil {
		t.Fatal(err)
	}
	sequence := uint16(0)
	play := func(key bool) (crossed int) {
		before := j.near.meters.counts.packetsOut
		for i := range 3 {
			from.sendRTP(frame(uint32(10+10*i), sequence+uint16(7000*i), key))
		}
		sequence++
		j.carry()
		return int(j.near.meters.counts.packetsOut - before)
	}
	c, p := j.near.consumers[0], from.w.producers[0]
	if n := play(true); n != 3 {
		t.Fatalf("%d of 3 packets crossed", n)
	}
	b.take()
	for _, tt := range []struct {
		what          string
		pause, resume func(time.Time)
		events        []string
	}{
		{"consumer", c.Pause, c.Resume, nil},
		{"producer", p.Pause, p.Resume, []string{"c " + proto.EventConsumerProducerPause, "c " + proto.EventConsumerProducerResume}},
		{"transport", j.near.shut, j.near.opened, nil},
	} {
		b.pass(time.Second)
		tt.pause(b.now)
		if n := play(true); n != 0 {
			t.Errorf("%s paused: %d packets crossed", tt.what, n)
		}
		from.read()
		tt.resume(b.now)
		// R-RTP-6: "a producer gets at most one key-frame request per 500 ms".
		b.pass(1500 * time.Millisecond)
		j.carry()
		asked := map[uint32]bool{}
		for _, p := range readRTCP[*pionrtcp.PictureLossIndication](from) {
			asked[p.MediaSSRC] = true
		}
		if !asked[10] || !asked[20] || !asked[30] {
			t.Errorf("%s resumed: asked for key frames of %v", tt.what, asked)
		}
		if n := play(false); n != 0 {
			t.Errorf("%s resumed: %d packets crossed before a key frame", tt.what, n)
		}
		if n := play(true); n != 3 {
			t.Errorf("%s resumed: %d of 3 packets crossed", tt.what, n)
		}
		events := slices.DeleteFunc(b.take(), func(e string) bool { return strings.Contains(e, "score") || strings.Contains(e, "near ") })
		for i := range events {
			events[i] = strings.TrimSuffix(events[i], " <nil>")
		}
		if !slices.Equal(events, tt.events) {
			t.Errorf("%s: events %q, want %q", tt.what, events, tt.events)
		}
	}
	p.Close(b.now)
	if events := b.take(); len(j.near.consumers) != 0 || !slices.Contains(b.closed, "c") || !slices.Contains(events, "c "+proto.EventConsumerProducerClose+" <nil>") {
		t.Errorf("the producer's end left %d consumers; closed %q, events %q", len(j.near.consumers), b.closed, events)
	}
	if d := j.near.Dump().(proto.PipeTransportDump); len(d.MapSSRCConsumerID) != 0 || len(j.near.bySSRC)+len(j.near.byRTX) != 0 {
		t.Errorf("SSRCs are left: %+v", d)
	}
	j.near.Close(b.now)
	j.far.Close(b.now)
	from.w.Close(b.now)
	if n := b.timers.Len(); n != 0 {
		t.Errorf("%d timers left", n)
	}
}

// R-RTP-1: media goes to the address that was connected, and nothing from another is heard.
func TestPipeHearsItsPeerOnly(t *testing.T) {
	b := newBench(t)
	p := b.pipe("p", proto.PipeTransportOptions{})
	peer := tuple.Of(tuple.UDP, p.local.Link, p.local.Address, peerAddress)
	evil := tuple.Of(tuple.UDP, p.local.Link, p.local.Address, evilAddress)
	p.Handle(b.now, slices.Clone(mediaPacket), peer)
	if p.drops[DropUnknownTuple] != 1 {
		t.Error("a packet was taken before connect")
	}
	if r, err := p.Connect(b.now, &proto.ConnectPipeTransport{IP: peerAddress.Addr().String(), Port: peerAddress.Port()}); err != nil || r.Tuple.RemotePort != peerAddress.Port() {
		t.Fatalf("%+v, %v", r, err)
	}
	p.Handle(b.now, slices.Clone(mediaPacket), evil)
	p.Handle(b.now, slices.Clone(mediaPacket), peer)
	if p.drops[DropUnknownTuple] != 2 || p.drops[DropUnknownStream] != 1 || p.tuple != peer {
		t.Errorf("drops %v, tuple %v", p.drops.table(), p.tuple)
	}
	if _, err := p.Connect(b.now, &proto.ConnectPipeTransport{IP: "203.0.113.66", Port: 6666}); err == nil || err.Code != proto.CodeInvalidState || p.tuple != peer {
		t.Errorf("the second connect: %v", err)
	}
	d := p.Dump().(proto.PipeTransportDump)
	has(t, d, "id", "direct", "tuple", "rtx")
	has(t, p.Stats(b.now).(proto.PipeTransportStats), "type", "tuple", "bytesReceived")
	if d.Direct || d.SRTPParameters != nil || p.Stats(b.now).(proto.PipeTransportStats).Type != "pipe-transport" {
		t.Errorf("dump %+v", d)
	}
}

func TestPipeBadInput(t *testing.T) {
	b := newBench(t)
	if _, err := NewPipe(b.now, b.env, b, &proto.PipeTransportOptions{ListenInfo: proto.ListenInfo{Protocol: "tcp", IP: "10.0.0.1"}}); err == nil || err.Path != "listenInfo.protocol" {
		t.Errorf("TCP: %v", err)
	}
	key := b.pipe("other", proto.PipeTransportOptions{EnableSRTP: true}).Dump().(proto.PipeTransportDump).SRTPParameters
	if key.CryptoSuite != "AEAD_AES_256_GCM" {
		t.Fatalf("suite %s", key.CryptoSuite)
	}
	for _, tt := range []struct {
		name    string
		srtp    bool
		connect proto.ConnectPipeTransport
		path    string
	}{
		{"no address", false, proto.ConnectPipeTransport{Port: 1}, "ip"},
		{"wildcard", false, proto.ConnectPipeTransport{IP: "0.0.0.0", Port: 1}, "ip"},
		{"no port", false, proto.ConnectPipeTransport{IP: "192.0.2.1"}, "port"},
		{"key without SRTP", false, proto.ConnectPipeTransport{IP: "192.0.2.1", Port: 1, SRTPParameters: key}, "srtpParameters"},
		{"no key", true, proto.ConnectPipeTransport{IP: "192.0.2.1", Port: 1}, "srtpParameters"},
		{"another suite", true, proto.ConnectPipeTransport{IP: "192.0.2.1", Port: 1, SRTPParameters: &proto.SRTPParameters{CryptoSuite: "AEAD_AES_128_GCM", KeyBase64: key.KeyBase64}}, "srtpParameters.cryptoSuite"},
		{"short key", true, proto.ConnectPipeTransport{IP: "192.0.2.1", Port: 1, SRTPParameters: &proto.SRTPParameters{CryptoSuite: key.CryptoSuite, KeyBase64: "AAAA"}}, "srtpParameters.keyBase64"},
	} {
		p := b.pipe(tt.name, proto.PipeTransportOptions{EnableSRTP: tt.srtp})
		if _, err := p.Connect(b.now, &tt.connect); err == nil || err.Path != tt.path || err.Name != proto.TypeErrorName || p.connected {
			t.Errorf("%s: %v, want an error about %s", tt.name, err, tt.path)
		}
	}
	from := b.client(b.server(), "from")
	from.produce(threeStreams("p"))
	p := b.pipe("p", proto.PipeTransportOptions{})
	for _, tt := range []struct {
		name   string
		change func(*proto.Consume)
		path   string
	}{
		{"an encoding too few", func(o *proto.Consume) { o.RTPParameters.Encodings = o.RTPParameters.Encodings[:2] }, "rtpParameters.encodings"},
		{"no SSRC", func(o *proto.Consume) { o.RTPParameters.Encodings[1].SSRC = 0 }, "rtpParameters.encodings[1].ssrc"},
		{"an SSRC twice", func(o *proto.Consume) { o.RTPParameters.Encodings[2].SSRC = 500 }, "rtpParameters.encodings[2].ssrc"},
		{"RTX on another's SSRC", func(o *proto.Consume) { o.RTPParameters.Encodings[2].RTX.SSRC = 501 }, "rtpParameters.encodings[2].rtx.ssrc"},
		{"no mapped SSRC", func(o *proto.Consume) { o.ConsumableRTPEncodings[2].SSRC = 0 }, "consumableRtpEncodings[2].ssrc"},
	} {
		o := piped("c", "p", true)
		tt.change(o)
		if _, err := p.Consume(b.now, o, from.w.producers[0]); err == nil || err.Path != tt.path || len(p.consumers) != 0 {
			t.Errorf("%s: %v, want an error about %s", tt.name, err, tt.path)
		}
	}
}

// "Zero allocations on the forward path", over a pipe as well.
func TestPipeDoesNotAllocate(t *testing.T) {
	for _, srtp := range []bool{false, true} {
		b := newBench(t)
		from := b.client(b.server(), "from")
		j := b.joint(proto.PipeTransportOptions{EnableSRTP: srtp})
		from.produce(threeStreams("p"))
		if _, err := j.near.Consume(b.now, piped("c", "p", false), from.w.producers[0]); err != nil {
			t.Fatal(err)
		}
		out := &discard{}
		b.env.Egress = out
		j.near.reports.Stop() // reports allocate, once a second
		from.w.reports.Stop()
		const warmUp, runs = 600, 200
		var datagrams [][]byte
		for n := range uint16(warmUp + runs + 1) {
			datagrams = append(datagrams, from.seal(frame(20, n, n == 0)))
		}
		n := 0
		forward := func() {
			b.now = b.now.Add(20 * time.Millisecond)
			from.server.Handle(b.now, datagrams[n], from.from)
			n++
		}
		for range warmUp {
			forward()
		}
		before := out.packets
		if n := testing.AllocsPerRun(runs, forward); n != 0 {
			t.Errorf("%v allocations per packet", n)
		}
		if out.packets-before < runs {
			t.Errorf("%d packets were sent", out.packets-before)
		}
	}
}
