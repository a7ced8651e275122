package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestBroadcaster publishes a test pattern and a tone by ffmpeg, as the demo's shell script does, and looks at it in Chromium.
func TestBroadcaster(t *testing.T) {
	c := startController(t)
	browser := startBrowser(t)
	alice := open(t, browser, c, "studio", "alice")
	b := &broadcaster{t: t, http: c.Client(), room: c.URL + "/rooms/studio"}
	t.Cleanup(b.http.CloseIdleConnections)

	b.post("/broadcasters", `{"id":"pattern","displayName":"Test pattern","device":{"name":"FFmpeg"}}`)
	audio := b.publish(`{"kind":"audio","rtpParameters":{"codecs":[{"mimeType":"audio/opus","payloadType":101,"clockRate":48000,` +
		`"channels":2,"parameters":{"sprop-stereo":1}}],"encodings":[{"ssrc":1111}]}}`)
	video := b.publish(`{"kind":"video","rtpParameters":{"codecs":[{"mimeType":"video/vp8","payloadType":102,"clockRate":90000}],` +
		`"encodings":[{"ssrc":2222}]}}`)
	ended := encode(t, fmt.Sprintf("[select=a:f=rtp:ssrc=1111:payload_type=101]%s|[select=v:f=rtp:ssrc=2222:payload_type=102]%s", audio, video))
	sees(alice, "pattern", 15*time.Second)
	alice.screenshot("broadcaster")
	if v, _ := of(alice.stats(), "pattern", "video"); v.FrameWidth != 320 || !strings.Contains(v.Codec, "VP8") {
		t.Errorf("alice receives %+v", v)
	}
	// Who comes in the middle gets a key frame when ffmpeg makes its next.
	bob := open(t, browser, c, "studio", "bob")
	sees(bob, "pattern", 15*time.Second)

	b.call(http.MethodDelete, "/broadcasters/pattern", "")
	gone(alice, "pattern", 5*time.Second)
	gone(bob, "pattern", 5*time.Second)
	sees(alice, "bob", 5*time.Second)
	select {
	case err := <-ended:
		t.Errorf("ffmpeg ended before the test: %v", err)
	default:
	}
}

// broadcaster is what the demo's shell script asks of the server by HTTP.
type broadcaster struct {
	t    *testing.T
	http *http.Client
	room string // URL
}

func (b *broadcaster) post(path, body string) string {
	b.t.Helper()
	return b.call(http.MethodPost, path, body)
}

func (b *broadcaster) call(method, path, body string) string {
	b.t.Helper()
	request, err := http.NewRequestWithContext(b.t.Context(), method, b.room+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := b.http.Do(request)
	if err != nil {
		b.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		b.t.Fatalf("%s %s: %d %s %v", method, path, response.StatusCode, text, err)
	}
	return string(text)
}

// publish makes a transport and a producer and returns where ffmpeg has to send to.
func (b *broadcaster) publish(producer string) string {
	b.t.Helper()
	const transports = "/broadcasters/pattern/transports"
	var to struct {
		ID, IP         string
		Port, RTCPPort int
	}
	if err := json.Unmarshal([]byte(b.post(transports, `{"type":"plain","comedia":true,"rtcpMux":false}`)), &to); err != nil {
		b.t.Fatal(err)
	}
	b.post(transports+"/"+to.ID+"/producers", producer)
	return fmt.Sprintf("rtp://%s:%d?rtcpport=%d", to.IP, to.Port, to.RTCPPort)
}

// encode runs ffmpeg until the test ends. The channel yields how it ended if that is sooner.
func encode(t *testing.T, outputs string) <-chan error {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, "ffmpeg", "-hide_banner", "-loglevel", "warning", "-nostdin", "-re",
		"-f", "lavfi", "-i", "testsrc2=size=320x240:rate=15", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000",
		"-map", "1:a", "-c:a", "libopus", "-b:a", "64k", "-ac", "2", "-ar", "48000",
		"-map", "0:v", "-pix_fmt", "yuv420p", "-c:v", "libvpx", "-b:v", "500k", "-deadline", "realtime", "-cpu-used", "8", "-g", "30",
		"-f", "tee", outputs)
	log := &strings.Builder{}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		cancel()
		t.Fatal(err)
	}
	ended, done := make(chan error, 1), make(chan struct{})
	go func() {
		defer close(done)
		ended <- cmd.Wait()
	}()
	t.Cleanup(func() {
		cancel()
		<-done
		if t.Failed() {
			t.Logf("ffmpeg says:\n%s", log)
		}
	})
	return ended
}
