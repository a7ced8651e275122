package transport

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	pionrtcp "github.com/pion/rtcp"
	pionrtp "github.com/pion/rtp"

	"gazpacho/pkg/rtp"
	"gazpacho/pkg/simtest/link"
	"gazpacho/proto"
)

// within checks the bit/s that came under an SSRC in the seconds [from, to).
func (d *downlink) within(ssrc uint32, from, to, least, most int) {
	d.t.Helper()
	list := d.bitrates(ssrc)
	for second := from; second < to; second++ {
		if list[second] < least || list[second] > most {
			d.t.Errorf("second %d: %d bit/s under SSRC %d, want %d to %d: %v", second, list[second], ssrc, least, most, list)
			return
		}
	}
}

// withFeedback changes the options to those of a peer that reports by REMB or not at all.
func withFeedback(o *proto.Consume, feedback string) *proto.Consume {
	o.RTPParameters.Codecs = slices.Clone(o.RTPParameters.Codecs)
	first := &o.RTPParameters.Codecs[0]
	first.RTCPFeedback = slices.DeleteFunc(slices.Clone(first.RTCPFeedback), func(f proto.RTCPFeedback) bool { return f.Type == "transport-cc" })
	if feedback != "" {
		first.RTCPFeedback = append(first.RTCPFeedback, proto.RTCPFeedback{Type: feedback})
	}
	o.RTPParameters.HeaderExtensions = slices.DeleteFunc(slices.Clone(o.RTPParameters.HeaderExtensions), func(h proto.RTPHeaderExtensionParameters) bool {
		return h.ID == ccID
	})
	return o
}

// The path falls from 5 Mbit/s to 0.7, to 0.25, and comes back: of streams of 0.15, 0.5 and 1.5 Mbit/s the best that fits is forwarded, and the queue is
// left within three seconds. What is found out by padding is little.
func TestLayersFollowThePath(t *testing.T) {
	c := newCinema(t)
	f := c.film("p", 150_000, 500_000, 1_500_000)
	w := c.watcher("w", stepped(map[int]int{0: 5_000_000, 20: 700_000, 40: 250_000, 60: 5_000_000}))
	c.run(3 * time.Second)
	w.consume(videoConsumer("c", "p", 500, 9000, 9001, 9002), f.client)
	c.run(90 * time.Second)
	w.within(500, 6, 20, 1_400_000, 1_700_000)
	w.within(500, 27, 40, 450_000, 600_000)
	w.within(500, 43, 60, 140_000, 200_000)
	w.within(500, 72, 93, 1_400_000, 1_700_000)
	for second, waited := range w.waits {
		if calm := second > 23 && second < 40 || second > 43; calm && waited > 150*time.Millisecond {
			t.Errorf("second %d: %v in the queue: %v", second, waited, w.waits)
		}
	}
	if n := strings.Count(c.layers("c"), " "); n > 14 {
		t.Errorf("%d changes of layers: %s", n, c.layers("c"))
	}
	s := w.statistics()
	if share := float64(s.ProbationBytesSent) / float64(s.RTPBytesSent); s.ProbationBytesSent == 0 || share > 0.01 {
		t.Errorf("%.4f of what was sent is padding", share)
	}
}

// Loss that is not congestion takes no layer away.
func TestRandomLossTakesNoLayer(t *testing.T) {
	c := newCinema(t)
	f := c.film("p", 150_000, 500_000, 1_500_000)
	w := c.watcher("w", link.Constant(5_000_000))
	w.Loss = 0.02
	c.run(3 * time.Second)
	w.consume(videoConsumer("c", "p", 500, 9000, 9001, 9002), f.client)
	c.run(40 * time.Second)
	w.within(500, 8, 43, 1_300_000, 1_700_000)
	if loss := *w.statistics().RTPPacketLossSent; loss < 0.001 || loss > 0.1 {
		t.Errorf("a loss of %f is told", loss)
	}
}

// First each consumer has one layer, by priority; what is left goes to the one that is preferred.
func TestPriorities(t *testing.T) {
	for _, preferred := range []int{0, 1} {
		c := newCinema(t)
		films := []*film{c.film("p", 150_000, 700_000), c.film("q", 150_000, 700_000)}
		w := c.watcher("w", link.Constant(1_100_000))
		c.run(3 * time.Second)
		w.consume(videoConsumer("c", "p", 500, 9000, 9001), films[0].client)
		w.consume(videoConsumer("d", "q", 600, 9000, 9001), films[1].client)
		if _, err := w.w.consumers[preferred].SetPriority(10); err != nil {
			t.Fatal(err)
		}
		c.run(30 * time.Second)
		ssrcs := []uint32{500, 600}
		w.within(ssrcs[preferred], 10, 33, 550_000, 900_000)
		w.within(ssrcs[1-preferred], 10, 33, 130_000, 200_000)
	}
}

// What does not fit at all is not sent, but for one consumer; it comes back with the bandwidth.
func TestWhatDoesNotFitIsNotSent(t *testing.T) {
	c := newCinema(t)
	w := c.watcher("w", stepped(map[int]int{0: 2_000_000, 10: 200_000, 30: 2_000_000}))
	films := []*film{c.film("p", 130_000, 131_000), c.film("q", 130_000, 131_000), c.film("r", 130_000, 131_000)}
	c.run(3 * time.Second)
	ids, ssrcs := []string{"c", "d", "e"}, []uint32{500, 600, 700}
	for i, f := range films {
		w.consume(videoConsumer(ids[i], []string{"p", "q", "r"}[i], ssrcs[i], 9000, 9001), f.client)
	}
	c.run(50 * time.Second)
	sum := func(second int) (n int) {
		for _, ssrc := range ssrcs {
			if w.bitrates(ssrc)[second] > 100_000 {
				n++
			}
		}
		return n
	}
	for second, want := range map[int]int{8: 3, 20: 1, 28: 1, 45: 3, 52: 3} {
		if n := sum(second); n != want {
			t.Errorf("second %d: %d consumers are sent, want %d: %v %v %v", second, n, want, w.bitrates(500), w.bitrates(600), w.bitrates(700))
		}
	}
	if !strings.Contains(c.layers("e"), "- ") {
		t.Errorf("the last consumer's layers: %s", c.layers("e"))
	}
}

// Where nobody estimates, what is preferred is sent: there is nothing to go by.
func TestWithoutEstimateThePreferredLayerIsSent(t *testing.T) {
	c := newCinema(t)
	f := c.film("p", 150_000, 500_000, 1_500_000)
	w := c.watcher("w", link.Constant(5_000_000))
	c.run(3 * time.Second)
	w.consume(withFeedback(videoConsumer("c", "p", 500, 9000, 9001, 9002), ""), f.client)
	c.run(10 * time.Second)
	if got := c.layers("c"); got != "2.0" {
		t.Errorf("layers %s", got)
	}
	if s := w.statistics(); s.ProbationBytesSent != 0 || s.RTPPacketLossSent != nil {
		t.Errorf("%d bytes of padding, a loss is known %v", s.ProbationBytesSent, s.RTPPacketLossSent != nil)
	}
}

// A peer that lost much, because the path is full, is sent no more of it again than half of what fits; without an estimate everything.
func TestRetransmissionsFitTheEstimate(t *testing.T) {
	for _, feedback := range []string{"transport-cc", ""} {
		b := newBench(t)
		s := b.server()
		from, to := b.client(s, "from"), b.client(s, "to")
		from.produce(videoProducer("p", "v", 10))
		o := videoConsumer("c", "p", 300, 1010)
		if feedback == "" {
			o = withFeedback(o, "")
		}
		to.consume(o, from)
		const packets = 150
		for i := range packets {
			p := frame(10, uint16(i+1), i == 0)
			p.Payload = append(p.Payload, make([]byte, 900)...)
			from.sendRTP(p)
			b.pass(10 * time.Millisecond)
		}
		media := to.readMedia()
		if len(media) != packets {
			t.Fatalf("%d packets came", len(media))
		}
		for range 3 { // in 0.3 s
			nack := &pionrtcp.TransportLayerNack{SenderSSRC: 1, MediaSSRC: 300}
			for _, p := range media {
				nack.Nacks = append(nack.Nacks, pionrtcp.NackPair{PacketID: p.SequenceNumber})
			}
			to.sendRTCP(nack)
			b.pass(100 * time.Millisecond)
		}
		bytes := 0
		for _, p := range to.readMedia() {
			bytes += len(p.Payload)
		}
		dropped := to.statistics().Drops["sendCongested"]
		if most := 600_000 / 2 / 8 * 14 / 10; feedback != "" && (bytes > most || bytes < most/2 || dropped == 0) {
			t.Errorf("%d bytes were sent again, %d packets not", bytes, dropped)
		}
		if feedback == "" && (bytes < 100_000 || dropped != 0) {
			t.Errorf("without an estimate %d bytes were sent again, %d packets not", bytes, dropped)
		}
	}
}

// Transport-wide numbers on audio alone are no reason to estimate.
func TestAudioIsNotEstimated(t *testing.T) {
	b := newBench(t)
	s := b.server()
	from, to := b.client(s, "from"), b.client(s, "to")
	from.produce(opusProducer("p"))
	to.consume(opusConsumer("c", "p"), from)
	if to.w.outgoing.sender != nil {
		t.Error("there is an estimate")
	}
}

// A peer that estimates itself is obeyed: REMB below what is sent takes layers away. It is never sent padding.
func TestLayersObeyREMB(t *testing.T) {
	c := newCinema(t)
	f := c.film("p", 150_000, 500_000, 1_500_000)
	w := c.watcher("w", link.Constant(5_000_000))
	w.w.EnableTraceEvent([]string{"bwe"})
	c.run(3 * time.Second)
	w.consume(withFeedback(videoConsumer("c", "p", 500, 9000, 9001, 9002), "goog-remb"), f.client)
	for _, tell := range []float32{3_000_000, 300_000} {
		for range 8 {
			w.sendRTCP(&pionrtcp.ReceiverEstimatedMaximumBitrate{SenderSSRC: 77, Bitrate: tell, SSRCs: []uint32{500}})
			c.run(time.Second)
		}
	}
	w.within(500, 6, 11, 1_400_000, 1_700_000)
	w.within(500, 13, 19, 140_000, 200_000)
	if s := w.statistics(); s.ProbationBytesSent != 0 {
		t.Errorf("%d bytes of padding", s.ProbationBytesSent)
	}
	if len(c.traces) == 0 || c.traces[0].Info["bweType"] != "remb" {
		t.Errorf("%d traces", len(c.traces))
	}
}

// The application's limits are obeyed while media flows.
func TestLayersObeyLimits(t *testing.T) {
	c := newCinema(t)
	f := c.film("p", 150_000, 500_000, 1_500_000)
	w := c.watcher("w", stepped(map[int]int{0: 5_000_000, 33: 400_000}))
	c.run(3 * time.Second)
	w.consume(videoConsumer("c", "p", 500, 9000, 9001, 9002), f.client)
	c.run(10 * time.Second)
	if err := w.w.SetMaxOutgoingBitrate(600_000); err != nil {
		t.Fatal(err)
	}
	c.run(10 * time.Second)
	if s := w.statistics(); *s.AvailableOutgoingBitrate > 600_000 || *s.MaxOutgoingBitrate != 600_000 {
		t.Errorf("%d available", *s.AvailableOutgoingBitrate)
	}
	if err := w.w.SetMaxOutgoingBitrate(0); err != nil {
		t.Fatal(err)
	}
	c.run(10 * time.Second)
	if err := w.w.SetMinOutgoingBitrate(550_000); err != nil {
		t.Fatal(err)
	}
	c.run(10 * time.Second)
	w.within(500, 8, 13, 1_400_000, 1_700_000)
	w.within(500, 15, 23, 450_000, 600_000)
	w.within(500, 26, 33, 1_400_000, 1_700_000)
	if s := w.statistics(); *s.AvailableOutgoingBitrate != 550_000 || c.layers("c")[len(c.layers("c"))-3:] != "1.0" {
		t.Errorf("%d available, layers %s", *s.AvailableOutgoingBitrate, c.layers("c"))
	}
}

// Padding is what mediasoup's clients are prepared for, and nothing but padding.
func TestPadding(t *testing.T) {
	c := newCinema(t)
	f := c.film("p", 150_000, 1_500_000)
	w := c.watcher("w", link.Constant(5_000_000))
	w.w.EnableTraceEvent([]string{"probation"})
	var seen []*pionrtp.Packet
	w.arrived = func(p *pionrtp.Packet) {
		if p.SSRC == probatorSSRC {
			seen = append(seen, p)
		}
	}
	c.run(3 * time.Second)
	w.consume(videoConsumer("c", "p", 500, 9000, 9001), f.client)
	c.run(10 * time.Second)
	if len(seen) < 5 {
		t.Fatalf("%d packets of padding", len(seen))
	}
	for i, p := range seen {
		if p.PayloadType != 127 || !p.Padding || p.PaddingSize != 255 || len(p.Payload) != 0 || p.Marker {
			t.Fatalf("padding %v, %d bytes of it", p, p.PaddingSize)
		}
		if string(p.GetExtension(midID)) != "probator" || len(p.GetExtension(ccID)) != 2 || len(p.GetExtension(absID)) != 3 {
			t.Fatalf("extensions of %v", p)
		}
		if i > 0 && p.SequenceNumber != seen[i-1].SequenceNumber+1 {
			t.Fatalf("#%d after #%d", p.SequenceNumber, seen[i-1].SequenceNumber)
		}
	}
	for _, e := range c.traces {
		if e.Type != "probation" || e.Direction != "out" || e.Info == nil {
			t.Errorf("%+v", e)
		}
	}
	if s := w.statistics(); int(s.ProbationBytesSent) < 200*len(seen) || len(c.traces) < len(seen) {
		t.Errorf("%d bytes, %d traces of %d packets", s.ProbationBytesSent, len(c.traces), len(seen))
	}
	_, err := w.w.Consume(w.now, videoConsumer("d", "p", probatorSSRC, 9000, 9001), f.w.producers[0])
	if err == nil || err.Path != "rtpParameters.encodings[0].ssrc" {
		t.Errorf("a consumer under the SSRC of padding: %v", err)
	}
}

// A consumer that has the SSRC of padding already is left alone.
func TestNoPaddingUnderAConsumersSSRC(t *testing.T) {
	c := newCinema(t)
	f := c.film("p", 150_000, 1_500_000)
	w := c.watcher("w", link.Constant(5_000_000))
	c.run(3 * time.Second)
	w.consume(videoConsumer("c", "p", probatorSSRC, 9000, 9001), f.client)
	c.run(10 * time.Second)
	if s := w.statistics(); s.ProbationBytesSent != 0 {
		t.Errorf("%d bytes of padding", s.ProbationBytesSent)
	}
}

// The trace of the estimate has the fields that mediasoup's has, once a second or so.
func TestTraceOfTheEstimate(t *testing.T) {
	c := newCinema(t)
	f := c.film("p", 150_000, 500_000)
	w := c.watcher("w", link.Constant(5_000_000))
	c.run(3 * time.Second)
	w.consume(videoConsumer("c", "p", 500, 9000, 9001), f.client)
	c.run(5 * time.Second)
	if len(c.traces) != 0 {
		t.Errorf("%d traces that nobody asked for", len(c.traces))
	}
	w.w.EnableTraceEvent([]string{"bwe"})
	c.run(10 * time.Second)
	if n := len(c.traces); n < 8 || n > 15 {
		t.Errorf("%d traces in ten seconds", n)
	}
	e := c.traces[len(c.traces)-1]
	if e.Type != "bwe" || e.Direction != "out" || e.Timestamp == 0 || len(e.Info) != 8 || e.Info["bweType"] != "transport-cc" {
		t.Fatalf("%+v", e)
	}
	value := func(name string) int {
		v, ok := e.Info[name].(int)
		if !ok {
			t.Errorf("%s is %v", name, e.Info[name])
		}
		return v
	}
	desired, most, available := value("desiredBitrate"), value("maxBitrate"), value("availableBitrate")
	if desired < 480_000 || desired > 600_000 || value("effectiveDesiredBitrate") < desired || value("minBitrate") != 30_000 {
		t.Errorf("%v", e.Info)
	}
	if most < desired*134/100 || value("maxPaddingBitrate") != most*85/100 || available < desired || value("startBitrate") != available {
		t.Errorf("%v", e.Info)
	}
}

// A consumer that goes away leaves its share to the others, one that is paused too; who comes has a layer at once.
func TestSharesAreLeftToOthers(t *testing.T) {
	c := newCinema(t)
	films := []*film{c.film("p", 150_000, 700_000), c.film("q", 150_000, 700_000)}
	w := c.watcher("w", link.Constant(1_100_000))
	c.run(3 * time.Second)
	w.consume(videoConsumer("c", "p", 500, 9000, 9001), films[0].client)
	w.consume(videoConsumer("d", "q", 600, 9000, 9001), films[1].client)
	c.run(15 * time.Second)
	w.w.consumers[0].Pause(c.now)
	c.run(10 * time.Second)
	w.w.consumers[0].Resume(c.now)
	c.run(10 * time.Second)
	w.within(500, 20, 28, 0, 0)
	w.within(600, 21, 28, 650_000, 800_000)
	w.within(500, 30, 38, 100_000, 800_000)
	if err := w.w.CloseConsumer(c.now, "d"); err != nil {
		t.Fatal(err)
	}
	c.run(10 * time.Second)
	w.within(500, 42, 48, 650_000, 800_000)
}

// A transport that is closed while it is probed, or waits to share anew, leaves nothing behind.
func TestCloseWhileProbing(t *testing.T) {
	c := newCinema(t)
	f := c.film("p", 150_000, 1_500_000)
	w := c.watcher("w", link.Constant(5_000_000))
	c.run(3 * time.Second)
	w.consume(videoConsumer("c", "p", 500, 9000, 9001), f.client)
	for range 2000 {
		c.run(time.Millisecond)
		if w.w.outgoing.probing.Pending() {
			break
		}
	}
	if !w.w.outgoing.probing.Pending() {
		t.Fatal("no probe")
	}
	w.w.outgoing.demand(c.now, false)
	w.w.Close(c.now)
	if w.w.outgoing.probing.Pending() || w.w.outgoing.soon.Pending() {
		t.Error("a timer is left")
	}
}

// Reports that claim what they like cost what was sent, not what they claim, and make nothing negative or absurd.
func TestHostileReports(t *testing.T) {
	c := newCinema(t)
	f := c.film("p", 150_000, 1_500_000)
	w := c.watcher("w", link.Constant(5_000_000))
	w.reports = nil
	c.run(3 * time.Second)
	w.consume(videoConsumer("c", "p", 500, 9000, 9001), f.client)
	for i := range 200 {
		c.run(20 * time.Millisecond)
		for _, base := range []uint16{0, uint16(i), 0x8000, 0xffff} {
			w.sendRTCP(&pionrtcp.TransportLayerCC{
				Header:     pionrtcp.Header{Count: pionrtcp.FormatTCC, Type: pionrtcp.TypeTransportSpecificFeedback, Length: 9},
				SenderSSRC: 1, MediaSSRC: 2, BaseSequenceNumber: base, PacketStatusCount: 0xffff, ReferenceTime: uint32(i) * 0x3fffff & 0xffffff,
				PacketChunks: func() (list []pionrtcp.PacketStatusChunk) {
					for range 8 {
						list = append(list, &pionrtcp.RunLengthChunk{Type: pionrtcp.TypeTCCRunLengthChunk, PacketStatusSymbol: 0, RunLength: 0x1fff})
					}
					return append(list, &pionrtcp.RunLengthChunk{Type: pionrtcp.TypeTCCRunLengthChunk, PacketStatusSymbol: 0, RunLength: 7})
				}(),
			})
			w.sendRTCP(&pionrtcp.ReceiverEstimatedMaximumBitrate{SenderSSRC: 1, Bitrate: float32(i) * 1e15, SSRCs: []uint32{500}})
		}
	}
	s := w.statistics()
	if b := *s.AvailableOutgoingBitrate; b < 30_000 || w.w.outgoing.sender.Refused() == 0 {
		t.Errorf("%d available, %d reports refused", b, w.w.outgoing.sender.Refused())
	}
	if s.Drops["rtcpMalformed"] != 0 {
		t.Errorf("%d reports were not read", s.Drops["rtcpMalformed"])
	}
}

// Transports that nobody probes: plain ones have no receiver for padding. They estimate all the same.
func TestPlainTransportsAreNotProbed(t *testing.T) {
	c := newCinema(t)
	f := c.film("p", 150_000, 1_500_000)
	p, err := NewPlain(c.now, c.env, c.bench, &proto.PlainTransportOptions{TransportID: "plain", ListenInfo: proto.ListenInfo{Protocol: "udp", IP: "10.0.0.1"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Consume(c.now, videoConsumer("c", "p", 500, 9000, 9001), f.w.producers[0]); err != nil {
		t.Fatal(err)
	}
	if p.outgoing.sender == nil || p.outgoing.mayProbe() {
		t.Errorf("estimated %v, probed %v", p.outgoing.sender != nil, p.outgoing.mayProbe())
	}
}

// Sending with an estimate, and the peer's reports, allocate nothing.
func TestEstimatingDoesNotAllocate(t *testing.T) {
	b := newBench(t)
	s := b.server()
	from, to := b.client(s, "from"), b.client(s, "to")
	from.produce(videoProducer("p", "v", 10))
	to.consume(videoConsumer("c", "p", 300, 1010), from)
	from.sendRTP(frame(10, 1, true))
	to.readMedia()
	var out discard
	b.env.Egress = &out
	for _, w := range []*WebRTC{from.w, to.w} {
		w.reports.Stop()
	}
	h := rtp.Header{SSRC: 901, PayloadType: 101, IDs: &to.w.outgoing.ids}
	payload := make([]byte, 1000)
	report := pionrtcp.TransportLayerCC{
		Header:     pionrtcp.Header{Count: pionrtcp.FormatTCC, Type: pionrtcp.TypeTransportSpecificFeedback, Length: 7},
		SenderSSRC: 1, MediaSSRC: 2, PacketStatusCount: 10,
		PacketChunks: []pionrtcp.PacketStatusChunk{&pionrtcp.RunLengthChunk{Type: pionrtcp.TypeTCCRunLengthChunk, PacketStatusSymbol: 1, RunLength: 10}},
	}
	for range 10 {
		report.RecvDeltas = append(report.RecvDeltas, &pionrtcp.RecvDelta{Type: 1, Delta: 1000})
	}
	const runs = 300
	var reports [][]byte
	for i := range 2*runs + 5 {
		report.BaseSequenceNumber, report.ReferenceTime = uint16(2+10*i), uint32(i)
		reports = append(reports, to.sealRTCP(&report))
	}
	now, i := b.now, 0
	turn := func() {
		now = now.Add(64 * time.Millisecond)
		for range 10 {
			h.SequenceNumber++
			to.w.SendRTP(now, &h, payload)
		}
		to.server.Handle(now, reports[i], to.from)
		i++
	}
	for range runs {
		turn()
	}
	if n := testing.AllocsPerRun(runs, turn); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if !to.w.outgoing.sender.Heard() || to.w.outgoing.sender.Refused() > 1 {
		t.Errorf("heard %v, %d refused", to.w.outgoing.sender.Heard(), to.w.outgoing.sender.Refused())
	}
}

// Many consumers that come at once are shared among once; until then each begins with the lowest layer, and all have theirs right after.
func TestManyConsumersAtOnce(t *testing.T) {
	c := newCinema(t)
	f := c.film("p", 50_000, 100_000)
	w := c.watcher("w", link.Constant(50_000_000))
	c.run(3 * time.Second)
	if err := w.w.SetMinOutgoingBitrate(40_000_000); err != nil {
		t.Fatal(err)
	}
	const consumers = 100
	for i := range consumers {
		w.consume(videoConsumer(fmt.Sprint("c", i), "p", uint32(10_000+2*i), 9000, 9001), f.client)
	}
	target := func(i int) int { return *w.w.consumers[i].Dump().TargetSpatialLayer }
	if target(0) != 1 || target(consumers-1) != 0 {
		t.Errorf("the first is to have layer %d, the last layer %d", target(0), target(consumers-1))
	}
	c.run(100 * time.Millisecond)
	for i := range consumers {
		if target(i) != 1 {
			t.Fatalf("consumer %d is to have layer %d", i, target(i))
		}
	}
}

// What is lost on the way from the peer is told too. A limit of what comes in may be as low as the application likes, as in mediasoup.
func TestIncomingLossAndLimit(t *testing.T) {
	b := newBench(t)
	c := b.client(b.server(), "from")
	c.produce(videoProducer("p", "v", 10))
	if loss := c.statistics().RTPPacketLossReceived; loss == nil || *loss != 0 {
		t.Error("no loss is told before anything came")
	}
	for i := range 400 {
		if i%10 != 3 {
			c.sendRTP(with(t, frame(10, uint16(i), i == 0), ccID, []byte{byte(i >> 8), byte(i)}))
		}
		b.pass(10 * time.Millisecond)
	}
	if loss := c.statistics().RTPPacketLossReceived; loss == nil || *loss < 0.08 || *loss > 0.12 {
		t.Errorf("a loss of a tenth is told as %v", *loss)
	}
	if err := c.w.SetMaxIncomingBitrate(5); err != nil {
		t.Error(err)
	}
	if err := c.w.SetMaxIncomingBitrate(-1); err == nil || err.Path != "maxIncomingBitrate" {
		t.Errorf("less than nothing: %v", err)
	}
}
