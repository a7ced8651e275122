package simtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// BuildWorker builds the worker into a directory.
func BuildWorker(dir string) error {
	if out, err := exec.Command("go", "build", "-o", dir, "gazpacho/cmd/worker").CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

// Process is a worker in a process of its own, and the test's end of its channel.
type Process struct {
	*Worker
	PID int
	log logBuffer
}

// StartProcess starts the binary of BuildWorker. It ends with the test, which fails if it does not end well.
func StartProcess(t testing.TB, dir string) *Process {
	t.Helper()
	p := &Process{}
	address := "unix:" + filepath.Join(t.TempDir(), "run", "w.sock")
	cmd := exec.Command(filepath.Join(dir, "worker"), "--channel", address)
	cmd.Stdout, cmd.Stderr = &p.log, &p.log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.PID = cmd.Process.Pid
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		killer := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
		defer killer.Stop()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the worker ended with %v and said\n%s", err, p.Log())
		}
	})
	p.Worker = AttachTo(t, address)
	return p
}

// Log is what the process wrote.
func (p *Process) Log() string { return p.log.String() }

// RSS is the resident memory of a process in bytes.
func RSS(t testing.TB, pid int) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "\nVmRSS:")
	var kilobytes int
	if _, err := fmt.Sscan(rest, &kilobytes); err != nil {
		t.Fatalf("no VmRSS in %s", status)
	}
	return kilobytes << 10
}
