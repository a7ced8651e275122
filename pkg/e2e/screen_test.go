package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// TestScreenShare has one page share its screen by its button, beside its camera, and another one look at both.
func TestScreenShare(t *testing.T) {
	c := startController(t)
	browser := startBrowser(t)
	alice := open(t, browser, c, "screen", "alice")
	bob := open(t, browser, c, "screen", "bob")
	sees(bob, "alice", 30*time.Second)

	share(alice)
	alice.until(20*time.Second, "shares", `window.gazpacho.producers.get("screen") !== undefined`)
	growing(bob, "alice")
	alice.until(20*time.Second, "shows its own screen", `document.querySelector('[data-peer=alice][data-source=screen] video')?.videoWidth > 0`)
	sees(bob, "alice", 30*time.Second)
	bob.screenshot("screen-share")

	// Who comes later sees it as well.
	carol := open(t, browser, c, "screen", "carol")
	growing(carol, "alice")

	share(alice) // and no more
	for _, p := range []*tab{alice, bob, carol} {
		p.until(20*time.Second, "forgets the screen", `!document.querySelector('[data-peer=alice][data-source=screen]')`)
	}
	sees(bob, "alice", 30*time.Second)
	share(alice)
	growing(bob, "alice")
}

// share presses the page's button as a hand does: without one, browsers share nothing.
func share(p *tab) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, chromedp.Click(`[data-action=screen]`)); err != nil {
		p.t.Fatalf("%s: %v", p.name, err)
	}
}

// growing waits until a page shows more and more frames of a peer's screen.
func growing(p *tab, peer string) {
	p.t.Helper()
	const frames = `(await window.gazpacho.stats()).find((s) => s.peerId === %q && s.source === "screen")?.framesDecoded ?? 0`
	p.until(20*time.Second, "sees the screen of "+peer, fmt.Sprintf("window.gazpacho.pixels(%q, 'screen') !== undefined", peer))
	first := eval[int](p, fmt.Sprintf(frames, peer))
	p.until(20*time.Second, "sees frames follow", fmt.Sprintf("("+frames+") > %d", peer, first+2))
	type picture struct{ Width, Height int }
	shown := eval[picture](p, fmt.Sprintf("window.gazpacho.pixels(%q, 'screen')", peer))
	if shown.Width < 320 || shown.Height < 200 {
		p.t.Errorf("%s sees a screen of %d × %d", p.name, shown.Width, shown.Height)
	}
}
