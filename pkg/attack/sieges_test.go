package attack

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"gazpacho/pkg/auth"
	"gazpacho/pkg/simtest"
	"gazpacho/proto"
)

// sieges come by the signaling port.
var sieges = []siege{
	{"frames that break RFC 6455", "R-WS-1 R-WS-2", brokenFrames},
	{"floods of frames", "R-WS-1", frameFloods},
	{"fragments without end", "R-WS-1", endlessMessage},
	{"JSON that is too much", "R-WS-2", badJSON},
	{"requests about what is others'", "R-WS-3", foreignIDs},
	{"identities in messages", "R-WS-3", claimedIdentity},
	{"tokens that prove nothing", "R-WS-3", badTokens},
	{"a flood of requests", "R-WS-1", requestFlood},
	{"sockets that never prove themselves", "R-WS-1", slowLoris},
	{"pages of other origins", "R-WS-1", otherOrigins},
	{"addresses in signaling", "R-ICE-6", namedAddresses},
	{"HTTP bodies that are too large, and routes without a token", "R-WS-1 R-WS-3", badHTTP},
	{"a reader that does not read", "R-WS-1 R-WS-2", slowReader},
}

// TestSignalingUnderAttack holds two calls in two rooms on two workers, all made by the protocol of applications, against all of them.
func TestSignalingUnderAttack(t *testing.T) {
	h := newHouse(t)
	h.deaf = h.newDeaf(t) // it takes a while to fill the system's buffers
	for _, a := range sieges {
		t.Run(a.name, func(t *testing.T) {
			start := time.Now()
			q, growth := h.besiege(t, a, *each)
			t.Logf("%-12s calls lost %d of %d, p99 %v, grew %v KB, took %v", a.rules, q.lost, q.sent, q.p99.Round(time.Microsecond), growth,
				time.Since(start).Round(time.Millisecond))
		})
	}
}

// foreignIDs asks for everything with the ids of another room, and of others in the same room.
func foreignIDs(t *testing.T, h *house, _ time.Duration) {
	for _, victim := range h.rooms {
		c := enter(t, from(h.Controller, 3), address(h.Controller, "room0", "mallory", token(t, "room0", "mallory")), func(wire) {})
		own := c.transport(false, simtest.PeerOptions{})
		c.join()
		fingerprints := object{"role": "client", "fingerprints": []object{{"algorithm": "sha-256", "value": somebody}}}
		for _, peer := range []*simtest.Peer{victim.sends, victim.receives} {
			for method, data := range map[string]object{
				"connectWebRtcTransport": {"transportId": peer.Transport.ID, "dtlsParameters": fingerprints},
				"restartIce":             {"transportId": peer.Transport.ID},
				"getTransportStats":      {"transportId": peer.Transport.ID},
				"produce":                {"transportId": peer.Transport.ID, "kind": "audio", "rtpParameters": object{}, "appData": object{"source": "audio"}},
				"produceData":            {"transportId": peer.Transport.ID, "sctpStreamParameters": object{"streamId": 1}, "label": "chat", "appData": object{"channel": "chat"}},
			} {
				c.mustNot(t, method, data)
			}
		}
		for _, id := range victim.producers {
			for _, method := range []string{"closeProducer", "pauseProducer", "resumeProducer", "getProducerStats"} {
				c.mustNot(t, method, object{"producerId": id})
			}
			c.mustNot(t, "closePeerProducer", object{"peerId": "alice", "producerId": id})
		}
		for _, id := range victim.consumers {
			for _, method := range []string{"pauseConsumer", "resumeConsumer", "getConsumerStats", "requestConsumerKeyFrame"} {
				c.mustNot(t, method, object{"consumerId": id})
			}
			c.mustNot(t, "setConsumerPreferredLayers", object{"consumerId": id, "spatialLayer": 0, "temporalLayer": 0})
			c.mustNot(t, "setConsumerPriority", object{"consumerId": id, "priority": 255})
		}
		c.mustNot(t, "closePeer", object{"peerId": "alice"})
		c.mustNot(t, "closeRoom", object{})
		own.Close()
		c.conn.CloseNow()
	}
}

// mustNot asks for what must be refused, and must not end the session either.
func (c *client) mustNot(t *testing.T, method string, data object) {
	t.Helper()
	body, err := json.Marshal(data)
	if err != nil {
		t.Fatal(err)
	}
	m, ok := c.ask(method, string(body))
	if !ok || m.OK {
		t.Errorf("%s %s: answered %t, granted %t (%v)", method, body, ok, m.OK, c.closed)
	}
}

// claimedIdentity says in messages that it is alice. "Identity comes from the session, never from the message."
func claimedIdentity(t *testing.T, h *house, _ time.Duration) {
	c := enter(t, from(h.Controller, 4), address(h.Controller, "room0", "mallory", token(t, "room0", "mallory")), nil)
	defer c.conn.CloseNow()
	c.join()
	bob := h.rooms[0].bob
	count := func() (n int) {
		bob.mu.Lock()
		defer bob.mu.Unlock()
		return len(bob.seen["peerDisplayNameChanged"])
	}
	before := count()
	c.must("changeDisplayName", object{"peerId": "alice", "roomId": "room1", "displayName": "not alice", "id": "alice"}, nil)
	if !bob.until(func() bool { return len(bob.seen["peerDisplayNameChanged"]) > before }) {
		t.Fatal("bob hears nothing")
	}
	bob.mu.Lock()
	said := string(bob.seen["peerDisplayNameChanged"][before])
	bob.mu.Unlock()
	if !strings.Contains(said, `"mallory"`) || strings.Contains(said, `"alice"`) {
		t.Errorf("bob hears %s", said)
	}
}

// badTokens let nobody in.
func badTokens(t *testing.T, h *house, d time.Duration) {
	sign := func(key string, g auth.Grant, at time.Time) string {
		text, err := auth.Sign([]byte(key), g, at)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	good := auth.Everything()
	good.Room, good.Peer, good.Expires = "room0", "mallory", time.Now().Add(time.Hour)
	stale, other := good, good
	stale.Expires = time.Now().Add(-time.Hour)
	other.Room = "room1"
	valid := sign(secret, good, time.Now())
	parts := strings.Split(valid, ".")
	list := map[string]string{
		"none": "", "garbage": "a.b.c", "another key": sign(strings.Repeat("k", 40), good, time.Now()), "expired": sign(secret, stale, time.Now().Add(-2*time.Hour)),
		"another room": sign(secret, other, time.Now()), "no signature": parts[0] + "." + parts[1] + ".", "another payload": parts[0] + "." + strings.Split(sign(secret, other, time.Now()), ".")[1] + "." + parts[2],
		"alg none": "eyJhbGciOiJub25lIn0." + parts[1] + ".", "long": strings.Repeat("A", 6000), "twice": valid + "." + valid,
	}
	hc := from(h.Controller, 5)
	for start, n := time.Now(), 0; n == 0 || time.Since(start) < d; n++ {
		for name, text := range list {
			c, status, err := tryEnter(t, hc, address(h.Controller, "room0", "mallory", text))
			if err == nil {
				t.Errorf("%s: let in", name)
				c.conn.CloseNow()
			} else if status != http.StatusUnauthorized && status != http.StatusForbidden {
				t.Errorf("%s: status %d, %v", name, status, err)
			}
		}
	}
	hc.CloseIdleConnections()
}

// requestFlood asks faster than anybody may. "50 requests/s, burst 200."
func requestFlood(t *testing.T, h *house, _ time.Duration) {
	c := enter(t, from(h.Controller, 6), address(h.Controller, "room0", "mallory", token(t, "room0", "mallory")), nil)
	defer c.conn.CloseNow()
	const count = 2000
	for i := range count {
		c.say(fmt.Sprintf(`{"request":true,"id":%d,"method":"createWebRtcTransport","data":{"producing":true}}`, 10+i))
	}
	granted := 0
	if !c.until(func() bool {
		granted = 0
		for _, m := range c.answers {
			if m.OK {
				granted++
			}
		}
		return len(c.answers) == count || c.closed != nil
	}) {
		t.Error("neither answers nor an end")
	}
	if granted > 100 {
		t.Errorf("%d transports were made", granted)
	}
}

// otherOrigins are pages that use their visitor's browser.
func otherOrigins(t *testing.T, h *house, _ time.Duration) {
	for _, origin := range []string{"https://evil.example", "null", "https://127.0.0.1.evil.example", "http://" + strings.Repeat("a", 5000)} {
		c, response, err := websocket.Dial(t.Context(), address(h.Controller, "room0", "mallory", token(t, "room0", "mallory")), &websocket.DialOptions{
			HTTPClient: from(h.Controller, 10), Subprotocols: []string{"protoo"}, HTTPHeader: http.Header{"Origin": {origin}},
		})
		if err == nil {
			t.Errorf("a page of %.40s was let in", origin)
			c.CloseNow()
		} else if response == nil || response.StatusCode != http.StatusForbidden {
			t.Errorf("%.40s: %v", origin, err)
		}
	}
}

// namedAddresses says where media should be sent, in every way a client might. "Send to no address named in signaling."
func namedAddresses(t *testing.T, h *house, d time.Duration) {
	victim, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer victim.Close()
	at := victim.LocalAddr().(*net.UDPAddr)
	c := enter(t, from(h.Controller, 11), address(h.Controller, "room0", "mallory", token(t, "room0", "mallory")), func(wire) {})
	defer c.conn.CloseNow()
	candidate := object{"foundation": "1", "priority": 1, "ip": "127.0.0.1", "address": "127.0.0.1", "port": at.Port, "protocol": "udp", "type": "host"}
	named := object{"ip": "127.0.0.1", "port": at.Port, "candidates": []object{candidate}, "iceCandidates": []object{candidate}, "remoteCandidates": []object{candidate}}
	with := func(more object) object {
		for k, v := range named {
			more[k] = v
		}
		return more
	}
	var dump proto.WebRTCTransportDump
	c.must("createWebRtcTransport", with(object{"consuming": true}), &dump)
	c.must("connectWebRtcTransport", with(object{
		"transportId": dump.ID, "iceParameters": with(object{"usernameFragment": "x", "password": "y"}),
		"dtlsParameters": with(object{"role": "server", "fingerprints": []object{{"algorithm": "sha-256", "value": somebody}}}),
	}), nil)
	c.join()
	_ = victim.SetReadDeadline(time.Now().Add(max(d, 300*time.Millisecond)))
	if n, from, err := victim.ReadFrom(make([]byte, 2000)); err == nil {
		t.Errorf("%d bytes came from %v", n, from)
	}
}

// badHTTP asks routes for what they must not give.
func badHTTP(t *testing.T, h *house, _ time.Duration) {
	hc := from(h.Controller, 12)
	hc.Timeout = patience
	defer hc.CloseIdleConnections()
	for _, tt := range []struct {
		method, path string
		body         string
		status       []int
	}{
		{"GET", "/rooms/room0", "", []int{401, 403}},
		{"POST", "/rooms/room0/broadcasters", `{"id":"b","displayName":"b"}`, []int{401, 403}},
		{"DELETE", "/rooms/room0", "", []int{401, 403, 404, 405}},
		{"DELETE", "/rooms/room0/broadcasters/b", "", []int{401, 403}},
		{"POST", "/rooms/room0/broadcasters?token=" + token(t, "room1", "b"), `{"id":"b","displayName":"b"}`, []int{401, 403}},
		{"POST", "/rooms/room0/broadcasters?token=" + token(t, "room0", "b"), `{"id":"b","displayName":"` + strings.Repeat("x", 1<<20) + `"}`, []int{400, 413}},
		{"POST", "/rooms/room0/broadcasters?token=" + token(t, "room0", "b"), strings.Repeat("[", 100_000), []int{400, 413}},
		{"POST", "/rooms/room0/broadcasters?token=" + token(t, "room0", "b"), `{"id":"b","id":"c","displayName":"b"}`, []int{400}},
		{"GET", "/rooms/" + strings.Repeat("x", 10_000), "", []int{400, 401, 403, 404, 414, 431}},
		{"GET", "/metrics", "", []int{200, 404}}, // the page's own answer; metrics are on the operator's port alone
	} {
		request, err := http.NewRequestWithContext(t.Context(), tt.method, h.URL+tt.path, strings.NewReader(tt.body))
		if err != nil {
			t.Fatal(err)
		}
		if tt.body != "" {
			request.Header.Set("Content-Type", "application/json")
		}
		response, err := hc.Do(request)
		if err != nil {
			t.Errorf("%s %.60s: %v", tt.method, tt.path, err)
			continue
		}
		answer := make([]byte, 4096)
		n, _ := response.Body.Read(answer)
		response.Body.Close()
		if !slices.Contains(tt.status, response.StatusCode) || bytes.Contains(answer[:n], []byte("gazpacho_")) {
			t.Errorf("%s %.60s: %s %.200s", tt.method, tt.path, response.Status, answer[:n])
		}
	}
}
