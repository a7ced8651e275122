package transport

import (
	"bytes"
	"encoding/binary"
	"hash/fnv"
	"net/netip"
	"slices"
	"testing"
	"time"

	pionrtcp "github.com/pion/rtcp"
	pionrtp "github.com/pion/rtp"

	"gazpacho/pkg/rtp"
	"gazpacho/pkg/srtp"
	"gazpacho/pkg/tuple"
	"gazpacho/proto"
)

// client is the peer of a WebRTC transport: it has an address and keys, sends to the transport and reads what comes back.
type client struct {
	*bench
	w       *WebRTC
	server  *Server
	from    tuple.Tuple
	session *srtp.Session
	scratch []byte
	inbox   [][]byte // datagrams of the transport, not read yet
}

// client makes a transport on a server and its connected peer.
func (b *bench) client(s *Server, id string) *client {
	b.t.Helper()
	c := b.stranger(s, id)
	c.reach(c.w, c.from.Remote)
	c.w.DTLSConnected(b.now, c.keys(), "PEM")
	c.collect()
	c.inbox = nil
	b.take()
	return c
}

// stranger is a client before ICE and DTLS.
func (b *bench) stranger(s *Server, id string) *client {
	b.t.Helper()
	h := fnv.New32a()
	h.Write([]byte(id))
	address := netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 51, 100, byte(h.Sum32())}), uint16(10000+h.Sum32()>>16%50000))
	c := &client{bench: b, w: b.webrtc(s, id), server: s, from: from(s, address)}
	k := c.keys()
	session, err := srtp.NewSession(srtp.Profile(k.Profile), k.RemoteKey, k.RemoteSalt, k.LocalKey, k.LocalSalt)
	if err != nil {
		b.t.Fatal(err)
	}
	c.session = session
	b.clients = append(b.clients, c)
	return c
}

// keys are those of the transport's side.
func (c *client) keys() Keys {
	material := func(label string, n int) []byte { return bytes.Repeat([]byte(label), n)[:n] }
	id := c.w.ID()
	return Keys{
		Profile: uint16(srtp.AES128GCM), LocalKey: material("local"+id, 16), LocalSalt: material("salt"+id, 12),
		RemoteKey: material("remote"+id, 16), RemoteSalt: material("taste"+id, 12),
	}
}

// collect sorts what was sent into the inboxes of the clients.
func (b *bench) collect() {
	for _, s := range b.egress.Take() {
		i := slices.IndexFunc(b.clients, func(c *client) bool { return c.from == s.To })
		if i < 0 {
			b.t.Fatalf("a packet went to %v", s.To)
		}
		b.clients[i].inbox = append(b.clients[i].inbox, s.Data)
	}
}

// deliver hands a datagram to the worker in a buffer that is overwritten afterwards: it was only borrowed.
func (c *client) deliver(datagram []byte) {
	c.scratch = append(c.scratch[:0], datagram...)
	c.server.Handle(c.now, c.scratch, c.from)
	for i := range c.scratch[:cap(c.scratch)] {
		c.scratch[:cap(c.scratch)][i] = 0xdb
	}
}

// seal encrypts an RTP packet.
func (c *client) seal(p *pionrtp.Packet) []byte {
	c.t.Helper()
	p.Version = 2
	raw, err := p.Marshal()
	if err != nil {
		c.t.Fatal(err)
	}
	return c.sealRaw(raw)
}

func (c *client) sealRaw(raw []byte) []byte {
	c.t.Helper()
	header, ok := rtp.HeaderLength(raw)
	if !ok {
		c.t.Fatal("no header")
	}
	payload := raw[header:]
	dst := append(slices.Clone(raw), make([]byte, srtp.MaxOverhead)...)
	n, ok := c.session.ProtectRTP(dst, header, slices.Clone(payload))
	if !ok {
		c.t.Fatalf("the client's packet of SSRC %d was refused", binary.BigEndian.Uint32(raw[8:]))
	}
	return dst[:n]
}

// sealRTCP encrypts a compound.
func (c *client) sealRTCP(packets ...pionrtcp.Packet) []byte {
	c.t.Helper()
	raw, err := pionrtcp.Marshal(packets)
	if err != nil {
		c.t.Fatal(err)
	}
	return c.sealRawRTCP(raw)
}

func (c *client) sealRawRTCP(raw []byte) []byte {
	c.t.Helper()
	dst := append(slices.Clone(raw), make([]byte, srtpOverhead)...)
	n, ok := c.session.ProtectRTCP(dst, len(raw))
	if !ok {
		c.t.Fatal("the client's RTCP was refused")
	}
	return dst[:n]
}

func (c *client) sendRTP(p *pionrtp.Packet) { c.t.Helper(); c.deliver(c.seal(p)) }
func (c *client) sendRTCP(packets ...pionrtcp.Packet) {
	c.t.Helper()
	c.deliver(c.sealRTCP(packets...))
}

// compound is one RTCP datagram the client received.
type compound struct {
	packets []pionrtcp.Packet
	size    int // before encryption
}

// read decrypts what came since the last call. STUN answers are passed over.
func (c *client) read() (media []*pionrtp.Packet, control []compound) {
	c.t.Helper()
	c.collect()
	inbox := c.inbox
	c.inbox = nil
	for _, datagram := range inbox {
		if datagram[0] < 128 {
			continue
		}
		if rtp.IsRTCP(datagram) {
			n, reason := c.session.UnprotectRTCP(datagram)
			if reason != srtp.OK {
				c.t.Fatalf("RTCP of the worker: %v", reason)
			}
			packets, err := pionrtcp.Unmarshal(datagram[:n])
			if err != nil {
				c.t.Fatalf("RTCP of the worker: %v", err)
			}
			control = append(control, compound{packets, n})
			continue
		}
		n, reason := c.session.UnprotectRTP(datagram)
		if reason != srtp.OK {
			c.t.Fatalf("RTP of the worker: %v", reason)
		}
		p := &pionrtp.Packet{}
		if err := p.Unmarshal(datagram[:n]); err != nil {
			c.t.Fatalf("RTP of the worker: %v", err)
		}
		media = append(media, p)
	}
	return media, control
}

// readMedia is read without RTCP.
func (c *client) readMedia() []*pionrtp.Packet { c.t.Helper(); m, _ := c.read(); return m }

// readRTCP returns the packets of one type that came since the last call.
func readRTCP[P pionrtcp.Packet](c *client) (list []P) {
	c.t.Helper()
	_, control := c.read()
	for _, compound := range control {
		for _, p := range compound.packets {
			if p, ok := p.(P); ok {
				list = append(list, p)
			}
		}
	}
	return list
}

// produce and consume fail the test when they are refused.
func (c *client) produce(o *proto.Produce) {
	c.t.Helper()
	if _, err := c.w.Produce(c.now, o); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) consume(o *proto.Consume, from *client) {
	c.t.Helper()
	for _, p := range from.w.producers {
		if p.ID() == o.ProducerID {
			if _, err := c.w.Consume(c.now, o, p); err != nil {
				c.t.Fatal(err)
			}
			return
		}
	}
	c.t.Fatalf("there is no producer %s", o.ProducerID)
}

// Ids of header extensions in the tests.
const (
	midID, ridID, repairedID, absID, ccID = 1, 2, 3, 4, 5
)

func allExtensions() []proto.RTPHeaderExtensionParameters {
	list := []proto.RTPHeaderExtensionParameters{}
	for e, id := range map[rtp.Extension]int{
		rtp.ExtMID: midID, rtp.ExtRID: ridID, rtp.ExtRepairedRID: repairedID, rtp.ExtAbsSendTime: absID, rtp.ExtTransportCC: ccID,
	} {
		list = append(list, proto.RTPHeaderExtensionParameters{URI: e.String(), ID: id})
	}
	return list
}

func vp8Codecs() []proto.RTPCodecParameters {
	return []proto.RTPCodecParameters{
		{
			MimeType: "video/VP8", PayloadType: 101, ClockRate: 90000,
			RTCPFeedback: []proto.RTCPFeedback{{Type: "nack"}, {Type: "nack", Parameter: "pli"}, {Type: "ccm", Parameter: "fir"}, {Type: "transport-cc"}},
		},
		{MimeType: "video/rtx", PayloadType: 102, ClockRate: 90000, Parameters: proto.CodecParameters{"apt": 101}},
	}
}

func vp8Mapping() []proto.CodecMapping {
	return []proto.CodecMapping{{PayloadType: 101, MappedPayloadType: 101}, {PayloadType: 102, MappedPayloadType: 102}}
}

// videoProducer sends VP8 on one SSRC, with retransmissions on the next.
func videoProducer(id, mid string, ssrc uint32) *proto.Produce {
	return &proto.Produce{
		ProducerID: id, Kind: proto.Video,
		RTPParameters: proto.RTPParameters{
			MID: mid, Codecs: vp8Codecs(), HeaderExtensions: allExtensions(),
			Encodings: []proto.RTPEncodingParameters{{SSRC: ssrc, RTX: &proto.RTXEncoding{SSRC: ssrc + 1}}},
			RTCP:      proto.RTCPParameters{CNAME: "publisher"},
		},
		RTPMapping: proto.RTPMapping{
			Codecs: vp8Mapping(), Encodings: []proto.EncodingMapping{{SSRC: ssrc, MappedSSRC: ssrc + 1000}},
		},
	}
}

// simulcastProducer sends VP8 on a stream per RID, whose SSRCs are to be learned. Their mapped SSRCs are 9000 and up.
func simulcastProducer(id, mid string, rids ...string) *proto.Produce {
	o := videoProducer(id, mid, 1)
	o.RTPParameters.Encodings, o.RTPMapping.Encodings = nil, nil
	for i, rid := range rids {
		o.RTPParameters.Encodings = append(o.RTPParameters.Encodings, proto.RTPEncodingParameters{RID: rid})
		o.RTPMapping.Encodings = append(o.RTPMapping.Encodings, proto.EncodingMapping{RID: rid, MappedSSRC: uint32(9000 + i)})
	}
	return o
}

// videoConsumer receives the streams with the given mapped SSRCs under an SSRC of its own, retransmissions under the next.
func videoConsumer(id, producerID string, ssrc uint32, mapped ...uint32) *proto.Consume {
	o := &proto.Consume{
		ConsumerID: id, ProducerID: producerID, Kind: proto.Video, Type: proto.Simple,
		RTPParameters: proto.RTPParameters{
			MID: "m" + id, Codecs: vp8Codecs(), HeaderExtensions: allExtensions(),
			Encodings: []proto.RTPEncodingParameters{{SSRC: ssrc, RTX: &proto.RTXEncoding{SSRC: ssrc + 1}}},
			RTCP:      proto.RTCPParameters{CNAME: "name of " + id},
		},
	}
	for _, m := range mapped {
		o.ConsumableRTPEncodings = append(o.ConsumableRTPEncodings, proto.RTPEncodingParameters{SSRC: m})
	}
	if len(mapped) > 1 {
		o.Type = proto.Simulcast
	}
	return o
}

// frame is one picture of VP8 in one packet.
func frame(ssrc uint32, sequence uint16, key bool) *pionrtp.Packet {
	inter := byte(1)
	if key {
		inter = 0
	}
	return &pionrtp.Packet{
		Header:  pionrtp.Header{SSRC: ssrc, SequenceNumber: sequence, Timestamp: uint32(sequence) * 3000, PayloadType: 101, Marker: true},
		Payload: append([]byte{0x90, 0x80, 0x80 | byte(sequence>>8)&0x7f, byte(sequence), inter, 0x9d, 0x01, 0x2a}, bytes.Repeat([]byte{byte(sequence)}, 100)...),
	}
}

// with adds an extension to a packet.
func with(t testing.TB, p *pionrtp.Packet, id uint8, value []byte) *pionrtp.Packet {
	t.Helper()
	if err := p.SetExtension(id, value); err != nil {
		t.Fatal(err)
	}
	return p
}

// statistics are the transport's, with everything it counts.
func (c *client) statistics() proto.WebRTCTransportStats {
	return c.w.Stats(c.now).(proto.WebRTCTransportStats)
}

// later passes time in steps between which due timers run.
func (c *client) later(d time.Duration) { c.pass(d) }

var dtlsParameters = proto.DTLSParameters{Role: "client", Fingerprints: []proto.DTLSFingerprint{{Algorithm: "sha-256", Value: "AA:BB"}}}
