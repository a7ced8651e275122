//go:build !linux

package socket

import "net/netip"

func openDatagram(addr netip.AddrPort, opts Options) (datagramConn, error) {
	return openPortable(addr, opts)
}

// These hold nothing where there are no batch calls.
type (
	recvVector struct{}
	sendVector struct{}
	destName   struct{}
)

func (*recvVector) init(*Batch)  {}
func (*sendVector) init(*Egress) {}
