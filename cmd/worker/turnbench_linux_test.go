package main

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"gazpacho/pkg/stun"
)

// echoVariable makes the test's binary a bare echo on a port: the floor of every relay.
const echoVariable = "GAZPACHO_TEST_ECHO"

// The benchmark starts its own binary again as the echo.
func init() {
	if at := os.Getenv(echoVariable); at != "" {
		echo(at)
	}
}

// echo reads 64 datagrams with recvmmsg and sends them back with sendmmsg, until it is killed.
func echo(address string) {
	at := netip.MustParseAddrPort(address)
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err == nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 4<<20)
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, 4<<20)
		err = unix.Bind(fd, &unix.SockaddrInet4{Addr: at.Addr().As4(), Port: int(at.Port())})
	}
	if err != nil {
		panic(err)
	}
	const batch, slot = 64, 2048
	var hdrs [batch]unix.Mmsghdr
	var iovs [batch]unix.Iovec
	var names [batch]unix.RawSockaddrInet4
	memory := make([]byte, batch*slot)
	for {
		for i := range hdrs {
			iovs[i].Base = &memory[i*slot]
			iovs[i].SetLen(slot)
			h := &hdrs[i].Hdr
			h.Name, h.Namelen, h.Iov = (*byte)(unsafe.Pointer(&names[i])), uint32(unsafe.Sizeof(names[i])), &iovs[i]
			h.SetIovlen(1)
		}
		n, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, uintptr(fd), uintptr(unsafe.Pointer(&hdrs[0])), batch, unix.MSG_WAITFORONE, 0, 0)
		if errno != 0 {
			continue
		}
		for i := range hdrs[:n] {
			iovs[i].SetLen(int(hdrs[i].Len))
		}
		_, _, _ = unix.Syscall6(unix.SYS_SENDMMSG, uintptr(fd), uintptr(unsafe.Pointer(&hdrs[0])), n, 0, 0, 0)
	}
}

// startEcho runs an echo in a process of its own.
func startEcho(b *testing.B) (at netip.AddrPort, pid int) {
	b.Helper()
	at = freePort(b)
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), echoVariable+"="+at.String(), "GOMAXPROCS=1")
	if err := c.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
	return at, c.Process.Pid
}

// BenchmarkTURN relays ChannelData through a worker on loopback: the CPU time of the whole process per packet, beside that of a bare echo by recvmmsg and
// sendmmsg of 64, to which the same clients send in turn. The echo has one socket and the relay one for each client, so the echo's system calls are fewer:
// it is a floor that no relay can reach whose packets leave one by one. "differ" is packets of which no two to one peer may leave as one; the case of 300
// allocations is at 40,000 packets/s in all, and its echo at the same rate.
func BenchmarkTURN(b *testing.B) {
	for _, size := range []int{1200, 160} {
		for _, test := range []struct {
			clients, rate int
			down, differ  bool
		}{
			{clients: 64},
			{clients: 64, down: true},
			{clients: 64, differ: true},
			{clients: 64, down: true, differ: true},
			{clients: 1},
			{clients: 1, down: true},
			{clients: 300, rate: 40_000},
			{clients: 300, rate: 40_000, down: true},
		} {
			name := fmt.Sprintf("up/clients=%d/%d", test.clients, size)
			if test.down {
				name = fmt.Sprintf("down/clients=%d/%d", test.clients, size)
			}
			if test.differ {
				name += "/differ"
			}
			b.Run(name, func(b *testing.B) { benchRelay(b, test.clients, sizes{size, test.differ}, test.rate, test.down) })
		}
	}
}

func benchRelay(b *testing.B, clients int, z sizes, rate int, down bool) {
	w := startTURN(b)
	at, pid := startEcho(b)
	c := newCrowd(b, w.at, clients)
	relay := load{cpu: w.cpu, came: c.peer.arrived, put: func(from, n int) { c.up(from, n, z) }}
	if down {
		relay.came, relay.put = c.client.arrived, func(from, n int) { c.down(from, n, z) }
	}
	floor := load{cpu: func() int64 { return cpuOf(b, pid) }, came: c.client.arrived, put: func(from, n int) { c.echo(from, n, z, at) }}
	time.Sleep(50 * time.Millisecond)
	warm, bare := relay, floor
	warm.run(4096, rate) // what buffers hold is not counted: they are full from here on
	bare.run(4096, rate)
	b.ResetTimer()
	const slice = 8192
	for sent := 0; sent < b.N; sent += slice {
		n := min(slice, b.N-sent)
		relay.run(n, rate)
		floor.run(n, rate)
	}
	if relay.arrived == 0 && b.N > 1000 { // a few may be in buffers
		b.Fatalf("none of %d packets arrived", b.N)
	}
	b.ReportMetric(float64(relay.arrived)/relay.took.Seconds()/1000, "kpackets/s")
	b.ReportMetric(100*float64(relay.arrived)/float64(relay.sent), "%relayed")
	b.ReportMetric(relay.each(), "cpu-ns/packet")
	b.ReportMetric(floor.each(), "echo-cpu-ns/packet")
	b.ReportMetric(relay.each()/floor.each(), "ratio")
}

// BenchmarkTURNAllocations is allocations that are made and deleted, by 64 clients at a time.
func BenchmarkTURNAllocations(b *testing.B) {
	w := startTURN(b)
	n := newTURNNet(b)
	list := make([]*turnClient, 64)
	for i := range list {
		list[i] = n.client(w)
		list[i].ask(stun.CodeUnauthenticated, stun.Allocate, transportUDP)
	}
	round := func(m stun.Method, add func(*stun.Builder)) {
		for _, c := range list {
			c.send(m, add)
		}
		n.egress.Flush()
		for _, c := range list {
			if code, err := c.answer(); err != nil || code != 0 {
				b.Fatal(code, err)
			}
		}
	}
	b.ResetTimer()
	used := w.cpu()
	made := 0
	for ; made < b.N; made += len(list) {
		round(stun.Allocate, transportUDP)
		round(stun.Refresh, func(m *stun.Builder) { m.AddUint32(stun.AttrLifetime, 0) })
	}
	b.StopTimer()
	spent := float64(w.cpu() - used)
	b.ReportMetric(spent/float64(made)/1000, "cpu-us/allocation")
	b.ReportMetric(1e9*float64(made)/spent, "allocations/s-of-a-core")
}

// BenchmarkTURNMemory is what an idle allocation with a permission and a channel takes of the process.
func BenchmarkTURNMemory(b *testing.B) {
	const allocations = 4000
	for range b.N {
		w := startTURN(b)
		n := newTURNNet(b)
		peer := n.listen(1).Local()
		warm := n.client(w)
		warm.allocate()
		warm.bind(peer)
		before := w.rss()
		for range allocations {
			c := n.client(w)
			c.allocate()
			c.bind(peer)
		}
		b.ReportMetric(float64(w.rss()-before)/allocations, "bytes/allocation")
	}
}
