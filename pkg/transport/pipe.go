package transport

import (
	"time"

	"gazpacho/pkg/ice"
	"gazpacho/pkg/srtp"
	"gazpacho/proto"
)

// Pipe is a transport between two routers, of one worker or of two: a plain one on a single port, whose peer is the address given to Connect and
// no other (R-RTP-1). What its consumers send is what the other router's producers receive.
type Pipe struct {
	Plain
	rtx bool
}

// pipeSuite is the only one pipes have: both ends are routers.
const pipeSuite = srtp.AES256GCM

// NewPipe binds the socket of a pipe transport.
func NewPipe(_ time.Time, env *Env, owner Owner, o *proto.PipeTransportOptions) (*Pipe, *proto.Error) {
	p := &Pipe{Plain: Plain{mux: true}, rtx: o.EnableRTX}
	plain := proto.PlainTransportOptions{
		TransportID: o.TransportID, ListenInfo: o.ListenInfo, EnableSRTP: o.EnableSRTP, SRTPCryptoSuite: pipeSuite.String(),
		SCTPOptions: o.SCTPOptions,
	}
	if err := p.setUp(kindPipe, p, env, owner, &plain); err != nil {
		return nil, err
	}
	return p, nil
}

// Connect tells the other end's address and SRTP key. It can succeed once.
func (p *Pipe) Connect(now time.Time, o *proto.ConnectPipeTransport) (proto.ConnectPipeTransportResult, *proto.Error) {
	if k := o.SRTPParameters; k != nil && p.suite != 0 && k.CryptoSuite != pipeSuite.String() {
		err := proto.BadField("srtpParameters.cryptoSuite", "%q is not %s, which pipes have", k.CryptoSuite, pipeSuite)
		return proto.ConnectPipeTransportResult{}, err
	}
	_, err := p.Plain.Connect(now, &proto.ConnectPlainTransport{IP: o.IP, Port: o.Port, SRTPParameters: o.SRTPParameters})
	if err != nil {
		return proto.ConnectPipeTransportResult{}, err
	}
	return proto.ConnectPipeTransportResult{Tuple: p.shown()}, nil
}

// Dump shows the transport as transport.dump and createPipeTransport do: a proto.PipeTransportDump.
func (p *Pipe) Dump() any {
	d := proto.PipeTransportDump{TransportDump: p.dump(), Tuple: p.shown(), RTX: p.rtx}
	if p.suite != 0 {
		d.SRTPParameters = p.srtpParameters()
	}
	return d
}

// Stats counts as transport.getStats does: proto.PipeTransportStats.
func (p *Pipe) Stats(now time.Time) any {
	return proto.PipeTransportStats{TransportStats: p.stats(now, "pipe-transport", ice.Drops{}), Tuple: p.shown()}
}
