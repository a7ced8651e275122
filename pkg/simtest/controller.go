package simtest

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

// BuildController builds controller and worker into a directory.
func BuildController(dir string) error {
	build := exec.Command("go", "build", "-o", dir, "gazpacho/cmd/controller", "gazpacho/cmd/worker")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

// Controller is a controller in a process of its own, with its workers, on loopback.
type Controller struct {
	URL   string // https://127.0.0.1:…
	Admin string // http://127.0.0.1:…, the operator's port
	PID   int

	t     testing.TB
	log   logBuffer
	ended chan error
}

// logBuffer keeps what a process writes.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// StartController starts the binaries of BuildController and waits until they serve. They end with the test, which fails if they
// do not end well, and then shows their log.
func StartController(t testing.TB, dir string, flags ...string) *Controller {
	t.Helper()
	port := freePort(t, 4) // all at once: asked for one by one, the same could come twice
	listen, admin := fmt.Sprintf("127.0.0.1:%d", port), fmt.Sprintf("127.0.0.1:%d", port+1)
	c := &Controller{URL: "https://" + listen, Admin: "http://" + admin, t: t, ended: make(chan error, 1)}
	args := append([]string{
		"--listen", listen, "--admin-listen", admin, "--data-dir", t.TempDir(), "--workers", "2",
		"--rtc-listen", "127.0.0.1", "--rtc-port", fmt.Sprint(port + 2),
	}, flags...)
	cmd := exec.Command(filepath.Join(dir, "controller"), args...)
	cmd.Stdout, cmd.Stderr = &c.log, &c.log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c.PID = cmd.Process.Pid
	go func() { c.ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case err := <-c.ended:
			if err != nil {
				t.Errorf("the controller ended with %v", err)
			}
		case <-time.After(10 * time.Second):
			_ = cmd.Process.Kill()
			t.Error("the controller did not end within 10 s of SIGTERM")
		}
		if t.Failed() {
			t.Logf("the controller's log:\n%s", c.log.String())
		}
	})
	c.waitReady()
	return c
}

func (c *Controller) waitReady() {
	c.t.Helper()
	client := c.Client()
	defer client.CloseIdleConnections()
	deadline := time.Now().Add(15 * time.Second)
	for time.Now().Before(deadline) {
		if r, err := client.Get(c.URL); err == nil {
			r.Body.Close()
			return
		}
		select {
		case err := <-c.ended:
			c.ended <- err
			c.t.Fatalf("the controller ended: %v", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
	c.t.Fatal("the controller does not answer")
}

// Log is what controller and workers wrote.
func (c *Controller) Log() string { return c.log.String() }

// Client is an HTTP client that takes the controller's certificate, which is its own.
func (c *Controller) Client() *http.Client {
	return &http.Client{Timeout: patience, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // see above
	}}
}

// freePort finds count consecutive ports of loopback that are free for UDP and TCP.
func freePort(t testing.TB, count int) int {
	t.Helper()
	for range 100 {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		first := l.Addr().(*net.TCPAddr).Port
		l.Close()
		if first+count < 65536 && allFree(first, count) {
			return first
		}
	}
	t.Fatal("no free ports")
	return 0
}

func allFree(first, count int) bool {
	for port := first; port < first+count; port++ {
		l, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
		if err != nil {
			return false
		}
		l.Close()
		u, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
		if err != nil {
			return false
		}
		u.Close()
	}
	return true
}
