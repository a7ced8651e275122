package router

import (
	"maps"
	"reflect"
	"slices"
	"testing"

	"gazpacho/proto"
)

// request is one that succeeds in a populated world.
type request struct {
	method, id string
	body       any
	result     any // of the type it must have; nil for none
}

func number(n int) *int { return &n }

// requests is at least one of every method, in an order in which all succeed.
var requests = []request{
	{proto.RouterDumpMethod, "r", nil, proto.RouterDump{}},
	{proto.RouterCreateWebRTCTransport, "r", proto.WebRTCTransportOptions{TransportID: "w2", ListenInfos: []proto.ListenInfo{{Protocol: "udp", IP: "10.0.0.1"}}}, proto.WebRTCTransportDump{}},
	{proto.RouterCreateWebRTCTransportWithServer, "r", proto.WebRTCTransportOptions{TransportID: "w3", WebRTCServerID: "server"}, proto.WebRTCTransportDump{}},
	{proto.RouterCreatePlainTransport, "r", plainOptions("p2"), proto.PlainTransportDump{}},
	{proto.RouterCloseTransport, "r", proto.CloseTransport{TransportID: "w2"}, nil},
	{proto.RouterCreateAudioLevelObserver, "r", proto.CreateAudioLevelObserver{RTPObserverID: "o2"}, nil},
	{proto.RouterCloseRTPObserver, "r", proto.CloseRTPObserver{RTPObserverID: "o2"}, nil},
	{proto.RouterCreateActiveSpeakerObserver, "r", proto.CreateActiveSpeakerObserver{RTPObserverID: "o3"}, nil},
	{proto.RTPObserverAddProducer, "o3", proto.ObserverProducer{ProducerID: "a"}, nil},
	{proto.RTPObserverRemoveProducer, "o3", proto.ObserverProducer{ProducerID: "a"}, nil},
	{proto.RouterCloseRTPObserver, "r", proto.CloseRTPObserver{RTPObserverID: "o3"}, nil},

	{proto.TransportDumpMethod, "w", nil, proto.WebRTCTransportDump{}},
	{proto.RouterCreatePipeTransport, "r", proto.PipeTransportOptions{TransportID: "pi", ListenInfo: proto.ListenInfo{Protocol: "udp", IP: "10.0.0.1"}}, proto.PipeTransportDump{}},
	{proto.RouterCreateDirectTransport, "r", proto.DirectTransportOptions{TransportID: "di"}, proto.DirectTransportDump{}},
	{proto.PipeTransportConnect, "pi", proto.ConnectPipeTransport{IP: "10.0.0.2", Port: 7}, proto.ConnectPipeTransportResult{}},
	{proto.TransportDumpMethod, "pi", nil, proto.PipeTransportDump{}},
	{proto.TransportDumpMethod, "di", nil, proto.DirectTransportDump{}},
	{proto.TransportGetStats, "pi", nil, proto.PipeTransportStats{}},
	{proto.TransportGetStats, "di", nil, proto.DirectTransportStats{}},
	{proto.TransportDumpMethod, "p", nil, proto.PlainTransportDump{}},
	{proto.TransportGetStats, "w", nil, proto.WebRTCTransportStats{}},
	{proto.TransportGetStats, "p", nil, proto.PlainTransportStats{}},
	{proto.TransportSetMaxIncomingBitrate, "w", proto.SetMaxIncomingBitrate{MaxIncomingBitrate: 100_000}, nil},
	{proto.TransportSetMaxOutgoingBitrate, "w", proto.SetMaxOutgoingBitrate{MaxOutgoingBitrate: 100_000}, nil},
	{proto.TransportSetMinOutgoingBitrate, "w", proto.SetMinOutgoingBitrate{MinOutgoingBitrate: 50_000}, nil},
	{proto.TransportEnableTraceEvent, "w", proto.EnableTraceEvent{Types: []string{"bwe"}}, nil},
	{proto.TransportRestartICE, "w", nil, proto.ICEParameters{}},
	{proto.WebRTCTransportConnect, "w", proto.ConnectWebRTCTransport{DTLSParameters: proto.DTLSParameters{Role: "client", Fingerprints: []proto.DTLSFingerprint{{Algorithm: "sha-256", Value: "AA"}}}}, proto.ConnectWebRTCTransportResult{DTLSLocalRole: "server"}},
	{proto.PlainTransportConnect, "p", proto.ConnectPlainTransport{}, proto.ConnectPlainTransportResult{}},
	{proto.TransportProduce, "w", produce("a2", proto.Audio, 5), proto.ProduceResult{Type: proto.Simple}},
	{proto.TransportConsume, "p", consume("c2", "a2", proto.Audio, 15, 1005), proto.ConsumeResult{}},
	{proto.TransportCloseConsumer, "p", proto.CloseConsumer{ConsumerID: "c2"}, nil},
	{proto.TransportCloseProducer, "w", proto.CloseProducer{ProducerID: "a2"}, nil},

	{proto.ProducerDumpMethod, "a", nil, proto.ProducerDump{}},
	{proto.ProducerGetStats, "a", nil, []proto.RTPStreamStats{}},
	{proto.ProducerPause, "a", nil, nil},
	{proto.ProducerResume, "a", nil, nil},
	{proto.ProducerEnableTraceEvent, "a", proto.EnableTraceEvent{Types: []string{"rtp"}}, nil},

	{proto.ConsumerDumpMethod, "ca", nil, proto.ConsumerDump{}},
	{proto.ConsumerGetStats, "ca", nil, []proto.RTPStreamStats{}},
	{proto.ConsumerPause, "ca", nil, nil},
	{proto.ConsumerResume, "ca", nil, nil},
	{proto.ConsumerSetPreferredLayers, "cv", proto.SetPreferredLayers{PreferredLayers: proto.ConsumerLayers{SpatialLayer: 1}}, proto.SetPreferredLayersResult{}},
	{proto.ConsumerSetPriority, "cv", proto.SetPriority{Priority: 5}, proto.SetPriorityResult{Priority: 5}},
	{proto.ConsumerRequestKeyFrame, "cv", nil, nil},
	{proto.ConsumerEnableTraceEvent, "cv", proto.EnableTraceEvent{Types: []string{"rtp"}}, nil},

	{proto.RTPObserverPause, "o", nil, nil},
	{proto.RTPObserverResume, "o", nil, nil},
	{proto.RTPObserverRemoveProducer, "o", proto.ObserverProducer{ProducerID: "a"}, nil},
	{proto.RTPObserverAddProducer, "o", proto.ObserverProducer{ProducerID: "a"}, nil},
}

// Every method is in the table above, or the test that says so fails.
func TestEveryMethodSucceeds(t *testing.T) {
	w := newWorld(t)
	w.populate()
	w.populateData()
	seen := map[string]bool{}
	for _, q := range append(slices.Clone(requests), dataRequests...) {
		seen[q.method] = true
		result, err := w.ask(q.method, q.id, q.body)
		if err != nil {
			t.Errorf("%s of %s: %v", q.method, q.id, err)
			continue
		}
		if !sameType(result, q.result) {
			t.Errorf("%s answered %T, want %T", q.method, result, q.result)
		}
	}
	for _, method := range slices.Sorted(maps.Keys(handlers)) {
		if !seen[method] {
			t.Errorf("%s is not tested", method)
		}
		if !Handles(method) {
			t.Errorf("Handles does not know %s", method)
		}
	}
}

// sameType tells whether a result is of the wanted type, and equal to it where the wanted one is not zero.
func sameType(got, want any) bool {
	if reflect.TypeOf(got) != reflect.TypeOf(want) {
		return false
	}
	return want == nil || reflect.TypeOf(want).Kind() == reflect.Slice || reflect.ValueOf(want).IsZero() || reflect.DeepEqual(got, want)
}

// The router's methods are exactly those of proto that are not the worker's or a server's own.
func TestMethodsAreThoseOfTheProtocol(t *testing.T) {
	var want []string
	for _, m := range proto.Methods {
		if m.Target != "worker" && m.Target != "webRtcServer" {
			want = append(want, m.Name)
		}
	}
	slices.Sort(want)
	if got := slices.Sorted(maps.Keys(handlers)); !slices.Equal(got, want) {
		t.Errorf("methods %v, want %v", got, want)
	}
	w := newWorld(t)
	if _, err := w.ask("router.explode", "r", nil); err == nil || err.Code != proto.CodeUnknownMethod || Handles("router.explode") {
		t.Errorf("error %v", err)
	}
}

// An id that is unknown, or of another kind of object, is a NotFoundError, and a body that does not fit is its error: nothing changes.
func TestEveryMethodRefuses(t *testing.T) {
	w := newWorld(t)
	w.populate()
	w.populateData()
	ids := []string{"nobody", "", "r", "w", "a", "ca", "dp", "dc", "o", "server"}
	targets := map[string][]string{}
	for _, m := range proto.Methods {
		switch m.Target {
		case "router":
			targets[m.Name] = []string{"r"}
		case "transport":
			targets[m.Name] = []string{"w"}
		case "producer":
			targets[m.Name] = []string{"a"}
		case "consumer":
			targets[m.Name] = []string{"ca"}
		case "dataProducer":
			targets[m.Name] = []string{"dp"}
		case "dataConsumer":
			targets[m.Name] = []string{"dc"}
		case "rtpObserver":
			targets[m.Name] = []string{"o"}
		}
	}
	before := w.state()
	for _, method := range slices.Sorted(maps.Keys(handlers)) {
		for _, id := range ids {
			if slices.Contains(targets[method], id) {
				continue
			}
			if result, err := w.ask(method, id, nil); err == nil || err.Code != proto.CodeNotFound || err.Name != proto.NotFoundErrorName || result != nil {
				t.Errorf("%s of %q: %v, %v", method, id, result, err)
			}
		}
	}
	misfit := &proto.Error{Name: proto.TypeErrorName, Code: proto.CodeBadBody, Message: "no"}
	for _, m := range proto.Methods {
		if handlers[m.Name] == nil || m.Request == nil {
			continue
		}
		_, err := w.router.HandleRequest(w.now, Request{
			Method: m.Name, HandlerID: targets[m.Name][0], Decode: func(any) *proto.Error { return misfit },
		})
		if err != misfit {
			t.Errorf("%s with a bad body: %v", m.Name, err)
		}
	}
	if after := w.state(); after != before {
		t.Errorf("changed\n%s to\n%s", before, after)
	}
}

// Requests that are well-formed and wrong: each has its code and, if a field is to blame, its path. None changes anything.
func TestRefusals(t *testing.T) {
	tests := []struct {
		name       string
		method, id string
		body       any
		code, path string
	}{
		{"restartIce of a plain transport", proto.TransportRestartICE, "p", nil, proto.CodeUnsupported, ""},
		{"WebRTC connect of a plain transport", proto.WebRTCTransportConnect, "p", proto.ConnectWebRTCTransport{}, proto.CodeUnsupported, ""},
		{"plain connect of a WebRTC transport", proto.PlainTransportConnect, "w", proto.ConnectPlainTransport{}, proto.CodeUnsupported, ""},
		{"no fingerprint", proto.WebRTCTransportConnect, "w", proto.ConnectWebRTCTransport{}, proto.CodeBadField, "dtlsParameters.fingerprints"},
		{"no server", proto.RouterCreateWebRTCTransportWithServer, "r", proto.WebRTCTransportOptions{TransportID: "x", WebRTCServerID: "?"}, proto.CodeNotFound, ""},
		{"server and listen info", proto.RouterCreateWebRTCTransportWithServer, "r", proto.WebRTCTransportOptions{
			TransportID: "x", WebRTCServerID: "server", ListenInfos: []proto.ListenInfo{{Protocol: "udp", IP: "10.0.0.1"}},
		}, proto.CodeBadField, "listenInfos"},
		{"listen info and server", proto.RouterCreateWebRTCTransport, "r", proto.WebRTCTransportOptions{
			TransportID: "x", WebRTCServerID: "server", ListenInfos: []proto.ListenInfo{{Protocol: "udp", IP: "10.0.0.1"}},
		}, proto.CodeBadField, "webRtcServerId"},
		{"negative bitrate", proto.RouterCreateWebRTCTransportWithServer, "r", proto.WebRTCTransportOptions{
			TransportID: "x", WebRTCServerID: "server", InitialAvailableOutgoingBitrate: number(-1),
		}, proto.CodeBadField, "initialAvailableOutgoingBitrate"},
		{"no listen info", proto.RouterCreateWebRTCTransport, "r", proto.WebRTCTransportOptions{TransportID: "x"}, proto.CodeBadField, "listenInfos"},
		{"no protocol", proto.RouterCreatePlainTransport, "r", proto.PlainTransportOptions{TransportID: "x"}, proto.CodeBadField, "listenInfo.protocol"},
		{"consent timeout", proto.RouterCreateWebRTCTransportWithServer, "r", proto.WebRTCTransportOptions{TransportID: "x", WebRTCServerID: "server", ICEConsentTimeout: number(-1)}, proto.CodeBadField, "iceConsentTimeout"},
		{"bitrate", proto.TransportSetMaxOutgoingBitrate, "w", proto.SetMaxOutgoingBitrate{MaxOutgoingBitrate: 5}, proto.CodeBadField, "maxOutgoingBitrate"},
		{"no producer to consume", proto.TransportConsume, "p", consume("x", "?", proto.Audio, 50, 1001), proto.CodeNotFound, ""},
		{"a consumer to consume", proto.TransportConsume, "p", consume("x", "ca", proto.Audio, 50, 1001), proto.CodeNotFound, ""},
		{"no transport to close", proto.RouterCloseTransport, "r", proto.CloseTransport{TransportID: "a"}, proto.CodeNotFound, ""},
		{"no observer to close", proto.RouterCloseRTPObserver, "r", proto.CloseRTPObserver{RTPObserverID: "a"}, proto.CodeNotFound, ""},
		{"a producer of another transport to close", proto.TransportCloseProducer, "p", proto.CloseProducer{ProducerID: "a"}, proto.CodeNotFound, ""},
		{"a consumer of another transport to close", proto.TransportCloseConsumer, "w", proto.CloseConsumer{ConsumerID: "ca"}, proto.CodeNotFound, ""},
		{"observer of no entries", proto.RouterCreateAudioLevelObserver, "r", proto.CreateAudioLevelObserver{RTPObserverID: "x", MaxEntries: number(0)}, proto.CodeBadField, "maxEntries"},
		{"video to observe", proto.RTPObserverAddProducer, "o", proto.ObserverProducer{ProducerID: "v"}, proto.CodeBadField, "producerId"},
		{"nobody to observe", proto.RTPObserverAddProducer, "o", proto.ObserverProducer{ProducerID: "?"}, proto.CodeNotFound, ""},
		{"nobody not to observe", proto.RTPObserverRemoveProducer, "o", proto.ObserverProducer{ProducerID: "?"}, proto.CodeNotFound, ""},
		{"not observed", proto.RTPObserverRemoveProducer, "o", proto.ObserverProducer{ProducerID: "v"}, proto.CodeNotFound, ""},
		{"priority", proto.ConsumerSetPriority, "cv", proto.SetPriority{Priority: 256}, proto.CodeBadField, "priority"},
		{"codec", proto.TransportProduce, "w", func() proto.Produce {
			p := produce("x", proto.Audio, 9)
			p.RTPParameters.Codecs[0].MimeType = "audio/gsm"
			return p
		}(), proto.CodeUnsupported, ""},
	}
	w := newWorld(t)
	w.populate()
	before := w.state()
	for _, tt := range tests {
		result, err := w.ask(tt.method, tt.id, tt.body)
		if err == nil || err.Code != tt.code || err.Path != tt.path || result != nil {
			t.Errorf("%s: %v, %v; want code %s about %q", tt.name, result, err, tt.code, tt.path)
		}
		if after := w.state(); after != before {
			t.Fatalf("%s changed\n%s to\n%s", tt.name, before, after)
		}
	}
	if events := w.take(); len(events) != 0 {
		t.Errorf("events %v", events)
	}
}

// Ids are unique in a worker across all kinds, and not empty; a refused one is free again.
func TestIDsAreUniqueAcrossKinds(t *testing.T) {
	w := newWorld(t)
	w.populate()
	taken := []string{"r", "w", "p", "a", "v", "ca", "o", "server"}
	create := map[string]func(id string) *proto.Error{
		"webRtcTransportId": func(id string) *proto.Error {
			_, err := w.ask(proto.RouterCreateWebRTCTransportWithServer, "r", proto.WebRTCTransportOptions{TransportID: id, WebRTCServerID: "server"})
			return err
		},
		"plainTransportId": func(id string) *proto.Error {
			_, err := w.ask(proto.RouterCreatePlainTransport, "r", plainOptions(id))
			return err
		},
		"producerId": func(id string) *proto.Error {
			_, err := w.ask(proto.TransportProduce, "w", produce(id, proto.Audio, 77))
			return err
		},
		"consumerId": func(id string) *proto.Error {
			_, err := w.ask(proto.TransportConsume, "p", consume(id, "a", proto.Audio, 78, 1001))
			return err
		},
		"rtpObserverId": func(id string) *proto.Error {
			_, err := w.ask(proto.RouterCreateAudioLevelObserver, "r", proto.CreateAudioLevelObserver{RTPObserverID: id})
			return err
		},
	}
	before := w.state()
	for kind, f := range create {
		for _, id := range taken {
			if err := f(id); err == nil || err.Code != proto.CodeDuplicate {
				t.Errorf("%s %q: %v", kind, id, err)
			}
		}
		if err := f(""); err == nil || err.Code != proto.CodeBadField {
			t.Errorf("%s empty: %v", kind, err)
		}
	}
	w.refuse = proto.Failed(proto.CodeBusy, "in use")
	if err := create["plainTransportId"]("new"); err == nil || err.Code != proto.CodeBusy {
		t.Errorf("a busy port: %v", err)
	}
	if after := w.state(); after != before {
		t.Errorf("changed\n%s to\n%s", before, after)
	}
	if err := create["plainTransportId"]("new"); err != nil {
		t.Errorf("the id was not free: %v", err)
	}
}
