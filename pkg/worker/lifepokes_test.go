package worker_test

import (
	"fmt"
	"time"

	"pgregory.net/rapid"

	"gazpacho/proto"
)

// poke is a request for an object that lives, which changes nothing that the model knows.
type poke struct {
	kind, method string
	body         any
}

// pokes are all such requests, but those that other steps make.
var pokes = []poke{
	{"r", proto.RouterDumpMethod, nil},
	{"t", proto.TransportDumpMethod, nil},
	{"t", proto.TransportGetStats, nil},
	{"t", proto.TransportEnableTraceEvent, proto.EnableTraceEvent{Types: []string{"bwe", "probation"}}},
	{"t", proto.TransportSetMaxIncomingBitrate, proto.SetMaxIncomingBitrate{MaxIncomingBitrate: 500_000}},
	{"t", proto.TransportSetMaxOutgoingBitrate, proto.SetMaxOutgoingBitrate{MaxOutgoingBitrate: 700_000}},
	{"t", proto.TransportSetMinOutgoingBitrate, proto.SetMinOutgoingBitrate{MinOutgoingBitrate: 40_000}},
	{"t", proto.TransportRestartICE, nil},
	{"p", proto.ProducerDumpMethod, nil},
	{"c", proto.ConsumerDumpMethod, nil},
	{"c", proto.ConsumerGetStats, nil},
	{"c", proto.ConsumerPause, nil},
	{"c", proto.ConsumerResume, nil},
	{"c", proto.ConsumerSetPreferredLayers, proto.SetPreferredLayers{PreferredLayers: proto.ConsumerLayers{SpatialLayer: 1}}},
	{"c", proto.ConsumerSetPriority, proto.SetPriority{Priority: 7}},
	{"c", proto.ConsumerRequestKeyFrame, nil},
	{"c", proto.ConsumerEnableTraceEvent, proto.EnableTraceEvent{Types: []string{"rtp", "keyframe", "pli"}}},
	{"d", proto.DataProducerDumpMethod, nil},
	{"d", proto.DataProducerGetStats, nil},
	{"e", proto.DataConsumerDumpMethod, nil},
	{"e", proto.DataConsumerGetStats, nil},
	{"e", proto.DataConsumerPause, nil},
	{"e", proto.DataConsumerResume, nil},
	{"e", proto.DataConsumerGetBufferedAmount, nil},
	{"e", proto.DataConsumerSetBufferedAmountLowThreshold, proto.SetBufferedAmountLowThreshold{Threshold: 10}},
	{"e", proto.DataConsumerSetSubchannels, proto.SetSubchannels{Subchannels: []uint16{1, 2}}},
	{"e", proto.DataConsumerAddSubchannel, proto.Subchannel{Subchannel: 3}},
	{"e", proto.DataConsumerRemoveSubchannel, proto.Subchannel{Subchannel: 1}},
	{"o", proto.RTPObserverPause, nil},
	{"o", proto.RTPObserverResume, nil},
}

func (m *lifeModel) poke(rt *rapid.T) {
	p := rapid.SampledFrom(pokes).Draw(rt, "poke")
	id := m.id(rt, p.kind, true)
	should := m.lives(p.kind, id)
	if t := m.transports[id]; p.kind == "t" && t != nil {
		switch p.method {
		case proto.TransportRestartICE:
			should = t.kind == onServer || t.kind == ownSocket
		case proto.TransportSetMaxIncomingBitrate, proto.TransportSetMaxOutgoingBitrate, proto.TransportSetMinOutgoingBitrate:
			should = t.kind != direct // whose peer is the controller
		}
	}
	if e := m.readers[id]; p.kind == "e" && e != nil {
		switch p.method {
		case proto.DataConsumerGetBufferedAmount, proto.DataConsumerSetBufferedAmountLowThreshold:
			should = m.transports[e.transport].kind != direct
		}
	}
	m.ask(rt, should, request{p.method, id, p.body}, func() {})
}

// messages sends some to a data producer by the channel, or to a data consumer's peer, and asks for something meanwhile. On direct transports they are
// events, within whose handlers something is closed.
func (m *lifeModel) messages(rt *rapid.T) {
	body := []byte(fmt.Sprint("message ", m.number))
	if rapid.Bool().Draw(rt, "of the controller's own") {
		id := m.id(rt, "e", true)
		q := request{proto.DataConsumerSend, id, proto.SendData{PPID: 51, Data: body}}
		m.requests++
		if e := m.readers[id]; e != nil {
			m.associated(rt, e.transport)
		}
		refused := m.refusal(rt, q, m.request(q, nil))
		want := proto.CodeNotFound
		if e := m.readers[id]; e != nil && m.transports[e.transport].kind == direct {
			want = proto.CodeBadField // there is nobody but the controller
		} else if e != nil {
			want = proto.CodeInvalidState // unless SCTP is connected
		}
		switch {
		case refused != nil && refused.Code != want, refused == nil && want != proto.CodeInvalidState:
			rt.Fatalf("sending to %s: %v, want %s", id, refused, want)
		case refused == nil:
			m.done++
			m.sent++
		}
		m.compare(rt, q)
		return
	}
	id := m.id(rt, "d", true)
	if m.data[id] == nil {
		m.ask(rt, false, request{proto.DataProducerGetStats, id, nil}, nil)
		return
	}
	for range 4 {
		if err := m.client.NotifyBinary(proto.NotifyDataProducerSend, id, proto.DataProducerSend{PPID: 51}, body); err != nil {
			rt.Fatal(err)
		}
	}
	m.amid(rt, func() bool { return m.data[id] != nil }, request{proto.DataProducerGetStats, id, nil})
}

// peer is where a transport is to send: to one of the worker's own, so that SCTP connects them, or to our socket.
func (m *lifeModel) peer(rt *rapid.T, t *lifeTransport) uint16 {
	if t == nil || t.port == 0 || rapid.IntRange(0, 3).Draw(rt, "alone") == 0 {
		return uint16(m.port())
	}
	port := uint16(m.port())
	for i := range 6 {
		other := m.transports[fmt.Sprint("t", i)]
		switch {
		case other == nil || other == t || other.port == 0 || other.kind != t.kind:
		case other.peer == t.port: // waits for it
			return other.port
		case !other.connected:
			port = other.port
		}
	}
	return port
}

// waits is how often the whole test waits for an association, so that some carry messages whatever the machine has to do besides.
const waits = 10

// associated waits until SCTP connects a transport with another one of the worker, if that will.
func (m *lifeModel) associated(rt *rapid.T, id string) {
	t := m.transports[id]
	joined := false
	for _, other := range m.transports {
		joined = joined || t.port != 0 && t.connected && other.connected && other.peer == t.port && t.peer == other.port
	}
	if !joined || m.waited == waits {
		return
	}
	m.waited++
	for deadline := time.Now().Add(2 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		var d struct {
			SCTPState string `json:"sctpState"`
		}
		if err := m.request(request{proto.TransportDumpMethod, id, nil}, &d); err != nil {
			rt.Fatal(err)
		}
		if d.SCTPState != proto.SCTPNew && d.SCTPState != proto.SCTPConnecting {
			return
		}
	}
}
