package control

import (
	"context"
	"errors"
	"slices"
	"testing"

	"gazpacho/pkg/channel"
	"gazpacho/proto"
)

func codeOf(err error) string {
	var e *proto.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func TestIDs(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		id := newID()
		// RFC 9562 section 5.4: version 4, variant 10.
		if len(id) != 36 || id[14] != '4' || id[19] < '8' || (id[19] > 'b') || seen[id] {
			t.Fatalf("%s", id)
		}
		seen[id] = true
	}
}

// The way of media through the handles, as an application goes it.
func TestProduceAndConsume(t *testing.T) {
	w := newWorker(t)
	server, err := w.CreateWebRTCServer(t.Context(), append(listen, proto.ListenInfo{Protocol: "tcp", IP: "127.0.0.1"}))
	if err != nil {
		t.Fatal(err)
	}
	r := newRouter(t, w, nil)
	send, recv := newTransportIn(t, r, WebRTCTransportOptions{Server: server}), newTransportIn(t, r, WebRTCTransportOptions{Server: server})
	if len(send.ICECandidates()) != 2 || send.ICEState() != proto.ICENew || send.DTLSState() != proto.DTLSNew || send.SelectedTuple() != nil {
		t.Errorf("a new transport has %v, %s, %s", send.ICECandidates(), send.ICEState(), send.DTLSState())
	}
	if d, err := server.Dump(t.Context()); err != nil || len(d.WebRTCTransportIDs) != 2 || d.ID != server.ID() {
		t.Errorf("server: %+v, %v", d, err)
	}
	old := send.ICEParameters()
	if p, err := send.RestartICE(t.Context()); err != nil || p == old || send.ICEParameters() != p {
		t.Errorf("restarted ICE: %+v, %v", p, err)
	}
	err = send.Connect(t.Context(), proto.DTLSParameters{Role: "client", Fingerprints: []proto.DTLSFingerprint{{
		Algorithm: "sha-256", Value: "82:5A:68:3D:36:C3:0A:DE:AF:E7:32:43:D2:88:83:57:AC:2D:65:E5:80:C4:B6:FB:AF:1A:A0:21:9F:6D:0C:AD",
	}}})
	if err != nil || send.DTLSParameters().Role != "server" {
		t.Errorf("connect: %v, our role is %s", err, send.DTLSParameters().Role)
	}
	video, err := send.Produce(t.Context(), ProducerOptions{Kind: proto.Video, RTPParameters: vp8(10, 20)})
	if err != nil {
		t.Fatal(err)
	}
	if video.Type() != proto.Simulcast || video.Kind() != proto.Video || video.Paused() {
		t.Errorf("producer is %s %s, paused %t", video.Type(), video.Kind(), video.Paused())
	}
	if !r.CanConsume(video.ID(), r.RTPCapabilities()) || r.CanConsume("none", r.RTPCapabilities()) || r.CanConsume(video.ID(), proto.RTPCapabilities{}) {
		t.Error("CanConsume is wrong")
	}
	if err := video.Pause(t.Context()); err != nil || !video.Paused() {
		t.Errorf("pause: %v", err)
	}
	c, err := recv.Consume(t.Context(), ConsumerOptions{ProducerID: video.ID(), RTPCapabilities: r.RTPCapabilities(), Paused: true})
	if err != nil {
		t.Fatal(err)
	}
	checkConsumer(t, c, video)
	if w.Load() != 2 || w.Routers() != 1 {
		t.Errorf("load %d, %d routers", w.Load(), w.Routers())
	}
	d, err := r.Dump(t.Context())
	if err != nil || len(d.TransportIDs) != 2 || len(d.MapConsumerIDProducerID) != 1 {
		t.Errorf("router: %+v, %v", d, err)
	}
	r.Close()
	if w.Load() != 0 || w.Routers() != 0 {
		t.Errorf("after close: load %d, %d routers", w.Load(), w.Routers())
	}
	if d, err := w.Dump(t.Context()); err != nil || len(d.RouterIDs) != 0 {
		t.Errorf("worker: %+v, %v", d, err)
	}
}

func checkConsumer(t *testing.T, c *Consumer, p *Producer) {
	t.Helper()
	ctx := t.Context()
	if c.Type() != proto.Simulcast || c.Kind() != proto.Video || c.ProducerID() != p.ID() || !c.Paused() || !c.ProducerPaused() {
		t.Errorf("consumer is %s %s, paused %t, its producer %t", c.Type(), c.Kind(), c.Paused(), c.ProducerPaused())
	}
	params := c.RTPParameters()
	if params.MID != "0" || len(params.Encodings) != 1 || params.Encodings[0].RTX == nil || params.Encodings[0].SSRC == 10 {
		t.Errorf("consumer's parameters are %+v", params)
	}
	if l := c.PreferredLayers(); l == nil || l.SpatialLayer != 1 {
		t.Errorf("preferred layers %+v", l)
	}
	if err := c.SetPreferredLayers(ctx, proto.ConsumerLayers{SpatialLayer: 0}); err != nil || c.PreferredLayers().SpatialLayer != 0 {
		t.Errorf("preferred layers %+v, %v", c.PreferredLayers(), err)
	}
	for _, err := range []error{c.Resume(ctx), c.Pause(ctx), c.Resume(ctx), c.SetPriority(ctx, 3), c.RequestKeyFrame(ctx), p.Resume(ctx)} {
		if err != nil {
			t.Error(err)
		}
	}
	if c.Paused() || p.Paused() {
		t.Error("resumed, and still paused")
	}
	if d, err := c.Dump(ctx); err != nil || d.ID != c.ID() || d.Priority != 3 {
		t.Errorf("consumer: %+v, %v", d, err)
	}
	if d, err := p.Dump(ctx); err != nil || d.ID != p.ID() {
		t.Errorf("producer: %+v, %v", d, err)
	}
	if s, err := c.Stats(ctx); err != nil || len(s) == 0 {
		t.Errorf("consumer stats: %+v, %v", s, err)
	}
	if s, err := p.Stats(ctx); err != nil || s == nil {
		t.Errorf("producer stats: %+v, %v", s, err)
	}
}

// Producers of one transport share one CNAME: the first that was given, or a random one (API.md 1.6).
func TestCNAME(t *testing.T) {
	w := newWorker(t)
	r := newRouter(t, w, nil)
	for _, tt := range []struct{ given, want []string }{
		{[]string{"a", "b", ""}, []string{"a", "a", "a"}},
		{[]string{"", "b"}, []string{"*", "*"}},
	} {
		tr := newTransportIn(t, r, WebRTCTransportOptions{})
		first := ""
		for i, cname := range tt.given {
			p, err := tr.Produce(t.Context(), ProducerOptions{Kind: proto.Audio, RTPParameters: opus(uint32(i+1), cname)})
			if err != nil {
				t.Fatal(err)
			}
			got := p.RTPParameters().RTCP.CNAME
			if first == "" {
				first = got
			}
			if got != first || (tt.want[i] != "*" && got != tt.want[i]) || (tt.want[i] == "*" && len(got) != 8) {
				t.Errorf("given %v: producer %d has %q", tt.given, i, got)
			}
		}
	}
}

// MIDs are counted per transport, begin again before they grow beyond 8 digits, and may be given.
func TestMID(t *testing.T) {
	w := newWorker(t)
	r := newRouter(t, w, nil)
	tr := newTransportIn(t, r, WebRTCTransportOptions{})
	p, err := tr.Produce(t.Context(), ProducerOptions{Kind: proto.Audio, RTPParameters: opus(1, "")})
	if err != nil {
		t.Fatal(err)
	}
	mid := func(given string) string {
		c, err := tr.Consume(t.Context(), ConsumerOptions{ProducerID: p.ID(), RTPCapabilities: r.RTPCapabilities(), MID: given})
		if err != nil {
			t.Fatal(err)
		}
		return c.RTPParameters().MID
	}
	got := []string{mid(""), mid("x"), mid("")}
	tr.nextMID = maxMID - 1
	got = append(got, mid(""), mid("y"), mid("z"))
	if want := []string{"0", "x", "1", "99999999", "y", "z"}; !slices.Equal(got, want) {
		t.Errorf("MIDs %v, want %v", got, want)
	}
	if tr.nextMID != 0 {
		t.Errorf("the next MID would be %d", tr.nextMID)
	}
}

// NACK and retransmissions of audio come only if asked for, those of video unless not.
func TestEnableRTX(t *testing.T) {
	w := newWorker(t)
	r := newRouter(t, w, nil)
	tr := newTransportIn(t, r, WebRTCTransportOptions{})
	yes, no := true, false
	for _, tt := range []struct {
		kind   string
		params proto.RTPParameters
		enable *bool
		want   bool
	}{
		{proto.Audio, opus(1, ""), nil, false},
		{proto.Audio, opus(2, ""), &yes, true},
		{proto.Video, vp8(3), nil, true},
		{proto.Video, vp8(5), &no, false},
	} {
		p, err := tr.Produce(t.Context(), ProducerOptions{Kind: tt.kind, RTPParameters: tt.params})
		if err != nil {
			t.Fatal(err)
		}
		c, err := tr.Consume(t.Context(), ConsumerOptions{ProducerID: p.ID(), RTPCapabilities: r.RTPCapabilities(), EnableRTX: tt.enable})
		if err != nil {
			t.Fatal(err)
		}
		nack := slices.Contains(c.RTPParameters().Codecs[0].RTCPFeedback, proto.RTCPFeedback{Type: "nack"})
		if nack != tt.want {
			t.Errorf("%s, enableRtx %v: NACK %t", tt.kind, tt.enable, nack)
		}
	}
}

func TestRefusals(t *testing.T) {
	w := newWorker(t)
	ctx := t.Context()
	if _, err := w.CreateRouter(ctx, RouterOptions{MediaCodecs: []proto.RTPCodecCapability{{Kind: proto.Audio, MimeType: "audio/chicken", ClockRate: 8000}}}); codeOf(err) != proto.CodeUnsupported {
		t.Errorf("audio/chicken: %v", err)
	}
	if _, err := w.CreateWebRTCServer(ctx, nil); codeOf(err) != proto.CodeBadField {
		t.Errorf("a server without sockets: %v", err)
	}
	r := newRouter(t, w, nil)
	if _, err := r.CreateWebRTCTransport(ctx, WebRTCTransportOptions{}); err == nil {
		t.Error("a transport without sockets")
	}
	if _, err := r.CreatePlainTransport(ctx, PlainTransportOptions{}); err == nil {
		t.Error("a plain transport without sockets")
	}
	tr := newTransportIn(t, r, WebRTCTransportOptions{})
	h264 := vp8(1)
	h264.Codecs[0].MimeType = "video/H264"
	for name, tt := range map[string]struct {
		o    ProducerOptions
		code string
	}{
		"kind":   {ProducerOptions{Kind: "smell", RTPParameters: opus(1, "")}, proto.CodeBadField},
		"codec":  {ProducerOptions{Kind: proto.Video, RTPParameters: h264}, proto.CodeUnsupported},
		"params": {ProducerOptions{Kind: proto.Audio, RTPParameters: proto.RTPParameters{}}, proto.CodeBadField},
	} {
		if _, err := tr.Produce(ctx, tt.o); codeOf(err) != tt.code {
			t.Errorf("%s: %v, want %s", name, err, tt.code)
		}
	}
	p, err := tr.Produce(ctx, ProducerOptions{ID: "mine", Kind: proto.Audio, RTPParameters: opus(1, "")})
	if err != nil || p.ID() != "mine" {
		t.Fatalf("%v", err)
	}
	if _, err := tr.Produce(ctx, ProducerOptions{ID: "mine", Kind: proto.Audio, RTPParameters: opus(2, "")}); codeOf(err) != proto.CodeDuplicate {
		t.Errorf("an id that is taken: %v", err)
	}
	if _, err := tr.Produce(ctx, ProducerOptions{Kind: proto.Audio, RTPParameters: opus(1, "")}); err == nil {
		t.Error("an SSRC that is taken")
	}
	if _, err := tr.Consume(ctx, ConsumerOptions{ProducerID: "none", RTPCapabilities: r.RTPCapabilities()}); codeOf(err) != proto.CodeNotFound {
		t.Errorf("an unknown producer: %v", err)
	}
	if _, err := tr.Consume(ctx, ConsumerOptions{ProducerID: "mine"}); codeOf(err) != proto.CodeUnsupported {
		t.Errorf("without capabilities: %v", err)
	}
	bad := proto.RTPCapabilities{Codecs: []proto.RTPCodecCapability{{MimeType: "opus"}}}
	if _, err := tr.Consume(ctx, ConsumerOptions{ProducerID: "mine", RTPCapabilities: bad}); codeOf(err) != proto.CodeBadField {
		t.Errorf("malformed capabilities: %v", err)
	}
	if w.Load() != 1 {
		t.Errorf("refused ones weigh: %d", w.Load())
	}
}

func TestPlainTransport(t *testing.T) {
	w := newWorker(t)
	r := newRouter(t, w, nil)
	no := false
	tr, err := r.CreatePlainTransport(t.Context(), PlainTransportOptions{ListenInfo: listen[0], RTCPMux: &no})
	if err != nil {
		t.Fatal(err)
	}
	if tr.Tuple().LocalPort == 0 || tr.RTCPTuple() == nil || tr.RTCPTuple().LocalPort == tr.Tuple().LocalPort || tr.SRTPParameters() != nil {
		t.Errorf("tuples %+v, %+v", tr.Tuple(), tr.RTCPTuple())
	}
	if err := tr.Connect(t.Context(), proto.ConnectPlainTransport{IP: "127.0.0.1", Port: 9, RTCPPort: 10}); err != nil {
		t.Fatal(err)
	}
	if tr.Tuple().RemotePort != 9 || tr.RTCPTuple().RemotePort != 10 {
		t.Errorf("connected to %+v, %+v", tr.Tuple(), tr.RTCPTuple())
	}
	if d, err := tr.Dump(t.Context()); err != nil || d.RTCPMux || d.ID != tr.ID() {
		t.Errorf("%+v, %v", d, err)
	}
	if s, err := tr.Stats(t.Context()); err != nil || s.TransportID != tr.ID() {
		t.Errorf("%+v, %v", s, err)
	}
	for _, err := range []error{tr.SetMaxIncomingBitrate(t.Context(), 100_000), tr.SetMaxOutgoingBitrate(t.Context(), 100_000)} {
		if err != nil {
			t.Error(err)
		}
	}
}

// An answer that comes after ctx has ended is nobody's, and the channel lives on.
func TestContext(t *testing.T) {
	f, w := newFake(t)
	release := make(chan struct{})
	f.before[proto.WorkerDumpMethod] = func(string) { <-release }
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.Dump(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	close(release)
	if _, err := w.ResourceUsage(t.Context()); err != nil {
		t.Errorf("%v", err)
	}
}

func TestWorker(t *testing.T) {
	w := newWorker(t)
	if u, err := w.ResourceUsage(t.Context()); err != nil || u.MaxRSS == 0 {
		t.Errorf("%+v, %v", u, err)
	}
	if err := w.UpdateSettings(t.Context(), proto.UpdateSettings{LogLevel: "warn"}); err != nil {
		t.Error(err)
	}
	if err := w.UpdateSettings(t.Context(), proto.UpdateSettings{LogLevel: "loud"}); err == nil {
		t.Error("the log can be loud")
	}
	if w.Hello().Software != "gazpacho" || w.Err() != nil {
		t.Errorf("%+v, %v", w.Hello(), w.Err())
	}
	w.Close()
	<-w.Done()
	if codeOf(w.Err()) != proto.CodeClosed {
		t.Errorf("%v", w.Err())
	}
	if _, err := w.CreateRouter(t.Context(), RouterOptions{MediaCodecs: codecs}); codeOf(err) != proto.CodeClosed {
		t.Errorf("%v", err)
	}
	w.Close() // again
}

// A worker's log comes up the channel.
func TestLog(t *testing.T) {
	lines := make(chan channel.Log, 1)
	f := channel.NewServer(channel.Config{Request: func(r channel.Request) { r.Respond(proto.AttachResult{Protocol: proto.Current}, nil) }})
	ours, theirs, err := pair(t)
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() {
		f.Accept(theirs)
		close(served)
	}()
	w, err := Attach(t.Context(), ours, Options{Log: func(l channel.Log) { lines <- l }})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Dump(t.Context()); err != nil { // by its answer the fake has noticed that it is attached
		t.Fatal(err)
	}
	f.Log(channel.Log{Level: "warn", Tag: "ice", Text: "hello"})
	if l := <-lines; l.Text != "hello" {
		t.Errorf("%+v", l)
	}
	w.Detach()
	f.Close()
	<-served
}
