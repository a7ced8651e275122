package compat

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// coturn is Debian's package with the utilities.
const coturn = "coturn"

// relay is a worker that relays without a controller, for coturn's utilities, and a peer that sends back what it gets.
type relay struct {
	port, secure, peer string
}

// startRelay starts them on 127.0.0.1 and ::1.
func startRelay(t *testing.T) relay {
	t.Helper()
	for _, tool := range []string{"turnutils_uclient", "turnutils_peer", "turnutils_stunclient", "turnutils_natdiscovery"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatalf("%s is missing: run `make test` as root, or sudo apt-get install %s", tool, coturn)
		}
	}
	ports := loopbackPorts(t, 3)
	r := relay{ports[0], ports[1], ports[2]}
	cert, key := writeCertificate(t)
	listen := fmt.Sprintf("udp:127.0.0.1:%[1]s,tcp:127.0.0.1:%[1]s,udp:[::1]:%[1]s,tls:127.0.0.1:%[2]s,dtls:127.0.0.1:%[2]s", r.port, r.secure)
	startProgram(t, filepath.Join(binaries, "worker"), "--turn-listen", listen, "--turn-realm", "example.org", "--turn-user", "name:secret",
		"--turn-relay-address", "127.0.0.1,::1", "--turn-allow-peer", "127.0.0.0/8,::1", "--turn-mobility", "--turn-tcp-relay",
		"--turn-tls-cert", cert, "--turn-tls-key", key, "--turn-drain", "0s")
	startProgram(t, "turnutils_peer", "-L", "127.0.0.1", "-L", "::1", "-p", r.peer)
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if conn, err := net.Dial("tcp", "127.0.0.1:"+r.port); err == nil {
			conn.Close()
			return r
		}
		if time.Now().After(deadline) {
			t.Fatal("the worker does not listen")
		}
	}
}

// startProgram runs a program until the test's end.
func startProgram(t *testing.T, name string, args ...string) {
	t.Helper()
	var out bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		done := make(chan struct{})
		go func() { _ = cmd.Wait(); close(done) }()
		select {
		case <-done:
		case <-time.After(5 * time.Second):
			_ = cmd.Process.Kill()
			<-done
		}
		if t.Failed() {
			t.Logf("%s wrote:\n%s", filepath.Base(name), &out)
		}
	})
}

// loopbackPorts are ports that were free a moment ago.
func loopbackPorts(t *testing.T, n int) []string {
	t.Helper()
	var list []string
	for range n {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		_, port, _ := net.SplitHostPort(l.Addr().String())
		list = append(list, port)
	}
	return list
}

// writeCertificate makes one for TLS and DTLS.
func writeCertificate(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// total is uclient's last line about messages; its exit code says nothing of losses.
var total = regexp.MustCompile(`start_mclient: tot_send_msgs=(\d+), tot_recv_msgs=(\d+)`)

// utility runs one of coturn's programs, which must end by itself.
func utility(name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return string(out), err
}

// coturn's client relays through us in each of its ways, and what it sends comes back, all of it.
func TestUclient(t *testing.T) {
	r := startRelay(t)
	plain := []string{"-e", "127.0.0.1", "-r", r.peer, "-p", r.port, "127.0.0.1"}
	secure := []string{"-e", "127.0.0.1", "-r", r.peer, "-p", r.secure, "127.0.0.1"}
	modes := []struct {
		name string
		args []string
		sent int
	}{
		{"UDP, channels", plain, 6},
		{"UDP, Send indications", append([]string{"-s"}, plain...), 6},
		{"TCP, channels", append([]string{"-t"}, plain...), 6},
		{"TCP, Send indications", append([]string{"-t", "-s"}, plain...), 6},
		{"TLS", append([]string{"-t", "-S"}, secure...), 6},
		{"TLS, Send indications", append([]string{"-t", "-S", "-s"}, secure...), 6},
		{"DTLS", append([]string{"-S", "-c"}, secure...), 3},
		{"DONT-FRAGMENT", append([]string{"-g"}, plain...), 6},
		{"DONT-FRAGMENT, Send indications", append([]string{"-g", "-s"}, plain...), 6},
		{"extra requests", append([]string{"-G"}, plain...), 6},
		{"padded channels", append([]string{"-D"}, plain...), 6},
		{"client to client", append([]string{"-y"}, plain...), 12},
		{"client to client, Send indications", append([]string{"-y", "-s"}, plain...), 12},
		{"an IPv4 relay by name", append([]string{"-X"}, plain...), 6},
		{"an IPv6 relay", []string{"-x", "-e", "::1", "-r", r.peer, "-p", r.port, "127.0.0.1"}, 6},
		{"an IPv6 relay of an IPv6 client", []string{"-x", "-e", "::1", "-r", r.peer, "-p", r.port, "::1"}, 6},
		{"dual allocation", append([]string{"-Z"}, plain...), 3},
		{"mobility", append([]string{"-M"}, plain...), 6},
		{"TCP relay", []string{"-T", "-p", r.port, "127.0.0.1"}, 6},
		{"reconnecting", append([]string{"-B"}, plain...), 6},
		{"time-limited by a wrong secret", append([]string{"-W", "wrong"}, plain...), 0},
	}
	// Most of the time they wait: several do so at once.
	results := make([]string, len(modes))
	places := make(chan struct{}, 8)
	var all sync.WaitGroup
	for i, m := range modes {
		all.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			results[i], _ = utility("turnutils_uclient", append([]string{"-u", "name", "-w", "secret", "-n", "3", "-m", "1", "-l", "170"}, m.args...)...)
		})
	}
	all.Wait()
	for i, m := range modes {
		t.Run(m.name, func(t *testing.T) {
			counts := total.FindAllStringSubmatch(results[i], -1)
			switch {
			case m.sent == 0 && len(counts) == 0:
			case len(counts) == 0:
				t.Errorf("it sent nothing:\n%s", results[i])
			default:
				if last := counts[len(counts)-1]; last[1] != fmt.Sprint(m.sent) || last[2] != last[1] {
					t.Errorf("sent %s, received %s, want %d\n%s", last[1], last[2], m.sent, results[i])
				}
			}
		})
	}
}

// Their STUN clients find their own address.
func TestSTUNClients(t *testing.T) {
	r := startRelay(t)
	for name, args := range map[string][]string{
		"turnutils_stunclient":   {"-p", r.port, "127.0.0.1"},
		"turnutils_natdiscovery": {"-m", "-p", r.port, "127.0.0.1"},
	} {
		if out, err := utility(name, args...); !strings.Contains(out, "reflexive addr: 127.0.0.1:") {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}
