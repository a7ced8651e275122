package attack

import (
	"encoding/binary"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gazpacho/pkg/simtest"
	"gazpacho/proto"
)

// Insiders are clients with keys of their own: all that they send is authentic.
var insiders = []attack{
	{"authentic RTP that is malformed", "R-RTP-4 R-RTP-5", malformedRTP},
	{"authentic RTP of ten thousand SSRCs", "R-RTP-3", manyStreams},
	{"authentic RTCP that is malformed", "R-RTP-5 R-RTP-6", malformedRTCP},
	{"a storm of key frame requests", "R-RTP-6", keyFrameStorm},
	{"a storm of NACKs", "R-RTP-5", nackStorm},
	{"subscribers whose sockets are gone", "R-ICE-7", goneSockets},
}

// header is an RTP header; first holds version, padding, extension and CSRC count.
func header(first, payloadType byte, sequence uint16, ssrc uint32, more ...byte) []byte {
	b := []byte{first, payloadType, byte(sequence >> 8), byte(sequence), 0, 0, byte(sequence >> 4), byte(sequence << 4)}
	return append(binary.BigEndian.AppendUint32(b, ssrc), more...)
}

// Kinds of video that a malicious client says it sends. Their payload types are those of the descriptors below; what is not announced, it sends all the same.
var videoCodecs = []proto.RTPCodecParameters{
	videoCodec("VP8", 101, nil), videoCodec("rtx", 102, proto.CodecParameters{"apt": 101}),
	videoCodec("H264", 105, proto.CodecParameters{"packetization-mode": 1, "profile-level-id": "42e01f", "level-asymmetry-allowed": 1}),
	videoCodec("VP9", 103, proto.CodecParameters{"profile-id": 0}),
	videoCodec("AV1", 107, nil),
}

func videoCodec(name string, payloadType uint8, p proto.CodecParameters) proto.RTPCodecParameters {
	if p == nil {
		p = proto.CodecParameters{}
	}
	return proto.RTPCodecParameters{
		MimeType: "video/" + name, PayloadType: payloadType, ClockRate: 90000, Parameters: p,
		RTCPFeedback: []proto.RTCPFeedback{{Type: "nack"}, {Type: "nack", Parameter: "pli"}},
	}
}

// descriptors begin the payloads of each codec with every field that there is.
var descriptors = []struct {
	payloadType byte
	payload     []byte
}{
	{101, []byte{0xf0, 0xf0, 0x80, 0x01, 0x07, 0x65, 0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xf0, 0x00}},                   // VP8: X, I, L, T, K; key frame
	{102, []byte{0x00, 0x01, 0x90, 0x80, 0x80, 0x01, 0x00, 0x9d}},                                                                   // RTX: original number, VP8
	{103, []byte{0xff, 0x80, 0x01, 0xff, 0x07, 0x01, 0x05, 0x09, 0x78, 0x01, 0x40, 0x00, 0xf0, 0x02, 0x80, 0x01, 0xe0, 0xff, 1, 2}}, // VP9: all bits, scalability structure
	{105, []byte{0x78, 0x00, 0x04, 0x67, 0x42, 0xe0, 0x1f, 0x00, 0x02, 0x68, 0xce, 0xff, 0xff}},                                     // H264: STAP-A whose last size is too long
	{105, []byte{0x7c, 0x85, 0x88, 0x84}}, // H264: FU-A
	{107, []byte{0xf8, 0x0a, 0x0b, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}, // AV1: aggregation header, sizes without end
	{100, []byte{0xff, 0xff, 0xff}}, // Opus: frames that are not there
}

// extensionBlocks are header extensions whose sizes lie, in every way.
var extensionBlocks = []string{
	"\xbe\xde\x00\x00", "\xbe\xde\x00\x01\x1f\x00\x00\x00", "\xbe\xde\x00\x01\xf0\x00\x00\x00", "\xbe\xde\x00\x01\x00\x00\x00\x1f",
	"\xbe\xde\x00\x02\x10\x31\x2f\xff\xff\xff\xff\xff", "\xbe\xde\x00\x01\x51\x00\x01\x40", "\xbe\xde\x00\x01\x52\x00\x01\x02",
	"\x10\x00\x00\x01\x01\xff\x00\x00", "\x10\x0f\x00\x01\x01\x00\x02\x00", "\x10\x00\x00\x01\x00\x00\x00\x05", "\x10\x00\x00\x02\x05\x02\xff\xff\x04\x03\x01\x02",
	"\x00\x00\x00\x01\x01\x02\x03\x04", "\xff\xff\x00\x02\xff\xff\xff\xff\xff\xff\xff\xff",
}

// shape is one malformed packet.
type shape struct {
	first, payloadType byte
	more               string // of the header
	payload            []byte
}

// malformed are all shapes: descriptors truncated at every byte and with every first byte, padding, CSRCs and extensions that lie.
func malformed() (list []shape) {
	r := newNoise()
	for _, d := range descriptors {
		for n := range len(d.payload) + 1 {
			list = append(list, shape{first: 0x80, payloadType: d.payloadType, payload: d.payload[:n]})
			if n < len(d.payload) {
				flipped := append([]byte{}, d.payload...)
				flipped[n] ^= 0xff
				list = append(list, shape{first: 0x80, payloadType: d.payloadType, payload: flipped})
			}
		}
		for first := range 256 {
			list = append(list, shape{first: 0x80, payloadType: d.payloadType, payload: r.bytes(1+r.IntN(20), byte(first))})
		}
		for _, padding := range []byte{0, 1, 4, 5, 200, 255} {
			list = append(list, shape{first: 0xa0, payloadType: d.payloadType, payload: append(append([]byte{}, d.payload[:4%len(d.payload)]...), padding)})
		}
	}
	for count := range 16 {
		list = append(list, shape{first: 0x80 | byte(count), payloadType: 101, more: string(r.bytes(4 * count)), payload: vp8Head})
		list = append(list, shape{first: 0xb0 | byte(count), payloadType: 101, more: string(r.bytes(4*count)) + extensionBlocks[count%len(extensionBlocks)], payload: []byte{9}})
	}
	for _, block := range extensionBlocks {
		list = append(list, shape{first: 0x90, payloadType: 101, more: block, payload: vp8Head})
	}
	for payloadType := range 128 {
		list = append(list, shape{first: 0x80, payloadType: byte(payloadType), payload: vp8Head})
	}
	return list
}

// malformedRTP is consumed by somebody, so that it goes the whole way. Afterwards the same producer can be heard again.
func malformedRTP(t *testing.T, s *stage, d time.Duration) tally {
	const ssrc = 600_000
	before := s.stats().Drops
	evil, victim := s.raw(simtest.RawOptions{}), s.raw(simtest.RawOptions{})
	defer s.expel(victim)
	defer s.expel(evil)
	for i, c := range videoCodecs {
		if c.MimeType == "video/rtx" {
			continue
		}
		own := []proto.RTPCodecParameters{c}
		if c.MimeType == "video/VP8" {
			own = videoCodecs[:2]
		}
		victim.Consume(evil.Produce(proto.Video, ssrc+uint32(10*i), own...), 700_000+uint32(10*i))
	}
	victim.Consume(evil.Produce(proto.Audio, ssrc+100), 700_100)
	streams := map[byte]uint32{101: ssrc, 102: ssrc + 1, 103: ssrc + 30, 105: ssrc + 20, 107: ssrc + 40, 100: ssrc + 100}
	shapes, r := malformed(), newNoise()
	sequences := map[uint32]uint16{}
	refused := 0
	pace(t.Context(), d, 4000, func(n int) {
		p := shapes[n%len(shapes)]
		to, ok := streams[p.payloadType&127]
		if !ok || n/len(shapes)%4 == 3 {
			to = []uint32{ssrc, ssrc + 1, ssrc + 20, ssrc + 21, ssrc + 30, ssrc + 40, ssrc + 100}[r.IntN(7)] // a payload of another's codec
		}
		sequences[to]++
		if n%50 == 0 {
			sequences[to] += uint16(r.IntN(20)) // losses, for the NACKs
		}
		if !evil.SendRTP(header(p.first, p.payloadType, sequences[to], to, []byte(p.more)...), p.payload) {
			refused++
		}
	}, nil)
	heard := victim.Media.Load()
	await(t, "the producer can be heard", func() bool {
		for range 3 {
			sequences[ssrc]++
			evil.SendRTP(header(0x80, 101, sequences[ssrc], ssrc), append(append([]byte{}, vp8Head...), make([]byte, 100)...))
		}
		return victim.Media.Load() > heard+10
	})
	if refused > 0 {
		t.Errorf("%d packets could not be protected", refused)
	}
	authentic(t, s, before)
	return tally{handshakes: 2}
}

// authentic checks that an insider's packets were what they were meant to be: malformed inside, not outside.
func authentic(t *testing.T, s *stage, before map[string]uint64) {
	t.Helper()
	for _, reason := range []string{"srtpAuthentication", "srtpReplay"} {
		if now := s.stats().Drops[reason]; now != before[reason] {
			t.Errorf("%d packets were dropped as %s: the attack did not reach its aim", now-before[reason], reason)
		}
	}
}

// manyStreams announces SSRC after SSRC under a MID of its own. "≤ 64 streams per transport."
func manyStreams(t *testing.T, s *stage, d time.Duration) tally {
	before := s.stats().Drops
	evil := s.raw(simtest.RawOptions{})
	defer s.expel(evil)
	evil.Produce(proto.Video, 600_000)
	const count = 10_000
	pace(t.Context(), max(d, 500*time.Millisecond), 10_000, func(n int) {
		ssrc := 5_000_000 + uint32(n%count)
		evil.SendRTP(header(0x90, 101, uint16(1+n/count), ssrc, []byte("\xbe\xde\x00\x01\x101\x00\x00")...), vp8Head)
	}, nil)
	dump := simtest.Request[proto.WebRTCTransportDump](s.Worker, proto.TransportDumpMethod, evil.Transport.ID, nil)
	if n := len(dump.RTPListener.SSRCTable); n > 64 {
		t.Errorf("the transport knows %d SSRCs", n)
	}
	authentic(t, s, before)
	return tally{handshakes: 1}
}

// report is an RTCP packet with a count or format, a type and as many words as fit.
func report(count, kind byte, body ...byte) []byte {
	for len(body)%4 != 0 {
		body = append(body, 0)
	}
	b := []byte{0x80 | count, kind}
	return append(binary.BigEndian.AppendUint16(b, uint16(len(body)/4)), body...)
}

// feedback is a message about a media stream.
func feedback(format, kind byte, media uint32, more ...byte) []byte {
	b := binary.BigEndian.AppendUint32(make([]byte, 4), media)
	return report(format, kind, append(b, more...)...)
}

// malformedCompounds are about a media stream, and wrong in all ways.
func malformedCompounds(media uint32) (list [][]byte) {
	r := newNoise()
	join := func(p []byte, n int) []byte { return []byte(strings.Repeat(string(p), n)) }
	list = append(list,
		join(report(0, 201, 0, 0, 0, 1), 33), join(feedback(1, 206, media), 100), // more packets than one compound may have
		report(31, 201, 0, 0, 0, 1), report(31, 200, r.bytes(24)...), report(31, 202, 0, 0, 0, 1), report(31, 203), // counts without bytes
		append(report(0, 201, 0, 0, 0, 1), 0x80, 201, 0xff, 0xff), append(report(0, 201, 0, 0, 0, 1), 0x80), // a length beyond the end, half a header
		[]byte{0xa0, 201, 0, 1, 0, 0, 0, 0}, []byte{0xa0, 201, 0, 1, 0, 0, 0, 255}, []byte{0x40, 201, 0, 1, 0, 0, 0, 1}, // padding, version
		feedback(15, 206, media, []byte("REMB\xff\xff\xff\xff\xff\xff\xff\xff")...), feedback(15, 206, media, []byte("REMB\x00\x00\x00\x00")...),
		feedback(15, 206, media, []byte("REMB\x01\x00\x00\x00\x00\x00\x00\x01")...), feedback(15, 206, media, []byte("REM")...),
		feedback(15, 205, media, []byte("\x00\x00\xff\xff\x80\x00\x00\x00\x3f\xff\x00\x00")...), feedback(15, 205, media, []byte("\x00\x00\x00\x00")...),
		feedback(1, 205, media), feedback(4, 206, media), feedback(4, 206, media, 1, 2, 3, 4), feedback(1, 205, media, 0xff, 0xff),
		report(1, 200, r.bytes(48)...), report(1, 200, append(r.bytes(4), "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"...)...),
		report(0, 207, r.bytes(4+4*r.IntN(40))...), report(0, 207, append(r.bytes(4), 4, 0, 0xff, 0xff)...), report(0, 207, append(r.bytes(4), 5, 0, 0, 3)...),
		report(1, 203, byte(media>>24), byte(media>>16), byte(media>>8), byte(media)), report(1, 202, append(r.bytes(4), 1, 255)...),
	)
	for range 300 {
		list = append(list, report(byte(r.IntN(32)), byte(192+r.IntN(32)), r.bytes(4*r.IntN(100))...))
	}
	return list
}

// malformedRTCP comes from a publisher that is a subscriber, too.
func malformedRTCP(t *testing.T, s *stage, d time.Duration) tally {
	before := s.stats().Drops
	evil := s.raw(simtest.RawOptions{})
	defer s.expel(evil)
	evil.Produce(proto.Video, 600_000)
	evil.Consume(s.video.Source(), 700_000)
	compounds := append(malformedCompounds(700_000), malformedCompounds(600_000)...)
	pace(t.Context(), d, 4000, func(n int) { evil.SendRTCP(compounds[n%len(compounds)]) }, nil)
	heard := evil.Media.Load()
	await(t, "media for who sent it", func() bool { return evil.Media.Load() > heard+10 })
	authentic(t, s, before)
	return tally{handshakes: 1}
}

// keyFrameStorm asks by PLI and FIR, one by one and by the dozen. "A producer gets at most one key-frame request per 500 ms whatever its consumers do."
func keyFrameStorm(t *testing.T, s *stage, d time.Duration) tally {
	evil := s.raw(simtest.RawOptions{})
	defer s.expel(evil)
	evil.Consume(s.video.Source(), 700_000)
	heard := evil.Media.Load()
	await(t, "media", func() bool { return evil.Media.Load() > heard })
	asked, start, sequence := s.asked.Load(), time.Now(), byte(0)
	var requests atomic.Int64
	pace(t.Context(), d, 2000, func(n int) {
		sequence++
		switch n % 3 {
		case 0:
			evil.SendRTCP(feedback(1, 206, 700_000))
		case 1:
			evil.SendRTCP(feedback(4, 206, 0, 0, 0x0a, 0xae, 0x60, sequence, 0, 0, 0))
		default:
			evil.SendRTCP([]byte(strings.Repeat(string(feedback(1, 206, 700_000)), 20)))
		}
		requests.Add(1)
	}, nil)
	await(t, "a key frame is asked for", func() bool { return s.asked.Load() > asked })
	time.Sleep(100 * time.Millisecond)
	if n, most := s.asked.Load()-asked, int64(time.Since(start)/(500*time.Millisecond))+2; n > most {
		t.Errorf("%d requests made %d of the worker's, %d at most should be", requests.Load(), n, most)
	}
	return tally{handshakes: 1}
}

// nackStorm asks for everything, again and again. No packet comes more than ten times.
func nackStorm(t *testing.T, s *stage, d time.Duration) tally {
	evil := s.raw(simtest.RawOptions{})
	defer s.expel(evil)
	evil.Consume(s.video.Source(), 700_000)
	heard := evil.Media.Load()
	await(t, "media", func() bool { return evil.Media.Load() > heard+50 })
	before, start := s.stats().Traffic.RTXPacketsSent, time.Now()
	pace(t.Context(), d, 1000, func(n int) {
		var pairs []byte
		for i := range 200 {
			pairs = binary.BigEndian.AppendUint16(pairs, uint16(n*3400+17*i))
			pairs = append(pairs, 0xff, 0xff)
		}
		evil.SendRTCP(feedback(1, 205, 700_000, pairs...))
	}, nil)
	most := 10 * (uint64(time.Since(start)/beat) + 1000)
	if again := s.stats().Traffic.RTXPacketsSent - before; again > most {
		t.Errorf("%d packets were sent again, %d at most should be", again, most)
	}
	return tally{handshakes: 1}
}

// goneSockets are subscribers that leave without a word: what is sent to them comes back as ICMP errors. "ICMP errors are counters."
func goneSockets(t *testing.T, s *stage, d time.Duration) tally {
	const count = 4
	before := s.stats()
	var gone []*simtest.Raw
	for range count {
		r := s.raw(simtest.RawOptions{})
		defer s.expel(r)
		r.Consume(s.video.Source(), 700_000)
		gone = append(gone, r)
	}
	for _, r := range gone {
		r.Close()
	}
	time.Sleep(d)
	if now := s.stats(); now.UDP.Failures != before.UDP.Failures {
		t.Errorf("the socket failed %d times", now.UDP.Failures-before.UDP.Failures)
	}
	return tally{handshakes: count}
}
