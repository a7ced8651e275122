package turn

import (
	"encoding/binary"
	"net/netip"
	"time"

	"gazpacho/pkg/stun"
	"gazpacho/pkg/tuple"
)

// channelData relays ChannelData of a client (RFC 8656 section 12.6). Behind them there may be padding up to a multiple of four, on UDP too.
func (s *Server) channelData(now time.Time, via *Listener, from tuple.Tuple, b []byte) {
	size := int(binary.BigEndian.Uint16(b[2:]))
	if rest := len(b) - channelHead - size; rest < 0 || rest > 3 {
		via.Counters.drop(DropMalformed)
		return
	}
	a := s.lookup(from)
	if a == nil {
		via.Counters.drop(DropNoAllocation)
		return
	}
	c := a.findNumber(binary.BigEndian.Uint16(b))
	if c == nil || !now.Before(c.expiresAt) {
		via.Counters.drop(DropNoChannel)
		return
	}
	if !now.Before(c.openUntil) {
		via.Counters.drop(DropNoPermission)
		return
	}
	a.toPeer(now, c.peer, b[channelHead:channelHead+size], false)
}

// sendIndication relays the data of a Send indication (RFC 8656 section 11.2).
func (s *Server) sendIndication(now time.Time, via *Listener, from tuple.Tuple, m *stun.Message) {
	peer, ok := m.XORAddress(stun.AttrXORPeerAddress)
	if !ok || peer.Port() == 0 || !m.Has(stun.AttrData) || len(m.Unknown()) > 0 {
		via.Counters.drop(DropMalformed)
		return
	}
	a := s.lookup(from)
	if a == nil || a.tcp {
		via.Counters.drop(DropNoAllocation)
		return
	}
	if !a.permitted(now, peer.Addr()) {
		via.Counters.drop(DropNoPermission)
		return
	}
	a.toPeer(now, peer, m.Value(stun.AttrData), m.Has(stun.AttrDontFragment))
}

// toPeer sends a client's data to a peer that is permitted. What the host itself has is judged with each packet, for it depends on the port.
func (a *allocation) toPeer(now time.Time, peer netip.AddrPort, data []byte, df bool) {
	s := a.server
	if !a.rateUp.take(now, len(data), &s.config.Quotas) {
		a.via.Counters.drop(DropRate)
		return
	}
	relay := a.relays[familyOf(peer.Addr())] // there is one: permissions go with their family's relay
	if s.policy.IsOwn(peer.Addr()) {
		switch s.policy.Judge(peer) {
		case PeerDenied:
			a.via.Counters.drop(DropDenied)
			return
		case PeerMedia:
			if isTURN(data) {
				a.via.Counters.drop(DropLoop)
				return
			}
			if s.env.Media.Deliver(now, relay, peer, data) {
				a.countUp(len(data))
				return
			}
		}
	}
	if !relay.open() {
		a.via.Counters.drop(DropNoSocket)
		return
	}
	slot := relay.socket.Next()
	if len(data) > len(slot) {
		a.via.Counters.drop(DropTooLong)
		return
	}
	copy(slot, data)
	relay.socket.Commit(len(data), peer, df)
	a.countUp(len(data))
}

func (a *allocation) countUp(size int) {
	a.up.add(size)
	a.via.Counters.Up[a.class].add(size)
}

// isTURN tells what a media port, which TURN clients may share, would take for a client of TURN: a relay is none (R-TURN-6).
func isTURN(b []byte) bool {
	if IsChannelData(b) {
		return true
	}
	return stun.IsMessage(b) && stun.MethodOf(b) != stun.Binding
}

// HandleRelay takes a datagram that a peer sent to a relay, borrowed. The client gets it on the peer's channel, or as a Data indication if there is none
// (RFC 8656 sections 11.3 and 12.7).
func (s *Server) HandleRelay(now time.Time, r *Relay, peer netip.AddrPort, datagram []byte) {
	a := r.allocation
	if a == nil {
		return // it is reserved, and nobody is permitted
	}
	if r.closed {
		a.via.Counters.drop(DropClosed)
		return
	}
	peer = tuple.Canonical(peer)
	c := a.findPeer(peer)
	if c != nil && !now.Before(c.openUntil) {
		c = nil
	}
	if c == nil && !a.permitted(now, peer.Addr()) {
		a.via.Counters.drop(DropNoPermission)
		return
	}
	if !a.rateDown.take(now, len(datagram), &s.config.Quotas) {
		a.via.Counters.drop(DropRate)
		return
	}
	size := 0
	if slot := s.env.Egress.Next(); c != nil {
		size = a.putChannelData(slot, c.number, datagram)
	} else {
		w := s.dataIndication(slot, peer)
		w.Add(stun.AttrData, datagram)
		size = w.Finish()
	}
	if size == 0 {
		a.via.Counters.drop(DropTooLong)
		return
	}
	s.env.Egress.Commit(size, a.client)
	a.down.add(len(datagram))
	a.via.Counters.Down[a.class].add(len(datagram))
}

// putChannelData returns the size of the message, 0 if it does not fit. On streams there is padding, of zeroes (R-TURN-4).
func (a *allocation) putChannelData(slot []byte, number uint16, data []byte) int {
	size := channelHead + len(data)
	whole := size
	if a.client.Protocol == tuple.TCP {
		whole = padded(size)
	}
	if whole > len(slot) || len(data) > 0xffff {
		return 0
	}
	putChannelHead(slot, number, len(data))
	copy(slot[channelHead:], data)
	clear(slot[size:whole])
	return whole
}

func (s *Server) dataIndication(slot []byte, peer netip.AddrPort) stun.Builder {
	w := stun.Build(slot, stun.Indication, stun.Data, s.transaction())
	w.AddXORAddress(stun.AttrXORPeerAddress, peer)
	return w
}

// transaction makes the ID of a message of ours.
func (s *Server) transaction() (id stun.TransactionID) {
	s.random.read(id[:])
	return id
}
