package worker_test

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"gazpacho/pkg/simtest"
	"gazpacho/proto"
)

// refused is TryRequest for requests that must be refused.
func refused(t *testing.T, w *simtest.Worker, method, id string, body any) *proto.Error {
	t.Helper()
	_, err := simtest.TryRequest[any](w, method, id, body)
	var e *proto.Error
	if !errors.As(err, &e) {
		t.Fatalf("%s: %v, want an error of the protocol", method, err)
	}
	return e
}

// Every method of the protocol is known; whatever else is wrong with a bare request, that is not.
func TestEveryMethodIsKnown(t *testing.T) {
	w := simtest.StartWorker(t)
	for _, m := range proto.Methods {
		if m.Name == proto.WorkerClose {
			continue
		}
		_, err := simtest.TryRequest[any](w, m.Name, "", nil)
		var e *proto.Error
		if errors.As(err, &e) && e.Code == proto.CodeUnknownMethod {
			t.Errorf("%s is unknown", m.Name)
		}
		if m.Target != "worker" && (e == nil || e.Code != proto.CodeNotFound) {
			t.Errorf("%s of nothing: %v", m.Name, err)
		}
	}
	if e := refused(t, w, "worker.explode", "", nil); e.Code != proto.CodeUnknownMethod || e.Name != proto.TypeErrorName {
		t.Errorf("an unknown method: %v", e)
	}
}

func TestWorkerRequests(t *testing.T) {
	w := simtest.StartWorker(t)
	router, server := w.Router(), w.Server()
	transport := simtest.Request[proto.WebRTCTransportDump](w, proto.RouterCreateWebRTCTransportWithServer, router,
		proto.WebRTCTransportOptions{TransportID: "t", WebRTCServerID: server})
	if len(transport.ICECandidates) != 2 || transport.ICEState != proto.ICENew || len(transport.DTLSParameters.Fingerprints) != 5 {
		t.Errorf("transport %+v", transport)
	}
	d := simtest.Request[proto.WorkerDump](w, proto.WorkerDumpMethod, "", nil)
	if d.PID != os.Getpid() || !slices.Equal(d.RouterIDs, []string{router}) || !slices.Equal(d.WebRTCServerIDs, []string{server}) ||
		!slices.Equal(d.ChannelMessageHandlers.ChannelRequestHandlers, []string{router, server, "t"}) {
		t.Errorf("dump %+v", d)
	}
	s := simtest.Request[proto.WebRTCServerDump](w, proto.WebRTCServerDumpMethod, server, nil)
	if len(s.UDPSockets) != 1 || len(s.TCPServers) != 1 || !slices.Equal(s.WebRTCTransportIDs, []string{"t"}) ||
		s.LocalICEUsernameFragments[0].LocalICEUsernameFragment != transport.ICEParameters.UsernameFragment {
		t.Errorf("server %+v", s)
	}
	if u := simtest.Request[proto.ResourceUsage](w, proto.WorkerResourceUsage, "", nil); u.MaxRSS < 1000 || u.UTime+u.STime == 0 {
		t.Errorf("usage %+v", u)
	}

	w.Do(proto.WorkerCloseWebRTCServer, "", proto.CloseWebRTCServer{WebRTCServerID: server})
	simtest.Wait[any](w, proto.EventTransportListenServerClose, "t", nil)
	if e := refused(t, w, proto.TransportDumpMethod, "t", nil); e.Code != proto.CodeNotFound {
		t.Errorf("the transport of a closed server: %v", e)
	}
	w.Do(proto.WorkerCloseRouter, "", proto.CloseRouter{RouterID: router})
	if d := simtest.Request[proto.WorkerDump](w, proto.WorkerDumpMethod, "", nil); len(d.ChannelMessageHandlers.ChannelRequestHandlers) != 0 {
		t.Errorf("left over: %+v", d)
	}
}

func TestWorkerRefusals(t *testing.T) {
	w := simtest.StartWorker(t)
	router, server := w.Router(), w.Server()
	infos := []proto.ListenInfo{{Protocol: "udp", IP: "127.0.0.1"}}
	tests := []struct {
		name, method string
		body         any
		code, path   string
	}{
		{"router without id", proto.WorkerCreateRouter, proto.CreateRouter{}, proto.CodeBadField, "routerId"},
		{"router twice", proto.WorkerCreateRouter, proto.CreateRouter{RouterID: router}, proto.CodeDuplicate, ""},
		{"router with a server's id", proto.WorkerCreateRouter, proto.CreateRouter{RouterID: server}, proto.CodeDuplicate, ""},
		{"no such router", proto.WorkerCloseRouter, proto.CloseRouter{RouterID: server}, proto.CodeNotFound, ""},
		{"server without id", proto.WorkerCreateWebRTCServer, proto.CreateWebRTCServer{ListenInfos: infos}, proto.CodeBadField, "webRtcServerId"},
		{"server twice", proto.WorkerCreateWebRTCServer, proto.CreateWebRTCServer{WebRTCServerID: server, ListenInfos: infos}, proto.CodeDuplicate, ""},
		{"server with a router's id", proto.WorkerCreateWebRTCServer, proto.CreateWebRTCServer{WebRTCServerID: router, ListenInfos: infos}, proto.CodeDuplicate, ""},
		{"server that listens nowhere", proto.WorkerCreateWebRTCServer, proto.CreateWebRTCServer{WebRTCServerID: "x"}, proto.CodeBadField, "listenInfos"},
		{"no such server", proto.WorkerCloseWebRTCServer, proto.CloseWebRTCServer{WebRTCServerID: router}, proto.CodeNotFound, ""},
		{"log level", proto.WorkerUpdateSettings, proto.UpdateSettings{LogLevel: "loud"}, proto.CodeBadField, "logLevel"},
		{"wrong type", proto.WorkerCreateRouter, map[string]any{"routerId": 5}, proto.CodeBadBody, "routerId"},
		{"body that is a list", proto.WorkerCreateRouter, []string{"x"}, proto.CodeBadBody, ""},
		{"attached already", proto.WorkerAttach, proto.Attach{Protocol: proto.Current, Epoch: 9}, proto.CodeInvalidState, ""},
	}
	for _, tt := range tests {
		e := refused(t, w, tt.method, "", tt.body)
		if e.Code != tt.code || (tt.path != "" && e.Path != tt.path) {
			t.Errorf("%s: code %s path %s (%v), want %s %s", tt.name, e.Code, e.Path, e, tt.code, tt.path)
		}
		if strings.Contains(e.Message, "\n") {
			t.Errorf("%s: more than a line: %q", tt.name, e.Message)
		}
	}
	d := simtest.Request[proto.WorkerDump](w, proto.WorkerDumpMethod, "", nil)
	if !slices.Equal(d.RouterIDs, []string{router}) || !slices.Equal(d.WebRTCServerIDs, []string{server}) {
		t.Errorf("dump %+v", d)
	}
}

// Ids are unique in a worker, over all its routers.
func TestIDsAreUniqueInTheWorker(t *testing.T) {
	w := simtest.StartWorker(t)
	one, two, server := w.Router(), w.Router(), w.Server()
	create := func(router, id string) error {
		_, err := simtest.TryRequest[proto.WebRTCTransportDump](w, proto.RouterCreateWebRTCTransportWithServer, router,
			proto.WebRTCTransportOptions{TransportID: id, WebRTCServerID: server})
		return err
	}
	if err := create(one, "t"); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"t", one, two, server} {
		var e *proto.Error
		if err := create(two, id); !errors.As(err, &e) || e.Code != proto.CodeDuplicate {
			t.Errorf("%s: %v", id, err)
		}
	}
	w.Do(proto.WorkerCloseRouter, "", proto.CloseRouter{RouterID: one})
	if err := create(two, "t"); err != nil {
		t.Errorf("the id was not free: %v", err)
	}
}
