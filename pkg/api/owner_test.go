package api

import (
	"slices"
	"testing"

	"gazpacho/pkg/channel"
	"gazpacho/pkg/control"
	"gazpacho/proto"
)

// furnished is a router of a client's with one of each in it.
func furnished(b *bare, router string) {
	ask[any](b, proto.WorkerCreateRouter, "", proto.NewRouter{RouterID: router, MediaCodecs: codecs})
	ask[any](b, proto.RouterCreateDirectTransport, router, proto.DirectTransportOptions{TransportID: router + "-t"})
	ask[any](b, proto.RouterCreateDirectTransport, router, proto.DirectTransportOptions{TransportID: router + "-u"})
	made := ask[proto.Produced](b, proto.TransportProduce, router+"-t", proto.ProduceMedia{ProducerID: router + "-p", Kind: proto.Audio, RTPParameters: opus(1)})
	ask[any](b, proto.TransportConsume, router+"-u", proto.ConsumeMedia{
		ConsumerID: router + "-c", ProducerID: made.ProducerID,
		RTPCapabilities: ask[proto.RTPCapabilities](b, proto.RouterUpdateMediaCodecs, router, proto.UpdateMediaCodecs{MediaCodecs: codecs}),
	})
	ask[any](b, proto.TransportProduceData, router+"-t", proto.ProduceMessages{DataProducerID: router + "-dp"})
	ask[any](b, proto.TransportConsumeData, router+"-u", proto.ConsumeMessages{DataConsumerID: router + "-dc", DataProducerID: router + "-dp"})
	ask[any](b, proto.RouterCreateAudioLevelObserver, router, proto.CreateAudioLevelObserver{RTPObserverID: router + "-o"})
}

func (b *bare) owners() map[string]string {
	owners := map[string]string{}
	for _, r := range ask[[]proto.RouterInfo](b, proto.ControllerListRouters, "", nil) {
		owners[r.RouterID] = r.Owner
	}
	return owners
}

// hears waits until the client was told all of these, and sorts.
func (b *bare) hears(what string, want ...string) {
	b.t.Helper()
	var got []string
	soon(b.t, what, func() bool {
		got = append(got, b.told()...)
		return len(got) >= len(want)
	})
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		b.t.Errorf("%s: heard\n%q, want\n%q", what, got, want)
	}
}

// "A client says at hello whether its objects are closed or left alone when it goes away; with keep another client can list and take over objects."
func TestWhoLeaves(t *testing.T) {
	w := newWorld(t, 1)
	closes, keeps, stays := w.bare("close"), w.bare("keep"), w.bare("")
	furnished(closes, "mine")
	furnished(keeps, "kept")
	server := ask[proto.WebRTCServerCreated](keeps, proto.WorkerCreateWebRTCServer, "", proto.NewWebRTCServer{WebRTCServerID: "server", ListenInfos: []proto.ListenInfo{loopback}})
	if o := stays.owners(); o["mine"] != "client-1" || o["kept"] != "client-2" || len(o) != 2 {
		t.Errorf("owners %v", o)
	}
	contents := ask[proto.RouterContents](stays, proto.ControllerOpenRouter, "", proto.OpenRouter{RouterID: "mine"})
	if contents.Owner != "client-1" || len(contents.Transports) != 2 || len(contents.RTPObservers) != 1 || contents.RTPObservers[0].Type != "audioLevel" ||
		contents.Transports[0].Type != "direct" || len(contents.Transports[0].Producers) != 1 || len(contents.Transports[0].DataProducers) != 1 ||
		contents.Transports[1].ConsumerIDs[0] != "mine-c" || contents.Transports[1].DataConsumerIDs[0] != "mine-dc" || len(contents.RTPCapabilities.Codecs) == 0 {
		t.Errorf("contents %+v", contents)
	}
	stays.told()
	closes.Close()
	stays.hears("a client that closes", "router.closed of mine: close", "transport.closed of mine-t: routerclose", "transport.closed of mine-u: routerclose",
		"producer.closed of mine-p: transportclose", "consumer.closed of mine-c: transportclose", "dataProducer.closed of mine-dp: transportclose",
		"dataConsumer.closed of mine-dc: transportclose", "rtpObserver.closed of mine-o: routerclose")
	keeps.Close()
	soon(t, "a router of nobody", func() bool { return stays.owners()["kept"] == "" })
	if o := stays.owners(); len(o) != 1 {
		t.Errorf("owners %v", o)
	}
	if s := ask[[]proto.WebRTCServerInfo](stays, proto.ControllerListWebRTCServers, "", nil); len(s) != 1 || s[0] != (proto.WebRTCServerInfo{WebRTCServerID: "server", WorkerID: server.WorkerID}) {
		t.Errorf("servers %+v", s)
	}
	ask[any](stays, proto.ControllerTakeWebRTCServer, "", proto.TakeWebRTCServer{WebRTCServerID: "server"})
	took := ask[proto.RouterContents](stays, proto.ControllerOpenRouter, "", proto.OpenRouter{RouterID: "kept", Own: true})
	if took.Owner != "client-3" || stays.owners()["kept"] != "client-3" {
		t.Errorf("owner %q", took.Owner)
	}
	ask[any](stays, proto.ProducerPause, "kept-p", nil)
	stays.hears("a taken router's events", "consumer.producerPause of kept-c")
	ask[any](stays, proto.ControllerLeaveRouter, "", proto.LeaveRouter{RouterID: "kept"})
	if e := stays.refused(proto.ControllerLeaveRouter, "", proto.LeaveRouter{RouterID: "kept"}); e.Code != proto.CodeInvalidState {
		t.Errorf("left twice: %v", e)
	}
	ask[any](stays, proto.ProducerResume, "kept-p", nil)
	if told := stays.told(); len(told) != 0 || stays.owners()["kept"] != "" {
		t.Errorf("told %q of a router that was left", told)
	}
	other := w.bare("")
	ask[any](other, proto.ControllerOpenRouter, "", proto.OpenRouter{RouterID: "kept", Own: true})
	stays.Close()
	soon(t, "the server is closed", func() bool {
		return len(ask[[]proto.WebRTCServerInfo](other, proto.ControllerListWebRTCServers, "", nil)) == 0
	})
	if told := other.told(); len(told) != 0 {
		t.Errorf("told %q", told)
	}
}

// Whoever asked for an end knows of it; the others are told, with what belongs to it.
func TestWhoIsTold(t *testing.T) {
	w := newWorld(t, 1)
	a, b := w.bare(""), w.bare("")
	furnished(a, "r")
	ask[any](b, proto.ControllerOpenRouter, "", proto.OpenRouter{RouterID: "r"})
	a.told()
	b.told()
	ask[any](b, proto.TransportCloseConsumer, "r-u", proto.CloseConsumer{ConsumerID: "r-c"})
	ask[any](b, proto.RouterCloseRTPObserver, "r", proto.CloseRTPObserver{RTPObserverID: "r-o"})
	a.hears("what another closes", "consumer.closed of r-c: close", "rtpObserver.closed of r-o: close")
	ask[any](b, proto.TransportConsume, "r-u", proto.ConsumeMedia{ConsumerID: "r-c", ProducerID: "r-p", RTPCapabilities: capabilities(b)})
	a.hears("what another makes", "transport.newConsumer of r-u")
	b.told()
	ask[any](a, proto.RouterCloseTransport, "r", proto.CloseTransport{TransportID: "r-t"})
	// Everything a request caused is written before its answer.
	if told := a.told(); !slices.Contains(told, "consumer.producerClose of r-c") || !slices.Contains(told, "dataConsumer.dataProducerClose of r-dc") || len(told) != 2 {
		t.Errorf("who asked was told %q", told)
	}
	b.hears("what the owner closes", "transport.closed of r-t: close", "producer.closed of r-p: transportclose", "dataProducer.closed of r-dp: transportclose",
		"consumer.producerClose of r-c", "dataConsumer.dataProducerClose of r-dc")
	for _, e := range []struct{ method, id string }{{proto.TransportDumpMethod, "r-t"}, {proto.ConsumerDumpMethod, "r-c"}, {proto.ProducerPause, "r-p"}} {
		if err := a.refused(e.method, e.id, nil); err.Code != proto.CodeNotFound {
			t.Errorf("%s: %v", e.method, err)
		}
	}
	// Origins.
	ask[any](a, proto.RouterCreateDirectTransport, "r", proto.DirectTransportOptions{TransportID: "r-t"})
	ask[any](a, proto.TransportProduce, "r-t", proto.ProduceMedia{ProducerID: "r-p", Kind: proto.Audio, RTPParameters: opus(1)})
	ask[any](a, proto.TransportConsume, "r-u", proto.ConsumeMedia{ConsumerID: "r-c", ProducerID: "r-p", RTPCapabilities: capabilities(a)})
	b.hears("what the owner makes", "router.newTransport of r", "transport.newProducer of r-t", "transport.newConsumer of r-u")
	ask[any](a, proto.ProducerPause, "r-p", nil)
	var n []channel.Notification
	soon(t, "the pause", func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		n = b.events
		return len(n) == 2
	})
	for _, e := range n {
		want := proto.Origin{WorkerID: idOf(w.running[0]), RouterID: "r", TransportID: map[string]string{"r-p": "r-t", "r-c": "r-u"}[e.HandlerID]}
		if origin := (proto.Origin{}); channel.Decode(e.Origin, &origin) != nil || origin != want {
			t.Errorf("origin %+v, want %+v", origin, want)
		}
	}
	ask[any](b, proto.WorkerCloseRouter, "", proto.CloseRouter{RouterID: "r"})
	soon(t, "the end", func() bool { return slices.Contains(a.told(), "router.closed of r: close") })
	if len(a.owners()) != 0 {
		t.Error("the router is left")
	}
}

func capabilities(b *bare) proto.RTPCapabilities {
	return ask[proto.RTPCapabilities](b, proto.ControllerRTPCapabilities, "", nil)
}

// "A worker's death reaches the client as events."
func TestWorkerDies(t *testing.T) {
	w := newWorld(t, 2)
	b := w.bare("")
	furnished(b, "r")
	owner := ask[[]proto.RouterInfo](b, proto.ControllerListRouters, "", nil)[0].WorkerID
	ask[any](b, proto.WorkerCreateWebRTCServer, owner, proto.NewWebRTCServer{WebRTCServerID: "s", ListenInfos: []proto.ListenInfo{loopback}})
	c := w.dial(false)
	reasons := make(chan control.Reason, 3)
	var handle *control.Router
	for _, x := range must(c.Workers(t.Context())) {
		if x.WorkerID == owner {
			handle = must(x.CreateRouter(t.Context(), control.RouterOptions{Closed: func(r control.Reason) { reasons <- r }}))
			must(x.OpenWebRTCServer(t.Context(), control.WebRTCServerOptions{ListenInfos: []proto.ListenInfo{loopback}, Closed: func(r control.Reason) { reasons <- r }}))
		}
	}
	must(handle.CreateDirectTransport(t.Context(), control.DirectTransportOptions{Closed: func(r control.Reason) { reasons <- r }}))
	b.told()
	x := w.server.worker(owner)
	x.Detach()
	w.remove(x)
	b.hears("a dead worker", "router.closed of r: workerclose", "transport.closed of r-t: routerclose", "transport.closed of r-u: routerclose",
		"producer.closed of r-p: transportclose", "consumer.closed of r-c: transportclose", "dataProducer.closed of r-dp: transportclose",
		"dataConsumer.closed of r-dc: transportclose", "rtpObserver.closed of r-o: routerclose", "webRtcServer.closed of s: workerclose")
	got := []string{string(<-reasons), string(<-reasons), string(<-reasons)}
	slices.Sort(got)
	if !slices.Equal(got, []string{"routerclose", "workerclose", "workerclose"}) {
		t.Errorf("the handles ended by %q", got)
	}
	if e := b.refused(proto.WorkerDumpMethod, owner, nil); e.Code != proto.CodeNotFound {
		t.Errorf("a dead worker: %v", e)
	}
	list := ask[[]proto.WorkerInfo](b, proto.ControllerListWorkers, "", nil)
	if len(list) != 2 || list[0].State == list[1].State {
		t.Errorf("workers %+v", list)
	}
	// The next router goes to the one that lives.
	made := ask[proto.RouterCreated](b, proto.WorkerCreateRouter, "", proto.NewRouter{RouterID: "r"})
	if made.WorkerID == owner || made.WorkerID == "" {
		t.Errorf("made on %q", made.WorkerID)
	}
	for _, x := range w.Running() {
		x.Detach()
		w.remove(x)
	}
	if e := b.refused(proto.WorkerCreateRouter, "", nil); e.Code != proto.CodeInvalidState {
		t.Errorf("no worker: %v", e)
	}
}

// What rooms are made of is listed, may be looked at, and is refused to be changed.
func TestRoomsAreSafe(t *testing.T) {
	w := newWorld(t, 1)
	x := w.running[0]
	r := must(x.CreateRouter(t.Context(), control.RouterOptions{ID: "room", MediaCodecs: codecs}))
	d := must(r.CreateDirectTransport(t.Context(), control.DirectTransportOptions{}))
	p := must(d.Produce(t.Context(), control.ProducerOptions{Kind: proto.Audio, RTPParameters: opus(1)}))
	o := must(r.CreateAudioLevelObserver(t.Context(), control.AudioLevelObserverOptions{}))
	b := w.bare("")
	if owners := b.owners(); len(owners) != 1 || owners["room"] != proto.OwnerRooms {
		t.Errorf("owners %v", owners)
	}
	for _, look := range []struct{ method, id string }{
		{proto.RouterDumpMethod, "room"},
		{proto.TransportDumpMethod, d.ID()},
		{proto.TransportGetStats, d.ID()},
		{proto.ProducerDumpMethod, p.ID()},
		{proto.ProducerGetStats, p.ID()},
		{proto.WebRTCServerDumpMethod, x.Server.ID()},
	} {
		ask[any](b, look.method, look.id, nil)
	}
	furnished(b, "mine")
	for _, change := range []struct {
		method, id string
		body       any
	}{
		{proto.WorkerCloseRouter, "", proto.CloseRouter{RouterID: "room"}},
		{proto.WorkerCloseRouter, idOf(x), proto.CloseRouter{RouterID: "room"}},
		{proto.WorkerCloseWebRTCServer, "", proto.CloseWebRTCServer{WebRTCServerID: x.Server.ID()}},
		{proto.ControllerTakeWebRTCServer, "", proto.TakeWebRTCServer{WebRTCServerID: x.Server.ID()}},
		{proto.ControllerOpenRouter, "", proto.OpenRouter{RouterID: "room", Own: true}},
		{proto.ControllerLeaveRouter, "", proto.LeaveRouter{RouterID: "room"}},
		{proto.WorkerClose, idOf(x), nil},
		{proto.WorkerUpdateTURN, idOf(x), nil},
		{proto.RouterCloseTransport, "room", proto.CloseTransport{TransportID: d.ID()}},
		{proto.RouterCreateDirectTransport, "room", nil},
		{proto.RouterUpdateMediaCodecs, "room", nil},
		{proto.TransportCloseProducer, d.ID(), proto.CloseProducer{ProducerID: p.ID()}},
		{proto.ProducerPause, p.ID(), nil},
		{proto.RTPObserverPause, o.ID(), nil},
		{proto.RouterPipeToRouter, "mine", proto.PipeToRouter{ProducerID: "mine-p", RouterID: "room"}},
	} {
		if e := b.refused(change.method, change.id, change.body); e.Code != proto.CodeForbidden {
			t.Errorf("%s of %s: %v", change.method, change.id, e)
		}
	}
	// Nor by the way of one's own.
	for _, e := range []*proto.Error{
		b.refused(proto.RouterCloseTransport, "mine", proto.CloseTransport{TransportID: d.ID()}),
		b.refused(proto.TransportCloseProducer, "mine-t", proto.CloseProducer{ProducerID: p.ID()}),
	} {
		if e.Code != proto.CodeNotFound {
			t.Error(e)
		}
	}
	if p.Paused() || d.Closed() || r.Closed() || p.Closed() {
		t.Error("something was changed")
	}
	if dump, err := r.Dump(t.Context()); err != nil || len(dump.TransportIDs) != 1 || len(dump.RTPObserverIDs) != 1 {
		t.Errorf("the room has %+v, %v", dump, err)
	}
}
