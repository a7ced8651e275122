package turn

import (
	"encoding/binary"
	"net/netip"
	"time"

	"gazpacho/pkg/stun"
	"gazpacho/pkg/tuple"
)

// ICMP is an error that came back for a datagram of a relay. Data is the MTU of the next hop, of "fragmentation needed" and "packet too big".
type ICMP struct {
	Type, Code uint8
	Data       uint32
}

// Types and codes of ICMP that clients are told of (RFC 8656 section 11.5).
const (
	icmpUnreachable         = 3
	icmpFragmentationNeeded = 4 // a code
	icmpTimeExceeded        = 11
	icmpv6Unreachable       = 1
	icmpv6PacketTooBig      = 2
	icmpv6TimeExceeded      = 3
)

// HandleICMP takes an ICMP error about a datagram that a relay sent to a peer. The client hears of it in a Data indication with ICMP instead of DATA:
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|  Reserved                     |  ICMP Type  |  ICMP Code      |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|                          Error Data                           |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
func (s *Server) HandleICMP(now time.Time, r *Relay, peer netip.AddrPort, e ICMP) {
	a := r.allocation
	peer = tuple.Canonical(peer)
	switch {
	case a == nil: // it is reserved
		return
	case r.closed:
		a.via.Counters.drop(DropClosed)
		return
	case !e.concernsClients(peer.Addr().Is4()):
		return
	case !a.permitted(now, peer.Addr()):
		a.via.Counters.drop(DropNoPermission)
		return
	case !a.rateDown.take(now, 0, &s.config.Quotas):
		a.via.Counters.drop(DropRate)
		return
	}
	var value [8]byte
	binary.BigEndian.PutUint16(value[2:], uint16(e.Type)<<9|uint16(e.Code))
	if e.tellsMTU(peer.Addr().Is4()) {
		binary.BigEndian.PutUint32(value[4:], e.Data)
	}
	w := s.dataIndication(s.env.Egress.Next(), peer)
	w.Add(stun.AttrICMP, value[:])
	s.env.Egress.Commit(w.Finish(), a.client)
}

func (e ICMP) concernsClients(v4 bool) bool {
	if v4 {
		return e.Type == icmpUnreachable || e.Type == icmpTimeExceeded
	}
	return e.Type == icmpv6Unreachable || e.Type == icmpv6PacketTooBig || e.Type == icmpv6TimeExceeded
}

func (e ICMP) tellsMTU(v4 bool) bool {
	if v4 {
		return e.Type == icmpUnreachable && e.Code == icmpFragmentationNeeded
	}
	return e.Type == icmpv6PacketTooBig
}
