package main

import (
	"bytes"
	"context"
	bits "encoding/binary"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	flatbuffers "github.com/google/flatbuffers/go"

	"gazpacho/pkg/fbwire"
)

const libraryVersion = "3.27.1"

// schemaDir is where the schema of libraryVersion is; npm has it.
var schemaDir = sync.OnceValues(func() (string, error) {
	out, err := exec.Command("../../scripts/mediasoup.sh", "schema", libraryVersion).Output()
	return strings.TrimSpace(string(out)), err
})

func librarySchema(t *testing.T) string {
	t.Helper()
	dir, err := schemaDir()
	if err != nil {
		t.Fatalf("mediasoup %s is needed from npm: %v", libraryVersion, err)
	}
	return dir
}

// library is a process that started a worker, as the worker sees it: two byte streams.
type library struct {
	t       *testing.T
	command *exec.Cmd
	to      *os.File // the worker's descriptor 3
	from    *os.File // 4
	stdout  bytes.Buffer
	stderr  bytes.Buffer
}

// environment is what a library passes on: its own, but for what tests are run with.
func environment(more ...string) []string {
	var list []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "MEDIASOUP_") && !strings.HasPrefix(v, "GAZPACHO_") {
			list = append(list, v)
		}
	}
	return append(list, more...)
}

// launch starts a program as a library starts its worker.
func launch(t *testing.T, sockets bool, env []string, dir, program string, args ...string) *library {
	t.Helper()
	in, to := streams(t, sockets)
	from, out := streams(t, sockets)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	l := &library{t: t, command: exec.CommandContext(ctx, program, args...), to: to, from: from}
	l.command.Env, l.command.Dir, l.command.ExtraFiles = env, dir, []*os.File{in, out}
	l.command.Stdout, l.command.Stderr = &l.stdout, &l.stderr
	if err := l.command.Start(); err != nil {
		t.Fatal(err)
	}
	in.Close()
	out.Close()
	t.Cleanup(func() {
		cancel()
		to.Close()
		from.Close()
	})
	return l
}

// streams returns both ends of a pipe, as mediasoup-go has them, or of a pair of sockets, as Node.js has.
func streams(t *testing.T, sockets bool) (read, write *os.File) {
	t.Helper()
	if !sockets {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		return r, w
	}
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	return os.NewFile(uintptr(pair[0]), "a"), os.NewFile(uintptr(pair[1]), "b")
}

// running waits for the worker to say that it runs: a notification with its process's id.
func (l *library) running() {
	l.t.Helper()
	head := make([]byte, 4)
	if _, err := io.ReadFull(l.from, head); err != nil {
		l.command.Wait()
		l.t.Fatalf("%v, stderr %q", err, l.stderr.String())
	}
	b := make([]byte, bits.LittleEndian.Uint32(head))
	if _, err := io.ReadFull(l.from, b); err != nil {
		l.t.Fatal(err)
	}
	if pid := strconv.Itoa(l.command.Process.Pid); !bytes.Contains(b, []byte(pid+"\x00")) {
		l.t.Fatalf("%q does not name process %s", b, pid)
	}
}

// end waits for the process, and returns its code.
func (l *library) end() int {
	l.t.Helper()
	err := l.command.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		l.t.Fatal(err)
	}
	return l.command.ProcessState.ExitCode()
}

func (l *library) write(b []byte) {
	l.t.Helper()
	if _, err := l.to.Write(b); err != nil {
		l.t.Fatal(err)
	}
}

// closing is a notification that asks the worker to end.
func closing(t *testing.T) []byte {
	t.Helper()
	s, err := fbwire.Load(librarySchema(t))
	if err != nil {
		t.Fatal(err)
	}
	slots := func(table string) map[string]int {
		m := map[string]int{}
		for _, f := range s.Tables[table].Fields {
			m[f.Name] = f.Slot
		}
		return m
	}
	message, notification := slots("FBS.Message.Message"), slots("FBS.Notification.Notification")
	b := flatbuffers.NewBuilder(64)
	handler := b.CreateString("")
	b.StartObject(8)
	b.PrependUOffsetTSlot(notification["handler_id"], handler, 0)
	off := b.EndObject() // the event is number 0
	b.StartObject(8)
	b.PrependUOffsetTSlot(message["data"], off, 0)
	b.PrependByteSlot(message["data"]-1, 3, 0)
	b.FinishSizePrefixed(b.EndObject())
	return b.FinishedBytes()
}

// A worker ends well when its library asks it to, by a signal or a notification, and when the library is gone; it says nothing but that.
func TestDropInEnds(t *testing.T) {
	env := environment("MEDIASOUP_VERSION="+libraryVersion, "MEDIASOUP_FBS_DIR="+librarySchema(t))
	for name, tt := range map[string]struct {
		end    func(l *library)
		code   int
		stderr string
	}{
		"SIGTERM":            {func(l *library) { l.command.Process.Signal(syscall.SIGTERM) }, 0, ""},
		"SIGINT":             {func(l *library) { l.command.Process.Signal(syscall.SIGINT) }, 0, ""},
		"notification":       {func(l *library) { l.write(closing(t)) }, 0, ""},
		"gone":               {func(l *library) { l.to.Close(); l.from.Close() }, 0, "worker: channel remotely closed\n"},
		"gone while writing": {func(l *library) { l.write([]byte{9, 0, 0}); l.to.Close() }, 0, "worker: channel remotely closed\n"},
		"garbage": {
			func(l *library) { l.write([]byte("\x0c\x00\x00\x00hello, worker")) }, 40,
			"worker: channel: a message that is neither a request nor a notification\n",
		},
		"too long": {func(l *library) { l.write([]byte{0xff, 0xff, 0xff, 0xff}) }, 40, "worker: channel: a message of 4294967295 bytes\n"},
	} {
		for _, sockets := range []bool{false, true} {
			l := launch(t, sockets, env, "", binary, "--logLevel=debug", "--logTag=ice", "--logTag=rtp", "--rtcMinPort=40000", "-rtcMax=40099",
				"--libwebrtcFieldTrials=a/b", "--disableLiburing=true", "--useBuiltInSctpStack=true")
			l.running()
			for _, s := range []syscall.Signal{syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGALRM, syscall.SIGPIPE} {
				l.command.Process.Signal(s)
			}
			tt.end(l)
			if code := l.end(); code != tt.code || l.stderr.String() != tt.stderr || l.stdout.Len() != 0 {
				t.Errorf("%s: exit code %d, stderr %q, stdout %q", name, code, l.stderr.String(), l.stdout.String())
			}
		}
	}
}

// What keeps a worker from starting has a code the libraries know, and a line that says what it is.
func TestDropInDoesNotStart(t *testing.T) {
	certificate, key := pemFiles(t, t.TempDir())
	schema, empty := librarySchema(t), t.TempDir()
	version := "MEDIASOUP_VERSION=" + libraryVersion
	for _, tt := range []struct {
		env  []string
		args []string
		code int
		says string
	}{
		{nil, []string{"--logLevel=debug"}, 41, "MEDIASOUP_VERSION is not set"},
		{[]string{version}, []string{"--chicken=1"}, 42, `there is no option "chicken"`},
		{[]string{version}, []string{"-x"}, 42, `there is no option "x"`},
		{[]string{version}, []string{"--log=debug"}, 42, `"log" is the beginning of two options`},
		{[]string{version}, []string{"--logLevel"}, 42, "logLevel: has no value"},
		{[]string{version}, []string{"--logLevel", "debug"}, 42, "logLevel: has no value"},
		{[]string{version}, []string{"--logLevel=chicken"}, 42, `"chicken" is not debug, warn, error or none`},
		{[]string{version}, []string{"--logLevel=info"}, 42, `"info" is not debug, warn, error or none`},
		{[]string{version}, []string{"--rtcMinPort=1000", "--rtcMaxPort=999"}, 42, "999 is less than rtcMinPort, 1000"},
		{[]string{version}, []string{"--rtcMaxPort=65536"}, 42, "0 is less than rtcMinPort, 10000"},
		{[]string{version}, []string{"--rtcMinPort=many"}, 42, `"many" is no number`},
		{[]string{version}, []string{"--dtlsCertificateFile=" + certificate}, 42, "dtls-key: is missing"},
		{[]string{version}, []string{"--dtlsCertificateFile=/none", "--dtlsPrivateKeyFile=" + key}, 42, "/none"},
		{[]string{version}, []string{"--mediasoup-fbs"}, 42, "mediasoup-fbs: has no value"},
		{[]string{version}, []string{"--mediasoup-fbs", empty}, 42, "has no .fbs files"},
		{[]string{version, "MEDIASOUP_FBS_DIR=" + filepath.Join(empty, "none")}, nil, 42, "has no .fbs files"},
		{[]string{version}, nil, 42, "were not found beside the library: give --mediasoup-fbs DIR or set MEDIASOUP_FBS_DIR"},
	} {
		l := launch(t, false, environment(tt.env...), t.TempDir(), binary, tt.args...)
		if code := l.end(); code != tt.code || !strings.Contains(l.stderr.String(), tt.says) || strings.Count(l.stderr.String(), "\n") != 1 {
			t.Errorf("%v %v: exit code %d, %q", tt.env, tt.args, code, l.stderr.String())
		}
	}
	// Nobody is at the other end of descriptors that are not there.
	c := exec.Command(binary)
	c.Env = environment(version, "MEDIASOUP_FBS_DIR="+schema)
	if out, err := c.CombinedOutput(); c.ProcessState.ExitCode() != exitChannel || !strings.Contains(string(out), "descriptor 3: ") {
		t.Errorf("without descriptors: %v, %q", err, out)
	}
}

// project makes a directory with mediasoup installed in it.
func project(t *testing.T, version string) string {
	t.Helper()
	dir := t.TempDir()
	installed := filepath.Join(dir, "node_modules/mediasoup/worker")
	if err := os.MkdirAll(installed, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(librarySchema(t), filepath.Join(installed, "fbs")); err != nil {
		t.Fatal(err)
	}
	about := `{"name": "mediasoup", "version": "` + version + `"}`
	if err := os.WriteFile(filepath.Join(installed, "../package.json"), []byte(about), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// The schema is found beside the library: from where it runs upwards, from its script, from where this binary lies.
func TestSchemaBesideTheLibrary(t *testing.T) {
	env := environment("MEDIASOUP_VERSION=" + libraryVersion)
	app := project(t, libraryVersion)
	deep := filepath.Join(app, "server/lib")
	inside := filepath.Join(app, "node_modules/mediasoup/worker/out/Release")
	for _, dir := range []string{deep, inside} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	script, link := filepath.Join(deep, "start.sh"), filepath.Join(inside, "mediasoup-worker")
	if err := os.WriteFile(script, []byte("\""+binary+"\" --logLevel=none\nexit $?\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(binary, link); err != nil {
		t.Fatal(err)
	}
	other := project(t, "3.19.3")
	for _, tt := range []struct {
		name, dir, program string
		args               []string
		env                []string
		says               string // empty: it starts
	}{
		{"where it runs", deep, binary, nil, env, ""},
		{"its script", t.TempDir(), "/bin/sh", []string{script}, env, ""},
		{"in the package", t.TempDir(), link, nil, env, ""},
		{"another version", other, binary, nil, env, "found was no mediasoup 3.27.1 but 3.19.3 in " + other},
		{"no version is said", other, binary, nil, environment("MEDIASOUP_VERSION=default"), ""},
	} {
		l := launch(t, false, tt.env, tt.dir, tt.program, tt.args...)
		if tt.says == "" {
			// A shell between has an id of its own, which is not the worker's: all that counts here is that it runs.
			if _, err := io.ReadFull(l.from, make([]byte, 4)); err != nil {
				t.Errorf("%s: %v", tt.name, err)
			}
			l.to.Close()
			if code := l.end(); code != 0 {
				t.Errorf("%s: exit code %d, %q", tt.name, code, l.stderr.String())
			}
		} else if code := l.end(); code != 42 || !strings.Contains(l.stderr.String(), tt.says) {
			t.Errorf("%s: exit code %d, %q", tt.name, code, l.stderr.String())
		}
	}
}

// The wrapper is the process that the library started, and says what the library does not.
func TestWrapper(t *testing.T) {
	beside := t.TempDir()
	wrapper, err := os.ReadFile("../../scripts/mediasoup-worker")
	if err != nil {
		t.Fatal(err)
	}
	inPlace, err := filepath.Abs("../../scripts/mediasoup-worker")
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(beside, "mediasoup-worker")
	if err := os.WriteFile(copied, wrapper, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{"worker": binary, "fbs": librarySchema(t)} {
		if err := os.Symlink(target, filepath.Join(beside, name)); err != nil {
			t.Fatal(err)
		}
	}
	path := "PATH=" + os.Getenv("PATH")
	for name, l := range map[string]*library{
		"told by variables": launch(t, false, []string{path, "GAZPACHO_WORKER=" + binary, "MEDIASOUP_FBS_DIR=" + librarySchema(t)}, t.TempDir(),
			inPlace, "--logLevel=error"),
		"all beside it": launch(t, false, []string{path}, t.TempDir(), copied),
	} {
		l.running()
		l.to.Close()
		if code := l.end(); code != 0 {
			t.Errorf("%s: exit code %d, %q", name, code, l.stderr.String())
		}
	}
}
