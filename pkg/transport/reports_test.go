package transport

import (
	"fmt"
	"strings"
	"testing"
	"time"

	pionrtcp "github.com/pion/rtcp"

	"gazpacho/pkg/rtp"
)

// The first report comes half a second after media could flow, then one every 1 to 1.5 s; transports that opened together drift apart.
func TestReportTiming(t *testing.T) {
	from, _ := call(t)
	start, last := from.now, from.now
	gaps := map[time.Duration]bool{}
	for range 20 {
		for {
			from.now = from.now.Add(time.Millisecond)
			from.timers.Advance(from.now)
			if len(readRTCP[*pionrtcp.ReceiverReport](from)) > 0 {
				break
			}
			if from.now.Sub(last) > 2*time.Second {
				t.Fatal("no report for two seconds")
			}
		}
		gap := from.now.Sub(last)
		switch {
		case last.Equal(start) && (gap < firstReport || gap > firstReport+2*time.Millisecond):
			t.Errorf("the first came after %v", gap)
		case !last.Equal(start) && (gap < time.Second || gap > 1500*time.Millisecond+2*time.Millisecond):
			t.Errorf("one came %v after the one before", gap)
		}
		gaps[gap] = true
		last = from.now
	}
	if len(gaps) < 5 {
		t.Errorf("only %d different intervals", len(gaps))
	}
}

// RFC 3550 section 6.1: "The first RTCP packet in the compound packet MUST always be a report packet", and a CNAME goes with sender reports.
func TestCompoundsBeginWithAReport(t *testing.T) {
	b := newBench(t)
	s := b.server()
	from, to := b.client(s, "from"), b.client(s, "to")
	from.produce(videoProducer("p", "v", 10)) // nothing of it has come yet
	to.produce(videoProducer("q", "v", 10))
	to.sendRTP(frame(10, 1, true))
	to.consume(videoConsumer("c", "p", 300, 1010), from)
	kinds := func(c *client) (list []string) {
		_, control := c.read()
		for _, compound := range control {
			names := make([]string, len(compound.packets))
			for i, p := range compound.packets {
				names[i] = strings.TrimPrefix(fmt.Sprintf("%T", p), "*rtcp.")
			}
			list = append(list, strings.Join(names, " "))
		}
		return list
	}
	b.pass(600 * time.Millisecond)
	if got := fmt.Sprint(kinds(from)); got != "[ReceiverReport ExtendedReport]" {
		t.Errorf("with a producer that was never heard of: %s", got)
	}
	if got := fmt.Sprint(kinds(to)); got != "[ReceiverReport ExtendedReport]" {
		t.Errorf("with nothing to send: %s", got)
	}
	from.sendRTP(frame(10, 1, true))
	to.read()
	from.read()
	b.pass(1500 * time.Millisecond)
	if got := fmt.Sprint(kinds(to)); got != "[SenderReport SourceDescription ReceiverReport ExtendedReport]" {
		t.Errorf("sending and receiving: %s", got)
	}
}

// Reports about many streams are split so that each datagram fits any path, and each part is a compound of its own.
func TestReportsAreSplit(t *testing.T) {
	b := newBench(t)
	s := b.server()
	from, to := b.client(s, "from"), b.client(s, "to")
	const streams = 60
	for i := range streams {
		from.produce(videoProducer(fmt.Sprint("p", i), fmt.Sprint("v", i), uint32(1000+10*i)))
		o := videoConsumer(fmt.Sprint("c", i), fmt.Sprint("p", i), uint32(50_000+10*i), uint32(2000+10*i))
		o.RTPParameters.RTCP.CNAME = strings.Repeat("n", 20+i)
		to.consume(o, from)
		from.sendRTP(frame(uint32(1000+10*i), 1, true))
	}
	to.read()
	from.read()
	b.pass(600 * time.Millisecond)
	_, control := to.read()
	senders, names := map[uint32]bool{}, map[string]bool{}
	for _, compound := range control {
		if compound.size > maxCompound {
			t.Errorf("a compound of %d bytes", compound.size)
		}
		if _, ok := compound.packets[0].(*pionrtcp.SenderReport); !ok {
			t.Errorf("a compound begins with %T", compound.packets[0])
		}
		for _, p := range compound.packets {
			switch p := p.(type) {
			case *pionrtcp.SenderReport:
				senders[p.SSRC] = true
			case *pionrtcp.SourceDescription:
				names[p.Chunks[0].Items[0].Text] = true
			}
		}
	}
	if len(senders) != streams || len(names) != streams || len(control) < 4 {
		t.Errorf("%d senders, %d names, in %d compounds", len(senders), len(names), len(control))
	}
	_, control = from.read()
	received := map[uint32]bool{}
	for _, compound := range control {
		if compound.size > maxCompound {
			t.Errorf("a compound of %d bytes", compound.size)
		}
		if _, ok := compound.packets[0].(*pionrtcp.ReceiverReport); !ok && len(compound.packets) > 1 {
			t.Errorf("a compound begins with %T", compound.packets[0])
		}
		for _, p := range compound.packets {
			if p, ok := p.(*pionrtcp.ReceiverReport); ok {
				for _, r := range p.Reports {
					received[r.SSRC] = true
				}
			}
		}
	}
	if len(received) != streams {
		t.Errorf("reports about %d of %d streams", len(received), streams)
	}
}

// What was sent and received is reported as it was (RFC 3550 section 6.4.1).
func TestReportContents(t *testing.T) {
	from, to := call(t)
	for _, seq := range []uint16{2, 3, 5, 6} { // 4 is lost
		from.sendRTP(frame(10, seq, false))
	}
	from.sendRTCP(&pionrtcp.SenderReport{SSRC: 10, NTPTime: rtp.NTP(from.now), RTPTime: 6 * 3000})
	sent := 1 + len(to.readMedia())
	from.later(600 * time.Millisecond)
	sr := readRTCP[*pionrtcp.SenderReport](to)
	if len(sr) != 1 || int(sr[0].PacketCount) != sent || sr[0].OctetCount != uint32(sent*len(frame(10, 1, true).Payload)) {
		t.Errorf("sender reports %v after %d packets", sr, sent)
	}
	rr := readRTCP[*pionrtcp.ReceiverReport](from)
	if len(rr) != 1 || len(rr[0].Reports) != 1 {
		t.Fatalf("receiver reports %v", rr)
	}
	if r := rr[0].Reports[0]; r.TotalLost != 1 || r.LastSequenceNumber != 6 || r.FractionLost != 256/6 {
		t.Errorf("report %+v", r)
	}
}

// Without consent nothing is sent (RFC 7675 section 5.1), and reports begin anew with the path.
func TestReportsStopWithThePath(t *testing.T) {
	from, _ := call(t)
	from.w.DTLSClosed(from.now, "bye")
	from.later(5 * time.Second)
	if _, control := from.read(); len(control) != 0 {
		t.Errorf("%d compounds after the end", len(control))
	}
	if from.w.reports.Pending() {
		t.Error("the timer goes on")
	}
}
