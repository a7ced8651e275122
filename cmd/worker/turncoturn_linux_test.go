package main

import (
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"testing"
	"time"

	"gazpacho/pkg/stun"
)

// startCoturn runs coturn with one thread for relays, as a worker has one loop. It returns false if it is not installed.
func startCoturn(b *testing.B) (at netip.AddrPort, pid int, ok bool) {
	b.Helper()
	program, err := exec.LookPath("turnserver")
	if err != nil {
		return at, 0, false
	}
	at = freePort(b)
	dir := b.TempDir()
	c := exec.Command(program, "-n", "--no-cli", "--no-tls", "--no-dtls", "--no-tcp", "--no-multicast-peers", "--allow-loopback-peers", "-m", "1",
		"-L", at.Addr().String(), "-E", at.Addr().String(), "-p", fmt.Sprint(at.Port()), "--min-port", "20000", "--max-port", "65535",
		"--lt-cred-mech", "-r", turnRealm, "-u", turnUser+":"+turnPassword, "--log-file", dir+"/log", "--simple-log", "--pidfile", dir+"/pid", "-b", dir+"/db")
	if err := c.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
	nc, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(at))
	if err != nil {
		b.Fatal(err)
	}
	defer nc.Close()
	var m [stun.HeaderSize]byte
	w := stun.Build(m[:], stun.Request, stun.Binding, stun.TransactionID{})
	size := w.Finish()
	for range 400 {
		_, _ = nc.Write(m[:size])
		_ = nc.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		if _, err := nc.Read(make([]byte, 1500)); err == nil {
			return at, c.Process.Pid, true
		}
		time.Sleep(5 * time.Millisecond)
	}
	b.Fatal("coturn does not answer")
	return at, 0, false
}

// BenchmarkTURNBesideCoturn is what coturn takes for the same load in the same run, in turn with the worker.
func BenchmarkTURNBesideCoturn(b *testing.B) {
	for _, size := range []int{1200, 160} {
		for _, test := range []struct {
			clients, rate int
			down          bool
		}{{64, 0, false}, {64, 0, true}, {1, 0, false}, {1, 0, true}, {300, 40_000, false}, {300, 40_000, true}} {
			way := "up"
			if test.down {
				way = "down"
			}
			b.Run(fmt.Sprintf("%s/clients=%d/%d", way, test.clients, size), func(b *testing.B) {
				benchBeside(b, test.clients, test.rate, size, test.down)
			})
		}
	}
}

func benchBeside(b *testing.B, clients, rate, size int, down bool) {
	at, pid, ok := startCoturn(b)
	if !ok {
		b.Log("turnserver is not installed: nothing to compare with")
		return
	}
	w := startTURN(b)
	relaying := func(at netip.AddrPort, cpu func() int64) *load {
		c := newCrowd(b, at, clients)
		l := &load{cpu: cpu, came: c.peer.arrived, put: func(from, n int) { c.up(from, n, sizes{most: size}) }}
		if down {
			l.came, l.put = c.client.arrived, func(from, n int) { c.down(from, n, sizes{most: size}) }
		}
		warm := *l
		warm.run(4096, rate)
		return l
	}
	ours, theirs := relaying(w.at, w.cpu), relaying(at, func() int64 { return cpuOf(b, pid) })
	b.ResetTimer()
	const slice = 8192
	for sent := 0; sent < b.N; sent += slice {
		n := min(slice, b.N-sent)
		ours.run(n, rate)
		theirs.run(n, rate)
	}
	if theirs.arrived == 0 && b.N > 1000 {
		b.Fatalf("coturn relayed none of %d", b.N)
	}
	b.ReportMetric(ours.each(), "cpu-ns/packet")
	b.ReportMetric(theirs.each(), "coturn-cpu-ns/packet")
	b.ReportMetric(100*float64(theirs.arrived)/float64(theirs.sent), "%relayed-by-coturn")
	b.ReportMetric(ours.each()/theirs.each(), "ratio")
}
