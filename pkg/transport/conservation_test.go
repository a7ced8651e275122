package transport

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	pionrtcp "github.com/pion/rtcp"
	pionrtp "github.com/pion/rtp"

	"gazpacho/pkg/ice"
	"gazpacho/pkg/producer"
)

// traffic draws datagrams of every kind, good and bad, for one transport, and knows how many of the good ones end there.
type traffic struct {
	*client
	r       *rand.Rand
	next    map[uint32]uint16
	old     [][]byte
	handled int // RTCP that was taken
}

// Conservation: every datagram a transport receives is answered (STUN), handed to DTLS, taken as RTCP, forwarded to the taps, or counted
// under exactly one reason; and every datagram of a server reaches one transport or is counted there.
func TestConservation(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			b := newBench(t)
			s := b.server()
			c := b.client(s, "t")
			if _, err := c.w.Connect(b.now, &dtlsParameters); err != nil {
				t.Fatal(err)
			}
			o := videoProducer("p", "v", 10)
			c.produce(o)
			c.produce(simulcastProducer("q", "s", "a", "b"))
			audio := opusProducer("r")
			audio.RTPParameters.MID, audio.RTPParameters.Encodings[0].SSRC, audio.RTPMapping.Encodings[0].SSRC = "audio", 31, 31
			c.produce(audio)
			taps := []*recorder{c.tap("p"), c.tap("q"), c.tap("r")}
			tr := &traffic{client: c, r: rand.New(rand.NewPCG(seed, 7)), next: map[uint32]uint16{}}
			base, stun := uint64(0), 0
			const total = 3000
			for range total {
				kind := tr.send()
				if kind == "stun" {
					stun++
				}
				if tr.r.IntN(20) == 0 {
					b.pass(10 * time.Millisecond)
				}
			}
			d := c.w.agent.Drops()
			unanswered := uint64(0)
			for reason, n := range d {
				if !ice.Drop(reason).Answered() {
					unanswered += n
				}
			}
			answered := uint64(0)
			for _, sent := range b.egress.Take() {
				if sent.Data[0] <= 3 {
					answered++
				}
			}
			forwarded := uint64(0)
			for _, tap := range taps {
				forwarded += uint64(len(tap.numbers))
			}
			stats := c.statistics()
			dropped := uint64(0)
			for _, n := range stats.Drops {
				dropped += n
			}
			for _, n := range s.Drops() {
				base += n
			}
			got := answered + uint64(len(b.islands[0].got)) + uint64(tr.handled) + forwarded + dropped + base
			if got != total {
				t.Errorf("of %d datagrams: %d answered, %d DTLS, %d RTCP, %d forwarded, %d dropped, %d by the server: %d in all; %v",
					total, answered, len(b.islands[0].got), tr.handled, forwarded, dropped, base, got, stats.Drops)
			}
			if answered+unanswered != uint64(stun) {
				t.Errorf("%d answers and %d drops for %d STUN messages", answered, unanswered, stun)
			}
			if forwarded == 0 || answered == 0 || tr.handled == 0 || len(stats.Drops) < 8 {
				t.Errorf("the traffic was not diverse: %v", stats.Drops)
			}
		})
	}
}

// send delivers one datagram and tells what kind it was. Outgoing drops are kept at zero, for they are not of received packets: the path
// stays open.
func (tr *traffic) send() string {
	switch tr.r.IntN(12) {
	case 0:
		tr.deliver(check(tr.t, tr.w.agent.UsernameFragment(), tr.w.agent.Password(), tr.r.IntN(2) == 0))
		return "stun"
	case 1:
		tr.deliver(check(tr.t, tr.w.agent.UsernameFragment(), "forged", true))
		return "stun"
	case 2:
		b := make([]byte, tr.r.IntN(100))
		for i := range b {
			b[i] = byte(tr.r.Uint32())
		}
		if len(b) > 0 && b[0] <= 3 {
			b[0] = 4
		}
		if tr.r.IntN(3) == 0 {
			tr.server.Handle(tr.now, b, from(tr.server, evilAddress))
			return "noise for the server"
		}
		tr.deliver(b)
		return "noise"
	case 3:
		tr.deliver(clientHello)
		return "dtls"
	case 4:
		if len(tr.old) > 0 {
			tr.deliver(tr.old[tr.r.IntN(len(tr.old))])
			return "replay"
		}
		tr.deliver([]byte{200})
		return "noise"
	case 5:
		tr.handled++
		tr.sendRTCP(&pionrtcp.ReceiverReport{SSRC: 9}, &pionrtcp.PictureLossIndication{MediaSSRC: tr.r.Uint32N(20)}, nack(tr.r.Uint32N(20), uint16(tr.r.Uint32())))
		return "rtcp"
	case 6:
		tr.deliver(tr.sealRawRTCP([]byte{0x81, 201, 0, 1, 0, 0, 0, 1}))
		return "malformed rtcp"
	}
	datagram := tr.seal(tr.media())
	if len(tr.old) < 50 {
		tr.old = append(tr.old, datagram)
	}
	if tr.r.IntN(10) == 0 {
		return tr.lose(datagram)
	}
	tr.deliver(datagram)
	return "media"
}

// lose does not deliver a datagram but a forged one.
func (tr *traffic) lose(datagram []byte) string {
	datagram[len(datagram)-1] ^= 1
	tr.deliver(datagram)
	return "forged media"
}

// media is a packet of one of the streams, or of none; some are empty, not of a codec, or retransmissions nobody wants.
func (tr *traffic) media() *pionrtp.Packet {
	ssrc := []uint32{10, 10, 11, 20, 21, 22, 31, 99}[tr.r.IntN(8)]
	tr.next[ssrc] += uint16(1 + tr.r.IntN(2))
	p := frame(ssrc, tr.next[ssrc], tr.r.IntN(50) == 0)
	switch ssrc {
	case 11:
		p.PayloadType = 102
		p.Payload = append([]byte{byte(tr.next[10] >> 8), byte(tr.next[10] - uint16(tr.r.IntN(4)))}, p.Payload...)
	case 31:
		p.PayloadType = 100
	case 20, 21:
		with(tr.t, p, midID, []byte("s"))
		with(tr.t, p, ridID, []byte{'a' + byte(ssrc-20)})
	case 22:
		with(tr.t, p, midID, []byte("s"))
	}
	switch tr.r.IntN(20) {
	case 0:
		p.Payload = nil
	case 1:
		p.PayloadType = 55
	case 2:
		p.Payload = []byte{0x90}
	case 3:
		with(tr.t, p, ccID, []byte{1, 2})
	case 4:
		if pr := tr.w.producers[tr.r.IntN(3)]; pr.Paused() {
			pr.Resume(tr.now)
		} else {
			pr.Pause(tr.now)
		}
	}
	return p
}

// Every verdict has a name of its own, and none is that of a drop: they share a table in the statistics.
func TestDropNamesAreDistinct(t *testing.T) {
	names := map[string]bool{}
	for d := range numDrops {
		names[d.String()] = true
	}
	for v := range producer.NumVerdicts {
		if !v.Forwarded() {
			names[v.String()] = true
		}
	}
	want := int(numDrops) + int(producer.NumVerdicts) - 2
	if len(names) != want || names[""] {
		t.Errorf("%d names, want %d: %v", len(names), want, names)
	}
}
