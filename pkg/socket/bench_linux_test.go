package socket

import (
	"fmt"
	"net/netip"
	"runtime"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"gazpacho/pkg/tuple"
)

// blackholes opens n loopback sockets with tiny receive buffers that nobody reads: what is sent to
// them goes all the way through the kernel and is dropped at the end.
func blackholes(b *testing.B, n int) []netip.AddrPort {
	b.Helper()
	links := NewLinks()
	addrs := make([]netip.AddrPort, n)
	for i := range addrs {
		u, err := ListenUDP(links, netip.MustParseAddrPort("127.0.0.1:0"), Options{RecvBuffer: 1, SendBuffer: 1})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { u.Close() })
		addrs[i] = u.Local()
	}
	return addrs
}

const benchPacket = 1200

// cpuTime reports the processor time per operation beside the wall time, which other processes
// disturb. Call it when the clock starts, and the result when it stops.
func cpuTime(b *testing.B) (stop func()) {
	runtime.LockOSThread()
	used := func() int64 {
		var r unix.Rusage
		_ = unix.Getrusage(unix.RUSAGE_THREAD, &r)
		return r.Utime.Nano() + r.Stime.Nano()
	}
	start := used()
	return func() {
		b.ReportMetric(float64(used()-start)/float64(b.N), "cpu-ns/op")
		runtime.UnlockOSThread()
	}
}

// BenchmarkSend compares an Egress with its floor: a raw sendmmsg over headers that were filled in
// beforehand, which is what any user-space sender pays. The difference is our bookkeeping. Packets
// come in the order in which an SFU makes them: each incoming packet once for every destination.
func BenchmarkSend(b *testing.B) {
	for _, peers := range []int{64, 100} {
		for _, each := range []int{1, 4} {
			name := fmt.Sprintf("peers=%d/each=%d", peers, each)
			b.Run("floor/"+name, func(b *testing.B) { benchFloor(b, peers, each) })
			b.Run("egress/gso=off/"+name, func(b *testing.B) { benchEgress(b, peers, each, true) })
			b.Run("egress/gso=on/"+name, func(b *testing.B) { benchEgress(b, peers, each, false) })
		}
	}
}

func benchFloor(b *testing.B, peers, each int) {
	addrs := blackholes(b, peers)
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer unix.Close(fd)
	if err := setOptions(fd, unix.AF_INET, Options{SendBuffer: defaultBuffer}); err != nil {
		b.Fatal(err)
	}
	n := peers * each
	hdrs := make([]unix.Mmsghdr, n)
	iovs := make([]unix.Iovec, n)
	names := make([]sockaddr, peers)
	memory := make([]byte, n*slotSize)
	for i := range names {
		names[i].put(unix.AF_INET, addrs[i])
	}
	for i := range hdrs {
		iovs[i].Base = &memory[i*slotSize]
		iovs[i].SetLen(benchPacket)
		h := &hdrs[i].Hdr
		h.Iov = &iovs[i]
		h.SetIovlen(1)
		h.Name = (*byte)(unsafe.Pointer(&names[i%peers]))
		h.Namelen = sizeofSockaddr4
	}
	b.ReportAllocs()
	b.ResetTimer()
	defer cpuTime(b)()
	for done := 0; done < b.N; done += n {
		for i := range n {
			memory[i*slotSize] = byte(done) // the egress benchmark touches each packet too
		}
		for at := 0; at < n; {
			k, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(fd), uintptr(unsafe.Pointer(&hdrs[at])), uintptr(n-at), unix.MSG_DONTWAIT, 0, 0)
			if errno != 0 {
				b.Fatal(errno)
			}
			at += int(k)
		}
	}
}

func benchEgress(b *testing.B, peers, each int, noGSO bool) {
	addrs := blackholes(b, peers)
	links := NewLinks()
	u, err := ListenUDP(links, netip.MustParseAddrPort("127.0.0.1:0"), Options{noGSO: noGSO})
	if err != nil {
		b.Fatal(err)
	}
	defer u.Close()
	e := NewEgress(links)
	to := make([]tuple.Tuple, peers)
	for i, a := range addrs {
		to[i] = tuple.Of(tuple.UDP, u.Link(), u.Local(), a)
	}
	b.ReportAllocs()
	b.ResetTimer()
	defer cpuTime(b)()
	for done := 0; done < b.N; done += peers * each {
		for range each {
			for i := range to {
				e.Next()[0] = byte(done)
				e.Commit(benchPacket, to[i])
			}
		}
		e.Flush()
	}
	b.StopTimer()
	if s := e.Stats(); s.Dropped() > 0 {
		b.Fatalf("dropped: %+v", s)
	}
}

// BenchmarkBookkeeping is the cost of an Egress without its system calls: the flush finds the link
// closed after all grouping was done, or builds all messages and does not send them.
func BenchmarkBookkeeping(b *testing.B) {
	for _, each := range []int{1, 4} {
		b.Run(fmt.Sprintf("peers=100/each=%d", each), func(b *testing.B) {
			links := NewLinks()
			u, err := ListenUDP(links, netip.MustParseAddrPort("127.0.0.1:0"), Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer u.Close()
			e := NewEgress(links)
			e.vector.run = func(uintptr) {}
			var to [100]tuple.Tuple
			for i := range to {
				a := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}), uint16(40000+i))
				to[i] = tuple.Of(tuple.UDP, u.Link(), u.Local(), a)
			}
			b.ReportAllocs()
			b.ResetTimer()
			defer cpuTime(b)()
			for done := 0; done < b.N; done += 100 * each {
				for range each {
					for i := range to {
						e.Next()
						e.Commit(benchPacket, to[i])
					}
				}
				e.Flush()
			}
		})
	}
}

// BenchmarkReceive reads what was sent before the clock started. floor is recvmmsg alone.
func BenchmarkReceive(b *testing.B) {
	for _, mode := range []string{"floor", "batch", "portable"} {
		b.Run(mode, func(b *testing.B) { benchReceive(b, mode) })
	}
}

func benchReceive(b *testing.B, mode string) {
	links := NewLinks()
	u, err := ListenUDP(links, netip.MustParseAddrPort("127.0.0.1:0"), Options{portable: mode == "portable"})
	if err != nil {
		b.Fatal(err)
	}
	defer u.Close()
	from, err := ListenUDP(links, netip.MustParseAddrPort("127.0.0.1:0"), Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer from.Close()
	e := NewEgress(links)
	to := tuple.Of(tuple.UDP, from.Link(), from.Local(), u.Local())
	const burst = 512
	pool := NewPool(2)
	vector := newBatch(pool)
	b.ReportAllocs()
	b.ResetTimer()
	for done := 0; done < b.N; done += burst {
		b.StopTimer()
		for range burst {
			e.Next()
			e.Commit(benchPacket, to)
		}
		e.Flush()
		b.StartTimer()
		for got := 0; got < burst; {
			if mode == "floor" {
				_ = u.conn.(*rawUDP).raw.Control(func(fd uintptr) {
					n, errno := vector.vector.recv(fd)
					if errno != 0 {
						b.Fatal(errno)
					}
					got += n
				})
				continue
			}
			batch, err := u.ReadBatch(pool)
			if err != nil {
				b.Fatal(err)
			}
			for {
				_, _, ok := batch.Next()
				if !ok {
					break
				}
				got++
			}
			batch.Release()
		}
	}
}
