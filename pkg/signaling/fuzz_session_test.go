package signaling

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gazpacho/pkg/auth"
	"gazpacho/pkg/control"
	"gazpacho/pkg/room"
	"gazpacho/pkg/simtest/script"
	"gazpacho/pkg/supervisor"
	"gazpacho/pkg/worker"
	"gazpacho/proto"
)

// startWorker is a real worker in this process.
func startWorker(f *testing.F) *supervisor.Worker {
	path := filepath.Join(f.TempDir(), "w")
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- worker.Run(ctx, worker.Config{Channel: "unix:" + path, Log: slog.New(slog.DiscardHandler)})
	}()
	f.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			f.Errorf("worker: %v", err)
		}
	})
	conn, err := net.Dial("unix", path)
	for deadline := time.Now().Add(patience); err != nil && time.Now().Before(deadline); {
		conn, err = net.Dial("unix", path)
	}
	if err != nil {
		f.Fatal(err)
	}
	w, err := control.Attach(context.Background(), conn, control.Options{Epoch: 1})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(w.Detach)
	listen := proto.ListenInfo{Protocol: "udp", IP: "127.0.0.1"}
	server, err := w.CreateWebRTCServer(context.Background(), []proto.ListenInfo{listen})
	if err != nil {
		f.Fatal(err)
	}
	return &supervisor.Worker{Worker: w, Server: server, Plain: listen}
}

// place is a server whose rooms are on one worker. It lasts for all inputs; each has a room of its own.
func place(f *testing.F, verify func(context.Context, string) (auth.Grant, error), w *supervisor.Worker) *Server {
	log := slog.New(slog.DiscardHandler)
	rooms := room.New(room.Config{Log: log, Place: func(context.Context) (*supervisor.Worker, error) {
		if w == nil {
			return nil, proto.Failed(proto.CodeClosed, "no worker")
		}
		return w, nil
	}})
	page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "the page") })
	s := New(Config{Rooms: rooms, Page: page, Log: log, Verify: verify})
	f.Cleanup(func() {
		rooms.Close()
		s.Close()
	})
	return s
}

const (
	opusJSON = `{"codecs":[{"mimeType":"audio/opus","payloadType":111,"clockRate":48000,"channels":2,"parameters":{},"rtcpFeedback":[]}],"encodings":[{"ssrc":77}],"headerExtensions":[],"rtcp":{"cname":"c"}}`
	vp8JSON  = `{"mid":"1","codecs":[{"mimeType":"video/VP8","payloadType":96,"clockRate":90000,"rtcpFeedback":[{"type":"nack"}]},{"mimeType":"video/rtx","payloadType":97,"clockRate":90000,"parameters":{"apt":96}}],"encodings":[{"rid":"a"},{"rid":"b"}]}`
	capsJSON = `{"codecs":[{"kind":"audio","mimeType":"audio/opus","preferredPayloadType":100,"clockRate":48000,"channels":2},{"kind":"video","mimeType":"video/VP8","preferredPayloadType":101,"clockRate":90000}],"headerExtensions":[]}`
)

// requestLines are requests that mean something. #0 to #9 stand for ids that the server has told.
var requestLines = []string{
	`"join","data":{"displayName":"x","device":{"name":"y"},"rtpCapabilities":` + capsJSON + `}`,
	`"createWebRtcTransport","data":{"producing":true,"sctpCapabilities":{"numStreams":{"OS":1024,"MIS":1024}}}`,
	`"createWebRtcTransport","data":{"consuming":true,"forceTcp":false}`,
	`"connectWebRtcTransport","data":{"transportId":"#0","dtlsParameters":{"role":"client","fingerprints":[{"algorithm":"sha-256","value":"` + strings.Repeat("AA:", 31) + `AA"}]}}`,
	`"produce","data":{"transportId":"#0","kind":"audio","rtpParameters":` + opusJSON + `,"appData":{"a":1}}`,
	`"produce","data":{"transportId":"#0","kind":"video","rtpParameters":` + vp8JSON + `,"paused":true}`,
	`"produceData","data":{"transportId":"#0","sctpStreamParameters":{"streamId":1,"ordered":false,"maxRetransmits":1},"label":"chat","protocol":"","appData":{}}`,
	`"restartIce","data":{"transportId":"#1"}`, `"pauseProducer","data":{"producerId":"#2"}`, `"resumeProducer","data":{"producerId":"#2"}`,
	`"closeProducer","data":{"producerId":"#2"}`, `"pauseConsumer","data":{"consumerId":"#3"}`, `"resumeConsumer","data":{"consumerId":"#3"}`,
	`"setConsumerPreferredLayers","data":{"consumerId":"#3","spatialLayer":1,"temporalLayer":2}`,
	`"setConsumerPriority","data":{"consumerId":"#3","priority":255}`, `"requestConsumerKeyFrame","data":{"consumerId":"#3"}`,
	`"changeDisplayName","data":{"displayName":"z"}`, `"getTransportStats","data":{"transportId":"#0"}`, `"getProducerStats","data":{"producerId":"#2"}`,
	`"getConsumerStats","data":{"consumerId":"#3"}`, `"getDataProducerStats","data":{"dataProducerId":"#4"}`, `"getDataConsumerStats","data":{"dataConsumerId":"#5"}`,
	`"getRouterRtpCapabilities"`, `"closePeer","data":{"peerId":"b"}`, `"closePeerProducer","data":{"peerId":"b","producerId":"#2"}`, `"closeRoom"`,
	`"renewToken","data":{"token":"x"}`, `"applyNetworkThrottle","data":{}`,
}

// webLines are requests for broadcasters, with the body behind the path.
var webLines = []string{
	"POST /broadcasters " + `{"id":"caster","displayName":"x","device":{},"rtpCapabilities":` + capsJSON + `}`,
	"POST /broadcasters/caster/transports " + `{"type":"plain","rtcpMux":false,"comedia":true}`,
	"POST /broadcasters/caster/transports " + `{"type":"webrtc"}`,
	"POST /broadcasters/caster/transports/#0/producers " + `{"kind":"audio","rtpParameters":` + opusJSON + `}`,
	"POST /broadcasters/caster/transports/#0/consume?producerId=#1 {}",
	"POST /broadcasters/caster/transports/#0/connect " + `{"dtlsParameters":{}}`,
	"POST /broadcasters/caster/transports/#0/produce/data " + `{"label":"x","protocol":"","sctpStreamParameters":{"streamId":0}}`,
	"POST /broadcasters/caster/transports/#0/consume/data " + `{"dataProducerId":"#1"}`,
	"DELETE /broadcasters/caster ", "GET  ", "DELETE /peers/a ", "DELETE  ",
}

// caller is a session without a WebSocket below it.
type caller struct {
	*session
	n int
}

var told = regexp.MustCompile(`"(?:id|transportId|producerId|consumerId|dataProducerId|dataConsumerId)":"([^"\\]+)"`)

// takeIDs reads what the server has told, which is never a fault of ours, and returns the ids in it.
func (c *caller) takeIDs(t *testing.T, ids []string) []string {
	for {
		message, _ := c.out.take()
		if message == nil {
			return ids
		}
		if bytes.Contains(message, []byte(`"errorCode":500`)) {
			t.Fatalf("told %s", message)
		}
		for _, m := range told.FindAllSubmatch(message, -1) {
			if len(ids) < 64 {
				ids = append(ids, string(m[1]))
			}
		}
	}
}

// say has the session take a message and do what it asks.
func (c *caller) say(message string) {
	c.received([]byte(message))
	for {
		select {
		case f := <-c.requests:
			if f.method != "join" {
				c.do(f)
				continue
			}
			// As joinRoom does, but for the limit of the WebSocket.
			var body room.Join
			if err := decode(f.data, &body); err != nil {
				c.refuse(f, err)
			} else if err := c.peer.Join(body, func(result room.JoinResult) { c.accept(f, result) }); err != nil {
				c.refuse(f, err)
			}
		default:
			return
		}
	}
}

// filled puts ids for #0 to #9: which of those there are is for the script to say.
func filled(text string, ids []string, s *script.Script) string {
	if len(ids) == 0 || !strings.Contains(text, "#") {
		return text
	}
	for digit := range 10 {
		mark := fmt.Sprint("#", digit)
		if strings.Contains(text, mark) {
			text = strings.ReplaceAll(text, mark, ids[s.Below(len(ids))])
		}
	}
	return text
}

// bent changes a text at a place of the script's choice.
func bent(text string, s *script.Script) string {
	if s.Below(3) > 0 || text == "" {
		return text
	}
	at := int(s.Uint16()) % len(text)
	return text[:at] + string(s.Bytes()) + text[min(len(text), at+int(s.Byte())):]
}

var rooms atomic.Uint64

// FuzzSession is two peers in a room, and a program that makes a broadcaster in it, who ask for anything, well-formed or not. Whatever that does to
// them, the worker answers and a room that is none of their business is as it was (R-WS-2, R-WS-3).
func FuzzSession(f *testing.F) {
	server := place(f, nil, startWorker(f))
	witness := &recorder{closed: make(chan struct{})}
	bystander, err := server.cfg.Rooms.Enter(context.Background(), room.Entry{RoomID: "witness", PeerID: "w", Grant: auth.Everything()}, witness)
	if err != nil {
		f.Fatal(err)
	}
	transport, err := bystander.CreateWebRTCTransport(context.Background(), room.CreateWebRTCTransport{Producing: true})
	if err != nil {
		f.Fatal(err)
	}
	var call, casts []byte
	for i := range requestLines {
		f.Add(script.Write(0, 0, 0, 1, 0, 0, i, 1, 0, 1, 2))
		call = append(call, script.Write(i%2, 0, i, 1)...)
	}
	for i := range webLines {
		casts = append(casts, script.Write(2, i, 1, 0)...)
	}
	f.Add(append(call, casts...))
	f.Add(append(casts, call...))
	f.Add(script.Write(0, 1, `{"request":true,"id":1,"method":"join","data":[]}`, 1, 1, `{"response":true,"id":1,"ok":true}`, 2, 0, 0, 0, "x"))
	f.Fuzz(func(t *testing.T, input []byte) {
		if len(input) > 1024 {
			return
		}
		roomID := fmt.Sprint("room", rooms.Add(1))
		var callers [2]*caller
		for i, id := range []string{"a", "b"} {
			c := newSession(server, room.Entry{RoomID: roomID, PeerID: id, Grant: auth.Everything()})
			c.ctx, c.cancel = context.WithCancel(server.life)
			ours, theirs := net.Pipe()
			defer ours.Close()
			defer theirs.Close()
			c.socket = ours
			if !c.enter() {
				t.Fatal("cannot enter")
			}
			callers[i] = &caller{session: c}
		}
		s := script.New(input)
		var ids []string
		for steps := 0; s.More() && steps < 40; steps++ {
			switch who := s.Below(4); who {
			case 0, 1:
				c := callers[who]
				message := ""
				if s.Bool() {
					message = filled(string(s.Bytes()), ids, s)
				} else {
					c.n++
					message = bent(filled(fmt.Sprintf(`{"request":true,"id":%d,"method":%s}`, c.n, requestLines[s.Below(len(requestLines))]), ids, s), s)
				}
				c.say(message)
				ids = c.takeIDs(t, ids)
			default:
				method, rest, _ := strings.Cut(webLines[s.Below(len(webLines))], " ")
				path, body, _ := strings.Cut(filled(rest, ids, s), " ")
				ids = ask(t, server, method, "/rooms/"+roomID+path, bent(body, s), ids)
			}
		}
		for _, c := range callers {
			c.cancel()
			c.expiry.stop()
			c.pending.close()
			c.peer.Leave()
		}
		_ = server.cfg.Rooms.CloseRoom(auth.Everything(), roomID) // a broadcaster keeps it open; else it is gone
		if _, err := bystander.TransportStats(context.Background(), transport.ID); err != nil {
			t.Fatalf("the witness: %v", err)
		}
		select {
		case <-witness.closed:
			t.Fatal("the witness was closed")
		default:
		}
	})
}

// ask makes an HTTP request, which is answered with a status that says something and never with a fault of ours.
func ask(t *testing.T, server *Server, method, target, body string, ids []string) []string {
	r, err := http.NewRequest(method, "https://host"+target, strings.NewReader(body))
	if err != nil {
		return ids
	}
	r.RemoteAddr = "192.0.2.7:1"
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	server.ServeHTTP(w, r)
	if w.Code == http.StatusInternalServerError {
		t.Fatalf("%s %s %s: %d %s", method, target, body, w.Code, w.Body)
	}
	for _, m := range told.FindAllStringSubmatch(w.Body.String(), -1) {
		if len(ids) < 64 {
			ids = append(ids, m[1])
		}
	}
	return ids
}

// recorder is a client that notes when it is closed.
type recorder struct{ closed chan struct{} }

func (*recorder) Notify(string, any) {}
func (*recorder) Request(string, any) <-chan error {
	agreed := make(chan error, 1)
	agreed <- nil
	return agreed
}
func (*recorder) Probe()              {}
func (r *recorder) Close(int, string) { close(r.closed) }
