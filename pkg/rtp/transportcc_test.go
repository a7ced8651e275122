package rtp

import (
	"bytes"
	"testing"

	"github.com/pion/rtcp"
	"pgregory.net/rapid"
)

// The draft's forms of chunks, written out (section 3.1.3, 3.1.4).
func TestArrivalsOfEveryForm(t *testing.T) {
	const head = " 00000001 00000002 "
	type packet struct {
		seq      uint16
		received bool
		tick     uint32
	}
	for _, c := range []struct {
		name, raw string
		want      []packet
	}{
		{
			"run of small deltas", "8f cd 0006" + head + "0005 0003 000002 07  2003 01 02 ff 000000",
			[]packet{{5, true, 513}, {6, true, 515}, {7, true, 770}},
		},
		{"run of losses", "8f cd 0005" + head + "0005 0002 000002 07  0002 0000", []packet{{5, false, 512}, {6, false, 512}}},
		{"run longer than the count", "8f cd 0005" + head + "ffff 0002 000002 07  2fff 0102", []packet{{65535, true, 513}, {0, true, 515}}},
		{"an empty run is skipped", "8f cd 0006" + head + "0005 0001 000002 07  2000 2001 03 000000", []packet{{5, true, 515}}},
		{
			"vector of one bit", "8f cd 0006" + head + "0005 0004 000002 07  a800 01 02 00000000",
			[]packet{{5, true, 513}, {6, false, 513}, {7, true, 515}, {8, false, 515}},
		},
		{
			"vector of two bits, back in time", "8f cd 0006" + head + "0005 0003 000002 07  da00 05 0100 ff00 00",
			[]packet{{5, true, 517}, {6, true, 773}, {7, true, 517}},
		},
		{"reference time at its end", "8f cd 0005" + head + "0005 0001 ffffff 07  4001 0100", []packet{{5, true, 0}}},
	} {
		p := parseOne(t, unhex(t, c.raw))
		a := p.Arrivals()
		if a.Feedback != 7 || a.Len() != len(c.want) {
			t.Errorf("%s: feedback %d of %d packets", c.name, a.Feedback, a.Len())
		}
		for _, want := range c.want {
			if !a.Next() || (packet{a.SequenceNumber, a.Received, a.Tick}) != want {
				t.Errorf("%s: %d %v %d, want %+v", c.name, a.SequenceNumber, a.Received, a.Tick, want)
			}
		}
		if a.Next() {
			t.Errorf("%s: a packet more", c.name)
		}
	}
}

func TestTransportCCRefuses(t *testing.T) {
	const head = " 00000001 00000002 "
	for name, s := range map[string]string{
		"no chunk":                    "8f cd 0004" + head + "0005 0001 000002 07",
		"no delta":                    "8f cd 0005" + head + "0005 0003 000002 07 2003 0000",
		"half a large delta":          "8f cd 0005" + head + "0005 0002 000002 07 4002 0000",
		"run of the reserved symbol":  "8f cd 0006" + head + "0005 0001 000002 07 6001 0000 00000000",
		"reserved symbol in a vector": "8f cd 0006" + head + "0005 0002 000002 07 d c00 0000 00000000",
		"a chunk too few":             "8f cd 0005" + head + "0005 4000 000002 07 1fff 1fff",
		"only empty runs":             "8f cd 0005" + head + "0005 0001 000002 07 2000 2000",
	} {
		if _, ok := ParseRTCP(unhex(t, s)); ok {
			t.Errorf("%s: accepted", name)
		}
	}
	// Behind the status count anything may stand, the reserved symbol too.
	if p := parseOne(t, unhex(t, "8f cd 0005"+head+"0005 0001 000002 07 dfff 0100")); p.Kind != TransportCC {
		t.Error("read behind the status count")
	}
}

func TestTransportCCWriterGolden(t *testing.T) {
	type arrival struct {
		seq  uint16
		tick uint32
	}
	for _, c := range []struct {
		name     string
		arrivals []arrival
		want     string // chunks and deltas
	}{
		{"one", []arrival{{10, 3}}, "0001 000000 07 2001 03 00"},
		{"a run", []arrival{{10, 3}, {11, 4}, {12, 6}}, "0003 000000 07 2003 03 01 02 000000"},
		{"a large delta", []arrival{{10, 0}, {11, 256}}, "0002 000000 07 d800 00 0100 000000"},
		{"back in time", []arrival{{10, 300}, {11, 299}}, "0002 000001 07 d800 2c ffff 000000"},
		{"losses between", []arrival{{10, 0}, {13, 0}}, "0004 000000 07 d040 00 00"},
		{"losses first", []arrival{{12, 0}}, "0003 000000 07 c100 00 00"},
		{
			"a run of more losses than a vector holds",
			[]arrival{{10, 0}, {31, 0}},
			"0016 000000 07 a000 8040 00 00", // thirteen losses in the vector of the first packet, seven in that of the last
		},
	} {
		var w TransportCCWriter
		w.Begin(bytes.Repeat([]byte{0xdb}, 200), 1, 2, 10, c.arrivals[0].tick, 7)
		for _, a := range c.arrivals {
			if !w.Add(a.seq, a.tick) {
				t.Fatalf("%s: no room", c.name)
			}
		}
		want := unhex(t, "8f cd 0000 00000001 00000002 000a"+c.want)
		for len(want)%4 != 0 {
			want = append(want, 0)
		}
		want[3] = byte(len(want)/4 - 1)
		if got := w.Finish(); !bytes.Equal(got, want) {
			t.Errorf("%s:\n got %x\nwant %x", c.name, got, want)
		}
	}
}

// noted is what a feedback writer was told.
type noted struct {
	seq  uint16
	tick uint32
}

// drawArrivals draws packets in the order of their numbers with losses, leaps and times that go back and forth.
func drawArrivals(t *rapid.T) (base uint16, list []noted) {
	base = rapid.Uint16().Draw(t, "base")
	tick := rapid.Uint32().Draw(t, "tick")
	seq := base
	for range rapid.IntRange(1, 200).Draw(t, "packets") {
		switch rapid.IntRange(0, 19).Draw(t, "gap") {
		case 0:
			seq += rapid.Uint16Range(0, 300).Draw(t, "lost")
		case 1:
			seq += rapid.Uint16Range(0, 9000).Draw(t, "leap")
		case 2, 3, 4:
			seq += rapid.Uint16Range(0, 16).Draw(t, "few")
		}
		switch rapid.IntRange(0, 9).Draw(t, "time") {
		case 0:
			tick += uint32(rapid.Int32Range(-32768, 32767).Draw(t, "far"))
		case 1:
			tick += uint32(rapid.Int32Range(-10, 1000).Draw(t, "near"))
		default:
			tick += rapid.Uint32Range(0, 255).Draw(t, "small")
		}
		list = append(list, noted{seq, tick})
		seq++
	}
	return base, list
}

// Whatever is noted is read back exactly, by us and by pion, in packets of any size.
func TestTransportCCWriterIsReadBackExactly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base, list := drawArrivals(t)
		size := rapid.IntRange(64, 1200).Draw(t, "size")
		next := base
		for packets := 0; len(list) > 0; packets++ {
			guard := bytes.Repeat([]byte{0xdb}, size+16)
			var w TransportCCWriter
			w.Begin(guard[:size], 1, 2, next, list[0].tick, uint8(packets))
			n := 0
			for n < len(list) && w.Add(list[n].seq, list[n].tick) {
				n++
			}
			if n == 0 {
				t.Fatalf("%d bytes have no room for the first", size)
			}
			raw := w.Finish()
			if len(raw) > size || !bytes.Equal(guard[size:], bytes.Repeat([]byte{0xdb}, 16)) {
				t.Fatalf("%d bytes in %d", len(raw), size)
			}
			checkArrivals(t, raw, next, uint8(packets), list[:n])
			next = list[n-1].seq + 1
			list = list[n:]
		}
	})
}

func checkArrivals(t failer, raw []byte, base uint16, feedback uint8, list []noted) {
	c, ok := ParseRTCP(raw)
	var p RTCP
	if !ok || !c.Next(&p) {
		t.Fatalf("refused %x", raw)
	}
	packets, err := rtcp.Unmarshal(raw)
	if err != nil {
		t.Fatalf("pion: %v of %x", err, raw)
	}
	w := packets[0].(*rtcp.TransportLayerCC)
	ticks, received := pionArrivals(w)
	a := p.Arrivals()
	if a.Feedback != feedback || w.FbPktCount != feedback || w.BaseSequenceNumber != base {
		t.Fatalf("feedback %d from %d, want %d from %d", a.Feedback, w.BaseSequenceNumber, feedback, base)
	}
	for i := 0; a.Next(); i++ {
		want := a.SequenceNumber == list[0].seq
		if a.SequenceNumber != base+uint16(i) || a.Received != want || received[i] != want {
			t.Fatalf("packet %d received: %v, pion %v, want %v", a.SequenceNumber, a.Received, received[i], want)
		}
		if !want {
			continue
		}
		if a.Tick != list[0].tick || ticks[i] != list[0].tick {
			t.Fatalf("packet %d at %d, pion %d, want %d", a.SequenceNumber, a.Tick, ticks[i], list[0].tick)
		}
		list = list[1:]
		if len(list) == 0 && a.Next() {
			t.Fatal("a packet behind the last")
		}
	}
	if len(list) > 0 {
		t.Fatalf("%d packets are missing", len(list))
	}
}

func TestTransportCCWriterRefusesWhatDoesNotFit(t *testing.T) {
	var w TransportCCWriter
	begin := func(size int) {
		w.Begin(make([]byte, size), 1, 2, 0, 1000, 0)
		if !w.Add(0, 1000) {
			t.Fatal("no room for one")
		}
	}
	for _, c := range []struct {
		name string
		seq  uint16
		tick uint32
		want bool
	}{
		{"largest delta", 1, 1000 + 32767, true},
		{"a delta beyond", 1, 1000 + 32768, false},
		{"smallest delta", 1, 1<<32 + 1000 - 32768, true},
		{"a delta below", 1, 1<<32 + 1000 - 32769, false},
		{"as many packets as can be counted", 65534, 1000, true},
		{"one more", 65535, 1000, false},
	} {
		begin(200)
		if got := w.Add(c.seq, c.tick); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
		before := bytes.Clone(w.Finish())
		begin(200)
		if c.want {
			continue
		}
		if after := w.Finish(); !bytes.Equal(before, after) {
			t.Errorf("%s changed the packet from %x to %x", c.name, after, before)
		}
	}
	begin(64)
	n := uint16(1)
	for w.Add(n, 1000+uint32(n)*300) {
		n++
	}
	if raw := w.Finish(); n < 10 || len(raw) > 64 {
		t.Errorf("%d packets in %d of 64 bytes", n, len(raw))
	}
}

// The usual feedback, a frame or two every 100 ms without loss, costs no more than chunks of one or two bytes each seven and a
// byte per delta.
func TestTransportCCIsSmall(t *testing.T) {
	var w TransportCCWriter
	w.Begin(make([]byte, 1200), 1, 2, 0, 0, 0)
	for n := range uint16(100) {
		w.Add(n, uint32(n)*4)
	}
	if raw := w.Finish(); len(raw) != 20+2+100+2 {
		t.Errorf("100 packets without loss in %d bytes", len(raw))
	}
	w.Begin(make([]byte, 1200), 1, 2, 0, 0, 0)
	for n := range uint16(100) {
		if n%10 != 9 {
			w.Add(n, uint32(n)*4)
		}
	}
	if raw := w.Finish(); len(raw) > 20+2*8+90+3 {
		t.Errorf("100 packets, 10 lost, in %d bytes", len(raw))
	}
}

func TestTransportCCAllocatesNothing(t *testing.T) {
	buf := make([]byte, 1200)
	if n := testing.AllocsPerRun(100, func() {
		var w TransportCCWriter
		w.Begin(buf, 1, 2, 0, 0, 0)
		for n := range uint16(100) {
			w.Add(3*n, uint32(n)*100)
		}
		c, ok := ParseRTCP(w.Finish())
		var p RTCP
		if !ok || !c.Next(&p) || read(&p) != 298 {
			t.Fatal("not read back")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkTransportCCWrite(b *testing.B) {
	buf := make([]byte, 1200)
	for b.Loop() {
		var w TransportCCWriter
		w.Begin(buf, 1, 2, 0, 0, 0)
		for n := range uint16(30) {
			w.Add(n, uint32(n)*14)
		}
		w.Finish()
	}
}
