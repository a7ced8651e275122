package e2e

import (
	"context"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// startBrowser starts one headless Chromium with fake camera and microphone.
func startBrowser(t *testing.T) context.Context {
	t.Helper()
	o := append([]chromedp.ExecAllocatorOption{}, chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck, chromedp.NoSandbox,
		chromedp.ExecPath("chromium"), chromedp.UserDataDir(t.TempDir()), chromedp.WindowSize(1280, 800),
		chromedp.Flag("headless", "new"),
		chromedp.Flag("use-fake-device-for-media-stream", "fps=15"),
		chromedp.Flag("use-fake-ui-for-media-stream", true),
		chromedp.Flag("autoplay-policy", "no-user-gesture-required"),
		chromedp.Flag("ignore-certificate-errors", true),
		chromedp.Flag("disable-gpu", true), chromedp.Flag("disable-quic", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-background-timer-throttling", true), chromedp.Flag("disable-renderer-backgrounding", true),
		chromedp.Flag("disable-backgrounding-occluded-windows", true), chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.Flag("mute-audio", true),
		chromedp.Flag("disable-features", "WebRtcHideLocalIpsWithMdns,Translate"),
	)
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), o...)
	t.Cleanup(cancel)
	browser, cancelBrowser := chromedp.NewContext(allocator)
	t.Cleanup(cancelBrowser)
	if err := chromedp.Do(browser); err != nil {
		t.Fatalf("chromium does not start: %v", err)
	}
	return browser
}

// tab is one page in a browser context of its own, and so in a process of its own.
type tab struct {
	t    *testing.T
	name string
	ctx  context.Context
}

// open joins a room in a new page.
func open(t *testing.T, browser context.Context, c *controller, room, name string, query ...string) *tab {
	t.Helper()
	p := visit(t, browser, c, room, name, query...)
	p.until(30*time.Second, "joins the room", `window.gazpacho?.state === "joined"`)
	return p
}

// visit tries to join a room in a new page.
func visit(t *testing.T, browser context.Context, c *controller, room, name string, query ...string) *tab {
	t.Helper()
	p := &tab{t: t, name: name}
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext(), chromedp.WithListener(p.listen))
	p.ctx = ctx
	t.Cleanup(cancel)
	q := url.Values{"roomId": {room}, "name": {name}, "peerId": {name}, "autojoin": {"1"}}
	for i := 0; i < len(query); i += 2 {
		q.Set(query[i], query[i+1])
	}
	if err := chromedp.Do(ctx, chromedp.Navigate(c.URL+"/?"+q.Encode())); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return p
}

// listen notes what the page threw and nobody caught.
func (p *tab) listen(event any) {
	if e, ok := event.(*runtime.EventExceptionThrown); ok {
		p.t.Errorf("%s: uncaught: %s %v", p.name, e.ExceptionDetails.Text, e.ExceptionDetails.Exception)
	}
}

// eval runs an expression in the page, awaits it if it is a promise, and decodes its value.
func eval[R any](p *tab, expression string) R {
	p.t.Helper()
	r, err := tryEval[R](p, expression)
	if err != nil {
		p.t.Fatalf("%s: %s: %v", p.name, expression, err)
	}
	return r
}

func tryEval[R any](p *tab, expression string) (R, error) {
	ctx, cancel := context.WithTimeout(p.ctx, 15*time.Second)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[R]("(async () => ("+expression+"))()", chromedp.EvalAwaitPromise))
}

// until waits until an expression is true, and fails the test if it is not in time.
func (p *tab) until(limit time.Duration, what, expression string) {
	p.t.Helper()
	deadline := time.Now().Add(limit)
	for {
		ok, err := tryEval[bool](p, expression)
		if ok && err == nil {
			return
		}
		if time.Now().After(deadline) {
			p.screenshot("failed-" + p.name)
			p.t.Fatalf("%s never %s (%v): %s", p.name, what, err, expression)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// screenshot writes a picture of the page into the ignored folder.
func (p *tab) screenshot(name string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, 10*time.Second)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		p.t.Logf("no screenshot: %v", err)
		return
	}
	dir := filepath.Join("..", "..", "e2e-screenshots")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// stat is a consumer as the page's statistics show it.
type stat struct {
	ConsumerID           string  `json:"consumerId"`
	PeerID               string  `json:"peerId"`
	Kind                 string  `json:"kind"`
	Paused               bool    `json:"paused"`
	SpatialLayer         *int    `json:"spatialLayer"`
	TemporalLayer        *int    `json:"temporalLayer"`
	BytesReceived        float64 `json:"bytesReceived"`
	PacketsLost          float64 `json:"packetsLost"`
	FramesDecoded        float64 `json:"framesDecoded"`
	FrameWidth           float64 `json:"frameWidth"`
	TotalSamplesReceived float64 `json:"totalSamplesReceived"`
	Codec                string  `json:"codec"`
}

func (p *tab) stats() []stat {
	p.t.Helper()
	return eval[[]stat](p, "window.gazpacho.stats()")
}

// of finds the consumer of a peer's kind of media.
func of(stats []stat, peer, kind string) (stat, bool) {
	for _, s := range stats {
		if s.PeerID == peer && s.Kind == kind {
			return s, true
		}
	}
	return stat{}, false
}
