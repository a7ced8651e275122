package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"

	"github.com/pion/rtp"
)

const (
	opusRate   = 48_000 // whatever the encoder was given (RFC 7587 section 4.1)
	oggHeader  = 27     // bytes of a page before its segment table
	oggSegment = 255    // bytes; a shorter one ends a packet
	oggPreSkip = 3840   // samples a player leaves out: what a decoder that starts anywhere needs to be right (RFC 7845 section 4.2)
)

// Kinds of a page.
const (
	oggFirst = 2
	oggLast  = 4
)

var errNoOpus = errors.New("no Opus in Ogg")

// readOgg reads the packets of an Ogg file with one Opus stream (RFC 3533 section 6, RFC 7845 section 3).
func readOgg(data []byte) ([]frame, error) {
	var packets [][]byte
	var packet []byte
	for len(data) > 0 {
		if len(data) < oggHeader || string(data[:4]) != "OggS" {
			return nil, errNoOpus
		}
		table := int(data[26])
		body := oggHeader + table
		if len(data) < body {
			return nil, errNoOpus
		}
		segments, rest := data[oggHeader:body], data[body:]
		for _, n := range segments {
			if int(n) > len(rest) {
				return nil, errNoOpus
			}
			packet = append(packet, rest[:n]...)
			rest = rest[n:]
			if n < oggSegment {
				packets, packet = append(packets, packet), nil
			}
		}
		data = rest
	}
	// Two headers come before the sound.
	if len(packets) < 3 || !bytes.HasPrefix(packets[0], []byte("OpusHead")) || !bytes.HasPrefix(packets[1], []byte("OpusTags")) {
		return nil, errNoOpus
	}
	var frames []frame
	var timestamp uint64
	for _, p := range packets[2:] {
		frames = append(frames, frame{timestamp, p})
		timestamp += opusSamples(p)
	}
	return frames, nil
}

// opusSamples is how many samples at 48 kHz a packet holds (RFC 6716 section 3.1).
func opusSamples(packet []byte) uint64 {
	if len(packet) == 0 {
		return 0
	}
	var each uint64 // samples of one frame
	switch config := packet[0] >> 3; {
	case config < 12: // SILK: 10, 20, 40, 60 ms
		each = [...]uint64{480, 960, 1920, 2880}[config%4]
	case config < 16: // hybrid: 10, 20 ms
		each = [...]uint64{480, 960}[config%2]
	default: // CELT: 2.5, 5, 10, 20 ms
		each = 120 << (config % 4)
	}
	switch packet[0] & 3 {
	case 0:
		return each
	case 3:
		if len(packet) < 2 {
			return 0
		}
		return each * uint64(packet[1]&0x3f)
	}
	return 2 * each
}

// writeOgg writes Opus as it came over RTP, one packet to a page: what was not received is a gap that players bridge.
func writeOgg(f *os.File, packets []*rtp.Packet) error {
	head := append([]byte("OpusHead"), 1, 2) // version 1, stereo
	head = binary.LittleEndian.AppendUint16(head, oggPreSkip)
	head = binary.LittleEndian.AppendUint32(head, opusRate)
	head = append(head, 0, 0, 0) // no gain, one stream
	tags := append([]byte("OpusTags"), 5, 0, 0, 0)
	tags = append(tags, "goapp"...)
	tags = append(tags, 0, 0, 0, 0)
	out := appendPage(nil, oggFirst, 0, 0, head)
	out = appendPage(out, 0, 0, 1, tags)
	for i, p := range packets {
		kind := byte(0)
		if i == len(packets)-1 {
			kind = oggLast
		}
		// The position of a page is that of its end.
		position := uint64(p.Timestamp-packets[0].Timestamp) + opusSamples(p.Payload)
		out = appendPage(out, kind, position, uint32(i+2), p.Payload)
	}
	_, err := f.Write(out)
	return err
}

// appendPage appends a page with one packet.
func appendPage(out []byte, kind byte, position uint64, number uint32, packet []byte) []byte {
	page := append([]byte("OggS"), 0, kind)
	page = binary.LittleEndian.AppendUint64(page, position)
	page = binary.LittleEndian.AppendUint32(page, 1) // the stream's serial number
	page = binary.LittleEndian.AppendUint32(page, number)
	page = append(page, 0, 0, 0, 0) // the checksum's place
	full := len(packet) / oggSegment
	page = append(page, byte(full+1))
	page = append(page, bytes.Repeat([]byte{oggSegment}, full)...)
	page = append(page, byte(len(packet)%oggSegment))
	page = append(page, packet...)
	binary.LittleEndian.PutUint32(page[22:], oggChecksum(page))
	return append(out, page...)
}

// oggChecksum is CRC-32 of polynomial 0x04c11db7, with the high bit first and nothing inverted (RFC 3533 section 6).
func oggChecksum(page []byte) (sum uint32) {
	for _, b := range page {
		sum ^= uint32(b) << 24
		for range 8 {
			high := sum >> 31
			sum = sum<<1 ^ high*0x04c11db7
		}
	}
	return sum
}
