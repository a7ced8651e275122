package consumer_test

import (
	"cmp"
	"slices"
	"testing"
	"time"

	"gazpacho/pkg/codec"
	"gazpacho/pkg/producer"
	"gazpacho/proto"
	"pgregory.net/rapid"
)

// tids is the pattern of three temporal layers.
var tids = [4]uint8{0, 2, 1, 2}

// traffic is a world in which publisher, path, controller and peer do as they please.
type traffic struct {
	*world
	draw    func(name string, low, high int) int
	peer    *peer
	delayed []delayed
	missed  int  // packets that came never, or when they could not be forwarded
	rtx     bool // retransmissions have their own stream
	n       int  // pictures so far
}

// delayed is a packet that comes late, or as a retransmission.
type delayed struct {
	at     time.Time
	stream *publisher
	packet raw
	repair bool
}

// tick sends a picture on every stream. The publisher answers requests for key frames.
func (x *traffic) tick(lossless bool) {
	for i, s := range x.streams {
		v := picture{packets: x.draw("packets", 1, 3), tid: tids[x.n%4], sync: true, key: x.wanted[s.ssrc] || x.draw("key", 0, 30) == 0}
		if v.key {
			v.tid = 0
		}
		x.wanted[s.ssrc] = false
		for _, r := range x.make(s, v) {
			switch fate := x.draw("fate", 0, 19); {
			case fate < 2 || fate == 2 && lossless:
				x.delayed = append(x.delayed, delayed{x.now.Add(time.Duration(x.draw("delay", 1, 200)) * time.Millisecond), s, r, fate == 0})
			case fate == 2:
				x.missed++
			default:
				if x.give(x.streams[i], r) == producer.DropSequence {
					x.missed++ // of a stream that begins anew, it is not believed yet
				}
				if fate == 3 {
					x.give(x.streams[i], r) // the path delivers it twice
				}
			}
		}
	}
	x.n++
}

// pass lets time go on, and what was delayed come.
func (x *traffic) pass(d time.Duration) {
	until := x.now.Add(d)
	slices.SortStableFunc(x.delayed, func(a, b delayed) int { return a.at.Compare(b.at) })
	for len(x.delayed) > 0 && !x.delayed[0].at.After(until) {
		late := x.delayed[0]
		x.delayed = x.delayed[1:]
		x.advance(max(late.at.Sub(x.now), 0))
		give := x.give
		if late.repair {
			give = x.repair
		}
		if v := give(late.stream, late.packet); !v.Forwarded() || !x.peer.Active() {
			x.missed++
		}
	}
	x.advance(until.Sub(x.now))
}

// interfere does what controller, peer or transport may do at any time.
func (x *traffic) interfere() {
	now := x.now
	kinds := []string{"prefer", "pause", "resume", "producer pause", "producer resume", "disconnect", "connect", "sr", "pli", "restart", "nack", "bandwidth"}
	switch kinds[x.draw("interference", 0, len(kinds)-1)] {
	case "prefer":
		temporal := x.draw("temporal", 0, 2)
		x.peer.SetPreferredLayers(now, proto.ConsumerLayers{SpatialLayer: x.draw("spatial", 0, 2), TemporalLayer: &temporal})
	case "pause":
		x.peer.Pause(now)
	case "resume":
		x.peer.Resume(now)
	case "producer pause":
		x.producer.Pause(now)
	case "producer resume":
		x.producer.Resume(now)
	case "disconnect":
		x.peer.TransportDisconnected(now)
	case "connect":
		x.peer.TransportConnected(now)
	case "sr":
		for i := range x.streams {
			x.report(i)
		}
	case "pli":
		x.peer.HandleKeyFrameRequest(now, false)
	case "restart":
		i := x.draw("stream", 0, len(x.streams)-1)
		was := len(x.delayed)
		x.delayed = slices.DeleteFunc(x.delayed, func(d delayed) bool { return d.stream == x.streams[i] })
		x.missed += was - len(x.delayed)
		x.restart(i)
	case "bandwidth":
		x.peer.allot(x.draw("bandwidth", 0, 300)*1000, false)
	case "nack":
		if n := len(x.peer.out); n > 0 {
			seq := x.peer.out[x.draw("asked", max(n-30, 0), n-1)].seq
			x.peer.HandleNACK(now, nack(x.t, x.peer.SSRC(), seq, seq+1, seq+2))
		}
	}
}

// repeats splits off the retransmissions, which must say what the first transmissions said.
func (x *traffic) repeats(all []sent) (out []sent) {
	first := map[uint16]sent{}
	for _, p := range all {
		if p.ssrc == x.peer.SSRC() && (first[p.seq] == sent{}) {
			first[p.seq] = p
			out = append(out, p)
			continue
		}
		again, known := first[p.seq]
		if !known { // it came while it could not be forwarded, but was kept
			p.ssrc, p.pt, p.rtx = x.peer.SSRC(), 101, false
			first[p.seq] = p
			out = append(out, p)
			continue
		}
		again.ssrc, again.pt, again.rtx = p.ssrc, p.pt, p.rtx
		if p != again {
			x.t.Fatalf("#%d was sent as %+v and again as %+v", p.seq, first[p.seq], p)
		}
		if p.rtx != x.rtx {
			x.t.Fatalf("#%d was sent twice: %+v", p.seq, p)
		}
	}
	return out
}

// check looks at all that was sent, in the order of its numbers, as a receiver's jitter buffer does.
func (x *traffic) check() {
	t, out := x.t, x.repeats(x.peer.out)
	if len(out) == 0 {
		return
	}
	if !out[0].frame.KeyFrame && x.media.KeyFrames() || out[0].seq != 1000 {
		t.Fatalf("the first packet is %+v", out[0])
	}
	slices.SortStableFunc(out, func(a, b sent) int { return cmp.Compare(a.seq, b.seq) })
	gaps := 0
	pictures := map[uint16]uint32{}
	for i := range out {
		p := &out[i]
		if p.size > 0 && p.frame.HasPictureID {
			if timestamp, seen := pictures[p.frame.PictureID]; seen && timestamp != p.timestamp {
				t.Fatalf("picture %d at %d and %d", p.frame.PictureID, timestamp, p.timestamp)
			}
			pictures[p.frame.PictureID] = p.timestamp
		}
		if i == 0 {
			continue
		}
		before := &out[i-1]
		gaps += int(p.seq - before.seq - 1)
		x.follows(before, p)
	}
	if gaps > x.missed && (x.rtx || x.media != codec.VP8) { // without RTX, parts of dropped pictures are not filled in
		t.Fatalf("%d numbers are missing, but only %d packets never came", gaps, x.missed)
	}
}

// follows compares two packets that follow each other.
func (x *traffic) follows(before, p *sent) {
	t := x.t
	if d := int32(p.timestamp - before.timestamp); d < 0 || d == 0 && p.size > 0 && before.size > 0 && p.frame.PictureID != before.frame.PictureID {
		t.Fatalf("#%d at %d follows #%d at %d", p.seq, p.timestamp, before.seq, before.timestamp)
	}
	if p.size == 0 || before.size == 0 || !p.frame.HasPictureID || p.seq != before.seq+1 {
		return
	}
	step := (p.frame.PictureID - before.frame.PictureID) & 0x7fff
	tl0 := p.frame.TL0PICIDX - before.frame.TL0PICIDX
	switch {
	case step > 1 && x.missed == 0:
		t.Fatalf("#%d is picture %d, #%d was %d", p.seq, p.frame.PictureID, before.seq, before.frame.PictureID)
	case step == 0 && tl0 != 0, step == 1 && p.frame.Temporal == 0 && tl0 != 1, step == 1 && p.frame.Temporal > 0 && tl0 != 0:
		t.Fatalf("#%d is picture %d, tl0 %d, tid %d; #%d was %d, %d", p.seq, p.frame.PictureID, p.frame.TL0PICIDX, p.frame.Temporal,
			before.seq, before.frame.PictureID, before.frame.TL0PICIDX)
	}
}

// settings are the kinds of consumers that forward differently.
var settings = []struct {
	name    string
	media   codec.Kind
	streams int
	rtx     bool
}{
	{"simple VP8", codec.VP8, 1, true},
	{"simulcast VP8", codec.VP8, 3, true},
	{"simulcast VP8 without RTX", codec.VP8, 3, false},
	{"simulcast H264", codec.H264, 2, true},
	{"Opus", codec.Opus, 1, false},
}

// newTraffic makes a connected consumer, number i of settings, whose world draws its whims.
func newTraffic(t failer, i int, draw func(name string, low, high int) int) *traffic {
	w := newWorld(t, settings[i].media, settings[i].streams)
	x := &traffic{world: w, draw: draw, rtx: settings[i].rtx}
	o := w.options("a")
	o.IgnoreDTX = true
	if !x.rtx {
		o.RTPParameters.Codecs = o.RTPParameters.Codecs[:1]
		o.RTPParameters.Encodings[0].RTX = nil
	}
	x.peer = w.consume(o)
	x.peer.TransportConnected(w.now)
	return x
}

// run lets pictures come while more does so, and looks at the outcome.
func (x *traffic) run(lossless bool, more func() bool) {
	for more() {
		x.tick(lossless)
		if x.draw("interfere", 0, 14) == 0 {
			x.interfere()
		}
		x.pass(time.Duration(x.draw("ms", 5, 60)) * time.Millisecond)
	}
	x.pass(300 * time.Millisecond)
	x.check()
}

// Whatever is lost, late, repeated, paused or switched: to the receiver it is one stream. No number is sent twice, none is missing that
// was not missing here, timestamps go up from picture to picture and picture ids have no gaps.
func TestOneStreamForTheReceiver(t *testing.T) {
	for i, tt := range settings {
		t.Run(tt.name, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				draw := func(name string, low, high int) int { return rapid.IntRange(low, high).Draw(rt, name) }
				x := newTraffic(rt, i, draw)
				left := draw("ticks", 5, 200)
				x.run(draw("lossless", 0, 1) == 1, func() bool { left--; return left >= 0 })
			})
		})
	}
}
