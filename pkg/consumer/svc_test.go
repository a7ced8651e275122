package consumer_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"gazpacho/pkg/codec"
	"gazpacho/pkg/consumer"
	"gazpacho/pkg/rtp"
	"gazpacho/pkg/simtest/scalable"
	"gazpacho/proto"
)

// modes are those of WebRTC-SVC with several layers.
var modes = []string{"L1T2", "L1T3", "L2T1", "L2T2", "L2T3", "L3T1", "L3T2", "L3T3", "L2T1_KEY", "L2T3_KEY", "L3T3_KEY", "S2T1", "S3T3"}

// wish makes preferred layers.
func wish(spatial, temporal int) proto.ConsumerLayers {
	return proto.ConsumerLayers{SpatialLayer: spatial, TemporalLayer: &temporal}
}

// Whatever is wished and whatever the publisher sends, all that is forwarded can be decoded, numbers have no gaps, each picture ends with one
// marker, and what is wished is reached with the key picture that is asked for.
func TestSVCIsDecodable(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		media := rapid.SampledFrom([]codec.Kind{codec.VP9, codec.AV1}).Draw(rt, "media")
		f := newFilm(rt, media, rapid.SampledFrom(modes).Draw(rt, "mode"))
		p := f.consume(f.options("a"))
		p.TransportConnected(f.now)
		d := newDecoder(f)
		m := f.encoder.Mode
		deny := 0 // pictures for which the publisher takes no notice of requests
		rt.Repeat(map[string]func(*rapid.T){
			"picture": func(rt *rapid.T) {
				v := shot{packets: rapid.IntRange(1, 3).Draw(rt, "packets")}
				v.key = len(f.stills) == 0 || len(f.wanted) > 0 && deny == 0 || rapid.IntRange(0, 30).Draw(rt, "key") == 0
				deny = max(deny-1, 0)
				f.shoot(v)
				d.drain(p)
				f.pass()
			},
			"fewer layers": func(rt *rapid.T) {
				if m.Key || m.Apart || len(f.stills) == 0 { // their upper layers cannot come back without a key picture
					return
				}
				f.shoot(shot{layers: rapid.IntRange(1, m.Spatial).Draw(rt, "layers")})
				d.drain(p)
				f.pass()
			},
			"wish": func(rt *rapid.T) {
				l := wish(rapid.IntRange(0, m.Spatial).Draw(rt, "spatial"), rapid.IntRange(0, m.Temporal).Draw(rt, "temporal"))
				if _, err := p.SetPreferredLayers(f.now, l); err != nil {
					rt.Fatal(err)
				}
			},
			"wish within a picture": func(rt *rapid.T) {
				l := wish(rapid.IntRange(0, m.Spatial).Draw(rt, "spatial"), rapid.IntRange(0, m.Temporal).Draw(rt, "temporal"))
				at := rapid.IntRange(0, 2*m.Spatial-1).Draw(rt, "before packet")
				v := shot{packets: 2, key: len(f.stills) == 0 || len(f.wanted) > 0 && deny == 0}
				v.before = func(n int) {
					if n != at {
						return
					}
					if _, err := p.SetPreferredLayers(f.now, l); err != nil {
						rt.Fatal(err)
					}
				}
				f.shoot(v)
				d.drain(p)
				f.pass()
			},
			"bandwidth": func(rt *rapid.T) { p.allot(rapid.IntRange(0, 300).Draw(rt, "bandwidth")*1000, false) },
			"pause": func(*rapid.T) {
				p.Pause(f.now)
				p.Resume(f.now)
			},
			"wait":  func(rt *rapid.T) { f.advance(time.Duration(rapid.IntRange(0, 3000).Draw(rt, "ms")) * time.Millisecond) },
			"deny":  func(rt *rapid.T) { deny = rapid.IntRange(0, 20).Draw(rt, "pictures") },
			"check": func(*rapid.T) {},
			"settle": func(rt *rapid.T) {
				deny = 0
				p.allot(1e9, false)
				for range 130 { // more than it takes to ask, wait and ask again
					f.shoot(shot{packets: 1, key: len(f.stills) == 0 || len(f.wanted) > 0})
					d.drain(p)
					f.pass()
					p.allot(1e9, false) // layers that nobody sent for a while are not counted on at first
				}
				dump := p.Dump()
				if *dump.CurrentSpatialLayer != *dump.PreferredSpatialLayer || *dump.CurrentTemporalLayer != *dump.PreferredTemporalLayer {
					rt.Fatalf("%d.%d is wished, %d.%d is sent", *dump.PreferredSpatialLayer, *dump.PreferredTemporalLayer,
						*dump.CurrentSpatialLayer, *dump.CurrentTemporalLayer)
				}
				if d.shown.spatial != *dump.CurrentSpatialLayer {
					rt.Fatalf("layer %d is sent, not %d", d.shown.spatial, *dump.CurrentSpatialLayer)
				}
			},
		})
	})
}

// With losses that are repaired, every number that was given out is filled once, markers end pictures once, and none is asked for in vain.
func TestSVCRepairs(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		f := newFilm(rt, rapid.SampledFrom([]codec.Kind{codec.VP9, codec.AV1}).Draw(rt, "media"), rapid.SampledFrom(modes).Draw(rt, "mode"))
		p := f.consume(f.options("a"))
		p.TransportConnected(f.now)
		m := f.encoder.Mode
		for n := range rapid.IntRange(1, 60).Draw(rt, "pictures") {
			v := shot{packets: 2, key: n%17 == 0, lose: map[[2]int]bool{}}
			if n > 0 && rapid.IntRange(0, 3).Draw(rt, "lossy") == 0 {
				for range rapid.IntRange(1, 4).Draw(rt, "losses") {
					v.lose[[2]int{rapid.IntRange(0, m.Spatial-1).Draw(rt, "spatial"), rapid.IntRange(0, 1).Draw(rt, "packet")}] = true
				}
			}
			f.shoot(v)
			f.pass()
			if rapid.IntRange(0, 5).Draw(rt, "wish") == 0 {
				l := wish(rapid.IntRange(0, m.Spatial-1).Draw(rt, "s"), rapid.IntRange(0, m.Temporal-1).Draw(rt, "t"))
				if _, err := p.SetPreferredLayers(f.now, l); err != nil {
					rt.Fatal(err)
				}
			}
			if n%10 == 9 || rapid.IntRange(0, 2).Draw(rt, "repair") == 0 {
				f.late(false)
			}
		}
		f.late(false)
		filled, last, markers := map[uint16]bool{}, uint16(0), map[int]int{}
		for _, s := range p.out {
			if filled[s.seq] {
				rt.Fatalf("#%d is sent twice", s.seq)
			}
			filled[s.seq] = true
			last = max(last, s.seq)
			if s.marker && s.size > 0 {
				markers[originOf(s).picture]++
			}
		}
		for seq := uint16(1000); seq < last; seq++ {
			if !filled[seq] {
				rt.Fatalf("#%d of %d never came", seq, last)
			}
		}
		for picture, n := range markers {
			// A key picture that could not be understood until it was whole is forwarded whole; layers below its end may have ended before.
			if n > 1 && !f.stills[picture].key {
				rt.Fatalf("picture %d ended %d times", picture, n)
			}
		}
	})
}

func TestSVCPreferences(t *testing.T) {
	f := newFilm(t, codec.VP9, "L3T3")
	for name, o := range map[string]proto.ConsumerLayers{"spatial": wish(-1, 0), "temporal": wish(0, -1)} {
		opts := f.options(name)
		opts.PreferredLayers = &o
		if _, err := consumer.New(consumer.Config{
			Options: opts, Source: f.producer, Sink: &peer{w: f.world}, Timers: &f.timers, Events: f, Random: func() uint32 { return 0 },
		}); err == nil || err.Name != proto.TypeErrorName {
			t.Errorf("%s: %v", name, err)
		}
	}
	p := f.consume(f.options("a"))
	if got := p.Result().PreferredLayers; got.SpatialLayer != 2 || *got.TemporalLayer != 2 {
		t.Errorf("%+v by default", got)
	}
	for _, tt := range []struct{ wish, want [2]int }{{[2]int{1, 1}, [2]int{1, 1}}, {[2]int{9, 9}, [2]int{2, 2}}, {[2]int{0, 7}, [2]int{0, 2}}} {
		got, err := p.SetPreferredLayers(f.now, wish(tt.wish[0], tt.wish[1]))
		if l := got.PreferredLayers; err != nil || l.SpatialLayer != tt.want[0] || *l.TemporalLayer != tt.want[1] {
			t.Errorf("%v: %+v, %v", tt.wish, got.PreferredLayers, err)
		}
	}
	if p.Type() != proto.SVC || p.Dump().Type != proto.SVC {
		t.Errorf("it is %s", p.Type())
	}
}

// One stream of VP8 or H264 with temporal layers is scalable video too; picture ids of VP8 are closed up.
func TestSVCTemporalOnly(t *testing.T) {
	for _, media := range []codec.Kind{codec.VP8, codec.H264} {
		w := newWorld(t, media, 1)
		o := w.options("a")
		o.Type = proto.SVC
		o.RTPParameters.Encodings[0].ScalabilityMode = "L1T3"
		p := w.consume(o)
		p.TransportConnected(w.now)
		if _, err := p.SetPreferredLayers(w.now, wish(0, 1)); err != nil {
			t.Fatal(err)
		}
		for n := range 12 {
			tid := [4]uint8{0, 2, 1, 2}[n%4]
			w.send(0, picture{key: n == 0, packets: 2, tid: tid, sync: true})
			w.advance(33 * time.Millisecond)
		}
		want := 12 // H264 does not tell of its layers
		if media == codec.VP8 {
			want = 6
		}
		if len(p.out) != 2*want {
			t.Fatalf("%v: %d packets were sent, of %d pictures", media, len(p.out), want)
		}
		for i, s := range p.out {
			if s.seq != uint16(1000+i) || s.marker != (i%2 == 1) || s.frame.HasPictureID && s.frame.PictureID != (p.out[0].frame.PictureID+uint16(i/2))&0x7fff {
				t.Errorf("%v: %+v", media, s)
			}
		}
	}
}

// Receivers that negotiated the dependency descriptor are told which decode targets they still get, in every packet; simple consumers forward it as it is,
// and VP9, whose layers are not read from it, goes without.
func TestSVCDescriptor(t *testing.T) {
	f := newFilm(t, codec.AV1, "L3T3_KEY")
	var is codec.Dependencies
	var last rtp.Frame
	sent := 0
	sink := sinkFunc(func(h *rtp.Header) {
		v := h.Descriptor
		if v == nil {
			t.Fatalf("#%d: the publisher's descriptor", h.SequenceNumber)
		}
		was, p := h.Source.Frame, rtp.Frame{}
		if is.Read(v, &p) == codec.Unreadable {
			t.Fatalf("#%d: %x cannot be read", h.SequenceNumber, v)
		}
		if p.Spatial != was.Spatial || p.Temporal != was.Temporal || p.Start != was.Start || p.End != was.End || p.KeyFrame != was.KeyFrame || !p.Descriptor.There {
			t.Fatalf("#%d: %+v became %+v", h.SequenceNumber, was, p)
		}
		sent++
		last = p
	})
	o := f.options("a")
	c, err := consumer.New(consumer.Config{
		Options: o, Source: f.producer, Sink: sink, Timers: &f.timers, Events: f, Random: func() uint32 { return 0 },
	})
	if err != nil {
		t.Fatal(err)
	}
	f.producer.AddTap(c)
	c.TransportConnected(f.now)
	for _, l := range [][2]int{{2, 2}, {1, 2}, {1, 0}, {1, 1}, {0, 1}, {2, 2}} {
		if _, err := c.SetPreferredLayers(f.now, wish(l[0], l[1])); err != nil {
			t.Fatal(err)
		}
		before := sent
		for range 40 {
			f.shoot(shot{key: len(f.stills) == 0 || len(f.wanted) > 0})
			f.pass()
		}
		// Targets are counted through the temporal layers of each spatial one.
		want := uint32(0)
		for i := range 9 {
			if i/3 <= l[0] && i%3 <= l[1] {
				want |= 1 << i
			}
		}
		if got := last.Descriptor.Active; got != want || sent == before {
			t.Errorf("layers %v: decode targets %b, want %b, %d packets", l, got, want, sent-before)
		}
	}
	for kind, media := range map[string]codec.Kind{proto.SVC: codec.VP9, proto.Simple: codec.VP9} {
		f := newFilm(t, media, "L2T1")
		id := uint8(99)
		o := f.options(kind)
		o.Type = kind
		c, err := consumer.New(consumer.Config{
			Options: o, Source: f.producer, Sink: sinkFunc(func(h *rtp.Header) { id = h.IDs[rtp.ExtDependencyDescriptor] }),
			Timers: &f.timers, Events: f, Random: func() uint32 { return 0 },
		})
		if err != nil {
			t.Fatal(err)
		}
		f.producer.AddTap(c)
		c.TransportConnected(f.now)
		f.shoot(shot{key: true})
		if want := map[string]uint8{proto.SVC: 0, proto.Simple: 7}[kind]; id != want {
			t.Errorf("a consumer of type %s writes the descriptor with id %d, want %d", kind, id, want)
		}
	}
}

type sinkFunc func(h *rtp.Header)

func (f sinkFunc) SendRTP(_ time.Time, h *rtp.Header, payload []byte) int {
	f(h)
	return len(payload) + 12
}

// reel is the packets of some seconds of scalable video, to be played in a circle.
type reel struct {
	fanout
	list [][]byte
	next int
}

func newReel(tb testing.TB, media codec.Kind, mode string, consumers int) *reel {
	f := newFilm(tb, media, mode)
	r := &reel{fanout: fanout{now: time.Now(), producer: f.producer}}
	encoder := scalable.Encoder{Mode: modeOf(mode)}
	for n := range 120 {
		for _, p := range encoder.Picture(n == 0, 4) {
			x := raw{timestamp: uint32(n) * 3000, marker: p.Marker, payload: append(p.VP9, make([]byte, 1000)...)}
			f.extra = map[uint16][]byte{}
			if media == codec.AV1 {
				x.payload = append(p.AV1, make([]byte, 1000)...)
				f.extra[0] = p.Descriptor
			}
			r.list = append(r.list, f.bytes(x, 96))
		}
	}
	for range consumers {
		o := f.options("a")
		l := wish(1, 1)
		o.PreferredLayers = &l
		c, err := consumer.New(consumer.Config{
			Options: o, Source: f.producer, Sink: &r.sink, Timers: &r.timers, Events: nowhere{}, Random: func() uint32 { return 0 },
		})
		if err != nil {
			tb.Fatal(err)
		}
		f.producer.AddTap(c)
		c.TransportConnected(r.now)
	}
	return r
}

// step plays the next packet, with numbers and times that go on.
func (r *reel) step(tb testing.TB) {
	b := r.list[r.next%len(r.list)]
	timestamp := uint32(r.next/len(r.list)*len(r.list)/12*3000) + uint32(r.next%len(r.list)/12)*3000
	b[2], b[3] = byte(r.next>>8), byte(r.next)
	b[4], b[5], b[6], b[7] = byte(timestamp>>24), byte(timestamp>>16), byte(timestamp>>8), byte(timestamp)
	r.next++
	r.now = r.now.Add(3 * time.Millisecond)
	if !r.packet.Parse(b) {
		tb.Fatal("no packet")
	}
	if v := r.producer.HandleRTP(r.now, &r.packet); !v.Forwarded() {
		tb.Fatal(v)
	}
}

func TestSVCAllocatesNothing(t *testing.T) {
	for _, media := range []codec.Kind{codec.VP9, codec.AV1} {
		r := newReel(t, media, "L3T3", 10)
		for range 5000 {
			r.step(t)
		}
		sent := r.sink.n
		if n := testing.AllocsPerRun(5000, func() { r.step(t) }); n != 0 {
			t.Errorf("%v: %v allocations", media, n)
		}
		if r.sink.n == sent {
			t.Errorf("%v: nothing was sent", media)
		}
	}
}

func BenchmarkSVC(b *testing.B) {
	for _, media := range []codec.Kind{codec.VP9, codec.AV1} {
		b.Run(media.String(), func(b *testing.B) {
			r := newReel(b, media, "L3T3", 100)
			for range 5000 {
				r.step(b)
			}
			n := 0
			sent := r.sink.n
			b.ReportAllocs()
			for b.Loop() {
				r.step(b)
				n++
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n)/100, "ns/packet-in")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(r.sink.n-sent), "ns/packet-out")
		})
	}
}
