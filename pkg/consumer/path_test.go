package consumer_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"gazpacho/pkg/codec"
	"gazpacho/pkg/producer"
	"gazpacho/pkg/rtp"
)

// path is a publisher and a receiver at the ends of lossy ways, with us in between, in virtual time. The same seed does the same.
type path struct {
	*world
	rnd     *rand.Rand
	loss    float64 // of each packet, in each direction
	delay   time.Duration
	pending []arrival
	history map[uint16]raw // what the publisher sent
	peer    *peer
	has     map[uint16]sent      // what the receiver has
	asked   map[uint16]time.Time // what it asked for, and when
	first   uint16
	highest uint16
}

// arrival is something that happens when it has crossed the path.
type arrival struct {
	at time.Time
	do func()
}

// cross lets something happen after the delay, unless it is lost.
func (x *path) cross(do func()) {
	if x.rnd.Float64() >= x.loss {
		jitter := time.Duration(x.rnd.IntN(3)) * time.Millisecond
		x.pending = append(x.pending, arrival{x.now.Add(x.delay + jitter), do})
	}
}

// SendRTCP takes our NACKs to the publisher, who sends again what it has.
func (x *path) SendRTCP(_ time.Time, packet []byte) {
	packet = slices.Clone(packet)
	x.cross(func() {
		compound, _ := rtp.ParseRTCP(packet)
		var p rtp.RTCP
		var room [17]uint16
		for compound.Next(&p) {
			for i := range p.NACKPairs() {
				for _, seq := range p.NACKPair(i).Sequences(&room) {
					if r, ok := x.history[seq]; ok {
						x.cross(func() { x.repair(x.streams[0], r) })
					}
				}
			}
		}
	})
}

// receive is what the receiver does with a packet.
func (x *path) receive(p sent) {
	if len(x.has) == 0 {
		x.first, x.highest = p.seq, p.seq
	}
	if int16(p.seq-x.highest) > 0 {
		x.highest = p.seq
	}
	x.has[p.seq] = p
	delete(x.asked, p.seq)
}

// ask sends a NACK for what is missing, each number once per 100 ms.
func (x *path) ask() {
	var list []uint16
	if len(x.has) == 0 {
		return
	}
	for seq := x.first; seq != x.highest; seq++ {
		if _, ok := x.has[seq]; !ok && x.now.Sub(x.asked[seq]) >= 100*time.Millisecond {
			list = append(list, seq)
			x.asked[seq] = x.now
		}
	}
	if len(list) > 0 {
		x.cross(func() { x.peer.HandleNACK(x.now, nack(x.t, x.peer.SSRC(), list...)) })
	}
}

// step lets a millisecond pass.
func (x *path) step() {
	x.advance(time.Millisecond)
	slices.SortStableFunc(x.pending, func(a, b arrival) int { return a.at.Compare(b.at) })
	for len(x.pending) > 0 && !x.pending[0].at.After(x.now) {
		do := x.pending[0].do
		x.pending = x.pending[1:]
		do()
	}
	for _, p := range x.peer.out {
		x.cross(func() { x.receive(p) })
	}
	x.peer.out = nil
}

// Ten seconds of video with a twentieth lost on every way: by NACK on both sides everything arrives, whole and in order.
func TestRepairOnBothSides(t *testing.T) {
	for seed := range uint64(5) {
		x := &path{
			rnd: rand.New(rand.NewPCG(seed, 1)), loss: 0.05, delay: 20 * time.Millisecond,
			history: map[uint16]raw{}, has: map[uint16]sent{}, asked: map[uint16]time.Time{},
		}
		x.world = newWorldWith(t, codec.VP8, 1, x)
		x.peer = x.consume(x.options("a"))
		x.peer.TransportConnected(x.now)
		packets := 0
		for tick := range 12_000 {
			if tick%33 == 0 && tick < 10_000 {
				for _, r := range x.make(x.streams[0], picture{key: tick == 0, packets: 5}) {
					packets++
					x.history[r.seq] = r
					if tick == 0 {
						x.give(x.streams[0], r) // let it begin
						continue
					}
					x.cross(func() { x.give(x.streams[0], r) })
				}
			}
			if tick%10 == 0 {
				x.ask()
			}
			if tick%1000 == 500 {
				x.producer.ReceptionReports(x.now, func(rtp.ReportBlock) {})
			}
			x.step()
		}
		x.judge(t, seed, packets)
	}
}

func (x *path) judge(t *testing.T, seed uint64, packets int) {
	missing := 0
	for seq := x.first; seq != x.highest; seq++ {
		p, ok := x.has[seq]
		if !ok {
			missing++
			continue
		}
		if before, ok := x.has[seq-1]; ok && int32(p.timestamp-before.timestamp) < 0 {
			t.Errorf("seed %d: #%d goes back in time", seed, seq)
		}
	}
	if all := int(x.highest - x.first + 1); missing > 0 || all < packets-10 || all > packets {
		t.Errorf("seed %d: %d of %d packets are missing, %d were published", seed, missing, all, packets)
	}
	in, out := x.producer.Stats(x.now)[0], x.peer.Stats(x.now)[0]
	low, high := uint64(packets)*3/100, uint64(packets)*8/100
	if in.PacketsRepaired < low || in.PacketsRepaired > high || uint64(in.PacketsLost) < in.PacketsRepaired {
		t.Errorf("seed %d: inbound %+v", seed, in)
	}
	if out.PacketsRepaired < low || out.PacketsRepaired > 2*high || out.PacketsRetransmitted < out.PacketsRepaired {
		t.Errorf("seed %d: outbound %+v", seed, out)
	}
	if s := x.producer.Score()[0].Score; s < 9 {
		t.Errorf("seed %d: score %d although all was repaired", seed, s)
	}
	if x.timers.Len() != 0 {
		t.Errorf("seed %d: %d timers are pending although nothing is missing", seed, x.timers.Len())
	}
}

var _ producer.Feedback = (*path)(nil)
