package consumer_test

import (
	"testing"
	"time"

	"gazpacho/pkg/codec"
	"gazpacho/proto"
)

// allot gives the consumer, all alone, a bandwidth in bit/s; must as Raise has it. It returns what the layers take.
func (p *peer) allot(available int, must bool) int {
	if !p.Plan() {
		return 0
	}
	for {
		used, raised := p.Raise(p.w.now, available, must)
		if !raised {
			return p.Apply(p.w.now)
		}
		available, must = available-used, false
	}
}

// target is the layers that are waited for or sent.
func (p *peer) target() [2]int {
	d := p.Dump()
	return [2]int{*d.TargetSpatialLayer, *d.TargetTemporalLayer}
}

// stage is a world of three streams, each eight times as large as the one below, a quarter of it in temporal layer 0, as much in 1 and the rest in 2.
func stage(t *testing.T) (*world, *peer) {
	w := newWorld(t, codec.VP8, 3)
	p := w.consume(w.options("a"))
	p.TransportConnected(w.now)
	w.roll(4 * time.Second)
	return w, p
}

// roll plays for a while. Key frames come when they are asked for.
func (w *world) roll(d time.Duration) {
	for end, n := w.now.Add(d), 0; w.now.Before(end); n++ {
		for i, s := range w.streams {
			v := picture{packets: []int{2, 16, 128}[i], tid: tids[n%4], sync: true, key: w.wanted[s.ssrc] && n%4 == 0}
			w.wanted[s.ssrc] = w.wanted[s.ssrc] && !v.key
			w.send(i, v)
		}
		w.advance(40 * time.Millisecond)
	}
}

// cost is what layers of a stream take.
func (w *world) cost(stream, temporal int) (sum int) {
	for t := range temporal + 1 {
		sum += w.producer.LayerBitrate(w.now, uint32(1000+stream), 0, t)
	}
	return sum
}

// Layers are taken one by one, temporal ones first, as long as each fits with a margin.
func TestLayersThatFit(t *testing.T) {
	w, _ := stage(t)
	tests := []struct {
		name      string
		available float64
		want      [2]int
	}{
		{"everything", 1e9, [2]int{2, 2}},
		{"a little too little for the last", 1.03 * float64(w.cost(2, 2)), [2]int{2, 1}},
		{"the middle stream", 1.2 * float64(w.cost(1, 2)), [2]int{1, 2}},
		{"less of the middle stream", 1.2 * float64(w.cost(1, 0)), [2]int{1, 0}},
		{"the lowest stream", 1.2 * float64(w.cost(0, 2)), [2]int{0, 2}},
		{"hardly anything", 1.2 * float64(w.cost(0, 0)), [2]int{0, 0}},
		{"nothing", 0.5 * float64(w.cost(0, 0)), [2]int{-1, -1}},
	}
	for _, tt := range tests {
		w, p := stage(t)
		used := p.allot(int(tt.available), false)
		if got := p.target(); got != tt.want {
			t.Errorf("%s: target %v, want %v", tt.name, got, tt.want)
		}
		if tt.want[0] >= 0 && used != w.cost(tt.want[0], tt.want[1]) || tt.want[0] < 0 && (used != 0 || p.Active()) {
			t.Errorf("%s: %d bit/s are used, active %v", tt.name, used, p.Active())
		}
		if want := w.cost(2, 2); p.Active() && p.DesiredBitrate(w.now) != want {
			t.Errorf("%s: %d bit/s are desired, want %d", tt.name, p.DesiredBitrate(w.now), want)
		}
	}
}

// "The preferred temporal layer is a limit for every spatial layer", and the spatial one too, however much there is.
func TestPreferenceLimitsWhatFits(t *testing.T) {
	w, p := stage(t)
	if _, err := p.SetPreferredLayers(w.now, wish(1, 1)); err != nil {
		t.Fatal(err)
	}
	if used := p.allot(1e9, false); p.target() != [2]int{1, 1} || used != w.cost(1, 1) || p.DesiredBitrate(w.now) != used {
		t.Errorf("target %v, %d bit/s of %d", p.target(), used, p.DesiredBitrate(w.now))
	}
}

// One that must have something has its lowest layer though it does not fit.
func TestLayerThatMustBe(t *testing.T) {
	w, p := stage(t)
	if used := p.allot(100, true); p.target() != [2]int{0, 0} || used != w.cost(0, 0) || !p.Active() {
		t.Errorf("target %v, %d bit/s", p.target(), used)
	}
}

// A consumer without bandwidth sends nothing and says so; with bandwidth it begins with a key frame.
func TestConsumerWithoutBandwidth(t *testing.T) {
	w, p := stage(t)
	p.allot(1e9, false)
	w.roll(time.Second)
	before := len(p.out)
	w.journal = nil
	p.allot(0, false)
	w.roll(time.Second)
	if len(p.out) != before || p.Active() || len(w.journal) == 0 || w.journal[0] != "a: no layers" {
		t.Errorf("%d packets were sent: %v", len(p.out)-before, w.journal)
	}
	p.allot(1e9, false)
	w.roll(time.Second)
	if len(p.out) == before || !p.out[before].frame.KeyFrame {
		t.Errorf("%d packets were sent, active %v", len(p.out)-before, p.Active())
	}
}

// What is forwarded needs a little less than going up to it does, so that bitrates that swing about the limit do not switch layers. After bandwidth took
// a stream away, more is needed for ten seconds, and a stream that has lived for eight.
func TestLayersDoNotFlap(t *testing.T) {
	w, p := stage(t)
	p.allot(1e9, false)
	w.roll(3 * time.Second)
	if p.allot(w.cost(2, 2)*98/100, false); p.target() != [2]int{2, 2} {
		t.Fatalf("target %v with nearly enough", p.target())
	}
	if p.allot(w.cost(1, 2)*115/100, false); p.target() != [2]int{1, 2} {
		t.Fatalf("target %v", p.target())
	}
	w.roll(time.Second)
	enough := w.cost(1, 2) + (w.cost(2, 0)-w.cost(1, 2))*120/100
	if p.allot(enough, false); p.target()[0] != 1 {
		t.Errorf("up to %v a second after going down", p.target())
	}
	w.roll(10 * time.Second)
	if p.allot(enough, false); p.target()[0] != 2 {
		t.Errorf("target %v ten seconds later", p.target())
	}
}

// A stream that has just come is not gone up to.
func TestYoungStreamsAreNotRaisedTo(t *testing.T) {
	w := newWorld(t, codec.VP8, 2)
	p := w.consume(w.options("a"))
	p.TransportConnected(w.now)
	play := func(d time.Duration, streams ...int) {
		for end, n := w.now.Add(d), 0; w.now.Before(end); n++ {
			for _, i := range streams {
				w.send(i, picture{packets: 5 + 10*i, key: n%10 == 0})
			}
			w.advance(40 * time.Millisecond)
		}
	}
	play(3*time.Second, 0)
	p.allot(1e9, false)
	play(time.Second, 0, 1)
	if p.allot(1e9, false); p.target()[0] != 0 {
		t.Errorf("target %v, of a stream that is a second old", p.target())
	}
	play(1500*time.Millisecond, 0, 1)
	if p.allot(1e9, false); p.target()[0] != 1 {
		t.Errorf("target %v, of a stream that is old enough", p.target())
	}
}

// Audio, and video without layers, is never taken away; only the latter is counted.
func TestSimpleConsumersAreNotLimited(t *testing.T) {
	w := newWorld(t, codec.VP8, 1)
	p := w.consume(w.options("a"))
	p.TransportConnected(w.now)
	for range 50 {
		w.send(0, picture{packets: 10, key: true})
		w.advance(40 * time.Millisecond)
	}
	if used := p.allot(0, false); used == 0 || !p.Active() || p.DesiredBitrate(w.now) != used {
		t.Errorf("%d bit/s, active %v, %d desired", used, p.Active(), p.DesiredBitrate(w.now))
	}
	p.Pause(w.now)
	if p.Plan() || p.DesiredBitrate(w.now) != 0 {
		t.Error("a paused consumer takes part")
	}
	w = newWorld(t, codec.Opus, 1)
	p = w.consume(w.options("b"))
	p.TransportConnected(w.now)
	w.send(0, picture{packets: 1})
	if p.Plan() || p.DesiredBitrate(w.now) != 0 {
		t.Error("audio takes part")
	}
}

// Of scalable video the layers below are counted where they are sent too, and where each is for itself they are not.
func TestSVCLayersThatFit(t *testing.T) {
	for _, mode := range []string{"L3T3", "L3T3_KEY", "S3T3"} {
		f := newFilm(t, codec.VP9, mode)
		p := f.consume(f.options("a"))
		p.TransportConnected(f.now)
		for n := range 100 {
			f.shoot(shot{packets: 20, key: n == 0 || len(f.wanted) > 0})
			f.pass()
		}
		cost := func(spatial, temporal int) (sum int) {
			for s := range spatial + 1 {
				if s < spatial && mode != "L3T3" {
					continue
				}
				for l := range temporal + 1 {
					sum += f.producer.LayerBitrate(f.now, 1000, s, l)
				}
			}
			return sum
		}
		for _, want := range [][2]int{{2, 2}, {1, 1}, {0, 0}} {
			available := cost(want[0], want[1])
			used := p.allot(available*115/100, false)
			if mode == "L3T3" && p.target() != want {
				t.Errorf("%s: target %v, want %v", mode, p.target(), want)
			}
			got := p.target()
			if used != cost(got[0], got[1]) || used > available*115/100 {
				t.Errorf("%s: target %v takes %d of %d bit/s", mode, got, used, available*115/100)
			}
			for range 60 {
				f.shoot(shot{packets: 20, key: len(f.wanted) > 0})
				f.pass()
			}
			d := p.Dump()
			if *d.CurrentSpatialLayer != got[0] || *d.CurrentTemporalLayer != got[1] {
				t.Errorf("%s: %d.%d is sent, want %v", mode, *d.CurrentSpatialLayer, *d.CurrentTemporalLayer, got)
			}
		}
	}
}

// What may change the shares is told: at once what begins or is wished, the rest when there is time.
func TestDemand(t *testing.T) {
	w := newWorld(t, codec.VP8, 3)
	o := w.options("a")
	var told []bool
	p := w.consumeWith(o, func(_ time.Time, atOnce bool) { told = append(told, atOnce) })
	expect := func(what string, want ...bool) {
		t.Helper()
		if len(told) != len(want) || len(want) > 0 && told[0] != want[0] {
			t.Errorf("%s: told %v, want %v", what, told, want)
		}
		told = nil
	}
	expect("made")
	p.TransportConnected(w.now)
	expect("connected", true)
	p.TransportConnected(w.now)
	expect("connected again")
	if _, err := p.SetPreferredLayers(w.now, proto.ConsumerLayers{SpatialLayer: 1}); err != nil {
		t.Fatal(err)
	}
	expect("preferred", true)
	w.send(0, picture{packets: 1, key: true})
	expect("a stream began", false, false)
	p.Pause(w.now)
	expect("paused", false)
	p.Resume(w.now)
	expect("resumed", true)
}
