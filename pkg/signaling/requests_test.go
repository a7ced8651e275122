package signaling

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"gazpacho/pkg/room"
	"gazpacho/proto"
)

// fingerprint is some certificate's.
const fingerprint = "82:5A:68:3D:36:C3:0A:DE:AF:E7:32:43:D2:88:83:57:AC:2D:65:E5:80:C4:B6:FB:AF:1A:A0:21:9F:6D:0C:AD"

func dtls() map[string]any {
	return map[string]any{"role": "client", "fingerprints": []any{map[string]any{"algorithm": "sha-256", "value": fingerprint}}}
}

// pair is two peers of a room, of which one sends audio and video to the other.
type pair struct {
	from, to     *joined
	audio, video string    // producers
	consumers    [2]string // of the two
}

func newPair(w *world, roomID string) pair {
	w.t.Helper()
	p := pair{from: w.join(roomID, "from"), to: w.join(roomID, "to")}
	p.from.next("newPeer", nil)
	p.audio, p.video = p.from.produce("audio", 1000), p.from.produce("video", 2000)
	for i := range p.consumers {
		var c struct{ ID string }
		p.to.next("newConsumer", &c)
		p.consumers[i] = c.ID
	}
	// A consumer's first score says that it was resumed.
	p.to.next("consumerScore", nil)
	p.to.next("consumerScore", nil)
	return p
}

func TestEveryRequest(t *testing.T) {
	w := newWorld(t)
	p := newPair(w, "r")
	from, to, audio, video := p.from, p.to, p.audio, p.video
	var caps proto.RTPCapabilities
	from.must("getRouterRtpCapabilities", nil, &caps)
	if len(caps.Codecs) != 1+2*(len(room.DefaultMediaCodecs())-1) || caps.Codecs[0].MimeType != "audio/opus" || len(caps.HeaderExtensions) == 0 {
		t.Errorf("router capabilities are %+v", caps)
	}
	from.must("connectWebRtcTransport", map[string]any{"transportId": from.send, "dtlsParameters": dtls()}, nil)
	var ice proto.ICEParameters
	from.must("restartIce", map[string]any{"transportId": from.send}, &ice)
	if ice.UsernameFragment == "" || ice.Password == "" || !ice.ICELite {
		t.Errorf("restarted ICE has %+v", ice)
	}
	for _, m := range []string{"pauseProducer", "resumeProducer"} {
		from.must(m, map[string]any{"producerId": video}, nil)
	}
	var about struct{ ConsumerID string }
	if to.next("consumerPaused", &about); about.ConsumerID != p.consumers[1] {
		t.Errorf("consumerPaused of %q, want %q", about.ConsumerID, p.consumers[1])
	}
	if to.next("consumerResumed", &about); about.ConsumerID != p.consumers[1] {
		t.Errorf("consumerResumed of %q, want %q", about.ConsumerID, p.consumers[1])
	}
	id := map[string]any{"consumerId": p.consumers[1]}
	for _, m := range []string{"pauseConsumer", "resumeConsumer", "requestConsumerKeyFrame"} {
		to.must(m, id, nil)
	}
	to.must("setConsumerPreferredLayers", map[string]any{"consumerId": p.consumers[1], "spatialLayer": 0, "temporalLayer": 0}, nil)
	to.must("setConsumerPriority", map[string]any{"consumerId": p.consumers[1], "priority": 2}, nil)
	checkStats(t, p)

	from.must("changeDisplayName", map[string]any{"displayName": "Nuria"}, nil)
	var renamed struct{ PeerID, DisplayName, OldDisplayName string }
	to.next("peerDisplayNameChanged", &renamed)
	if renamed.PeerID != "from" || renamed.DisplayName != "Nuria" || renamed.OldDisplayName != "from" {
		t.Errorf("peerDisplayNameChanged says %+v", renamed)
	}
	from.must("closeProducer", map[string]any{"producerId": audio}, nil)
	if to.next("consumerClosed", &about); about.ConsumerID != p.consumers[0] {
		t.Errorf("consumerClosed of %q, want %q", about.ConsumerID, p.consumers[0])
	}
	from.refused("pauseProducer", map[string]any{"producerId": audio}, 404, "NotFoundError")
	to.refused("pauseConsumer", map[string]any{"consumerId": p.consumers[0]}, 404, "NotFoundError")
}

func checkStats(t *testing.T, p pair) {
	t.Helper()
	var transports []proto.WebRTCTransportStats
	p.from.must("getTransportStats", map[string]any{"transportId": p.from.send}, &transports)
	if len(transports) != 1 || transports[0].TransportID != p.from.send || transports[0].Type != "webrtc-transport" {
		t.Errorf("transport stats are %+v", transports)
	}
	var streams []proto.RTPStreamStats
	p.from.must("getProducerStats", map[string]any{"producerId": p.video}, &streams)
	if streams == nil {
		t.Error("producer stats are no list")
	}
	p.to.must("getConsumerStats", map[string]any{"consumerId": p.consumers[1]}, &streams)
	if len(streams) == 0 || streams[0].Type != "outbound-rtp" || streams[0].Kind != "video" {
		t.Errorf("consumer stats are %+v", streams)
	}
}

// A transport that is forced to TCP has no UDP candidate, and mediasoup-client finds all it reads.
func TestTransportInfo(t *testing.T) {
	w := newWorld(t)
	c := w.dial("r", "p")
	for _, tcp := range []bool{false, true} {
		var info struct {
			ID             string
			ICEParameters  proto.ICEParameters
			ICECandidates  []proto.ICECandidate
			DTLSParameters proto.DTLSParameters
		}
		c.must("createWebRtcTransport", map[string]any{"forceTcp": tcp, "producing": true, "sctpCapabilities": map[string]any{"numStreams": nil}}, &info)
		protocols := map[string]bool{}
		for _, candidate := range info.ICECandidates {
			protocols[candidate.Protocol] = true
			if candidate.Address != "127.0.0.1" || candidate.IP != candidate.Address || candidate.Port == 0 || candidate.Type != "host" {
				t.Errorf("candidate %+v", candidate)
			}
		}
		if !protocols["tcp"] || protocols["udp"] == tcp {
			t.Errorf("forceTcp %t: candidates of %v", tcp, protocols)
		}
		if info.ID == "" || !info.ICEParameters.ICELite || info.DTLSParameters.Role != "auto" || len(info.DTLSParameters.Fingerprints) == 0 {
			t.Errorf("transport is %+v", info)
		}
	}
}

// Requests a peer may make that are about something it must have.
var aboutIDs = []struct {
	method, field, kind string
	more                string
}{
	{"connectWebRtcTransport", "transportId", "transport", `,"dtlsParameters":{"fingerprints":[{"algorithm":"sha-256","value":"` + fingerprint + `"}]}`},
	{"restartIce", "transportId", "transport", ""},
	{"getTransportStats", "transportId", "transport", ""},
	{"produce", "transportId", "transport", `,"kind":"audio","rtpParameters":` + strings.ReplaceAll(parameters("audio", 77), "\n", "")},
	{"closeProducer", "producerId", "producer", ""},
	{"pauseProducer", "producerId", "producer", ""},
	{"resumeProducer", "producerId", "producer", ""},
	{"getProducerStats", "producerId", "producer", ""},
	{"pauseConsumer", "consumerId", "consumer", ""},
	{"resumeConsumer", "consumerId", "consumer", ""},
	{"setConsumerPreferredLayers", "consumerId", "consumer", `,"spatialLayer":0,"temporalLayer":0`},
	{"setConsumerPriority", "consumerId", "consumer", `,"priority":1`},
	{"requestConsumerKeyFrame", "consumerId", "consumer", ""},
	{"getConsumerStats", "consumerId", "consumer", ""},
	{"produceData", "transportId", "transport", `,"sctpStreamParameters":{"streamId":1},"label":"chat"`},
	{"getDataProducerStats", "dataProducerId", "dataProducer", ""},
	{"getDataConsumerStats", "dataConsumerId", "dataConsumer", ""},
}

// SECURITY.md R-WS-3: every id in a request is resolved inside the caller's room and role.
func TestForeignIDs(t *testing.T) {
	w := newWorld(t)
	p := newPair(w, "r")
	stranger, mate := w.join("other", "stranger"), w.join("r", "mate")
	ids := map[string][]string{
		"transport": {p.from.send, p.to.recv}, "producer": {p.audio, p.video}, "consumer": {p.consumers[0], p.consumers[1]},
		"dataProducer": {p.audio}, "dataConsumer": {p.consumers[0]},
	}
	for _, r := range aboutIDs {
		for _, id := range append(ids[r.kind], "", "no-such-id") {
			for _, c := range []*joined{stranger, mate} {
				m := c.askRaw(r.method, fmt.Sprintf(`{%q:%q%s}`, r.field, id, r.more))
				if m.OK || m.ErrorCode != 404 || !strings.HasPrefix(m.ErrorReason, "NotFoundError: ") {
					t.Errorf("%s of %q by %s: ok %t, %d %s", r.method, id, c.send, m.OK, m.ErrorCode, m.ErrorReason)
				}
			}
		}
		// A wrong type is told from an id that is not there.
		m := mate.askRaw(r.method, fmt.Sprintf(`{%q:7%s}`, r.field, r.more))
		if m.ErrorCode != 400 || !strings.Contains(m.ErrorReason, r.field) {
			t.Errorf("%s of 7: %d %s", r.method, m.ErrorCode, m.ErrorReason)
		}
	}
	// Nothing of it has touched those who were named.
	p.from.must("pauseProducer", map[string]any{"producerId": p.audio}, nil)
	p.to.must("pauseConsumer", map[string]any{"consumerId": p.consumers[0]}, nil)
	p.from.must("getTransportStats", map[string]any{"transportId": p.from.send}, nil)
}

func TestNotJoined(t *testing.T) {
	w := newWorld(t)
	c := w.dial("r", "p")
	id := c.transport(map[string]any{"producing": true})
	for _, r := range []struct {
		method string
		data   map[string]any
	}{
		{"produce", map[string]any{"transportId": id, "kind": "audio", "rtpParameters": json.RawMessage(parameters("audio", 1))}},
		{"closeProducer", map[string]any{"producerId": "x"}},
		{"pauseProducer", map[string]any{"producerId": "x"}},
		{"resumeProducer", map[string]any{"producerId": "x"}},
		{"pauseConsumer", map[string]any{"consumerId": "x"}},
		{"resumeConsumer", map[string]any{"consumerId": "x"}},
		{"setConsumerPreferredLayers", map[string]any{"consumerId": "x"}},
		{"setConsumerPriority", map[string]any{"consumerId": "x", "priority": 1}},
		{"requestConsumerKeyFrame", map[string]any{"consumerId": "x"}},
		{"changeDisplayName", map[string]any{"displayName": "x"}},
		{"produceData", map[string]any{"transportId": id, "sctpStreamParameters": map[string]any{"streamId": 1}, "label": "chat"}},
	} {
		c.refused(r.method, r.data, 403, "InvalidStateError: ")
	}
	// Who has not joined is not seen.
	if j := w.join("r", "q"); len(j.peers) != 0 || c.count("newPeer") != 0 {
		t.Errorf("a peer that has not joined meets %v, and is told of %d", j.peers, c.count("newPeer"))
	}
}

func TestRefusals(t *testing.T) {
	w := newWorld(t)
	p := newPair(w, "r")
	j, consumer := p.from, p.consumers[1]
	opus := json.RawMessage(parameters("audio", 1))
	h265 := json.RawMessage(strings.Replace(parameters("video", 9), "video/VP8", "video/H265", 1))
	long := strings.Repeat("x", 300)
	for _, r := range []struct {
		method string
		data   any
		code   int
		text   string
	}{
		{"noSuchMethod", nil, 404, `NotFoundError: unknown request method "noSuchMethod"`},
		{strings.Repeat("m", 500), nil, 404, "…"},
		{"join", map[string]any{"displayName": "again"}, 403, "InvalidStateError: "},
		{"produceData", map[string]any{"transportId": j.send, "label": "chat"}, 400, "sctpStreamParameters"},
		{"produceData", map[string]any{"transportId": j.send, "sctpStreamParameters": map[string]any{"streamId": -1}}, 400, "streamId"},
		{"produceData", map[string]any{"transportId": j.send, "sctpStreamParameters": map[string]any{"streamId": 1}, "label": strings.Repeat("x", 2000)}, 400, "label"},
		{"applyNetworkThrottle", map[string]any{"secret": "s", "uplink": 1}, 501, "UnsupportedError: "},
		{"resetNetworkThrottle", map[string]any{"secret": "s"}, 501, "UnsupportedError: "},
		{"produce", map[string]any{"transportId": j.send, "kind": "smell", "rtpParameters": opus}, 400, "TypeError: "},
		{"produce", map[string]any{"transportId": j.send, "kind": "audio"}, 400, "rtpParameters"},
		{"produce", map[string]any{"transportId": j.send, "kind": "audio", "rtpParameters": 5}, 400, "rtpParameters"},
		{"produce", map[string]any{"transportId": j.send, "kind": "video", "rtpParameters": h265}, 501, "video/H265"},
		{"produce", map[string]any{"transportId": j.send, "kind": "audio", "rtpParameters": opus, "appData": 7}, 400, "appData"},
		{"connectWebRtcTransport", map[string]any{"transportId": j.recv}, 400, "dtlsParameters"},
		{"connectWebRtcTransport", map[string]any{"transportId": j.recv, "dtlsParameters": map[string]any{"fingerprints": []any{}}}, 400, "TypeError: "},
		{"changeDisplayName", map[string]any{"displayName": long}, 400, "displayName"},
		{"changeDisplayName", map[string]any{"displayName": 7}, 400, "displayName"},
	} {
		j.refused(r.method, r.data, r.code, r.text)
	}
	p.to.refused("setConsumerPreferredLayers", map[string]any{"consumerId": consumer, "spatialLayer": -1}, 400, "spatialLayer")
	p.to.refused("setConsumerPreferredLayers", map[string]any{"consumerId": consumer, "temporalLayer": -1}, 400, "temporalLayer")
	p.to.refused("setConsumerPreferredLayers", map[string]any{"consumerId": consumer, "spatialLayer": "high"}, 400, "spatialLayer")
	p.to.refused("setConsumerPriority", map[string]any{"consumerId": consumer, "priority": 0}, 400, "priority")
	p.to.refused("setConsumerPriority", map[string]any{"consumerId": consumer, "priority": 256}, 400, "priority")
	c := w.dial("r", "late")
	for _, r := range []struct {
		data any
		text string
	}{
		{map[string]any{"displayName": long}, "displayName"},
		{map[string]any{"displayName": "d", "device": "phone"}, "device"},
		{map[string]any{"displayName": "d", "device": map[string]any{"name": strings.Repeat("x", 5000)}}, "device"},
		{map[string]any{"displayName": "d", "rtpCapabilities": "all"}, "rtpCapabilities"},
		{map[string]any{"displayName": "d", "rtpCapabilities": map[string]any{"codecs": []any{map[string]any{"mimeType": "opus"}}}}, "rtpCapabilities.codecs[0].mimeType"},
	} {
		c.refused("join", r.data, 400, r.text)
	}
	c.must("join", map[string]any{"displayName": "d"}, nil) // no refusal has joined it
}

// A peer without capabilities is offered nothing, and neither is one without a transport to receive on.
func TestWhoConsumes(t *testing.T) {
	w := newWorld(t)
	p := newPair(w, "r")
	deaf := w.dial("r", "deaf")
	deaf.transport(map[string]any{"consuming": true})
	deaf.must("join", map[string]any{"displayName": "deaf"}, nil)
	var caps json.RawMessage
	deaf.must("getRouterRtpCapabilities", nil, &caps)
	homeless := w.dial("r", "homeless")
	homeless.transport(map[string]any{"producing": true})
	homeless.must("join", map[string]any{"displayName": "homeless", "rtpCapabilities": caps}, nil)
	onlyAudio := w.dial("r", "audio")
	onlyAudio.transport(map[string]any{"consuming": true})
	var all proto.RTPCapabilities
	if err := json.Unmarshal(caps, &all); err != nil {
		t.Fatal(err)
	}
	all.Codecs = all.Codecs[:1]
	onlyAudio.must("join", map[string]any{"displayName": "audio", "rtpCapabilities": all}, nil)
	// What came before the join and what comes after it.
	p.from.produce("audio", 3000)
	for range 2 {
		var c struct{ Kind string }
		if onlyAudio.next("newConsumer", &c); c.Kind != "audio" {
			t.Errorf("a peer that knows only Opus is offered %s", c.Kind)
		}
	}
	late := w.join("r", "last") // by its third consumer the others' would have come
	for range 3 {
		late.next("newConsumer", nil)
	}
	if n := deaf.count("newConsumer") + homeless.count("newConsumer"); n != 0 {
		t.Errorf("%d consumers for peers that cannot receive", n)
	}
}

// Consumers come in the order in which the producers were made, replicas one after the other.
func TestOrderAndReplicas(t *testing.T) {
	w := newWorld(t)
	from := &joined{client: w.connect("roomId=r&peerId=from&consumerReplicas=2")}
	from.enter("from")
	var producers []string
	for i := range 6 {
		producers = append(producers, from.produce("audio", 1000+i))
	}
	to := w.join("r", "to")
	var got []string
	for range 3 * len(producers) {
		var c struct{ ProducerID string }
		to.next("newConsumer", &c)
		got = append(got, c.ProducerID)
	}
	var want []string
	for _, id := range producers {
		want = append(want, id, id, id)
	}
	if !slices.Equal(got, want) {
		t.Errorf("consumers come as %v, want %v", got, want)
	}
}

// A consumer begins when the client agrees; one that is refused is gone.
func TestRefusedConsumer(t *testing.T) {
	w := newWorld(t)
	from := w.join("r", "from")
	to := w.dial("r", "to")
	to.answer = func(_ string, data json.RawMessage) (int, string) {
		if strings.Contains(string(data), `"kind":"video"`) {
			return 500, "no decoder"
		}
		return 0, ""
	}
	j := &joined{client: to}
	j.enter("to")
	from.produce("video", 2000)
	from.produce("audio", 1000)
	var video, audio struct{ ID string }
	to.next("newConsumer", &video)
	to.next("newConsumer", &audio)
	to.next("consumerScore", nil) // the audio consumer was resumed
	to.must("getConsumerStats", map[string]any{"consumerId": audio.ID}, nil)
	for { // the refusal is under way
		m := to.ask("getConsumerStats", map[string]any{"consumerId": video.ID})
		if m.ErrorCode == 404 {
			break
		}
		if !m.OK {
			t.Fatalf("%d %s", m.ErrorCode, m.ErrorReason)
		}
	}
}

func TestLimits(t *testing.T) {
	w := newWorld(t)
	j := w.join("r", "p")
	for range 6 {
		j.transport(map[string]any{})
	}
	j.refused("createWebRtcTransport", nil, 429, "transports")
	for i := range 32 {
		j.produce("audio", 1000+i)
	}
	j.refused("produce", map[string]any{"transportId": j.send, "kind": "audio", "rtpParameters": json.RawMessage(parameters("audio", 1))}, 429, "producers")
}
