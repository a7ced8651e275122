package socket

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// streamVector writes the packets of one destination to a TCP connection in one call, each with
// its RFC 4571 length ahead of it.
type streamVector struct {
	hdr  unix.Msghdr
	iovs [EgressSlots]unix.Iovec

	count int
	wrote int
	errno syscall.Errno
	run   func(fd uintptr)
}

func (v *streamVector) init(*Egress) {
	v.run = v.sendmsg
	v.hdr.Iov = &v.iovs[0]
}

// writeNow writes as many bytes of the chain's frames as the connection takes without waiting.
// An error means that the connection is broken.
func (c *tcpConn) writeNow(e *Egress, d *dest) (int, error) {
	v := &e.vector.stream
	v.count, v.wrote, v.errno = 0, 0, 0
	for s := d.first; s != none; s = e.slots[s].next {
		frame := c.framed(e, s)
		v.iovs[v.count].Base = &frame[0]
		v.iovs[v.count].SetLen(len(frame))
		v.count++
	}
	if err := c.raw.Control(v.run); err != nil {
		return 0, err
	}
	if v.errno != 0 && v.errno != unix.EAGAIN {
		return 0, v.errno
	}
	return v.wrote, nil
}

func (v *streamVector) sendmsg(fd uintptr) {
	v.hdr.SetIovlen(v.count)
	n, _, errno := unix.Syscall(unix.SYS_SENDMSG, fd, uintptr(unsafe.Pointer(&v.hdr)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
	if v.errno = errno; errno == 0 {
		v.wrote = int(n)
	}
}
