package worker

import (
	"fmt"
	"testing"
	"time"

	"github.com/pion/stun/v3"

	"gazpacho/pkg/transport"
	"gazpacho/pkg/tuple"
	"gazpacho/proto"
)

// webPair makes two WebRTC transports. Neither begins ICE, so each is given a check that says it comes from the other.
func (p *pipes) webPair(now time.Time) {
	binder := &noting{Binder: p.env.Binder}
	p.env.Binder = binder
	never := 0
	var ends [2]proto.WebRTCTransportDump
	for i := range ends {
		d := p.ask(now, proto.RouterCreateWebRTCTransport, "router", proto.WebRTCTransportOptions{
			TransportID: fmt.Sprint(i), ListenInfos: []proto.ListenInfo{{Protocol: "udp", IP: "127.0.0.1"}}, ICEConsentTimeout: &never, SCTPOptions: options(),
		})
		ends[i] = d.(proto.WebRTCTransportDump)
	}
	for i, b := range binder.made {
		here := b.Locals()[0]
		binder.in[i].Handle(now, checkOf(p.t, ends[i].ICEParameters), tuple.Of(tuple.UDP, here.Link, here.Address, binder.made[1-i].Locals()[0].Address))
	}
	for i, role := range []string{"server", "client"} {
		p.ask(now, proto.WebRTCTransportConnect, fmt.Sprint(i), proto.ConnectWebRTCTransport{
			DTLSParameters: proto.DTLSParameters{Role: role, Fingerprints: ends[1-i].DTLSParameters.Fingerprints},
		})
	}
}

// checkOf is an authentic connectivity check that nominates.
func checkOf(t testing.TB, p proto.ICEParameters) []byte {
	m, err := stun.Build(stun.BindingRequest, stun.TransactionID, stun.NewUsername(p.UsernameFragment+":peer"),
		stun.RawAttribute{Type: stun.AttrPriority, Value: []byte{0x6e, 0, 0, 0xff}},
		stun.RawAttribute{Type: stun.AttrICEControlling, Value: make([]byte, 8)}, stun.RawAttribute{Type: stun.AttrUseCandidate},
		stun.NewShortTermIntegrity(p.Password), stun.Fingerprint)
	if err != nil {
		t.Fatal(err)
	}
	return m.Raw
}

// noting is a binder that remembers what it has bound, and for whom.
type noting struct {
	transport.Binder
	made []transport.Binding
	in   []transport.Ingress
}

func (n *noting) Bind(infos []proto.ListenInfo, in transport.Ingress) (transport.Binding, *proto.Error) {
	b, err := n.Binder.Bind(infos, in)
	n.made, n.in = append(n.made, b), append(n.in, in)
	return b, err
}
