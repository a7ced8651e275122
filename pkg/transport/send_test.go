package transport

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"

	pionrtp "github.com/pion/rtp"

	"gazpacho/pkg/rtp"
	"gazpacho/proto"
)

// Extensions go out under the receiver's ids: its MID, the time of sending, and the transport-wide number.
func TestExtensionsAreTheReceivers(t *testing.T) {
	b := newBench(t)
	s := b.server()
	from, to := b.client(s, "from"), b.client(s, "to")
	from.produce(videoProducer("p", "v", 10))
	o := videoConsumer("c", "p", 300, 1010)
	for i := range o.RTPParameters.HeaderExtensions {
		o.RTPParameters.HeaderExtensions[i].ID += 6
	}
	to.consume(o, from)
	b.now = b.now.Add(1234 * time.Millisecond)
	from.sendRTP(with(t, with(t, frame(10, 1, true), midID, []byte("v")), ccID, []byte{7, 7}))
	p := to.readMedia()[0]
	if got := string(p.GetExtension(midID + 6)); got != "mc" {
		t.Errorf("MID %q", got)
	}
	abs := rtp.AbsSendTime(b.now)
	if got := p.GetExtension(absID + 6); !bytes.Equal(got, []byte{byte(abs >> 16), byte(abs >> 8), byte(abs)}) {
		t.Errorf("abs-send-time %x, want %x", got, abs)
	}
	if got := p.GetExtension(ccID + 6); !bytes.Equal(got, []byte{0, 1}) {
		t.Errorf("transport-wide number %x", got)
	}
	if ids := p.GetExtensionIDs(); len(ids) != 3 {
		t.Errorf("extensions %v", ids)
	}
}

// One counter numbers all packets of a transport that negotiated it, retransmissions included, and only those.
func TestTransportWideNumbers(t *testing.T) {
	b := newBench(t)
	s := b.server()
	from, to := b.client(s, "from"), b.client(s, "to")
	from.produce(videoProducer("p", "v", 10))
	to.consume(videoConsumer("c", "p", 300, 1010), from)
	to.consume(videoConsumer("d", "p", 400, 1010), from)
	plain := videoConsumer("e", "p", 500, 1010)
	plain.RTPParameters.HeaderExtensions = nil
	to.consume(plain, from)
	var sent []*pionrtp.Packet
	for seq := uint16(1); seq <= 20; seq++ {
		from.sendRTP(frame(10, seq, seq == 1))
		packets := to.readMedia()
		sent = append(sent, packets...)
		b.now = b.now.Add(20 * time.Millisecond)
		to.sendRTCP(nack(300, packets[0].SequenceNumber))
		sent = append(sent, to.readMedia()...)
	}
	next, unnumbered := uint16(1), 0
	for _, p := range sent {
		v := p.GetExtension(ccID)
		if p.SSRC == 500 {
			unnumbered++
			if p.Extension {
				t.Fatalf("a packet without negotiation has extensions: %v", p)
			}
			continue
		}
		if got := binary.BigEndian.Uint16(v); got != next {
			t.Fatalf("packet of %d has number %d, want %d", p.SSRC, got, next)
		}
		next++
	}
	if next != 61 || unnumbered != 20 {
		t.Errorf("%d numbered and %d unnumbered packets", next-1, unnumbered)
	}
}

// sender is a transport whose path is open, to call SendRTP as consumers do.
func sender(t testing.TB) *client {
	b := newBench(t)
	return b.client(b.server(), "t")
}

// A patched payload goes out changed, and the shared packet stays as it was.
func TestPatchedPayload(t *testing.T) {
	c := sender(t)
	payload := []byte("shared by all consumers")
	shared := bytes.Clone(payload)
	h := &rtp.Header{SSRC: 5, SequenceNumber: 1, PayloadType: 101, PatchSize: 3, Patch: [rtp.MaxPatch]byte{'S', 'H', 'A'}}
	size := c.w.SendRTP(c.now, h, payload)
	got := c.readMedia()
	if len(got) != 1 || string(got[0].Payload) != "SHAred by all consumers" || size != rtp.HeaderSize+len(payload) {
		t.Errorf("sent %v, size %d", got, size)
	}
	if !bytes.Equal(payload, shared) {
		t.Errorf("the shared payload became %q", payload)
	}
	rtx := &rtp.Header{SSRC: 6, SequenceNumber: 1, PayloadType: 102, IsRTX: true, OSN: 0x1234, PatchSize: 1, Patch: [rtp.MaxPatch]byte{'X'}}
	c.w.SendRTP(c.now, rtx, payload)
	if got := c.readMedia(); len(got) != 1 || string(got[0].Payload) != "\x12\x34Xhared by all consumers" || !bytes.Equal(payload, shared) {
		t.Errorf("sent %q", got[0].Payload)
	}
}

// What cannot be sent is counted under a named reason and leaves nothing in the batch.
func TestOutgoingDrops(t *testing.T) {
	h := func(seq uint16) *rtp.Header { return &rtp.Header{SSRC: 5, SequenceNumber: seq, PayloadType: 101} }
	tests := []struct {
		name   string
		do     func(c *client) int
		reason Drop
	}{
		{"number used before", func(c *client) int {
			c.w.SendRTP(c.now, h(1), []byte("x"))
			c.readMedia()
			return c.w.SendRTP(c.now, h(1), []byte("y"))
		}, DropProtect},
		{"again what never was sent", func(c *client) int {
			again := h(1)
			again.Again = true
			return c.w.SendRTP(c.now, again, []byte("x"))
		}, DropProtect},
		{"payload too long", func(c *client) int { return c.w.SendRTP(c.now, h(1), make([]byte, rtp.MaxPacketSize+1)) }, DropSendMalformed},
		{"patch longer than the payload", func(c *client) int {
			patched := h(1)
			patched.PatchSize = 2
			return c.w.SendRTP(c.now, patched, []byte("x"))
		}, DropSendMalformed},
		{"no keys", func(c *client) int {
			c.w.DTLSClosed(c.now, "bye")
			return c.w.SendRTP(c.now, h(1), []byte("x"))
		}, DropNotOpen},
		{"no consent", func(c *client) int {
			c.pass(31 * time.Second)
			return c.w.SendRTP(c.now, h(1), []byte("x"))
		}, DropNotOpen},
		{"RTCP without keys", func(c *client) int {
			c.w.DTLSClosed(c.now, "bye")
			c.w.SendRTCP(c.now, rtcpReport())
			return 0
		}, DropNotOpen},
		{"RTCP too long", func(c *client) int { c.w.SendRTCP(c.now, make([]byte, 5000)); return 0 }, DropSendMalformed},
		{"DTLS without consent", func(c *client) int {
			c.pass(31 * time.Second)
			c.w.SendDTLS(c.now, clientHello)
			return 0
		}, DropNotOpen},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := sender(t)
			c.w.reports.Stop() // only what the test causes is to be seen
			before := c.w.drops[tt.reason]
			if size := tt.do(c); size != 0 {
				t.Errorf("it says it sent %d bytes", size)
			}
			if got := c.w.drops[tt.reason] - before; got != 1 {
				t.Errorf("%s was counted %d times: %v", tt.reason, got, c.w.drops.table())
			}
			if sent := c.egress.Take(); len(sent) != 0 {
				t.Errorf("%d packets were sent", len(sent))
			}
		})
	}
}

// The longest packet that can be received can be forwarded, with all that a header may hold.
func TestLongestPacketFits(t *testing.T) {
	c := sender(t)
	ids := rtp.ExtensionIDs{}
	ids[rtp.ExtMID], ids[rtp.ExtAbsSendTime], ids[rtp.ExtTransportCC] = 200, 201, 202
	h := &rtp.Header{SSRC: 5, PayloadType: 101, IDs: &ids, MID: string(bytes.Repeat([]byte("m"), 60)), IsRTX: true, OSN: 1}
	if size := c.w.SendRTP(c.now, h, make([]byte, rtp.MaxPacketSize)); size == 0 {
		t.Fatalf("drops %v", c.w.drops.table())
	}
	if sent := c.egress.Take(); len(sent) != 1 || len(sent[0].Data) < rtp.MaxPacketSize {
		t.Errorf("sent %d packets", len(sent))
	}
}

// Consumers forward only while the path is open, and begin with a key frame each time it opens.
func TestConsumersFollowThePath(t *testing.T) {
	b := newBench(t)
	s := b.server()
	from, to := b.client(s, "from"), b.stranger(s, "to")
	from.produce(videoProducer("p", "v", 10))
	to.consume(videoConsumer("c", "p", 300, 1010), from)
	seq := uint16(0)
	send := func(key bool) int {
		seq++
		from.sendRTP(frame(10, seq, key))
		return len(to.readMedia())
	}
	if send(true) != 0 || to.w.consumers[0].Lanes()[0].Active() {
		t.Error("sent before ICE and DTLS")
	}
	to.reach(to.w, to.from.Remote)
	if send(true) != 0 {
		t.Error("sent before DTLS")
	}
	to.w.DTLSConnected(b.now, to.keys(), "PEM")
	if send(false) != 0 || send(true) != 1 || send(false) != 1 {
		t.Error("not sent from the key frame on")
	}
	b.pass(20 * time.Second)
	from.reach(from.w, from.from.Remote)
	b.pass(11 * time.Second) // the receiver's consent expires
	if send(true) != 0 || to.w.consumers[0].Lanes()[0].Active() {
		t.Error("sent without consent")
	}
	to.reach(to.w, to.from.Remote)
	to.read()
	if send(false) != 0 || send(true) != 1 {
		t.Error("not sent from the key frame on, after consent came back")
	}
	s.busy = to.w
	s.Fault(b.now)
	if to.w.consumers[0].Lanes()[0].Active() || send(true) != 0 || to.w.reports.Pending() {
		t.Error("a transport out of service sends")
	}
	if _, err := to.w.RestartICE(b.now); err == nil || err.Code != proto.CodeInvalidState {
		t.Errorf("restartIce of it: %v", err)
	}
	if len(s.fragments) != 1 {
		t.Errorf("%d user names are served, want that of the other transport", len(s.fragments))
	}
}
