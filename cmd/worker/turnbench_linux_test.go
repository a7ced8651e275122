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

	"gazpacho/pkg/socket"
	"gazpacho/pkg/stun"
	"gazpacho/pkg/tuple"
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

// received is what arrived at sockets whose buffers hold next to nothing: the kernel counts what it drops there.
func received(list []*socket.UDP) (n uint64) {
	for _, u := range list {
		n += u.Stats().KernelDrops
	}
	return n
}

// flood measures what one more packet costs a process: put queues one packet each time it is called, and came tells how many have arrived at the
// other end. With a rate, in packets/s, it sends as many; else as many as it can.
func flood(b *testing.B, n *turnNet, rate int, put func(i int), came func() uint64, cpu func() int64) float64 {
	b.Helper()
	const burst = 64
	per := burst
	if rate > 0 {
		per = max(1, rate/4000) // every 250 us
	}
	i := 0
	step := func() {
		for range per {
			put(i)
			i++
		}
		n.egress.Flush()
	}
	for i < 4096 { // what buffers hold is not counted: they are full from here on
		step()
	}
	time.Sleep(20 * time.Millisecond)
	before, used, start := came(), cpu(), time.Now()
	for sent := 0; sent < b.N; sent += per {
		if rate > 0 {
			for time.Since(start) < time.Duration(sent)*time.Second/time.Duration(rate) {
			}
		}
		step()
	}
	took := time.Since(start)
	time.Sleep(20 * time.Millisecond) // for what is under way
	relayed := came() - before
	if relayed == 0 && b.N > 1000 { // a few may be in buffers
		b.Fatalf("none of %d packets arrived", b.N)
	}
	relayed = max(relayed, 1)
	each := float64(cpu()-used) / float64(relayed)
	b.ReportMetric(float64(relayed)/took.Seconds()/1000, "kpackets/s")
	b.ReportMetric(100*float64(relayed)/float64(b.N), "%relayed")
	return each
}

// benchEcho is the floor: ns of CPU per packet.
func benchEcho(b *testing.B, size int) float64 {
	at, pid := startEcho(b)
	n := newTURNNet(b)
	from := n.listen(1)
	to := tuple.Of(tuple.UDP, from.Link(), from.Local(), at)
	time.Sleep(100 * time.Millisecond)
	return flood(b, n, 0, func(int) {
		n.egress.Next()
		n.egress.Commit(size, to)
	}, func() uint64 { return received([]*socket.UDP{from}) }, func() int64 { return cpuOf(b, pid) })
}

// BenchmarkTURN relays ChannelData through a worker on loopback: the CPU time of the whole process per packet, beside that of a bare echo by
// recvmmsg and sendmmsg. "clients=64" is many clients with a peer each; "clients=1" is all to one peer, which GSO is for; the case of 300
// allocations is at 40,000 packets/s in all.
func BenchmarkTURN(b *testing.B) {
	for _, size := range []int{1200, 160} {
		floor := 0.0
		b.Run(fmt.Sprintf("echo/%d", size), func(b *testing.B) {
			floor = benchEcho(b, size)
			b.ReportMetric(floor, "cpu-ns/packet")
		})
		for _, test := range []struct {
			clients, rate int
			down          bool
		}{{64, 0, false}, {64, 0, true}, {1, 0, false}, {1, 0, true}, {300, 40_000, false}, {300, 40_000, true}} {
			way := "up"
			if test.down {
				way = "down"
			}
			b.Run(fmt.Sprintf("%s/clients=%d/%d", way, test.clients, size), func(b *testing.B) {
				each := benchRelay(b, test.clients, size, test.rate, test.down)
				b.ReportMetric(each, "cpu-ns/packet")
				if floor > 0 && test.rate == 0 {
					b.ReportMetric(each/floor, "ratio")
				}
			})
		}
	}
}

func benchRelay(b *testing.B, clients, size, rate int, down bool) float64 {
	w := startTURN(b)
	n := newTURNNet(b)
	list := make([]*turnClient, clients)
	peers := make([]*socket.UDP, clients)
	ends := make([]*socket.UDP, clients)
	from := make([]tuple.Tuple, clients)
	for i := range list {
		peers[i] = n.listen(1)
		list[i] = n.client(w)
		list[i].allocate()
		list[i].bind(peers[i].Local())
		from[i] = tuple.Of(tuple.UDP, peers[i].Link(), peers[i].Local(), list[i].relayed)
		if ends[i] = peers[i]; down {
			ends[i] = list[i].socket
		}
	}
	if !down {
		return flood(b, n, rate, func(i int) { list[i%clients].channelData(size) }, func() uint64 { return received(ends) }, w.cpu)
	}
	return flood(b, n, rate, func(i int) {
		n.egress.Next()
		n.egress.Commit(size, from[i%clients])
	}, func() uint64 { return received(ends) }, w.cpu)
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
