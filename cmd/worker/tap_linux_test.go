package main

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// tap sees the IPv4 headers of what a UDP port sends on loopback.
type tap struct {
	t  testing.TB
	fd int
}

// openTap needs the right to raw sockets; see withTap.
func openTap(t testing.TB, from netip.AddrPort) *tap {
	t.Helper()
	fd, err := packetSocket()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	const load8, load16, jumpEqual, give = 0x30, 0x28, 0x15, 0x06
	filter := []unix.SockFilter{
		{Code: load8, K: 9},
		{Code: jumpEqual, Jf: 3, K: unix.IPPROTO_UDP},
		{Code: load16, K: 20},
		{Code: jumpEqual, Jf: 1, K: uint32(from.Port())},
		{Code: give, K: 1 << 16},
		{Code: give},
	}
	lo, err := net.InterfaceByName("lo")
	if err == nil {
		err = unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]})
	}
	if err == nil {
		err = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 20})
	}
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: protocolIP, Ifindex: lo.Index})
	}
	if err != nil {
		t.Fatal(err)
	}
	return &tap{t, fd}
}

// protocolIP is ETH_P_IP in the order of the network.
const protocolIP = unix.ETH_P_IP>>8 | unix.ETH_P_IP<<8&0xff00

// packetSocket has no protocol, so that it hears nothing before it is bound.
func packetSocket() (int, error) { return unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM, 0) }

// next returns the next packet's payload, and whether its header has the bit DF.
func (p *tap) next() (payload string, df bool) {
	p.t.Helper()
	b := make([]byte, 2048)
	for {
		n, from, err := unix.Recvfrom(p.fd, b, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			p.t.Fatal("no packet was seen: ", err)
		}
		if from.(*unix.SockaddrLinklayer).Pkttype == unix.PACKET_OUTGOING {
			continue // on loopback all are seen twice
		}
		const ip, udp = 20, 8
		return string(b[ip+udp : n]), b[6]&0x40 != 0
	}
}

// inNamespace is set for a test that runs again where it may see packets.
const inNamespace = "GAZPACHO_TEST_NAMESPACE"

// withTap runs a test that opens taps. Who may not has it run in a network of its own, by another process.
func withTap(t *testing.T, test func(t *testing.T)) {
	if os.Getenv(inNamespace) != "" {
		loopbackUp(t)
	}
	fd, err := packetSocket()
	if err == nil {
		unix.Close(fd)
		test(t)
		return
	}
	if os.Getenv(inNamespace) != "" {
		t.Fatal(err)
	}
	c := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.timeout", "2m")
	c.Env = append(os.Environ(), inNamespace+"=1")
	c.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	c.WaitDelay = time.Minute
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("seeing packets takes CAP_NET_RAW, or user namespaces: %v\n%s", err, out)
	}
}

// loopbackUp makes a new network usable.
func loopbackUp(t testing.TB) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	request, err := unix.NewIfreq("lo")
	if err != nil {
		t.Fatal(err)
	}
	request.SetUint16(unix.IFF_UP)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, request); err != nil {
		t.Fatal(err)
	}
}
