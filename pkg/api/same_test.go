package api

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"
	"testing"

	"gazpacho/pkg/control"
	"gazpacho/proto"
)

// maker is a worker or a controller.
type maker interface {
	CreateRouter(context.Context, control.RouterOptions) (*control.Router, error)
	CreateWebRTCServer(context.Context, []proto.ListenInfo) (*control.WebRTCServer, error)
}

// play is what an application does with all the handles there are, written down. It must come to the same over a worker's channel and over a
// controller.
type play struct {
	t     *testing.T
	lines []string
	mu    sync.Mutex
	heard []string
}

func (p *play) say(format string, args ...any) {
	p.lines = append(p.lines, fmt.Sprintf(format, args...))
}

func (p *play) hear(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.heard = append(p.heard, fmt.Sprintf(format, args...))
}

// told notes what was heard until there are so many.
func (p *play) told(n int) {
	p.t.Helper()
	soon(p.t, fmt.Sprint("events after ", p.lines[len(p.lines)-1]), func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return len(p.heard) >= n
	})
	p.mu.Lock()
	defer p.mu.Unlock()
	slices.Sort(p.heard)
	p.lines = append(p.lines, p.heard...)
	p.heard = nil
}

func (p *play) check(what string, err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatalf("%s: %v", what, err)
	}
}

// refusal notes how something was refused.
func (p *play) refusal(what string, err error) {
	p.t.Helper()
	var path string
	if e, ok := err.(*proto.Error); ok {
		path = e.Name + " " + e.Code + " " + e.Path
	}
	p.say("%s: refused %s", what, path)
	if path == "" {
		p.t.Errorf("%s: %v", what, err)
	}
}

func (p *play) closed(name string) func(control.Reason) {
	return func(r control.Reason) { p.hear("%s closed: %s", name, r) }
}

// must is what was made, which cannot fail.
func must[H any](h H, err error) H {
	if err != nil {
		panic(err)
	}
	return h
}

func (p *play) run(m maker) []string {
	ctx := p.t.Context()
	_, err := m.CreateRouter(ctx, control.RouterOptions{MediaCodecs: []proto.RTPCodecCapability{{Kind: "audio", MimeType: "audio/chicken", ClockRate: 1}}})
	p.refusal("a router of chicken", err)
	r, err := m.CreateRouter(ctx, control.RouterOptions{ID: "router", MediaCodecs: codecs, Closed: p.closed("router")})
	p.check("router", err)
	p.say("capabilities %v", len(r.RTPCapabilities().Codecs))
	_, err = m.CreateRouter(ctx, control.RouterOptions{ID: "router"})
	p.refusal("the same again", err)
	p.check("codecs", r.UpdateMediaCodecs(ctx, append(codecs, proto.RTPCodecCapability{Kind: proto.Video, MimeType: "video/AV1", ClockRate: 90000})))
	p.say("capabilities %v", len(r.RTPCapabilities().Codecs))
	p.refusal("bad codecs", r.UpdateMediaCodecs(ctx, []proto.RTPCodecCapability{{Kind: "audio", MimeType: "x"}}))
	p.transports(m, r)
	p.media(r)
	p.data(r)
	p.observers(r)
	d, err := r.Dump(ctx)
	p.check("dump", err)
	slices.Sort(d.TransportIDs)
	p.say("router has %v, %d observers", d.TransportIDs, len(d.RTPObserverIDs))
	r.Close()
	_, err = r.Dump(ctx)
	p.refusal("a closed router", err)
	_, err = r.CreateDirectTransport(ctx, control.DirectTransportOptions{})
	p.refusal("a transport of a closed router", err)
	p.told(0)
	return p.lines
}

var fingerprint = proto.DTLSParameters{Role: "client", Fingerprints: []proto.DTLSFingerprint{{
	Algorithm: "sha-256", Value: "82:5A:68:3D:36:C3:0A:DE:AF:E7:32:43:D2:88:83:57:AC:2D:65:E5:80:C4:B6:FB:AF:1A:A0:21:9F:6D:0C:AD",
}}}

func (p *play) transports(m maker, r *control.Router) {
	ctx := p.t.Context()
	server, err := m.CreateWebRTCServer(ctx, []proto.ListenInfo{loopback, {Protocol: "tcp", IP: "127.0.0.1"}})
	p.check("server", err)
	w, err := r.CreateWebRTCTransport(ctx, control.WebRTCTransportOptions{ID: "webrtc", Server: server, SCTP: proto.SCTPOptions{EnableSCTP: true}, Closed: p.closed("webrtc")})
	p.check("webrtc", err)
	p.say("webrtc %d candidates, %s, %s, %s, sctp port %d", len(w.ICECandidates()), w.ICEState(), w.DTLSState(), w.SCTPState(), w.SCTPParameters().Port)
	p.check("connect", w.Connect(ctx, fingerprint))
	p.refusal("twice", w.Connect(ctx, fingerprint))
	old := w.ICEParameters()
	fresh, err := w.RestartICE(ctx)
	p.check("restart", err)
	p.say("role %s, new credentials %t", w.DTLSParameters().Role, fresh != old && w.ICEParameters() == fresh)
	for _, err := range []error{
		w.SetMaxIncomingBitrate(ctx, 100_000), w.SetMaxOutgoingBitrate(ctx, 500_000), w.SetMinOutgoingBitrate(ctx, 100_000), w.EnableTraceEvent(ctx, "probation", "bwe"),
	} {
		p.check("limits", err)
	}
	p.refusal("too little", w.SetMaxOutgoingBitrate(ctx, 1))
	d, err := w.Dump(ctx)
	p.check("dump", err)
	stats, err := w.Stats(ctx)
	p.check("stats", err)
	p.say("dump of %s with %v, stats of %s %s", d.ID, d.TraceEventTypes, stats.TransportID, stats.Type)
	_, err = r.CreateWebRTCTransport(ctx, control.WebRTCTransportOptions{ID: "webrtc", Server: server})
	p.refusal("the same again", err)
	plain, err := r.CreatePlainTransport(ctx, control.PlainTransportOptions{ID: "plain", ListenInfo: loopback, EnableSRTP: true})
	p.check("plain", err)
	key := proto.SRTPParameters{CryptoSuite: "AES_CM_128_HMAC_SHA1_80", KeyBase64: "ZnQ3eWJraDg0d3ZoYzM5cXN1Y2pnaHU5NWxrZTVv"}
	p.check("connect", plain.Connect(ctx, proto.ConnectPlainTransport{IP: "127.0.0.1", Port: 9, SRTPParameters: &key}))
	p.say("plain on %s to %d, %s", plain.Tuple().LocalAddress, plain.Tuple().RemotePort, plain.SRTPParameters().CryptoSuite)
	pipe, err := r.CreatePipeTransport(ctx, control.PipeTransportOptions{ID: "pipe", ListenInfo: loopback})
	p.check("pipe", err)
	p.check("connect", pipe.Connect(ctx, proto.ConnectPipeTransport{IP: "127.0.0.1", Port: 9}))
	p.say("pipe on %s to %d", pipe.Tuple().LocalAddress, pipe.Tuple().RemotePort)
	_, err = r.CreatePlainTransport(ctx, control.PlainTransportOptions{ListenInfo: proto.ListenInfo{Protocol: "udp", IP: "300.0.0.1"}})
	p.refusal("no address", err)
	server.Close()
	p.say("server closed")
	p.told(1)
	p.say("webrtc closed %t", w.Closed())
}

// packet is an RTP packet of a key frame of VP8.
func packet(ssrc uint32, number uint16) []byte {
	b := []byte{0x80, 0x80 | 110}
	b = binary.BigEndian.AppendUint16(b, number)
	b = binary.BigEndian.AppendUint32(b, uint32(number)*3000)
	b = binary.BigEndian.AppendUint32(b, ssrc)
	return append(b, 0x90, 0x80, 0x80|byte(number>>8)&0x7f, byte(number), 0, 0x9d, 0x01, 0x2a, 1)
}

func (p *play) media(r *control.Router) {
	ctx := p.t.Context()
	d := must(r.CreateDirectTransport(ctx, control.DirectTransportOptions{ID: "direct", RTCP: func([]byte) {}, Closed: p.closed("direct")}))
	_, err := d.Produce(ctx, control.ProducerOptions{Kind: "smell", RTPParameters: opus(1)})
	p.refusal("a smell", err)
	_, err = d.Produce(ctx, control.ProducerOptions{Kind: proto.Audio})
	p.refusal("no parameters", err)
	video := must(d.Produce(ctx, control.ProducerOptions{ID: "video", Kind: proto.Video, RTPParameters: vp8(10, 11), Closed: p.closed("video")}))
	_, err = d.Produce(ctx, control.ProducerOptions{ID: "video", Kind: proto.Video, RTPParameters: vp8(20)})
	p.refusal("the same again", err)
	p.say("producer %s %s, %d encodings, cname %t, can be consumed %t, %t", video.Kind(), video.Type(), len(video.RTPParameters().Encodings),
		video.RTPParameters().RTCP.CNAME != "", r.CanConsume("video", r.RTPCapabilities()), r.CanConsume("video", proto.RTPCapabilities{}))
	_, err = d.Consume(ctx, control.ConsumerOptions{ProducerID: "nobody", RTPCapabilities: r.RTPCapabilities()})
	p.refusal("nobody", err)
	_, err = d.Consume(ctx, control.ConsumerOptions{ProducerID: "video"})
	p.refusal("who takes nothing", err)
	got := make(chan struct{}, 1)
	c := must(d.Consume(ctx, control.ConsumerOptions{
		ID: "consumer", ProducerID: "video", RTPCapabilities: r.RTPCapabilities(), Paused: true, Closed: p.closed("consumer"),
		ProducerPause: func() { p.hear("producer paused") }, ProducerResume: func() { p.hear("producer resumed") },
		RTP: func([]byte) {
			select {
			case got <- struct{}{}:
			default:
			}
		},
	}))
	p.say("consumer %s %s of %s, paused %t %t, mid %s, layers %+v", c.Kind(), c.Type(), c.ProducerID(), c.Paused(), c.ProducerPaused(),
		c.RTPParameters().MID, c.PreferredLayers().SpatialLayer)
	p.check("pause", video.Pause(ctx))
	p.say("paused %t %t", video.Paused(), c.ProducerPaused())
	p.check("resume", video.Resume(ctx))
	p.check("resume", c.Resume(ctx))
	p.say("paused %t %t %t", video.Paused(), c.Paused(), c.ProducerPaused())
	p.told(2)
	p.check("layers", c.SetPreferredLayers(ctx, proto.ConsumerLayers{SpatialLayer: 0}))
	p.check("priority", c.SetPriority(ctx, 7))
	p.refusal("priority", c.SetPriority(ctx, 0))
	p.say("layer %d, priority %d", c.PreferredLayers().SpatialLayer, c.Priority())
	for _, err := range []error{c.UnsetPriority(ctx), c.RequestKeyFrame(ctx), c.EnableTraceEvent(ctx, "rtp"), video.EnableTraceEvent(ctx, "keyframe"), d.SendRTCP([]byte{0x80, 201, 0, 1, 0, 0, 0, 1})} {
		p.check("more", err)
	}
	number := uint16(0)
	soon(p.t, "a packet", func() bool {
		number++
		p.check("send", video.Send(packet(10, number)))
		select {
		case <-got:
			return true
		default:
			return false
		}
	})
	rows, err := video.Stats(ctx)
	p.check("stats", err)
	p.say("received %t", len(rows) > 0 && rows[0].PacketCount > 0)
	sent, err := c.Stats(ctx)
	p.check("stats", err)
	p.say("sent %s", sent[0].Type)
	cd, err := c.Dump(ctx)
	p.check("dump", err)
	vd, err := video.Dump(ctx)
	p.check("dump", err)
	p.say("dumps %s %v, %s %v", cd.ID, cd.TraceEventTypes, vd.ID, vd.TraceEventTypes)
	video.Close()
	p.say("producer closed, consumer %t", c.Closed())
	p.told(1)
	_, err = c.Stats(ctx)
	p.refusal("a closed consumer", err)
}

func (p *play) data(r *control.Router) {
	ctx := p.t.Context()
	d := must(r.CreateDirectTransport(ctx, control.DirectTransportOptions{ID: "messages", Closed: p.closed("messages")}))
	from := must(d.ProduceData(ctx, control.DataProducerOptions{ID: "talk", Label: "l", Protocol: "p", Closed: p.closed("talk")}))
	to := must(d.ConsumeData(ctx, control.DataConsumerOptions{
		ID: "listen", DataProducerID: "talk", Subchannels: []uint16{1}, Message: func(ppid uint32, b []byte) { p.hear("message %d %s", ppid, b) },
		ProducerPause: func() { p.hear("talk paused") }, ProducerResume: func() { p.hear("talk resumed") }, Closed: p.closed("listen"),
	}))
	p.say("data %s %s, %s %s of %s, %v", from.Label(), from.Protocol(), to.Label(), to.Protocol(), to.DataProducerID(), to.Subchannels())
	_, err := d.ConsumeData(ctx, control.DataConsumerOptions{DataProducerID: "nobody"})
	p.refusal("nobody", err)
	_, err = d.ProduceData(ctx, control.DataProducerOptions{ID: "talk"})
	p.refusal("the same again", err)
	send := func(text string, subchannels ...uint16) {
		m := control.DataMessage{Payload: []byte(text)}
		m.PPID, m.Subchannels = 51, subchannels
		p.check("send", from.Send(m))
	}
	p.check("subchannel", to.AddSubchannel(ctx, 2))
	p.check("subchannel", to.RemoveSubchannel(ctx, 1))
	p.say("subchannels %v", to.Subchannels())
	send("one", 1)
	send("two", 2)
	send("all")
	p.told(2)
	p.check("subchannels", to.SetSubchannels(ctx))
	p.refusal("a direct one's threshold", to.SetBufferedAmountLowThreshold(ctx, 5))
	_, err = to.BufferedAmount(ctx)
	p.refusal("a direct one's amount", err)
	for _, f := range []func(context.Context) error{from.Pause, to.Pause, to.Resume, from.Resume} {
		p.check("pause", f(ctx))
		p.say("paused %t %t %t", from.Paused(), to.Paused(), to.ProducerPaused())
	}
	p.told(2)
	a, err := from.Stats(ctx)
	p.check("stats", err)
	b, err := to.Stats(ctx)
	p.check("stats", err)
	p.say("messages %d %d", a[0].MessagesReceived, b[0].MessagesSent)
	fd, err := from.Dump(ctx)
	p.check("dump", err)
	td, err := to.Dump(ctx)
	p.check("dump", err)
	p.say("dumps %s %s, %s %d", fd.ID, fd.Type, td.ID, td.BufferedAmountLowThreshold)
	d.Close()
	p.say("messages closed %t %t", from.Closed(), to.Closed())
	p.told(2)
}

func (p *play) observers(r *control.Router) {
	ctx := p.t.Context()
	d := must(r.CreateDirectTransport(ctx, control.DirectTransportOptions{ID: "voices"}))
	voice := must(d.Produce(ctx, control.ProducerOptions{Kind: proto.Audio, RTPParameters: opus(1)}))
	interval := 250
	levels := must(r.CreateAudioLevelObserver(ctx, control.AudioLevelObserverOptions{ID: "levels", Interval: &interval}))
	speaker := must(r.CreateActiveSpeakerObserver(ctx, control.ActiveSpeakerObserverOptions{ID: "speaker"}))
	for _, o := range []interface {
		AddProducer(context.Context, string) error
		RemoveProducer(context.Context, string) error
		Pause(context.Context) error
		Resume(context.Context) error
	}{levels, speaker} {
		for _, err := range []error{o.AddProducer(ctx, voice.ID()), o.Pause(ctx), o.Resume(ctx), o.RemoveProducer(ctx, voice.ID())} {
			p.check("observer", err)
		}
		p.refusal("nobody", o.AddProducer(ctx, "nobody"))
	}
	speaker.Close()
	p.refusal("a closed observer", speaker.Pause(ctx))
}

// "An app can move from a worker's channel to the controller by changing the first line."
func TestSameOverBoth(t *testing.T) {
	w := newWorld(t, 1)
	there := (&play{t: t}).run(w.dial(false))
	here := (&play{t: t}).run(attachWorker(t))
	for i := range max(len(here), len(there)) {
		switch {
		case i >= len(here) || i >= len(there):
			t.Fatalf("%d lines at a worker, %d at a controller", len(here), len(there))
		case here[i] != there[i]:
			t.Errorf("at a worker:\n%s\nat a controller:\n%s", here[i], there[i])
		}
	}
	if len(here) < 60 {
		t.Errorf("only %d lines", len(here))
	}
}
