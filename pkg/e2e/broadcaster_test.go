package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestBroadcaster sends a film to a room by scripts/examples/broadcast.sh, with a token, and looks at it in Chromium.
func TestBroadcaster(t *testing.T) {
	c := startSecured(t)
	film := shoot(t, "60")
	if said := c.broadcast(t, "none", film, "studio", "pattern").wait(); !strings.Contains(said, "401") {
		t.Errorf("without a good token it says %s", said)
	}
	token := c.token("--room", "studio", "--peer", "pattern")

	browser := startBrowser(t)
	alice := open(t, browser, c.controller, "studio", "alice", "token", c.token("--room", "studio"))
	if said := c.broadcast(t, token, film, "studio", "somebody").wait(); !strings.Contains(said, "403") {
		t.Errorf("with another's token it says %s", said)
	}
	b := c.broadcast(t, token, film, "studio", "pattern")
	sees(alice, "pattern", 15*time.Second)
	alice.screenshot("broadcaster")
	if v, _ := of(alice.stats(), "pattern", "video"); v.FrameWidth != 320 || !strings.Contains(v.Codec, "VP8") {
		t.Errorf("alice receives %+v", v)
	}
	// Who comes in the middle gets a key frame when ffmpeg makes its next.
	bob := open(t, browser, c.controller, "studio", "bob", "token", c.token("--room", "studio"))
	sees(bob, "pattern", 15*time.Second)

	// Whoever ends it leaves nothing behind.
	if err := b.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	said := b.wait()
	if b.cmd.ProcessState.ExitCode() != 143 {
		t.Errorf("it ended with %v before or after the signal, and said %s", b.cmd.ProcessState, said)
	}
	gone(alice, "pattern", 5*time.Second)
	gone(bob, "pattern", 5*time.Second)
	sees(alice, "bob", 5*time.Second)

	// A film that ends is over; its parts need not all be there.
	silent := c.broadcast(t, token, shoot(t, "5", "-an"), "studio", "pattern")
	alice.until(15*time.Second, "sees the silent film", `[...window.gazpacho.consumers.values()].some((m) => m.peerId === "pattern")`)
	if said := silent.wait(); !silent.cmd.ProcessState.Success() {
		t.Errorf("at the end of the film: %v, %s", silent.cmd.ProcessState, said)
	}
	gone(alice, "pattern", 5*time.Second)
}

// shoot makes a film of a test pattern and a tone, so many seconds long.
func shoot(t *testing.T, seconds string, flags ...string) string {
	t.Helper()
	film := filepath.Join(t.TempDir(), `my "first" film.mkv`)
	args := []string{"-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=15", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000"}
	args = append(append(args, flags...), "-c:v", "mpeg4", "-c:a", "flac", "-t", seconds, film)
	if out, err := exec.Command("ffmpeg", args...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return film
}

// broadcast is the script while it runs.
type broadcast struct {
	cmd   *exec.Cmd
	said  bytes.Buffer
	ended chan struct{}
}

// broadcast starts the script. It ends with the test.
func (c secured) broadcast(t *testing.T, token, film, room, id string) *broadcast {
	t.Helper()
	b := &broadcast{cmd: exec.Command("../../scripts/examples/broadcast.sh", "-k", film, room, id), ended: make(chan struct{})}
	b.cmd.Env = append(os.Environ(), "GAZPACHO_URL="+c.URL, "GAZPACHO_TOKEN="+token)
	b.cmd.Stdout, b.cmd.Stderr = &b.said, &b.said
	if err := b.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(b.ended)
		_ = b.cmd.Wait() // ProcessState tells
	}()
	t.Cleanup(func() {
		_ = b.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		said := b.wait()
		if t.Failed() {
			t.Logf("the broadcaster says %s", said)
		}
	})
	return b
}

// wait returns what the script said, once it has ended.
func (b *broadcast) wait() string {
	<-b.ended
	return b.said.String()
}
