package e2e

import (
	"bytes"
	"crypto/tls"
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
)

// binaries is where TestMain put controller and worker.
var binaries string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	if _, err := os.Stat("../web/page/dist/index.html"); err != nil {
		fmt.Fprintln(os.Stderr, "the demo page is not bundled: run `make web` first")
		return 1
	}
	if _, err := exec.LookPath("chromium"); err != nil {
		fmt.Fprintln(os.Stderr, "chromium is missing: run `make test` as root, or sudo apt-get install chromium")
		return 1
	}
	dir, err := os.MkdirTemp("", "gazpacho-e2e")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	build := exec.Command("go", "build", "-o", dir, "gazpacho/cmd/controller", "gazpacho/cmd/worker")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%s\n%s", err, out)
		return 1
	}
	binaries = dir
	return m.Run()
}

// controller is a running controller with its workers.
type controller struct {
	t    *testing.T
	url  string
	cmd  *exec.Cmd
	log  *logBuffer
	data string
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

// startController starts the binaries on loopback and waits until the page is served.
func startController(t *testing.T, flags ...string) *controller {
	t.Helper()
	listen := fmt.Sprintf("127.0.0.1:%d", freePort(t, 1))
	c := &controller{t: t, url: "https://" + listen, log: &logBuffer{}, data: t.TempDir()}
	args := append([]string{
		"--listen", listen, "--data-dir", c.data, "--workers", "2",
		"--rtc-listen", "127.0.0.1", "--rtc-port", fmt.Sprint(freePort(t, 2)),
	}, flags...)
	c.cmd = exec.Command(filepath.Join(binaries, "controller"), args...)
	c.cmd.Stdout, c.cmd.Stderr = c.log, c.log
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- c.cmd.Wait() }()
	t.Cleanup(func() {
		_ = c.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("the controller ended with %v", err)
			}
		case <-time.After(10 * time.Second):
			_ = c.cmd.Process.Kill()
			t.Error("the controller did not end within 10 s of SIGTERM")
		}
		if t.Failed() {
			t.Logf("the controller's log:\n%s", c.log)
		}
	})
	c.waitReady(ended)
	return c
}

func (c *controller) waitReady(ended chan error) {
	c.t.Helper()
	client := &http.Client{Timeout: time.Second, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // its certificate is its own
	}}
	defer client.CloseIdleConnections()
	deadline := time.Now().Add(15 * time.Second)
	for time.Now().Before(deadline) {
		if r, err := client.Get(c.url); err == nil {
			r.Body.Close()
			return
		}
		select {
		case err := <-ended:
			ended <- err
			c.t.Fatalf("the controller ended: %v\n%s", err, c.log)
		case <-time.After(20 * time.Millisecond):
		}
	}
	c.t.Fatalf("the controller does not answer\n%s", c.log)
}

// workers returns the process ids of the controller's workers.
func (c *controller) workers() []int {
	c.t.Helper()
	out, err := exec.Command("pgrep", "-P", fmt.Sprint(c.cmd.Process.Pid)).Output()
	if err != nil {
		c.t.Fatalf("no workers: %v", err)
	}
	var pids []int
	for _, field := range strings.Fields(string(out)) {
		var pid int
		if _, err := fmt.Sscan(field, &pid); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// freePort finds count consecutive ports that are free for UDP and TCP.
func freePort(t *testing.T, count int) int {
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
