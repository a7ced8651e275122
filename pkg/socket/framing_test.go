package socket

import (
	"bytes"
	"encoding/hex"
	"testing"
)

func framed(packets ...string) []byte {
	var stream []byte
	for _, p := range packets {
		stream = append(stream, 0, 0)
		putFrameLength(stream[len(stream)-2:], len(p))
		stream = append(stream, p...)
	}
	return stream
}

func TestFrameGoldenBytes(t *testing.T) {
	// RFC 4571 §2: "A 16-bit unsigned integer LENGTH field, coded in network byte order
	// (big-endian), begins the frame."
	if got := hex.EncodeToString(framed("ab", "", filler(258, 'x')))[:14]; got != "00026162"+"0000"+"01" {
		t.Errorf("stream begins %s", got)
	}
}

func TestNextFrame(t *testing.T) {
	tests := []struct {
		name   string
		stream []byte
		packet string
		rest   int
		state  frameState
	}{
		{"nothing", nil, "", 0, frameHalf},
		{"half a length", []byte{0}, "", 1, frameHalf},
		{"length only", []byte{0, 2}, "", 2, frameHalf},
		{"half a packet", []byte{0, 2, 'a'}, "", 3, frameHalf},
		{"whole", []byte{0, 2, 'a', 'b'}, "ab", 0, frameWhole},
		{"whole and more", []byte{0, 2, 'a', 'b', 'c'}, "ab", 1, frameWhole},
		// "Zero is a valid value for LENGTH, and it codes the null packet."
		{"null packet", []byte{0, 0, 'c'}, "", 1, frameWhole},
		{"longest", framed(filler(MaxDatagram, 'x')), filler(MaxDatagram, 'x'), 0, frameWhole},
		{"too long is known by its length", []byte{0x05, 0xdd}, "", 2, frameTooLong},
		{"longest there is", []byte{0xff, 0xff, 0}, "", 3, frameTooLong},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			packet, rest, state := nextFrame(tt.stream)
			if string(packet) != tt.packet || len(rest) != tt.rest || state != tt.state {
				t.Errorf("got %q, %d left, state %d", packet, len(rest), state)
			}
		})
	}
}

const stunRequest = "\x00\x01\x00\x00\x21\x12\xa4\x42abcdefghijkl"

func TestLooksLikeSTUN(t *testing.T) {
	tests := []struct {
		name   string
		packet string
		want   bool
	}{
		{"binding request", stunRequest, true},
		{"with an attribute", "\x00\x01\x00\x04" + stunRequest[4:] + "\x00\x25\x00\x00", true},
		{"empty", "", false},
		{"too short", stunRequest[:19], false},
		// RFC 8489 §5: "The most significant 2 bits of every STUN message MUST be zeroes."
		{"first bits set", "\x80" + stunRequest[1:], false},
		{"another cookie", "\x00\x01\x00\x00\x21\x12\xa4\x43abcdefghijkl", false},
		{"longer than it says", stunRequest + "abcd", false},
		{"shorter than it says", "\x00\x01\x00\x04" + stunRequest[4:], false},
		// "all STUN attributes are padded to a multiple of 4 bytes"
		{"odd length", "\x00\x01\x00\x02" + stunRequest[4:] + "ab", false},
		{"HTTP", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", false},
		{"TLS ClientHello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + filler(100, 'r'), false},
	}
	for _, tt := range tests {
		if got := looksLikeSTUN([]byte(tt.packet)); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

// However a stream is cut into reads, the same packets come out of it, none over MaxDatagram, and no
// byte is lost or used twice.
func FuzzFrames(f *testing.F) {
	f.Add(framed("ab", "", "c"), uint8(1))
	f.Add(framed(stunRequest, filler(MaxDatagram, 'x')), uint8(7))
	f.Add([]byte{0x05, 0xdd, 1, 2, 3}, uint8(2))
	f.Add(bytes.Repeat([]byte{0, 0}, 100), uint8(3))
	f.Fuzz(func(t *testing.T, stream []byte, cut uint8) {
		whole := stream
		var want [][]byte
		used := 0
		for {
			packet, rest, state := nextFrame(whole)
			if state != frameWhole {
				break
			}
			if len(packet) > MaxDatagram {
				t.Fatalf("packet of %d", len(packet))
			}
			used += frameHead + len(packet)
			want = append(want, packet)
			whole = rest
		}
		if used+len(whole) != len(stream) {
			t.Fatalf("%d of %d bytes accounted for", used+len(whole), len(stream))
		}
		step := int(cut)%61 + 1
		var buffer []byte
		have := 0
		for at := 0; at < len(stream); at += step {
			buffer = append(buffer, stream[at:min(at+step, len(stream))]...)
			for {
				packet, rest, state := nextFrame(buffer)
				if state != frameWhole {
					break
				}
				if have >= len(want) || !bytes.Equal(packet, want[have]) {
					t.Fatalf("packet %d differs when read in steps of %d", have, step)
				}
				have++
				buffer = rest
			}
		}
		if have != len(want) {
			t.Fatalf("%d packets, %d when read at once", have, len(want))
		}
	})
}
