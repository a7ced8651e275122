package transport

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	pionrtcp "github.com/pion/rtcp"
	pionrtp "github.com/pion/rtp"

	"gazpacho/pkg/bwe"
	"gazpacho/pkg/rtp"
	"gazpacho/pkg/simtest/link"
	"gazpacho/pkg/timer"
	"gazpacho/proto"
)

// downlink is a peer behind a bottleneck: what the worker sends it waits there, and it reports what arrived as browsers do.
type downlink struct {
	*client
	*link.Link
	reports *bwe.Feedback // nil: the peer never reports
	timers  timer.Queue
	flying  []arriving
	back    []arriving

	received map[uint32]int // bytes of the last second, by SSRC
	seconds  []map[uint32]int
	waited   time.Duration // longest in the last second
	waits    []time.Duration
	arrived  func(*pionrtp.Packet) // nil, or is shown what arrives
}

type arriving struct {
	at   time.Time
	data []byte
}

func newDownlink(c *client, capacity func(time.Duration) int) *downlink {
	d := &downlink{client: c, Link: link.New(c.now, 3, capacity), received: map[uint32]int{}}
	d.reports = bwe.NewFeedback(bwe.FeedbackConfig{SenderSSRC: 77, Timers: &d.timers, Send: func(now time.Time, b []byte) {
		d.back = append(d.back, arriving{now.Add(d.Delay), d.sealRawRTCP(b)})
	}})
	return d
}

// step moves packets as far as they came by now.
func (d *downlink) step() {
	d.collect()
	for _, datagram := range d.inbox {
		waiting := d.Waiting(d.now)
		if at, ok := d.Send(d.now, len(datagram)); ok {
			d.flying = append(d.flying, arriving{at, datagram})
			d.waited = max(d.waited, waiting)
		}
	}
	d.inbox = nil
	for len(d.flying) > 0 && !d.flying[0].at.After(d.now) {
		d.arrive(d.flying[0].data)
		d.flying = d.flying[1:]
	}
	d.timers.Advance(d.now)
	for len(d.back) > 0 && !d.back[0].at.After(d.now) {
		d.deliver(d.back[0].data)
		d.back = d.back[1:]
	}
}

func (d *downlink) arrive(datagram []byte) {
	if datagram[0] < 128 || rtp.IsRTCP(datagram) {
		return
	}
	size := len(datagram)
	n, _ := d.session.UnprotectRTP(datagram)
	var p pionrtp.Packet
	if err := p.Unmarshal(datagram[:n]); err != nil {
		d.t.Fatalf("RTP of the worker: %v", err)
	}
	d.received[p.SSRC] += size
	if d.arrived != nil {
		d.arrived(&p)
	}
	if v := p.GetExtension(ccID); len(v) == 2 && d.reports != nil {
		d.reports.Arrived(d.now, p.SSRC, uint16(v[0])<<8|uint16(v[1]))
	}
}

func (d *downlink) second() {
	d.seconds, d.waits = append(d.seconds, d.received), append(d.waits, d.waited)
	d.received, d.waited = map[uint32]int{}, 0
}

// film publishes streams of the given bitrates, 30 pictures a second with a key picture whenever it is asked for, in packets of 1000 bytes.
type film struct {
	*client
	bitrates []int
	sequence []uint16
	picture  uint16
	owed     []float64
	keys     map[uint32]bool
}

const filmSSRC = 300

func newFilm(c *client, id string, bitrates ...int) *film {
	f := &film{client: c, bitrates: bitrates, sequence: make([]uint16, len(bitrates)), owed: make([]float64, len(bitrates)), keys: map[uint32]bool{}}
	o := videoProducer(id, "film", filmSSRC)
	o.RTPParameters.Encodings, o.RTPMapping.Encodings = nil, nil
	for i := range bitrates {
		ssrc := uint32(filmSSRC + 10*i)
		o.RTPParameters.Encodings = append(o.RTPParameters.Encodings, proto.RTPEncodingParameters{SSRC: ssrc})
		o.RTPMapping.Encodings = append(o.RTPMapping.Encodings, proto.EncodingMapping{SSRC: ssrc, MappedSSRC: uint32(9000 + i)})
		f.keys[ssrc] = true
	}
	c.produce(o)
	return f
}

// show publishes the next picture of each stream.
func (f *film) show() {
	for _, p := range readRTCP[*pionrtcp.PictureLossIndication](f.client) {
		f.keys[p.MediaSSRC] = true
	}
	f.picture++
	for i, bitrate := range f.bitrates {
		f.owed[i] += float64(bitrate) / 8 / 30
		packets := max(int(f.owed[i])/1000, 1)
		if f.owed[i] < 100 {
			continue // a stream that is off
		}
		size := min(int(f.owed[i])/packets, 1100)
		f.owed[i] -= float64(size * packets)
		ssrc := uint32(filmSSRC + 10*i)
		for n := range packets {
			f.sequence[i]++
			p := frame(ssrc, f.sequence[i], f.keys[ssrc] && n == 0)
			p.Timestamp, p.Marker = uint32(f.picture)*3000, n == packets-1
			p.Payload[2], p.Payload[3] = 0x80|byte(f.picture>>8)&0x7f, byte(f.picture)
			if n > 0 {
				p.Payload[0] = 0x80 // not the start of a partition
			}
			p.Payload = append(p.Payload[:8], bytes.Repeat([]byte{1}, size)...)
			f.sendRTP(p)
		}
		f.keys[ssrc] = false
	}
}

// cinema is films and those who watch them.
type cinema struct {
	*bench
	server   *Server
	films    []*film
	watchers []*downlink
	changes  []change
	traces   []proto.TraceEvent
}

// change is an event of a consumer's layers.
type change struct {
	at       time.Time
	consumer string
	layers   string // as 2.1, or - for none
}

// Emit notes changes of layers and traces of transports.
func (c *cinema) Emit(target string, e proto.Event) {
	switch body := e.Body.(type) {
	case proto.LayersChange:
		shown := "-"
		if l := body.Layers; l != nil {
			shown = fmt.Sprintf("%d.%d", l.SpatialLayer, *l.TemporalLayer)
		}
		c.changes = append(c.changes, change{c.now, target, shown})
	case proto.TraceEvent:
		if e.Name == proto.EventTransportTrace {
			c.traces = append(c.traces, body)
		}
	}
}

func newCinema(t *testing.T) *cinema {
	c := &cinema{bench: newBench(t)}
	c.env.Events = c
	c.server = c.bench.server()
	return c
}

func (c *cinema) film(id string, bitrates ...int) *film {
	f := newFilm(c.client(c.server, "publisher of "+id), id, bitrates...)
	c.films = append(c.films, f)
	return f
}

func (c *cinema) watcher(id string, capacity func(time.Duration) int) *downlink {
	d := newDownlink(c.client(c.server, id), capacity)
	c.watchers = append(c.watchers, d)
	return d
}

// run lets virtual time pass in steps of a millisecond.
func (c *cinema) run(d time.Duration) {
	for end := c.now.Add(d); c.now.Before(end); {
		c.now = c.now.Add(time.Millisecond)
		elapsed := c.now.UnixMilli()
		if elapsed%33 == 0 {
			for _, f := range c.films {
				f.show()
			}
		}
		c.timers.Advance(c.now)
		for _, w := range c.watchers {
			w.step()
			if elapsed%1000 == 0 {
				w.second()
			}
		}
	}
}

// layers returns the layers of a consumer as they changed from some second on.
func (c *cinema) layers(consumer string) string {
	var list []string
	for _, e := range c.changes {
		if e.consumer == consumer {
			list = append(list, e.layers)
		}
	}
	return strings.Join(list, " ")
}

// stepped is a capacity that takes a value from each of the given seconds on.
func stepped(steps map[int]int) func(time.Duration) int {
	return func(elapsed time.Duration) int {
		latest := -1
		for second := range steps {
			if second > latest && elapsed >= time.Duration(second)*time.Second {
				latest = second
			}
		}
		return steps[latest]
	}
}

func (d *downlink) bitrates(ssrc uint32) (list []int) {
	for _, s := range d.seconds {
		list = append(list, s[ssrc]*8)
	}
	return list
}
