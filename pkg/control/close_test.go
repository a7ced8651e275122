package control

import (
	"slices"
	"testing"
	"time"

	"gazpacho/proto"
)

// tree is one of everything, which tells when it is closed by something else.
type tree struct {
	heard
	worker   *Worker
	router   *Router
	send     *WebRTCTransport
	recv     *WebRTCTransport
	plain    *PlainTransport
	producer *Producer
	consumer *Consumer
	levels   *AudioLevelObserver
}

func newTree(t *testing.T) *tree {
	t.Helper()
	n := &tree{worker: newWorker(t)}
	ctx := t.Context()
	n.router = newRouter(t, n.worker, n.by("router"))
	n.send = newTransportIn(t, n.router, WebRTCTransportOptions{Closed: n.by("send")})
	n.recv = newTransportIn(t, n.router, WebRTCTransportOptions{Closed: n.by("recv")})
	var err error
	if n.plain, err = n.router.CreatePlainTransport(ctx, PlainTransportOptions{ListenInfo: listen[0], Closed: n.by("plain")}); err != nil {
		t.Fatal(err)
	}
	if n.producer, err = n.send.Produce(ctx, ProducerOptions{Kind: proto.Audio, RTPParameters: opus(1, ""), Closed: n.by("producer")}); err != nil {
		t.Fatal(err)
	}
	n.consumer, err = n.recv.Consume(ctx, ConsumerOptions{ProducerID: n.producer.ID(), RTPCapabilities: n.router.RTPCapabilities(), Closed: n.by("consumer")})
	if err != nil {
		t.Fatal(err)
	}
	if n.levels, err = n.router.CreateAudioLevelObserver(ctx, AudioLevelObserverOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := n.levels.AddProducer(ctx, n.producer.ID()); err != nil {
		t.Fatal(err)
	}
	return n
}

// Who is told on a close, as in mediasoup's API: children hear that their parent closed, nobody hears of their own close, and
// a consumer hears of its producer's.
func TestWhoIsTold(t *testing.T) {
	for name, tt := range map[string]struct {
		close func(*tree)
		want  []string // sorted
		load  int
	}{
		"worker": {
			func(n *tree) { n.worker.Close() },
			[]string{"consumer:transportclose", "plain:routerclose", "producer:transportclose", "recv:routerclose", "router:workerclose", "send:routerclose"},
			0,
		},
		"channel": {
			func(n *tree) { n.worker.Detach() },
			[]string{"consumer:transportclose", "plain:routerclose", "producer:transportclose", "recv:routerclose", "router:workerclose", "send:routerclose"},
			0,
		},
		"router": {
			func(n *tree) { n.router.Close() },
			[]string{"consumer:transportclose", "plain:routerclose", "producer:transportclose", "recv:routerclose", "send:routerclose"},
			0,
		},
		// The consumer hears by an event of the worker, which comes before the answer.
		"sending transport":   {func(n *tree) { n.send.Close() }, []string{"consumer:producerclose", "producer:transportclose"}, 0},
		"receiving transport": {func(n *tree) { n.recv.Close() }, []string{"consumer:transportclose"}, 1},
		"producer":            {func(n *tree) { n.producer.Close() }, []string{"consumer:producerclose"}, 0},
		"consumer":            {func(n *tree) { n.consumer.Close() }, nil, 1},
		"observer":            {func(n *tree) { n.levels.Close() }, nil, 2},
		"plain transport":     {func(n *tree) { n.plain.Close() }, nil, 2},
	} {
		t.Run(name, func(t *testing.T) {
			n := newTree(t)
			tt.close(n)
			got := n.take()
			slices.Sort(got)
			if !slices.Equal(got, tt.want) {
				t.Errorf("told %v, want %v", got, tt.want)
			}
			if n.worker.Load() != tt.load {
				t.Errorf("load %d, want %d", n.worker.Load(), tt.load)
			}
			tt.close(n) // again: nothing happens
			if got := n.take(); len(got) != 0 {
				t.Errorf("told %v by closing again", got)
			}
		})
	}
}

// What is closed here is closed in the worker by the time Close returns.
func TestCloseReachesTheWorker(t *testing.T) {
	n := newTree(t)
	ctx := t.Context()
	n.consumer.Close()
	if d, err := n.recv.Dump(ctx); err != nil || len(d.ConsumerIDs) != 0 {
		t.Errorf("%+v, %v", d, err)
	}
	n.producer.Close()
	if d, err := n.send.Dump(ctx); err != nil || len(d.ProducerIDs) != 0 {
		t.Errorf("%+v, %v", d, err)
	}
	n.levels.Close()
	n.recv.Close()
	n.plain.Close()
	if d, err := n.router.Dump(ctx); err != nil || len(d.TransportIDs) != 1 || len(d.RTPObserverIDs) != 0 {
		t.Errorf("%+v, %v", d, err)
	}
	if n.send.Closed() || !n.recv.Closed() {
		t.Error("Closed is wrong")
	}
	n.router.Close()
	if d, err := n.worker.Dump(ctx); err != nil || len(d.RouterIDs) != 0 || len(n.worker.objects) != 0 {
		t.Errorf("%+v, %v; %d objects left", d, err, len(n.worker.objects))
	}
}

// In what is closed nothing can be made.
func TestClosedParents(t *testing.T) {
	n := newTree(t)
	ctx := t.Context()
	n.send.Close()
	if _, err := n.send.Produce(ctx, ProducerOptions{Kind: proto.Audio, RTPParameters: opus(1, "")}); codeOf(err) != proto.CodeInvalidState {
		t.Errorf("produce: %v", err)
	}
	p, err := n.plain.Produce(ctx, ProducerOptions{Kind: proto.Audio, RTPParameters: opus(1, "")})
	if err != nil {
		t.Fatal(err)
	}
	n.recv.Close()
	if _, err := n.recv.Consume(ctx, ConsumerOptions{ProducerID: p.ID(), RTPCapabilities: n.router.RTPCapabilities()}); codeOf(err) != proto.CodeInvalidState {
		t.Errorf("consume: %v", err)
	}
	n.router.Close()
	for what, err := range map[string]error{
		"WebRTC transport": errOf(n.router.CreateWebRTCTransport(ctx, WebRTCTransportOptions{ListenInfos: listen})),
		"plain transport":  errOf(n.router.CreatePlainTransport(ctx, PlainTransportOptions{ListenInfo: listen[0]})),
		"speakers":         errOf(n.router.CreateActiveSpeakerObserver(ctx, ActiveSpeakerObserverOptions{})),
		"observer":         errOf(n.router.CreateAudioLevelObserver(ctx, AudioLevelObserverOptions{})),
	} {
		if codeOf(err) != proto.CodeInvalidState {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func errOf[V any](_ V, err error) error { return err }

// What the worker refuses leaves nothing behind.
func TestRefusedByWorker(t *testing.T) {
	f, w := newFake(t)
	no := proto.Failed(proto.CodeNoPort, "no")
	r := newRouter(t, w, nil)
	tr := newTransportIn(t, r, WebRTCTransportOptions{})
	p, err := tr.Produce(t.Context(), ProducerOptions{Kind: proto.Audio, RTPParameters: opus(1, "")})
	if err != nil {
		t.Fatal(err)
	}
	objects := len(w.objects)
	for _, m := range []string{
		proto.WorkerCreateRouter, proto.WorkerCreateWebRTCServer, proto.RouterCreateWebRTCTransport, proto.RouterCreatePlainTransport,
		proto.RouterCreateAudioLevelObserver, proto.RouterCreateActiveSpeakerObserver, proto.TransportProduce, proto.TransportConsume, proto.ProducerPause, proto.ConsumerPause,
		proto.WebRTCTransportConnect, proto.TransportRestartICE,
	} {
		f.refuse[m] = no
	}
	ctx := t.Context()
	for what, err := range map[string]error{
		"router":          errOf(w.CreateRouter(ctx, RouterOptions{MediaCodecs: codecs})),
		"server":          errOf(w.CreateWebRTCServer(ctx, listen)),
		"transport":       errOf(r.CreateWebRTCTransport(ctx, WebRTCTransportOptions{ListenInfos: listen})),
		"plain transport": errOf(r.CreatePlainTransport(ctx, PlainTransportOptions{ListenInfo: listen[0]})),
		"observer":        errOf(r.CreateAudioLevelObserver(ctx, AudioLevelObserverOptions{})),
		"speakers":        errOf(r.CreateActiveSpeakerObserver(ctx, ActiveSpeakerObserverOptions{})),
		"producer":        errOf(tr.Produce(ctx, ProducerOptions{Kind: proto.Audio, RTPParameters: opus(2, "")})),
		"consumer":        errOf(tr.Consume(ctx, ConsumerOptions{ProducerID: p.ID(), RTPCapabilities: r.RTPCapabilities()})),
		"pause":           p.Pause(ctx),
		"connect":         tr.Connect(ctx, proto.DTLSParameters{}),
		"restart of ICE":  errOf(tr.RestartICE(ctx)),
	} {
		if codeOf(err) != proto.CodeNoPort {
			t.Errorf("%s: %v", what, err)
		}
	}
	if len(w.objects) != objects || w.Load() != 1 || w.Routers() != 1 || p.Paused() {
		t.Errorf("%d objects, load %d, %d routers, paused %t", len(w.objects), w.Load(), w.Routers(), p.Paused())
	}
}

// A worker that ends while something is being made takes it along.
func TestEndWhileMaking(t *testing.T) {
	f, w := newFake(t)
	r := newRouter(t, w, nil)
	tr := newTransportIn(t, r, WebRTCTransportOptions{})
	asked := make(chan struct{})
	release := make(chan struct{})
	f.before[proto.TransportProduce] = func(string) {
		close(asked)
		<-release
	}
	made := make(chan error, 1)
	go func() {
		_, err := tr.Produce(t.Context(), ProducerOptions{Kind: proto.Audio, RTPParameters: opus(1, "")})
		made <- err
	}()
	<-asked
	tr.mu.Lock()
	known := len(tr.producers)
	tr.mu.Unlock()
	if known != 1 {
		t.Error("a producer that is being made is not known to its transport")
	}
	go w.Detach()
	select {
	case err := <-made:
		if err == nil {
			t.Error("it was made")
		}
	case <-time.After(10 * time.Second):
		t.Error("it waits for ever")
	}
	close(release)
	<-w.Done()
	if w.Load() != 0 {
		t.Errorf("load %d", w.Load())
	}
}
