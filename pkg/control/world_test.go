package control

import (
	"net"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"gazpacho/pkg/channel"
	"gazpacho/pkg/simtest"
	"gazpacho/proto"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newWorker is a real worker in this process, attached to.
func newWorker(t testing.TB) *Worker {
	t.Helper()
	w, err := Attach(t.Context(), simtest.DialWorker(t), Options{Epoch: 1, Software: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Detach)
	return w
}

// fake is a worker that agrees to everything and says what the test has it say.
type fake struct {
	*channel.Server
	mu      sync.Mutex
	refuse  map[string]*proto.Error
	answers map[string]any
	before  map[string]func(handlerID string) // called before the answer is written
}

func newFake(t *testing.T) (*fake, *Worker) {
	t.Helper()
	f := &fake{refuse: map[string]*proto.Error{}, answers: map[string]any{}, before: map[string]func(string){}}
	f.Server = channel.NewServer(channel.Config{Request: f.request})
	ours, theirs, err := pair(t)
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() {
		f.Accept(theirs)
		close(served)
	}()
	w, err := Attach(t.Context(), ours, Options{Epoch: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		w.Detach()
		f.Close()
		<-served
	})
	return f, w
}

// pair is two connected Unix sockets: the channel asks who its peer is.
func pair(t *testing.T) (ours, theirs net.Conn, err error) {
	a, file, err := channel.Pair()
	if err != nil {
		return nil, nil, err
	}
	b, err := net.FileConn(file)
	file.Close()
	return a, b, err
}

func (f *fake) request(r channel.Request) {
	f.mu.Lock()
	refused, answer, before := f.refuse[r.Method], f.answers[r.Method], f.before[r.Method]
	f.mu.Unlock()
	if r.Method == proto.WorkerAttach {
		answer = proto.AttachResult{Protocol: proto.Current}
	}
	if before != nil {
		before(r.HandlerID)
	}
	r.Respond(answer, refused)
}

var codecs = []proto.RTPCodecCapability{
	{Kind: proto.Audio, MimeType: "audio/opus", ClockRate: 48000, Channels: 2},
	{Kind: proto.Video, MimeType: "video/VP8", ClockRate: 90000},
}

func newRouter(t *testing.T, w *Worker, closed func(Reason)) *Router {
	t.Helper()
	r, err := w.CreateRouter(t.Context(), RouterOptions{MediaCodecs: codecs, Closed: closed})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

var listen = []proto.ListenInfo{{Protocol: "udp", IP: "127.0.0.1"}}

func newTransportIn(t *testing.T, r *Router, o WebRTCTransportOptions) *WebRTCTransport {
	t.Helper()
	if o.Server == nil {
		o.ListenInfos = listen
	}
	tr, err := r.CreateWebRTCTransport(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func opus(ssrc uint32, cname string) proto.RTPParameters {
	return proto.RTPParameters{
		Codecs:    []proto.RTPCodecParameters{{MimeType: "audio/opus", PayloadType: 111, ClockRate: 48000, Channels: 2}},
		Encodings: []proto.RTPEncodingParameters{{SSRC: ssrc}}, RTCP: proto.RTCPParameters{CNAME: cname},
	}
}

func vp8(ssrcs ...uint32) proto.RTPParameters {
	p := proto.RTPParameters{Codecs: []proto.RTPCodecParameters{
		{MimeType: "video/VP8", PayloadType: 96, ClockRate: 90000, RTCPFeedback: []proto.RTCPFeedback{{Type: "nack"}, {Type: "nack", Parameter: "pli"}}},
		{MimeType: "video/rtx", PayloadType: 97, ClockRate: 90000, Parameters: proto.CodecParameters{"apt": 96}},
	}}
	for _, ssrc := range ssrcs {
		p.Encodings = append(p.Encodings, proto.RTPEncodingParameters{SSRC: ssrc, RTX: &proto.RTXEncoding{SSRC: ssrc + 1}})
	}
	return p
}

// heard collects why things closed.
type heard struct {
	mu   sync.Mutex
	list []string
}

func (h *heard) by(name string) func(Reason) {
	return func(r Reason) { h.add(name + ":" + string(r)) }
}

func (h *heard) add(text string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.list = append(h.list, text)
}

func (h *heard) take() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := h.list
	h.list = nil
	return list
}
