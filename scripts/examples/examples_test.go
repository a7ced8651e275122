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
	for _, tool := range []string{"ffmpeg", "ffprobe", "python3"} {
		if _, err := exec.LookPath(tool); err != nil {
			fmt.Fprintf(os.Stderr, "%s is missing: run `make test` as root, or sudo apt-get install ffmpeg python3\n", tool)
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
	for _, pattern := range []string{"*.py", "../*.py", "goapp/*.go"} {
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
	if out, err := exec.Command("go", "build", "-o", dir, "gazpacho/scripts/examples/goapp").CombinedOutput(); err != nil {
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
