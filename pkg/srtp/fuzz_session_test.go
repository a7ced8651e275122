package srtp

import (
	"bytes"
	"testing"

	pion "github.com/pion/srtp/v2"

	"gazpacho/pkg/simtest/script"
)

// Operations of FuzzSession.
const (
	sessionSend = iota
	sessionSendAgain
	sessionForget
	sessionDeliver
	sessionCorrupt
	sessionRTCP
	sessionDeliverRTCP
	sessionOperations
)

// conversation is two sessions, pion as a third that listens, and all that was sent.
type conversation struct {
	t          *testing.T
	a, b       *Session
	oracle     *pion.Context // nil since a stream was forgotten: pion's begin anew
	keystreams map[string]bool
	sent       [][]byte // protected packets
	plain      [][]byte
	taken      []bool
	control    [][]byte
	heard      []bool
	buf        [200]byte
}

// newConversation makes one whose streams 0 and 1 may be sent again.
func newConversation(t *testing.T, profile Profile) *conversation {
	k := newKeyring(profile, 1)
	a, b := newPair(t, profile)
	a.AllowResend(0)
	a.AllowResend(1)
	return &conversation{t: t, a: a, b: b, oracle: newOracle(t, profile, k.keyA, k.saltA), keystreams: map[string]bool{}}
}

// send protects a packet whose payload is zero, so that what comes out is the keystream: no two packets may have the same.
func (c *conversation) send(ssrc uint32, seq uint16, size int) {
	c.t.Helper()
	packet := rtpPacket(ssrc, seq, make([]byte, 16+size))
	n, ok := c.a.ProtectRTP(c.buf[:12+copy(c.buf[:], packet[:12])+size+60], 12, packet[12:])
	if !ok {
		return
	}
	sealed := bytes.Clone(c.buf[:n])
	stream := string(sealed[8:28]) // SSRC and sixteen bytes of keystream
	if c.keystreams[stream] {
		c.t.Fatalf("packet %d of %d has the keystream of another", seq, ssrc)
	}
	c.keystreams[stream] = true
	if c.oracle != nil {
		want, err := c.oracle.EncryptRTP(nil, packet, nil)
		if err != nil || !bytes.Equal(sealed, want) {
			c.t.Fatalf("packet %d of %d is %x, pion's %x, %v", seq, ssrc, sealed, want, err)
		}
	}
	c.sent, c.plain, c.taken = append(c.sent, sealed), append(c.plain, packet), append(c.taken, false)
}

// again asks for the retransmission of a packet, perhaps with another payload: either it is the one that was sent, or nothing comes.
func (c *conversation) again(i int, change byte) {
	c.t.Helper()
	packet := bytes.Clone(c.plain[i])
	packet[12] ^= change
	n, ok := c.a.ProtectRTPAgain(c.buf[:copy(c.buf[:], packet)+MaxOverhead], 12, packet[12:])
	if ok && (change != 0 || !bytes.Equal(c.buf[:n], c.sent[i])) {
		c.t.Fatalf("%x was sent again as %x", c.sent[i], c.buf[:n])
	}
}

// deliver takes a packet, which must be what was sent and not have been taken before.
func (c *conversation) deliver(i, at int, flip byte) {
	c.t.Helper()
	packet := bytes.Clone(c.sent[i])
	packet[at%len(packet)] ^= flip
	n, reason := c.b.UnprotectRTP(packet)
	switch {
	case reason != OK:
		return
	case flip != 0:
		c.t.Fatalf("byte %d changed by %#x was taken", at%len(packet), flip)
	case c.taken[i]:
		c.t.Fatalf("%x was taken twice", c.sent[i])
	case !bytes.Equal(packet[:n], c.plain[i]):
		c.t.Fatalf("%x became %x", c.plain[i], packet[:n])
	}
	c.taken[i] = true
}

func (c *conversation) sendRTCP(ssrc uint32, words int) {
	c.t.Helper()
	c.control, c.heard = append(c.control, mustProtectRTCP(c.t, c.a, rtcpPacket(ssrc, 8+4*words))), append(c.heard, false)
}

func (c *conversation) deliverRTCP(i, at int, flip byte) {
	c.t.Helper()
	packet := bytes.Clone(c.control[i])
	packet[at%len(packet)] ^= flip
	n, reason := c.b.UnprotectRTCP(packet)
	if reason != OK {
		return
	}
	if flip != 0 || c.heard[i] || !bytes.Equal(packet[:n], rtcpPacket(uint32(packet[7]), n)) {
		c.t.Fatalf("%x was taken as %x, before %v", c.control[i], packet[:n], c.heard[i])
	}
	c.heard[i] = true
}

// FuzzSession sends in any order, forgets streams and sends again, and delivers in any other order, twice or corrupted: no keystream
// encrypts two packets (R-RTP-7), nothing is taken twice, and what is taken is what was sent. While no stream is forgotten, pion agrees to the
// byte.
func FuzzSession(f *testing.F) {
	f.Add(script.Write(0, uint16(65530), sessionSend, 0, 1, 9, sessionSend, 0, 1, 9, sessionDeliver, 1, sessionDeliver, 0, sessionDeliver, 1, sessionSendAgain, 0, 0))
	f.Add(script.Write(2, uint16(0), sessionSend, 1, 255, 0, sessionForget, 1, sessionSend, 1, 1, 0, sessionSend, 1, 250, 3, sessionCorrupt, 0, 20, 1))
	f.Add(script.Write(3, uint16(9), sessionRTCP, 1, 3, sessionRTCP, 2, 30, sessionDeliverRTCP, 1, 0, 0, sessionDeliverRTCP, 0, 9, 9))
	f.Fuzz(func(t *testing.T, input []byte) {
		s := script.New(input)
		c := newConversation(t, profiles[s.Below(len(profiles))])
		next := [3]uint16{s.Uint16(), 65000, 7}
		for steps := 0; s.More() && steps < 100; steps++ {
			op := s.Below(sessionOperations)
			switch {
			case op == sessionSend:
				ssrc, step := s.Below(3), int(int8(s.Byte()))
				if step > 100 || step < -100 {
					step *= 250
				}
				next[ssrc] += uint16(step)
				c.send(uint32(ssrc), next[ssrc], s.Below(64))
			case op == sessionForget:
				c.a.Forget(uint32(s.Below(3)))
				c.oracle = nil
			case op == sessionRTCP:
				c.sendRTCP(uint32(s.Below(4)), s.Below(32))
			case op == sessionDeliverRTCP && len(c.control) > 0:
				c.deliverRTCP(s.Below(len(c.control)), int(s.Byte()), s.Byte())
			case op != sessionDeliverRTCP && len(c.sent) > 0:
				i := s.Below(len(c.sent))
				switch op {
				case sessionSendAgain:
					c.again(i, s.Byte())
				case sessionDeliver:
					c.deliver(i, 0, 0)
				case sessionCorrupt:
					c.deliver(i, int(s.Byte()), s.Byte())
				}
			}
		}
	})
}
