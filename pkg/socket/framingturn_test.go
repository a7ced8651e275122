package socket

import (
	"bytes"
	"testing"
)

const allocateRequest = "\x00\x03\x00\x00\x21\x12\xa4\x42abcdefghijkl"

func TestNextTURN(t *testing.T) {
	tests := []struct {
		name   string
		stream string
		packet string
		rest   int
		state  frameState
	}{
		{"nothing", "", "", 0, frameHalf},
		{"half a header", "\x00\x03\x00", "", 3, frameHalf},
		{"half a message", allocateRequest[:19], "", 19, frameHalf},
		{"STUN", allocateRequest, allocateRequest, 0, frameWhole},
		{"STUN and more", allocateRequest + "ab", allocateRequest, 2, frameWhole},
		{"STUN with attributes", "\x00\x03\x00\x04" + allocateRequest[4:] + "\x00\x25\x00\x00", "\x00\x03\x00\x04" + allocateRequest[4:] + "\x00\x25\x00\x00", 0, frameWhole},
		// RFC 8656 §12.5: "the ChannelData message MUST be padded to a multiple of four bytes in order to ensure the alignment of
		// subsequent messages".
		{"ChannelData with padding", "\x40\x00\x00\x05hello\x00\x00\x00next", "\x40\x00\x00\x05hello\x00\x00\x00", 4, frameWhole},
		{"ChannelData of 4 bytes", "\x40\x00\x00\x04data", "\x40\x00\x00\x04data", 0, frameWhole},
		{"ChannelData of 1 byte", "\x4f\xff\x00\x01d\x00\x00\x00", "\x4f\xff\x00\x01d\x00\x00\x00", 0, frameWhole},
		{"empty ChannelData", "\x40\x01\x00\x00", "\x40\x01\x00\x00", 0, frameWhole},
		{"padding is awaited", "\x40\x00\x00\x05hello\x00\x00", "", 11, frameHalf},
		{"longest", "\x40\x00\x05\xd8" + filler(1496, 'x'), "\x40\x00\x05\xd8" + filler(1496, 'x'), 0, frameWhole},
		{"too long is known by its length", "\x40\x00\x05\xd9", "", 4, frameTooLong},
		// RFC 5766 §11: "0x4000 through 0x7FFF: These values are the allowed channel numbers".
		{"channel of RFC 5766", "\x7f\xfe\x00\x04data", "\x7f\xfe\x00\x04data", 0, frameWhole},
		{"odd STUN length", "\x00\x03\x00\x02" + allocateRequest[4:] + "ab", "", 22, frameNone},
		{"TLS", "\x16\x03\x01\x02\x00", "", 5, frameNone},
		// Its first bytes could be a channel, its next are no length.
		{"HTTP", "GET / HTTP/1.1\r\n", "", 16, frameTooLong},
		{"RTP", "\x80\x60\x00\x01", "", 4, frameNone},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			packet, rest, state := nextTURN([]byte(tt.stream))
			if string(packet) != tt.packet || len(rest) != tt.rest || state != tt.state {
				t.Errorf("got %q, %d left, state %d", packet, len(rest), state)
			}
		})
	}
}

// What a port that serves both takes for which: a length of RFC 4571 is at least that of a STUN header.
func TestBeginsTURN(t *testing.T) {
	for stream, want := range map[string]bool{
		allocateRequest: true, stunRequest: true, "\x00\x0b" + stunRequest[2:]: true,
		string(framed(stunRequest)): false, string(framed(stunRequest + filler(100, 0))): false, "\x16\x03\x01\x02": false,
	} {
		if got := beginsTURN([]byte(stream)); got != want {
			t.Errorf("%q: %v", stream[:4], got)
		}
	}
}

// However a stream is cut into reads, the same messages come out of it, and no byte is lost or used twice.
func FuzzTURNFrames(f *testing.F) {
	f.Add([]byte(allocateRequest+"\x40\x00\x00\x05hello\x00\x00\x00"+stunRequest), uint8(1))
	f.Add([]byte("\x40\x00\x05\xd8"+filler(1496, 'x')+stunRequest), uint8(7))
	f.Add([]byte("\x80\x00\x00\x00"), uint8(2))
	f.Fuzz(func(t *testing.T, stream []byte, cut uint8) {
		var want [][]byte
		whole := stream
		for {
			packet, rest, state := nextTURN(whole)
			if state != frameWhole {
				break
			}
			if len(packet) == 0 || len(packet) > MaxDatagram || len(packet)%4 != 0 || len(packet)+len(rest) != len(whole) {
				t.Fatalf("%d of %d bytes, %d left", len(packet), len(whole), len(rest))
			}
			want = append(want, packet)
			whole = rest
		}
		step := int(cut)%61 + 1
		var buffer []byte
		have := 0
		for at := 0; at < len(stream); at += step {
			buffer = append(buffer, stream[at:min(at+step, len(stream))]...)
			for {
				packet, rest, state := nextTURN(buffer)
				if state != frameWhole {
					break
				}
				if have >= len(want) || !bytes.Equal(packet, want[have]) {
					t.Fatalf("message %d differs when read in steps of %d", have, step)
				}
				have++
				buffer = rest
			}
		}
		if have != len(want) {
			t.Fatalf("%d messages, %d when read at once", have, len(want))
		}
	})
}
