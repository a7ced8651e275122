// Package examples tests the examples as their README has them run.
package examples

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"gazpacho/pkg/simtest"
)

// built has the worker and the Go app, and once they are made the clips.
var (
	built string
	made  sync.Once
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	for _, tool := range []string{"curl", "ffmpeg", "ffprobe", "python3"} {
		if _, err := exec.LookPath(tool); err != nil {
			fmt.Fprintf(os.Stderr, "%s is missing: run `make test` as root, or sudo apt-get install curl ffmpeg python3\n", tool)
			return 1
		}
	}
	dir, err := os.MkdirTemp("", "gazpacho-examples")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if err := build(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	built = dir
	return m.Run()
}

func build(dir string) error {
	// What only other processes read is read here too: go test must know that its result depends on it.
	for _, pattern := range []string{"*.py", "*.sh", "../*.py", "goapp/*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			return fmt.Errorf("no %s: %w", pattern, err)
		}
		for _, f := range files {
			if _, err := os.ReadFile(f); err != nil {
				return err
			}
		}
	}
	if out, err := exec.Command("go", "build", "-o", dir, "gazpacho/scripts/examples/goapp", "gazpacho/cmd/controller").CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return simtest.BuildWorker(dir)
}

// shell runs commands at the top of the tree, and returns what they wrote and whether they ended with 0.
func shell(t *testing.T, commands string) (stdout, stderr string, ok bool) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-e", "-c", commands)
	cmd.Dir = "../.."
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	return out.String(), errs.String(), err == nil
}

// readme returns the commands of a section, with the paths of this test.
func readme(t *testing.T, section, recordings string) string {
	t.Helper()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "\n## "+section+"\n")
	_, rest, opens := strings.Cut(rest, "\n```sh\n")
	commands, _, closes := strings.Cut(rest, "\n```\n")
	if !found || !opens || !closes {
		t.Fatalf("README.md has no commands in %q", section)
	}
	commands = strings.ReplaceAll(commands, "bin/worker", filepath.Join(built, "worker"))
	commands = strings.ReplaceAll(commands, "go run ./scripts/examples/goapp", filepath.Join(built, "goapp"))
	commands = strings.ReplaceAll(commands, "control.sock", recordings+"/control.sock")
	return strings.ReplaceAll(commands, "recordings", recordings)
}

// clips are the files to play, in a directory of the test's own.
func clips(t *testing.T) string {
	t.Helper()
	made.Do(func() {
		if err := os.Mkdir(built+"/clips", 0o700); err != nil {
			t.Fatal(err)
		}
		if _, stderr, ok := shell(t, readme(t, "Two files to play", built+"/clips")); !ok {
			t.Fatal(stderr)
		}
	})
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(built+"/clips")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// content is what ffprobe counts in a file: codec, packets and duration; and what ffmpeg takes the digest of: the packets' bytes.
func content(t *testing.T, path string) (codec string, packets int, seconds float64, digest string) {
	t.Helper()
	out, stderr, ok := shell(t, "ffprobe -v error -count_packets -show_entries stream=codec_name,duration,nb_read_packets -of csv=p=0 "+path)
	fields := strings.Split(strings.TrimSpace(out), ",")
	if !ok || stderr != "" || len(fields) != 3 {
		t.Fatalf("ffprobe says %q of %s: %s", out, path, stderr)
	}
	seconds, err := strconv.ParseFloat(fields[1], 64)
	if err != nil {
		t.Fatal(err)
	}
	if packets, err = strconv.Atoi(fields[2]); err != nil {
		t.Fatal(err)
	}
	digest, stderr, ok = shell(t, "ffmpeg -v error -i "+path+" -c copy -f md5 -")
	if !ok || stderr != "" {
		t.Fatalf("ffmpeg says of %s: %s", path, stderr)
	}
	return fields[0], packets, seconds, digest
}

// apps are both languages: the section of the README, and the program with what it calls itself.
var apps = []struct{ section, name, program string }{
	{"A worker driven from Go", "goapp", "$built/goapp"},
	{"A worker driven from Python", "pyapp.py", "python3 scripts/examples/pyapp.py"},
}

// TestRecordings is the proof: what was played is what was recorded, to the byte, and players take it.
func TestRecordings(t *testing.T) {
	for _, app := range apps {
		t.Run(app.name, func(t *testing.T) {
			t.Parallel()
			dir := clips(t)
			stdout, stderr, ok := shell(t, readme(t, app.section, dir))
			if !ok || stderr != "" {
				t.Fatalf("failed: %s%s", stdout, stderr)
			}
			for _, kind := range []string{"audio", "video"} {
				var sent, received, lost int
				_, line, _ := strings.Cut("\n"+stdout, "\n"+kind+": ")
				if _, err := fmt.Sscanf(line, "%d packets sent, %d received, %d lost\n", &sent, &received, &lost); err != nil {
					t.Fatalf("%v in %s", err, stdout)
				}
				if sent < 50 || received != sent || lost != 0 {
					t.Errorf("%s: %d packets sent, %d received, %d lost", kind, sent, received, lost)
				}
			}
			same(t, dir+"/tone.ogg", dir+"/audio.ogg", "opus")
			same(t, dir+"/pattern.ivf", dir+"/video.ivf", "vp8")
		})
	}
}

// same compares what is in two files.
func same(t *testing.T, played, recorded, codec string) {
	t.Helper()
	_, packets, seconds, digest := content(t, played)
	c, p, s, d := content(t, recorded)
	if c != codec || p != packets || d != digest {
		t.Errorf("%s: %d packets of %s, %s; played were %d, %s", recorded, p, c, d, packets, digest)
	}
	if s < seconds-0.1 || s > seconds+0.1 {
		t.Errorf("%s lasts %g s, played were %g s", recorded, s, seconds)
	}
	if _, stderr, ok := shell(t, "ffmpeg -v warning -xerror -i "+recorded+" -f null -"); !ok || stderr != "" {
		t.Errorf("%s does not decode: %s", recorded, stderr)
	}
}

// beheaded is a clip without its first picture, the only key frame: a worker forwards nothing that cannot be decoded.
func beheaded(t *testing.T, clip string) {
	t.Helper()
	data, err := os.ReadFile(clip)
	if err != nil {
		t.Fatal(err)
	}
	first := 12 + int(data[32]) + int(data[33])<<8 + int(data[34])<<16
	if err := os.WriteFile(clip, append(data[:32:32], data[32+first:]...), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestLossIsAnError(t *testing.T) {
	for _, app := range apps {
		t.Run(app.name, func(t *testing.T) {
			t.Parallel()
			dir := clips(t)
			beheaded(t, dir+"/pattern.ivf")
			patience := map[string]string{"goapp": "500ms", "pyapp.py": "0.5"}[app.name]
			commands, _, _ := strings.Cut(readme(t, app.section, dir), "\n")
			stdout, stderr, ok := shell(t, commands+" --patience "+patience)
			if ok || stderr != app.name+": not everything arrived\n" {
				t.Errorf("ended with 0: %t, and said %s", ok, stderr)
			}
			if !strings.Contains(stdout, " received, 0 lost\nvideo: ") || !strings.Contains(stdout, " packets sent, 0 received, ") {
				t.Errorf("printed %s", stdout)
			}
		})
	}
}

func TestFailuresAreClear(t *testing.T) {
	dir := clips(t)
	for _, app := range apps {
		for _, tt := range []struct{ worker, audio, video, says string }{
			{"$built/worker", "$dir/none", "$dir/pattern.ivf", "$dir/none"},
			{"$built/worker", "$dir/pattern.ivf", "$dir/pattern.ivf", "no Opus in Ogg\n"},
			{"$built/worker", "$dir/tone.ogg", "$dir/tone.ogg", "no VP8 in IVF\n"},
			{"$dir/none", "$dir/tone.ogg", "$dir/pattern.ivf", "$dir/none"},
			{"/bin/false", "$dir/tone.ogg", "$dir/pattern.ivf", "worker"},
		} {
			paths := strings.NewReplacer("$built", built, "$dir", dir)
			command := paths.Replace(app.program + " --out $dir --worker " + tt.worker + " --audio " + tt.audio + " --video " + tt.video)
			stdout, stderr, ok := shell(t, command)
			if ok || stdout != "" || !strings.HasPrefix(stderr, app.name+": ") || !strings.Contains(stderr, paths.Replace(tt.says)) {
				t.Errorf("%s: ended with 0: %t, %s%s", command, ok, stdout, stderr)
			}
			if strings.Count(stderr, "\n") != 1 {
				t.Errorf("%s: more than a line: %s", command, stderr)
			}
		}
		if _, stderr, ok := shell(t, strings.ReplaceAll(app.program, "$built", built)); ok || !strings.Contains(stderr, "-video") {
			t.Errorf("%s without arguments says %s", app.name, stderr)
		}
	}
}

// The broadcaster's work is tested in pkg/e2e, where somebody watches.
func TestBroadcastFailsClearly(t *testing.T) {
	dir := clips(t)
	for _, tt := range []struct{ args, says string }{
		{"", "Usage: scripts/examples/broadcast.sh [-k] FILE ROOM [ID]\n"},
		{"-k film room id more", "Usage: "},
		{"$dir/none lobby", "broadcast.sh: cannot read $dir/none\n"},
		{"go.mod lobby", "broadcast.sh: go.mod is nothing that ffmpeg can play\n"},
		{"$dir/tone.ogg ../rooms", "broadcast.sh: the room and the id may have letters"},
		{"$dir/tone.ogg lobby 'a b'", "broadcast.sh: the room and the id may have letters"},
		{"$dir/tone.ogg lobby", "broadcast.sh: POST broadcasters failed\n"}, // nobody listens on port 1
	} {
		command := "GAZPACHO_URL=https://127.0.0.1:1 scripts/examples/broadcast.sh " + strings.ReplaceAll(tt.args, "$dir", dir)
		stdout, stderr, ok := shell(t, command)
		if ok || stdout != "" || !strings.Contains(stderr, strings.ReplaceAll(tt.says, "$dir", dir)) {
			t.Errorf("%s: ended with 0: %t, %s%s", command, ok, stdout, stderr)
		}
	}
}

// TestMediaInPython is what goapp's own tests are for Go.
func TestMediaInPython(t *testing.T) {
	_, stderr, ok := shell(t, `cd scripts/examples && python3 -c '
import media, pyapp, struct

# Opus, of lengths about those of segments: a packet of 255 bytes ends with an empty one (RFC 3533 section 6).
sound = [(960 * i, bytes([31 << 3]) + bytes([i]) * (n - 1)) for i, n in enumerate((1, 3, 254, 255, 256, 510, 1275))]
assert media.read_ogg(media.write_ogg(sound)) == sound
assert media.ogg_checksum(bytes([1])) == 0x04C11DB7
for config, rest, want in ((0, b"", 480), (11, b"", 2880), (13, b"", 960), (16, b"", 120), (31, b"", 960)):
    assert media.opus_samples(bytes([config << 3]) + rest) == want, config
    assert media.opus_samples(bytes([config << 3 | 1]) + rest) == 2 * want, config
    assert media.opus_samples(bytes([config << 3 | 3, 0xC0 | 5])) == 5 * want, config
assert media.opus_samples(b"") == media.opus_samples(b"\xff") == 0

# VP8: whatever packet is lost, its picture is left out, and all before the first key frame.
key = bytes.fromhex("1000009d012a4041f080") + bytes(2000)
shown = [(0, key), (3600, b"\x01" * 2600), (7200, b"\x01" * 100), (10800, key)]
packets = []
for i, (timestamp, picture) in enumerate(shown):
    payloads = list(media.vp8_payloads(picture, i))
    packets += [(n + len(packets), timestamp, n == len(payloads) - 1, p) for n, p in enumerate(payloads)]
of = [p[1] // 3600 for p in packets]
assert media.read_ivf(media.write_ivf(media.pictures(packets))) == shown
for lost in range(len(packets)):
    left = media.read_ivf(media.write_ivf(media.pictures(packets[:lost] + packets[lost + 1 :])))
    assert left == ([shown[3]] if of[lost] == 0 else shown[: of[lost]] + shown[of[lost] + 1 :]), lost
assert media.vp8_payload(bytes.fromhex("90ff8001020399")) == (True, b"\x99") # all extensions (RFC 7741 section 4.2)
assert media.vp8_payload(bytes.fromhex("80800199")) == (False, b"\x99")
assert media.read_ivf(media.write_ivf([])) == []

def refused(read, data):
    try: read(data)
    except ValueError: return True

for file, read in ((media.write_ogg(sound), media.read_ogg), (media.write_ivf(shown), media.read_ivf)):
    assert all(refused(read, file[:n]) for n in (0, 4, 20, 31, len(file) - 1)), read
    assert refused(read, b"RIFF" + file[4:]), read

# A track: numbers wrap, and packets come in any order and twice.
track = pyapp.Track("audio", {"payloadType": 100, "clockRate": 48000}, 1, sound)
assert [at for at, _ in track.packets] == [i * 0.02 for i in range(7)]
fresh = [track.add(struct.pack(">BBHII", 0x80, 100, n, 0, 2) + b"x") for n in (0xFFFE, 0, 0xFFFF, 0xFFFD, 2, 0, 0xFFFF)]
assert fresh == [True] * 5 + [False] * 2, fresh
assert [n & 0xFFFF for n in sorted(track.received)] == [0xFFFD, 0xFFFE, 0xFFFF, 0, 2]

# RFC 3550 section 5.1: two sources, an extension of one word, and three bytes of padding are no payload.
assert pyapp.payload(bytes.fromhex("b264000100000000000000010000000200000003bede000110aa0000f8fffe000003")) == bytes.fromhex("f8fffe")
'`)
	if !ok || stderr != "" {
		t.Error(stderr)
	}
}
