package api

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"strings"
	"testing"

	"gazpacho/pkg/channel"
	"gazpacho/proto"
)

// errorNames are those of errors by their codes; a code that is not here may not be sent.
var errorNames = map[string]string{
	proto.CodeBadBody: proto.TypeErrorName, proto.CodeBadField: proto.TypeErrorName, proto.CodeNotFound: proto.NotFoundErrorName,
	proto.CodeDuplicate: proto.ErrorName, proto.CodeInvalidState: proto.InvalidStateErrorName, proto.CodeUnsupported: proto.UnsupportedErrorName,
	proto.CodeBusy: proto.ErrorName, proto.CodeNoPort: proto.ErrorName, proto.CodeLimit: proto.ErrorName, proto.CodeForbidden: proto.ErrorName,
}

// set is a stage: a router with one of each, and sensible bodies of every request that changes something.
type set struct {
	b      *bare
	number int
	id     string // of the router
	worker string
}

func (s *set) build() {
	s.number++
	s.id = fmt.Sprint("stage", s.number)
	furnished(s.b, s.id)
	ask[any](s.b, proto.WorkerCreateRouter, "", proto.NewRouter{RouterID: s.id + "-other", MediaCodecs: codecs})
	ask[any](s.b, proto.WorkerCreateWebRTCServer, s.worker, proto.NewWebRTCServer{WebRTCServerID: s.id + "-s", ListenInfos: []proto.ListenInfo{loopback}})
	ask[any](s.b, proto.RouterCreateWebRTCTransport, s.id, proto.WebRTCTransportOptions{TransportID: s.id + "-w"})
	ask[any](s.b, proto.RouterCreatePlainTransport, s.id, proto.PlainTransportOptions{TransportID: s.id + "-plain", ListenInfo: loopback, SCTPOptions: proto.SCTPOptions{EnableSCTP: true}})
	ask[any](s.b, proto.RouterCreatePipeTransport, s.id, proto.PipeTransportOptions{TransportID: s.id + "-pipe", ListenInfo: loopback})
}

// request is a sensible one.
type request struct {
	method, id string
	body       any
}

func (s *set) requests() []request {
	r, yes, no, level := s.id, true, false, 3
	layers := &proto.ConsumerLayers{SpatialLayer: 0}
	full := proto.RTPCapabilities{Codecs: codecs, HeaderExtensions: []proto.RTPHeaderExtension{{Kind: "audio", URI: "urn:x", PreferredID: 1, Direction: "sendrecv"}}}
	stream := proto.SCTPStreamParameters{StreamID: 4, Ordered: &yes}
	return []request{
		{proto.ControllerListWorkers, "", nil},
		{proto.ControllerListRouters, "", nil},
		{proto.ControllerRTPCapabilities, "", nil},
		{proto.ControllerListWebRTCServers, "", nil},
		{proto.ControllerOpenRouter, "", proto.OpenRouter{RouterID: r, Own: true}},
		{proto.ControllerTakeWebRTCServer, "", proto.TakeWebRTCServer{WebRTCServerID: r + "-s"}},
		{proto.ControllerLeaveRouter, "", proto.LeaveRouter{RouterID: r}},
		{proto.WorkerCreateWebRTCServer, s.worker, proto.NewWebRTCServer{ListenInfos: []proto.ListenInfo{loopback}}},
		{proto.WorkerCreateRouter, "", proto.NewRouter{MediaCodecs: codecs}},
		{proto.RouterUpdateMediaCodecs, r, proto.UpdateMediaCodecs{MediaCodecs: codecs}},
		{proto.RouterCanConsume, r, proto.CanConsume{ProducerID: r + "-p", RTPCapabilities: full}},
		{proto.RouterPipeToRouter, r, proto.PipeToRouter{ProducerID: r + "-p", RouterID: r + "-other", KeepID: &no, ListenInfo: &loopback}},
		{proto.RouterPipeToRouter, r, proto.PipeToRouter{DataProducerID: r + "-dp", RouterID: r + "-other", KeepID: &no}},
		{proto.RouterCreateAudioLevelObserver, r, proto.CreateAudioLevelObserver{Interval: &level}},
		{proto.RouterCreateActiveSpeakerObserver, r, proto.CreateActiveSpeakerObserver{Interval: &level}},
		{proto.RouterCreateWebRTCTransport, r, proto.WebRTCTransportOptions{WebRTCServerID: r + "-s", EnableTCP: &yes, ICEConsentTimeout: &level, InitialAvailableOutgoingBitrate: &level}},
		{proto.RouterCreatePlainTransport, r, proto.PlainTransportOptions{ListenInfo: loopback, RTCPMux: &no, RTCPListenInfo: &loopback}},
		{proto.RouterCreatePipeTransport, r, proto.PipeTransportOptions{ListenInfo: loopback}},
		{proto.RouterCreateDirectTransport, r, proto.DirectTransportOptions{MaxSendMessageSize: 5}},
		{proto.TransportProduce, r + "-t", proto.ProduceMedia{Kind: proto.Audio, RTPParameters: opus(9)}},
		{proto.TransportConsume, r + "-u", proto.ConsumeMedia{ProducerID: r + "-p", RTPCapabilities: full, MID: "5", PreferredLayers: layers, EnableRTX: &yes}},
		{proto.TransportConsume, r + "-pipe", proto.ConsumeMedia{ProducerID: r + "-p"}},
		{proto.TransportProduceData, r + "-plain", proto.ProduceMessages{SCTPStreamParameters: &stream, Label: "l"}},
		{proto.TransportConsumeData, r + "-plain", proto.ConsumeMessages{DataProducerID: r + "-dp", Ordered: &yes, Subchannels: []uint16{1}}},
		{proto.TransportSetMaxOutgoingBitrate, r + "-w", proto.SetMaxOutgoingBitrate{MaxOutgoingBitrate: 50_000}},
		{proto.ConsumerSetPriority, r + "-c", proto.SetPriority{Priority: 3}},
		{proto.DataConsumerSetSubchannels, r + "-dc", proto.SetSubchannels{Subchannels: []uint16{3}}},
		{proto.ProducerPause, r + "-p", nil},
		{proto.ConsumerResume, r + "-c", nil},
		{proto.DataProducerPause, r + "-dp", nil},
		{proto.DataConsumerPause, r + "-dc", nil},
		{proto.TransportCloseConsumer, r + "-u", proto.CloseConsumer{ConsumerID: r + "-c"}},
		{proto.TransportCloseProducer, r + "-t", proto.CloseProducer{ProducerID: r + "-p"}},
		{proto.TransportCloseDataConsumer, r + "-u", proto.CloseDataConsumer{DataConsumerID: r + "-dc"}},
		{proto.TransportCloseDataProducer, r + "-t", proto.CloseDataProducer{DataProducerID: r + "-dp"}},
		{proto.RouterCloseTransport, r, proto.CloseTransport{TransportID: r + "-t"}},
		{proto.RouterCloseRTPObserver, r, proto.CloseRTPObserver{RTPObserverID: r + "-o"}},
		{proto.WorkerCloseWebRTCServer, "", proto.CloseWebRTCServer{WebRTCServerID: r + "-s"}},
		{proto.WorkerCloseRouter, "", proto.CloseRouter{RouterID: r}},
	}
}

// wrong is a value of every type, and what lies at the ends of their ranges.
var wrong = []any{
	nil, true, 0, 1, -1, 70_000, uint64(1) << 40, uint64(math.MaxUint64), 1.5, "", "x", strings.Repeat("x", 70_000), []byte("bytes"),
	[]any{},
	[]any{1, "x", nil},
	map[string]any{},
	map[string]any{"x": 1},
	"stage1", "300.0.0.1",
}

// vary calls f with every variant of a body: every field absent and every wrong value in its place, on all levels.
func vary(v any, f func(any)) {
	switch v := v.(type) {
	case map[string]any:
		for _, key := range keys(v) {
			old := v[key]
			delete(v, key)
			f(nil)
			for _, w := range wrong {
				v[key] = w
				f(nil)
			}
			v[key] = old
			vary(old, f)
		}
	case []any:
		for i := range min(len(v), 1) {
			old := v[i]
			for _, w := range wrong {
				v[i] = w
				f(nil)
			}
			v[i] = old
			vary(old, f)
		}
	}
}

func keys(m map[string]any) (list []string) {
	for k := range maps.Keys(m) {
		list = append(list, k)
	}
	return list
}

// loose is a body as maps and lists, with every field there is.
func loose(t *testing.T, body any) any {
	if body == nil {
		return nil
	}
	raw, err := channel.Encode(body)
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err := channel.Decode(raw, &v); err != nil {
		t.Fatal(err)
	}
	m := v.(map[string]any)
	for i := range reflect.TypeOf(body).NumField() {
		name, _, _ := strings.Cut(reflect.TypeOf(body).Field(i).Tag.Get("json"), ",")
		if _, there := m[name]; !there && name != "" {
			m[name] = nil
		}
	}
	return m
}

// Every request with every field absent, empty, at the ends of its range and of a wrong type succeeds or is refused with an error that says why and
// where; and the controller lives, with all it had.
func TestEveryBody(t *testing.T) {
	w := newWorld(t, 1)
	s := &set{b: w.bare(""), worker: idOf(w.running[0])}
	s.build()
	asked, refused := 0, 0
	for i := range s.requests() {
		q := s.requests()[i]
		body := loose(t, q.body)
		try := func(v any) {
			asked++
			var e *proto.Error
			switch err := s.b.Request(t.Context(), q.method, q.id, v, nil); {
			case err == nil:
				if strings.Contains(q.method, ".close") || q.method == proto.ControllerLeaveRouter {
					s.build() // what is left to try is wrong in any case
					q = s.requests()[i]
				}
			case !errors.As(err, &e):
				t.Fatalf("%s: %v", q.method, err)
			default:
				refused++
				if name := errorNames[e.Code]; name == "" || name != e.Name || e.Message == "" || e.Code == proto.CodeBadField && e.Path == "" {
					t.Errorf("%s: %s %s %.200s (%.200s)", q.method, e.Name, e.Code, e.Message, e.Path)
				}
			}
		}
		try(body)
		vary(body, func(any) { try(body) })
		for _, v := range wrong[1:] {
			try(v)
		}
		if strings.HasPrefix(q.method, "controller.") {
			continue
		}
		if e := s.b.refused(q.method, "nobody", q.body); e.Code != proto.CodeNotFound {
			t.Errorf("%s of nobody: %v", q.method, e)
		}
	}
	if asked < 2500 || refused < asked/4 {
		t.Errorf("%d asked, %d refused", asked, refused)
	}
	if e := s.b.refused("worker.explode", "", nil); e.Code != proto.CodeUnknownMethod {
		t.Error(e)
	}
	t.Logf("%d asked, %d refused", asked, refused)
	s.b.Close()
	other := w.bare("")
	soon(t, "nothing is left", func() bool {
		reg := w.server.reg
		reg.mu.Lock()
		left := len(reg.objects) + len(reg.holdings) + w.running[0].Load()
		reg.mu.Unlock()
		return left+len(other.owners())+len(ask[[]proto.WebRTCServerInfo](other, proto.ControllerListWebRTCServers, "", nil)) == 0
	})
}

// What a client sends beside requests harms nobody, whatever it is addressed to.
func TestNotificationsOfClients(t *testing.T) {
	w := newWorld(t, 1)
	b := w.bare("")
	furnished(b, "r")
	for _, id := range []string{"", "nobody", "r", "r-t", "r-p", "r-c", "r-dp", "r-o"} {
		for _, event := range []string{proto.NotifyProducerSend, proto.NotifyTransportSendRTCP, proto.NotifyDataProducerSend, "x.y"} {
			for _, meta := range []any{nil, 1, proto.DataProducerSend{PPID: 51}} {
				if err := b.NotifyBinary(event, id, meta, []byte("bytes")); err != nil {
					t.Fatal(err)
				}
			}
			if err := b.Notify(event, id, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	soon(t, "messages", func() bool {
		return ask[[]proto.DataProducerStats](b, proto.DataProducerGetStats, "r-dp", nil)[0].MessagesReceived > 0
	})
	if stats := ask[proto.WorkerStats](b, proto.WorkerGetStats, idOf(w.running[0]), nil); stats.Objects.Producers != 1 || stats.Drops["channelUnaddressed"] == 0 {
		t.Errorf("stats %+v", stats.Objects)
	}
}

// A client that does not read is cut off; another's requests and events go on meanwhile.
func TestSlowClient(t *testing.T) {
	w := newWorld(t, 1)
	good := w.bare("")
	furnished(good, "r")
	release := make(chan struct{})
	var answer proto.AttachClientResult
	deaf, err := channel.Dial(t.Context(), w.address, channel.Options{
		Notification: func(channel.Notification) { <-release },
		Door: &channel.Door{
			Hello: proto.EventControllerHello, Attach: proto.ControllerAttach, Result: &answer, Body: proto.AttachClient{Protocol: proto.Current},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := deaf.Request(t.Context(), proto.ControllerOpenRouter, "", proto.OpenRouter{RouterID: "r"}, nil); err != nil {
		t.Fatal(err)
	}
	big, err := channel.Encode(strings.Repeat("x", 60_000))
	if err != nil {
		t.Fatal(err)
	}
	reg := w.server.reg
	h := reg.holding(ofRouter, "r")
	watchers := func() int {
		reg.mu.Lock()
		defer reg.mu.Unlock()
		return len(h.watchers)
	}
	for n := 1; watchers() == 2; n++ {
		reg.event(h, channel.Notification{Event: proto.EventConsumerProducerPause, HandlerID: "r-c", Body: big})
		// The one that reads has answers, and every event.
		ask[any](good, proto.ProducerDumpMethod, "r-p", nil)
		if told := good.told(); len(told) != 1 {
			t.Fatalf("told %q", told)
		}
		if n > 1000 {
			t.Fatal("it is not cut off")
		}
	}
	close(release)
	deaf.Close()
}
