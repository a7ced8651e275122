package signaling

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"gazpacho/pkg/auth"
	"gazpacho/pkg/room"
)

// victim is a room with all that one can have: a sender, a receiver and a broadcaster that does both.
type victim struct {
	w            *world
	id           string
	from, to     *joined
	boss         *client
	audio, video string // producers of from
	data         string // data producer of from
	consumers    [2]string
	dataConsumer string

	transport    string // the broadcaster's, with all of what follows
	broadcasting string // producer
}

const broadcasters = "/broadcasters/caster"

// newVictim fills a room whose id is that of its token.
func newVictim(w *world, id string) *victim {
	w.t.Helper()
	v := &victim{w: w, id: id, from: w.joinAs("all-"+id, id, "from-"+id), to: w.joinAs("all-"+id, id, "to-"+id)}
	v.boss = w.connect(url.Values{"roomId": {id}, "peerId": {"boss"}, "token": {"boss-" + id}}.Encode())
	v.audio, v.video = v.from.produce("audio", 1000), v.from.produce("video", 2000)
	v.data = v.from.produceData(1, "chat")
	var c struct{ ID string }
	for i := range v.consumers {
		v.to.next("newConsumer", &c)
		v.consumers[i] = c.ID
	}
	v.to.next("newDataConsumer", &c)
	v.dataConsumer = c.ID
	caps := v.call("GET", "", "")
	v.call("POST", "/broadcasters", `{"id":"caster","displayName":"C","device":{"name":"x"},"rtpCapabilities":`+caps+`}`)
	var made struct{ ID string }
	v.decode(v.call("POST", broadcasters+"/transports", `{"type":"webrtc"}`), &made)
	v.transport = made.ID
	v.decode(v.call("POST", broadcasters+"/transports/"+v.transport+"/producers", `{"kind":"audio","rtpParameters":`+parameters("audio", 7000)+`}`), &made)
	v.broadcasting = made.ID
	v.to.next("newConsumer", nil)
	v.from.next("newConsumer", nil)
	for range 3 {
		v.to.next("consumerScore", nil) // which says that the consumer was resumed
	}
	return v
}

// call is an HTTP request of who may do everything in the room but administer it.
func (v *victim) call(method, path, body string) string {
	v.w.t.Helper()
	response, text := v.w.callWith(bearer("all-"+v.id), method, "/rooms/"+v.id+path, body)
	if response.StatusCode != 200 {
		v.w.t.Fatalf("%s %s: %d %s", method, path, response.StatusCode, text)
	}
	return text
}

func (v *victim) decode(text string, into any) {
	v.w.t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		v.w.t.Fatalf("%s: %v", text, err)
	}
}

// state is all that there is to see of the room: what it says of itself, what its peers have heard, and how their things are.
func (v *victim) state() string {
	v.w.t.Helper()
	var lines []string
	for _, c := range []*client{v.from.client, v.to.client, v.boss} {
		c.must("getRouterRtpCapabilities", nil, nil) // what was sent before has come by now
		c.mu.Lock()
		for _, m := range c.received {
			// Levels and scores of media that nobody sends may change by themselves.
			if m.Method != "activeSpeaker" && m.Method != "producerScore" && m.Method != "consumerScore" && m.Method != "downlinkBwe" {
				lines = append(lines, m.Method+string(m.Data))
			}
		}
		c.mu.Unlock()
	}
	list, err := v.w.rooms.List(bossOf(v.id))
	if err != nil {
		v.w.t.Fatal(err)
	}
	text, err := json.Marshal(list)
	if err != nil {
		v.w.t.Fatal(err)
	}
	return strings.Join(append(lines, string(text)), "\n")
}

// receivesNothing waits until a peer without a transport to receive on has been offered everything in vain.
func (v *victim) receivesNothing(peerID string) {
	v.w.t.Helper()
	v.w.eventually("the end of all offers", func() bool {
		list, err := v.w.rooms.List(bossOf(v.id))
		return err == nil && !slices.ContainsFunc(list[0].Peers, func(p room.MemberInfo) bool { return p.ID == peerID && p.Consumers+p.DataConsumers > 0 })
	})
}

// unchanged compares a room with what it was.
func (v *victim) unchanged(before string) {
	v.w.t.Helper()
	was, is := strings.Split(before, "\n"), strings.Split(v.state(), "\n")
	for i := range max(len(was), len(is)) {
		if i >= len(was) || i >= len(is) || was[i] != is[i] {
			v.w.t.Errorf("room %s was\n%s\nand is\n%s", v.id, strings.Join(was[min(i, len(was)):], "\n"), strings.Join(is[min(i, len(is)):], "\n"))
			return
		}
	}
}

// attempt is a request of a WebSocket with all that it needs to succeed.
type attempt struct {
	method string
	by     func(*victim) *client // who may make it
	data   func(*victim) any
	names  bool // something of the room by an id
	owned  bool // and that is the caller's own
	code   int  // of the answer to who may make it; 0: it is done
}

func byFrom(v *victim) *client { return v.from.client }
func byTo(v *victim) *client   { return v.to.client }
func byBoss(v *victim) *client { return v.boss }

func object(pairs ...any) map[string]any {
	m := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i].(string)] = pairs[i+1]
	}
	return m
}

func nothingElse(*victim) any { return object() }

// asks is every request, in an order in which each can succeed.
var asks = []attempt{
	{"getRouterRtpCapabilities", byFrom, nothingElse, false, false, 0},
	{"createWebRtcTransport", byFrom, func(*victim) any { return object("producing", true) }, false, false, 0},
	{"connectWebRtcTransport", byFrom, func(v *victim) any { return object("transportId", v.from.send, "dtlsParameters", dtls()) }, true, true, 0},
	{"restartIce", byFrom, func(v *victim) any { return object("transportId", v.from.send) }, true, true, 0},
	{"join", byFrom, func(*victim) any { return object("displayName", "x") }, false, false, 403}, // has joined
	{"produce", byFrom, func(v *victim) any {
		return object("transportId", v.from.send, "kind", "audio", "rtpParameters", json.RawMessage(parameters("audio", 4000)))
	}, true, true, 0},
	{"pauseProducer", byFrom, func(v *victim) any { return object("producerId", v.video) }, true, true, 0},
	{"resumeProducer", byFrom, func(v *victim) any { return object("producerId", v.video) }, true, true, 0},
	{"closeProducer", byFrom, func(v *victim) any { return object("producerId", v.audio) }, true, true, 0},
	{"pauseConsumer", byTo, func(v *victim) any { return object("consumerId", v.consumers[1]) }, true, true, 0},
	{"resumeConsumer", byTo, func(v *victim) any { return object("consumerId", v.consumers[1]) }, true, true, 0},
	{"setConsumerPreferredLayers", byTo, func(v *victim) any { return object("consumerId", v.consumers[1], "spatialLayer", 0) }, true, true, 0},
	{"setConsumerPriority", byTo, func(v *victim) any { return object("consumerId", v.consumers[1], "priority", 2) }, true, true, 0},
	{"requestConsumerKeyFrame", byTo, func(v *victim) any { return object("consumerId", v.consumers[1]) }, true, true, 0},
	{"changeDisplayName", byFrom, func(*victim) any { return object("displayName", "x") }, false, false, 0},
	{"getTransportStats", byFrom, func(v *victim) any { return object("transportId", v.from.send) }, true, true, 0},
	{"getProducerStats", byFrom, func(v *victim) any { return object("producerId", v.video) }, true, true, 0},
	{"getConsumerStats", byTo, func(v *victim) any { return object("consumerId", v.consumers[1]) }, true, true, 0},
	{"produceData", byFrom, func(v *victim) any {
		return object("transportId", v.from.send, "sctpStreamParameters", object("streamId", 7), "label", "x")
	}, true, true, 0},
	{"getDataProducerStats", byFrom, func(v *victim) any { return object("dataProducerId", v.data) }, true, true, 0},
	{"getDataConsumerStats", byTo, func(v *victim) any { return object("dataConsumerId", v.dataConsumer) }, true, true, 0},
	{"renewToken", byFrom, func(v *victim) any { return object("token", "all-"+v.id) }, true, true, 0},
	{"applyNetworkThrottle", byFrom, nothingElse, false, false, 501},
	{"resetNetworkThrottle", byFrom, nothingElse, false, false, 501},
	{"closePeerProducer", byBoss, func(v *victim) any { return object("peerId", "from-"+v.id, "producerId", v.video) }, true, false, 0},
	{"closePeer", byBoss, func(v *victim) any { return object("peerId", "to-"+v.id) }, true, false, 0},
	{"closeRoom", byBoss, nothingElse, false, false, 0},
}

// wish is an HTTP request with all that it needs to succeed.
type wish struct {
	pattern string
	path    func(*victim) string // in the room
	body    func(*victim) string
	foreign bool // names something that only the path of the room leads to: another room's is not found
}

func at(path string) func(*victim) string { return func(*victim) string { return path } }

func atTransport(path string) func(*victim) string {
	return func(v *victim) string { return broadcasters + "/transports/" + v.transport + path }
}

// wishes is every route within a room, in an order in which each can succeed.
var wishes = []wish{
	{"GET " + ofRoom, at(""), at(""), false},
	{"POST " + ofRoom + "/broadcasters", at("/broadcasters"), at(`{"id":"other","displayName":"O","device":{"name":"x"}}`), false},
	{"POST " + ofBroadcaster + "/transports", at(broadcasters + "/transports"), at(`{"type":"plain"}`), true},
	{"POST " + ofTransport + "/connect", atTransport("/connect"), func(*victim) string {
		text, _ := json.Marshal(map[string]any{"dtlsParameters": dtls()})
		return string(text)
	}, true},
	{"POST " + ofTransport + "/producers", atTransport("/producers"), at(`{"kind":"audio","rtpParameters":` + parameters("audio", 8000) + `}`), true},
	{"POST " + ofTransport + "/consume", func(v *victim) string { return atTransport("/consume?producerId=" + v.video)(v) }, at(""), true},
	{"POST " + ofTransport + "/produce/data", atTransport("/produce/data"), at(`{"sctpStreamParameters":{"streamId":5},"label":"x"}`), true},
	{"POST " + ofTransport + "/consume/data", atTransport("/consume/data"), func(v *victim) string { return `{"dataProducerId":"` + v.data + `"}` }, true},
	{"DELETE " + ofBroadcaster, at(broadcasters), at(""), true},
	{"DELETE " + ofRoom + "/peers/{peer}", func(v *victim) string { return "/peers/to-" + v.id }, at(""), true},
	{"DELETE " + ofRoom, at(""), at(""), false},
}

// elsewhere are the routes that are not in a room.
var elsewhere = []string{"GET /access", "GET /rooms", "/access", "/rooms", "/rooms/"}

// A new request or route has to be entered here, and is then tried by everybody who may not make it.
func TestNothingIsForgotten(t *testing.T) {
	var names, patterns []string
	for _, a := range asks {
		names = append(names, a.method)
	}
	for _, r := range wishes {
		patterns = append(patterns, r.pattern)
	}
	var served []string
	for _, rt := range routes {
		served = append(served, rt.pattern)
	}
	if got, want := slices.Sorted(slices.Values(names)), slices.Sorted(maps.Keys(methods)); !slices.Equal(got, want) {
		t.Errorf("methods tried are\n%v, of\n%v", got, want)
	}
	patterns = append(patterns, elsewhere...)
	if got, want := slices.Sorted(slices.Values(patterns)), slices.Sorted(slices.Values(served)); !slices.Equal(got, want) {
		t.Errorf("routes tried are\n%v, of\n%v", got, want)
	}
}

// needs is the right that a route declares.
func needs(t *testing.T, pattern string) right {
	t.Helper()
	for _, rt := range routes {
		if rt.pattern == pattern {
			return rt.needs
		}
	}
	t.Fatalf("no route %s", pattern)
	return undeclared
}

// everyone is the tokens of all who try.
func everyone() tokens {
	good := tokens{"none-a": {Room: "a"}, "mate-a": allOf("a"), "foreign-boss": bossOf("b")}
	for _, id := range []string{"a", "b"} {
		good["all-"+id], good["boss-"+id] = allOf(id), bossOf(id)
	}
	for _, n := range lackable {
		good[fmt.Sprint("lacks-", n)] = without(n, "a")
	}
	mate := allOf("a")
	mate.Peer = "mate"
	good["mate-a"] = mate
	return good
}

// SECURITY.md R-WS-3: every id in a request is resolved inside the caller's room and role. Identity comes from the session, never from
// the message. Every request is made by who may not make it, and nothing changes; then by who may.
func TestEveryMethodByEveryone(t *testing.T) {
	var c clock
	w := newSecureWorld(t, everyone(), func(cfg *Config) { cfg.Now = c.now })
	v := newVictim(w, "a")
	other := newVictim(w, "b")
	mallory := w.connect("roomId=b&peerId=mallory&token=foreign-boss") // may do everything, but in another room
	mallory.transport(object("producing", true))
	mallory.must("join", object("displayName", "mallory"), nil)
	mate := w.connect("roomId=a&peerId=mate&token=mate-a") // may do everything in this one but administer
	mate.transport(object("producing", true))
	mate.must("join", object("displayName", "mate"), nil)
	none := w.connect("roomId=a&peerId=none&token=none-a") // may do nothing
	lacking := map[right]*client{}
	for _, n := range lackable {
		lacking[n] = w.connect(fmt.Sprintf("roomId=a&peerId=lacks-%d&token=lacks-%d", n, n))
	}
	for _, c := range append(slices.Collect(maps.Values(lacking)), none) {
		c.must("getRouterRtpCapabilities", nil, nil) // it has entered
	}
	v.receivesNothing("mate")
	other.receivesNothing("mallory")
	before, elsewhere := v.state(), other.state()
	for _, a := range asks {
		data := a.data(v)
		declared := methods[a.method].needs
		if a.names && a.method != "renewToken" {
			mallory.refused(a.method, data, 404, "NotFoundError: ")
		}
		if a.method == "renewToken" {
			mallory.refused(a.method, data, 403, "not for this room")
			mate.refused(a.method, object("token", "boss-b"), 403, "not for this room")
		}
		if declared == administering {
			mate.refused(a.method, data, 403, "the token lacks admin")
		} else if a.owned && a.method != "renewToken" {
			mate.refused(a.method, data, 404, "NotFoundError: ")
		}
		if declared != member {
			none.refused(a.method, data, 403, "the token lacks "+claims[declared])
			lacking[declared].refused(a.method, data, 403, "the token lacks "+claims[declared])
		}
	}
	v.unchanged(before)
	other.unchanged(elsewhere)
	for _, a := range asks {
		if m := a.by(v).ask(a.method, a.data(v)); m.ErrorCode != a.code || m.OK != (a.code == 0) {
			t.Errorf("%s by who may: ok %t, %d %s", a.method, m.OK, m.ErrorCode, m.ErrorReason)
		}
	}
	if code := v.to.closes(); code != room.CloseExpelled {
		t.Errorf("the expelled peer is closed with %d", code)
	}
	if code := v.from.closes(); code != room.CloseRoomClosed {
		t.Errorf("the peer of the closed room is closed with %d", code)
	}
	other.unchanged(elsewhere)
}

// Once its token has expired, a session can do nothing any more, however long its end takes.
func TestEveryMethodExpired(t *testing.T) {
	var c clock
	good := everyone()
	g := bossOf("a")
	g.Expires = time.Now().Add(time.Hour)
	good["late"] = g
	w := newSecureWorld(t, good, func(cfg *Config) { cfg.Now = c.now })
	v := newVictim(w, "a")
	late := w.joinAs("late", "a", "late")
	own := late.produce("audio", 9000)
	v.to.next("newConsumer", nil)
	v.from.next("newConsumer", nil)
	before := v.state()
	c.ahead.Store(int64(2 * time.Hour))
	for _, a := range asks {
		late.refused(a.method, a.data(v), 401, "the token has expired")
	}
	late.refused("closeProducer", object("producerId", own), 401, "the token has expired")
	c.ahead.Store(0)
	v.unchanged(before)
}

func TestEveryRouteByEveryone(t *testing.T) {
	w := newSecureWorld(t, everyone())
	v := newVictim(w, "a")
	other := newVictim(w, "b")
	before, elsewhere := v.state(), other.state()
	try := func(token, method, path, body string, status int, text string) {
		t.Helper()
		response, said := w.callWith(bearer(token), method, path, body)
		if response.StatusCode != status || !strings.Contains(said, text) {
			t.Errorf("%s %s by %q: %d %s, want %d %s", method, path, token, response.StatusCode, said, status, text)
		}
		if (response.Header.Get("WWW-Authenticate") != "") != (status == 401) {
			t.Errorf("%s %s by %q: headers %v", method, path, token, response.Header)
		}
	}
	for _, r := range wishes {
		method, _, _ := strings.Cut(r.pattern, " ")
		path, body := r.path(v), r.body(v)
		declared := needs(t, r.pattern)
		try("", method, "/rooms/a"+path, body, 401, "an access token is needed")
		try("wrong", method, "/rooms/a"+path, body, 401, "proves nothing")
		try("foreign-boss", method, "/rooms/a"+path, body, 403, "not for this room")
		try("foreign-boss", method, "/rooms/none"+path, body, 403, "not for this room") // whether there is such a room or not
		if declared != member {
			try("none-a", method, "/rooms/a"+path, body, 403, "the token lacks "+claims[declared])
			try(fmt.Sprint("lacks-", declared), method, "/rooms/a"+path, body, 403, "the token lacks "+claims[declared])
		}
		if r.foreign && declared != administering {
			try("mate-a", method, "/rooms/a"+path, body, 403, "Error: ") // a broadcaster is another's
		}
	}
	// With what is another room's under the path of the own one. The broadcasters have the same name in both.
	for _, r := range wishes {
		if method, _, _ := strings.Cut(r.pattern, " "); strings.Contains(r.pattern, "{transport}") {
			try("foreign-boss", method, "/rooms/b"+r.path(v), r.body(v), 404, "NotFoundError: ")
		}
	}
	try("foreign-boss", "POST", "/rooms/b"+atTransport("/consume?producerId="+v.video)(other), "", 404, "NotFoundError: ")
	try("foreign-boss", "POST", "/rooms/b"+atTransport("/consume/data")(other), `{"dataProducerId":"`+v.data+`"}`, 404, "NotFoundError: ")
	for _, pattern := range []string{"GET /access", "GET /rooms", "POST /access", "PUT /rooms", "PATCH /rooms/a", "GET /rooms/a/x", "POST /rooms/a/peers"} {
		method, path, _ := strings.Cut(pattern, " ")
		try("", method, path, "", 401, "an access token is needed")
		try("wrong", method, path, "", 401, "proves nothing")
	}
	try("all-a", "GET", "/rooms", "", 403, "the token lacks admin")
	try("all-a", "GET", "/rooms/a/x", "", 404, "resource")
	try("boss-a", "GET", "/rooms", "", 200, `"id":"a"`)
	if _, text := w.callWith(bearer("boss-a"), "GET", "/rooms", ""); strings.Contains(text, `"id":"b"`) {
		t.Errorf("the administrator of a room is told of another: %s", text)
	}
	v.unchanged(before)
	other.unchanged(elsewhere)
	for _, r := range wishes {
		method, _, _ := strings.Cut(r.pattern, " ")
		try("boss-a", method, "/rooms/a"+r.path(v), r.body(v), 200, "")
	}
	if code := v.to.closes(); code != room.CloseExpelled {
		t.Errorf("the expelled peer is closed with %d", code)
	}
	if code := v.from.closes(); code != room.CloseRoomClosed {
		t.Errorf("the peer of the closed room is closed with %d", code)
	}
	try("boss-a", "DELETE", "/rooms/a", "", 404, "room")
	other.unchanged(elsewhere)
}

// An administrator without a room may act in all of them, and a session of one acts in its own only.
func TestAdministrators(t *testing.T) {
	all := auth.Everything()
	good := everyone()
	good["all"] = all
	w := newSecureWorld(t, good)
	a, b := w.joinAs("all-a", "a", "p"), w.joinAs("all-b", "b", "p")
	boss := w.connect("roomId=a&peerId=boss&token=all")
	video := a.produce("video", 1000)
	boss.must("closePeerProducer", object("peerId", "p", "producerId", video), nil)
	var told struct{ ProducerID, Reason string }
	if a.next("producerClosed", &told); told.ProducerID != video || !strings.Contains(told.Reason, "administrator") {
		t.Errorf("producerClosed says %+v", told)
	}
	boss.must("closePeer", object("peerId", "p"), nil)
	if code := a.closes(); code != room.CloseExpelled {
		t.Errorf("closed with %d", code)
	}
	b.must("changeDisplayName", object("displayName", "still here"), nil)
	if _, text := w.callWith(bearer("all"), "GET", "/rooms", ""); !strings.Contains(text, `"id":"a"`) || !strings.Contains(text, `"id":"b"`) {
		t.Errorf("rooms: %s", text)
	}
	if response, text := w.callWith(bearer("all"), "DELETE", "/rooms/b/peers/p", ""); response.StatusCode != 200 || text != "peer closed" {
		t.Errorf("%d %s", response.StatusCode, text)
	}
	if code := b.closes(); code != room.CloseExpelled {
		t.Errorf("closed with %d", code)
	}
	m := boss.ask("closeRoom", nil)
	if code := boss.closes(); !m.OK || code != room.CloseRoomClosed {
		t.Errorf("closeRoom: %t, closed with %d", m.OK, code)
	}
	w.eventually("counting them", func() bool {
		s := w.server.Stats().Closed
		return s["expelled"] == 2 && s["room-closed"] == 1
	})
	if code := websocket.StatusCode(room.CloseTokenExpired); code != 4004 {
		t.Errorf("clients know %d", code)
	}
}
