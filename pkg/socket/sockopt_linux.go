package socket

import (
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// setOptions prepares a UDP socket before it is bound.
func setOptions(fd int, family uint16, opts Options) error {
	level, discover := unix.IPPROTO_IP, unix.IP_MTU_DISCOVER
	if family == unix.AF_INET6 {
		level, discover = unix.IPPROTO_IPV6, unix.IPV6_MTU_DISCOVER
		if err := setInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, flag(opts.IPv6Only), "IPV6_V6ONLY"); err != nil {
			return err
		}
	}
	// Linux sets "don't fragment" by default, and forged ICMP could then make packets vanish.
	// IP_PMTUDISC_DONT has the same value for both families.
	if err := setInt(fd, level, discover, unix.IP_PMTUDISC_DONT, "MTU_DISCOVER"); err != nil {
		return err
	}
	if family == unix.AF_INET6 {
		// IPv4 packets of a dual-stack socket look at the IPv4 option.
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_DONT)
	}
	if opts.ReusePort {
		if err := setInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1, "SO_REUSEPORT"); err != nil {
			return err
		}
	}
	if opts.Group.IsValid() {
		if err := joinGroup(fd, opts); err != nil {
			return err
		}
	}
	setBuffer(fd, unix.SO_SNDBUFFORCE, unix.SO_SNDBUF, opts.SendBuffer)
	setBuffer(fd, unix.SO_RCVBUFFORCE, unix.SO_RCVBUF, opts.RecvBuffer)
	return nil
}

// setBuffer asks with privilege first, which may pass the system's limit, and then without. A
// smaller buffer than asked for is no error: UDP.Buffers tells.
func setBuffer(fd, force, plain, size int) {
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, force, size) != nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, plain, size)
	}
}

func setInt(fd, level, name, value int, what string) error {
	if err := unix.SetsockoptInt(fd, level, name, value); err != nil {
		return fmt.Errorf("%s: %w", what, os.NewSyscallError("setsockopt", err))
	}
	return nil
}

func flag(on bool) int {
	if on {
		return 1
	}
	return 0
}

// hasGSO tells whether the kernel knows UDP segmentation (Linux 4.18). Whether the way out can do
// it shows at the first send.
func hasGSO(fd int) bool {
	_, err := unix.GetsockoptInt(fd, unix.SOL_UDP, unix.UDP_SEGMENT)
	return err == nil
}

// memDrops reads SK_MEMINFO_DROPS: datagrams that found the receive buffer full. Asking now and
// then costs nothing per packet, which a SO_RXQ_OVFL message would.
func memDrops(fd int) uint64 {
	const drops = 8 // index in the array that SO_MEMINFO fills
	var info [9]uint32
	size := uint32(unsafe.Sizeof(info))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_MEMINFO,
		uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
	if errno != 0 || size < uint32(unsafe.Sizeof(info)) {
		return 0
	}
	return uint64(info[drops])
}
