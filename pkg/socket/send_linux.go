package socket

import (
	"encoding/binary"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// What one message of several packets may hold: UDP_MAX_SEGMENTS of the kernels before 6.9, and
	// a 16-bit length with the largest header before it.
	maxSegments   = 64
	maxSuperBytes = 65535 - 40 - 8
)

// sendVector is what sendmmsg reads: a header, a buffer and a control message for each packet of an
// Egress. The arrays live as long as the Egress, and the addresses in its destTable.
type sendVector struct {
	hdrs  [EgressSlots]unix.Mmsghdr
	iovs  [EgressSlots]unix.Iovec
	ctrls [EgressSlots]segmentControl

	// The flush in progress. The functions are bound once: a closure per call would allocate.
	egress   *Egress
	target   *sendTarget
	messages int
	run      func(fd uintptr)
	kernel   func(fd uintptr, first *unix.Mmsghdr, n int) (int, syscall.Errno) // sendmmsg; tests script it
	single   unix.Mmsghdr                                                      // for split

	stream streamVector
}

// destName is a destination's address for the kernel. It is written when first sent to: a link stays
// with its socket, and so with its family.
type destName struct {
	addr sockaddr
	size uint32 // 0 while not written
}

// segmentControl is the control message that carries the segment size, CMSG_SPACE(2) long.
type segmentControl struct {
	header unix.Cmsghdr
	data   [8]byte // the uint16 and its padding
}

func (v *sendVector) init(e *Egress) {
	v.egress = e
	v.run, v.kernel = v.sendAll, sendmmsg
	v.stream.init(e)
	for i := range v.hdrs {
		h, c := &v.hdrs[i].Hdr, &v.ctrls[i]
		h.Control = (*byte)(unsafe.Pointer(c))
		c.header.Level = unix.SOL_UDP
		c.header.Type = unix.UDP_SEGMENT
		c.header.SetLen(unix.CmsgLen(2))
	}
}

// sendTarget is what is known of the socket that a flush writes to.
type sendTarget struct {
	family uint16
	// gso is whether several packets for one peer may leave as one (UDP_SEGMENT).
	gso bool
	// errors tells that an ICMP error which came for an earlier packet may be reported to a later one (IP_RECVERR): that one is sent again.
	errors bool
}

// send writes the chain of destinations that starts at d.
func (c *rawUDP) send(e *Egress, d uint16) {
	v := &e.vector
	v.build(&c.sendTarget, d)
	if c.raw.Control(v.run) != nil { // closed by its owner since resolve, within this turn
		e.stats.Closed += v.rest(0)
	}
	v.target = nil
}

// build makes the messages of a chain of destinations.
func (v *sendVector) build(t *sendTarget, d uint16) {
	v.target, v.messages = t, 0
	buffers := 0
	for ; d != none; d = v.egress.dests.list[d].next {
		buffers = v.add(&v.egress.dests.list[d], buffers)
	}
}

// add makes messages of a destination's packets and returns how many buffers are then used.
func (v *sendVector) add(d *dest, buffers int) int {
	e := v.egress
	for s := d.first; s != none; {
		first := buffers
		size := e.slots[s].size
		total := 0
		for s != none {
			n := e.slots[s].size
			if buffers > first && (!v.target.gso || n > size || buffers-first == maxSegments || total+int(n) > maxSuperBytes) {
				break
			}
			iov := &v.iovs[buffers]
			iov.Base = &e.memory[int(s)*slotSize+slotHead]
			iov.SetLen(int(n))
			buffers++
			total += int(n)
			s = e.slots[s].next
			if n < size {
				break // the last segment alone may be shorter
			}
		}
		v.message(d, first, buffers-first, size)
	}
	return buffers
}

// message fills the next header: count buffers from first on, as segments of the given size.
func (v *sendVector) message(d *dest, first, count int, size uint16) {
	i := v.messages
	h := &v.hdrs[i].Hdr
	if d.name.size == 0 {
		if d.name.size = d.name.addr.put(v.target.family, d.remote); d.name.size == 0 {
			v.egress.stats.Unreachable += uint64(count)
			return
		}
	}
	v.messages++
	h.Name = (*byte)(unsafe.Pointer(&d.name.addr))
	h.Namelen = d.name.size
	h.Iov = &v.iovs[first]
	h.SetIovlen(count)
	h.SetControllen(0)
	if count > 1 {
		c := &v.ctrls[i]
		binary.NativeEndian.PutUint16(c.data[:], size)
		h.SetControllen(int(unsafe.Sizeof(*c)))
	}
}

// sendAll sends all messages. It holds the descriptor: the runtime keeps it open meanwhile.
func (v *sendVector) sendAll(fd uintptr) {
	stats := &v.egress.stats
	for at := 0; at < v.messages; {
		stats.Calls++
		n, errno := v.kernel(fd, &v.hdrs[at], v.messages-at)
		if v.target.errors && errno != 0 && unreachable(errno) {
			stats.Calls++ // the error is that of a packet before, which an ICMP message came back for, and is reported once
			n, errno = v.kernel(fd, &v.hdrs[at], v.messages-at)
		}
		for i := range v.hdrs[at : at+n] {
			m := &v.hdrs[at+i]
			stats.Sent += uint64(m.Hdr.Iovlen)
			stats.Bytes += uint64(m.Len)
		}
		stats.Messages += uint64(n)
		at += n
		switch {
		case errno == 0 || errno == unix.EINTR:
		case errno == unix.EAGAIN:
			// The socket's buffer is full, and stays so for longer than a turn may take.
			stats.Full += v.rest(at)
			return
		default:
			v.refused(fd, at, errno)
			at++
		}
	}
}

// sendmmsg sends n messages and returns how many went, or why the first did not.
func sendmmsg(fd uintptr, first *unix.Mmsghdr, n int) (int, syscall.Errno) {
	sent, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, fd, uintptr(unsafe.Pointer(first)), uintptr(n), unix.MSG_DONTWAIT, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(sent), 0
}

// rest is how many packets the messages from at on hold.
func (v *sendVector) rest(at int) uint64 {
	n := uint64(0)
	for i := range v.hdrs[at:v.messages] {
		n += uint64(v.hdrs[at+i].Hdr.Iovlen)
	}
	return n
}

// refused deals with a message that the system did not take. One of several packets is tried again
// packet by packet: EIO says that the way out cannot segment, now or ever; EINVAL that a segment is
// longer than the path's MTU, where single packets are fragmented.
func (v *sendVector) refused(fd uintptr, at int, errno syscall.Errno) {
	h := &v.hdrs[at].Hdr
	count := int(h.Iovlen)
	if count == 1 || (errno != unix.EIO && errno != unix.EINVAL) {
		v.egress.countErrno(errno, uint64(count))
		return
	}
	if errno == unix.EIO {
		v.target.gso = false
	}
	v.egress.stats.Split++
	v.split(fd, h)
}

// split sends the packets of one message one by one.
func (v *sendVector) split(fd uintptr, h *unix.Msghdr) {
	stats := &v.egress.stats
	iovs := unsafe.Slice(h.Iov, int(h.Iovlen))
	m := &v.single
	m.Hdr.Name, m.Hdr.Namelen = h.Name, h.Namelen
	m.Hdr.SetIovlen(1)
	for i := range iovs {
		m.Hdr.Iov = &iovs[i]
		stats.Calls++
		if _, errno := v.kernel(fd, m, 1); errno != 0 {
			v.egress.countErrno(errno, 1)
			continue
		}
		stats.Messages++
		stats.Sent++
		stats.Bytes += uint64(m.Len)
	}
}
