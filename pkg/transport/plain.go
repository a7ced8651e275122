package transport

import (
	"encoding/base64"
	"net/netip"
	"strings"
	"time"

	"gazpacho/pkg/srtp"
	"gazpacho/pkg/tuple"
	"gazpacho/proto"
)

// Plain is a transport of bare RTP over UDP, with SRTP by keys from signaling and with SCTP if asked for: for encoders, recorders and gateways. Its peer is
// the address given to Connect or, with comedia, the one its first valid packet comes from, and no other ever (R-RTP-1).
type Plain struct {
	media

	// passed in
	comedia bool
	mux     bool
	suite   srtp.Profile // 0: no SRTP

	// owned
	binding     Binding
	rtcpBinding Binding // nil with mux
	session     *srtp.Session

	// state
	local, rtcpLocal Local
	tuple, rtcpTuple tuple.Tuple // to the peer; not valid until it is known
	localKey         []byte      // key and salt
	connected        bool
	verification     uint32 // the SCTP peer's tag, which the next association has another of; 0 while unknown
}

// NewPlain binds the sockets of a plain transport.
func NewPlain(_ time.Time, env *Env, owner Owner, o *proto.PlainTransportOptions) (*Plain, *proto.Error) {
	p := &Plain{comedia: o.Comedia, mux: enabled(o.RTCPMux, true)}
	if err := p.setUp(kindPlain, p, env, owner, o); err != nil {
		return nil, err
	}
	return p, nil
}

// setUp is what Plain and Pipe, which is self then, have in common.
func (p *Plain) setUp(k kind, self Transport, env *Env, owner Owner, o *proto.PlainTransportOptions) (err *proto.Error) {
	if o.EnableSRTP {
		if err = p.enableSRTP(env, o.SRTPCryptoSuite); err != nil {
			return err
		}
	}
	if o.ListenInfo.Protocol != "udp" {
		return proto.BadField("listenInfo.protocol", "%q is not udp", o.ListenInfo.Protocol)
	}
	p.init(k, o.TransportID, env, owner, self, p)
	if p.messages, err = newMessages(&p.media, o.SCTPOptions, p.startSCTP); err != nil {
		return err
	}
	if err = p.bind(o); err != nil {
		return err
	}
	p.become(conditionOpen)
	return nil
}

func (p *Plain) enableSRTP(env *Env, suite string) *proto.Error {
	if suite == "" {
		suite = srtp.AES128CM80.String()
	}
	profile, ok := srtp.ParseProfile(suite)
	if !ok {
		return proto.BadField("srtpCryptoSuite", "%q is not a crypto suite we know", suite)
	}
	p.suite = profile
	p.localKey = newRandom(env.Random).bytes(profile.KeyLen() + profile.SaltLen())
	return nil
}

func (p *Plain) bind(o *proto.PlainTransportOptions) *proto.Error {
	binding, err := p.env.Binder.Bind([]proto.ListenInfo{o.ListenInfo}, p)
	if err != nil {
		return inField(err, "listenInfo")
	}
	p.binding, p.local = binding, binding.Locals()[0]
	if p.mux {
		return nil
	}
	info := o.ListenInfo
	info.Port = 0
	if o.RTCPListenInfo != nil {
		info = *o.RTCPListenInfo
	}
	if p.rtcpBinding, err = p.env.Binder.Bind([]proto.ListenInfo{info}, (*plainRTCP)(p)); err != nil {
		p.binding.Close()
		return inField(err, "rtcpListenInfo")
	}
	p.rtcpLocal = p.rtcpBinding.Locals()[0]
	return nil
}

// inField names the field of our request in an error about the only one of a list of listen infos.
func inField(err *proto.Error, field string) *proto.Error {
	if rest, ok := strings.CutPrefix(err.Path, "listenInfos[0]"); ok {
		err.Path = field + rest
	}
	return err
}

// Connect tells the peer's address, unless comedia will, and its SRTP key. It can succeed once.
func (p *Plain) Connect(now time.Time, o *proto.ConnectPlainTransport) (proto.ConnectPlainTransportResult, *proto.Error) {
	if p.connected {
		return proto.ConnectPlainTransportResult{}, proto.InvalidState("transport is already connected")
	}
	rtp, rtcp, err := p.peer(o)
	if err != nil {
		return proto.ConnectPlainTransportResult{}, err
	}
	session, err := p.keys(o.SRTPParameters)
	if err != nil {
		return proto.ConnectPlainTransportResult{}, err
	}
	was := p.open()
	p.session, p.connected = session, true
	if !p.comedia {
		p.tuple, p.rtcpTuple = rtp, rtcp
	}
	if !was && p.open() {
		p.begin(now)
	}
	result := proto.ConnectPlainTransportResult{Tuple: p.shown(), RTCPTuple: p.shownRTCP()}
	if p.suite != 0 {
		result.SRTPParameters = p.srtpParameters()
	}
	return result, nil
}

// begin starts the flow of media and data: the peer is known.
func (p *Plain) begin(now time.Time) {
	p.opened(now)
	if p.messages != nil {
		p.messages.possibleNow(now)
	}
}

// peer reads the peer's addresses from a request.
func (p *Plain) peer(o *proto.ConnectPlainTransport) (rtp, rtcp tuple.Tuple, err *proto.Error) {
	if p.comedia {
		return rtp, rtcp, nil // packets will tell, whatever else was told
	}
	ip, parseErr := netip.ParseAddr(o.IP)
	switch {
	case parseErr != nil || ip.IsUnspecified():
		return rtp, rtcp, proto.BadField("ip", "%q is not the IP address of a peer", o.IP)
	case ip.Unmap().Is4() != p.local.Address.Addr().Unmap().Is4() && !p.local.Address.Addr().IsUnspecified():
		return rtp, rtcp, proto.BadField("ip", "%s is not of the family of %s", ip, p.local.Address.Addr())
	case o.Port == 0:
		return rtp, rtcp, proto.BadField("port", "is missing")
	case p.mux && o.RTCPPort != 0:
		return rtp, rtcp, proto.BadField("rtcpPort", "may not be given with rtcpMux")
	case !p.mux && o.RTCPPort == 0:
		return rtp, rtcp, proto.BadField("rtcpPort", "is missing")
	}
	rtp = tuple.Of(tuple.UDP, p.local.Link, p.local.Address, netip.AddrPortFrom(ip, o.Port))
	if !p.mux {
		rtcp = tuple.Of(tuple.UDP, p.rtcpLocal.Link, p.rtcpLocal.Address, netip.AddrPortFrom(ip, o.RTCPPort))
	}
	return rtp, rtcp, nil
}

// keys makes the session from our key and the peer's.
func (p *Plain) keys(o *proto.SRTPParameters) (*srtp.Session, *proto.Error) {
	switch {
	case p.suite == 0 && o != nil:
		return nil, proto.BadField("srtpParameters", "SRTP is not enabled")
	case p.suite == 0:
		return nil, nil
	case o == nil:
		return nil, proto.BadField("srtpParameters", "is missing, but SRTP is enabled")
	}
	profile, ok := srtp.ParseProfile(o.CryptoSuite)
	if !ok {
		return nil, proto.BadField("srtpParameters.cryptoSuite", "%q is not a crypto suite we know", o.CryptoSuite)
	}
	remote, err := base64.StdEncoding.DecodeString(o.KeyBase64)
	if err != nil || len(remote) != profile.KeyLen()+profile.SaltLen() {
		return nil, proto.BadField("srtpParameters.keyBase64", "is not %d bytes in base64", profile.KeyLen()+profile.SaltLen())
	}
	if profile != p.suite {
		// The peer chose another suite: ours follows it, with a key of the length it wants.
		p.suite, p.localKey = profile, p.random.bytes(len(remote))
	}
	k := profile.KeyLen()
	session, err := srtp.NewSession(profile, p.localKey[:k], p.localKey[k:], remote[:k], remote[k:])
	if err != nil {
		return nil, proto.BadField("srtpParameters.keyBase64", "%s", err)
	}
	return session, nil
}

func (p *Plain) srtpParameters() *proto.SRTPParameters {
	return &proto.SRTPParameters{CryptoSuite: p.suite.String(), KeyBase64: base64.StdEncoding.EncodeToString(p.localKey)}
}

// Close ends the transport and all it carries.
func (p *Plain) Close(now time.Time) {
	if p.closed {
		return
	}
	p.abortSCTP(now)
	p.closed = true
	p.become(absent)
	p.closeMedia(now)
	p.binding.Close()
	if p.rtcpBinding != nil {
		p.rtcpBinding.Close()
	}
}
