package control

import (
	"context"
	"sync"

	"gazpacho/pkg/channel"
	"gazpacho/proto"
)

// WebRTCTransportOptions are where a WebRTC transport listens and who is told. Exactly one of Server and ListenInfos is given;
// absent options have mediasoup's defaults.
type WebRTCTransportOptions struct {
	ID                              string // made up if empty
	Server                          *WebRTCServer
	ListenInfos                     []proto.ListenInfo
	EnableUDP                       *bool // true
	EnableTCP                       *bool // true with a server, else false
	PreferUDP                       bool
	PreferTCP                       bool
	ICEConsentTimeout               *int // seconds: 30; 0 is off
	InitialAvailableOutgoingBitrate *int // bit/s: 600,000
	SCTP                            proto.SCTPOptions

	ICEState  func(state string)
	Selected  func(proto.TransportTuple) // the peer is reached by another 5-tuple
	DTLSState func(state string)
	SCTPState func(state string)
	Trace     func(proto.TraceEvent)
	Closed    func(Reason)
}

// WebRTCTransport carries media to and from one peer over ICE, DTLS and SRTP.
type WebRTCTransport struct {
	*Transport
	opts WebRTCTransportOptions

	mu            sync.Mutex
	iceParameters proto.ICEParameters
	candidates    []proto.ICECandidate
	dtls          proto.DTLSParameters
	iceState      string
	dtlsState     string
	selected      *proto.TransportTuple
	sctp          *proto.SCTPParameters
	sctpState     string
}

// CreateWebRTCTransport makes a transport that waits for its peer.
func (r *Router) CreateWebRTCTransport(ctx context.Context, o WebRTCTransportOptions) (*WebRTCTransport, error) {
	t := &WebRTCTransport{Transport: newTransport(r, o.ID, o.Closed, o.Trace), opts: o, iceState: proto.ICENew, dtlsState: proto.DTLSNew}
	body := proto.WebRTCTransportOptions{
		TransportID: t.id, ListenInfos: o.ListenInfos, EnableUDP: o.EnableUDP, EnableTCP: o.EnableTCP, PreferUDP: o.PreferUDP,
		PreferTCP: o.PreferTCP, ICEConsentTimeout: o.ICEConsentTimeout,
		InitialAvailableOutgoingBitrate: o.InitialAvailableOutgoingBitrate, SCTPOptions: o.SCTP,
	}
	method := proto.RouterCreateWebRTCTransport
	if o.Server != nil {
		method, body.WebRTCServerID = proto.RouterCreateWebRTCTransportWithServer, o.Server.id
	}
	var dump proto.WebRTCTransportDump
	if err := t.open(ctx, t, method, body, &dump); err != nil {
		return nil, err
	}
	t.adopt(&dump)
	return t, nil
}

// adopt takes over how the transport is, unless events were faster.
func (t *WebRTCTransport) adopt(dump *proto.WebRTCTransportDump) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.iceParameters, t.candidates, t.dtls = dump.ICEParameters, dump.ICECandidates, dump.DTLSParameters
	if t.sctp = dump.SCTPParameters; t.sctpState == "" {
		t.sctpState = dump.SCTPState
	}
	if t.selected == nil {
		t.selected = dump.ICESelectedTuple
	}
	if t.iceState == proto.ICENew && dump.ICEState != "" {
		t.iceState = dump.ICEState
	}
	if t.dtlsState == proto.DTLSNew && dump.DTLSState != "" {
		t.dtlsState = dump.DTLSState
	}
}

func (t *WebRTCTransport) event(name string, body channel.Raw) {
	switch name {
	case proto.EventICEStateChange:
		var b proto.ICEStateChange
		if channel.Decode(body, &b) == nil {
			t.set(func() { t.iceState = b.ICEState })
			call(t.opts.ICEState, b.ICEState)
		}
	case proto.EventDTLSStateChange:
		var b proto.DTLSStateChange
		if channel.Decode(body, &b) == nil {
			t.set(func() { t.dtlsState = b.DTLSState })
			call(t.opts.DTLSState, b.DTLSState)
		}
	case proto.EventICESelectedTupleChange:
		var b proto.ICESelectedTupleChange
		if channel.Decode(body, &b) == nil {
			t.set(func() { t.selected = &b.ICESelectedTuple })
			call(t.opts.Selected, b.ICESelectedTuple)
		}
	case proto.EventSCTPStateChange:
		var b proto.SCTPStateChange
		if channel.Decode(body, &b) == nil {
			t.set(func() { t.sctpState = b.SCTPState })
			call(t.opts.SCTPState, b.SCTPState)
		}
	case proto.EventSCTPNegotiatedCapabilities:
		var b proto.SCTPNegotiated
		if channel.Decode(body, &b) == nil {
			t.setMaxStreams(b.SCTPNegotiatedCapabilities.NegotiatedMaxOutboundStreams)
		}
	default:
		t.Transport.event(name, body)
	}
}

func (t *WebRTCTransport) set(f func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f()
}

// ICEParameters are our credentials.
func (t *WebRTCTransport) ICEParameters() proto.ICEParameters {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.iceParameters
}

// ICECandidates are our addresses.
func (t *WebRTCTransport) ICECandidates() []proto.ICECandidate { return t.candidates }

// DTLSParameters are our role and fingerprints.
func (t *WebRTCTransport) DTLSParameters() proto.DTLSParameters {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.dtls
}

// ICEState is one of proto's.
func (t *WebRTCTransport) ICEState() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.iceState
}

// DTLSState is one of proto's.
func (t *WebRTCTransport) DTLSState() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.dtlsState
}

// SCTPParameters is what the peer is told of SCTP; nil without it.
func (t *WebRTCTransport) SCTPParameters() *proto.SCTPParameters { return t.sctp }

// SCTPState is one of proto's; empty without SCTP.
func (t *WebRTCTransport) SCTPState() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.sctpState
}

// SelectedTuple is where media goes; nil before ICE is connected.
func (t *WebRTCTransport) SelectedTuple() *proto.TransportTuple {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.selected
}

// Connect gives the transport its peer's role and fingerprints, once.
func (t *WebRTCTransport) Connect(ctx context.Context, remote proto.DTLSParameters) error {
	body := proto.ConnectWebRTCTransport{DTLSParameters: remote}
	r, err := ask[proto.ConnectWebRTCTransportResult](ctx, t.router.worker, proto.WebRTCTransportConnect, t.id, body)
	if err != nil {
		return err
	}
	t.set(func() { t.dtls.Role = r.DTLSLocalRole })
	return nil
}

// RestartICE makes new credentials; media flows on over the old path until the peer checks with them.
func (t *WebRTCTransport) RestartICE(ctx context.Context) (proto.ICEParameters, error) {
	p, err := ask[proto.ICEParameters](ctx, t.router.worker, proto.TransportRestartICE, t.id, nil)
	if err == nil {
		t.set(func() { t.iceParameters = p })
	}
	return p, err
}

// Dump tells all about the transport.
func (t *WebRTCTransport) Dump(ctx context.Context) (proto.WebRTCTransportDump, error) {
	return ask[proto.WebRTCTransportDump](ctx, t.router.worker, proto.TransportDumpMethod, t.id, nil)
}

// Stats counts what went through.
func (t *WebRTCTransport) Stats(ctx context.Context) (proto.WebRTCTransportStats, error) {
	return ask[proto.WebRTCTransportStats](ctx, t.router.worker, proto.TransportGetStats, t.id, nil)
}
