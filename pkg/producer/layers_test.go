package producer

import (
	"maps"
	"slices"
	"testing"
	"time"

	"gazpacho/pkg/rtp"
	"gazpacho/pkg/simtest/scalable"
	"gazpacho/proto"
)

// descriptorID is the id of the dependency descriptor in tests.
const descriptorID = 7

// produceScalable makes options of one stream of scalable video.
func produceScalable(mime, mode string) *proto.Produce {
	e := single()
	e.ScalabilityMode = mode
	o := produceVideo(e)
	o.RTPParameters.Codecs[0].MimeType = mime
	o.RTPParameters.HeaderExtensions = append(o.RTPParameters.HeaderExtensions, proto.RTPHeaderExtensionParameters{
		URI: rtp.ExtDependencyDescriptor.String(), ID: descriptorID,
	})
	return o
}

// film is a stream of scalable video in packets of a codec.
type film struct {
	encoder scalable.Encoder
	av1     bool
	seq     uint16
	at      uint32
}

func (f *film) picture(key bool, packets int) []packet {
	f.at += 3000
	var list []packet
	for _, p := range f.encoder.Picture(key, packets) {
		f.seq++
		q := packet{ssrc: 10, pt: vp8Type, seq: f.seq, timestamp: f.at, payload: p.VP9}
		if f.av1 {
			q.payload, q.extensions = p.AV1, map[uint8]string{descriptorID: string(p.Descriptor)}
		}
		list = append(list, q)
	}
	return list
}

func TestTypes(t *testing.T) {
	for mode, want := range map[string]string{
		"": proto.Simple, "L1T1": proto.Simple, "chicken": proto.Simple, "L1T3": proto.SVC, "L3T1": proto.SVC, "L3T3": proto.SVC,
		"L3T3_KEY": proto.SVC, "S3T3": proto.SVC, "L99T99": proto.SVC,
	} {
		for _, mime := range []string{"video/VP8", "video/VP9", "video/AV1", "video/H264", "video/H265"} {
			if w := newWorld(t, produceScalable(mime, mode)); w.producer.Type() != want || w.producer.Result().Type != want {
				t.Errorf("%s %q is %s", mime, mode, w.producer.Type())
			}
		}
	}
	o := produceAudio()
	o.RTPParameters.Encodings[0].ScalabilityMode = "L1T3"
	if w := newWorld(t, o); w.producer.Type() != proto.Simple {
		t.Errorf("audio is %s", w.producer.Type())
	}
}

// What taps learn of a packet is the same by the VP9 payload descriptor and by AV1's dependency descriptor.
func TestLayersAreRead(t *testing.T) {
	for _, av1 := range []bool{false, true} {
		mime := "video/VP9"
		if av1 {
			mime = "video/AV1"
		}
		w := newWorld(t, produceScalable(mime, "L3T2"))
		r := w.tap("tap")
		f := film{encoder: scalable.Encoder{Mode: scalable.Mode{Spatial: 3, Temporal: 2}}, av1: av1}
		for n := range 40 {
			for _, p := range f.picture(n == 0, 2) {
				w.must(Media, p)
			}
			w.advance(25 * time.Millisecond)
		}
		for i := range r.packets {
			got := r.packets[i].Frame
			want := rtp.Frame{
				KeyFrame: i == 0, Spatial: uint8(i / 2 % 3), Temporal: uint8(i / 6 % 2), Start: i%2 == 0, End: i%2 == 1, SwitchAfter: i/6%2 == 0,
			}
			got.HasPictureID, got.HasTL0PICIDX, got.PictureID, got.PictureIDBytes, got.PictureIDAt = false, false, 0, 0, 0
			if d := got.Descriptor; av1 && (d.Targets.Count != 6 || d.Active != 1<<6-1 || d.There) || !av1 && d != (rtp.Descriptor{}) {
				t.Fatalf("%s, packet %d: %+v", mime, i, d)
			}
			got.Descriptor = rtp.Descriptor{}
			got.TL0PICIDX, got.TL0PICIDXAt, got.InterPicture, got.Unreferenced = 0, 0, false, false
			got.SwitchAfter = got.SwitchAfter && got.Temporal == 0
			if got != want {
				t.Fatalf("%s, packet %d: %+v, want %+v", mime, i, got, want)
			}
		}
		rates := *w.producer.Stats(w.now)[0].BitrateByLayer
		if got := slices.Sorted(maps.Keys(rates)); !slices.Equal(got, []string{"0.0", "0.1", "1.0", "1.1", "2.0", "2.1"}) {
			t.Errorf("%s: %v", mime, rates)
		}
		if d := w.producer.Dump().RTPStreams[0].Params; d.SpatialLayers != 3 || d.TemporalLayers != 2 {
			t.Errorf("%s: %+v", mime, d)
		}
	}
}

// Layers beyond those that were announced are counted with the highest ones.
func TestMoreLayersThanAnnounced(t *testing.T) {
	w := newWorld(t, produceScalable("video/VP9", "L2T1"))
	f := film{encoder: scalable.Encoder{Mode: scalable.Mode{Spatial: 4, Temporal: 3}}}
	for n := range 8 {
		for _, p := range f.picture(n == 0, 1) {
			w.must(Media, p)
		}
		w.advance(25 * time.Millisecond)
	}
	if rates := *w.producer.Stats(w.now)[0].BitrateByLayer; len(rates) != 2 || rates["1.0"] <= rates["0.0"] {
		t.Errorf("%v", rates)
	}
}

// A key frame whose first packet, which has the structure, comes last is understood as a whole then.
func TestStructureComesLate(t *testing.T) {
	for _, again := range []bool{false, true} {
		w := newWorld(t, produceScalable("video/AV1", "L2T1"))
		f := film{encoder: scalable.Encoder{Mode: scalable.Mode{Spatial: 2, Temporal: 1}}, av1: true}
		if again {
			// The structure before is another: it has one layer, and its templates other meanings.
			before := film{encoder: scalable.Encoder{Mode: scalable.Mode{Spatial: 1, Temporal: 1}}, av1: true}
			for _, p := range before.picture(true, 1) {
				w.must(Media, p)
			}
			f.seq, f.at = before.seq, before.at
		}
		first := f.seq + 1
		picture := append(f.picture(true, 2), f.picture(false, 2)...)
		for _, p := range picture[1:] {
			w.must(Media, p)
		}
		if q, _ := w.producer.Cached(w.now, 1000, first+2); q.Frame.Spatial != 0 || q.Frame.KeyFrame {
			t.Errorf("what cannot be known is: %+v", q.Frame)
		}
		w.must(Media, picture[0])
		for i := range picture {
			q, ok := w.producer.Cached(w.now, 1000, first+uint16(i))
			if !ok || int(q.Frame.Spatial) != i/2%2 || q.Frame.Start != (i%2 == 0) || q.Frame.End != (i%2 == 1) || q.Frame.KeyFrame != (i == 0) {
				t.Errorf("packet %d: %+v", i, q.Frame)
			}
		}
	}
}

// A stream that begins anew has another structure: what is known of the old one does not count.
func TestStructureIsForgotten(t *testing.T) {
	o := produceScalable("video/AV1", "L2T1")
	o.RTPParameters.Encodings[0].SSRC, o.RTPParameters.Encodings[0].RTX = 0, nil
	o.RTPMapping.Encodings[0].SSRC = 0
	w := newWorld(t, o)
	r := w.tap("tap")
	f := film{encoder: scalable.Encoder{Mode: scalable.Mode{Spatial: 2, Temporal: 1}}, av1: true}
	for _, p := range f.picture(true, 1) {
		w.must(Media, p)
	}
	for _, p := range f.picture(false, 1) {
		p.ssrc = 20
		w.must(Media, p)
	}
	if last := r.packets[len(r.packets)-1]; last.SSRC != 1000 || last.Frame != (rtp.Frame{}) {
		t.Errorf("%+v", last.Frame)
	}
}

// A publisher of AV1 that did not negotiate the descriptor has no layers, but key frames.
func TestNoDescriptor(t *testing.T) {
	o := produceScalable("video/AV1", "L2T1")
	o.RTPParameters.HeaderExtensions = o.RTPParameters.HeaderExtensions[:4]
	w := newWorld(t, o)
	r := w.tap("tap")
	f := film{encoder: scalable.Encoder{Mode: scalable.Mode{Spatial: 2, Temporal: 1}}, av1: true}
	for _, p := range f.picture(true, 1) {
		w.must(Media, p)
	}
	if len(r.packets) != 2 || r.packets[0].Frame != (rtp.Frame{KeyFrame: true}) || r.packets[1].Frame != (rtp.Frame{}) {
		t.Errorf("%+v", r.packets)
	}
}
