package socket

import (
	"encoding/binary"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// errorsPerRead bounds what one wake-up spends on a relay's errors: anybody who forges them would else keep the reader busy.
const errorsPerRead = 4

// readErrors takes ICMP errors out of a relay's error queue (IP_RECVERR) and tells of them.
func (r *Relays) readErrors(fd int) {
	for range errorsPerRead {
		e, ok := r.readError(fd)
		if !ok {
			return
		}
		r.stats.errors.Add(1)
		if e.Relay != nil && r.icmp != nil {
			r.icmp(e)
		}
	}
}

// readError takes one. Its relay is nil if it is not of ICMP.
func (r *Relays) readError(fd int) (e ICMPError, ok bool) {
	var name sockaddr
	var control [256]byte
	var payload [1]byte
	iov := unix.Iovec{Base: &payload[0]}
	iov.SetLen(len(payload))
	h := unix.Msghdr{Name: (*byte)(unsafe.Pointer(&name)), Namelen: uint32(unsafe.Sizeof(name)), Iov: &iov, Control: &control[0]}
	h.SetIovlen(1)
	h.SetControllen(len(control))
	p := &r.poller
	p.mu.Lock()
	relay := p.byFD[fd]
	if relay == nil {
		p.mu.Unlock()
		return ICMPError{}, false
	}
	_, _, errno := unix.RawSyscall(unix.SYS_RECVMSG, uintptr(fd), uintptr(unsafe.Pointer(&h)), unix.MSG_ERRQUEUE|unix.MSG_DONTWAIT)
	p.mu.Unlock()
	if errno != 0 {
		return ICMPError{}, false
	}
	list, err := unix.ParseSocketControlMessage(control[:h.Controllen])
	if err != nil {
		return ICMPError{}, true
	}
	for _, m := range list {
		if e, ok := icmpError(m); ok {
			e.Relay, e.Peer = relay, name.addrPort()
			return e, true
		}
	}
	return ICMPError{}, true
}

// icmpError reads a struct sock_extended_err:
//
//	u32 errno | u8 origin | u8 type | u8 code | u8 pad | u32 info | u32 data | the offender's address
func icmpError(m unix.SocketControlMessage) (ICMPError, bool) {
	const size = 16
	isError := m.Header.Level == unix.IPPROTO_IP && m.Header.Type == unix.IP_RECVERR ||
		m.Header.Level == unix.IPPROTO_IPV6 && m.Header.Type == unix.IPV6_RECVERR
	if !isError || len(m.Data) < size {
		return ICMPError{}, false
	}
	origin := m.Data[4]
	if origin != unix.SO_EE_ORIGIN_ICMP && origin != unix.SO_EE_ORIGIN_ICMP6 {
		return ICMPError{}, false
	}
	return ICMPError{Type: m.Data[5], Code: m.Data[6], MTU: binary.NativeEndian.Uint32(m.Data[8:]), Peer: netip.AddrPort{}}, true
}
