//go:build !linux

package socket

import "net/netip"

func openDatagram(addr netip.AddrPort, opts Options) (datagramConn, error) {
	return openPortable(addr, opts)
}

// recvVector and sendVector hold nothing where there are no batch calls.
type (
	recvVector struct{}
	sendVector struct{}
)

func (*recvVector) init(*Batch)  {}
func (*sendVector) init(*Egress) {}
