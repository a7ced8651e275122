package socket

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// recvVector is what recvmmsg fills: a header, a buffer and an address for each slot of a batch.
// The pointers are set once; the arrays live as long as the batch.
//
// UDP_GRO is left out on purpose. It joins packets of one peer only if they are of equal length,
// which RTP packets of a frame seldom are, and each slot would have to hold 64 KB or lose packets.
type recvVector struct {
	hdrs  [BatchSize]unix.Mmsghdr
	iovs  [BatchSize]unix.Iovec
	names [BatchSize]sockaddr
}

func (v *recvVector) init(b *Batch) {
	for i := range v.hdrs {
		v.iovs[i].Base = &b.slot(i)[0]
		// The kernel flags what is longer than this as cut short, so it is never mistaken for whole.
		v.iovs[i].SetLen(MaxDatagram)
		h := &v.hdrs[i].Hdr
		h.Iov = &v.iovs[i]
		h.SetIovlen(1)
		h.Name = (*byte)(unsafe.Pointer(&v.names[i]))
		h.Namelen = uint32(unsafe.Sizeof(v.names[i]))
	}
}

// recv returns how many datagrams were there. It never waits, so the scheduler need not be told of
// the call: a full batch takes about 20 microseconds.
func (v *recvVector) recv(fd uintptr) (int, syscall.Errno) { return v.recvFrom(fd, 0) }

// recvFrom leaves the slots before first as they are.
func (v *recvVector) recvFrom(fd uintptr, first int) (int, syscall.Errno) {
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&v.hdrs[first])), uintptr(BatchSize-first), unix.MSG_DONTWAIT, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}

// collect makes packets of the first n slots and readies them for the next recv. Datagrams that
// were cut short and empty ones are left out and counted.
func (v *recvVector) collect(b *Batch, n int) (out leftOut) { return v.collectFrom(b, 0, n, nil) }

// collectFrom does so for n slots from first on, which one relay received; nil if the batch is of one socket.
func (v *recvVector) collectFrom(b *Batch, first, n int, relay *Relay) (out leftOut) {
	for i := first; i < first+n; i++ {
		h := &v.hdrs[i]
		switch {
		case h.Hdr.Flags&unix.MSG_TRUNC != 0:
			out.tooLong++
		case h.Len > 0:
			b.packets[b.filled] = packet{from: v.names[i].addrPort(), slot: uint16(i), size: uint16(h.Len), relay: relay}
			b.filled++
		default:
			out.empty++
		}
		h.Hdr.Namelen = uint32(unsafe.Sizeof(v.names[i]))
	}
	b.dirty = max(b.dirty, first+n)
	return out
}
