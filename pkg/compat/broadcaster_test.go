package compat

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"gazpacho/pkg/simtest"
)

// script is what the demo's shell scripts do by curl or httpie: one HTTP request after the other about one room.
type script struct {
	t    *testing.T
	http *http.Client
	room string // URL
}

func newScript(t *testing.T, c *simtest.Controller, room string) *script {
	s := &script{t: t, http: c.Client(), room: c.URL + "/rooms/" + room}
	t.Cleanup(s.http.CloseIdleConnections)
	return s
}

// call makes a request about something below the room.
func (s *script) call(method, path, body string) (status int, contentType, text string) {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), method, s.room+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := s.http.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return response.StatusCode, response.Header.Get("Content-Type"), string(b)
}

// must is call for what must succeed with JSON.
func must[R any](s *script, method, path, body string) (r R) {
	s.t.Helper()
	status, kind, text := s.call(method, path, body)
	if status != http.StatusOK || !strings.HasPrefix(kind, "application/json") {
		s.t.Fatalf("%s %s: %d %s: %s", method, path, status, kind, text)
	}
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		s.t.Fatalf("%s %s: %s: %v", method, path, text, err)
	}
	return r
}

type plainTransport struct {
	ID             string
	IP             string
	Port, RTCPPort int
}

type created struct{ ID string }

type consumer struct {
	ID, ProducerID, Kind, Type string
	RTPParameters              struct {
		Codecs    []struct{ MimeType, PayloadType json.RawMessage }
		Encodings []struct{ SSRC uint32 }
	}
}

// The bodies that the scripts send. They name VP8 as ffmpeg does, and leave out all that may be left out.
const (
	audioParameters = `{"kind":"audio","rtpParameters":{"codecs":[{"mimeType":"audio/opus","payloadType":101,"clockRate":48000,"channels":2,` +
		`"parameters":{"sprop-stereo":1}}],"encodings":[{"ssrc":1111}]}}`
	videoParameters = `{"kind":"video","rtpParameters":{"codecs":[{"mimeType":"video/vp8","payloadType":102,"clockRate":90000%s}],"encodings":[{"ssrc":2222}]}}`
	takesPLI        = `,"rtcpFeedback":[{"type":"nack","parameter":"pli"}]`
)

// TestBroadcaster publishes Opus and VP8 as the demo's scripts do and receives it as another broadcaster, while a peer looks on.
func TestBroadcaster(t *testing.T) {
	c := simtest.StartController(t, binaries)
	for _, mode := range []mode{{}, {mux: true}, {feedback: true}, {mux: true, feedback: true}} {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel() // they wait more than they do
			broadcast(t, c, mode)
		})
	}
}

// mode is how broadcasters differ: RTCP beside RTP or not, and encoders that make a key frame when asked to, or only now and then.
type mode struct{ mux, feedback bool }

func (m mode) String() string { return fmt.Sprintf("rtcpMux-%t-feedback-%t", m.mux, m.feedback) }

func broadcast(t *testing.T, c *simtest.Controller, mode mode) {
	room := "studio-" + mode.String()
	s := newScript(t, c, room)
	if status, _, _ := s.call("GET", "", ""); status != http.StatusNotFound {
		t.Errorf("the room is there before anybody: %d", status)
	}
	p := joinRoom(t, c, room, "onlooker")
	capabilities := must[json.RawMessage](s, "GET", "", "")

	made := must[map[string][]any](s, "POST", "/broadcasters", `{"id":"camera","displayName":"Camera","device":{"name":"FFmpeg"}}`)
	if peers, ok := made["peers"]; !ok || len(peers) != 0 {
		t.Errorf("one that receives nothing meets %v", made)
	}
	met := next[struct {
		ID, DisplayName string
		Device          map[string]string
	}](p, "newPeer", nil)
	if met.ID != "camera" || met.DisplayName != "Camera" || met.Device["flag"] != "broadcaster" || met.Device["name"] != "FFmpeg" {
		t.Errorf("newPeer says %+v", met)
	}
	feedback := ""
	if mode.feedback {
		feedback = takesPLI
	}
	streams := []*stream{
		{mode: mode, encoder: opus(t), parameters: audioParameters},
		{mode: mode, encoder: vp8(t, mode.feedback), parameters: fmt.Sprintf(videoParameters, feedback)},
	}
	for _, x := range streams {
		x.publish(s, p)
	}
	must[map[string]any](s, "POST", "/broadcasters", `{"id":"recorder","displayName":"R","device":{"name":"GStreamer"},"rtpCapabilities":`+string(capabilities)+`}`)
	for _, x := range streams {
		x.receive(s)
	}
	remove(t, s, p, streams)
}

// stream is one kind of media on its way through the room.
type stream struct {
	mode       mode
	encoder    *encoder
	parameters string
	producerID string
	seenAs     string // the peer's consumer
}

// publish makes transport and producer and starts to send.
func (x *stream) publish(s *script, p *peer) {
	s.t.Helper()
	to := must[plainTransport](s, "POST", "/broadcasters/camera/transports", fmt.Sprintf(`{"type":"plain","comedia":true,"rtcpMux":%t}`, x.mode.mux))
	if to.ID == "" || to.IP != "127.0.0.1" || to.Port == 0 || (to.RTCPPort == 0) != x.mode.mux {
		s.t.Fatalf("the transport is %+v", to)
	}
	x.producerID = must[created](s, "POST", "/broadcasters/camera/transports/"+to.ID+"/producers", x.parameters).ID
	offer := next[struct{ ID, PeerID, ProducerID, Type string }](p, "newConsumer", nil)
	if offer.PeerID != "camera" || offer.ProducerID != x.producerID || offer.Type != "simple" {
		s.t.Errorf("newConsumer says %+v", offer)
	}
	x.seenAs = offer.ID
	x.encoder.start(to)
	// The peer hears that packets come.
	type score struct {
		ConsumerID string
		Score      struct{ ProducerScore int }
	}
	next(p, "consumerScore", func(d score) bool { return d.ConsumerID == x.seenAs && d.Score.ProducerScore == 10 })
	x.encoder.waitHeard()
}

// receive consumes over a transport that is told where to send.
func (x *stream) receive(s *script) {
	t := s.t
	t.Helper()
	const transports = "/broadcasters/recorder/transports"
	media, reports := listen(t), listen(t)
	to := must[plainTransport](s, "POST", transports, fmt.Sprintf(`{"type":"plain","comedia":false,"rtcpMux":%t}`, x.mode.mux))
	address := fmt.Sprintf(`{"ip":"127.0.0.1","port":%d,"rtcpPort":%d}`, port(media), port(reports))
	if x.mode.mux {
		reports, address = media, fmt.Sprintf(`{"ip":"127.0.0.1","port":%d}`, port(media))
	}
	must[map[string]any](s, "POST", transports+"/"+to.ID+"/connect", address)
	got := must[consumer](s, "POST", transports+"/"+to.ID+"/consume?producerId="+x.producerID, "")
	if got.ID == "" || got.ProducerID != x.producerID || got.Type != "simple" || len(got.RTPParameters.Encodings) != 1 {
		t.Fatalf("the consumer is %+v", got)
	}
	var payloadType uint8
	if err := json.Unmarshal(got.RTPParameters.Codecs[0].PayloadType, &payloadType); err != nil {
		t.Fatal(err)
	}
	ssrc := got.RTPParameters.Encodings[0].SSRC
	x.check(media, payloadType, ssrc)
	checkReport(t, reports, ssrc)
	// Who does not say that it takes such requests gets none.
	if asked := x.encoder.keys.Load() > 0; asked != (got.Kind == "video" && x.mode.feedback) {
		t.Errorf("%s: key frames were asked for: %t", got.Kind, asked)
	}
}

// check reads packets until 50 of the stream came, in order, as they were sent but for what a consumer renames.
func (x *stream) check(conn *net.UDPConn, payloadType uint8, ssrc uint32) {
	t := x.encoder.t
	t.Helper()
	var last rtp.Packet
	for n := 0; n < 50; {
		var p rtp.Packet
		datagram := read(t, conn, fmt.Sprintf("packets %d of payload type %d, %d requests for key frames", n, payloadType, x.encoder.keys.Load()))
		if kind := datagram[1]; kind >= 192 && kind <= 223 {
			continue // RTCP (RFC 5761 section 4)
		}
		if err := p.Unmarshal(datagram); err != nil {
			t.Fatalf("%x: %v", datagram, err)
		}
		if p.SSRC != ssrc || p.PayloadType != payloadType {
			t.Fatalf("SSRC %d, payload type %d; want %d and %d", p.SSRC, p.PayloadType, ssrc, payloadType)
		}
		key := string(x.encoder.payload(sent(p.Payload), true)) == string(p.Payload)
		if !key && string(x.encoder.payload(sent(p.Payload), false)) != string(p.Payload) {
			t.Fatalf("payload %x was never sent", p.Payload)
		}
		if n == 0 && !key && payloadType != 100 {
			t.Error("video begins without a key frame")
		}
		if n > 0 {
			between := sent(p.Payload) - sent(last.Payload)
			if p.SequenceNumber-last.SequenceNumber != uint16(between) || p.Timestamp-last.Timestamp != between*x.encoder.step {
				t.Fatalf("%d packets later sequence %d became %d, time %d became %d", between, last.SequenceNumber, p.SequenceNumber, last.Timestamp, p.Timestamp)
			}
		}
		last = p
		n++
	}
}

// sent is the number that the encoder wrote at the end of a payload.
func sent(payload []byte) uint32 {
	var n uint32
	for _, b := range payload[max(0, len(payload)-4):] {
		n = n<<8 | uint32(b)
	}
	return n
}

// checkReport waits for a sender report about the stream.
func checkReport(t *testing.T, conn *net.UDPConn, ssrc uint32) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for time.Now().Before(deadline) {
		datagram := read(t, conn, "reports")
		if kind := datagram[1]; kind < 192 || kind > 223 {
			continue
		}
		packets, err := rtcp.Unmarshal(datagram)
		if err != nil {
			t.Fatalf("%x: %v", datagram, err)
		}
		for _, p := range packets {
			if r, ok := p.(*rtcp.SenderReport); ok && r.SSRC == ssrc && r.PacketCount > 0 {
				return
			}
		}
	}
	t.Error("no sender report")
}

func listen(t *testing.T) *net.UDPConn {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func port(c *net.UDPConn) int { return c.LocalAddr().(*net.UDPAddr).Port }

func read(t *testing.T, c *net.UDPConn, what string) []byte {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	buffer := make([]byte, 1500)
	n, err := c.Read(buffer)
	if err != nil || n < 8 {
		t.Fatalf("%s: %d bytes, %v", what, n, err)
	}
	return buffer[:n]
}

// remove takes the broadcaster out as the script's trap does.
func remove(t *testing.T, s *script, p *peer, streams []*stream) {
	t.Helper()
	if status, kind, text := s.call("DELETE", "/broadcasters/camera", ""); status != 200 || text != "broadcaster deleted" || !strings.HasPrefix(kind, "text/plain") {
		t.Errorf("DELETE: %d %s %s", status, kind, text)
	}
	if gone := next[struct{ PeerID string }](p, "peerClosed", nil); gone.PeerID != "camera" {
		t.Errorf("peerClosed says %+v", gone)
	}
	for _, x := range streams {
		next(p, "consumerClosed", func(d struct{ ConsumerID string }) bool { return d.ConsumerID == x.seenAs })
	}
	if status, _, _ := s.call("DELETE", "/broadcasters/camera", ""); status != http.StatusNotFound {
		t.Errorf("the second DELETE: %d", status)
	}
}

// TestBroadcasterData: a broadcaster that speaks WebRTC may have data channels.
func TestBroadcasterData(t *testing.T) {
	c := simtest.StartController(t, binaries)
	p := joinRoom(t, c, "r", "onlooker")
	s := newScript(t, c, "r")
	type webrtcTransport struct {
		ID             string
		SCTPParameters struct{ Port, OS, MIS, MaxMessageSize int }
	}
	transports := map[string]string{}
	for _, id := range []string{"from", "to"} {
		must[map[string]any](s, "POST", "/broadcasters", `{"id":"`+id+`","displayName":"D","device":{"name":"x"}}`)
		to := must[webrtcTransport](s, "POST", "/broadcasters/"+id+"/transports", `{"type":"webrtc","sctpCapabilities":{"numStreams":{"OS":1024,"MIS":1024}}}`)
		if q := to.SCTPParameters; q.Port == 0 || q.OS == 0 || q.MIS == 0 || q.MaxMessageSize == 0 {
			t.Fatalf("the transport is %+v", to)
		}
		transports[id] = "/broadcasters/" + id + "/transports/" + to.ID
	}
	producer := must[created](s, "POST", transports["from"]+"/produce/data",
		`{"label":"chat","protocol":"","sctpStreamParameters":{"streamId":3,"ordered":true},"appData":{"a":1}}`)
	offer := next[struct {
		PeerID, DataProducerID, ID, Label string
		SCTPStreamParameters              struct {
			StreamID *int
			Ordered  bool
		}
	}](p, "newDataConsumer", nil)
	if offer.PeerID != "from" || offer.DataProducerID != producer.ID || offer.Label != "chat" ||
		offer.SCTPStreamParameters.StreamID == nil || !offer.SCTPStreamParameters.Ordered {
		t.Errorf("newDataConsumer says %+v", offer)
	}
	consumer := must[struct {
		ID       string
		StreamID *int
	}](s, "POST", transports["to"]+"/consume/data", `{"dataProducerId":"`+producer.ID+`"}`)
	if consumer.ID == "" || consumer.StreamID == nil {
		t.Errorf("the data consumer is %+v", consumer)
	}
	if status, _, text := s.call("POST", transports["to"]+"/consume/data", `{"dataProducerId":"x"}`); status != 404 || !strings.HasPrefix(text, "NotFoundError: ") {
		t.Errorf("data of nobody: %d %s", status, text)
	}
	s.call("DELETE", "/broadcasters/from", "")
	next(p, "dataConsumerClosed", func(d struct{ DataConsumerID string }) bool { return d.DataConsumerID == offer.ID })
}

// TestBroadcasterErrors: errors are a status and a line of text that begins with the error's class.
func TestBroadcasterErrors(t *testing.T) {
	c := simtest.StartController(t, binaries)
	joinRoom(t, c, "r", "onlooker")
	s := newScript(t, c, "r")
	must[map[string]any](s, "POST", "/broadcasters", `{"id":"b","displayName":"B","device":{"name":"x"}}`)
	to := must[plainTransport](s, "POST", "/broadcasters/b/transports", `{"type":"plain"}`) // comedia and an RTCP port are the default
	if to.RTCPPort == 0 {
		t.Errorf("the transport is %+v", to)
	}
	transport := "/broadcasters/b/transports/" + to.ID
	const address = `{"ip":"127.0.0.1","port":9,"rtcpPort":10}`
	must[map[string]any](s, "POST", transport+"/connect", address) // comedia does not mind, once
	h265 := strings.Replace(fmt.Sprintf(videoParameters, ""), "vp8", "H265", 1)
	for _, tt := range []struct {
		method, path, body string
		status             int
		class              string
	}{
		{"GET", "x", "", 404, "NotFoundError"}, // room "rx"
		{"POST", "x/broadcasters", `{"id":"b"}`, 404, "NotFoundError"},
		{"POST", "/broadcasters", `{"id":"b","displayName":"B","device":{"name":"x"}}`, 409, "Error"},
		{"POST", "/broadcasters", `{"id":"c","device":{"name":"x"}}`, 400, "TypeError"},
		{"POST", "/broadcasters", `{"id":"c","displayName":"C"}`, 400, "TypeError"},
		{"POST", "/broadcasters", `{"id":`, 400, "TypeError"},
		{"POST", "/broadcasters/c/transports", `{"type":"plain"}`, 404, "NotFoundError"},
		{"POST", "/broadcasters/b/transports", `{"type":"smoke"}`, 400, "TypeError"},
		{"POST", "/broadcasters/b/transports/x/producers", audioParameters, 404, "NotFoundError"},
		{"POST", transport + "/producers", `{"kind":"audio"}`, 400, "TypeError"},
		{"POST", transport + "/producers", h265, 501, "UnsupportedError"},
		{"POST", transport + "/connect", address, 403, "InvalidStateError"},
		{"POST", transport + "/consume?producerId=x", "", 403, "InvalidStateError"}, // it has no capabilities
		{"DELETE", "/broadcasters/c", "", 404, "NotFoundError"},
	} {
		status, kind, text := s.call(tt.method, tt.path, tt.body)
		if status != tt.status || !strings.HasPrefix(text, tt.class+": ") || !strings.HasPrefix(kind, "text/plain") {
			t.Errorf("%s %s: %d %s %q, want %d %s", tt.method, tt.path, status, kind, text, tt.status, tt.class)
		}
	}
}
