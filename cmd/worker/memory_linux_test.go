package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"gazpacho/pkg/simtest"
	"gazpacho/proto"
)

// memory reads one line of /proc/PID/status in KiB.
func memory(t testing.TB, pid int, key string) int {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), key+":")
	var kib int
	if _, err := fmt.Sscan(rest, &kib); err != nil {
		t.Fatalf("%s: %v", key, err)
	}
	return kib
}

// external runs the built worker and attaches to it.
func external(t testing.TB, environment ...string) (w *simtest.Worker, pid int) {
	t.Helper()
	address := "unix:" + t.TempDir() + "/w.sock"
	c := exec.Command(binary, "--channel", address, "--log-level", "error")
	c.Stderr, c.Env = os.Stderr, append(os.Environ(), environment...)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
	return simtest.AttachTo(t, address), c.Process.Pid
}

// An idle worker, listening on three addresses by UDP and TCP, takes at most 11 MB.
func TestIdleMemory(t *testing.T) {
	w, pid := external(t)
	w.Router()
	var infos []proto.ListenInfo
	for _, ip := range []string{"127.0.0.1", "127.0.0.2", "::1"} {
		infos = append(infos, proto.ListenInfo{Protocol: "udp", IP: ip}, proto.ListenInfo{Protocol: "tcp", IP: ip})
	}
	simtest.Request[proto.WebRTCServerDump](w, proto.WorkerCreateWebRTCServer, "", proto.CreateWebRTCServer{WebRTCServerID: "s", ListenInfos: infos})
	rss := memory(t, pid, "VmRSS")
	t.Logf("idle: %d KiB resident, %d of them private, %d of the program's file", rss, memory(t, pid, "RssAnon"), memory(t, pid, "RssFile"))
	if rss > 11_000 {
		t.Errorf("%d KiB are resident, want at most 11,000", rss)
	}
}

// maxPerTransport is in bytes. Half of it was seen: the DTLS library, with its buffer and goroutines, is gone once the handshake is over.
const maxPerTransport = 40_000

// A connected transport, its DTLS association and the stacks of that included. The collector is kept close on the heels of the program, so that what
// is measured is memory in use, not room for garbage.
func TestMemoryPerTransport(t *testing.T) {
	w, pid := external(t, "GOGC=10")
	router, server := w.Router(), w.Server()
	// Only a few shake hands at a time, before as after: what that takes at its peak is not a transport's.
	connect := func(n int) {
		for range n / 10 {
			var peers [10]*simtest.Peer
			for i := range peers {
				peers[i] = simtest.Connect(w, router, server, true, simtest.PeerOptions{})
				peers[i].Offer(proto.Audio)
			}
			for _, p := range peers {
				p.WaitConnected()
			}
		}
	}
	// settled is the least that is resident while the worker does other things: the garbage of handshakes goes as it does.
	settled := func() int {
		least := memory(t, pid, "RssAnon")
		for range 4000 {
			simtest.Request[proto.WorkerDump](w, proto.WorkerDumpMethod, "", nil)
			least = min(least, memory(t, pid, "RssAnon"))
		}
		return least
	}
	connect(20) // the heap grows to its working size
	before := settled()
	const more = 160
	connect(more)
	after := settled()
	per := (after - before) * 1024 / more
	t.Logf("%d KiB with 20 transports, %d KiB with %d: %d bytes each", before, after, 20+more, per)
	if per > maxPerTransport {
		t.Errorf("%d bytes for a transport, want at most %d", per, maxPerTransport)
	}
}
