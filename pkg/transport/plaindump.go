package transport

import (
	"time"

	"gazpacho/pkg/ice"
	"gazpacho/pkg/tuple"
	"gazpacho/proto"
)

// Dump shows the transport as transport.dump and createPlainTransport do: a proto.PlainTransportDump.
func (p *Plain) Dump() any {
	d := proto.PlainTransportDump{
		TransportDump: p.dump(), RTCPMux: p.mux, Comedia: p.comedia, Tuple: p.shown(), RTCPTuple: p.shownRTCP(),
	}
	if p.suite != 0 {
		d.SRTPParameters = p.srtpParameters()
	}
	return d
}

// Stats counts as transport.getStats does: proto.PlainTransportStats.
func (p *Plain) Stats(now time.Time) any {
	return proto.PlainTransportStats{
		TransportStats: p.stats(now, "plain-rtp-transport", ice.Drops{}), RTCPMux: p.mux, Comedia: p.comedia,
		Tuple: p.shown(), RTCPTuple: p.shownRTCP(),
	}
}

func (p *Plain) shown() proto.TransportTuple { return shownEnd(p.local, p.tuple) }

func (p *Plain) shownRTCP() *proto.TransportTuple {
	if p.mux {
		return nil
	}
	t := shownEnd(p.rtcpLocal, p.rtcpTuple)
	return &t
}

// shownEnd is a tuple that may not have a remote end yet.
func shownEnd(l Local, t tuple.Tuple) proto.TransportTuple {
	if !t.IsValid() {
		t = tuple.Tuple{Local: l.Address, Protocol: l.Protocol}
	}
	return shownTuple([]Local{l}, t)
}
