package transport

import (
	"time"

	"gazpacho/pkg/ice"
	"gazpacho/pkg/srtp"
	"gazpacho/pkg/tuple"
	"gazpacho/proto"
)

// WebRTC is a transport over ICE, DTLS and SRTP. The peer's address comes from ICE alone (R-RTP-1), its keys from DTLS once its
// certificate matched a signalled fingerprint (R-DTLS-5).
type WebRTC struct {
	media

	// passed in
	server     *Server
	private    bool // the server is this transport's own
	candidates []proto.ICECandidate

	// owned
	agent   *ice.Agent
	dtls    DTLS // made by connect
	session *srtp.Session

	// state
	selected   tuple.Tuple
	reachable  bool // selected is a tuple the peer consents to
	faulty     bool // out of service
	localRole  string
	dtlsState  string
	remoteCert string
	reply      [replySize]byte
}

// replySize holds the longest answer to a Binding request: an error with all its unknown attributes.
const replySize = 256

// Sizes of credentials in characters (RFC 8445 section 5.3 wants at least 24 and 128 bits).
const (
	fragmentSize = 32
	passwordSize = 32
)

// NewWebRTC makes a transport on a server, or on sockets of its own when server is nil.
func NewWebRTC(now time.Time, env *Env, owner Owner, server *Server, o *proto.WebRTCTransportOptions) (*WebRTC, *proto.Error) {
	consent, err := consentTimeout(o.ICEConsentTimeout)
	if err != nil {
		return nil, err
	}
	if b := o.InitialAvailableOutgoingBitrate; b != nil && *b < 0 {
		return nil, proto.BadField("initialAvailableOutgoingBitrate", "%d is negative", *b)
	}
	w := &WebRTC{dtlsState: proto.DTLSNew}
	w.init(kindWebRTC, o.TransportID, env, owner, w, w)
	if w.messages, err = newMessages(&w.media, o.SCTPOptions, w.startSCTP); err != nil {
		return nil, err
	}
	udp, tcp := enabled(o.EnableUDP, true), enabled(o.EnableTCP, server != nil)
	if server == nil {
		if server, err = NewServer("", enabledInfos(o.ListenInfos, udp, tcp), env); err != nil {
			return nil, err
		}
		w.private = true
	}
	w.server = server
	w.candidates = candidates(server.locals, o, udp, tcp)
	if len(w.candidates) == 0 {
		w.closePrivate(now)
		return nil, proto.BadField("enableUdp", "no candidate is left: every listen info's protocol is disabled")
	}
	w.available = initialAvailable(o.InitialAvailableOutgoingBitrate)
	w.agent = ice.NewAgent(ice.Config{
		UsernameFragment: w.random.text(fragmentSize), Password: w.random.text(passwordSize),
		ConsentTimeout: consent, Timers: env.Timers,
		Totals: &env.Totals.tally.ice,
	}, (*iceHandler)(w))
	w.server.fragments[w.agent.UsernameFragment()] = w
	w.server.members[w] = struct{}{}
	w.appraise()
	return w, nil
}

func enabled(option *bool, def bool) bool {
	if option == nil {
		return def
	}
	return *option
}

// enabledInfos leaves out the listen infos whose protocol is off, so that no socket is bound in vain.
func enabledInfos(infos []proto.ListenInfo, udp, tcp bool) []proto.ListenInfo {
	var list []proto.ListenInfo
	for _, i := range infos {
		if (i.Protocol == "udp" && udp) || (i.Protocol == "tcp" && tcp) || (i.Protocol != "udp" && i.Protocol != "tcp") {
			list = append(list, i)
		}
	}
	return list
}

// Bounds of the iceConsentTimeout option in seconds.
const (
	defaultConsent = 30
	minConsent     = 10
	maxConsent     = 60
)

func consentTimeout(option *int) (time.Duration, *proto.Error) {
	if option == nil {
		return defaultConsent * time.Second, nil
	}
	switch s := *option; {
	case s < 0:
		return 0, proto.BadField("iceConsentTimeout", "%d s is negative", s)
	case s == 0:
		return 0, nil
	default:
		return time.Duration(min(max(s, minConsent), maxConsent)) * time.Second, nil
	}
}

// defaultAvailable is what a peer is taken to receive until it says, bit/s.
const defaultAvailable = 600_000

func initialAvailable(option *int) int {
	if option == nil {
		return defaultAvailable
	}
	return *option
}

// Connect takes the peer's fingerprints and role, and starts DTLS. It returns our role.
func (w *WebRTC) Connect(now time.Time, o *proto.DTLSParameters) (string, *proto.Error) {
	if w.dtls != nil {
		return "", proto.InvalidState("transport is already connected")
	}
	role, err := localRole(o.Role)
	if err != nil {
		return "", err
	}
	if len(o.Fingerprints) == 0 {
		return "", proto.BadField("dtlsParameters.fingerprints", "no fingerprint")
	}
	island := w.env.NewDTLS(w)
	if err := island.Start(now, role, o.Fingerprints); err != nil {
		island.Close(now)
		return "", err
	}
	w.dtls, w.localRole = island, role
	if w.reachable {
		w.dtls.Ready(now)
	}
	return role, nil
}

// localRole is the opposite of the peer's; where it leaves the choice to us we are the client, as RFC 5763 section 5 has answerers be.
func localRole(remote string) (string, *proto.Error) {
	switch remote {
	case "client":
		return "server", nil
	case "", "auto", "server":
		return "client", nil
	default:
		return "", proto.BadField("dtlsParameters.role", "%q is not auto, client or server", remote)
	}
}

// RestartICE returns new credentials. The old ones stay valid until the peer uses the new.
func (w *WebRTC) RestartICE(now time.Time) (proto.ICEParameters, *proto.Error) {
	if w.faulty {
		return proto.ICEParameters{}, proto.InvalidState("transport is out of service")
	}
	fragment, password := w.random.text(fragmentSize), w.random.text(passwordSize)
	w.server.fragments[fragment] = w
	w.agent.Restart(now, fragment, password)
	return w.iceParameters(), nil
}

func (w *WebRTC) iceParameters() proto.ICEParameters {
	return proto.ICEParameters{UsernameFragment: w.agent.UsernameFragment(), Password: w.agent.Password(), ICELite: true}
}

// Close ends the transport and all it carries. The router and the controller know already: they asked for it.
func (w *WebRTC) Close(now time.Time) {
	if w.closed {
		return
	}
	w.closed = true
	w.become(absent)
	w.closeMedia(now)
	if w.dtls != nil {
		w.dtls.Close(now) // says goodbye while the tuple is still there
	}
	w.agent.Close()
	delete(w.server.members, w)
	w.closePrivate(now)
}

func (w *WebRTC) closePrivate(now time.Time) {
	if w.private {
		w.server.Close(now)
	}
}

// fault takes the transport out of service after a panic of ours: no packet reaches it again. The controller hears that DTLS closed,
// and closes the transport.
func (w *WebRTC) fault(now time.Time) {
	w.drop(DropPanic)
	was := w.open()
	w.faulty, w.reachable, w.session = true, false, nil
	w.agent.Close()
	w.turned(now, was)
	w.DTLSClosed(now, "internal error")
}

// listenServerClosed ends the transport because its sockets go away; nobody asked, so the owner and the controller are told.
func (w *WebRTC) listenServerClosed(now time.Time) {
	if w.closed {
		return
	}
	w.owner.TransportListenServerClosed(now, w.id)
	w.Close(now)
	w.env.Events.Emit(w.id, proto.Event{Name: proto.EventTransportListenServerClose})
}
