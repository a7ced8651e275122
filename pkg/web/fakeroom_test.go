//go:build e2e

package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// fakeRoom is a signaling server with people who are not there: it answers every request a page makes and offers
// consumers whose packets never come, so that the page can be seen without a media server.
type fakeRoom struct {
	t      *testing.T
	server *httptest.Server

	// Set before the page loads.
	others    []fakePeer
	sctp      bool // offer data channels
	joinError string
	away      bool             // serve the page, but no signaling
	access    http.HandlerFunc // answers what a token allows; nil: a server without tokens

	mu       sync.Mutex
	conn     *websocket.Conn
	address  *url.URL // the signaling came to last
	received []message
	arrived  chan struct{} // closed and replaced whenever a message arrives
	nextID   int
	joins    int
}

// fakePeer is one of the others. Muted ones have no audio consumer, those without a camera no video consumer.
type fakePeer struct {
	id, name            string
	mic, camera, screen bool
	cameraPaused        bool
}

// message is a protoo frame of any kind.
type message struct {
	Request      bool            `json:"request,omitempty"`
	Response     bool            `json:"response,omitempty"`
	Notification bool            `json:"notification,omitempty"`
	ID           int             `json:"id,omitempty"`
	Method       string          `json:"method,omitempty"`
	OK           bool            `json:"ok,omitempty"`
	ErrorCode    int             `json:"errorCode,omitempty"`
	ErrorReason  string          `json:"errorReason,omitempty"`
	Data         json.RawMessage `json:"data,omitempty"`
}

func newFakeRoom(t *testing.T, others ...fakePeer) *fakeRoom {
	t.Helper()
	if !Bundled() {
		t.Fatal("the page is not bundled: run `make build` first")
	}
	f := &fakeRoom{t: t, others: others, arrived: make(chan struct{})}
	page := Handler()
	f.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/access" && f.access != nil:
			f.access(w, r)
		case r.Header.Get("Upgrade") == "":
			page.ServeHTTP(w, r)
		default:
			f.serve(w, r)
		}
	}))
	t.Cleanup(f.server.Close)
	return f
}

func (f *fakeRoom) serve(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Get("roomId") == "" || r.URL.Query().Get("peerId") == "" {
		http.Error(w, "roomId and peerId are needed", http.StatusBadRequest)
		return
	}
	if f.away {
		http.Error(w, "away", http.StatusServiceUnavailable)
		return
	}
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"protoo"}})
	if err != nil {
		return
	}
	defer func() { _ = conn.CloseNow() }()
	if conn.Subprotocol() != "protoo" {
		f.t.Errorf("subprotocol is %q, want protoo", conn.Subprotocol())
	}
	conn.SetReadLimit(1 << 20)
	f.mu.Lock()
	f.conn, f.address = conn, r.URL
	f.mu.Unlock()
	for {
		_, frame, err := conn.Read(context.Background())
		if err != nil {
			return
		}
		var m message
		if err := json.Unmarshal(frame, &m); err != nil {
			f.t.Errorf("not JSON: %s", frame)
			return
		}
		f.record(m)
		if m.Request {
			f.answer(conn, m)
		}
	}
}

// query is a parameter of the address that the signaling came to last.
func (f *fakeRoom) query(name string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.address.Query().Get(name)
}

func (f *fakeRoom) record(m message) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.received = append(f.received, m)
	close(f.arrived)
	f.arrived = make(chan struct{})
}

// await returns the first request of a method whose data satisfies ok, waiting for it if need be.
func (f *fakeRoom) await(method string, ok func(data map[string]any) bool) map[string]any {
	f.t.Helper()
	timeout := time.After(stepTimeout)
	for seen := 0; ; {
		f.mu.Lock()
		fresh, arrived := f.received[seen:], f.arrived
		f.mu.Unlock()
		for _, m := range fresh {
			seen++
			if !m.Request || m.Method != method {
				continue
			}
			data := map[string]any{}
			if err := json.Unmarshal(m.Data, &data); err != nil {
				f.t.Fatal(err)
			}
			if ok == nil || ok(data) {
				return data
			}
		}
		select {
		case <-arrived:
		case <-timeout:
			f.t.Fatalf("no fitting request %s came", method)
		}
	}
}

func (f *fakeRoom) answer(conn *websocket.Conn, m message) {
	reply := message{Response: true, ID: m.ID, OK: true}
	switch m.Method {
	case "getRouterRtpCapabilities":
		reply.Data = json.RawMessage(routerCapabilities)
	case "createWebRtcTransport":
		reply.Data = f.transport()
	case "restartIce":
		reply.Data = json.RawMessage(`{"usernameFragment":"restarted","password":"0123456789012345678901","iceLite":true}`)
	case "produce", "produceData":
		reply.Data = json.RawMessage(`{"id":"` + f.id("producer") + `"}`)
	case "join":
		if f.joinError != "" {
			reply = message{Response: true, ID: m.ID, ErrorCode: 503, ErrorReason: f.joinError}
			break
		}
		peers := []map[string]any{}
		for _, p := range f.others {
			peers = append(peers, map[string]any{"id": p.id, "displayName": p.name, "device": map[string]any{"flag": "chrome", "name": "Chrome", "version": "1"}})
		}
		reply.Data = marshal(map[string]any{"peers": peers})
	}
	f.send(conn, reply)
	if m.Method == "join" && f.joinError == "" {
		f.mu.Lock()
		f.joins++
		f.mu.Unlock()
		for _, p := range f.others {
			f.offer(conn, p)
		}
	}
}

func (f *fakeRoom) id(kind string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.nextID++
	return kind + strconv.Itoa(f.nextID)
}

func (f *fakeRoom) transport() json.RawMessage {
	// Port 9 discards: ICE checks go nowhere, as behind a firewall.
	transport := map[string]any{
		"id":            f.id("transport"),
		"iceParameters": map[string]any{"usernameFragment": "fake", "password": "0123456789012345678901", "iceLite": true},
		"iceCandidates": []any{map[string]any{
			"foundation": "udpcandidate", "priority": 1076302079, "address": "127.0.0.1", "ip": "127.0.0.1", "protocol": "udp", "port": 9, "type": "host",
		}},
		"dtlsParameters": map[string]any{"role": "auto", "fingerprints": []any{map[string]any{
			"algorithm": "sha-256",
			"value":     "82:5A:68:3D:36:C3:0A:DE:AF:E7:32:43:D2:88:83:57:AC:2D:65:E5:80:C4:B6:FB:AF:1A:A0:21:9F:6D:0C:AD",
		}}},
	}
	if f.sctp {
		transport["sctpParameters"] = map[string]any{
			"port": 5000, "maxSendMessageSize": 262144, "maxReceiveMessageSize": 262144, "OS": 1024, "MIS": 1024, "maxMessageSize": 262144,
		}
	}
	return marshal(transport)
}

// offer asks the page to consume what a peer sends.
func (f *fakeRoom) offer(conn *websocket.Conn, p fakePeer) {
	if p.mic {
		f.consumer(conn, p, "audio", "mic", "simple", false)
	}
	if p.camera {
		f.consumer(conn, p, "video", "camera", "simulcast", p.cameraPaused)
	}
	if p.screen {
		f.consumer(conn, p, "video", "screen", "simple", false)
	}
}

func (f *fakeRoom) consumer(conn *websocket.Conn, p fakePeer, kind, source, consumerType string, paused bool) {
	id := f.id("consumer")
	f.mu.Lock()
	n := f.nextID
	f.mu.Unlock()
	codec := `{"mimeType":"audio/opus","payloadType":100,"clockRate":48000,"channels":2,"parameters":{},"rtcpFeedback":[]}`
	encoding := fmt.Sprintf(`{"ssrc":%d}`, 10000+2*n)
	if kind == "video" {
		codec = `{"mimeType":"video/VP8","payloadType":101,"clockRate":90000,"parameters":{},"rtcpFeedback":[{"type":"nack","parameter":""}]},` +
			`{"mimeType":"video/rtx","payloadType":102,"clockRate":90000,"parameters":{"apt":101},"rtcpFeedback":[]}`
		encoding = fmt.Sprintf(`{"ssrc":%d,"rtx":{"ssrc":%d},"scalabilityMode":"L3T3"}`, 10000+2*n, 10001+2*n)
	}
	rtp := fmt.Sprintf(`{"mid":"%d","codecs":[%s],"headerExtensions":[],"encodings":[%s],"rtcp":{"cname":"%s","reducedSize":true}}`, n, codec, encoding, p.id)
	f.send(conn, message{Request: true, ID: n, Method: "newConsumer", Data: marshal(map[string]any{
		"peerId": p.id, "producerId": "producer-" + id, "id": id, "kind": kind, "type": consumerType, "producerPaused": paused,
		"appData": map[string]any{"source": source}, "rtpParameters": json.RawMessage(rtp),
	})})
}

// notify sends a notification to the page.
func (f *fakeRoom) notify(method string, data any) {
	f.mu.Lock()
	conn := f.conn
	f.mu.Unlock()
	f.send(conn, message{Notification: true, Method: method, Data: marshal(data)})
}

// drop cuts the page's connection with a close code.
func (f *fakeRoom) drop(code websocket.StatusCode, reason string) {
	f.mu.Lock()
	conn := f.conn
	f.mu.Unlock()
	_ = conn.Close(code, reason) // a page that closed first is as good
}

func (f *fakeRoom) send(conn *websocket.Conn, m message) {
	// The page may be gone already: its tests look at the page, not at this write.
	_ = conn.Write(context.Background(), websocket.MessageText, marshal(m))
}

func marshal(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // only maps of strings, numbers and raw JSON come here
	}
	return b
}

const routerCapabilities = `{"codecs":[
 {"kind":"audio","mimeType":"audio/opus","preferredPayloadType":100,"clockRate":48000,"channels":2,"parameters":{},
  "rtcpFeedback":[{"type":"nack","parameter":""},{"type":"transport-cc","parameter":""}]},
 {"kind":"video","mimeType":"video/VP8","preferredPayloadType":101,"clockRate":90000,"parameters":{},
  "rtcpFeedback":[{"type":"nack","parameter":""},{"type":"nack","parameter":"pli"},{"type":"ccm","parameter":"fir"},{"type":"transport-cc","parameter":""}]},
 {"kind":"video","mimeType":"video/rtx","preferredPayloadType":102,"clockRate":90000,"parameters":{"apt":101},"rtcpFeedback":[]},
 {"kind":"video","mimeType":"video/H264","preferredPayloadType":103,"clockRate":90000,
  "parameters":{"packetization-mode":1,"profile-level-id":"42e01f","level-asymmetry-allowed":1},
  "rtcpFeedback":[{"type":"nack","parameter":""},{"type":"nack","parameter":"pli"},{"type":"ccm","parameter":"fir"},{"type":"transport-cc","parameter":""}]},
 {"kind":"video","mimeType":"video/rtx","preferredPayloadType":104,"clockRate":90000,"parameters":{"apt":103},"rtcpFeedback":[]}],
 "headerExtensions":[
 {"kind":"audio","uri":"urn:ietf:params:rtp-hdrext:sdes:mid","preferredId":1,"preferredEncrypt":false,"direction":"sendrecv"},
 {"kind":"video","uri":"urn:ietf:params:rtp-hdrext:sdes:mid","preferredId":1,"preferredEncrypt":false,"direction":"sendrecv"},
 {"kind":"video","uri":"urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id","preferredId":2,"preferredEncrypt":false,"direction":"recvonly"}]}`
