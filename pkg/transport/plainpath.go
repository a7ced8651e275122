package transport

import (
	"time"

	"gazpacho/pkg/rtp"
	"gazpacho/pkg/srtp"
	"gazpacho/pkg/tuple"
	"gazpacho/proto"
)

// Handle takes a datagram from the RTP socket.
func (p *Plain) Handle(now time.Time, datagram []byte, from tuple.Tuple) {
	p.meters.received(now, len(datagram))
	switch {
	case p.closed:
		p.drop(DropClosed)
	case p.messages != nil && isSCTP(datagram):
		p.handleSCTP(now, datagram, from)
	case !rtp.IsRTCP(datagram):
		p.handleRTP(now, datagram, from)
	case p.mux:
		p.handleRTCP(now, datagram, from, &p.tuple)
	default:
		p.drop(DropMalformed) // RTCP has a socket of its own
	}
}

// LinkClosed has no meaning for UDP.
func (p *Plain) LinkClosed(time.Time, tuple.Link) {}

// Fault takes the transport out of service after a panic of ours.
func (p *Plain) Fault(now time.Time) {
	p.drop(DropPanic)
	p.shut(now)
	if p.messages != nil {
		p.messages.impossible()
	}
	p.tuple, p.rtcpTuple, p.comedia, p.connected = tuple.Tuple{}, tuple.Tuple{}, false, true
}

// plainRTCP is the transport as its RTCP socket sees it.
type plainRTCP Plain

// Handle takes a datagram from the RTCP socket.
func (r *plainRTCP) Handle(now time.Time, datagram []byte, from tuple.Tuple) {
	p := (*Plain)(r)
	p.meters.received(now, len(datagram))
	switch {
	case p.closed:
		p.drop(DropClosed)
	case rtp.IsRTCP(datagram):
		p.handleRTCP(now, datagram, from, &p.rtcpTuple)
	default:
		p.drop(DropMalformed)
	}
}

// LinkClosed has no meaning for UDP.
func (r *plainRTCP) LinkClosed(time.Time, tuple.Link) {}

// Fault takes the transport out of service.
func (r *plainRTCP) Fault(now time.Time) { (*Plain)(r).Fault(now) }

func (p *Plain) handleRTP(now time.Time, datagram []byte, from tuple.Tuple) {
	if !p.mayBe(from, p.tuple) {
		return
	}
	n := len(datagram)
	if p.suite != 0 {
		var reason srtp.Reason
		if n, reason = p.session.UnprotectRTP(datagram); reason != srtp.OK {
			p.drop(srtpDrop(reason))
			return
		}
	}
	if !p.tuple.IsValid() {
		// Without SRTP, being well-formed is all that tells a peer from noise.
		if !p.packet.Parse(datagram[:n]) {
			p.drop(DropMalformed)
			return
		}
		p.lock(now, from, &p.tuple)
	}
	p.receiveRTP(now, datagram[:n])
}

func (p *Plain) handleRTCP(now time.Time, datagram []byte, from tuple.Tuple, peer *tuple.Tuple) {
	if !p.mayBe(from, *peer) {
		return
	}
	n := len(datagram)
	if p.suite != 0 {
		var reason srtp.Reason
		if n, reason = p.session.UnprotectRTCP(datagram); reason != srtp.OK {
			p.drop(srtpDrop(reason))
			return
		}
	}
	if !peer.IsValid() {
		if _, ok := rtp.ParseRTCP(datagram[:n]); !ok {
			p.drop(rtcpDrop(datagram[:n]))
			return
		}
		p.lock(now, from, peer)
	}
	p.receiveRTCP(now, datagram[:n])
}

// mayBe tells whether a datagram may come from the peer: from its address, or from anywhere while comedia looks for one.
func (p *Plain) mayBe(from, peer tuple.Tuple) bool {
	switch {
	case p.suite != 0 && p.session == nil:
		p.drop(DropNoKeys)
		return false
	case peer.IsValid() && from == peer, !peer.IsValid() && p.comedia:
		return true
	default:
		p.drop(DropUnknownTuple)
		return false
	}
}

// lock makes the sender of the first valid packet the peer.
func (p *Plain) lock(now time.Time, from tuple.Tuple, peer *tuple.Tuple) {
	was := p.open()
	*peer = from
	if peer == &p.tuple {
		p.env.Events.Emit(p.id, proto.Event{
			Name: proto.EventPlainTransportTuple, Body: proto.PlainTransportTuple{Tuple: p.shown()},
		})
	} else {
		p.env.Events.Emit(p.id, proto.Event{
			Name: proto.EventPlainTransportRTCPTuple, Body: proto.PlainTransportRTCPTuple{RTCPTuple: *p.shownRTCP()},
		})
	}
	if !was && p.open() {
		p.begin(now)
	}
}

func (p *Plain) open() bool { return p.tuple.IsValid() && (p.suite == 0 || p.session != nil) }

func (p *Plain) protectRTP(slot []byte, header int, payload []byte) (int, bool) {
	if p.session != nil {
		return p.session.ProtectRTP(slot, header, payload)
	}
	return header + copy(slot[header:], payload), true
}

func (p *Plain) protectAgain(slot []byte, header int, payload []byte) (int, bool) {
	if p.session != nil {
		return p.session.ProtectRTPAgain(slot, header, payload)
	}
	return header + copy(slot[header:], payload), true
}

func (p *Plain) allowAgain(ssrc uint32) {
	if p.session != nil {
		p.session.AllowResend(ssrc)
	}
}

func (p *Plain) protectRTCP(slot []byte, n int) (int, bool) {
	if p.session != nil {
		return p.session.ProtectRTCP(slot, n)
	}
	return n, true
}

func (p *Plain) forget(ssrc uint32) {
	if p.session != nil {
		p.session.Forget(ssrc)
	}
}

func (p *Plain) commit(now time.Time, n int, carries protocol) {
	to := p.tuple
	if carries == protocolRTCP && !p.mux {
		if to = p.rtcpTuple; !to.IsValid() {
			p.drop(DropNotOpen) // comedia has not heard from it yet
			return
		}
	}
	p.meters.sent(now, n, carries)
	p.env.Egress.Commit(n, to)
}
