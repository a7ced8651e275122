package transport

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"gazpacho/pkg/socket"
	"gazpacho/pkg/srtp"
	"gazpacho/pkg/tuple"
)

// BenchmarkForward measures what a forwarded packet costs, from the encrypted datagram of a publisher to the system call that sends it to
// a hundred peers, and its floor: nothing but the cipher and sendmmsg. The two take turns, so that what else the machine does strikes both;
// the ratio is what counts. x4 is four packets for every peer within one turn of the loop, as a video frame brings them. The peers are
// addresses of the loopback network with one socket that nobody reads.
func BenchmarkForward(b *testing.B) {
	for _, profile := range []srtp.Profile{srtp.AES128GCM, srtp.AES128CM80} {
		for _, size := range []int{1200, 100} {
			for _, burst := range []int{1, 4} {
				b.Run(fmt.Sprintf("%s/%dB/x%d", profile, size, burst), func(b *testing.B) { benchmarkForward(b, profile, size, burst) })
			}
		}
	}
}

func benchmarkForward(b *testing.B, profile srtp.Profile, size, burst int) {
	runtime.LockOSThread() // processor time is counted by thread
	defer runtime.UnlockOSThread()
	ours, check := forwarding(b, profile, size, burst)
	floor := sending(b, profile, size, burst)
	var oursTime, floorTime int64
	b.ResetTimer()
	for range b.N {
		start := cpuTime()
		ours()
		middle := cpuTime()
		floor()
		oursTime += middle - start
		floorTime += cpuTime() - middle
	}
	b.StopTimer()
	check()
	packets := float64(b.N * burst * fan)
	b.ReportMetric(0, "ns/op") // of both together: says nothing
	b.ReportMetric(float64(oursTime)/packets, "cpu-ns/packet")
	b.ReportMetric(float64(floorTime)/packets, "floor-cpu-ns/packet")
	b.ReportMetric(float64(oursTime)/float64(floorTime), "ratio")
}

// cpuTime is the processor time this thread has used, in nanoseconds: it does not grow while others use the machine.
func cpuTime() int64 {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_THREAD, &u); err != nil {
		panic(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

// blackhole is a port on all loopback addresses where packets are dropped.
func blackhole(b *testing.B) uint16 {
	b.Helper()
	c, err := net.ListenUDP("udp4", nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { c.Close() })
	if err := c.SetReadBuffer(1); err != nil {
		b.Fatal(err)
	}
	return uint16(c.LocalAddr().(*net.UDPAddr).Port)
}

func loopbackPeer(i int, port uint16) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 1, byte(i + 1)}), port)
}

// forwarding returns a function that forwards a burst to every peer, and one that checks what came out.
func forwarding(b *testing.B, profile srtp.Profile, size, burst int) (turn, check func()) {
	links := socket.NewLinks()
	udp, err := socket.ListenUDP(links, netip.MustParseAddrPort("127.0.0.1:0"), socket.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { udp.Close() })
	egress := socket.NewEgress(links)
	port := blackhole(b)
	f := newForwarder(b, profile, egress, func(i int) tuple.Tuple {
		return tuple.Of(tuple.UDP, udp.Link(), udp.Local(), loopbackPeer(i, port))
	})
	packets := f.publisher.packets(size, b.N*burst)
	before := egress.Stats()
	now, next := f.now, 0
	turn = func() {
		now = now.Add(10 * time.Millisecond)
		for range burst {
			f.server.Handle(now, packets[next], f.from)
			next++
		}
		egress.Flush()
	}
	check = func() {
		s := egress.Stats()
		if got, want := s.Sent-before.Sent+s.Dropped()-before.Dropped(), uint64(b.N*burst*fan); got < want {
			b.Fatalf("%d packets came out, want %d", got, want)
		}
	}
	return turn, check
}

// mmsghdr is one message of sendmmsg(2).
type mmsghdr struct {
	header unix.Msghdr
	size   uint32
}

// sending returns a function that encrypts the same payload for every peer and sends it, with no bookkeeping at all.
func sending(b *testing.B, profile srtp.Profile, size, burst int) (turn func()) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { unix.Close(fd) })
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, 4<<20); err != nil {
		b.Fatal(err)
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		b.Fatal(err)
	}
	port := blackhole(b)
	count := fan * burst
	slots := make([][2048]byte, count)
	names := make([]unix.RawSockaddrInet4, count)
	vectors := make([]unix.Iovec, count)
	messages := make([]mmsghdr, count)
	seal := rawCipher(b, profile)
	payload := make([]byte, size)
	for i := range count {
		peer := loopbackPeer(i%fan, port)
		names[i].Family = unix.AF_INET
		binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(&names[i].Port))[:], peer.Port())
		names[i].Addr = peer.Addr().As4()
		vectors[i].Base = &slots[i][0]
		messages[i].header.Name = (*byte)(unsafe.Pointer(&names[i]))
		messages[i].header.Namelen = unix.SizeofSockaddrInet4
		messages[i].header.Iov = &vectors[i]
		messages[i].header.SetIovlen(1)
	}
	return func() {
		for i := range count {
			vectors[i].SetLen(seal(slots[i][:], payload))
		}
		for sent := 0; sent < count; {
			n, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(fd), uintptr(unsafe.Pointer(&messages[sent])), uintptr(count-sent), 0, 0, 0)
			if errno != 0 {
				n = 1
			}
			sent += int(n)
		}
	}
}

// rawCipher writes a twelve-byte header, payload and tag, by the standard library's fastest means.
func rawCipher(b *testing.B, profile srtp.Profile) func(dst, payload []byte) int {
	b.Helper()
	block, err := aes.NewCipher(make([]byte, 16))
	if err != nil {
		b.Fatal(err)
	}
	var iv [16]byte
	if profile == srtp.AES128GCM {
		gcm, err := cipher.NewGCM(block)
		if err != nil {
			b.Fatal(err)
		}
		return func(dst, payload []byte) int {
			return 12 + len(gcm.Seal(dst[12:12], iv[:12], payload, dst[:12]))
		}
	}
	mac := hmac.New(sha1.New, make([]byte, 20))
	var tag [20]byte
	return func(dst, payload []byte) int {
		cipher.NewCTR(block, iv[:]).XORKeyStream(dst[12:], payload)
		mac.Reset()
		mac.Write(dst[:12+len(payload)])
		mac.Write(iv[:4])
		return 12 + len(payload) + copy(dst[12+len(payload):], mac.Sum(tag[:0])[:10])
	}
}
