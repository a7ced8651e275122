package e2e

import (
	"strings"
	"testing"
	"time"
)

// TestScalableVideo has one page send one stream of three spatial layers, of which the other asks for some.
func TestScalableVideo(t *testing.T) {
	c := startController(t)
	browser := startBrowser(t)
	for _, codec := range []string{"vp9", "av1"} {
		t.Run(codec, func(t *testing.T) {
			bob := open(t, browser, c, codec, "bob", "codec", codec)
			alice := open(t, browser, c, codec, "alice", "codec", codec, "autolayers", "0", "video", "0")
			sees(alice, "bob", 15*time.Second)
			v, _ := of(alice.stats(), "bob", "video")
			if !strings.EqualFold(v.Codec, codec) {
				t.Errorf("bob's codec is %s", v.Codec)
			}
			layers(t, alice)
			if n := eval[int](bob, `window.gazpacho.producers.get("camera").rtpParameters.encodings.length`); n != 1 {
				t.Errorf("bob sends %d encodings, and the layers should be within one", n)
			}
		})
	}
}
