package examples

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The same programs, and the same proof, through a controller that runs.
func TestThroughAController(t *testing.T) {
	dir := clips(t)
	socket := filepath.Join(t.TempDir(), "control.sock") // short enough for a socket
	controller := exec.Command(filepath.Join(built, "controller"), "--listen", "127.0.0.1:0", "--rtc-listen", "127.0.0.1", "--rtc-port", "0",
		"--admin-listen", "none", "--workers", "2", "--data-dir", t.TempDir(), "--control", "unix:"+socket)
	var log bytes.Buffer
	controller.Stderr = &log
	if err := controller.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = controller.Process.Signal(os.Interrupt)
		if err := controller.Wait(); err != nil {
			t.Errorf("%v\n%s", err, log.String())
		}
	})
	for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		conn, err := net.Dial("unix", socket)
		if err == nil {
			conn.Close()
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	for line := range strings.Lines(strings.ReplaceAll(readme(t, "A controller driven from either", dir), dir+"/control.sock", socket)) {
		for _, old := range []string{"audio.ogg", "video.ivf"} {
			os.Remove(filepath.Join(dir, old))
		}
		stdout, stderr, ok := shell(t, line)
		if !ok || stderr != "" || strings.Count(stdout, " 0 lost") != 2 {
			t.Fatalf("%s failed: %s%s", line, stdout, stderr)
		}
		same(t, dir+"/tone.ogg", dir+"/audio.ogg", "opus")
		same(t, dir+"/pattern.ivf", dir+"/video.ivf", "vp8")
	}
}
