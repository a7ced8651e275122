package transport

import (
	"net/netip"
	"testing"
	"time"

	"gazpacho/pkg/rtp"
	"gazpacho/pkg/srtp"
	"gazpacho/pkg/tuple"
)

// discard is an Egress that counts.
type discard struct {
	slot    [2048]byte
	packets int
}

func (d *discard) Next() []byte            { return d.slot[:] }
func (d *discard) Commit(int, tuple.Tuple) { d.packets++ }

// "Zero allocations on the forward path": from an encrypted datagram to a hundred encrypted datagrams.
func TestForwardingDoesNotAllocate(t *testing.T) {
	for _, profile := range []srtp.Profile{srtp.AES128GCM, srtp.AES256GCM, srtp.AES128CM80} {
		t.Run(profile.String(), func(t *testing.T) {
			var out discard
			f := newForwarder(t, profile, &out, func(i int) tuple.Tuple {
				return tuple.Of(tuple.UDP, 100, netip.MustParseAddrPort("10.0.0.1:4000"), netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(i + 1)}), 5000))
			})
			const warmUp, runs = 600, 400 // caches and meters grow to their size first
			packets := f.publisher.packets(1000, warmUp+runs+1)
			now, i := f.now, 0
			forward := func() {
				now = now.Add(20 * time.Millisecond)
				f.timers.Advance(now)
				f.server.Handle(now, packets[i], f.from)
				i++
			}
			for range warmUp {
				forward()
			}
			for _, w := range f.consumers {
				w.reports.Stop() // reports allocate, once a second
			}
			f.server.tuples[f.from].reports.Stop()
			before := out.packets
			if n := testing.AllocsPerRun(runs, forward); n != 0 {
				t.Errorf("%v allocations per packet", n)
			}
			if media := out.packets - before; media < (runs+1)*fan {
				t.Errorf("%d packets were sent, want %d", media, (runs+1)*fan)
			}
		})
	}
}

// Retransmissions and what strangers send allocate nothing either.
func TestFeedbackAndGarbageDoNotAllocate(t *testing.T) {
	from, to := call(t)
	var out discard
	from.env.Egress = &out
	from.now = from.now.Add(time.Second)
	buf := make([]byte, 0, 1500)
	sent := to.w.consumers[0].Stats(to.now)[0].PacketCount
	if sent == 0 {
		t.Fatal("nothing was sent")
	}
	tests := map[string][][]byte{}
	const runs = 200
	for range runs + 1 {
		tests["NACK"] = append(tests["NACK"], to.sealRTCP(nack(300, 1, 2, 3)))
		tests["forged"] = append(tests["forged"], append([]byte{0x80, 101, 0, 1, 0, 0, 0, 1, 9, 9, 9, 9}, make([]byte, 40)...))
		tests["noise"] = append(tests["noise"], []byte{250, 1, 2})
		tests["stranger's check"] = append(tests["stranger's check"], check(t, to.w.agent.UsernameFragment(), "wrong", true))
	}
	for name, datagrams := range tests {
		i := 0
		if n := testing.AllocsPerRun(runs, func() {
			buf = append(buf[:0], datagrams[i]...)
			i++
			to.server.Handle(to.now, buf, to.from)
		}); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// SendRTP by itself, for all forms of packets.
func TestSendRTPDoesNotAllocate(t *testing.T) {
	c := sender(t)
	var out discard
	c.env.Egress = &out
	ids := rtp.ExtensionIDs{}
	ids[rtp.ExtMID], ids[rtp.ExtTransportCC] = midID, ccID
	payload := make([]byte, 1000)
	for name, h := range map[string]*rtp.Header{
		"plain":   {SSRC: 1, IDs: &ids, MID: "m"},
		"patched": {SSRC: 2, IDs: &ids, MID: "m", PatchSize: 4},
		"RTX":     {SSRC: 3, IDs: &ids, MID: "m", IsRTX: true},
	} {
		c.w.SendRTP(c.now, h, payload)
		if n := testing.AllocsPerRun(100, func() { h.SequenceNumber++; c.w.SendRTP(c.now, h, payload) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	if out.packets != 3*102 {
		t.Errorf("%d packets were sent", out.packets)
	}
}
