package router

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gazpacho/proto"
)

// model is what should be in the router.
type model struct {
	*world
	transports map[string]bool
	producers  map[string]string    // transport
	consumers  map[string][2]string // transport, producer
	observers  map[string]bool
	attached   map[[2]string]bool // observer, producer
	ssrc       uint32
	want       []string // events to come
}

// Any sequence of requests, most of them sensible, leaves the router as the model has it, and closing it leaves nothing.
func TestRouterAgainstModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := &model{
			world: newWorld(t), transports: map[string]bool{}, producers: map[string]string{}, consumers: map[string][2]string{},
			observers: map[string]bool{}, attached: map[[2]string]bool{},
		}
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			m.step(rt)
			m.now = m.now.Add(100 * time.Millisecond)
			m.timers.Advance(m.now)
			m.compare(rt)
		}
		m.router.Close(m.now)
		if events := m.take(); len(events) != 0 {
			rt.Errorf("closing the router told %v", events)
		}
		m.empty()
		if t.Failed() {
			rt.FailNow()
		}
	})
}

// id draws one of few, so that they meet.
func id(rt *rapid.T, kind string) string {
	return fmt.Sprintf("%s%d", kind, rapid.IntRange(0, 3).Draw(rt, kind))
}

// try sends a request and checks that it succeeds exactly when it should; it returns whether it did.
func (m *model) try(rt *rapid.T, should bool, method, id string, body any) bool {
	_, err := m.ask(method, id, body)
	if (err == nil) != should {
		rt.Fatalf("%s of %s %+v: %v, should succeed: %v", method, id, body, err, should)
	}
	return err == nil
}

func (m *model) step(rt *rapid.T) {
	switch rapid.IntRange(0, 10).Draw(rt, "what") {
	case 0, 1:
		m.createTransport(rt)
	case 2, 3:
		m.produce(rt)
	case 4, 5:
		m.consume(rt)
	case 6:
		m.observe(rt)
	case 7:
		c, t := id(rt, "c"), id(rt, "t")
		if m.try(rt, m.consumers[c][0] == t, proto.TransportCloseConsumer, t, proto.CloseConsumer{ConsumerID: c}) {
			delete(m.consumers, c)
		}
	case 8:
		p, t := id(rt, "p"), id(rt, "t")
		if m.try(rt, m.producers[p] == t, proto.TransportCloseProducer, t, proto.CloseProducer{ProducerID: p}) {
			m.endProducer(p)
		}
	case 9:
		t := id(rt, "t")
		if m.try(rt, m.transports[t], proto.RouterCloseTransport, "r", proto.CloseTransport{TransportID: t}) {
			m.endTransport(t)
		}
	case 10:
		o := id(rt, "o")
		if m.try(rt, m.observers[o], proto.RouterCloseRTPObserver, "r", proto.CloseRTPObserver{RTPObserverID: o}) {
			delete(m.observers, o)
			maps.DeleteFunc(m.attached, func(k [2]string, _ bool) bool { return k[0] == o })
		}
	}
}

func (m *model) createTransport(rt *rapid.T) {
	t := id(rt, "t")
	var ok bool
	switch rapid.IntRange(0, 3).Draw(rt, "kind") {
	case 0:
		ok = m.try(rt, !m.transports[t], proto.RouterCreatePlainTransport, "r", plainOptions(t))
	case 1:
		ok = m.try(rt, !m.transports[t], proto.RouterCreatePipeTransport, "r", proto.PipeTransportOptions{TransportID: t, ListenInfo: plainOptions(t).ListenInfo})
	case 2:
		ok = m.try(rt, !m.transports[t], proto.RouterCreateDirectTransport, "r", proto.DirectTransportOptions{TransportID: t})
	default:
		ok = m.try(rt, !m.transports[t], proto.RouterCreateWebRTCTransportWithServer, "r", proto.WebRTCTransportOptions{TransportID: t, WebRTCServerID: "server"})
	}
	if ok {
		m.transports[t] = true
	}
}

func (m *model) produce(rt *rapid.T) {
	t, p := id(rt, "t"), id(rt, "p")
	m.ssrc++
	kind := proto.Audio
	if p == "p0" {
		kind = proto.Video
	}
	if m.try(rt, m.transports[t] && m.producers[p] == "", proto.TransportProduce, t, produce(p, kind, m.ssrc)) {
		m.producers[p] = t
	}
}

func (m *model) consume(rt *rapid.T) {
	t, p, c := id(rt, "t"), id(rt, "p"), id(rt, "c")
	m.ssrc++
	kind := proto.Audio
	if p == "p0" {
		kind = proto.Video
	}
	_, taken := m.consumers[c]
	if m.try(rt, m.transports[t] && m.producers[p] != "" && !taken, proto.TransportConsume, t, consume(c, p, kind, m.ssrc, 1)) {
		m.consumers[c] = [2]string{t, p}
	}
}

func (m *model) observe(rt *rapid.T) {
	o, p := id(rt, "o"), id(rt, "p")
	key := [2]string{o, p}
	switch rapid.IntRange(0, 2).Draw(rt, "observe") {
	case 0:
		if m.try(rt, !m.observers[o], proto.RouterCreateAudioLevelObserver, "r", proto.CreateAudioLevelObserver{RTPObserverID: o}) {
			m.observers[o] = true
		}
	case 1:
		if m.try(rt, m.observers[o] && m.producers[p] != "" && p != "p0", proto.RTPObserverAddProducer, o, proto.ObserverProducer{ProducerID: p}) {
			m.attached[key] = true
		}
	case 2:
		if m.try(rt, m.attached[key], proto.RTPObserverRemoveProducer, o, proto.ObserverProducer{ProducerID: p}) {
			delete(m.attached, key)
		}
	}
}

// endProducer takes the consumers along, and tells of them.
func (m *model) endProducer(p string) {
	for c, at := range m.consumers {
		if at[1] == p {
			m.want = append(m.want, c+" "+proto.EventConsumerProducerClose)
			delete(m.consumers, c)
		}
	}
	maps.DeleteFunc(m.attached, func(k [2]string, _ bool) bool { return k[1] == p })
	delete(m.producers, p)
}

// endTransport ends its own consumers in silence, then its producers.
func (m *model) endTransport(t string) {
	maps.DeleteFunc(m.consumers, func(_ string, at [2]string) bool { return at[0] == t })
	for p, at := range m.producers {
		if at == t {
			m.endProducer(p)
		}
	}
	delete(m.transports, t)
}

// compare checks dump, ids and events.
func (m *model) compare(rt *rapid.T) {
	want := proto.RouterDump{
		ID: "r", TransportIDs: sortedKeys(m.transports), RTPObserverIDs: sortedKeys(m.observers),
	}
	d := m.router.dump()
	if !slices.Equal(d.TransportIDs, want.TransportIDs) || !slices.Equal(d.RTPObserverIDs, want.RTPObserverIDs) {
		rt.Fatalf("dump %+v, want %+v", d, want)
	}
	consumers := 0
	for _, e := range d.MapProducerIDConsumerIDs {
		if m.producers[e.Key] == "" {
			rt.Fatalf("producer %s is still there", e.Key)
		}
		for _, c := range e.Values {
			if m.consumers[c][1] != e.Key {
				rt.Fatalf("consumer %s of %s, want of %s", c, e.Key, m.consumers[c][1])
			}
			consumers++
		}
	}
	attached := 0
	for _, e := range d.MapProducerIDObserverIDs {
		for _, o := range e.Values {
			if !m.attached[[2]string{o, e.Key}] {
				rt.Fatalf("observer %s is attached to %s", o, e.Key)
			}
			attached++
		}
	}
	if len(d.MapProducerIDConsumerIDs) != len(m.producers) || consumers != len(m.consumers) || attached != len(m.attached) ||
		len(d.MapConsumerIDProducerID) != len(m.consumers) {
		rt.Fatalf("dump %+v, want producers %v, consumers %v, attached %v", d, m.producers, m.consumers, m.attached)
	}
	if ids := 1 + len(m.transports) + len(m.producers) + len(m.consumers) + len(m.observers); len(m.owners) != ids {
		rt.Fatalf("%d ids, want %d", len(m.owners), ids)
	}
	events := m.take()
	slices.Sort(events)
	slices.Sort(m.want)
	if !slices.Equal(events, m.want) {
		rt.Fatalf("events %v, want %v", events, m.want)
	}
	m.want = nil
}
