package transport

import (
	"encoding/base64"
	"strings"
	"testing"

	"gazpacho/pkg/tuple"
	"gazpacho/proto"
)

func (b *bench) plain(o proto.PlainTransportOptions) *Plain {
	b.t.Helper()
	o.TransportID = "plain"
	o.ListenInfo = proto.ListenInfo{Protocol: "udp", IP: "10.0.0.1"}
	p, err := NewPlain(b.now, b.env, b, &o)
	if err != nil {
		b.t.Fatal(err)
	}
	return p
}

func rtcpReport() []byte { return []byte{0x80, 201, 0, 1, 0, 0, 0, 1} }

// R-RTP-1: "comedia is off by default, locks on the first valid packet, never relearns."
func TestComediaLocksOnce(t *testing.T) {
	b := newBench(t)
	p := b.plain(proto.PlainTransportOptions{Comedia: true})
	peer := tuple.Of(tuple.UDP, p.local.Link, p.local.Address, peerAddress)
	evil := tuple.Of(tuple.UDP, p.local.Link, p.local.Address, evilAddress)

	p.Handle(b.now, []byte("not RTP at all"), evil)
	if p.tuple.IsValid() {
		t.Fatal("locked on garbage")
	}
	p.Handle(b.now, append([]byte{}, mediaPacket...), peer)
	if p.tuple != peer {
		t.Fatalf("locked on %v", p.tuple)
	}
	p.Handle(b.now, append([]byte{}, mediaPacket...), evil)
	if p.tuple != peer || p.drops[DropUnknownTuple] != 1 {
		t.Errorf("tuple %v, drops %v", p.tuple, p.drops.table())
	}
	events := b.take()
	if len(events) != 1 || !strings.Contains(events[0], proto.EventPlainTransportTuple) {
		t.Errorf("events: %v", events)
	}
}

func TestWithoutComediaOnlyTheConnectedPeerCounts(t *testing.T) {
	b := newBench(t)
	p := b.plain(proto.PlainTransportOptions{})
	peer := tuple.Of(tuple.UDP, p.local.Link, p.local.Address, peerAddress)
	p.Handle(b.now, append([]byte{}, mediaPacket...), peer)
	if p.tuple.IsValid() || p.drops[DropUnknownTuple] != 1 {
		t.Error("a packet was taken before connect")
	}
	r, err := p.Connect(b.now, &proto.ConnectPlainTransport{IP: "198.51.100.7", Port: 50000})
	if err != nil || r.Tuple.RemotePort != 50000 || r.SRTPParameters != nil {
		t.Fatalf("%+v, %v", r, err)
	}
	p.Handle(b.now, append([]byte{}, mediaPacket...), peer)
	if p.drops[DropUnknownTuple] != 1 || p.drops[DropUnknownStream] != 1 {
		t.Errorf("drops: %v", p.drops.table())
	}
	if _, err := p.Connect(b.now, &proto.ConnectPlainTransport{IP: "198.51.100.7", Port: 50000}); err == nil || err.Code != proto.CodeInvalidState {
		t.Errorf("the second connect: %v", err)
	}
}

func TestPlainConnectBadInput(t *testing.T) {
	tests := []struct {
		name    string
		options proto.PlainTransportOptions
		connect proto.ConnectPlainTransport
		path    string
	}{
		{"no address", proto.PlainTransportOptions{}, proto.ConnectPlainTransport{Port: 1}, "ip"},
		{"no IP address", proto.PlainTransportOptions{}, proto.ConnectPlainTransport{IP: "example.org", Port: 1}, "ip"},
		{"wildcard", proto.PlainTransportOptions{}, proto.ConnectPlainTransport{IP: "0.0.0.0", Port: 1}, "ip"},
		{"other family", proto.PlainTransportOptions{}, proto.ConnectPlainTransport{IP: "2001:db8::1", Port: 1}, "ip"},
		{"no port", proto.PlainTransportOptions{}, proto.ConnectPlainTransport{IP: "192.0.2.1"}, "port"},
		{"RTCP port with mux", proto.PlainTransportOptions{}, proto.ConnectPlainTransport{IP: "192.0.2.1", Port: 1, RTCPPort: 2}, "rtcpPort"},
		{"no RTCP port", proto.PlainTransportOptions{RTCPMux: new(bool)}, proto.ConnectPlainTransport{IP: "192.0.2.1", Port: 1}, "rtcpPort"},
		{"key without SRTP", proto.PlainTransportOptions{Comedia: true}, proto.ConnectPlainTransport{SRTPParameters: &proto.SRTPParameters{}}, "srtpParameters"},
		{"no key", proto.PlainTransportOptions{Comedia: true, EnableSRTP: true}, proto.ConnectPlainTransport{}, "srtpParameters"},
		{
			"unknown suite",
			proto.PlainTransportOptions{Comedia: true, EnableSRTP: true},
			proto.ConnectPlainTransport{SRTPParameters: &proto.SRTPParameters{CryptoSuite: "ROT13"}},
			"srtpParameters.cryptoSuite",
		},
		{
			"short key",
			proto.PlainTransportOptions{Comedia: true, EnableSRTP: true},
			proto.ConnectPlainTransport{SRTPParameters: &proto.SRTPParameters{CryptoSuite: "AEAD_AES_128_GCM", KeyBase64: "AAAA"}},
			"srtpParameters.keyBase64",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t)
			p := b.plain(tt.options)
			if _, err := p.Connect(b.now, &tt.connect); err == nil || err.Path != tt.path || err.Name != proto.TypeErrorName {
				t.Errorf("error %v, want one about %s", err, tt.path)
			}
			if p.connected || p.open() {
				t.Error("a refused connect changed something")
			}
		})
	}
}

func TestPlainOptionsBadInput(t *testing.T) {
	b := newBench(t)
	tcp := proto.PlainTransportOptions{ListenInfo: proto.ListenInfo{Protocol: "tcp", IP: "10.0.0.1"}}
	if _, err := NewPlain(b.now, b.env, b, &tcp); err == nil || err.Path != "listenInfo.protocol" {
		t.Errorf("TCP: %v", err)
	}
	suite := proto.PlainTransportOptions{
		ListenInfo: proto.ListenInfo{Protocol: "udp", IP: "10.0.0.1"}, EnableSRTP: true, SRTPCryptoSuite: "ROT13",
	}
	if _, err := NewPlain(b.now, b.env, b, &suite); err == nil || err.Path != "srtpCryptoSuite" {
		t.Errorf("suite: %v", err)
	}
	b.refuse = proto.Failed(proto.CodeNoPort, "none")
	if _, err := NewPlain(b.now, b.env, b, &proto.PlainTransportOptions{ListenInfo: proto.ListenInfo{Protocol: "udp"}}); err == nil {
		t.Error("no error from Bind")
	}
}

// With SRTP, comedia learns from authenticated packets only.
func TestPlainSRTP(t *testing.T) {
	for _, suite := range []string{"AEAD_AES_256_GCM", "AEAD_AES_128_GCM", "AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32"} {
		t.Run(suite, func(t *testing.T) {
			b := newBench(t)
			a := b.plain(proto.PlainTransportOptions{Comedia: true, EnableSRTP: true, SRTPCryptoSuite: suite})
			z := b.plain(proto.PlainTransportOptions{EnableSRTP: true}) // its suite follows the peer's
			key := a.Dump().(proto.PlainTransportDump).SRTPParameters
			r, err := z.Connect(b.now, &proto.ConnectPlainTransport{IP: "10.0.0.1", Port: a.local.Address.Port(), SRTPParameters: key})
			if err != nil {
				t.Fatal(err)
			}
			if raw, _ := base64.StdEncoding.DecodeString(r.SRTPParameters.KeyBase64); len(raw) != a.suite.KeyLen()+a.suite.SaltLen() {
				t.Fatalf("our key has %d bytes", len(raw))
			}
			if _, err := a.Connect(b.now, &proto.ConnectPlainTransport{SRTPParameters: r.SRTPParameters}); err != nil {
				t.Fatal(err)
			}
			fromZ := tuple.Of(tuple.UDP, a.local.Link, a.local.Address, z.local.Address)
			a.Handle(b.now, append([]byte{}, mediaPacket...), fromZ)
			if a.tuple.IsValid() {
				t.Fatal("locked on a packet without authentication")
			}
			z.SendRTCP(b.now, rtcpReport())
			sent := b.egress.Take()
			if len(sent) != 1 {
				t.Fatalf("%d packets were sent", len(sent))
			}
			a.Handle(b.now, sent[0].Data, fromZ)
			if a.tuple != fromZ || !a.open() {
				t.Errorf("drops: %v", a.drops.table())
			}
			a.Handle(b.now, sent[0].Data, fromZ)
			if a.drops[DropSRTPAuth]+a.drops[DropSRTPReplay]+a.drops[DropSRTPMalformed] < 2 {
				t.Errorf("the replay was not counted: %v", a.drops.table())
			}
		})
	}
}

// Without rtcp-mux each kind of packet has its own socket and its own peer.
func TestPlainWithoutMux(t *testing.T) {
	b := newBench(t)
	p := b.plain(proto.PlainTransportOptions{Comedia: true, RTCPMux: new(bool)})
	if len(b.bindings) != 2 || p.local.Address == p.rtcpLocal.Address {
		t.Fatalf("sockets: %v %v", p.local, p.rtcpLocal)
	}
	rtp := tuple.Of(tuple.UDP, p.local.Link, p.local.Address, peerAddress)
	rtcp := tuple.Of(tuple.UDP, p.rtcpLocal.Link, p.rtcpLocal.Address, evilAddress)
	p.Handle(b.now, rtcpReport(), rtp)
	b.bindings[1].in.Handle(b.now, append([]byte{}, mediaPacket...), rtcp)
	if p.tuple.IsValid() || p.rtcpTuple.IsValid() || p.drops[DropMalformed] != 2 {
		t.Errorf("packets on the wrong socket were taken: %v", p.drops.table())
	}
	p.Handle(b.now, append([]byte{}, mediaPacket...), rtp)
	p.SendRTCP(b.now, rtcpReport())
	if got := b.egress.Take(); len(got) != 0 {
		t.Errorf("RTCP went to %v", got[0].To)
	}
	b.bindings[1].in.Handle(b.now, rtcpReport(), rtcp)
	p.SendRTCP(b.now, rtcpReport())
	if got := b.egress.Take(); len(got) != 1 || got[0].To != rtcp {
		t.Errorf("sent %+v", got)
	}
	d := p.Dump().(proto.PlainTransportDump)
	if d.RTCPTuple == nil || d.RTCPTuple.RemotePort != evilAddress.Port() || d.Tuple.RemotePort != peerAddress.Port() {
		t.Errorf("dump: %+v", d)
	}
	has(t, d, "id", "rtcpMux", "comedia", "tuple", "rtcpTuple")
	has(t, p.Stats(b.now).(proto.PlainTransportStats), "type", "rtcpMux", "comedia", "tuple", "rtcpTuple", "bytesReceived")
	p.Close(b.now)
	p.Close(b.now)
	if !b.bindings[0].closed || !b.bindings[1].closed || b.timers.Len() != 0 {
		t.Error("something was left over")
	}
}
