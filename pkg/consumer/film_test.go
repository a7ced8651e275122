package consumer_test

import (
	"encoding/binary"
	"fmt"
	"time"

	"gazpacho/pkg/codec"
	"gazpacho/pkg/consumer"
	"gazpacho/pkg/producer"
	"gazpacho/pkg/rtp"
	"gazpacho/pkg/simtest/scalable"
	"gazpacho/proto"
)

// film is a world whose publisher sends one stream of scalable video.
type film struct {
	*world
	encoder scalable.Encoder
	mode    string
	stills  []still
	held    []raw // what was lost on the way, with its descriptor
	extra   map[uint16][]byte
}

// still is a picture that was sent.
type still struct {
	key      bool
	temporal int
	layers   int
}

// modeOf reads a mode of one digit each.
func modeOf(s string) scalable.Mode {
	return scalable.Mode{Spatial: int(s[1] - '0'), Temporal: int(s[3] - '0'), Key: len(s) > 4, Apart: s[0] == 'S'}
}

func newFilm(t failer, media codec.Kind, mode string) *film {
	w := &world{t: t, now: start, media: media, wanted: map[uint32]bool{}, streams: []*publisher{{ssrc: 10, rtx: 11, seq: 65500, base: 1_000_000}}}
	o := &proto.Produce{ProducerID: "p", Kind: proto.Video, RTPParameters: proto.RTPParameters{
		Codecs: []proto.RTPCodecParameters{
			{MimeType: media.String(), PayloadType: 96, ClockRate: 90000, RTCPFeedback: []proto.RTCPFeedback{{Type: "nack"}, {Type: "nack", Parameter: "pli"}}},
			{MimeType: "video/rtx", PayloadType: 97, ClockRate: 90000, Parameters: proto.CodecParameters{"apt": 96}},
		},
		HeaderExtensions: []proto.RTPHeaderExtensionParameters{{URI: rtp.ExtMID.String(), ID: 1}, {URI: rtp.ExtDependencyDescriptor.String(), ID: 7}},
		Encodings:        []proto.RTPEncodingParameters{{SSRC: 10, RTX: &proto.RTXEncoding{SSRC: 11}, ScalabilityMode: mode}},
		MID:              "0",
	}, RTPMapping: proto.RTPMapping{
		Codecs:    []proto.CodecMapping{{PayloadType: 96, MappedPayloadType: 101}},
		Encodings: []proto.EncodingMapping{{SSRC: 10, MappedSSRC: 1000}},
	}}
	var err *proto.Error
	w.producer, err = producer.New(producer.Config{Options: o, Timers: &w.timers, Feedback: w, Events: w, SSRC: 1})
	if err != nil {
		t.Fatalf("%v", err)
	}
	f := &film{world: w, mode: mode, extra: map[uint16][]byte{}}
	f.encoder = scalable.Encoder{Mode: modeOf(mode), PictureID: 32760, TL0PICIDX: 250, Frame: 65530}
	return f
}

// options are those of a consumer of everything that would take the dependency descriptor.
func (f *film) options(name string) *proto.Consume {
	o := f.world.options(name)
	o.RTPParameters.Encodings[0].ScalabilityMode = f.mode
	o.RTPParameters.HeaderExtensions = append(o.RTPParameters.HeaderExtensions, proto.RTPHeaderExtensionParameters{
		URI: rtp.ExtDependencyDescriptor.String(), ID: 7,
	})
	return o
}

// shot is how to send a picture.
type shot struct {
	key     bool
	packets int
	layers  int             // that are sent, all if 0
	lose    map[[2]int]bool // spatial layer and packet
	before  func(n int)     // what happens before packet n of the picture; may be nil
}

// shoot sends a picture; what is to be lost is held. Payloads end in the picture's number, spatial and temporal layer.
func (f *film) shoot(v shot) {
	s := f.streams[0]
	f.encoder.Layers = v.layers
	number := len(f.stills)
	list := f.encoder.Picture(v.key, max(v.packets, 1))
	f.stills = append(f.stills, still{key: v.key, temporal: list[0].Temporal, layers: list[len(list)-1].Spatial + 1})
	packet := 0
	for n, p := range list {
		if v.before != nil {
			v.before(n)
		}
		if p.Start {
			packet = 0
		}
		r := raw{seq: s.seq, timestamp: f.timestamp(s, 0), marker: p.Marker, payload: p.VP9}
		if f.media == codec.AV1 {
			r.payload = p.AV1
			f.extra[r.seq] = p.Descriptor
		}
		r.payload = binary.BigEndian.AppendUint16(r.payload, uint16(number))
		r.payload = append(r.payload, byte(p.Spatial), byte(p.Temporal))
		s.seq++
		if v.lose[[2]int{p.Spatial, packet}] {
			f.held = append(f.held, r)
		} else {
			f.hand(f.bytes(r, 96))
		}
		packet++
	}
	if v.key {
		f.wanted = map[uint32]bool{}
	}
}

// bytes puts a packet together, with its descriptor if it has one.
func (f *film) bytes(r raw, payloadType byte) []byte {
	s := f.streams[0]
	seq, ssrc := r.seq, s.ssrc
	if payloadType == 97 {
		s.rtxSeq++
		seq, ssrc = s.rtxSeq, s.rtx
	}
	b := []byte{0x80, payloadType, byte(seq >> 8), byte(seq)}
	if r.marker {
		b[1] |= 0x80
	}
	b = binary.BigEndian.AppendUint32(b, r.timestamp)
	b = binary.BigEndian.AppendUint32(b, ssrc)
	if x := f.extra[r.seq]; x != nil {
		b[0] |= 0x10
		block := append([]byte{7, byte(len(x))}, x...)
		for len(block)%4 != 0 {
			block = append(block, 0)
		}
		b = append(append(b, 0x10, 0, 0, byte(len(block)/4)), block...)
	}
	if payloadType == 97 {
		b = binary.BigEndian.AppendUint16(b, r.seq)
	}
	return append(b, r.payload...)
}

// late brings what was held after all, or its retransmission.
func (f *film) late(repair bool) {
	payloadType := byte(96)
	if repair {
		payloadType = 97
	}
	for _, r := range f.held {
		if v := f.hand(f.bytes(r, payloadType)); !v.Forwarded() {
			f.log("publisher: %v", v)
		}
	}
	f.held = nil
}

// origin is where a packet that was sent came from.
type origin struct{ picture, spatial, temporal int }

func originOf(s sent) origin {
	tail := s.payload[len(s.payload)-4:]
	return origin{picture: int(tail[0])<<8 | int(tail[1]), spatial: int(tail[2]), temporal: int(tail[3])}
}

// decoder takes the packets of a peer, none of which may be missing, and fails where what it gets cannot be decoded.
type decoder struct {
	f       *film
	started bool
	seq     uint16         // last
	at      uint32         // timestamp of the picture at hand
	picture int            // the one at hand
	ended   bool           // its marker came
	id      uint16         // picture id of it
	has     map[int]int    // highest spatial layer by picture, plus 1
	own     map[origin]int // packets by layer frame
	shown   origin         // the last layer frame of the last picture
}

func newDecoder(f *film) *decoder { return &decoder{f: f, has: map[int]int{}, own: map[origin]int{}} }

// take takes one packet.
func (d *decoder) take(s sent) {
	t, o := d.f.t, originOf(s)
	still := d.f.stills[o.picture]
	if d.started && s.seq != d.seq+1 {
		t.Fatalf("#%d follows #%d", s.seq, d.seq)
	}
	if !d.started || o.picture != d.picture {
		d.begin(s, o)
	} else if s.timestamp != d.at || d.ended {
		t.Fatalf("#%d of picture %d: timestamp %d after %d, ended %v", s.seq, o.picture, s.timestamp, d.at, d.ended)
	}
	d.started, d.seq, d.at, d.picture, d.ended = true, s.seq, s.timestamp, o.picture, s.marker
	if d.own[o] == 0 {
		d.check(s, o, still)
	}
	d.own[o]++
	d.shown = o
	if d.f.media == codec.VP9 {
		d.id = s.frame.PictureID
	}
}

// begin checks where one picture follows another.
func (d *decoder) begin(s sent, o origin) {
	t := d.f.t
	if d.started && !d.ended {
		t.Fatalf("picture %d begins at #%d, %d did not end", o.picture, s.seq, d.picture)
	}
	if d.started && int32(s.timestamp-d.at) <= 0 {
		t.Fatalf("picture %d at %d is not later than %d at %d", o.picture, s.timestamp, d.picture, d.at)
	}
	if d.f.media != codec.VP9 || !d.started {
		return
	}
	// Ids go on, and leave out those of pictures that were left out: references count in them. Behind a pause, they go on as if it had not been.
	step, distance := int(s.frame.PictureID-d.id)&0x7fff, o.picture-d.picture
	if step != distance && (step < 1 || step > distance || !d.f.stills[o.picture].key) {
		t.Fatalf("picture id %d of %d follows %d of %d", s.frame.PictureID, o.picture, d.id, d.picture)
	}
}

// check fails if what a layer frame refers to was not sent. A picture refers to the last one that it may refer to.
func (d *decoder) check(s sent, o origin, p still) {
	t, m := d.f.t, d.f.encoder.Mode
	apart := m.Apart || m.Key && !p.key
	if !apart && o.spatial > 0 && d.own[origin{o.picture, o.spatial - 1, o.temporal}] == 0 {
		t.Fatalf("#%d: layer %d of picture %d without the one below", s.seq, o.spatial, o.picture)
	}
	if apart && len(d.own) > 0 && d.shown.picture == o.picture {
		t.Fatalf("#%d: layer %d of picture %d behind layer %d, which is of no use to it", s.seq, o.spatial, o.picture, d.shown.spatial)
	}
	if p.key {
		return
	}
	for n := o.picture - 1; n >= 0; n-- {
		q := d.f.stills[n]
		if q.layers <= o.spatial { // a layer that was off and on again begins with what is below it
			if apart {
				t.Fatalf("the publisher may not do that")
			}
			return
		}
		// The lowest temporal layer refers to its last, the others to the last one below them.
		if q.key || q.temporal < o.temporal || q.temporal == 0 {
			if d.own[origin{n, o.spatial, q.temporal}] == 0 {
				t.Fatalf("#%d: picture %d, layer %d.%d refers to picture %d.%d, which was not sent", s.seq, o.picture, o.spatial, o.temporal, n, q.temporal)
			}
			return
		}
	}
}

// drain has a decoder take what a peer sent.
func (d *decoder) drain(p *peer) {
	for _, s := range p.out {
		d.take(s)
	}
	p.out = nil
}

// describeFilm tells what was sent, a line for each picture.
func describeFilm(list []sent) string {
	text := fmt.Sprintf("#%d", list[0].seq)
	if n := len(list); n > 1 {
		text += fmt.Sprintf("-%d", list[n-1].seq)
	}
	text += fmt.Sprintf(" at %d", list[0].timestamp)
	if list[0].rtx {
		text += fmt.Sprintf(" again (%d)", list[0].ssrc)
	}
	if list[0].size == 0 {
		return text + " empty"
	}
	if f := list[0].frame; f.HasPictureID {
		text += fmt.Sprintf(" id %d tl0 %d", f.PictureID, f.TL0PICIDX)
	}
	text += fmt.Sprintf(" picture %d:", originOf(list[0]).picture)
	for i := 0; i < len(list); i++ {
		from := i
		for i+1 < len(list) && originOf(list[i+1]) == originOf(list[i]) {
			i++
		}
		text += fmt.Sprintf(" %d.%d", originOf(list[i]).spatial, originOf(list[i]).temporal)
		if n := i - from + 1; n > 1 {
			text += fmt.Sprintf("×%d", n)
		}
	}
	if list[len(list)-1].marker {
		text += " end"
	}
	return text
}

// pass lets the time between two pictures pass.
func (f *film) pass() { f.advance(33 * time.Millisecond) }

var _ consumer.Source = (*producer.Producer)(nil)
