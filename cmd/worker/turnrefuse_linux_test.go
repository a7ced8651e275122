package main

import (
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"gazpacho/pkg/stun"
)

// manySources is a socket that sends from any address of 127.0.0.0/8, and counts what comes back by what the kernel drops, for nobody reads it.
type manySources struct {
	b  *testing.B
	fd int
	to *unix.SockaddrInet4
}

func newManySources(b *testing.B, w *turnWorker) *manySources {
	b.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { unix.Close(fd) })
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 1)
	if err := unix.Bind(fd, &unix.SockaddrInet4{}); err != nil {
		b.Fatal(err)
	}
	return &manySources{b: b, fd: fd, to: &unix.SockaddrInet4{Port: int(w.at.Port()), Addr: w.at.Addr().As4()}}
}

// send sends from the address of this number.
func (s *manySources) send(data []byte, source int) {
	info := unix.Inet4Pktinfo{Spec_dst: [4]byte{127, byte(source>>16) | 1, byte(source >> 8), byte(source)}}
	control := unix.PktInfo4(&info)
	if err := unix.Sendmsg(s.fd, data, control, s.to, 0); err != nil {
		s.b.Fatal(err)
	}
}

// answers is how many datagrams came back.
func (s *manySources) answers() uint64 { return memInfoDrops(s.b, s.fd) }

// memInfoDrops is how many datagrams a socket had no room for.
func memInfoDrops(b *testing.B, fd int) uint64 {
	const drops = 8 // in what SO_MEMINFO fills
	var info [9]uint32
	size := uint32(unsafe.Sizeof(info))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_MEMINFO,
		uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
	if errno != 0 {
		b.Fatal(errno)
	}
	return uint64(info[drops])
}

// BenchmarkTURNRefusals is 401s for Allocate without credentials, each from an address of its own, as in a flood with forged sources: so that each
// source stays within its ten answers a second (R-TURN-2).
func BenchmarkTURNRefusals(b *testing.B) {
	w := startTURN(b)
	s := newManySources(b, w)
	data := make([]byte, 200)
	m := stun.Build(data, stun.Request, stun.Allocate, stun.TransactionID{1})
	m.AddUint32(stun.AttrRequestedTransport, 17<<24)
	m.AddString(stun.AttrSoftware, "a client that is not known here")
	data = data[:m.Finish()]
	for i := range 100 {
		s.send(data, 1<<22+i)
	}
	time.Sleep(20 * time.Millisecond)
	b.ResetTimer()
	before, used := s.answers(), w.cpu()
	for i := range b.N {
		s.send(data, i)
	}
	b.StopTimer()
	time.Sleep(20 * time.Millisecond)
	answered := s.answers() - before
	if answered == 0 {
		b.Fatalf("none of %d was answered", b.N)
	}
	spent := float64(w.cpu() - used)
	b.ReportMetric(100*float64(answered)/float64(b.N), "%answered")
	b.ReportMetric(spent/float64(answered), "cpu-ns/401")
	b.ReportMetric(1e9*float64(answered)/spent, "401s/s-of-a-core")
}
