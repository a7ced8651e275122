package transport

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	pionrtcp "github.com/pion/rtcp"
	pionrtp "github.com/pion/rtp"
	pionsrtp "github.com/pion/srtp/v2"

	"gazpacho/pkg/tuple"
	"gazpacho/proto"
)

// suites are the lengths of keys with their salts: RFC 3711 section 8.2 has 128 and 112 bits, RFC 7714 section 12 has 128 or 256 and 96.
var suites = []struct {
	name      string
	key, salt int
	profile   pionsrtp.ProtectionProfile
}{
	{"AEAD_AES_256_GCM", 32, 12, pionsrtp.ProtectionProfileAeadAes256Gcm},
	{"AEAD_AES_128_GCM", 16, 12, pionsrtp.ProtectionProfileAeadAes128Gcm},
	{"AES_CM_128_HMAC_SHA1_80", 16, 14, pionsrtp.ProtectionProfileAes128CmHmacSha1_80},
	{"AES_CM_128_HMAC_SHA1_32", 16, 14, pionsrtp.ProtectionProfileAes128CmHmacSha1_32},
}

// gear is an encoder or recorder with pion's SRTP that talks to a plain transport.
type gear struct {
	*bench
	p         *Plain
	ours      string // its key and salt in base64
	in, out   *pionsrtp.Context
	rtp, rtcp netip.AddrPort // its addresses, the same with mux
}

func (b *bench) gear(p *Plain, suite int) *gear {
	b.t.Helper()
	g := &gear{bench: b, p: p, rtp: peerAddress, rtcp: peerAddress}
	s := suites[suite]
	key := bytes.Repeat([]byte{byte(suite + 1)}, s.key+s.salt)
	g.ours = base64.StdEncoding.EncodeToString(key)
	var err error
	if g.out, err = pionsrtp.CreateContext(key[:s.key], key[s.key:], s.profile); err != nil {
		b.t.Fatal(err)
	}
	return g
}

// heard makes the context for what the transport sends, of the key that it answered.
func (g *gear) heard(suite int, answer *proto.SRTPParameters) {
	g.t.Helper()
	s := suites[suite]
	key, err := base64.StdEncoding.DecodeString(answer.KeyBase64)
	if err != nil || len(key) != s.key+s.salt || answer.CryptoSuite != s.name {
		g.t.Fatalf("answered %+v: %d bytes, %v", answer, len(key), err)
	}
	if g.in, err = pionsrtp.CreateContext(key[:s.key], key[s.key:], s.profile); err != nil {
		g.t.Fatal(err)
	}
}

func (g *gear) sendRTP(p *pionrtp.Packet) {
	g.t.Helper()
	raw, err := p.Marshal()
	if err != nil {
		g.t.Fatal(err)
	}
	if raw, err = g.out.EncryptRTP(nil, raw, nil); err != nil {
		g.t.Fatal(err)
	}
	g.p.binding.(*fakeBinding).in.Handle(g.now, raw, tuple.Of(tuple.UDP, g.p.local.Link, g.p.local.Address, g.rtp))
}

func (g *gear) sendRTCP(p ...pionrtcp.Packet) {
	g.t.Helper()
	raw, err := pionrtcp.Marshal(p)
	if err != nil {
		g.t.Fatal(err)
	}
	if raw, err = g.out.EncryptRTCP(nil, raw, nil); err != nil {
		g.t.Fatal(err)
	}
	binding, local := g.p.binding, g.p.local
	if !g.p.mux {
		binding, local = g.p.rtcpBinding, g.p.rtcpLocal
	}
	binding.(*fakeBinding).in.Handle(g.now, raw, tuple.Of(tuple.UDP, local.Link, local.Address, g.rtcp))
}

// receive decrypts what was sent, and checks that each kind came where it belongs.
func (g *gear) receive() (media []*pionrtp.Packet, control []pionrtcp.Packet) {
	g.t.Helper()
	for _, s := range g.egress.Take() {
		if pt := s.Data[1]; pt >= 192 && pt <= 223 {
			raw, err := g.in.DecryptRTCP(nil, s.Data, nil)
			if err != nil || s.To.Remote != g.rtcp {
				g.t.Fatalf("RTCP to %v: %v", s.To, err)
			}
			list, err := pionrtcp.Unmarshal(raw)
			if err != nil {
				g.t.Fatal(err)
			}
			control = append(control, list...)
			continue
		}
		raw, err := g.in.DecryptRTP(nil, s.Data, nil)
		if err != nil || s.To.Remote != g.rtp {
			g.t.Fatalf("RTP to %v: %v", s.To, err)
		}
		p := new(pionrtp.Packet)
		if err := p.Unmarshal(raw); err != nil {
			g.t.Fatal(err)
		}
		media = append(media, p)
	}
	return media, control
}

// RTP and RTCP in every suite, both ways, with the peer's address told or learned, on one port or on two.
func TestPlainSRTPAgainstPion(t *testing.T) {
	for i, s := range suites {
		for _, comedia := range []bool{false, true} {
			for _, mux := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s comedia %v mux %v", s.name, comedia, mux), func(t *testing.T) {
					b := newBench(t)
					g := b.gear(b.plain(proto.PlainTransportOptions{Comedia: comedia, RTCPMux: &mux, EnableSRTP: true, SRTPCryptoSuite: s.name}), i)
					connect := &proto.ConnectPlainTransport{SRTPParameters: &proto.SRTPParameters{CryptoSuite: s.name, KeyBase64: g.ours}}
					if !mux {
						g.rtcp = netip.AddrPortFrom(peerAddress.Addr(), peerAddress.Port()+1)
					}
					if !comedia {
						connect.IP, connect.Port = g.rtp.Addr().String(), g.rtp.Port()
						if !mux {
							connect.RTCPPort = g.rtcp.Port()
						}
					}
					dumped := g.p.Dump().(proto.PlainTransportDump).SRTPParameters
					r, err := g.p.Connect(b.now, connect)
					if err != nil {
						t.Fatal(err)
					}
					if *r.SRTPParameters != *dumped {
						t.Error("connecting with the same suite changed our key")
					}
					g.heard(i, r.SRTPParameters)
					g.exchange()
				})
			}
		}
	}
}

// exchange sends audio that comes back, and reports about it.
func (g *gear) exchange() {
	g.t.Helper()
	if _, err := g.p.Produce(g.now, opusProducer("p")); err != nil {
		g.t.Fatal(err)
	}
	if _, err := g.p.Consume(g.now, opusConsumer("c", "p"), g.p.producers[0]); err != nil {
		g.t.Fatal(err)
	}
	g.sendRTCP(&pionrtcp.SenderReport{SSRC: 11, NTPTime: 1 << 32, RTPTime: 960, PacketCount: 1, OctetCount: 10})
	var media []*pionrtp.Packet
	var control []pionrtcp.Packet
	for n := range uint16(200) {
		g.sendRTP(&pionrtp.Packet{
			Header:  pionrtp.Header{Version: 2, PayloadType: 100, SequenceNumber: 65_500 + n, Timestamp: 960 * uint32(n), SSRC: 11},
			Payload: []byte{0xf8, byte(n), 3, 4},
		})
		g.pass(20 * time.Millisecond)
		m, c := g.receive()
		media, control = append(media, m...), append(control, c...)
	}
	if len(media) != 200 {
		g.t.Fatalf("%d of 200 packets came back, drops %v", len(media), g.p.drops.table())
	}
	for n, p := range media {
		if p.SSRC != 21 || p.Payload[1] != byte(n) || p.SequenceNumber-media[0].SequenceNumber != uint16(n) {
			g.t.Fatalf("packet %d is %v", n, p)
		}
	}
	isReport := func(p pionrtcp.Packet) bool {
		r, ok := p.(*pionrtcp.ReceiverReport)
		return ok && slices.ContainsFunc(r.Reports, func(r pionrtcp.ReceptionReport) bool { return r.SSRC == 11 && r.TotalLost == 0 })
	}
	isSender := func(p pionrtcp.Packet) bool { r, ok := p.(*pionrtcp.SenderReport); return ok && r.SSRC == 21 }
	if !slices.ContainsFunc(control, isReport) || !slices.ContainsFunc(control, isSender) {
		g.t.Errorf("no reports among %d RTCP packets", len(control))
	}
	if s := g.p.Stats(g.now).(proto.PlainTransportStats); s.RTPPacketsReceived != 200 || s.RTCPPacketsReceived != 1 || len(s.Drops) != 0 {
		g.t.Errorf("%+v", s)
	}
}

// The peer's suite counts: ours follows it with a key of the right length, whatever was asked for at creation.
func TestPlainSuiteFollowsThePeer(t *testing.T) {
	for i, s := range suites {
		b := newBench(t)
		g := b.gear(b.plain(proto.PlainTransportOptions{Comedia: true, EnableSRTP: true, SRTPCryptoSuite: suites[(i+1)%len(suites)].name}), i)
		r, err := g.p.Connect(b.now, &proto.ConnectPlainTransport{SRTPParameters: &proto.SRTPParameters{CryptoSuite: s.name, KeyBase64: g.ours}})
		if err != nil {
			t.Fatal(err)
		}
		g.heard(i, r.SRTPParameters)
		g.exchange()
	}
}

// Keys of every wrong length, and what is no base64, are refused with the field's name, by plain transports and by pipes. Nothing has changed then.
func TestSRTPKeysThatAreNone(t *testing.T) {
	for _, s := range suites {
		b := newBench(t)
		p := b.plain(proto.PlainTransportOptions{Comedia: true, EnableSRTP: true, SRTPCryptoSuite: s.name})
		pipe := b.pipe("pipe", proto.PipeTransportOptions{EnableSRTP: true})
		right := base64.StdEncoding.EncodeToString(make([]byte, s.key+s.salt))
		keys := []string{"", "!", right + "=", right[1:], right[:len(right)-1] + "*", right[:len(right)/2] + " " + right[len(right)/2:], "data:" + right}
		for n := range 64 {
			if n != s.key+s.salt {
				keys = append(keys, base64.StdEncoding.EncodeToString(make([]byte, n)))
			}
		}
		before := p.Dump().(proto.PlainTransportDump).SRTPParameters
		for _, key := range keys {
			o := &proto.SRTPParameters{CryptoSuite: s.name, KeyBase64: key}
			if _, err := p.Connect(b.now, &proto.ConnectPlainTransport{SRTPParameters: o}); err == nil || err.Path != "srtpParameters.keyBase64" || err.Name != proto.TypeErrorName {
				t.Errorf("%s, key %q: %v", s.name, key, err)
			}
			path := "srtpParameters.keyBase64"
			if s.name != pipeSuite.String() {
				path = "srtpParameters.cryptoSuite"
			}
			if _, err := pipe.Connect(b.now, &proto.ConnectPipeTransport{IP: "10.0.0.2", Port: 9, SRTPParameters: o}); err == nil || err.Path != path || err.Name != proto.TypeErrorName {
				t.Errorf("pipe, %s, key %q: %v", s.name, key, err)
			}
		}
		if after := p.Dump().(proto.PlainTransportDump).SRTPParameters; *after != *before || p.connected || pipe.connected {
			t.Errorf("refusals made %+v of %+v", after, before)
		}
		if _, err := p.Connect(b.now, &proto.ConnectPlainTransport{SRTPParameters: &proto.SRTPParameters{CryptoSuite: s.name, KeyBase64: right}}); err != nil {
			t.Errorf("%s, the right key: %v", s.name, err)
		}
	}
}

// What mediasoup's own applications do: tell an address although packets tell it. It is not looked at.
func TestComediaNeedsNoAddress(t *testing.T) {
	b := newBench(t)
	p := b.plain(proto.PlainTransportOptions{Comedia: true})
	if r, err := p.Connect(b.now, &proto.ConnectPlainTransport{IP: "10.0.0.9", Port: 7, RTCPPort: 8}); err != nil || r.Tuple.RemoteIP != "" {
		t.Fatalf("%+v, %v", r, err)
	}
	peer := tuple.Of(tuple.UDP, p.local.Link, p.local.Address, peerAddress)
	p.Handle(b.now, append([]byte{}, mediaPacket...), peer)
	if p.tuple != peer {
		t.Errorf("the peer is %v", p.tuple)
	}
}

// Pipes refuse what mediasoup's refuse, each with the field's name, and connect once.
func TestPipeConnectBadInput(t *testing.T) {
	key := &proto.SRTPParameters{CryptoSuite: pipeSuite.String(), KeyBase64: base64.StdEncoding.EncodeToString(make([]byte, 44))}
	for _, tt := range []struct {
		name    string
		srtp    bool
		connect proto.ConnectPipeTransport
		path    string
	}{
		{"no address", false, proto.ConnectPipeTransport{Port: 1}, "ip"},
		{"no IP address", false, proto.ConnectPipeTransport{IP: "example.org", Port: 1}, "ip"},
		{"no port", false, proto.ConnectPipeTransport{IP: "192.0.2.1"}, "port"},
		{"other family", false, proto.ConnectPipeTransport{IP: "2001:db8::1", Port: 1}, "ip"},
		{"key without SRTP", false, proto.ConnectPipeTransport{IP: "192.0.2.1", Port: 1, SRTPParameters: key}, "srtpParameters"},
		{"no key", true, proto.ConnectPipeTransport{IP: "192.0.2.1", Port: 1}, "srtpParameters"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t)
			p := b.pipe("pipe", proto.PipeTransportOptions{EnableSRTP: tt.srtp})
			if _, err := p.Connect(b.now, &tt.connect); err == nil || err.Path != tt.path || err.Name != proto.TypeErrorName {
				t.Errorf("error %v, want one about %s", err, tt.path)
			}
			good := proto.ConnectPipeTransport{IP: "192.0.2.1", Port: 9}
			if tt.srtp {
				good.SRTPParameters = key
			}
			if _, err := p.Connect(b.now, &good); err != nil {
				t.Errorf("after a refusal: %v", err)
			}
			if _, err := p.Connect(b.now, &good); err == nil || err.Code != proto.CodeInvalidState {
				t.Errorf("the second connect: %v", err)
			}
		})
	}
}
