package socket

import (
	"net"

	"golang.org/x/sys/unix"
)

// unsentMost is how much the kernel may hold that was not even sent once. Without it, seconds of
// media would wait where nothing can be dropped.
const unsentMost = 128 << 10

// tuneListener sets what accepted connections inherit.
func tuneListener(l *net.TCPListener, opts Options) error {
	raw, err := l.SyscallConn()
	if err != nil {
		return err
	}
	return raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, unsentMost)
		if opts.SendBuffer > 0 {
			setBuffer(int(fd), unix.SO_SNDBUFFORCE, unix.SO_SNDBUF, opts.SendBuffer)
		}
		if opts.RecvBuffer > 0 {
			setBuffer(int(fd), unix.SO_RCVBUFFORCE, unix.SO_RCVBUF, opts.RecvBuffer)
		}
	})
}
