package compat

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"gazpacho/pkg/simtest"
)

// applicationDir has programs made with mediasoup's library.
const applicationDir = "../../scripts/examples/mediasoup-app"

// startMediasoup starts one of them, or another script with arguments, on our worker.
func startMediasoup(t *testing.T, args ...string) *simtest.Node {
	t.Helper()
	// What only other processes read is read here too: go test must know that its result depends on it.
	if _, err := os.ReadFile(filepath.Join(applicationDir, args[0])); err != nil {
		t.Fatal(err)
	}
	return simtest.StartNode(t, applicationDir, filepath.Join(binaries, "worker"), nil, args...)
}

// Ten thousand requests at once are answered, each with its own answer, in the order they were sent.
func TestMediasoupConcurrentRequests(t *testing.T) {
	t.Parallel()
	dir, err := filepath.Abs(applicationDir)
	if err != nil {
		t.Fatal(err)
	}
	n := startMediasoup(t, "../../conformance/concurrent.cjs", dir)
	if code := n.End(); code != 0 || n.Log() != "" {
		t.Errorf("exit code %d\n%s", code, n.Log())
	}
}

// What ffmpeg plays into a PlainTransport, another ffmpeg records from a second one.
func TestMediasoupPlainTransports(t *testing.T) {
	t.Parallel()
	const seconds = 4
	file := filepath.Join(t.TempDir(), "recording.webm")
	n := startMediasoup(t, "record.mjs", file, fmt.Sprint(seconds))
	type count struct{ Received, Lost, Sent int }
	var report struct {
		Recorded     int
		Audio, Video count
	}
	n.Next(&report)
	if code := n.End(); code != 0 || report.Recorded != 0 || strings.Contains(n.Log(), "mediasoup") {
		t.Errorf("exit code %d, the recorder's %d\n%s", code, report.Recorded, n.Log())
	}
	for kind, c := range map[string]count{"audio": report.Audio, "video": report.Video} {
		// The last packets may be on their way between two requests for statistics.
		if c.Received < seconds*25 || c.Lost != 0 || c.Sent < c.Received-5 {
			t.Errorf("%s: %+v", kind, c)
		}
	}
	var probe struct {
		Streams []struct {
			CodecName string `json:"codec_name"`
			Width     int    `json:"width"`
			Packets   string `json:"nb_read_packets"`
		}
		Format struct{ Duration string }
	}
	out, err := exec.Command("ffprobe", "-v", "error", "-count_packets", "-show_streams", "-show_format", "-of", "json", file).Output()
	if err == nil {
		err = json.Unmarshal(out, &probe)
	}
	if err != nil || len(probe.Streams) != 2 {
		t.Fatalf("ffprobe: %v\n%s\n%s", err, out, n.Log())
	}
	t.Logf("%+v, %+v", report, probe)
	var length float64
	if _, err := fmt.Sscan(probe.Format.Duration, &length); err != nil || length < seconds-0.5 || length > seconds+0.5 {
		t.Errorf("the recording of %d s has %s s", seconds, probe.Format.Duration)
	}
	// Of 50 and 25 a second; how many come before a recorder knows both streams, and what it makes of their times until the first reports, is its own.
	least := map[string]int{"opus": seconds * 25, "vp8": seconds * 15}
	for _, stream := range probe.Streams {
		var packets int
		if _, err := fmt.Sscan(stream.Packets, &packets); err != nil || least[stream.CodecName] == 0 || packets < least[stream.CodecName] {
			t.Errorf("the recording has %+v", stream)
		}
		delete(least, stream.CodecName)
	}
}

// conference is a server and its worker.
type conference struct {
	*simtest.Node
	Worker int
}

func startConference(t *testing.T) *conference {
	t.Helper()
	c := &conference{Node: startMediasoup(t, "server.mjs")}
	c.Next(c)
	if !alive(c.Worker) {
		t.Fatalf("there is no worker %d", c.Worker)
	}
	return c
}

// alive tells whether a process runs: it is neither gone nor waits for its parent to hear of its end.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, state, _ := strings.Cut(string(stat), ") ")
	return err == nil && !strings.HasPrefix(state, "Z")
}

// gone waits for a worker's end: none is left behind.
func (c *conference) gone(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(patience); alive(c.Worker); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("worker %d is still there", c.Worker)
		}
	}
}

// A worker that crashes has the library say that it died.
func TestMediasoupWorkerDies(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]syscall.Signal{"killed": syscall.SIGKILL, "crashed": syscall.SIGABRT} {
		t.Run(name, func(t *testing.T) {
			c := startConference(t)
			if err := syscall.Kill(c.Worker, s); err != nil {
				t.Fatal(err)
			}
			var said struct{ Died string }
			c.Next(&said)
			if code := c.End(); code != 1 || !strings.Contains(said.Died, fmt.Sprintf("pid:%d", c.Worker)) {
				t.Errorf("exit code %d, %+v", code, said)
			}
			c.gone(t)
		})
	}
}

// However an application ends, so does its worker.
func TestMediasoupApplicationEnds(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		signal syscall.Signal
		code   int
	}{"asked": {syscall.SIGTERM, 0}, "interrupted": {syscall.SIGINT, 0}, "killed": {syscall.SIGKILL, -1}} {
		t.Run(name, func(t *testing.T) {
			c := startConference(t)
			c.Signal(tt.signal)
			if code := c.End(); code != tt.code || c.Log() != "" {
				t.Errorf("exit code %d\n%s", code, c.Log())
			}
			c.gone(t)
		})
	}
}

// The page about moving has commands to begin with, which say the library's version and dump a worker.
func TestMediasoupMoving(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../fbwire/MOVING.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, opens := strings.Cut(string(text), "\n```sh\n")
	commands, _, closes := strings.Cut(rest, "\n```\n")
	if !opens || !closes {
		t.Fatal("MOVING.md has no commands")
	}
	// The worker is built, and the packages are installed.
	for old, its := range map[string]string{"make build": "true", "npm ci": "true", "$PWD/bin/worker": filepath.Join(binaries, "worker")} {
		if !strings.Contains(commands, old) {
			t.Errorf("MOVING.md does not have %q to begin with", old)
		}
		commands = strings.ReplaceAll(commands, old, its)
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-e", "-c", commands)
	cmd.Dir = "../.."
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), "3.27.1 {") || !strings.Contains(string(out), "routerIds: []") {
		t.Errorf("%v\n%s", err, out)
	}
}

// A worker that cannot start, since the settings are wrong, is a TypeError as ever.
func TestMediasoupWrongSettings(t *testing.T) {
	t.Parallel()
	const script = `import('mediasoup').then(({ createWorker }) => createWorker({ rtcMinPort: 2000, rtcMaxPort: 1999 }))
		.catch((error) => console.log(JSON.stringify({ name: error.name, message: error.message })))`
	n := simtest.StartNode(t, applicationDir, filepath.Join(binaries, "worker"), nil, "-e", script)
	var said struct{ Name, Message string }
	n.Next(&said)
	if code := n.End(); code != 0 || said.Name != "TypeError" || said.Message != "wrong settings" || !strings.Contains(n.Log(), "rtcMaxPort") {
		t.Errorf("exit code %d, %+v\n%s", code, said, n.Log())
	}
}
