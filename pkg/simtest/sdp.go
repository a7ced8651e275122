package simtest

import (
	"fmt"
	"strings"

	"github.com/pion/webrtc/v3"

	"gazpacho/pkg/rtp"
	"gazpacho/proto"
)

// section is one media section of a session description.
type section struct {
	mid, kind string
	direction string // of the worker: sendonly or recvonly
	rids      []string
	ssrc, rtx uint32 // of what the worker sends
}

// describe writes the worker's description of a session: an answer to what a peer sends, an offer of what it receives.
func (p *Peer) describe(setup string) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\r\n", args...) }
	line("v=0\r\no=- 1 %d IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=ice-lite", len(p.sections))
	mids := make([]string, len(p.sections))
	for i, s := range p.sections {
		mids[i] = s.mid
	}
	line("a=group:BUNDLE %s", strings.Join(mids, " "))
	line("a=msid-semantic: WMS *")
	for _, s := range p.sections {
		p.describeSection(line, s, setup)
	}
	return b.String()
}

func (p *Peer) describeSection(line func(string, ...any), s section, setup string) {
	if s.kind == application {
		line("m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:%s\r\na=setup:%s", s.mid, setup)
		line("a=sctp-port:%d\r\na=max-message-size:%d", p.Transport.SCTPParameters.Port, p.Transport.SCTPParameters.MaxMessageSize)
		p.describeTransport(line)
		return
	}
	payloads := fmt.Sprint(OpusPayload)
	if s.kind == proto.Video {
		payloads = fmt.Sprint(VP8Payload, " ", RTXPayload)
	}
	line("m=%s 9 UDP/TLS/RTP/SAVPF %s\r\nc=IN IP4 0.0.0.0\r\na=mid:%s\r\na=%s\r\na=rtcp-mux\r\na=setup:%s", s.kind, payloads, s.mid, s.direction, setup)
	p.describeTransport(line)
	p.describeMedia(line, s)
}

// describeTransport writes where the worker is and who it is.
func (p *Peer) describeTransport(line func(string, ...any)) {
	line("a=ice-ufrag:%s\r\na=ice-pwd:%s", p.Transport.ICEParameters.UsernameFragment, p.Transport.ICEParameters.Password)
	for _, f := range p.Transport.DTLSParameters.Fingerprints {
		if f.Algorithm == "sha-256" {
			line("a=fingerprint:%s %s", f.Algorithm, f.Value)
		}
	}
	for _, c := range p.Transport.ICECandidates {
		tcp := ""
		if c.TCPType != "" {
			tcp = " tcptype " + c.TCPType
		}
		line("a=candidate:%s 1 %s %d %s %d typ %s%s", c.Foundation, c.Protocol, c.Priority, c.Address, c.Port, c.Type, tcp)
	}
	line("a=end-of-candidates")
}

func (p *Peer) describeMedia(line func(string, ...any), s section) {
	for _, e := range []rtp.Extension{rtp.ExtMID, rtp.ExtRID, rtp.ExtRepairedRID, rtp.ExtAbsSendTime, rtp.ExtTransportCC} {
		line("a=extmap:%d %s", extensionIDs[e], e)
	}
	if s.kind == proto.Audio {
		line("a=rtpmap:%d opus/48000/2", OpusPayload)
	} else {
		line("a=rtpmap:%d VP8/90000\r\na=rtpmap:%d rtx/90000\r\na=fmtp:%d apt=%d", VP8Payload, RTXPayload, RTXPayload, VP8Payload)
		line("a=rtcp-fb:%d nack\r\na=rtcp-fb:%d nack pli\r\na=rtcp-fb:%d ccm fir\r\na=rtcp-fb:%d transport-cc", VP8Payload, VP8Payload, VP8Payload, VP8Payload)
	}
	for _, rid := range s.rids {
		line("a=rid:%s recv", rid)
	}
	if len(s.rids) > 0 {
		line("a=simulcast:recv %s", strings.Join(s.rids, ";"))
	}
	if s.ssrc != 0 {
		line("a=msid:stream-%s track-%s", s.mid, s.mid)
		if s.rtx != 0 {
			line("a=ssrc-group:FID %d %d", s.ssrc, s.rtx)
			line("a=ssrc:%d cname:worker", s.rtx)
		}
		line("a=ssrc:%d cname:worker", s.ssrc)
	}
}

func (p *Peer) negotiate() { p.t.Helper(); p.negotiateWith(nil) }

// negotiateWith exchanges descriptions: the peer offers what it sends, and is offered what it receives.
func (p *Peer) negotiateWith(o *webrtc.OfferOptions) {
	p.t.Helper()
	if p.sending {
		offer, err := p.pc.CreateOffer(o)
		p.must(err)
		p.must(p.pc.SetLocalDescription(offer))
		setup := "passive"
		if p.options.DTLSServer {
			setup = "active"
		}
		p.connect(p.fingerprint(offer.SDP))
		p.must(p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: p.describe(setup)}))
		return
	}
	setup := "passive" // the peer answers active: it is the DTLS client
	if p.options.DTLSServer {
		setup = "active"
	}
	p.must(p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: p.describe(setup)}))
	answer, err := p.pc.CreateAnswer(nil)
	p.must(err)
	p.connect(p.fingerprint(answer.SDP))
	p.must(p.pc.SetLocalDescription(answer))
}

// fingerprint finds the peer's certificate in its description.
func (p *Peer) fingerprint(sdp string) proto.DTLSFingerprint {
	p.t.Helper()
	_, rest, found := strings.Cut(sdp, "a=fingerprint:")
	if !found {
		p.t.Fatalf("no fingerprint in %s", sdp)
	}
	algorithm, rest, _ := strings.Cut(rest, " ")
	value, _, _ := strings.Cut(rest, "\r\n")
	return proto.DTLSFingerprint{Algorithm: algorithm, Value: value}
}

func (p *Peer) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}
