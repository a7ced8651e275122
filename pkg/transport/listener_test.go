package transport

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"gazpacho/proto"
)

// state is everything about the streams of a transport, to see that nothing changed.
func (c *client) state() string {
	d := c.w.Dump().(proto.WebRTCTransportDump)
	b, err := json.Marshal([]any{d.ProducerIDs, d.ConsumerIDs, d.RTPListener, d.MapSSRCConsumerID, d.MapRTXSSRCConsumerID, d.RecvRTPHeaderExtensions})
	if err != nil {
		c.t.Fatal(err)
	}
	return string(b)
}

// Two producers of a transport share no MID, SSRC or RID. Who breaks that is told which field does, and nothing changes.
func TestListenerConflicts(t *testing.T) {
	rids := func(id string, rids ...string) *proto.Produce {
		o := simulcastProducer(id, "", rids...)
		o.RTPParameters.MID = ""
		return o
	}
	tests := []struct {
		name  string
		first *proto.Produce
		next  *proto.Produce
		path  string
	}{
		{"MID", videoProducer("a", "0", 10), videoProducer("b", "0", 20), "rtpParameters.mid"},
		{"media SSRC", videoProducer("a", "0", 10), videoProducer("b", "1", 10), "rtpParameters.encodings[0].ssrc"},
		{"media SSRC that is RTX elsewhere", videoProducer("a", "0", 10), videoProducer("b", "1", 11), "rtpParameters.encodings[0].ssrc"},
		{"RTX SSRC", videoProducer("a", "0", 10), videoProducer("b", "1", 9), "rtpParameters.encodings[0].rtx.ssrc"},
		{"RID without MID", rids("a", "lo", "hi"), rids("b", "q", "hi"), "rtpParameters.encodings[1].rid"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t)
			c := b.client(b.server(), "t")
			c.produce(tt.first)
			before := c.state()
			_, err := c.w.Produce(b.now, tt.next)
			if err == nil || err.Path != tt.path || err.Name != proto.TypeErrorName || err.Code != proto.CodeBadField {
				t.Errorf("error %v, want one about %s", err, tt.path)
			}
			if after := c.state(); after != before {
				t.Errorf("a refused producer changed\n%s to\n%s", before, after)
			}
			if len(b.closed) != 0 {
				t.Errorf("the owner heard of %v", b.closed)
			}
		})
	}
}

func TestEncodingsMustDiffer(t *testing.T) {
	rtx := func(ssrc uint32) *proto.RTXEncoding { return &proto.RTXEncoding{SSRC: ssrc} }
	tests := []struct {
		name      string
		encodings []proto.RTPEncodingParameters
		path      string
	}{
		{"RTX on the media SSRC", []proto.RTPEncodingParameters{{SSRC: 5, RTX: rtx(5)}}, "rtpParameters.encodings[0].rtx.ssrc"},
		{"SSRC twice", []proto.RTPEncodingParameters{{SSRC: 5}, {SSRC: 5}}, "rtpParameters.encodings[1].ssrc"},
		{"SSRC of other RTX", []proto.RTPEncodingParameters{{SSRC: 5, RTX: rtx(6)}, {SSRC: 6}}, "rtpParameters.encodings[1].ssrc"},
		{"RTX twice", []proto.RTPEncodingParameters{{SSRC: 5, RTX: rtx(6)}, {SSRC: 7, RTX: rtx(6)}}, "rtpParameters.encodings[1].rtx.ssrc"},
		{"RTX of other media", []proto.RTPEncodingParameters{{SSRC: 5}, {SSRC: 7, RTX: rtx(5)}}, "rtpParameters.encodings[1].rtx.ssrc"},
		{"RID twice", []proto.RTPEncodingParameters{{RID: "a"}, {RID: "b"}, {RID: "a"}}, "rtpParameters.encodings[2].rid"},
		{"nothing to tell it by", []proto.RTPEncodingParameters{{}}, "rtpParameters.encodings"},
	}
	for _, tt := range tests {
		l := newListener()
		err := l.add(nil, &proto.RTPParameters{Encodings: tt.encodings})
		if err == nil || err.Path != tt.path {
			t.Errorf("%s: error %v, want one about %s", tt.name, err, tt.path)
		}
		if len(l.bySSRC)+len(l.byRID)+len(l.byMID) != 0 {
			t.Errorf("%s: something was kept", tt.name)
		}
	}
}

// RFC 8843 section 9.2: a stream is found by its MID until its SSRC is known; senders stop writing the MID once it was received.
func TestStreamIsLearnedByMID(t *testing.T) {
	b := newBench(t)
	c := b.client(b.server(), "t")
	o := videoProducer("p", "v", 10)
	o.RTPParameters.Encodings = []proto.RTPEncodingParameters{{}}
	c.produce(o)
	tap := c.tap("p")

	c.sendRTP(frame(77, 1, true))
	if c.w.drops[DropUnknownStream] != 1 || len(tap.numbers) != 0 {
		t.Errorf("a stream without a MID came through: %v", c.w.drops.table())
	}
	c.sendRTP(with(t, frame(77, 2, true), midID, []byte("w")))
	if c.w.drops[DropUnknownStream] != 2 {
		t.Errorf("a stream with a foreign MID came through: %v", c.w.drops.table())
	}
	c.sendRTP(with(t, frame(77, 3, true), midID, []byte("v")))
	c.sendRTP(frame(77, 4, false))
	if !slices.Equal(tap.numbers, []uint16{3, 4}) {
		t.Errorf("packets %v came through", tap.numbers)
	}
	if d := c.w.listener.dump(); len(d.SSRCTable) != 1 || d.SSRCTable[0] != (proto.SSRCValue{Key: 77, Value: "p"}) {
		t.Errorf("table: %+v", d)
	}
}

// RFC 8852 section 3: RtpStreamId names a simulcast stream, RepairedRtpStreamId the stream that retransmissions repair.
func TestStreamsAreLearnedByRID(t *testing.T) {
	for _, mid := range []string{"", "v"} {
		t.Run(fmt.Sprintf("mid %q", mid), func(t *testing.T) {
			b := newBench(t)
			c := b.client(b.server(), "t")
			c.produce(simulcastProducer("p", mid, "lo", "hi"))
			tap := c.tap("p")
			introduce := func(ssrc uint32, seq uint16, id uint8, rid string) {
				p := with(t, frame(ssrc, seq, seq == 1), id, []byte(rid))
				if id == repairedID {
					p.PayloadType = 102
					p.Payload = append([]byte{0, 2}, p.Payload...)
				}
				if mid != "" {
					with(t, p, midID, []byte(mid))
				}
				c.sendRTP(p)
			}
			introduce(70, 1, ridID, "hi")
			introduce(60, 1, ridID, "lo")
			introduce(50, 1, ridID, "mid") // not one of ours
			c.sendRTP(frame(70, 3, false)) // packet 2 is lost
			c.sendRTP(frame(60, 2, false))
			introduce(71, 500, repairedID, "hi") // and comes again
			if want := []uint16{1, 1, 3, 2, 2}; !slices.Equal(tap.numbers, want) {
				t.Errorf("packets %v came through, want %v; %v", tap.numbers, want, c.statistics().Drops)
			}
			if want := []uint32{9001, 9000, 9001, 9000, 9001}; !slices.Equal(tap.ssrcs, want) {
				t.Errorf("of streams %v, want %v", tap.ssrcs, want)
			}
			known := c.w.listener.dump().SSRCTable
			if len(known) != 3 || known[0].Key != 60 || known[1].Key != 70 || known[2].Key != 71 {
				t.Errorf("learned: %v", known)
			}
			if err := c.w.CloseProducer(b.now, "p"); err != nil {
				t.Fatal(err)
			}
			if d := c.w.listener.dump(); len(d.SSRCTable)+len(d.MIDTable)+len(d.RIDTable) != 0 {
				t.Errorf("left over: %+v", d)
			}
		})
	}
}

// R-RTP-3: "≤ 64 streams per transport". Streams that were replaced make room, streams in use do not.
func TestAtMost64Streams(t *testing.T) {
	b := newBench(t)
	c := b.client(b.server(), "t")
	announced := 0
	for i := range 31 {
		c.produce(videoProducer(fmt.Sprint("p", i), fmt.Sprint("m", i), uint32(1000+10*i)))
		announced += 2
	}
	c.produce(simulcastProducer("rid", "s", "a", "b", "c"))
	introduce := func(ssrc uint32, rid string) {
		c.sendRTP(with(t, with(t, frame(ssrc, 1, true), midID, []byte("s")), ridID, []byte(rid)))
	}
	introduce(1, "a")
	introduce(2, "b")
	if len(c.w.listener.bySSRC) != maxStreams || c.w.drops[DropTooManyStreams] != 0 {
		t.Fatalf("%d streams are known", len(c.w.listener.bySSRC))
	}
	introduce(3, "c")
	if len(c.w.listener.bySSRC) != maxStreams || c.w.drops[DropTooManyStreams] != 1 {
		t.Errorf("%d streams are known, drops %v", len(c.w.listener.bySSRC), c.w.drops.table())
	}
	if err := c.w.CloseProducer(b.now, "p0"); err != nil {
		t.Fatal(err)
	}
	// The publisher begins anew with layer a, a hundred times: each time under another SSRC.
	for i := range 100 {
		introduce(uint32(5000+i), "a")
	}
	if n := len(c.w.listener.bySSRC); n > maxStreams {
		t.Errorf("%d streams are known", n)
	}
	if c.w.drops[DropTooManyStreams] != 1 {
		t.Errorf("drops %v", c.w.drops.table())
	}
	for _, ssrc := range []uint32{2, 5099} {
		if c.w.listener.bySSRC[ssrc] == nil {
			t.Errorf("SSRC %d, which is in use, was forgotten", ssrc)
		}
	}
}
