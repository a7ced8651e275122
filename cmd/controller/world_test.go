package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// binDir holds the real programs, built once.
var binDir string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "controller")
	if err != nil {
		panic(err)
	}
	binDir = dir
	build := exec.Command("go", "build", "-ldflags", "-X main.version=v9", "-o", dir+"/", "gazpacho/cmd/controller", "gazpacho/cmd/worker")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "programs do not build: %v\n%s", err, out)
		os.Exit(1)
	}
	code := m.Run()
	if err := goleak.Find(); code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.RemoveAll(dir)
	os.Exit(code)
}

// lines is a writer that several goroutines may use.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// testConfig is a controller with one worker, all on free ports of loopback, without an operator's port.
func testConfig(t *testing.T) config {
	cfg := newConfig()
	cfg.Listen, cfg.AdminListen = "127.0.0.1:0", "none"
	cfg.RTCListen, cfg.RTCPort, cfg.Workers, cfg.WorkerBin = []string{"127.0.0.1"}, 0, 1, filepath.Join(binDir, "worker")
	cfg.DataDir, cfg.Version = t.TempDir(), "v9"
	return *cfg
}

// instance is a controller in this process.
type instance struct {
	address string
	admin   net.Addr
	log     *lines
	end     func() error
}

// run starts a controller in this process.
func run(t *testing.T, cfg config) *instance {
	t.Helper()
	c := &instance{log: &lines{}}
	ctx, cancel := context.WithCancel(context.Background())
	ready, ended := make(chan struct{}), make(chan error, 1)
	cfg.Stderr, cfg.Ready = c.log, func(page, admin net.Addr) {
		c.address, c.admin = page.String(), admin
		close(ready)
	}
	go func() { ended <- Run(ctx, cfg) }()
	c.end = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() { _ = c.end() })
	select {
	case <-ready:
	case err := <-ended:
		ended <- err
		t.Fatalf("%v\n%s", err, c.log)
	}
	return c
}

// insecure does not ask who signed the certificate.
func insecure(t *testing.T) *http.Client {
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// program runs the real controller, which must end, and returns its exit code and what it wrote.
func program(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	return programIn(t, nil, args...)
}

// programIn is program with more variables in its environment.
func programIn(t *testing.T, environ []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	c := exec.CommandContext(ctx, filepath.Join(binDir, "controller"), args...)
	c.Env = append(append(os.Environ(), "XDG_DATA_HOME="+t.TempDir()), environ...)
	var out, err bytes.Buffer
	c.Stdout, c.Stderr = &out, &err
	failure := c.Run()
	if ctx.Err() != nil {
		t.Fatalf("%v does not end: %s", args, err.String())
	}
	var exit *exec.ExitError
	if failure != nil && !errors.As(failure, &exit) {
		t.Fatal(failure)
	}
	return c.ProcessState.ExitCode(), out.String(), err.String()
}

// started is the real controller as a process, once it serves.
func started(t *testing.T, environ []string, args ...string) (c *exec.Cmd, log *bufferedLog) {
	t.Helper()
	log = &bufferedLog{ready: make(chan struct{})}
	c = exec.Command(filepath.Join(binDir, "controller"), append([]string{"--listen", "127.0.0.1:0", "--rtc-listen", "127.0.0.1", "--rtc-port", "0", "--workers", "2", "--admin-listen", "none"}, args...)...)
	c.Env = append(append(os.Environ(), "XDG_DATA_HOME="+t.TempDir()), environ...)
	c.Stderr = log
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-log.ready:
	case <-time.After(30 * time.Second):
		t.Fatalf("it does not start: %s", log)
	}
	return c, log
}

type bufferedLog struct {
	lines
	once  sync.Once
	ready chan struct{}
}

func (l *bufferedLog) Write(p []byte) (int, error) {
	n, err := l.lines.Write(p)
	if strings.Contains(l.String(), "Gazpacho is ready") {
		l.once.Do(func() { close(l.ready) })
	}
	return n, err
}

// children are the processes whose parent is pid now.
func children(t *testing.T, pid int) []int {
	t.Helper()
	out, err := exec.Command("ps", "-A", "-o", "ppid=,pid=").Output()
	if err != nil {
		t.Fatal(err)
	}
	var list []int
	for line := range strings.Lines(string(out)) {
		var parent, child int
		if _, err := fmt.Sscan(line, &parent, &child); err == nil && parent == pid {
			list = append(list, child)
		}
	}
	return list
}

// gone tells whether a process has ended; one whose parent has not taken notice yet has.
func gone(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
	}
	_, state, _ := strings.Cut(string(text), ") ")
	return strings.HasPrefix(state, "Z")
}

// address is where a started controller says it is.
func (l *bufferedLog) address(t *testing.T) string {
	t.Helper()
	_, rest, ok := strings.Cut(l.String(), "page=https://localhost:")
	port, _, _ := strings.Cut(rest, " ")
	if !ok {
		t.Fatalf("no address in the log:\n%s", l)
	}
	return "127.0.0.1:" + port
}
