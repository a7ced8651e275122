package transport

import (
	"math"
	"testing"
	"time"

	pionrtcp "github.com/pion/rtcp"

	"gazpacho/pkg/rtp"
)

func nack(ssrc uint32, sequences ...uint16) *pionrtcp.TransportLayerNack {
	return &pionrtcp.TransportLayerNack{SenderSSRC: 9, MediaSSRC: ssrc, Nacks: pionrtcp.NackPairsFromSequenceNumbers(sequences)}
}

// call is a publisher and a subscriber of one video stream, SSRC 10 there and 300 here, with the first picture sent.
func call(t testing.TB) (from, to *client) {
	b := newBench(t)
	s := b.server()
	from, to = b.client(s, "from"), b.client(s, "to")
	from.produce(videoProducer("p", "v", 10))
	to.consume(videoConsumer("c", "p", 300, 1010), from)
	from.sendRTP(frame(10, 1, true))
	if got := to.readMedia(); len(got) != 1 {
		t.Fatalf("%d packets were forwarded", len(got))
	}
	from.read()
	b.take()
	return from, to
}

// RFC 4588: what the peer lost is sent again on the stream for retransmissions, with the number that was lost in front.
func TestNACKIsAnsweredWithRTX(t *testing.T) {
	from, to := call(t)
	from.sendRTP(frame(10, 2, false))
	lost := to.readMedia()[0]
	to.now = to.now.Add(50 * time.Millisecond)
	to.sendRTCP(nack(300, lost.SequenceNumber))
	again := to.readMedia()
	if len(again) != 1 || again[0].SSRC != 301 || again[0].PayloadType != 102 || again[0].Timestamp != lost.Timestamp {
		t.Fatalf("sent %v", again)
	}
	if original := uint16(again[0].Payload[0])<<8 | uint16(again[0].Payload[1]); original != lost.SequenceNumber {
		t.Errorf("it says it was %d, not %d", original, lost.SequenceNumber)
	}
	if string(again[0].Payload[2:]) != string(lost.Payload) {
		t.Error("it is not the same payload")
	}
	if s := to.statistics(); s.RTXBytesSent == 0 || s.RTPBytesSent == 0 {
		t.Errorf("statistics %+v", s)
	}
	to.sendRTCP(nack(301, 1), nack(77, 1)) // nobody sends these media
	if got := to.readMedia(); len(got) != 0 {
		t.Errorf("sent %v", got)
	}
}

// A loss on the publisher's side is asked for, and what comes again is forwarded under the number that was kept for it.
func TestPublisherIsAskedForLostPackets(t *testing.T) {
	from, to := call(t)
	from.sendRTP(frame(10, 3, false))
	from.later(100 * time.Millisecond)
	asked := readRTCP[*pionrtcp.TransportLayerNack](from)
	if len(asked) == 0 || asked[0].MediaSSRC != 10 || asked[0].SenderSSRC != receiverSSRC || asked[0].Nacks[0].PacketID != 2 {
		t.Fatalf("asked %v", asked)
	}
	before := to.readMedia()
	repair := frame(11, 900, false)
	repair.PayloadType, repair.Payload = 102, append([]byte{0, 2}, frame(10, 2, false).Payload...)
	repair.Timestamp = 2 * 3000
	from.sendRTP(repair)
	after := to.readMedia()
	if len(before) != 1 || len(after) != 1 || after[0].SequenceNumber != before[0].SequenceNumber-1 {
		t.Fatalf("forwarded %v and %v", before, after)
	}
	if s := from.statistics(); s.RTXBytesReceived == 0 {
		t.Error("the retransmission was not counted as one")
	}
}

// R-RTP-6: "a producer gets at most one key-frame request per 500 ms whatever its consumers do".
func TestKeyFrameRequestsReachThePublisher(t *testing.T) {
	for name, request := range map[string]pionrtcp.Packet{
		"PLI": &pionrtcp.PictureLossIndication{SenderSSRC: 9, MediaSSRC: 300},
		"FIR": &pionrtcp.FullIntraRequest{SenderSSRC: 9, FIR: []pionrtcp.FIREntry{{SSRC: 300, SequenceNumber: 1}}},
	} {
		t.Run(name, func(t *testing.T) {
			from, to := call(t)
			from.later(600 * time.Millisecond)
			from.read()
			start := from.now
			var asked []time.Duration
			for range 300 {
				to.sendRTCP(request)
				from.later(10 * time.Millisecond)
				for _, p := range readRTCP[*pionrtcp.PictureLossIndication](from) {
					if p.MediaSSRC != 10 {
						t.Errorf("asked for a key frame of %d", p.MediaSSRC)
					}
					asked = append(asked, from.now.Sub(start))
				}
				to.read()
			}
			if len(asked) < 2 || len(asked) > 7 {
				t.Errorf("in 3 s it was asked at %v", asked)
			}
			for i := 1; i < len(asked); i++ {
				if asked[i]-asked[i-1] < 500*time.Millisecond-10*time.Millisecond {
					t.Errorf("asked at %v and %v", asked[i-1], asked[i])
				}
			}
		})
	}
}

func TestSenderReportsReachTheProducer(t *testing.T) {
	from, to := call(t)
	ntp := rtp.NTP(from.now)
	from.sendRTCP(&pionrtcp.SenderReport{SSRC: 10, NTPTime: ntp, RTPTime: 3000, PacketCount: 1, OctetCount: 100})
	from.sendRTCP(&pionrtcp.SenderReport{SSRC: 666, NTPTime: ntp, RTPTime: 1}) // nobody's
	from.later(2 * time.Second)
	reports := readRTCP[*pionrtcp.ReceiverReport](from)
	if len(reports) == 0 || len(reports[0].Reports) != 1 || reports[0].Reports[0].SSRC != 10 {
		t.Fatalf("reports %v", reports)
	}
	if got := reports[0].Reports[0].LastSenderReport; got != rtp.CompactNTP(ntp) {
		t.Errorf("last sender report %x, want %x", got, rtp.CompactNTP(ntp))
	}
	if got := readRTCP[*pionrtcp.SenderReport](to); len(got) == 0 || got[0].SSRC != 300 {
		t.Errorf("the subscriber got the sender reports %v", got)
	}
}

// RFC 3550 section 6.4.1: the round-trip time to a receiver follows from its report about our sender report.
func TestReceiverReportsReachTheConsumer(t *testing.T) {
	from, to := call(t)
	from.sendRTP(frame(10, 2, false))
	to.later(600 * time.Millisecond)
	sent := readRTCP[*pionrtcp.SenderReport](to)
	if len(sent) != 1 {
		t.Fatalf("%d sender reports in the first 600 ms", len(sent))
	}
	to.now = to.now.Add(40 * time.Millisecond)
	delay := 600*time.Millisecond - firstReport
	to.sendRTCP(&pionrtcp.ReceiverReport{SSRC: 9, Reports: []pionrtcp.ReceptionReport{
		{SSRC: 300, FractionLost: 64, TotalLost: 1, LastSenderReport: rtp.CompactNTP(sent[0].NTPTime), Delay: rtp.CompactDuration(delay)},
		{SSRC: 12345},
	}})
	stats := to.w.consumers[0].Stats(to.now)
	rtt := stats[0].RoundTripTime
	if math.Abs(rtt-40) > 2 {
		t.Errorf("round-trip time %v ms, want 40", rtt)
	}
}

// RFC 3611 section 4.4, 4.5: a receiver's reference time is answered with the next compound, and ours tells us how far a sender is.
func TestExtendedReports(t *testing.T) {
	from, to := call(t)
	from.sendRTP(frame(10, 2, false))
	theirs := rtp.NTP(to.now)
	to.sendRTCP(&pionrtcp.ReceiverReport{SSRC: 9}, &pionrtcp.ExtendedReport{
		SenderSSRC: 9, Reports: []pionrtcp.ReportBlock{&pionrtcp.ReceiverReferenceTimeReportBlock{NTPTimestamp: theirs}},
	})
	to.later(600 * time.Millisecond)
	answered := readRTCP[*pionrtcp.ExtendedReport](to)
	if len(answered) != 1 {
		t.Fatalf("%d extended reports", len(answered))
	}
	block, ok := answered[0].Reports[0].(*pionrtcp.DLRRReportBlock)
	if !ok || len(block.Reports) != 1 || block.Reports[0].SSRC != 9 || block.Reports[0].LastRR != rtp.CompactNTP(theirs) {
		t.Fatalf("answer %v", answered[0])
	}
	if got, want := block.Reports[0].DLRR, rtp.CompactDuration(firstReport); got < want-100 || got > want+1000 {
		t.Errorf("delay %d, want about %d", got, want)
	}
	to.later(2 * time.Second)
	if again := readRTCP[*pionrtcp.ExtendedReport](to); len(again) != 0 {
		t.Errorf("answered again: %v", again)
	}

	asked := readRTCP[*pionrtcp.ExtendedReport](from)
	if len(asked) == 0 {
		t.Fatal("the publisher was not given a reference time")
	}
	ours := asked[len(asked)-1].Reports[0].(*pionrtcp.ReceiverReferenceTimeReportBlock).NTPTimestamp
	from.now = from.now.Add(30 * time.Millisecond)
	held := uint32(rtp.CompactNTP(rtp.NTP(from.now)) - rtp.CompactNTP(ours) - rtp.CompactDuration(30*time.Millisecond))
	from.sendRTCP(&pionrtcp.ReceiverReport{SSRC: 10}, &pionrtcp.ExtendedReport{
		SenderSSRC: 10, Reports: []pionrtcp.ReportBlock{&pionrtcp.DLRRReportBlock{Reports: []pionrtcp.DLRRReport{
			{SSRC: receiverSSRC, LastRR: rtp.CompactNTP(ours), DLRR: held}, {SSRC: 4711, LastRR: 1, DLRR: 1},
		}}},
	})
	stats := from.w.producers[0].Stats(from.now)
	if rtt := stats[0].RoundTripTime; math.Abs(rtt-30) > 2 {
		t.Errorf("round-trip time %v ms, want 30", rtt)
	}
}

func TestREMBIsTheAvailableBitrate(t *testing.T) {
	_, to := call(t)
	to.sendRTCP(&pionrtcp.ReceiverEstimatedMaximumBitrate{SenderSSRC: 9, Bitrate: 1_234_432, SSRCs: []uint32{300}})
	got := to.statistics().AvailableOutgoingBitrate
	if got == nil || math.Abs(float64(*got)-1_234_432) > 10 {
		t.Errorf("%v bit/s", got)
	}
	if err := to.w.SetMaxOutgoingBitrate(1_000_000); err != nil {
		t.Fatal(err)
	}
	if got := to.statistics().AvailableOutgoingBitrate; *got != 1_000_000 {
		t.Errorf("%d bit/s, with a limit", *got)
	}
}
