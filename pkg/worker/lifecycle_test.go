package worker_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"gazpacho/proto"
)

// lifeModel is what should live in a worker, and which events should come.
type lifeModel struct {
	*lifeWorld
	server     bool
	routers    map[string]bool
	transports map[string]*lifeTransport
	producers  map[string]*lifeProducer
	consumers  map[string]*lifeConsumer
	data       map[string]*lifeProducer // data producers
	readers    map[string]*lifeConsumer // data consumers
	observers  map[string]string        // router
	attached   map[[2]string]bool       // observer, producer

	number   uint32 // of the next SSRC or stream
	sequence uint16
	want     []string

	requests, done, closes, sent int // sent to peers of data consumers
}

type lifeTransport struct {
	router, kind string
	port         uint16 // where it takes packets
	peer         uint16 // where it sends them
	connected    bool
}

type lifeProducer struct {
	transport, kind string
	ssrc            uint32
	paused          bool
}

type lifeConsumer struct{ transport, producer string }

func newLifeModel(l *lifeWorld) *lifeModel {
	return &lifeModel{
		lifeWorld: l, routers: map[string]bool{}, transports: map[string]*lifeTransport{}, producers: map[string]*lifeProducer{},
		consumers: map[string]*lifeConsumer{}, data: map[string]*lifeProducer{}, readers: map[string]*lifeConsumer{},
		observers: map[string]string{}, attached: map[[2]string]bool{},
	}
}

// Any sequence of requests, with packets on their way and closes from within the handlers of events, succeeds or fails as the model has it, tells
// of what the model foresees and of nothing else, and leaves nothing once the routers are closed.
func TestLifeCycle(t *testing.T) {
	l := newLifeWorld(t)
	lives, total, done, closes, sent := 0, 0, 0, 0, 0
	var before *measured
	rapid.Check(t, func(rt *rapid.T) {
		m := newLifeModel(l)
		m.clear(rt)
		for range rapid.IntRange(lifeLength*soak(), 2*lifeLength*soak()).Draw(rt, "steps") {
			m.step(rt)
			if m.number%256 == 0 {
				m.look(rt)
			}
		}
		m.end(rt)
		total, done, closes, sent = total+m.requests, done+m.done, closes+m.closes, sent+m.sent
		if lives++; lives == 20 { // the first ones find out how large everything gets
			b := held(t, nil)
			before = &b
		}
	})
	after := held(t, before)
	t.Logf("%d requests, %d succeeded; %d events, %d of them with a close inside; %d goroutines, %d descriptors, heap %+d bytes", total, done, l.any,
		closes, after.goroutines, after.descriptors, after.heap-before.heap)
	if sent == 0 || l.heard[proto.EventSCTPNegotiatedCapabilities] == 0 {
		t.Errorf("%d messages went to peers; events %v", sent, l.heard)
	}
	for _, event := range []string{
		proto.EventProducerTrace, proto.EventConsumerTrace, proto.EventConsumerRTP, proto.EventProducerScore, proto.EventConsumerLayersChange,
		proto.EventSCTPStateChange, proto.EventDataConsumerMessage, proto.EventTransportListenServerClose,
		proto.EventConsumerProducerClose, proto.EventDataConsumerProducerClose, proto.EventConsumerProducerPause, proto.EventDataConsumerProducerPause,
	} {
		if l.heard[event] < 20 {
			t.Errorf("%s came %d times only, of %v", event, l.heard[event], l.heard)
		}
	}
	if after.heap-before.heap > mostPooled {
		t.Errorf("%d bytes are left, want at most %d", after.heap-before.heap, mostPooled)
	}
	if total < 100*lifeLength || done < total/3 || closes < 1000 {
		t.Errorf("only %d of %d requests succeeded, and %d closes came from within events", done, total, closes)
	}
}

// mostPooled is how much buffers in pools may differ, whose number is that of packets on their way at once; not ten bytes for a request.
const mostPooled = 512 << 10

// lifeLength is how many steps a life has at least; there are a hundred lives.
const lifeLength = 1000

// clear begins with an empty worker, whatever a life before has left that failed.
func (m *lifeModel) clear(rt *rapid.T) {
	d := proto.WorkerDump{}
	if err := m.request(request{proto.WorkerDumpMethod, "", nil}, &d); err != nil {
		rt.Fatal(err)
	}
	for _, id := range d.RouterIDs {
		m.must(rt, request{proto.WorkerCloseRouter, "", proto.CloseRouter{RouterID: id}})
	}
	for _, id := range d.WebRTCServerIDs {
		m.must(rt, request{proto.WorkerCloseWebRTCServer, "", proto.CloseWebRTCServer{WebRTCServerID: id}})
	}
	m.openServer(rt)
	m.take()
}

func (m *lifeModel) must(rt *rapid.T, q request) {
	if err := m.request(q, nil); err != nil {
		rt.Fatalf("%s: %v", q.method, err)
	}
}

func (m *lifeModel) openServer(rt *rapid.T) {
	m.must(rt, request{proto.WorkerCreateWebRTCServer, "", proto.CreateWebRTCServer{
		WebRTCServerID: "server", ListenInfos: []proto.ListenInfo{{Protocol: "udp", IP: "127.0.0.1"}},
	}})
	m.server = true
}

// end closes the routers, and looks for what is left.
func (m *lifeModel) end(rt *rapid.T) {
	for id := range m.routers {
		m.must(rt, request{proto.WorkerCloseRouter, "", proto.CloseRouter{RouterID: id}})
	}
	if m.server {
		m.must(rt, request{proto.WorkerCloseWebRTCServer, "", proto.CloseWebRTCServer{WebRTCServerID: "server"}})
	}
	var d proto.WorkerDump
	var s proto.WorkerStats
	if err := m.request(request{proto.WorkerDumpMethod, "", nil}, &d); err != nil {
		rt.Fatal(err)
	}
	if err := m.request(request{proto.WorkerGetStats, "", nil}, &s); err != nil {
		rt.Fatal(err)
	}
	o := s.Objects
	left := o.Routers + o.Producers + o.Consumers + o.DataProducers + o.DataConsumers
	for _, states := range o.Transports {
		for _, n := range states {
			left += n
		}
	}
	if ids := d.ChannelMessageHandlers.ChannelRequestHandlers; len(ids) != 0 || left != 0 {
		rt.Fatalf("left: ids %v, objects %+v", ids, o)
	}
	if events := m.take(); len(events) != 0 {
		rt.Fatalf("closing routers told %v", events)
	}
}

// id draws one of few ids of a kind, so that they meet: most often one that lives, or one that does not, as is wished.
func (m *lifeModel) id(rt *rapid.T, kind string, lives bool) string {
	n := 6
	if kind == "r" {
		n = 2
	}
	drawn, any := rapid.IntRange(0, n-1).Draw(rt, kind), rapid.IntRange(0, 7).Draw(rt, "any") == 7
	for i := range n {
		if id := fmt.Sprint(kind, (drawn+i)%n); any || m.lives(kind, id) == lives {
			return id
		}
	}
	return fmt.Sprint(kind, drawn)
}

func (m *lifeModel) lives(kind, id string) bool {
	if kind == "r" {
		return m.routers[id]
	}
	return m.parent(kind, id) != ""
}

// ask makes a request that should succeed or not, and once in a while another from within the handler of its first event.
func (m *lifeModel) ask(rt *rapid.T, should bool, q request, apply func()) {
	m.requests++
	if rapid.IntRange(0, 3).Draw(rt, "within") != 0 {
		m.judge(rt, should, q, m.request(q, nil), apply)
		m.compare(rt, q)
		return
	}
	inner, innerShould, innerApply := m.closing(rt)
	err, fired, innerErr := m.within(q, inner, false)
	m.judge(rt, should, q, err, apply)
	if fired {
		m.requests++
		m.closes++
		m.judge(rt, innerShould(), inner, innerErr, innerApply)
	}
	m.compare(rt, q)
}

// amid asks for something that changes nothing, about a producer to which packets are on their way; what they cause may close something, and the
// producer too, before or after that is answered.
func (m *lifeModel) amid(rt *rapid.T, lives func() bool, q request) {
	m.requests++
	inner, should, apply := m.closing(rt)
	err, fired, innerErr := m.within(q, inner, true)
	if fired {
		m.requests++
		m.closes++
		m.judge(rt, should(), inner, innerErr, apply)
	}
	if m.refusal(rt, q, err) != nil && lives() {
		rt.Fatalf("%s of %q: %v", q.method, q.id, err)
	}
	m.done++
	m.compare(rt, inner)
}

// judge compares what was answered with what should be, and changes the model.
func (m *lifeModel) judge(rt *rapid.T, should bool, q request, err error, apply func()) {
	refused := m.refusal(rt, q, err)
	if (refused == nil) != should {
		rt.Fatalf("%s of %q %+v: %v, should succeed: %v", q.method, q.id, q.body, err, should)
	}
	if should {
		m.done++
		apply()
	}
}

// compare checks the events.
func (m *lifeModel) compare(rt *rapid.T, q request) {
	got := m.take()
	slices.Sort(m.want)
	if !slices.Equal(got, m.want) {
		rt.Fatalf("%s of %q %+v told %v, want %v", q.method, q.id, q.body, got, m.want)
	}
	m.want = nil
}

// look compares the dumps of all routers with the model.
func (m *lifeModel) look(rt *rapid.T) {
	for id := range m.routers {
		var d proto.RouterDump
		if err := m.request(request{proto.RouterDumpMethod, id, nil}, &d); err != nil {
			rt.Fatal(err)
		}
		var want, got []string
		add := func(kind string, list *[]string, pairs ...string) {
			*list = append(*list, kind+" "+strings.Join(pairs, " "))
		}
		for t, at := range m.transports {
			if at.router == id {
				add("transport", &want, t)
			}
		}
		for o, at := range m.observers {
			if at == id {
				add("observer", &want, o)
			}
		}
		for k := range m.attached {
			if m.observers[k[0]] == id {
				add("observes", &want, k[1], k[0])
			}
		}
		for c, at := range m.consumers {
			if m.transports[at.transport].router == id {
				add("consumes", &want, at.producer, c)
			}
		}
		for c, at := range m.readers {
			if m.transports[at.transport].router == id {
				add("reads", &want, at.producer, c)
			}
		}
		for _, t := range d.TransportIDs {
			add("transport", &got, t)
		}
		for _, o := range d.RTPObserverIDs {
			add("observer", &got, o)
		}
		for kind, table := range map[string][]proto.KeyValues{
			"observes": d.MapProducerIDObserverIDs, "consumes": d.MapProducerIDConsumerIDs, "reads": d.MapDataProducerIDDataConsumerIDs,
		} {
			for _, e := range table {
				for _, value := range e.Values {
					add(kind, &got, e.Key, value)
				}
			}
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			rt.Fatalf("in router %s: %v, want %v", id, got, want)
		}
	}
}

// tell notes the events of the consumers of a producer.
func (m *lifeModel) tell(list map[string]*lifeConsumer, producer, event string) {
	for id, c := range list {
		if c.producer == producer {
			m.want = append(m.want, id+" "+event)
		}
	}
}

// endProducer takes consumers and observers along, and tells of the consumers.
func (m *lifeModel) endProducer(id string) {
	m.tell(m.consumers, id, proto.EventConsumerProducerClose)
	maps.DeleteFunc(m.consumers, func(_ string, c *lifeConsumer) bool { return c.producer == id })
	maps.DeleteFunc(m.attached, func(k [2]string, _ bool) bool { return k[1] == id })
	delete(m.producers, id)
}

func (m *lifeModel) endData(id string) {
	m.tell(m.readers, id, proto.EventDataConsumerProducerClose)
	maps.DeleteFunc(m.readers, func(_ string, c *lifeConsumer) bool { return c.producer == id })
	delete(m.data, id)
}

// endTransport ends its consumers in silence, then its producers.
func (m *lifeModel) endTransport(id string) {
	of := func(_ string, c *lifeConsumer) bool { return c.transport == id }
	maps.DeleteFunc(m.consumers, of)
	maps.DeleteFunc(m.readers, of)
	for p, at := range m.producers {
		if at.transport == id {
			m.endProducer(p)
		}
	}
	for p, at := range m.data {
		if at.transport == id {
			m.endData(p)
		}
	}
	delete(m.transports, id)
}

// endRouter ends all that is in it, in silence.
func (m *lifeModel) endRouter(id string) {
	heard := len(m.want)
	for t, at := range m.transports {
		if at.router == id {
			m.endTransport(t)
		}
	}
	maps.DeleteFunc(m.observers, func(o, router string) bool {
		maps.DeleteFunc(m.attached, func(k [2]string, _ bool) bool { return router == id && k[0] == o })
		return router == id
	})
	delete(m.routers, id)
	m.want = m.want[:heard]
}

// endObserver forgets whom it listened to.
func (m *lifeModel) endObserver(id string) {
	maps.DeleteFunc(m.attached, func(k [2]string, _ bool) bool { return k[0] == id })
	delete(m.observers, id)
}

// endServer ends the transports on it in the order of their ids, and tells of each.
func (m *lifeModel) endServer() {
	for _, id := range slices.Sorted(maps.Keys(m.transports)) {
		if m.transports[id].kind == onServer {
			m.endTransport(id)
			m.want = append(m.want, id+" "+proto.EventTransportListenServerClose)
		}
	}
	m.server = false
}
