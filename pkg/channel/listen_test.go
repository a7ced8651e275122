package channel

import (
	"bufio"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gazpacho/proto"
)

// The test binary is also the child process that inherits a channel.
const childEnv = "GAZPACHO_CHANNEL_TEST_CHILD"

func init() {
	if os.Getenv(childEnv) == "" {
		return
	}
	s, err := Listen("fd:3", Config{Request: func(r Request) { r.Respond(proto.AttachResult{Instance: "child"}, nil) }})
	if err != nil {
		os.Stderr.WriteString(err.Error())
		os.Exit(1)
	}
	if err := s.Serve(); err != nil {
		os.Exit(1)
	}
	os.Exit(0)
}

func answerAll(r Request) { r.Respond(proto.AttachResult{Instance: "listener"}, nil) }

// listen serves at path until the end of the test.
func listen(t *testing.T, path string) {
	t.Helper()
	s, err := Listen("unix:"+path, Config{Request: answerAll})
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	t.Cleanup(func() {
		s.Close()
		if err := <-served; err != nil {
			t.Error(err)
		}
		if _, err := os.Lstat(path); err == nil {
			t.Errorf("%s is left over", path)
		}
	})
}

func canAttach(t *testing.T, path string) {
	t.Helper()
	c, err := Dial(context.Background(), "unix:"+path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if c.Attached().Instance != "listener" {
		t.Errorf("got %+v", c.Attached())
	}
	c.Close()
}

func TestListenMakesPrivatePlaces(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run", "w0.sock")
	listen(t, path)
	for name, want := range map[string]os.FileMode{filepath.Dir(path): 0o700 | os.ModeDir, path: 0o600 | os.ModeSocket} {
		info, err := os.Lstat(name)
		if err != nil || info.Mode() != want {
			t.Errorf("%s: mode %v, %v, want %v", name, info.Mode(), err, want)
		}
	}
	canAttach(t, path)
}

func TestListenReplacesAStaleSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "w0.sock")
	old, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	old.(*net.UnixListener).SetUnlinkOnClose(false)
	old.Close()
	if _, err := os.Lstat(path); err != nil {
		t.Fatal("the test left no stale socket")
	}
	listen(t, path)
	canAttach(t, path)
}

func TestListenRefuses(t *testing.T) {
	dir := t.TempDir()
	busy := filepath.Join(dir, "busy.sock")
	listen(t, busy)
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ address, says string }{
		{"unix:" + busy, "somebody listens"},
		{"unix:" + file, "no socket"},
		{"unix:" + file + "/w0.sock", "not a directory"},
		{"unix:" + filepath.Join(dir, strings.Repeat("x", 200)), "at most 103 bytes"},
		{"unix:", "no path"},
		{"", "neither"},
		{"tcp:1", "neither"},
		{"fd:x", "no inherited descriptor"},
		{"fd:2", "no inherited descriptor"},
		{"fd:4000", "fd 4000"},
	} {
		if s, err := Listen(tt.address, Config{}); err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: got %v, %v, want %q", tt.address, s, err, tt.says)
		}
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != "precious" {
		t.Errorf("the file was harmed: %q, %v", b, err)
	}
	canAttach(t, busy)
}

func TestInheritedChannel(t *testing.T) {
	ours, theirs, err := Pair()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childEnv+"=1")
	child.ExtraFiles = []*os.File{theirs}
	var stderr strings.Builder
	child.Stderr = &stderr
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	theirs.Close()
	c, err := Attach(context.Background(), ours, Options{})
	if err != nil {
		t.Fatal(err, stderr.String())
	}
	if c.Attached().Instance != "child" {
		t.Errorf("got %+v", c.Attached())
	}
	c.Close()
	// Serve returns when the one controller is gone.
	if err := child.Wait(); err != nil {
		t.Error(err, stderr.String())
	}
}

func TestChildrenInheritNothingElse(t *testing.T) {
	ours, theirs, err := Pair()
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	child := exec.Command("cat")
	in, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	// A child that held the other end would keep it open.
	theirs.Close()
	if _, err := bufio.NewReader(ours).ReadByte(); err == nil {
		t.Error("got a byte")
	}
	in.Close()
	child.Wait()
}

func TestPeerIsTheSameUser(t *testing.T) {
	ours, theirs, err := Pair()
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	defer theirs.Close()
	uid, err := peerUID(ours.(*net.UnixConn))
	if err != nil || uid != os.Geteuid() {
		t.Errorf("got user %d, %v", uid, err)
	}
	if err := checkPeer(ours); err != nil {
		t.Error(err)
	}
	ours.Close()
	if err := checkPeer(ours); err == nil {
		t.Error("a closed connection was trusted")
	}
}

func TestCheckUID(t *testing.T) {
	for _, tt := range []struct {
		peer, own int
		ok        bool
	}{
		{1000, 1000, true},
		{0, 0, true},
		{0, 1000, true}, // root may anyway
		{1001, 1000, false},
		{1000, 0, false},
		{65534, 1000, false},
	} {
		if err := checkUID(tt.peer, tt.own); (err == nil) != tt.ok {
			t.Errorf("user %d of %d: %v", tt.peer, tt.own, err)
		}
	}
}
