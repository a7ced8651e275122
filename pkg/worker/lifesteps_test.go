package worker_test

import (
	"strings"

	"pgregory.net/rapid"

	"gazpacho/proto"
)

// Kinds of transports.
const (
	onServer  = "server" // WebRTC, on the WebRtcServer
	ownSocket = "own"    // WebRTC, on a socket of its own
	plainRTP  = "plain"
	pipe      = "pipe"
	direct    = "direct"
)

// step is one request, and what goes with it. Low numbers are drawn more often than high ones.
func (m *lifeModel) step(rt *rapid.T) {
	m.number += 4
	switch rapid.IntRange(0, 35).Draw(rt, "what") {
	case 0, 1, 2:
		m.consume(rt)
	case 3, 4:
		m.produce(rt)
	case 5, 6, 7:
		q, should, apply := m.closing(rt)
		m.ask(rt, should(), q, apply)
	case 8, 9:
		m.createTransport(rt)
	case 10, 11:
		m.pause(rt)
	case 12, 13, 14:
		m.packets(rt)
	case 15, 16, 17:
		m.consumeData(rt)
	case 18, 19:
		m.produceData(rt)
	case 20, 21, 22:
		m.observe(rt)
	case 23, 24:
		m.connect(rt)
	case 25, 26:
		r := m.id(rt, "r", false)
		m.ask(rt, !m.routers[r], request{proto.WorkerCreateRouter, "", proto.CreateRouter{RouterID: r}}, func() { m.routers[r] = true })
	case 27:
		if !m.server {
			m.openServer(rt)
		}
	case 28, 29, 30, 31:
		m.poke(rt)
	case 32, 33, 34, 35:
		m.messages(rt)
	}
}

func (m *lifeModel) createTransport(rt *rapid.T) {
	id, router := m.id(rt, "t", false), m.id(rt, "r", true)
	kind := rapid.SampledFrom([]string{onServer, ownSocket, plainRTP, pipe, direct}).Draw(rt, "kind")
	listen := proto.ListenInfo{Protocol: "udp", IP: "127.0.0.1"}
	sctp := proto.SCTPOptions{EnableSCTP: true}
	q := request{id: router}
	switch kind {
	case onServer:
		q.method, q.body = proto.RouterCreateWebRTCTransportWithServer, proto.WebRTCTransportOptions{TransportID: id, WebRTCServerID: "server", SCTPOptions: sctp}
	case ownSocket:
		q.method, q.body = proto.RouterCreateWebRTCTransport, proto.WebRTCTransportOptions{TransportID: id, ListenInfos: []proto.ListenInfo{listen}, SCTPOptions: sctp}
	case plainRTP:
		q.method, q.body = proto.RouterCreatePlainTransport, proto.PlainTransportOptions{TransportID: id, ListenInfo: listen, SCTPOptions: sctp}
	case pipe:
		q.method, q.body = proto.RouterCreatePipeTransport, proto.PipeTransportOptions{TransportID: id, ListenInfo: listen, SCTPOptions: sctp}
	case direct:
		q.method, q.body = proto.RouterCreateDirectTransport, proto.DirectTransportOptions{TransportID: id}
	}
	should := m.routers[router] && m.transports[id] == nil && (kind != onServer || m.server)
	m.ask(rt, should, q, func() { m.transports[id] = &lifeTransport{router: router, kind: kind} })
	if t := m.transports[id]; should && t != nil && (kind == plainRTP || kind == pipe) {
		var d struct {
			Tuple proto.TransportTuple `json:"tuple"`
		}
		if err := m.request(request{proto.TransportDumpMethod, id, nil}, &d); err != nil {
			rt.Fatal(err)
		}
		t.port = d.Tuple.LocalPort
	}
}

func (m *lifeModel) produce(rt *rapid.T) {
	id, transport := m.id(rt, "p", false), m.id(rt, "t", true)
	kind := rapid.SampledFrom([]string{proto.Audio, proto.Video, layered}).Draw(rt, "kind")
	p := &lifeProducer{transport: transport, kind: kind, ssrc: m.number}
	m.ask(rt, m.transports[transport] != nil && m.producers[id] == nil, request{proto.TransportProduce, transport, lifeProduce(id, kind, p.ssrc)}, func() {
		m.producers[id] = p
	})
}

func (m *lifeModel) consume(rt *rapid.T) {
	id, transport, producer := m.id(rt, "c", false), m.id(rt, "t", true), m.id(rt, "p", true)
	p, t := m.producers[producer], m.transports[transport]
	should := p != nil && t != nil && m.transports[p.transport].router == t.router && m.consumers[id] == nil
	kind, mapped := proto.Audio, uint32(1)
	if p != nil {
		kind, mapped = p.kind, p.ssrc
	}
	q := request{proto.TransportConsume, transport, lifeConsume(id, producer, kind, t != nil && t.kind == pipe, mapped, m.number)}
	m.ask(rt, should, q, func() { m.consumers[id] = &lifeConsumer{transport, producer} })
}

// data is the type of data producers and consumers of a transport, and their stream.
func (m *lifeModel) dataOn(t *lifeTransport) (string, *proto.SCTPStreamParameters) {
	if t != nil && t.kind == direct {
		return proto.DataDirect, nil
	}
	return proto.DataSCTP, &proto.SCTPStreamParameters{StreamID: uint16(m.number / 4 % 60_000)}
}

func (m *lifeModel) produceData(rt *rapid.T) {
	id, transport := m.id(rt, "d", false), m.id(rt, "t", true)
	t := m.transports[transport]
	typ, stream := m.dataOn(t)
	q := request{proto.TransportProduceData, transport, proto.ProduceData{DataProducerID: id, Type: typ, SCTPStreamParameters: stream}}
	m.ask(rt, t != nil && m.data[id] == nil, q, func() { m.data[id] = &lifeProducer{transport: transport} })
}

func (m *lifeModel) consumeData(rt *rapid.T) {
	id, transport, producer := m.id(rt, "e", false), m.id(rt, "t", true), m.id(rt, "d", true)
	p, t := m.data[producer], m.transports[transport]
	should := p != nil && t != nil && m.transports[p.transport].router == t.router && m.readers[id] == nil
	typ, stream := m.dataOn(t)
	q := request{proto.TransportConsumeData, transport, proto.ConsumeData{DataConsumerID: id, DataProducerID: producer, Type: typ, SCTPStreamParameters: stream}}
	m.ask(rt, should, q, func() { m.readers[id] = &lifeConsumer{transport, producer} })
}

func (m *lifeModel) observe(rt *rapid.T) {
	what := rapid.IntRange(0, 3).Draw(rt, "observe")
	id, router, producer := m.id(rt, "o", what > 0), m.id(rt, "r", true), m.id(rt, "p", true)
	p, key := m.producers[producer], [2]string{id, producer}
	switch what {
	case 0:
		q := request{proto.RouterCreateAudioLevelObserver, router, proto.CreateAudioLevelObserver{RTPObserverID: id}}
		if m.number&4 != 0 {
			q = request{proto.RouterCreateActiveSpeakerObserver, router, proto.CreateActiveSpeakerObserver{RTPObserverID: id}}
		}
		m.ask(rt, m.routers[router] && m.observers[id] == "", q, func() { m.observers[id] = router })
	case 1, 2:
		should := m.observers[id] != "" && p != nil && p.kind == proto.Audio && m.transports[p.transport].router == m.observers[id]
		m.ask(rt, should, request{proto.RTPObserverAddProducer, id, proto.ObserverProducer{ProducerID: producer}}, func() { m.attached[key] = true })
	case 3:
		m.ask(rt, m.attached[key], request{proto.RTPObserverRemoveProducer, id, proto.ObserverProducer{ProducerID: producer}}, func() { delete(m.attached, key) })
	}
}

// pause pauses or resumes a producer of either kind; its consumers are told if that is news.
func (m *lifeModel) pause(rt *rapid.T) {
	pause, kind := rapid.Bool().Draw(rt, "pause"), rapid.SampledFrom([]string{"p", "d"}).Draw(rt, "media or data")
	id := m.id(rt, kind, true)
	p, list := m.producers[id], m.consumers
	methods := [2]string{proto.ProducerResume, proto.ProducerPause}
	events := [2]string{proto.EventConsumerProducerResume, proto.EventConsumerProducerPause}
	if kind == "d" {
		p, list = m.data[id], m.readers
		methods = [2]string{proto.DataProducerResume, proto.DataProducerPause}
		events = [2]string{proto.EventDataConsumerProducerResume, proto.EventDataConsumerProducerPause}
	}
	which := 0
	if pause {
		which = 1
	}
	m.ask(rt, p != nil, request{methods[which], id, nil}, func() {
		if p.paused != pause {
			p.paused = pause
			m.tell(list, id, events[which])
		}
	})
}

// connect connects a transport: plain ones and pipes to our socket, others to nobody.
func (m *lifeModel) connect(rt *rapid.T) {
	id := m.id(rt, "t", true)
	t := m.transports[id]
	port := m.peer(rt, t)
	kind := plainRTP
	if t != nil {
		kind = t.kind
	}
	q := request{id: id}
	switch kind {
	case pipe:
		q.method, q.body = proto.PipeTransportConnect, proto.ConnectPipeTransport{IP: "127.0.0.1", Port: port}
	case onServer, ownSocket:
		q.method, q.body = proto.WebRTCTransportConnect, proto.ConnectWebRTCTransport{DTLSParameters: proto.DTLSParameters{
			Fingerprints: []proto.DTLSFingerprint{{Algorithm: "sha-256", Value: strings.Repeat("AB:", 31) + "AB"}},
		}}
	default:
		q.method, q.body = proto.PlainTransportConnect, proto.ConnectPlainTransport{IP: "127.0.0.1", Port: port}
	}
	m.ask(rt, t != nil && t.kind != direct && !t.connected, q, func() { t.connected, t.peer = true, port })
}

// packets sends media to a producer, by the network or by the channel, and asks for something meanwhile. Traces make events of it.
func (m *lifeModel) packets(rt *rapid.T) {
	id := m.id(rt, "p", true)
	p := m.producers[id]
	if p == nil {
		m.ask(rt, false, request{proto.ProducerGetStats, id, nil}, nil)
		return
	}
	payloadType := byte(100)
	if p.kind != proto.Audio {
		payloadType = 101
	}
	m.ask(rt, true, request{proto.ProducerEnableTraceEvent, id, proto.EnableTraceEvent{Types: []string{"rtp", "keyframe"}}}, func() {})
	if m.producers[id] == nil {
		return // was closed
	}
	t := m.transports[p.transport]
	for range 4 {
		m.sequence++
		b := m.rtp(p.ssrc, payloadType, m.sequence)
		if t.kind != direct {
			m.send(t.port, b) // of a transport without one, to nobody
		} else if err := m.client.NotifyBinary(proto.NotifyProducerSend, id, nil, b); err != nil {
			rt.Fatal(err)
		}
	}
	m.amid(rt, func() bool { return m.producers[id] != nil }, request{proto.ProducerGetStats, id, nil})
}

// closing draws something to close. Whether that should succeed is asked when the worker has carried out what is before it.
func (m *lifeModel) closing(rt *rapid.T) (q request, should func() bool, apply func()) {
	kind := rapid.SampledFrom([]string{"c", "p", "e", "d", "t", "o", "c", "p", "t", "c", "e", "o", "t", "server", "r"}).Draw(rt, "close")
	id := m.id(rt, kind, true)
	on := m.parent(kind, id)
	if rapid.IntRange(0, 7).Draw(rt, "elsewhere") == 0 {
		on = m.id(rt, "t", true)
	}
	switch kind {
	case "r":
		return request{proto.WorkerCloseRouter, "", proto.CloseRouter{RouterID: id}}, func() bool { return m.routers[id] }, func() { m.endRouter(id) }
	case "server":
		q, should = request{proto.WorkerCloseWebRTCServer, "", proto.CloseWebRTCServer{WebRTCServerID: kind}}, func() bool { return m.server }
		return q, should, m.endServer
	case "t":
		q, apply = request{proto.RouterCloseTransport, on, proto.CloseTransport{TransportID: id}}, func() { m.endTransport(id) }
	case "p":
		q, apply = request{proto.TransportCloseProducer, on, proto.CloseProducer{ProducerID: id}}, func() { m.endProducer(id) }
	case "c":
		q, apply = request{proto.TransportCloseConsumer, on, proto.CloseConsumer{ConsumerID: id}}, func() { delete(m.consumers, id) }
	case "d":
		q, apply = request{proto.TransportCloseDataProducer, on, proto.CloseDataProducer{DataProducerID: id}}, func() { m.endData(id) }
	case "e":
		q, apply = request{proto.TransportCloseDataConsumer, on, proto.CloseDataConsumer{DataConsumerID: id}}, func() { delete(m.readers, id) }
	case "o":
		q, apply = request{proto.RouterCloseRTPObserver, on, proto.CloseRTPObserver{RTPObserverID: id}}, func() { m.endObserver(id) }
	}
	return q, func() bool { return on != "" && m.parent(kind, id) == on }, apply
}

// parent is what an object is on or in, if it lives.
func (m *lifeModel) parent(kind, id string) string {
	switch kind {
	case "t":
		if t := m.transports[id]; t != nil {
			return t.router
		}
	case "p", "d":
		if p := map[string]map[string]*lifeProducer{"p": m.producers, "d": m.data}[kind][id]; p != nil {
			return p.transport
		}
	case "c", "e":
		if c := map[string]map[string]*lifeConsumer{"c": m.consumers, "e": m.readers}[kind][id]; c != nil {
			return c.transport
		}
	}
	return m.observers[id]
}
