package e2e

import (
	"context"
	"fmt"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// sees waits until a page decodes growing video and audio of another, by its statistics and by the picture itself.
func sees(p *tab, peer string, limit time.Duration) {
	p.t.Helper()
	deadline := time.Now().Add(limit)
	type picture struct {
		Mean []float64 `json:"mean"`
		Hash float64   `json:"hash"`
	}
	look := func() picture { return eval[picture](p, fmt.Sprintf("window.gazpacho.pixels(%q) ?? {}", peer)) }
	var video, audio stat
	var first picture
	why := "no consumers"
	for time.Now().Before(deadline) {
		stats, picture := p.stats(), look()
		v, hasVideo := of(stats, peer, "video")
		a, hasAudio := of(stats, peer, "audio")
		switch {
		case !hasVideo || !hasAudio:
			why = fmt.Sprintf("consumers %+v", stats)
		case video.ConsumerID != v.ConsumerID || audio.ConsumerID != a.ConsumerID || len(first.Mean) == 0:
			video, audio, first = v, a, picture
			why = fmt.Sprintf("nothing grew: %+v %+v", v, a)
		case v.FramesDecoded > video.FramesDecoded && a.TotalSamplesReceived > audio.TotalSamplesReceived &&
			a.BytesReceived > audio.BytesReceived && picture.Hash != first.Hash && sum(picture.Mean) > 10:
			return
		default:
			why = fmt.Sprintf("video %v→%v frames, audio %v→%v bytes, picture %v→%v", video.FramesDecoded, v.FramesDecoded,
				audio.BytesReceived, a.BytesReceived, first, picture)
		}
		time.Sleep(100 * time.Millisecond)
	}
	p.screenshot("failed-" + p.name)
	p.t.Fatalf("%s does not see and hear %s within %v: %s", p.name, peer, limit, why)
}

func sum(v []float64) (total float64) {
	for _, x := range v {
		total += x
	}
	return total
}

// gone waits until a page no longer shows a peer.
func gone(p *tab, peer string, limit time.Duration) {
	p.t.Helper()
	p.until(limit, "forgets "+peer, fmt.Sprintf("!window.gazpacho.peers.has(%q) && !document.querySelector('[data-peer=%q]')", peer, peer))
}

// TestRoom is the life of a room with three pages.
func TestRoom(t *testing.T) {
	c := startController(t)
	browser := startBrowser(t)
	names := []string{"alice", "bob", "carol"}
	tabs := make(map[string]*tab)
	for _, name := range names {
		tabs[name] = open(t, browser, c, "kitchen", name)
	}
	alice, bob, carol := tabs["alice"], tabs["bob"], tabs["carol"]

	for _, p := range tabs {
		for _, peer := range names {
			if peer != p.name {
				sees(p, peer, 5*time.Second)
			}
		}
	}
	alice.screenshot("room-three")
	if t.Failed() {
		return
	}

	t.Run("simulcast layers switch on request", func(t *testing.T) { layers(t, alice) })
	t.Run("mute and unmute", func(t *testing.T) { muting(t, alice, bob) })
	t.Run("ICE restart keeps media", func(t *testing.T) { restart(t, alice, bob) })
	t.Run("leave and rejoin", func(t *testing.T) { rejoin(t, alice, bob) })
	t.Run("a page that lost its connection comes back", func(t *testing.T) {
		if _, err := tryEval[bool](bob, "(window.gazpacho.dropConnection(), true)"); err != nil {
			t.Fatal(err)
		}
		bob.until(10*time.Second, "is in the room again", `window.gazpacho.state === "joined"`)
		sees(alice, "bob", 10*time.Second)
		sees(bob, "alice", 10*time.Second)
	})
	t.Run("a killed page is gone", func(t *testing.T) { killed(t, alice, carol) })
}

// layers asks for the lowest and the highest layer of bob and looks at the size of what is decoded.
func layers(t *testing.T, p *tab) {
	for _, want := range []struct {
		spatial  int
		smallest bool
	}{{0, true}, {2, false}, {0, true}} {
		eval[any](p, fmt.Sprintf(`window.gazpacho.setLayers("bob", %d, 2)`, want.spatial))
		deadline := time.Now().Add(15 * time.Second)
		for {
			v, ok := of(p.stats(), "bob", "video")
			small := v.FrameWidth > 0 && v.FrameWidth <= 400
			if ok && v.SpatialLayer != nil && *v.SpatialLayer == want.spatial && small == want.smallest {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("asked for layer %d, got %+v", want.spatial, v)
			}
			time.Sleep(100 * time.Millisecond)
		}
	}
	sees(p, "bob", 5*time.Second)
}

// muting mutes bob's microphone and camera and looks at what alice receives.
func muting(t *testing.T, alice, bob *tab) {
	for _, source := range []struct{ name, kind string }{{"mic", "audio"}, {"camera", "video"}} {
		eval[any](bob, fmt.Sprintf("window.gazpacho.mute(%q)", source.name))
		quiet := func() bool {
			before, _ := of(alice.stats(), "bob", source.kind)
			time.Sleep(500 * time.Millisecond)
			after, _ := of(alice.stats(), "bob", source.kind)
			return before.BytesReceived == after.BytesReceived
		}
		deadline := time.Now().Add(5 * time.Second)
		for !quiet() {
			if time.Now().After(deadline) {
				t.Fatalf("bob's %s is muted, but alice still receives it", source.name)
			}
		}
		alice.screenshot("muted-" + source.name)
		eval[any](bob, fmt.Sprintf("window.gazpacho.mute(%q, false)", source.name))
		sees(alice, "bob", 5*time.Second)
	}
}

// restart restarts ICE and looks that frames go on being decoded on both sides.
func restart(t *testing.T, alice, bob *tab) {
	t.Helper()
	const credentials = `window.gazpacho.transports.recv._handler._pc.remoteDescription.sdp.match(/ice-ufrag:(\S+)/)[1]`
	before, err := tryEval[string](alice, credentials)
	eval[any](alice, "window.gazpacho.restartIce()")
	if err == nil {
		if after := eval[string](alice, credentials); after == before {
			t.Errorf("the credentials are still %s", after)
		}
	}
	sees(alice, "bob", 5*time.Second)
	sees(bob, "alice", 5*time.Second)
}

// rejoin lets bob leave and come back.
func rejoin(t *testing.T, alice, bob *tab) {
	t.Helper()
	eval[any](bob, "(window.gazpacho.leave(), true)")
	gone(alice, "bob", 5*time.Second)
	eval[any](bob, `window.gazpacho.join("bob")`)
	sees(alice, "bob", 5*time.Second)
	sees(bob, "alice", 5*time.Second)
}

// killed kills a page's process: its peer is gone when its connection or its consent is.
func killed(t *testing.T, alice, carol *tab) {
	t.Helper()
	ctx, cancel := context.WithTimeout(carol.ctx, 5*time.Second)
	defer cancel()
	_, _ = chromedp.Run(ctx, func(ctx context.Context, target *chromedp.Target) (cdp.Empty, error) {
		return cdp.Call(ctx, target, page.Crash, cdp.Empty{}) // never answers: the page is dead
	})
	gone(alice, "carol", 30*time.Second)
	sees(alice, "bob", 5*time.Second)
}

// TestTCP joins one page over TCP only.
func TestTCP(t *testing.T) {
	c := startController(t)
	browser := startBrowser(t)
	alice := open(t, browser, c, "wall", "alice", "forceTcp", "1")
	bob := open(t, browser, c, "wall", "bob")
	sees(alice, "bob", 8*time.Second)
	sees(bob, "alice", 8*time.Second)
	const protocol = `(async () => {
		const stats = await window.gazpacho.transports.recv.getStats();
		const all = [...stats.values()];
		const transport = all.find((s) => s.type === "transport");
		const pair = all.find((s) => s.id === transport.selectedCandidatePairId);
		return all.find((s) => s.id === pair.remoteCandidateId).protocol;
	})()`
	if got := eval[string](alice, protocol); got != "tcp" {
		t.Errorf("alice receives over %s", got)
	}
	if got := eval[string](bob, protocol); got != "udp" {
		t.Errorf("bob receives over %s", got)
	}
}

// TestH264 sends H264 instead of VP8.
func TestH264(t *testing.T) {
	c := startController(t)
	browser := startBrowser(t)
	alice := open(t, browser, c, "films", "alice", "codec", "h264")
	bob := open(t, browser, c, "films", "bob")
	sees(bob, "alice", 8*time.Second)
	if v, _ := of(bob.stats(), "alice", "video"); !strings.Contains(v.Codec, "H264") {
		t.Errorf("alice's codec is %s", v.Codec)
	}
	_ = alice
}

// TestWorkerDeath kills the workers: the pages find each other again by themselves.
func TestWorkerDeath(t *testing.T) {
	c := startController(t)
	browser := startBrowser(t)
	alice := open(t, browser, c, "phoenix", "alice")
	bob := open(t, browser, c, "phoenix", "bob")
	sees(alice, "bob", 5*time.Second)
	before := c.workers()
	for _, pid := range before {
		kill(t, pid)
	}
	sees(alice, "bob", 20*time.Second)
	sees(bob, "alice", 5*time.Second)
	for _, pid := range c.workers() {
		for _, old := range before {
			if pid == old {
				t.Errorf("worker %d is still there", pid)
			}
		}
	}
}

// TestJoinTime tells how long it takes from joining to the first decoded frame. It is told, not judged: the machine may be busy.
func TestJoinTime(t *testing.T) {
	c := startController(t)
	browser := startBrowser(t)
	open(t, browser, c, "race", "host")
	var times []float64
	for i := range 5 {
		guest := open(t, browser, c, "race", fmt.Sprint("guest", i), "audio", "0", "video", "0")
		guest.until(10*time.Second, "shows a frame", "Object.keys(window.gazpacho.marks.firstFrame).length > 0")
		times = append(times, eval[float64](guest, "Math.min(...Object.values(window.gazpacho.marks.firstFrame)) - window.gazpacho.marks.start"))
		eval[any](guest, "(window.gazpacho.leave(), true)")
	}
	sort.Float64s(times)
	t.Logf("join to first frame: median %.0f ms of %.0f", times[len(times)/2], times)
}
