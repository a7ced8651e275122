//go:build e2e

package web

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// Screenshots land here, an ignored folder, for people to look at.
const screenshotFolder = "../../e2e-screenshots/page"

// stepTimeout bounds each wait; Chromium on a busy machine is slow to start.
const stepTimeout = 20 * time.Second

// browser is one tab of a headless Chromium with fake camera and microphone.
type browser struct {
	t   *testing.T
	ctx context.Context
}

// allocator starts one Chromium for all tests of the package; tabs are cheap, browsers are not.
var allocator context.Context

func TestMain(m *testing.M) {
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath("/usr/bin/chromium"),
		chromedp.Flag("headless", "new"),
		chromedp.Flag("use-fake-device-for-media-stream", true),
		chromedp.Flag("use-fake-ui-for-media-stream", true),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true),
		chromedp.Flag("ignore-certificate-errors", true),
		chromedp.Flag("hide-scrollbars", true),
		chromedp.NoSandbox, chromedp.NoFirstRun, chromedp.DisableGPU,
	)
	parent, stopAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	first, stopFirst := chromedp.NewContext(parent)
	if _, err := chromedp.Run(first, chromedp.Title()); err != nil {
		fmt.Fprintln(os.Stderr, "chromium does not start:", err)
		os.Exit(1)
	}
	allocator = first
	code := m.Run()
	stopFirst()
	stopAllocator()
	os.Exit(code)
}

// open loads a page of the room in a tab of width × height CSS pixels. script runs before the page's own.
func open(t *testing.T, f *fakeRoom, query string, width, height int64, script string) *browser {
	t.Helper()
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	b := &browser{t: t, ctx: ctx}
	// The tab lives as long as the context of its first command: no time-out on that one.
	if _, err := chromedp.Run(ctx, chromedp.Title()); err != nil {
		t.Fatal(err)
	}
	viewport := []chromedp.EmulateViewportOption{}
	if min(width, height) < 600 {
		viewport = append(viewport, chromedp.EmulateScale(2), chromedp.EmulateMobile, chromedp.EmulateTouch)
	}
	b.do(chromedp.EmulateViewport(width, height, viewport...))
	if script != "" {
		if _, err := chromedp.Call(ctx, cdppage.AddScriptToEvaluateOnNewDocument, cdppage.AddScriptToEvaluateOnNewDocumentParams{Source: script}); err != nil {
			t.Fatal(err)
		}
	}
	b.do(chromedp.Navigate(f.server.URL + "/?" + query))
	return b
}

func (b *browser) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, stepTimeout)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		b.t.Fatalf("browser: %v", err)
	}
}

// until waits for a JavaScript expression to be true. It asks from outside: the page's CSP forbids the eval that
// chromedp's own polling needs.
func (b *browser) until(expression string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, stepTimeout)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		yes, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("Boolean("+expression+")"))
		if yes && err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			b.write("failed-" + strings.ReplaceAll(b.t.Name(), "/", "-"))
			b.t.Fatalf("never true: %s (last error: %v)", expression, err)
		}
	}
}

// eval returns the value of a JavaScript expression, awaiting promises.
func eval[T any](b *browser, expression string) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, stepTimeout)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return value
}

// shot writes what the tab shows, once transitions and entry animations are over, to the screenshot folder.
func (b *browser) shot(name string) {
	b.t.Helper()
	b.until(`document.getAnimations().every((a) => a.playState !== 'running' || a.effect.getComputedTiming().iterations === Infinity)`)
	b.write(name)
}

func (b *browser) write(name string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, stepTimeout)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.MkdirAll(screenshotFolder, 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(screenshotFolder, name+".png"), png, 0o644)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}
