package simtest

import (
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/dtls/v2"
	"github.com/pion/interceptor"
	"github.com/pion/logging"
	"github.com/pion/webrtc/v3"

	"gazpacho/proto"
)

// PeerOptions shape a Peer. The zero value is pion as it comes: DTLS client, any SRTP profile, UDP.
type PeerOptions struct {
	Profiles   []dtls.SRTPProtectionProfile // nil: pion's own
	DTLSServer bool                         // the worker is the DTLS client then
	TCP        bool                         // ICE over TCP only
	Individual bool                         // the worker's transport has sockets of its own
	IPv6       bool                         // on ::1, with sockets of its own
	Data       bool                         // the worker's transport has SCTP
	Path       *Path                        // the peer's socket; nil: pion's own
	Impostor   bool                         // the worker is told the fingerprint of another certificate
	TURN       *webrtc.ICEServer            // every packet goes by this relay; nil: none does
}

// Peer is one WebRTC client, with one transport of the worker and one PeerConnection: it either sends or receives.
type Peer struct {
	t         testing.TB
	w         *Worker
	options   PeerOptions
	pc        *webrtc.PeerConnection
	media     *webrtc.MediaEngine
	Transport proto.WebRTCTransportDump
	sections  []section
	sending   bool
	connected bool
	streams   uint16 // the next channel's
	tell      func(proto.ConnectWebRTCTransport)

	mu       sync.Mutex
	expected map[webrtc.SSRC]chan *webrtc.TrackRemote
}

// Connect makes a transport in a router and a peer for it. Nothing is sent until Produce or Consume.
func Connect(w *Worker, routerID, serverID string, sending bool, o PeerOptions) *Peer {
	w.t.Helper()
	p := &Peer{t: w.t, w: w, options: o, sending: sending}
	p.createTransport(routerID, serverID)
	p.tell = func(c proto.ConnectWebRTCTransport) {
		Request[proto.ConnectWebRTCTransportResult](w, proto.WebRTCTransportConnect, p.Transport.ID, c)
	}
	p.open()
	return p
}

// ConnectTo makes a peer for a transport that somebody else made, who is told how to connect it. Tracks are negotiated by Offer and Accept.
func ConnectTo(t testing.TB, transport proto.WebRTCTransportDump, sending bool, o PeerOptions, tell func(proto.ConnectWebRTCTransport)) *Peer {
	t.Helper()
	p := &Peer{t: t, options: o, sending: sending, Transport: transport, tell: tell}
	p.open()
	return p
}

// open makes the PeerConnection.
func (p *Peer) open() {
	p.t.Helper()
	o := p.options
	p.expected = make(map[webrtc.SSRC]chan *webrtc.TrackRemote)
	p.media = mediaEngine(p.t)
	engine := webrtc.SettingEngine{LoggerFactory: &logging.DefaultLoggerFactory{Writer: io.Discard, DefaultLogLevel: logging.LogLevelDisabled}}
	if o.Profiles != nil {
		engine.SetSRTPProtectionProfiles(o.Profiles...)
	}
	engine.SetIncludeLoopbackCandidate(true)
	engine.SetNetworkTypes(networks(o))
	if o.Path != nil {
		mux := webrtc.NewICEUDPMux(nil, o.Path)
		engine.SetICEUDPMux(mux)
		p.t.Cleanup(func() { mux.Close() })
	}
	engine.SetICETimeouts(2*time.Second, 5*time.Second, 200*time.Millisecond)
	registry := &interceptor.Registry{} // no reports or NACK of pion's own: tests see every packet
	engine.SetRelayAcceptanceMinWait(0) // relays are used when nothing else may be: nothing better comes
	api := webrtc.NewAPI(webrtc.WithSettingEngine(engine), webrtc.WithMediaEngine(p.media), webrtc.WithInterceptorRegistry(registry))
	configuration := webrtc.Configuration{BundlePolicy: webrtc.BundlePolicyMaxBundle}
	if o.TURN != nil {
		configuration.ICEServers, configuration.ICETransportPolicy = []webrtc.ICEServer{*o.TURN}, webrtc.ICETransportPolicyRelay
	}
	pc, err := api.NewPeerConnection(configuration)
	if err != nil {
		p.t.Fatal(err)
	}
	p.pc = pc
	pc.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if c := p.expected[track.SSRC()]; c != nil {
			c <- track
		}
	})
	p.t.Cleanup(func() { pc.Close() })
}

func networks(o PeerOptions) []webrtc.NetworkType {
	switch {
	case o.TCP:
		return []webrtc.NetworkType{webrtc.NetworkTypeTCP4, webrtc.NetworkTypeTCP6}
	case o.IPv6:
		return []webrtc.NetworkType{webrtc.NetworkTypeUDP6}
	default:
		return []webrtc.NetworkType{webrtc.NetworkTypeUDP4}
	}
}

func (p *Peer) createTransport(routerID, serverID string) {
	p.t.Helper()
	o := proto.WebRTCTransportOptions{TransportID: p.w.ID("transport"), SCTPOptions: proto.SCTPOptions{EnableSCTP: p.options.Data}}
	method := proto.RouterCreateWebRTCTransportWithServer
	switch {
	case p.options.IPv6:
		method = proto.RouterCreateWebRTCTransport
		o.ListenInfos = []proto.ListenInfo{{Protocol: "udp", IP: "::1"}}
	case p.options.Individual:
		method = proto.RouterCreateWebRTCTransport
		o.ListenInfos = []proto.ListenInfo{{Protocol: "udp", IP: "127.0.0.1"}}
	default:
		o.WebRTCServerID = serverID
	}
	if p.options.TCP {
		no := false
		o.EnableUDP = &no
	}
	p.Transport = Request[proto.WebRTCTransportDump](p.w, method, routerID, o)
}

// connect gives the worker the peer's certificate, once.
func (p *Peer) connect(fingerprint proto.DTLSFingerprint) {
	p.t.Helper()
	if p.connected {
		return
	}
	p.connected = true
	if p.options.Impostor {
		fingerprint.Value = strings.Repeat("AB:", 31) + "AB"
	}
	role := "client"
	if p.options.DTLSServer {
		role = "server"
	}
	p.tell(proto.ConnectWebRTCTransport{DTLSParameters: proto.DTLSParameters{Role: role, Fingerprints: []proto.DTLSFingerprint{fingerprint}}})
}

// expect leads the track with an SSRC to a channel with room for it.
func (p *Peer) expect(ssrc uint32, tracks chan *webrtc.TrackRemote) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.expected[webrtc.SSRC(ssrc)] = tracks
}

// WaitConnected waits until DTLS is.
func (p *Peer) WaitConnected() {
	p.t.Helper()
	Wait(p.w, proto.EventDTLSStateChange, p.Transport.ID, func(s proto.DTLSStateChange) bool { return s.DTLSState == proto.DTLSConnected })
}

// RestartICE gives the peer and the worker new credentials, while media flows.
func (p *Peer) RestartICE() {
	p.t.Helper()
	p.Transport.ICEParameters = Request[proto.ICEParameters](p.w, proto.TransportRestartICE, p.Transport.ID, nil)
	p.negotiateWith(&webrtc.OfferOptions{ICERestart: true})
}

// Close ends the PeerConnection as a killed page does: DTLS says goodbye, signaling nothing.
func (p *Peer) Close() { p.pc.Close() }

// Connection is the PeerConnection.
func (p *Peer) Connection() *webrtc.PeerConnection { return p.pc }
