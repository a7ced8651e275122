package socket

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// rawUDP reads and writes datagrams by recvmmsg and sendmmsg. The descriptor is registered with
// the runtime's netpoller (an os.File in non-blocking mode is), so a reader parks like any goroutine.
type rawUDP struct {
	file  *os.File
	raw   syscall.RawConn
	bound netip.AddrPort

	sendTarget // owned by the Egress after opening

	// The reader's call in progress. The functions are bound once: a closure per call would allocate.
	recv   func(fd uintptr) bool
	recvOn func(fd uintptr) bool
	pool   *Pool
	cancel <-chan struct{}
	batch  *Batch
	count  int
	errno  syscall.Errno
}

// openDatagram makes the socket by hand rather than by package net, which sets address reuse and
// another address for multicast ones.
func openDatagram(addr netip.AddrPort, opts Options) (datagramConn, error) {
	family := uint16(unix.AF_INET6)
	if addr.Addr().Unmap().Is4() {
		family = unix.AF_INET
		addr = netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())
	}
	fd, err := unix.Socket(int(family), unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, unix.IPPROTO_UDP)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	c := &rawUDP{sendTarget: sendTarget{family: family}}
	if err := c.setUp(fd, addr, opts); err != nil {
		unix.Close(fd)
		return nil, err
	}
	c.file = os.NewFile(uintptr(fd), "udp")
	if c.raw, err = c.file.SyscallConn(); err != nil {
		c.file.Close()
		return nil, err
	}
	c.recv, c.recvOn = c.recvBatch, c.recvMore
	return c, nil
}

func (c *rawUDP) setUp(fd int, addr netip.AddrPort, opts Options) error {
	if err := setOptions(fd, c.family, opts); err != nil {
		return err
	}
	bound, err := bind(fd, c.family, addr)
	if err != nil {
		return err
	}
	c.bound = bound
	c.gso = !opts.noGSO && hasGSO(fd)
	return nil
}

// bind binds a socket and returns the address that it then has.
func bind(fd int, family uint16, addr netip.AddrPort) (netip.AddrPort, error) {
	var sa sockaddr
	n := sa.put(family, addr)
	if _, _, errno := unix.RawSyscall(unix.SYS_BIND, uintptr(fd), uintptr(unsafe.Pointer(&sa)), uintptr(n)); errno != 0 {
		return netip.AddrPort{}, os.NewSyscallError("bind", errno)
	}
	size := uint32(unsafe.Sizeof(sa))
	if _, _, errno := unix.RawSyscall(unix.SYS_GETSOCKNAME, uintptr(fd), uintptr(unsafe.Pointer(&sa)), uintptr(unsafe.Pointer(&size))); errno != 0 {
		return netip.AddrPort{}, os.NewSyscallError("getsockname", errno)
	}
	return sa.addrPort(), nil
}

func (c *rawUDP) read(pool *Pool, cancel <-chan struct{}) (*Batch, leftOut, error) {
	c.pool, c.cancel = pool, cancel
	return c.result(c.raw.Read(c.recv))
}

func (c *rawUDP) readOn(pool *Pool) (*Batch, leftOut, error) {
	if c.batch = pool.try(); c.batch == nil {
		return nil, leftOut{}, nil
	}
	return c.result(c.raw.Read(c.recvOn))
}

func (c *rawUDP) result(err error) (*Batch, leftOut, error) {
	b := c.batch
	c.batch = nil
	switch {
	case errors.Is(err, os.ErrClosed):
		return b, leftOut{}, net.ErrClosed
	case err != nil:
		return b, leftOut{}, err
	case b == nil: // cancelled while it waited for a batch
		return nil, leftOut{}, net.ErrClosed
	case c.errno != 0:
		return b, leftOut{}, os.NewSyscallError("recvmmsg", c.errno)
	}
	return b, b.vector.collect(b, c.count), nil
}

// recvBatch runs whenever the socket may be readable; false parks the reader. It holds a batch only
// while there is something to read, so that hundreds of idle sockets share a small pool.
func (c *rawUDP) recvBatch(fd uintptr) bool {
	b := c.pool.Take(c.cancel)
	if b == nil {
		return true
	}
	for {
		n, errno := b.vector.recv(fd)
		if errno == unix.EINTR {
			continue
		}
		if errno == unix.EAGAIN {
			b.Release()
			return false
		}
		c.batch, c.count, c.errno = b, n, errno
		return true
	}
}

// recvMore reads into the batch that is there, and never parks.
func (c *rawUDP) recvMore(fd uintptr) bool {
	c.count, c.errno = c.batch.vector.recv(fd)
	if c.errno == unix.EAGAIN || c.errno == unix.EINTR {
		c.count, c.errno = 0, 0
	}
	return true
}

func (c *rawUDP) local() netip.AddrPort { return c.bound }

func (c *rawUDP) buffers() (send, recv int) { return bufferSizes(c.raw) }

func (c *rawUDP) kernelDrops() uint64 {
	var drops uint64
	_ = c.raw.Control(func(fd uintptr) { drops = memDrops(int(fd)) })
	return drops
}

func (c *rawUDP) close() error { return c.file.Close() }
