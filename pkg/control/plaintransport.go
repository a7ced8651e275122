package control

import (
	"context"
	"sync"

	"gazpacho/pkg/channel"
	"gazpacho/proto"
)

// PlainTransportOptions are where a plain transport listens and who is told. Absent options have mediasoup's defaults.
type PlainTransportOptions struct {
	ID              string // made up if empty
	ListenInfo      proto.ListenInfo
	RTCPListenInfo  *proto.ListenInfo // without RTCPMux; as ListenInfo, on any port
	RTCPMux         *bool             // true
	Comedia         bool              // learn the peer's address from its first packet
	EnableSRTP      bool
	SRTPCryptoSuite string // AES_CM_128_HMAC_SHA1_80
	proto.SCTPOptions

	Tuple     func(proto.TransportTuple) // comedia learned the address
	RTCPTuple func(proto.TransportTuple)
	SCTPState func(string)
	Trace     func(proto.TraceEvent)
	Closed    func(Reason)
}

// PlainTransport carries RTP and RTCP without ICE and DTLS.
type PlainTransport struct {
	*Transport
	association
	opts PlainTransportOptions

	mu        sync.Mutex
	tuple     proto.TransportTuple
	rtcpTuple *proto.TransportTuple
	srtp      *proto.SRTPParameters
}

// CreatePlainTransport makes a transport with sockets of its own.
func (r *Router) CreatePlainTransport(ctx context.Context, o PlainTransportOptions) (*PlainTransport, error) {
	t := &PlainTransport{Transport: newTransport(r, o.ID, o.Closed, o.Trace), opts: o}
	body := proto.PlainTransportOptions{
		TransportID: t.id, ListenInfo: o.ListenInfo, RTCPListenInfo: o.RTCPListenInfo, RTCPMux: o.RTCPMux, Comedia: o.Comedia,
		EnableSRTP: o.EnableSRTP, SRTPCryptoSuite: o.SRTPCryptoSuite, SCTPOptions: o.SCTPOptions,
	}
	t.association.transport, t.association.told = t.Transport, o.SCTPState
	var dump proto.PlainTransportDump
	if err := t.open(ctx, t, proto.RouterCreatePlainTransport, body, &dump); err != nil {
		return nil, err
	}
	t.found(dump.Tuple, dump.RTCPTuple, dump.SRTPParameters)
	t.adopt(&dump.TransportDump)
	return t, nil
}

func (t *PlainTransport) event(name string, body channel.Raw) {
	switch name {
	case proto.EventPlainTransportTuple:
		var b proto.PlainTransportTuple
		if channel.Decode(body, &b) == nil {
			t.mu.Lock()
			t.tuple = b.Tuple
			t.mu.Unlock()
			call(t.opts.Tuple, b.Tuple)
		}
	case proto.EventPlainTransportRTCPTuple:
		var b proto.PlainTransportRTCPTuple
		if channel.Decode(body, &b) == nil {
			t.mu.Lock()
			t.rtcpTuple = &b.RTCPTuple
			t.mu.Unlock()
			call(t.opts.RTCPTuple, b.RTCPTuple)
		}
	default:
		t.association.event(name, body)
		t.Transport.event(name, body)
	}
}

func (t *PlainTransport) found(tuple proto.TransportTuple, rtcp *proto.TransportTuple, srtp *proto.SRTPParameters) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tuple, t.rtcpTuple, t.srtp = tuple, rtcp, srtp
}

// Tuple is the RTP socket's address and, once known, the peer's.
func (t *PlainTransport) Tuple() proto.TransportTuple {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.tuple
}

// RTCPTuple is the RTCP socket's; nil with RTCPMux.
func (t *PlainTransport) RTCPTuple() *proto.TransportTuple {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.rtcpTuple
}

// SRTPParameters are our keys; nil without SRTP.
func (t *PlainTransport) SRTPParameters() *proto.SRTPParameters {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.srtp
}

// Connect gives the transport its peer's address and keys.
func (t *PlainTransport) Connect(ctx context.Context, o proto.ConnectPlainTransport) error {
	r, err := ask[proto.ConnectPlainTransportResult](ctx, t.router.worker, proto.PlainTransportConnect, t.id, o)
	if err == nil {
		t.found(r.Tuple, r.RTCPTuple, r.SRTPParameters)
	}
	return err
}

// Dump tells all about the transport.
func (t *PlainTransport) Dump(ctx context.Context) (proto.PlainTransportDump, error) {
	return ask[proto.PlainTransportDump](ctx, t.router.worker, proto.TransportDumpMethod, t.id, nil)
}

// Stats counts what went through.
func (t *PlainTransport) Stats(ctx context.Context) (proto.PlainTransportStats, error) {
	return ask[proto.PlainTransportStats](ctx, t.router.worker, proto.TransportGetStats, t.id, nil)
}
