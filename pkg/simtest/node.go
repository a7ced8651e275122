package simtest

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// InstallPackages fetches the packages of a directory's package-lock.json from npm, unless those that are there are the ones that its package.json
// names. Packages tested at once may want the same directory.
func InstallPackages(dir string) error {
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			return fmt.Errorf("%s is missing: run `make test` as root, or sudo apt-get install nodejs npm", tool)
		}
	}
	lock, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return err
	}
	if installed, err := packagesInstalled(dir); installed || err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "npm", "ci", "--loglevel=error")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("npm ci in %s: %w\n%s", dir, err, out)
	}
	return nil
}

func packagesInstalled(dir string) (bool, error) {
	var wanted struct {
		Dependencies map[string]string `json:"dependencies"`
	}
	if err := readJSON(filepath.Join(dir, "package.json"), &wanted); err != nil {
		return false, err
	}
	for name, version := range wanted.Dependencies {
		version = version[strings.LastIndex(version, "@")+1:] // of npm:NAME@VERSION
		var got struct {
			Version string `json:"version"`
		}
		err := readJSON(filepath.Join(dir, "node_modules", name, "package.json"), &got)
		if err != nil || got.Version != version {
			return false, nil
		}
	}
	return true, nil
}

func readJSON(path string, v any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, v)
}

// Node is a script that runs in Node.js and says what happens in lines of JSON.
type Node struct {
	PID int

	t     testing.TB
	out   chan string
	log   logBuffer
	ended chan struct{}
	err   error // of its end
}

// StartNode starts a script of a directory, with a worker for mediasoup's library. It ends with the test at the latest.
func StartNode(t testing.TB, dir, worker string, env []string, args ...string) *Node {
	t.Helper()
	n := &Node{t: t, out: make(chan string, 1024), ended: make(chan struct{})}
	cmd := exec.Command("node", args...)
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "MEDIASOUP_") {
			cmd.Env = append(cmd.Env, variable)
		}
	}
	cmd.Dir, cmd.Stderr = dir, &n.log
	cmd.Env = append(append(cmd.Env, "MEDIASOUP_WORKER_BIN="+worker, "DEBUG=mediasoup:WARN:* mediasoup:ERROR:*", "DEBUG_COLORS=no"), env...)
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	n.PID = cmd.Process.Pid
	go func() {
		defer close(n.ended)
		n.read(stdout)
		n.err = cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-n.ended
	})
	return n
}

func (n *Node) read(stdout io.Reader) {
	defer close(n.out)
	lines := bufio.NewScanner(stdout)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		n.out <- lines.Text()
	}
}

// Next decodes the next line that the script writes.
func (n *Node) Next(v any) {
	n.t.Helper()
	select {
	case line, ok := <-n.out:
		if !ok {
			n.t.Fatalf("the script ended: %v\n%s", n.End(), n.Log())
		}
		if err := json.Unmarshal([]byte(line), v); err != nil {
			n.t.Fatalf("the script says %s: %v", line, err)
		}
	case <-time.After(nodePatience):
		n.t.Fatalf("the script says nothing\n%s", n.Log())
	}
}

// Signal sends the script a signal.
func (n *Node) Signal(s syscall.Signal) {
	n.t.Helper()
	if err := syscall.Kill(n.PID, s); err != nil {
		n.t.Fatal(err)
	}
}

// End waits for the script's end, and returns its exit code.
func (n *Node) End() int {
	n.t.Helper()
	select {
	case <-n.ended:
	case <-time.After(nodePatience):
		n.t.Fatalf("the script does not end\n%s", n.Log())
	}
	var exit *exec.ExitError
	if n.err != nil && !errors.As(n.err, &exit) {
		n.t.Fatal(n.err)
	}
	if exit != nil {
		return exit.ExitCode()
	}
	return 0
}

// Log is what the script, its library and the worker had to say.
func (n *Node) Log() string { return n.log.String() }

// nodePatience is how long a script may take for a line, on a machine that others use too.
const nodePatience = time.Minute
