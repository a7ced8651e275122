package srtp

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"gazpacho/pkg/rtp"
)

func TestUnprotectReplay(t *testing.T) {
	eachProfile(t, func(t *testing.T, profile Profile) {
		a, b := newPair(t, profile)
		var packets [][]byte
		for seq := range uint16(1100) {
			packets = append(packets, mustProtect(t, a, 1, seq))
		}
		wantRTP(t, b, packets[50], OK)
		wantRTP(t, b, packets[50], Replayed)
		wantRTP(t, b, packets[10], OK)
		wantRTP(t, b, packets[1099], OK)
		// R-RTP-7: the window has 1024 packets.
		wantRTP(t, b, packets[1099-1023], OK)
		wantRTP(t, b, packets[1099-1024], TooOld)
		wantRTP(t, b, packets[1099-1023], Replayed)

		packets = packets[:0]
		for range 200 {
			packets = append(packets, mustProtectRTCP(t, a, rtcpPacket(1, 16)))
		}
		wantRTCP(t, b, packets[199], OK)
		wantRTCP(t, b, packets[199], Replayed)
		// R-RTP-7: the window has 128 packets.
		wantRTCP(t, b, packets[199-127], OK)
		wantRTCP(t, b, packets[199-128], TooOld)
		wantRTCP(t, b, packets[199-127], Replayed)
	})
}

// TestRolloverGap is R-RTP-7: the rollover survives that 2^15-1 packets in a row are lost, again and again.
func TestRolloverGap(t *testing.T) {
	eachProfile(t, func(t *testing.T, profile Profile) {
		a, b := newPair(t, profile)
		seq := uint16(30000)
		for range 20 {
			wantRTP(t, b, mustProtect(t, a, 1, seq), OK)
			seq += 1<<15 - 1
		}
		if roc := b.received[1].rtpHighest >> 16; roc != (30000+19*(1<<15-1))>>16 {
			t.Errorf("rollover counter %d", roc)
		}
	})
}

// TestForged changes every byte of a packet in turn. R-RTP-2, R-RTP-3: a forged packet is counted and changes nothing.
func TestForged(t *testing.T) {
	eachProfile(t, func(t *testing.T, profile Profile) {
		a, b := newPair(t, profile)
		packet := protect(a, rtpPacket(1, 100, make([]byte, 40)), 12)
		for i := range packet {
			forged := bytes.Clone(packet)
			forged[i] ^= 4 // in the first byte that is four CSRCs more
			wantRTP(t, b, forged, AuthFailed)
		}
		report := mustProtectRTCP(t, a, rtcpPacket(1, 28))
		for i := range report {
			forged := bytes.Clone(report)
			forged[i] ^= 4
			wantRTCP(t, b, forged, AuthFailed)
		}
		if len(b.received) != 0 {
			t.Fatal("a forged packet left state behind")
		}
		wantRTP(t, b, packet, OK)
		wantRTCP(t, b, report, OK)

		// The same with a stream that exists: a forged jump ahead must not move the window.
		before := *b.received[1]
		for _, seq := range []uint16{101, 5000, 100 + 1<<15 - 1, 99, 65535} {
			forged := bytes.Clone(packet)
			forged[2], forged[3] = byte(seq>>8), byte(seq)
			wantRTP(t, b, forged, AuthFailed)
		}
		forged := bytes.Clone(report)
		forged[b.receive.rtcpIndexAt(len(report))+1] = 0x7f
		wantRTCP(t, b, forged, AuthFailed)
		if *b.received[1] != before {
			t.Error("a forged packet changed the stream")
		}
	})
}

// TestForgedSSRCs is R-RTP-3: state only after authentication. Each packet has an SSRC never seen.
func TestForgedSSRCs(t *testing.T) {
	const packets = 100_000
	eachProfile(t, func(t *testing.T, profile Profile) {
		_, b := newPair(t, profile)
		rng := rand.New(rand.NewPCG(5, 5))
		template, buf := randomBytes(rng, 60), make([]byte, 60)
		template[0], template[1] = 0x80, 96
		var ssrc uint32
		allocs := testing.AllocsPerRun(packets, func() {
			ssrc += 0x9E3779B1
			copy(buf, template)
			buf[8], buf[9], buf[10], buf[11] = byte(ssrc>>24), byte(ssrc>>16), byte(ssrc>>8), byte(ssrc)
			if _, reason := b.UnprotectRTP(buf); reason != AuthFailed {
				t.Fatal(reason)
			}
			copy(buf, template)
			copy(buf[4:], buf[8:12])
			buf[b.receive.rtcpIndexAt(len(buf))] |= 0x80
			if _, reason := b.UnprotectRTCP(buf); reason != AuthFailed {
				t.Fatal(reason)
			}
		})
		if allocs != 0 || len(b.received) != 0 {
			t.Errorf("%v allocations per forged packet, %d streams", allocs, len(b.received))
		}
	})
}

func TestUnprotectMalformed(t *testing.T) {
	eachProfile(t, func(t *testing.T, profile Profile) {
		a, b := newPair(t, profile)
		tag := b.rtpTag
		header := func(first byte, size int) []byte {
			p := make([]byte, size)
			p[0] = first
			return p
		}
		extension := header(0x90, 16+tag)
		extension[15] = 1 // one word, where the tag lies
		longExtension := header(0x90, 60)
		longExtension[14], longExtension[15] = 0xff, 0xff
		for _, c := range []struct {
			name   string
			packet []byte
			want   Reason
		}{
			{"empty", nil, TooShort},
			{"header without tag", header(0x80, 12), TooShort},
			{"one byte short", header(0x80, 12+tag-1), TooShort},
			{"header and tag", header(0x80, 12+tag), AuthFailed},
			{"version 1", header(0x40, 60), Malformed},
			{"CSRCs that do not fit", header(0x8f, 60), Malformed},
			{"CSRC in place of the tag", header(0x81, 12+tag), TooShort},
			{"extension in place of the tag", extension, TooShort},
			{"extension that does not fit", longExtension, Malformed},
			{"longest", header(0x80, rtp.MaxPacketSize+tag), AuthFailed},
			{"too long", header(0x80, rtp.MaxPacketSize+tag+1), TooLong},
		} {
			if _, got := b.UnprotectRTP(c.packet); got != c.want {
				t.Errorf("%s: %v, want %v", c.name, got, c.want)
			}
		}
		for _, c := range []struct {
			name   string
			packet []byte
			want   Reason
		}{
			{"empty", nil, TooShort},
			{"one byte short", header(0x80, 8+b.rtcpTail-1), TooShort},
			{"version 3", header(0xc0, 60), Malformed},
			{"not encrypted", header(0x80, 60), NotEncrypted},
			{"too long", header(0x80, rtp.MaxPacketSize+b.rtcpTail+1), TooLong},
		} {
			if _, got := b.UnprotectRTCP(c.packet); got != c.want {
				t.Errorf("RTCP, %s: %v, want %v", c.name, got, c.want)
			}
		}
		longest := rtcpPacket(1, rtp.MaxPacketSize)
		if got := wantRTCP(t, b, mustProtectRTCP(t, a, longest), OK); !bytes.Equal(got, longest) {
			t.Error("the longest RTCP packet came back changed")
		}
		longest = rtpPacket(1, 1, make([]byte, rtp.MaxPacketSize-12))
		if got := wantRTP(t, b, protect(a, longest, 12), OK); !bytes.Equal(got, longest) {
			t.Error("the longest RTP packet came back changed")
		}
	})
}

// TestUnprotectStaysInside: the bytes behind a packet may belong to the next one of a batch.
func TestUnprotectStaysInside(t *testing.T) {
	eachProfile(t, func(t *testing.T, profile Profile) {
		a, b := newPair(t, profile)
		for size := range 40 {
			sealed := protect(a, rtpPacket(1, uint16(size), make([]byte, size)), 12)
			report := mustProtectRTCP(t, a, rtcpPacket(1, 8+size))
			for i, p := range [][]byte{sealed, report} {
				batch := append(bytes.Clone(p), bytes.Repeat([]byte{0xee}, 64)...)
				var reason Reason
				if i == 0 {
					_, reason = b.UnprotectRTP(batch[:len(p)])
				} else {
					_, reason = b.UnprotectRTCP(batch[:len(p)])
				}
				if reason != OK || !bytes.Equal(batch[len(p):], bytes.Repeat([]byte{0xee}, 64)) {
					t.Fatalf("%d bytes: %v, or wrote behind the packet", size, reason)
				}
			}
		}
	})
}

// TestDirections: what one side sends is not taken by itself, and RTP not as RTCP.
func TestDirections(t *testing.T) {
	eachProfile(t, func(t *testing.T, profile Profile) {
		a, b := newPair(t, profile)
		wantRTP(t, a, mustProtect(t, a, 1, 1), AuthFailed)
		wantRTCP(t, a, mustProtectRTCP(t, a, rtcpPacket(1, 20)), AuthFailed)
		wantRTP(t, b, mustProtectRTCP(t, a, rtcpPacket(1, 20)), AuthFailed)
	})
}

// TestReceivedStreams: when a peer that knows the keys uses too many SSRCs, the one silent longest makes room, not the busy one.
func TestReceivedStreams(t *testing.T) {
	eachProfile(t, func(t *testing.T, profile Profile) {
		a, b := newPair(t, profile)
		const busy = 1
		for i := range uint32(3 * MaxReceivedStreams) {
			wantRTP(t, b, mustProtect(t, a, busy, uint16(i)*200), OK) // rolls over twice
			if i%2 == 0 {
				wantRTP(t, b, mustProtect(t, a, 1000+i, 7), OK)
			} else {
				wantRTCP(t, b, mustProtectRTCP(t, a, rtcpPacket(1000+i, 8)), OK)
			}
			if len(b.received) > MaxReceivedStreams {
				t.Fatalf("%d streams", len(b.received))
			}
		}
		if len(b.received) != MaxReceivedStreams || b.received[busy].rtpHighest>>16 != 2 {
			t.Errorf("%d streams, the busy one is %+v", len(b.received), b.received[busy])
		}
		if b.received[1000] != nil || b.received[1000+3*MaxReceivedStreams-1] == nil {
			t.Error("the wrong stream made room")
		}
	})
}
