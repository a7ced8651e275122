package signaling

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"gazpacho/pkg/room"
	"gazpacho/proto"
)

// call makes an HTTP request and returns status and body.
func (w *world) call(method, path, body string) (int, string) {
	w.t.Helper()
	response, text := w.callWith(nil, method, path, body)
	return response.StatusCode, text
}

// callWith is call with further headers, as pairs of name and value.
func (w *world) callWith(headers []string, method, path, body string) (*http.Response, string) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.http.URL+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return response, string(text)
}

// get is call for what must succeed.
func get[R any](w *world, method, path, body string) R {
	w.t.Helper()
	var result R
	status, text := w.call(method, path, body)
	if status != 200 {
		w.t.Fatalf("%s %s: %d %s", method, path, status, text)
	}
	if err := json.Unmarshal([]byte(text), &result); err != nil {
		w.t.Fatalf("%s %s: %s: %v", method, path, text, err)
	}
	return result
}

func TestPage(t *testing.T) {
	w := newWorld(t)
	if status, text := w.call("GET", "/", ""); status != 200 || text != "the page" {
		t.Errorf("%d %s", status, text)
	}
}

// What mediasoup's demo has shell scripts for: a broadcaster sends by plain RTP, another receives.
func TestBroadcasters(t *testing.T) {
	w := newWorld(t)
	p := w.join("r", "p")
	video := p.produce("video", 5000)
	caps := get[json.RawMessage](w, "GET", "/rooms/r", "")
	made := get[room.BroadcasterResult](w, "POST", "/rooms/r/broadcasters",
		`{"id":"b","displayName":"B","device":{"name":"FFmpeg"},"rtpCapabilities":`+string(caps)+`}`)
	if len(made.Peers) != 1 || made.Peers[0].ID != "p" || len(made.Peers[0].Producers) != 1 || made.Peers[0].Producers[0].ID != video {
		t.Errorf("the broadcaster meets %+v", made.Peers)
	}
	var met room.PeerInfo
	p.next("newPeer", &met)
	if met.ID != "b" || !strings.Contains(string(met.Device), `"flag":"broadcaster"`) {
		t.Errorf("newPeer says %s %s", met.ID, met.Device)
	}
	const b = "/rooms/r/broadcasters/b/transports"
	plain := get[room.PlainTransportInfo](w, "POST", b, `{"type":"plain"}`)
	if plain.ID == "" || plain.IP != "127.0.0.1" || plain.Port == 0 || plain.RTCPPort == 0 {
		t.Errorf("plain transport %+v", plain)
	}
	if mux := get[room.PlainTransportInfo](w, "POST", b, `{"type":"plain","rtcpMux":true}`); mux.RTCPPort != 0 {
		t.Errorf("with rtcpMux there is an RTCP port: %+v", mux)
	}
	audio := get[room.Created](w, "POST", b+"/"+plain.ID+"/producers", `{"kind":"audio","rtpParameters":`+parameters("audio", 7000)+`}`)
	var c struct{ PeerID, ProducerID string }
	p.next("newConsumer", &c)
	if c.PeerID != "b" || c.ProducerID != audio.ID {
		t.Errorf("newConsumer says %+v, want %s", c, audio.ID)
	}
	active := get[room.PlainTransportInfo](w, "POST", b, `{"type":"plain","rtcpMux":true,"comedia":false}`)
	get[nothing](w, "POST", b+"/"+active.ID+"/connect", `{"ip":"127.0.0.1","port":9}`)
	consumer := get[room.BroadcasterConsumer](w, "POST", b+"/"+active.ID+"/consume?producerId="+video, "")
	if consumer.ProducerID != video || consumer.Kind != "video" || consumer.Type != "simulcast" || len(consumer.RTPParameters.Encodings) != 1 {
		t.Errorf("consumer %+v", consumer)
	}
	webrtc := get[room.WebRTCTransportInfo](w, "POST", b, `{"type":"webrtc"}`)
	if webrtc.ICEParameters.UsernameFragment == "" || len(webrtc.ICECandidates) == 0 {
		t.Errorf("WebRTC transport %+v", webrtc)
	}
	connect, _ := json.Marshal(map[string]any{"dtlsParameters": dtls()})
	get[nothing](w, "POST", b+"/"+webrtc.ID+"/connect", string(connect))
	late := w.join("r", "late") // who comes later finds the broadcaster and what it sends
	if len(late.peers) != 2 {
		t.Errorf("who comes late meets %v", late.peers)
	}
	if status, text := w.call("DELETE", "/rooms/r/broadcasters/b", ""); status != 200 || text != "broadcaster deleted" {
		t.Errorf("%d %s", status, text)
	}
	var gone struct{ PeerID string }
	p.next("peerClosed", &gone)
	p.next("consumerClosed", nil)
	if gone.PeerID != "b" {
		t.Errorf("peerClosed says %q", gone.PeerID)
	}
}

func TestBroadcasterRefusals(t *testing.T) {
	w := newWorld(t)
	p := w.join("r", "p")
	w.join("other", "q")
	get[room.BroadcasterResult](w, "POST", "/rooms/r/broadcasters", `{"id":"b","displayName":"B","device":{"name":"x"}}`)
	get[room.BroadcasterResult](w, "POST", "/rooms/other/broadcasters", `{"id":"c","displayName":"C","device":{"name":"x"}}`)
	own := get[room.PlainTransportInfo](w, "POST", "/rooms/r/broadcasters/b/transports", `{"type":"plain"}`).ID
	const b = "/rooms/r/broadcasters/b"
	for _, tt := range []struct {
		method, path, body string
		status             int
		text               string
	}{
		{"GET", "/rooms/none", "", 404, "NotFoundError: room"},
		{"PUT", "/rooms/r", "", 404, "resource"},
		{"POST", "/rooms/none/broadcasters", `{}`, 404, "room"},
		{"POST", "/rooms/r/broadcasters", `{"id":"b","displayName":"B","device":{"name":"x"}}`, 409, "already exists"},
		{"POST", "/rooms/r/broadcasters", `{"displayName":"B","device":{"name":"x"}}`, 400, "id"},
		{"POST", "/rooms/r/broadcasters", `{"id":"d","device":{"name":"x"}}`, 400, "displayName"},
		{"POST", "/rooms/r/broadcasters", `{"id":"d","displayName":"B"}`, 400, "device.name"},
		{"POST", "/rooms/r/broadcasters", `{"id":7}`, 400, "id"},
		{"POST", "/rooms/r/broadcasters", `{"id":"d","id":"e"}`, 400, "twice"},
		{"POST", "/rooms/r/broadcasters", `{`, 400, "TypeError"},
		{"POST", "/rooms/r/broadcasters", `{"pad":"` + strings.Repeat("x", maxBody) + `"}`, 400, "too large"},
		{"POST", "/rooms/r/broadcasters", `{"id":"d","displayName":"B","device":{"name":"` + strings.Repeat("x", 5000) + `"}}`, 400, "device"},
		{"POST", "/rooms/r/broadcasters", `{"id":"d","displayName":"B","device":{"name":"x"},"rtpCapabilities":7}`, 400, "rtpCapabilities"},
		{"DELETE", "/rooms/r/broadcasters/c", "", 404, "broadcaster"},
		{"POST", "/rooms/r/broadcasters/c/transports", `{"type":"plain"}`, 404, "broadcaster"},
		{"POST", b + "/transports", `{"type":"pipe"}`, 400, "type"},
		{"POST", b + "/transports/" + p.send + "/connect", `{}`, 404, "transport"},
		{"POST", b + "/transports/" + p.send + "/producers", `{"kind":"audio"}`, 404, "transport"},
		{"POST", b + "/transports/" + p.send + "/consume?producerId=x", "", 404, "transport"},
		{"POST", "/rooms/other/broadcasters/c/transports/" + own + "/connect", `{}`, 404, "transport"},
		{"POST", b + "/transports/" + own + "/producers", `{"kind":"audio"}`, 400, "rtpParameters"},
		{"POST", b + "/transports/" + own + "/consume?producerId=x", "", 403, "rtpCapabilities"},
		{"POST", b + "/transports/" + own + "/consume/data", `{}`, 404, "dataProducer"},
		{"POST", b + "/transports/" + own + "/produce/data", `{"sctpStreamParameters":{"streamId":1}}`, 400, "SCTP is not enabled"},
	} {
		if status, text := w.call(tt.method, tt.path, tt.body); status != tt.status || !strings.Contains(text, tt.text) {
			t.Errorf("%s %s %.60s: %d %s; want %d …%s…", tt.method, tt.path, tt.body, status, text, tt.status, tt.text)
		}
	}
	webrtc := get[room.WebRTCTransportInfo](w, "POST", b+"/transports", `{"type":"webrtc"}`).ID
	if status, text := w.call("POST", b+"/transports/"+webrtc+"/connect", `{}`); status != 400 || !strings.Contains(text, "dtlsParameters") {
		t.Errorf("connect without DTLS parameters: %d %s", status, text)
	}
	for range 6 {
		get[room.PlainTransportInfo](w, "POST", b+"/transports", `{"type":"plain","rtcpMux":true}`)
	}
	for _, kind := range []string{"plain", "webrtc"} {
		if status, _ := w.call("POST", b+"/transports", `{"type":"`+kind+`"}`); status != 429 {
			t.Errorf("the ninth transport: %d", status)
		}
	}
}

// A page of another site may not speak for a broadcaster: without this type browsers would not ask first.
func TestContentType(t *testing.T) {
	w := newWorld(t)
	w.join("r", "p")
	response, err := http.Post(w.http.URL+"/rooms/r/broadcasters", "text/plain", strings.NewReader(`{"id":"b","displayName":"B","device":{"name":"x"}}`))
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != 400 {
		t.Errorf("a body of type text/plain: %d", response.StatusCode)
	}
}

func TestRouterCapabilitiesByHTTP(t *testing.T) {
	w := newWorld(t)
	p := w.join("r", "p")
	var bySocket json.RawMessage
	p.must("getRouterRtpCapabilities", nil, &bySocket)
	byHTTP := get[json.RawMessage](w, "GET", "/rooms/r", "")
	if strings.TrimSpace(string(byHTTP)) != string(bySocket) {
		t.Errorf("%s\nby HTTP, %s\nby WebSocket", byHTTP, bySocket)
	}
	var caps proto.RTPCapabilities
	if err := json.Unmarshal(byHTTP, &caps); err != nil || len(caps.Codecs) == 0 {
		t.Errorf("%+v, %v", caps, err)
	}
}
