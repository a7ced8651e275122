package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"gazpacho/pkg/channel"
	"gazpacho/proto"
)

// binary is the worker, built once, as `make build` does.
var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "worker")
	if err != nil {
		panic(err)
	}
	binary = filepath.Join(dir, "worker")
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w -X main.version=1.2.3", "-o", binary, ".")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%s\n%v\n", out, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// runWorker starts the worker and waits for its end.
func runWorker(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	c := exec.CommandContext(ctx, binary, args...)
	var out, problems bytes.Buffer
	c.Stdout, c.Stderr = &out, &problems
	err := c.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return c.ProcessState.ExitCode(), out.String(), problems.String()
}

// Every bad setting: one clear line that names it, and exit code 42.
func TestBadSettings(t *testing.T) {
	dir := t.TempDir()
	certificate, key := pemFiles(t, dir)
	_, otherKey := pemFiles(t, t.TempDir())
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("not PEM"), 0o600); err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("unix", filepath.Join(dir, "busy.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	channel := "--channel=unix:" + filepath.Join(dir, "w.sock")
	tests := []struct {
		name string
		args []string
		says string
	}{
		{"nothing", nil, "channel"},
		{"unknown flag", []string{"--bogus"}, "--bogus"},
		{"flag without value", []string{"--channel"}, "channel"},
		{"argument", []string{channel, "surplus"}, "surplus"},
		{"channel address", []string{"--channel=tcp:4000"}, "tcp:4000"},
		{"channel without path", []string{"--channel=unix:"}, "path"},
		{"channel in use", []string{"--channel=unix:" + filepath.Join(dir, "busy.sock")}, "busy.sock"},
		{"channel is a file", []string{"--channel=unix:" + file}, "file"},
		{"channel with too long a path", []string{"--channel=unix:" + filepath.Join(dir, strings.Repeat("x", 200))}, "xxx"},
		{"descriptor that is not open", []string{"--channel=fd:77"}, "77"},
		{"descriptor of standard output", []string{"--channel=fd:1"}, "fd:1"},
		{"grace", []string{channel, "--detach-grace=soon"}, "detach-grace"},
		{"negative grace", []string{channel, "--detach-grace=-1s"}, "detach-grace"},
		{"log level", []string{channel, "--log-level=loud"}, "log-level"},
		{"log format", []string{channel, "--log-format=xml"}, "log-format"},
		{"certificate without key", []string{channel, "--dtls-certificate=" + certificate}, "dtls-key"},
		{"key without certificate", []string{channel, "--dtls-key=" + key}, "dtls-certificate"},
		{"no such certificate", []string{channel, "--dtls-certificate=" + dir + "/none.pem", "--dtls-key=" + key}, "none.pem"},
		{"no such key", []string{channel, "--dtls-certificate=" + certificate, "--dtls-key=" + dir + "/none.pem"}, "none.pem"},
		{"certificate that is none", []string{channel, "--dtls-certificate=" + file, "--dtls-key=" + key}, "dtls-certificate"},
		{"key of another certificate", []string{channel, "--dtls-certificate=" + certificate, "--dtls-key=" + otherKey}, "dtls-certificate"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			code, stdout, stderr := runWorker(t, tt.args...)
			if code != exitSettings || stdout != "" {
				t.Errorf("exit code %d, %q on standard output", code, stdout)
			}
			if strings.Count(stderr, "\n") != 1 || !strings.HasPrefix(stderr, "worker: ") || !strings.Contains(stderr, tt.says) {
				t.Errorf("says %q, want one line about %q", stderr, tt.says)
			}
		})
	}
}

// pemFiles writes a fresh ECDSA certificate and its key.
func pemFiles(t *testing.T, dir string) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	certificate, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for name, block := range map[string]*pem.Block{certificate: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certificate, key
}

func TestVersionAndHelp(t *testing.T) {
	if code, out, _ := runWorker(t, "--version"); code != 0 || out != "worker version 1.2.3\n" {
		t.Errorf("exit code %d, %q", code, out)
	}
	code, out, _ := runWorker(t, "--help")
	for _, word := range []string{"--channel", "--detach-grace", "--dtls-certificate", "--dtls-key", "--log-level", "--log-format", "--version", "unix:", "fd:3", "42"} {
		if !strings.Contains(out, word) {
			t.Errorf("--help does not mention %s", word)
		}
	}
	if code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// process is a worker that runs.
type process struct {
	*exec.Cmd
	t       *testing.T
	client  *channel.Client
	address string
	stderr  *bytes.Buffer
}

// start runs the worker and attaches to it.
func start(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{t: t, address: "unix:" + filepath.Join(t.TempDir(), "w.sock"), stderr: &bytes.Buffer{}}
	p.Cmd = exec.Command(binary, append([]string{"--channel", p.address}, args...)...)
	p.Stderr = p.stderr
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Process.Kill() })
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for {
		var err error
		if p.client, err = channel.Dial(ctx, p.address, channel.Options{Epoch: 1}); err == nil {
			return p
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%v; the worker said %s", err, p.stderr)
		case <-time.After(time.Millisecond):
		}
	}
}

// What a worker says last is not lost in the queue of its log.
func TestLastWords(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		p := start(t, "--detach-grace", "1ms", "--log-format", format)
		p.client.Close()
		if err := p.Wait(); err != nil {
			t.Errorf("%v", err)
		}
		lines := strings.Split(strings.TrimSpace(p.stderr.String()), "\n")
		last := lines[len(lines)-1]
		if !strings.Contains(last, "no controller came back") || !strings.Contains(last, fmt.Sprint(p.Process.Pid)) {
			t.Errorf("last words %q", last)
		}
	}
}

// ask sends a request that must succeed.
func (p *process) ask(method, id string, body, result any) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), 30*time.Second)
	defer cancel()
	if err := p.client.Request(ctx, method, id, body, result); err != nil {
		p.t.Fatalf("%s: %v", method, err)
	}
}

// end waits for the process.
func (p *process) end() int {
	p.t.Helper()
	killer := time.AfterFunc(30*time.Second, func() { _ = p.Process.Kill() })
	defer killer.Stop()
	_ = p.Wait()
	return p.ProcessState.ExitCode()
}

func TestEndsWell(t *testing.T) {
	for name, stop := range map[string]func(p *process){
		"SIGTERM":      func(p *process) { _ = p.Process.Signal(syscall.SIGTERM) },
		"SIGINT":       func(p *process) { _ = p.Process.Signal(syscall.SIGINT) },
		"worker.close": func(p *process) { p.ask(proto.WorkerClose, "", nil, nil) },
		"no controller": func(p *process) {
			p.client.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := start(t, "--detach-grace", "0")
			p.ask(proto.WorkerCreateWebRTCServer, "", proto.CreateWebRTCServer{
				WebRTCServerID: "s", ListenInfos: []proto.ListenInfo{{Protocol: "udp", IP: "127.0.0.1"}},
			}, nil)
			stop(p)
			if code := p.end(); code != 0 {
				t.Errorf("exit code %d; it said %s", code, p.stderr)
			}
			if _, err := os.Stat(strings.TrimPrefix(p.address, "unix:")); err == nil {
				t.Error("the socket is still there")
			}
		})
	}
}

// Signals that mean something else to other programs do not end a worker.
func TestOtherSignalsAreIgnored(t *testing.T) {
	p := start(t)
	for _, s := range []os.Signal{syscall.SIGHUP, syscall.SIGPIPE, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGALRM} {
		if err := p.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
	}
	var d proto.WorkerDump
	p.ask(proto.WorkerDumpMethod, "", nil, &d)
	if d.PID != p.Process.Pid {
		t.Errorf("dump %+v", d)
	}
	if h := p.client.Hello(); h.Version != "1.2.3" || h.Software != "gazpacho" || h.PID != p.Process.Pid || len(h.Instance) < 16 {
		t.Errorf("hello %+v", h)
	}
}

// --channel fd:3 takes a socket of the parent, and the worker ends with it.
func TestInheritedChannel(t *testing.T) {
	ours, theirs, err := channel.Pair()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, stderr: &bytes.Buffer{}}
	p.Cmd = exec.Command(binary, "--channel", "fd:3")
	p.ExtraFiles, p.Stderr = []*os.File{theirs}, p.stderr
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	theirs.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if p.client, err = channel.Attach(ctx, ours, channel.Options{Epoch: 1}); err != nil {
		t.Fatal(err)
	}
	p.ask(proto.WorkerCreateRouter, "", proto.CreateRouter{RouterID: "r"}, nil)
	p.client.Close()
	if code := p.end(); code != 0 {
		t.Errorf("exit code %d; it said %s", code, p.stderr)
	}
}

// The certificate given is the one peers see.
func TestGivenCertificate(t *testing.T) {
	certificate, key := pemFiles(t, t.TempDir())
	fingerprint := func() string {
		p := start(t, "--dtls-certificate", certificate, "--dtls-key", key)
		p.ask(proto.WorkerCreateRouter, "", proto.CreateRouter{RouterID: "r"}, nil)
		var d proto.WebRTCTransportDump
		p.ask(proto.RouterCreateWebRTCTransport, "r", proto.WebRTCTransportOptions{
			TransportID: "t", ListenInfos: []proto.ListenInfo{{Protocol: "udp", IP: "127.0.0.1"}},
		}, &d)
		for _, f := range d.DTLSParameters.Fingerprints {
			if f.Algorithm == "sha-256" {
				return f.Value
			}
		}
		return ""
	}
	if one, two := fingerprint(), fingerprint(); one == "" || one != two {
		t.Errorf("fingerprints %q and %q", one, two)
	}
}
