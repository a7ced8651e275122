package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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

	"github.com/coder/websocket"
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

func testConfig(t *testing.T) config {
	return config{
		Listen: "127.0.0.1:0", RTCListen: []string{"127.0.0.1"}, Workers: 1, WorkerBin: filepath.Join(binDir, "worker"),
		DataDir: t.TempDir(), LogLevel: "info", LogFormat: "text", Version: "v9",
	}
}

// run starts a controller in this process and returns its address, its log, and a function that ends it.
func run(t *testing.T, cfg config) (address string, log *lines, end func() error) {
	t.Helper()
	log = &lines{}
	ctx, cancel := context.WithCancel(context.Background())
	ready, ended := make(chan net.Addr, 1), make(chan error, 1)
	cfg.Stderr, cfg.Ready = log, func(a net.Addr) { ready <- a }
	go func() { ended <- Run(ctx, cfg) }()
	end = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() { _ = end() })
	select {
	case a := <-ready:
		return a.String(), log, end
	case err := <-ended:
		t.Fatalf("%v\n%s", err, log)
	}
	return
}

// insecure does not ask who signed the certificate.
func insecure(t *testing.T) *http.Client {
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func TestRun(t *testing.T) {
	address, log, end := run(t, testConfig(t))
	client := insecure(t)
	response, err := client.Get("https://" + address + "/")
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(response.Body)
	response.Body.Close()
	if !strings.Contains(response.Header.Get("Content-Type"), "text/html") || !bytes.Contains(bytes.ToLower(body), []byte("gazpacho")) {
		t.Errorf("the page is %d %.100s", response.StatusCode, body)
	}
	leaf := response.TLS.PeerCertificates[0]
	for _, name := range []string{"localhost", "127.0.0.1", "::1"} {
		if err := leaf.VerifyHostname(name); err != nil {
			t.Errorf("the certificate: %v", err)
		}
	}
	conn, _, err := websocket.Dial(t.Context(), "wss://"+address+"/?roomId=r&peerId=p", &websocket.DialOptions{HTTPClient: client, Subprotocols: []string{"protoo"}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	if _, text, err := conn.Read(t.Context()); err != nil || !strings.Contains(string(text), "Gazpacho v9") {
		t.Errorf("the server begins with %s, %v", text, err)
	}
	if err := conn.Write(t.Context(), websocket.MessageText, []byte(`{"request":true,"id":1,"method":"createWebRtcTransport","data":{}}`)); err != nil {
		t.Fatal(err)
	}
	if _, text, err := conn.Read(t.Context()); err != nil || !strings.Contains(string(text), `"iceCandidates":[{`) {
		t.Errorf("a transport is %s, %v", text, err)
	}
	closed := make(chan error, 1)
	go func() {
		_, _, err := conn.Read(context.Background())
		closed <- err
	}()
	if err := end(); err != nil {
		t.Errorf("%v", err)
	}
	if err := <-closed; websocket.CloseStatus(err) != websocket.StatusGoingAway {
		t.Errorf("the client is left with %v", err)
	}
	for _, want := range []string{"https://localhost:", "workers=1", "mediaPorts", "self-signed", "ending"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("no %s in the log:\n%s", want, log)
		}
	}
}

// The self-signed certificate is kept, readable by its owner alone, and renewed before it ends.
func TestSelfSigned(t *testing.T) {
	s := settings{config: config{DataDir: t.TempDir()}}
	now := time.Now()
	get := func(at time.Duration) string {
		t.Helper()
		c, err := certificate(s, now.Add(at))
		if err != nil {
			t.Fatal(err)
		}
		return string(c.Certificate[0])
	}
	first := get(0)
	if get(time.Hour) != first || get(selfSignedFor-renewSelfSigned-time.Hour) != first {
		t.Error("it is not kept")
	}
	if get(selfSignedFor-renewSelfSigned+time.Hour) == first {
		t.Error("it is not renewed")
	}
	file := filepath.Join(s.DataDir, selfSignedFile)
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if files, _ := os.ReadDir(s.DataDir); len(files) != 1 {
		t.Errorf("files left: %v", files)
	}
	if err := os.WriteFile(file, []byte("torn"), 0o600); err != nil {
		t.Fatal(err)
	}
	get(0) // what cannot be read is made anew
}

func TestGivenCertificate(t *testing.T) {
	text, err := makeSelfSigned(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "both.pem")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := testConfig(t)
	cfg.TLSCert, cfg.TLSKey = file, file
	address, log, _ := run(t, cfg)
	response, err := insecure(t).Get("https://" + address + "/rooms/none")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	want, _ := tls.X509KeyPair(text, text)
	if !bytes.Equal(response.TLS.PeerCertificates[0].Raw, want.Certificate[0]) || strings.Contains(log.String(), "self-signed") {
		t.Errorf("the given certificate is not used:\n%s", log)
	}
	if _, err := os.Stat(filepath.Join(cfg.DataDir, selfSignedFile)); err == nil {
		t.Error("a certificate is made all the same")
	}
}

// The log in JSON is JSON, what workers say included.
func TestLogJSON(t *testing.T) {
	cfg := testConfig(t)
	cfg.LogFormat, cfg.LogLevel = "json", "debug"
	_, log, end := run(t, cfg)
	if err := end(); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(log.String()) {
		if !json.Valid([]byte(line)) {
			t.Errorf("%s", line)
		}
	}
}

func TestOutput(t *testing.T) {
	var log lines
	text := output{settings: settings{config: config{LogFormat: "text", Stderr: &log}}}
	text.line(1, "early")
	if log.String() != "" {
		t.Errorf("%q before the release", log.String())
	}
	text.release()
	text.line(2, "late")
	if log.String() != "worker 1: early\nworker 2: late\n" {
		t.Errorf("%q", log.String())
	}
	held := output{settings: text.settings}
	for range 3 {
		held.line(0, strings.Repeat("x", maxWorkerOutput/2-20))
	}
	if n := held.held.Len(); n > maxWorkerOutput || n < maxWorkerOutput-40 {
		t.Errorf("%d bytes are held", n)
	}
}

// program runs the real controller, which must end, and returns its exit code and what it wrote.
func program(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	c := exec.CommandContext(ctx, filepath.Join(binDir, "controller"), args...)
	c.Env = append(os.Environ(), "XDG_DATA_HOME="+t.TempDir())
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

// Wrong settings are one clear line and exit code 42.
func TestBadSettings(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("no PEM"), 0o600); err != nil {
		t.Fatal(err)
	}
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	media, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer media.Close()
	mediaPort := fmt.Sprint(media.LocalAddr().(*net.UDPAddr).Port)
	for _, tt := range []struct {
		args []string
		text string
	}{
		{[]string{"--no-such-flag"}, "no-such-flag"},
		{[]string{"argument"}, `"argument"`},
		{[]string{"--workers", "many"}, "workers"},
		{[]string{"--workers", "0"}, "--workers"},
		{[]string{"--workers", "2", "--rtc-port", "65535"}, "--rtc-port"},
		{[]string{"--listen", "4443"}, "--listen"},
		{[]string{"--listen", busy.Addr().String()}, "in use"},
		{[]string{"--listen", "192.0.2.1:4443"}, "--listen"},
		{[]string{"--tls-cert", file}, "--tls-key"},
		{[]string{"--tls-cert", file, "--tls-key", file}, "--tls-cert"},
		{[]string{"--tls-cert", filepath.Join(dir, "none"), "--tls-key", file}, "none"},
		{[]string{"--worker-bin", filepath.Join(dir, "none")}, "--worker-bin"},
		{[]string{"--worker-bin", file}, "not a program"},
		{[]string{"--worker-bin", dir}, "not a program"},
		{[]string{"--worker-bin", "/bin/false"}, "--worker-bin"},
		{[]string{"--data-dir", filepath.Join(file, "sub")}, "--data-dir"},
		{[]string{"--rtc-listen", "localhost"}, "--rtc-listen"},
		{[]string{"--rtc-listen", "192.0.2.1"}, "--rtc-listen"},
		{[]string{"--rtc-port", "-1"}, "--rtc-port"},
		{[]string{"--rtc-listen", "127.0.0.1", "--rtc-port", mediaPort}, "in use"},
		{[]string{"--announced-address", "a b"}, "--announced-address"},
		{[]string{"--log-level", "loud"}, "--log-level"},
		{[]string{"--log-format", "xml"}, "--log-format"},
	} {
		args := tt.args
		if tt.args[0] != "--listen" {
			args = append([]string{"--listen", "127.0.0.1:0"}, args...)
		}
		code, stdout, stderr := program(t, args...)
		if code != exitSettings || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, tt.text) {
			t.Errorf("%v: exit %d, stdout %q, stderr %q; want one line with %s", tt.args, code, stdout, stderr, tt.text)
		}
	}
}

func TestHelpAndVersion(t *testing.T) {
	code, stdout, stderr := program(t, "--help")
	if code != 0 || stderr != "" {
		t.Errorf("exit %d, %s", code, stderr)
	}
	for _, flag := range []string{
		"--listen", "--data-dir", "--workers", "--worker-bin", "--rtc-listen", "--rtc-port", "--announced-address",
		"--tls-cert", "--tls-key", "--log-level", "--log-format", "--version", "Examples:", "Exit codes:",
	} {
		if !strings.Contains(stdout, flag) {
			t.Errorf("no %s in the help", flag)
		}
	}
	for line := range strings.Lines(stdout) {
		if len(line) > helpWidth+5 {
			t.Errorf("too wide: %s", line)
		}
	}
	if code, stdout, _ := program(t, "--version"); code != 0 || !strings.Contains(stdout, "v9") {
		t.Errorf("exit %d, %s", code, stdout)
	}
}

// started is the real controller as a process, once it serves.
func started(t *testing.T, args ...string) (c *exec.Cmd, log *bufferedLog) {
	t.Helper()
	log = &bufferedLog{ready: make(chan struct{})}
	c = exec.Command(filepath.Join(binDir, "controller"), append([]string{"--listen", "127.0.0.1:0", "--rtc-listen", "127.0.0.1", "--rtc-port", "0", "--workers", "2"}, args...)...)
	c.Env = append(os.Environ(), "XDG_DATA_HOME="+t.TempDir())
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

// However the controller ends, its workers do not outlive it: asked to, interrupted, or killed.
func TestEnds(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGKILL} {
		t.Run(sig.String(), func(t *testing.T) {
			c, log := started(t)
			workers := children(t, c.Process.Pid)
			if len(workers) != 2 {
				t.Errorf("workers are %v", workers)
			}
			if err := c.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			err := c.Wait()
			if (err == nil) != (sig != syscall.SIGKILL) {
				t.Errorf("%v\n%s", err, log)
			}
			deadline := time.Now().Add(20 * time.Second)
			for _, pid := range workers {
				for !gone(pid) {
					if time.Now().After(deadline) {
						t.Fatalf("worker %d outlives its controller", pid)
					}
				}
			}
		})
	}
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

func TestDefaultDataDir(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", "/data")
	if d := defaultDataDir(); d != "/data/gazpacho" {
		t.Error(d)
	}
	t.Setenv("XDG_DATA_HOME", "relative")
	t.Setenv("HOME", "/home/x")
	if d := defaultDataDir(); d != "/home/x/.local/share/gazpacho" {
		t.Error(d)
	}
	t.Setenv("HOME", "")
	if d := defaultDataDir(); d != "/var/lib/gazpacho" {
		t.Error(d)
	}
}
