package transport

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	"gazpacho/pkg/rtp"
	"gazpacho/pkg/tuple"
)

// R-RTP-2, R-RTP-3: "Authentication and replay failures are counters" and "Stream state is created only after authentication".
func TestForgedSRTPLeavesNoState(t *testing.T) {
	b := newBench(t)
	c := b.client(b.server(), "t")
	c.produce(videoProducer("p", "v", 10))
	c.sendRTP(frame(10, 1, true))
	before, timers := c.state(), b.timers.Len()
	r := rand.New(rand.NewPCG(1, 2))
	forged := frame(0, 1, true)
	forged.Version = 2
	raw, err := forged.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	raw = append(raw, make([]byte, 16)...)
	forge := func() {
		binary.BigEndian.PutUint32(raw[8:], r.Uint32())
		binary.BigEndian.PutUint16(raw[2:], uint16(r.Uint32()))
		c.deliver(raw)
	}
	forge()
	var was, is runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&was)
	for range 9_999 {
		forge()
	}
	runtime.GC()
	runtime.ReadMemStats(&is)
	if grown := int64(is.HeapAlloc) - int64(was.HeapAlloc); grown > 100_000 {
		t.Errorf("10,000 forged packets left %d bytes", grown)
	}
	if got := c.w.drops[DropSRTPAuth]; got != 10_000 {
		t.Errorf("%d were counted", got)
	}
	if after := c.state(); after != before || b.timers.Len() != timers {
		t.Errorf("changed\n%s to\n%s", before, after)
	}
	if events := b.take(); len(events) > 1 { // the producer's first score
		t.Errorf("events %v", events)
	}
}

func TestReplayedSRTPIsCounted(t *testing.T) {
	b := newBench(t)
	c := b.client(b.server(), "t")
	c.produce(videoProducer("p", "v", 10))
	tap := c.tap("p")
	packet, report := c.seal(frame(10, 1, true)), c.sealRawRTCP([]byte{0x80, 201, 0, 1, 0, 0, 0, 9})
	for range 5 {
		c.deliver(packet)
		c.deliver(report)
	}
	if got := c.w.drops[DropSRTPReplay]; got != 8 || len(tap.numbers) != 1 {
		t.Errorf("%d replays were counted, %d packets came through", got, len(tap.numbers))
	}
	for _, short := range [][]byte{{0x80}, {0x80, 101}, packet[:12], packet[:20], report[:9]} {
		c.deliver(short)
	}
	if got := c.w.drops[DropSRTPMalformed] + c.w.drops[DropSRTPAuth]; got != 5 {
		t.Errorf("of five that are too short %d were counted: %v", got, c.w.drops.table())
	}
}

// Before its keys are there, and after they are gone, nothing of a peer is read.
func TestMediaWithoutKeysIsDropped(t *testing.T) {
	b := newBench(t)
	c := b.stranger(b.server(), "t")
	c.reach(c.w, c.from.Remote)
	c.produce(videoProducer("p", "v", 10))
	tap := c.tap("p")
	c.deliver(c.seal(frame(10, 1, true)))
	c.deliver(c.sealRawRTCP([]byte{0x80, 201, 0, 1, 0, 0, 0, 9}))
	c.deliver(clientHello)
	if c.w.drops[DropNoKeys] != 2 || c.w.drops[DropNoDTLS] != 1 {
		t.Errorf("drops %v", c.w.drops.table())
	}
	c.w.DTLSConnected(b.now, c.keys(), "PEM")
	c.sendRTP(frame(10, 2, true))
	c.w.DTLSClosed(b.now, "bye")
	c.sendRTP(frame(10, 3, true))
	if c.w.drops[DropNoKeys] != 3 || !slices.Equal(tap.numbers, []uint16{2}) {
		t.Errorf("drops %v, %v came through", c.w.drops.table(), tap.numbers)
	}
}

// Authenticated does not mean well-formed: a peer's own nonsense is counted and harms nothing.
func TestMalformedAuthenticatedPackets(t *testing.T) {
	b := newBench(t)
	c := b.client(b.server(), "t")
	c.produce(videoProducer("p", "v", 10))
	padded := func(seq byte, last byte) []byte {
		return append([]byte{0xa0, 101, 0, seq, 0, 0, 0, 0, 0, 0, 0, 10}, 1, 2, 3, last)
	}
	c.deliver(c.sealRaw(padded(1, 0)))  // padding of no bytes
	c.deliver(c.sealRaw(padded(2, 99))) // more padding than there is packet
	if got := c.w.drops[DropMalformed]; got != 2 {
		t.Errorf("%d malformed RTP packets were counted", got)
	}
	for _, tt := range []struct {
		raw    []byte
		reason Drop
	}{
		// counts a block it does not have
		{[]byte{0x81, 201, 0, 1, 0, 0, 0, 1}, DropRTCPMalformed},
		// longer than the datagram
		{[]byte{0x80, 201, 0, 9, 0, 0, 0, 1}, DropRTCPMalformed},
		// version 1 is not even RTCP on the wire
		{[]byte{0x40, 201, 0, 1, 0, 0, 0, 1}, DropMalformed},
		// "at most 32 packets" (R-RTP-6)
		{bytes.Repeat([]byte{0x80, 201, 0, 1, 0, 0, 0, 1}, 33), DropRTCPTooMany},
		// 33 packets of which the last is cut
		{bytes.Repeat([]byte{0x80, 201, 0, 1, 0, 0, 0, 1}, 33)[:33*8-4], DropRTCPMalformed},
		// an end that is no packet
		{append([]byte{0x80, 201, 0, 1, 0, 0, 0, 1}, 0x80, 0xc8), DropRTCPMalformed},
	} {
		before := c.w.drops[tt.reason]
		c.deliver(c.sealRawRTCP(tt.raw))
		if c.w.drops[tt.reason] != before+1 {
			t.Errorf("% x was not counted as %s: %v", tt.raw, tt.reason, c.w.drops.table())
		}
	}
	c.sendRTP(frame(10, 5, true))
	if c.w.meters.rtpIn.bytes == 0 {
		t.Error("the stream did not go on")
	}
}

// What the producer refuses is counted under its reason.
func TestVerdictsAreCounted(t *testing.T) {
	b := newBench(t)
	c := b.client(b.server(), "t")
	c.produce(videoProducer("p", "v", 10))
	wrong := frame(10, 1, true)
	wrong.PayloadType = 99
	c.sendRTP(wrong)
	c.sendRTP(frame(10, 2, true))
	empty := frame(10, 3, false)
	empty.Payload = nil
	c.sendRTP(empty)
	garbage := frame(10, 4, false)
	garbage.Payload = []byte{0x90}
	c.sendRTP(garbage)
	unasked := frame(11, 1, false)
	unasked.PayloadType, unasked.Payload = 102, append([]byte{0, 2}, unasked.Payload...)
	c.sendRTP(unasked)
	c.w.producers[0].Pause(b.now)
	c.sendRTP(frame(10, 5, false))
	want := map[string]uint64{
		"producerPayloadType": 1, "producerPadding": 1, "producerPayload": 1, "producerUnaskedRtx": 1, "producerPaused": 1,
	}
	got := c.statistics().Drops
	for reason, n := range want {
		if got[reason] != n {
			t.Errorf("%s: %d, want %d", reason, got[reason], n)
		}
	}
	if len(got) != len(want) {
		t.Errorf("drops %v", got)
	}
}

// The buffers of sockets are lent for the call: what a tap keeps must have been copied. deliver poisons them.
func TestReceivedBuffersAreNotKept(t *testing.T) {
	b := newBench(t)
	s := b.server()
	from, to := b.client(s, "from"), b.client(s, "to")
	from.produce(videoProducer("p", "v", 10))
	to.consume(videoConsumer("c", "p", 300, 1010), from)
	for seq := uint16(1); seq <= 50; seq++ {
		from.sendRTP(with(t, frame(10, seq, seq == 1), midID, []byte("v")))
	}
	sent := to.readMedia()
	if len(sent) != 50 {
		t.Fatalf("%d packets", len(sent))
	}
	lost := make([]uint16, 0, 50)
	for i, p := range sent {
		if p.Payload[len(p.Payload)-1] != byte(i+1) {
			t.Errorf("packet %d ends with %x", i, p.Payload[len(p.Payload)-1])
		}
		lost = append(lost, p.SequenceNumber)
	}
	// Retransmissions come from the cache, long after the buffers were used again.
	b.now = b.now.Add(200 * time.Millisecond)
	to.sendRTCP(nack(300, lost...))
	for i, p := range to.readMedia() {
		if p.SSRC != 301 || p.Payload[len(p.Payload)-1] != byte(i+1) {
			t.Errorf("retransmission %d is of %d and ends with %x", i, p.SSRC, p.Payload[len(p.Payload)-1])
		}
	}
}

// R-DTLS-1: a tuple that belongs to one transport does not feed another, even with valid keys and credentials in the datagram.
func TestTuplesDoNotMix(t *testing.T) {
	b := newBench(t)
	s := b.server()
	one, two := b.client(s, "one"), b.client(s, "two")
	one.produce(videoProducer("p1", "v", 10))
	two.produce(videoProducer("p2", "v", 10))
	tap := two.tap("p2")
	s.Handle(b.now, two.seal(frame(10, 1, true)), one.from)
	if len(tap.numbers) != 0 || one.w.drops[DropSRTPAuth] != 1 {
		t.Errorf("drops %v", one.w.drops.table())
	}
	// A check for two from one's address stays with one, who does not know the user: two's traffic cannot be drawn away from it.
	s.Handle(b.now, check(t, two.w.agent.UsernameFragment(), two.w.agent.Password(), true), one.from)
	if two.w.selected == one.from || s.tuples[one.from] != one.w {
		t.Error("the tuple changed hands")
	}
	other := tuple.Of(tuple.UDP, 9999, one.from.Local, one.from.Remote)
	s.Handle(b.now, one.seal(frame(10, 1, true)), other)
	if s.drops[DropUnknownTuple] != 1 {
		t.Errorf("another socket's tuple was taken for this one's: %v", s.drops.table())
	}
}

// Handle must cope with anything on a connected tuple.
func FuzzHandle(f *testing.F) {
	f.Add([]byte{0x80, 101, 0, 1, 0, 0, 0, 0, 0, 0, 0, 10})
	f.Add([]byte{0x80, 200, 0, 6})
	f.Add(clientHello)
	f.Add(check(f, "user", "password", true))
	b := newBench(f)
	c := b.client(b.server(), "t")
	c.produce(videoProducer("p", "v", 10))
	f.Fuzz(func(t *testing.T, datagram []byte) {
		if len(datagram) > rtp.MaxPacketSize {
			return
		}
		// Raw, and authenticated: as what the peer could send if it wanted to.
		c.deliver(datagram)
		if n, ok := rtp.HeaderLength(datagram); ok && n <= len(datagram) && len(datagram)+32 <= rtp.MaxPacketSize {
			dst := append(slices.Clone(datagram), make([]byte, 32)...)
			if n, ok := c.session.ProtectRTP(dst, n, datagram[n:]); ok {
				c.deliver(dst[:n])
			}
		}
		if len(datagram) >= 8 {
			dst := append(slices.Clone(datagram), make([]byte, 32)...)
			if n, ok := c.session.ProtectRTCP(dst, len(datagram)); ok {
				c.deliver(dst[:n])
			}
		}
		c.egress.Take()
		b.take()
		if len(c.w.listener.bySSRC) > maxStreams {
			t.Errorf("%d streams", len(c.w.listener.bySSRC))
		}
	})
}
