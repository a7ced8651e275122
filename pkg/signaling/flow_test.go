package signaling

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"gazpacho/pkg/room"
)

// slow are limits that one runs into, and that do not come back while a test lasts.
func slow(change func(*Limits)) func(*Config) {
	return func(c *Config) {
		c.Limits = Limits{RequestRate: 1e-9, MessageRate: 1e-9, ControlRate: 1e-9}
		change(&c.Limits)
	}
}

// SECURITY.md R-WS-1: 50 requests/s, burst 200.
func TestDefaultLimits(t *testing.T) {
	l := Limits{}.withDefaults()
	if l.RequestRate != 50 || l.RequestBurst != 200 || l != DefaultLimits() {
		t.Errorf("%+v", l)
	}
	if l.MessageBurst < maxPending+l.RequestBurst {
		t.Error("who answers all that we ask at a time is taken for a flood")
	}
	if l.ByteBurst < 4*limitAfterJoin {
		t.Error("a few large messages wait")
	}
	l = Limits{RequestRate: 7, MessageBurst: 9}.withDefaults()
	if l.RequestRate != 7 || l.MessageBurst != 9 || l.RequestBurst != 200 {
		t.Errorf("%+v", l)
	}
}

// A request beyond the rate is refused, and what it asks for is not done.
func TestRequestRate(t *testing.T) {
	w := newWorldWith(t, slow(func(l *Limits) { l.RequestBurst = 10 }))
	other := w.join("r", "other")
	c := w.join("r", "c") // 4 requests
	for i := range 6 {
		c.must("changeDisplayName", map[string]any{"displayName": fmt.Sprint(i)}, nil)
	}
	for range 3 {
		c.refused("changeDisplayName", map[string]any{"displayName": "more"}, 429, "too many requests in a short time")
	}
	other.must("getRouterRtpCapabilities", nil, nil) // who asks less is not held back
	if n := other.count("peerDisplayNameChanged"); n != 6 {
		t.Errorf("%d requests were done, want 6", n)
	}
	want := map[string]uint64{"ok": 6, "limit": 3}
	if got := w.server.Stats().Requests["changeDisplayName"]; !maps.Equal(got, want) {
		t.Errorf("counted %v, want %v", got, want)
	}
}

func TestFloods(t *testing.T) {
	for name, tt := range map[string]struct {
		limits func(*Limits)
		send   func(*rawClient) // until it fails
		code   int
		why    string
	}{
		"messages": {
			func(l *Limits) { l.MessageBurst = 50 },
			func(r *rawClient) { r.repeat(wsFrame(fin|text, `{"notification":true,"method":"m"}`)) }, 1008, closedMessages,
		},
		"what is no message": {
			func(l *Limits) { l.MessageBurst = 50 }, func(r *rawClient) { r.repeat(wsFrame(fin|2, "\x00")) }, 1008, closedMessages,
		},
		"answers to nothing": {
			func(l *Limits) { l.MessageBurst = 50 },
			func(r *rawClient) { r.repeat(wsFrame(fin|text, `{"response":true,"id":77,"ok":true}`)) }, 1008, closedMessages,
		},
		"requests that are refused": {
			func(l *Limits) { l.RequestBurst, l.RefusedPerMinute = 5, 20 },
			func(r *rawClient) { r.repeat(wsFrame(fin|text, `{"request":true,"id":1,"method":"m"}`)) }, 1008, closedRefused,
		},
		"pings": {func(l *Limits) { l.ControlBurst = 30 }, func(r *rawClient) { r.repeat(wsFrame(fin|ping, "x")) }, 1008, closedControls},
		"pongs": {func(l *Limits) { l.ControlBurst = 30 }, func(r *rawClient) { r.repeat(wsFrame(fin|pong, "")) }, 1008, closedControls},
		"pings in a message": {
			func(l *Limits) { l.ControlBurst = 30 },
			func(r *rawClient) {
				_, _ = r.Write(wsFrame(text, "x")) // what goes wrong here shows in what follows
				r.repeat(wsFrame(fin|ping, ""))
			}, 1008, closedControls,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorldWith(t, slow(tt.limits))
			w.server.goodbye = 500 * time.Millisecond
			other := w.join("r", "other")
			r := w.rawWebSocket("roomId=r&peerId=flood")
			w.eventually("entering", func() bool { return w.rooms.Stats().Peers == 2 })
			tt.send(r)
			if code := r.ends(); code != tt.code && code != -1 { // TCP takes the code back from who goes on sending
				t.Errorf("closed with %d, want %d", code, tt.code)
			}
			w.eventually("counting it", func() bool { return w.server.Stats().Closed[tt.why] == 1 })
			other.must("changeDisplayName", map[string]any{"displayName": "still here"}, nil)
			if got := w.server.Stats(); got.Sessions != 1 || w.rooms.Stats().Peers != 1 {
				t.Errorf("%d sessions are left, %d peers", got.Sessions, w.rooms.Stats().Peers)
			}
		})
	}
}

// repeat sends something in the background until the connection ends, but not for ever.
func (r *rawClient) repeat(what []byte) {
	go func() {
		for range 10_000 {
			if _, err := r.Write(what); err != nil {
				return
			}
		}
	}()
}

// A client that enters, answers and asks as much as a room of 100 needs meets no limit.
func TestFullRoomMeetsNoLimit(t *testing.T) {
	b := newBudget(DefaultLimits())
	now := time.Now()
	for i := range 100 * 4 { // what 100 peers send: audio, video, a screen and data; each is asked and answered
		if !b.messages.Allow(now) {
			t.Fatalf("answer %d is too much", i)
		}
	}
	for i := range 20 + 100 { // to join, and 100 changes of layers as the page is laid out
		if !b.messages.Allow(now) || !b.requests.Allow(now) {
			t.Fatalf("request %d is too much", i)
		}
	}
}

// SECURITY.md R-WS-1: no permessage-deflate, frames ≤ 64 KiB before join. RFC 6455 sections 5.1 to 5.5.
func TestMalformedFrames(t *testing.T) {
	long := strings.Repeat("x", 200)
	for name, tt := range map[string]struct {
		frames []byte
		code   int
	}{
		"compressed":              {wsFrame(fin|rsv1|text, "x"), 1002},
		"unmasked":                {[]byte{fin | text, 1, 'x'}, -1},
		"absurd length":           {append(wsHeader(fin|text, 1<<62), long...), -1},
		"negative length":         {append(wsHeader(fin|text, 1<<63), long...), -1},
		"more than the limit":     {wsFrame(fin|text, strings.Repeat("x", limitBeforeJoin+2000)), 1009},
		"fragments":               {append(wsFrame(text, long), bytes.Repeat(wsFrame(continuation, long), 400)...), 1009},
		"long control frame":      {wsFrame(fin|ping, long), 1002},
		"fragmented control":      {wsFrame(ping, "x"), 1002},
		"unknown opcode":          {wsFrame(fin|3, "x"), 1002},
		"continuation of nothing": {wsFrame(fin|continuation, "x"), 1002},
		"message in a message":    {append(wsFrame(text, "x"), wsFrame(fin|text, "y")...), 1002},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorldWith(t, func(*Config) {})
			w.server.goodbye = 200 * time.Millisecond
			r := w.rawWebSocket("roomId=r&peerId=p")
			w.eventually("entering", func() bool { return w.rooms.Stats().Peers == 1 })
			if _, err := r.Write(tt.frames); err != nil {
				t.Fatal(err)
			}
			if tt.code == -1 && strings.Contains(name, "absurd") {
				r.Close() // what was announced never comes, which pings find out
			}
			if code := r.ends(); code != tt.code {
				t.Errorf("closed with %d, want %d", code, tt.code)
			}
			w.eventually("the end", func() bool { return w.server.Stats().Sessions == 0 })
		})
	}
}

// Fragments without anything in them make a message that never ends. They are read no faster than the rate, cost their sender's session
// only, and do not keep it from being closed.
func TestEmptyFragments(t *testing.T) {
	w := newWorldWith(t, func(c *Config) { c.Limits.ByteRate, c.Limits.ByteBurst = 100_000, 20_000 })
	w.server.goodbye = 200 * time.Millisecond
	r := w.rawWebSocket("roomId=r&peerId=p")
	w.eventually("entering", func() bool { return w.rooms.Stats().Peers == 1 })
	if _, err := r.Write(wsFrame(text, "")); err != nil {
		t.Fatal(err)
	}
	r.repeat(bytes.Repeat(wsFrame(continuation, ""), 1000))
	other := w.join("r", "other")
	for range 50 {
		other.must("getRouterRtpCapabilities", nil, nil)
	}
	w.join("r", "p") // replaces it
	r.ends()
	w.eventually("the end", func() bool { return w.server.Stats().Closed["replaced"] == 1 })
}

// A client that does not answer our goodbye, or lets it wait behind a message that never ends, is closed all the same.
func TestGoodbyeIsBounded(t *testing.T) {
	for name, frames := range map[string][]byte{
		"silent":             nil,
		"half a message":     wsFrame(text, "x"),
		"half a frame":       append(wsHeader(fin|text, 60_000), "xxx"...),
		"a frame too large":  append(wsHeader(fin|text, 1<<40), "xxx"...),
		"a frame after that": append(wsFrame(fin|text, strings.Repeat("x", limitBeforeJoin+1)), wsHeader(fin|text, 1<<40)...),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorldWith(t, func(*Config) {})
			w.server.goodbye = 200 * time.Millisecond
			r := w.rawWebSocket("roomId=r&peerId=p")
			w.eventually("entering", func() bool { return w.rooms.Stats().Peers == 1 })
			if _, err := r.Write(frames); err != nil {
				t.Fatal(err)
			}
			w.join("r", "p")
			r.ends()
			w.eventually("the end", func() bool { return w.server.Stats().Sessions == 1 })
		})
	}
}

// What is wrong with a client's JSON is told as 400, and ends nothing.
func TestHostileJSON(t *testing.T) {
	w := newWorld(t)
	c := w.join("r", "p")
	for _, tt := range []struct{ method, data, reason string }{
		{"changeDisplayName", `{"displayName":"\ud800"}`, "surrogate"},
		{"changeDisplayName", "{\"displayName\":\"\xff\"}", "UTF-8"},
		{"changeDisplayName", `{"displayName":1e999999}`, "range"},
		{"changeDisplayName", `{"displayName":"a","displayName":"b"}`, "twice"},
		{"changeDisplayName", `{"displayName":{}}`, "displayName"},
		{"setConsumerPriority", `{"consumerId":"x","priority":1.5}`, "priority"},
		{"setConsumerPriority", `{"consumerId":"x","priority":12345678901234567890}`, "priority"},
		{"setConsumerPriority", `{"consumerId":"x","priority":1e2}`, "priority"},
		{"setConsumerPriority", `{"consumerId":"x","priority":` + strings.Repeat("9", 40) + `}`, "32 characters"},
		{"setConsumerPriority", `{"consumerId":9007199254740993}`, "consumerId"},
		{"setConsumerPreferredLayers", `{"consumerId":"x","spatialLayer":-0.5}`, "spatialLayer"},
		{"connectWebRtcTransport", `{"transportId":"` + c.recv + `","dtlsParameters":null}`, "dtlsParameters"},
		{"connectWebRtcTransport", `{"transportId":"` + c.recv + `","dtlsParameters":[]}`, "dtlsParameters"},
		{"connectWebRtcTransport", `{"transportId":"` + c.recv + `","dtlsParameters":{"fingerprints":null}}`, "fingerprint"},
		{"createWebRtcTransport", `{"forceTcp":"yes"}`, "forceTcp"},
		{"createWebRtcTransport", `{"producing":1}`, "producing"},
		{"produce", `{"transportId":"` + c.send + `","kind":"audio","rtpParameters":null}`, "rtpParameters"},
		{"produce", `{"transportId":"` + c.send + `","kind":"audio","rtpParameters":{"codecs":null,"encodings":null}}`, "codecs"},
		{"produce", `{"transportId":"` + c.send + `","kind":"audio","rtpParameters":{"codecs":[null]}}`, "codecs"},
		{"produce", `{"transportId":"` + c.send + `","kind":"audio","appData":{"a":` + nested(50) + `}}`, "deeply"},
		{"produceData", `{"transportId":"` + c.send + `","sctpStreamParameters":{"streamId":1.5}}`, "streamId"},
		{"produceData", `{"transportId":"` + c.send + `","sctpStreamParameters":{"streamId":70000}}`, "streamId"},
	} {
		m := c.askRaw(tt.method, tt.data)
		if m.OK || m.ErrorCode != 400 && m.ErrorCode != 404 || m.ErrorCode == 400 && !strings.Contains(m.ErrorReason, tt.reason) {
			t.Errorf("%s %.80q: ok %t, %d %s", tt.method, tt.data, m.OK, m.ErrorCode, m.ErrorReason)
		}
	}
	const b = "/rooms/r/broadcasters"
	get[room.BroadcasterResult](w, "POST", b, `{"id":"b","displayName":"B","device":{"name":"x"}}`)
	plain := get[room.PlainTransportInfo](w, "POST", b+"/b/transports", `{"type":"plain","comedia":false}`).ID
	for _, port := range []string{"1.5", "-1", "65536", "1e3", `"9"`, "1e999999", strings.Repeat("1", 40), "[]", "{}", "true"} {
		if status, text := w.call("POST", b+"/b/transports/"+plain+"/connect", `{"ip":"127.0.0.1","port":`+port+`,"rtcpPort":9}`); status != 400 {
			t.Errorf("port %s: %d %s", port, status, text)
		}
	}
	for _, body := range []string{"", "null", "[]", "7", `"x"`, "{", `{"id":null}`, "\xff", `{"id":"\ud800","displayName":"B","device":{"name":"x"}}`, nested(100)} {
		if status, text := w.call("POST", b, body); status != 400 {
			t.Errorf("%.40q: %d %s", body, status, text)
		}
	}
	// Ids as JSON numbers of any form come back as they went.
	for _, id := range []string{"-0", "1.5", "1e2", "12345678901234567890"} {
		c.say(`{"request":true,"id":` + id + `,"method":"getRouterRtpCapabilities"}`)
	}
	c.must("changeDisplayName", map[string]any{"displayName": "still here"}, nil)
}

// An answer repeats no more of a request than it needs.
func TestAnswersAreShort(t *testing.T) {
	w := newWorld(t)
	c := w.join("r", "p")
	long := strings.Repeat("\x01é", 50_000)
	for _, m := range []wire{
		c.ask(long, nil), c.ask("pauseProducer", map[string]any{"producerId": long}), c.ask("changeDisplayName", map[string]any{long: 1, "displayName": 7}),
		c.askRaw("join", fmt.Sprintf(`{%q:1,%q:2}`, long[:3000], long[:3000])),
	} {
		if m.OK || len(m.ErrorReason) > maxReasonText+10 {
			t.Errorf("%d bytes: %.100s", len(m.ErrorReason), m.ErrorReason)
		}
	}
}

// Nothing that a client sends adds a name to what is counted.
func TestStats(t *testing.T) {
	w := newWorld(t)
	c := w.join("r", "p")
	for i := range 20 {
		c.ask(fmt.Sprintf("method%d", i), nil)
		w.call("GET", fmt.Sprintf("/rooms/%d", i), "")
	}
	c.say("nonsense")
	c.must("getRouterRtpCapabilities", nil, nil)
	s := w.server.Stats()
	if got := s.Requests["unknown"]; !maps.Equal(got, map[string]uint64{"unknown-method": 20}) || s.Sessions != 1 || s.Accepted != 1 {
		t.Errorf("%+v", s)
	}
	for name := range s.Requests {
		if _, known := methods[name]; !known && name != "unknown" {
			t.Errorf("%q is counted", name)
		}
	}
	if !maps.Equal(s.HTTP, map[string]uint64{"404": 20}) {
		t.Errorf("HTTP %v", s.HTTP)
	}
	s.Requests["unknown"]["x"], s.HTTP["x"] = 1, 1 // it is a copy
	if c.conn.Close(websocket.StatusNormalClosure, "bye") != nil {
		t.Error("no goodbye")
	}
	w.eventually("the end", func() bool { return w.server.Stats().Sessions == 0 })
	s = w.server.Stats()
	if !maps.Equal(s.Closed, map[string]uint64{closedByClient: 1}) || s.Ignored != 1 || s.HTTP["x"] != 0 {
		t.Errorf("%+v", s)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	w.server.Wait(ctx)
}
