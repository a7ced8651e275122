package main

import (
	"net/netip"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"gazpacho/pkg/stun"
)

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
// source stays within its ten answers a second (R-TURN-2). Beside it is what a bare echo takes for the same.
func BenchmarkTURNRefusals(b *testing.B) {
	w := startTURN(b)
	at, pid := startEcho(b)
	s := newFloodSocket(b, "0.0.0.0")
	s.deafen()
	data := make([]byte, 200)
	m := stun.Build(data, stun.Request, stun.Allocate, stun.TransactionID{1})
	m.AddUint32(stun.AttrRequestedTransport, 17<<24)
	m.AddString(stun.AttrSoftware, "a client that is not known here")
	data = data[:m.Finish()]
	for i := range s.memory {
		copy(s.memory[i][:], data)
	}
	load := func(to netip.AddrPort, cpu func() int64) *load {
		return &load{came: s.arrived, cpu: cpu, put: func(from, n int) {
			for i := range n {
				s.message(i, len(data), 1+(from+i)%(1<<23), to)
			}
			s.send(n)
		}}
	}
	refusals, floor := load(w.at, w.cpu), load(at, func() int64 { return cpuOf(b, pid) })
	time.Sleep(50 * time.Millisecond)
	warm, bare := *refusals, *floor
	warm.run(1024, 0)
	bare.run(1024, 0)
	refusals.sent = 1 << 22 // other sources than before
	b.ResetTimer()
	const slice = 8192
	for sent := 0; sent < b.N; sent += slice {
		refusals.run(min(slice, b.N-sent), 0)
		floor.run(min(slice, b.N-sent), 0)
	}
	b.StopTimer()
	if refusals.arrived == 0 && b.N > 1000 {
		b.Fatalf("none of %d was answered", b.N)
	}
	b.ReportMetric(100*float64(refusals.arrived)/float64(refusals.sent-1<<22), "%answered")
	b.ReportMetric(refusals.each(), "cpu-ns/401")
	b.ReportMetric(1e9/refusals.each(), "401s/s-of-a-core")
	b.ReportMetric(floor.each(), "echo-cpu-ns/packet")
	b.ReportMetric(refusals.each()/floor.each(), "ratio")
}
