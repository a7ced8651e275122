package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"gazpacho/pkg/simtest"
)

// applicationDir has a conference made with mediasoup's library.
const applicationDir = "../../scripts/examples/mediasoup-app"

// mediasoupWait is for what crosses two browsers, Node.js and the worker while other tests have the processors.
const mediasoupWait = 60 * time.Second

// application is that conference, on our worker.
type application struct {
	*simtest.Node
	URL    string `json:"url"`
	Worker int    `json:"worker"`
}

func startApplication(t *testing.T) *application {
	t.Helper()
	if err := simtest.InstallPackages(applicationDir); err != nil {
		t.Fatal(err)
	}
	page := filepath.Join(t.TempDir(), "page.js")
	bundle := exec.Command("go", "run", "github.com/evanw/esbuild/cmd/esbuild", applicationDir+"/page.js", "--bundle", "--format=esm",
		"--log-level=warning", "--outfile="+page)
	if out, err := bundle.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	a := &application{Node: simtest.StartNode(t, applicationDir, filepath.Join(binaries, "worker"), []string{"BUNDLE=" + page}, "server.mjs")}
	a.Next(a)
	return a
}

// enter opens a page of the conference.
func (a *application) enter(t *testing.T, browser context.Context, name string) *tab {
	t.Helper()
	p := &tab{t: t, name: name}
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext(), chromedp.WithListener(p.listen))
	p.ctx = ctx
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx, chromedp.Navigate(a.URL+"/?peer="+name)); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	p.until(mediasoupWait, "joins", `window.app?.state === "joined"`)
	return p
}

// ask has the library do something with what a peer made, and decodes what comes of it.
func (a *application) ask(p *tab, id, what string, value, result any) {
	p.t.Helper()
	body, err := json.Marshal(map[string]any{"peer": p.name, "method": "ask", "data": map[string]any{"id": id, "what": what, "value": value}})
	if err != nil {
		p.t.Fatal(err)
	}
	response, err := http.Post(a.URL+"/call", "application/json", bytes.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	var text bytes.Buffer
	_, err = text.ReadFrom(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		p.t.Fatalf("%s of %s's %s: %v %s", what, p.name, id, err, text.String())
	}
	if result != nil {
		if err := json.Unmarshal(text.Bytes(), result); err != nil {
			p.t.Fatalf("%s: %v", text.String(), err)
		}
	}
}

// received is what a page's browser says of what it receives.
type received struct {
	Peer     string  `json:"peer"`
	Kind     string  `json:"kind"`
	Consumer string  `json:"consumer"`
	Bytes    float64 `json:"bytesReceived"`
	Frames   float64 `json:"framesDecoded"`
	Width    float64 `json:"frameWidth"`
	Energy   float64 `json:"totalAudioEnergy"`
}

// flowing waits until a page decodes more frames and plays more sound of a peer.
func flowing(p *tab, peer string) (audio, video received) {
	p.t.Helper()
	look := func() (audio, video received) {
		for _, r := range eval[[]received](p, "window.app.stats()") {
			switch {
			case r.Peer == peer && r.Kind == "audio":
				audio = r
			case r.Peer == peer && r.Kind == "video":
				video = r
			}
		}
		return audio, video
	}
	firstAudio, firstVideo := look()
	for deadline := time.Now().Add(mediasoupWait); ; time.Sleep(100 * time.Millisecond) {
		if audio, video = look(); audio.Energy > firstAudio.Energy && video.Frames > firstVideo.Frames+5 {
			return audio, video
		}
		if time.Now().After(deadline) {
			p.screenshot("failed-" + p.name)
			p.t.Fatalf("%s: what %s sends does not flow: %+v %+v, then %+v %+v", p.name, peer, firstAudio, firstVideo, audio, video)
		}
	}
}

// heardEvent is an expression: whether a page was told of an event about one of its consumers.
func heardEvent(event, consumer string) string {
	return fmt.Sprintf("window.app.heard.some((e) => e.event === %q && e.id === %q)", event, consumer)
}

// TestMediasoupLibrary is a conference of two pages. Its server uses mediasoup's own library, which knows nothing of this worker.
func TestMediasoupLibrary(t *testing.T) {
	a := startApplication(t)
	browser := startBrowser(t)
	alice, bob := a.enter(t, browser, "alice"), a.enter(t, browser, "bob")
	flowing(alice, "bob")
	audio, video := flowing(bob, "alice")
	bob.screenshot("mediasoup-library")
	step := func(name string, f func(t *testing.T)) {
		t.Run(name, func(t *testing.T) {
			alice.t, bob.t = t, t
			f(t)
		})
		alice.t, bob.t = t, t
		if t.Failed() {
			t.FailNow()
		}
	}
	step("messages, both ways", func(*testing.T) { a.messages(alice, bob) })
	step("layers switch", func(t *testing.T) { a.layers(t, bob, video.Consumer) })
	step("scores", func(*testing.T) { a.scores(alice, bob) })
	step("volumes", func(*testing.T) {
		bob.until(mediasoupWait, "is told how loud alice is", `window.app.heard.some((e) => e.event === "volumes" && e.list.some((v) => v.peer === "alice" && v.volume > -80))`)
	})
	step("statistics", func(t *testing.T) { a.statistics(t, alice, bob, video.Consumer) })
	step("pauses and ends", func(t *testing.T) { a.ends(t, alice, bob, audio, video) })
	if log := a.Log(); log != "" {
		t.Errorf("the library says\n%s", log)
	}
}

// messages cross in both directions, in order.
func (a *application) messages(alice, bob *tab) {
	for _, way := range []struct{ from, to *tab }{{alice, bob}, {bob, alice}} {
		way.from.until(mediasoupWait, "may send", `window.app.producers.data.readyState === "open"`)
		for n := range 20 {
			eval[any](way.from, fmt.Sprintf(`(window.app.say("message %d"), true)`, n))
		}
		way.to.until(mediasoupWait, "has all messages, in order", fmt.Sprintf(
			`window.app.messages.filter((m) => m.peer === %q).map((m) => m.text).join() === [...Array(20).keys()].map((n) => "message " + n).join()`, way.from.name))
	}
}

// layers asks the library for layers, and looks at the size of what is decoded. The page sends 1280, 640 and 320 pixels.
func (a *application) layers(t *testing.T, p *tab, consumer string) {
	known := 0 // the layer may be the lowest already
	for _, spatial := range []int{0, 2, 1, 0} {
		a.ask(p, consumer, "setPreferredLayers", map[string]int{"spatialLayer": spatial, "temporalLayer": 2}, nil)
		p.until(mediasoupWait, fmt.Sprintf("sees layer %d", spatial), fmt.Sprintf(
			`(await window.app.stats()).some((s) => s.consumer === %q && s.frameWidth === %d)`, consumer, 320<<spatial))
		p.until(mediasoupWait, "is told", fmt.Sprintf(
			`window.app.heard.slice(%d).some((e) => e.event === "layerschange" && e.value?.spatialLayer === %d)`, known, spatial))
		known = eval[int](p, "window.app.heard.length")
		t.Logf("layer %d is %d pixels wide", spatial, 320<<spatial)
	}
}

// scores follow what a page sends: two of its three sizes end, and come back.
func (a *application) scores(alice, bob *tab) {
	for _, last := range []struct {
		layer int
		is    string
	}{{0, "=== 0"}, {2, "> 0"}} {
		known := eval[int](bob, "window.app.heard.length")
		eval[any](alice, fmt.Sprintf("window.app.producers.video.setMaxSpatialLayer(%d)", last.layer))
		bob.until(mediasoupWait, "is told that the score of the largest size is "+last.is, fmt.Sprintf(
			`window.app.heard.slice(%d).some((e) => e.event === "score" && e.value.producerScores?.length === 3 && e.value.producerScores[2] %s)`, known, last.is))
	}
}

// libraryStat is what counts of the library's statistics.
type libraryStat struct {
	Type             string  `json:"type"`
	Kind             string  `json:"kind"`
	MimeType         string  `json:"mimeType"`
	RID              string  `json:"rid"`
	ByteCount        int     `json:"byteCount"`
	PacketCount      int     `json:"packetCount"`
	BytesReceived    int     `json:"bytesReceived"`
	BytesSent        int     `json:"bytesSent"`
	RTPBytesSent     int     `json:"rtpBytesSent"`
	MessagesReceived int     `json:"messagesReceived"`
	MessagesSent     int     `json:"messagesSent"`
	ICEState         string  `json:"iceState"`
	DTLSState        string  `json:"dtlsState"`
	SCTPState        string  `json:"sctpState"`
	RoundTripTime    float64 `json:"roundTripTime"`
}

// statistics are the library's, of every kind of object there is here.
func (a *application) statistics(t *testing.T, alice, bob *tab, consumer string) {
	of := func(p *tab, id string) (stats []libraryStat) {
		a.ask(p, id, "getStats", nil, &stats)
		return stats
	}
	for _, id := range []string{"window.app.send.id", "window.app.receive.id"} {
		if s := of(bob, eval[string](bob, id)); len(s) != 1 || s[0].Type != "webrtc-transport" || s[0].ICEState != "completed" ||
			s[0].DTLSState != "connected" || s[0].SCTPState != "connected" || s[0].BytesReceived == 0 || s[0].BytesSent == 0 {
			t.Errorf("%s: %+v", id, s)
		}
	}
	rids := map[string]bool{}
	for _, s := range of(alice, eval[string](alice, "window.app.producers.video.id")) {
		if s.Type != "inbound-rtp" || s.Kind != "video" || s.MimeType != "video/VP8" || s.PacketCount == 0 || s.ByteCount == 0 {
			t.Errorf("producer: %+v", s)
		}
		rids[s.RID] = true
	}
	if len(rids) != 3 {
		t.Errorf("a producer of three sizes has statistics of %v", rids)
	}
	kinds := map[string]int{}
	for _, s := range of(bob, consumer) {
		kinds[s.Type]++
		if s.PacketCount == 0 || s.MimeType != "video/VP8" {
			t.Errorf("consumer: %+v", s)
		}
	}
	if kinds["outbound-rtp"] != 1 || kinds["inbound-rtp"] != 1 {
		t.Errorf("a consumer has statistics of %v", kinds)
	}
	if s := of(alice, eval[string](alice, "window.app.producers.data.id")); len(s) != 1 || s[0].Type != "data-producer" || s[0].MessagesReceived != 20 {
		t.Errorf("data producer: %+v", s)
	}
	if s := of(bob, eval[string](bob, `[...window.app.consumers.values()].find((c) => c.kind === "data").consumer.id`)); len(s) != 1 ||
		s[0].Type != "data-consumer" || s[0].MessagesSent != 20 {
		t.Errorf("data consumer: %+v", s)
	}
}

// ends pauses and closes what alice sends, and looks at what bob is told and receives.
func (a *application) ends(t *testing.T, alice, bob *tab, audio, video received) {
	producer := eval[string](alice, "window.app.producers.video.id")
	a.ask(alice, producer, "pause", nil, nil)
	bob.until(mediasoupWait, "is told of the pause", heardEvent("producerpause", video.Consumer))
	frames := fmt.Sprintf("(await window.app.stats()).find((s) => s.consumer === %q).framesDecoded", video.Consumer)
	bob.until(mediasoupWait, "sees no more frames", fmt.Sprintf("(async (before) => { await new Promise((done) => setTimeout(done, 500)); return before === %s; })(%[1]s)", frames))
	a.ask(alice, producer, "resume", nil, nil)
	bob.until(mediasoupWait, "is told that it is over", heardEvent("producerresume", video.Consumer))
	flowing(bob, "alice")

	eval[any](alice, "(window.app.producers.audio.close(), true)")
	a.ask(alice, eval[string](alice, "window.app.producers.audio.id"), "close", nil, nil)
	bob.until(mediasoupWait, "is told that the sound has ended", heardEvent("producerclose", audio.Consumer))

	// A page that goes takes with it what it made.
	if err := chromedp.Do(alice.ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatal(err)
	}
	bob.until(mediasoupWait, "is told that alice has gone", heardEvent("producerclose", video.Consumer))
	bob.until(mediasoupWait, "is told that her messages have ended", `window.app.heard.some((e) => e.event === "dataproducerclose")`)
	bob.until(mediasoupWait, "forgets alice", `[...window.app.consumers.values()].every((c) => c.peer !== "alice")`)
}
