package main

import (
	"encoding/binary"
	"errors"
	"os"

	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
)

const (
	videoRate = 90_000
	ivfHeader = 32 // bytes of the file's, then 12 of each frame's
	ivfFrame  = 12
)

var errNoVP8 = errors.New("no VP8 in IVF")

// readIVF reads the pictures of an IVF file: "DKIF", version, header's length, "VP80", width, height, rate, scale, duration; then for each its
// length, timestamp in scale/rate seconds and bytes, everything little endian.
func readIVF(data []byte) ([]frame, error) {
	if len(data) < ivfHeader || string(data[:4]) != "DKIF" || string(data[8:12]) != "VP80" {
		return nil, errNoVP8
	}
	rate, scale := uint64(binary.LittleEndian.Uint32(data[16:])), uint64(binary.LittleEndian.Uint32(data[20:]))
	if rate == 0 {
		return nil, errNoVP8
	}
	var frames []frame
	for data = data[ivfHeader:]; len(data) > 0; {
		if len(data) < ivfFrame {
			return nil, errNoVP8
		}
		n := uint64(binary.LittleEndian.Uint32(data))
		at := binary.LittleEndian.Uint64(data[4:])
		data = data[ivfFrame:]
		if n > uint64(len(data)) {
			return nil, errNoVP8
		}
		frames = append(frames, frame{at * scale * videoRate / rate, data[:n]})
		data = data[n:]
	}
	return frames, nil
}

// writeIVF writes VP8 as it came over RTP. Pictures of which something is missing are left out, and all before the first key frame.
func writeIVF(f *os.File, packets []*rtp.Packet) error {
	out := make([]byte, ivfHeader)
	copy(out, "DKIF")
	binary.LittleEndian.PutUint16(out[6:], ivfHeader)
	copy(out[8:], "VP80")
	binary.LittleEndian.PutUint32(out[16:], videoRate)
	binary.LittleEndian.PutUint32(out[20:], 1)
	count, last := uint64(0), uint64(0)
	for _, picture := range pictures(packets) {
		if width, height, ok := keyFrame(picture.data); ok && count == 0 {
			binary.LittleEndian.PutUint16(out[12:], width)
			binary.LittleEndian.PutUint16(out[14:], height)
		} else if count == 0 {
			continue
		}
		out = binary.LittleEndian.AppendUint32(out, uint32(len(picture.data)))
		out = binary.LittleEndian.AppendUint64(out, picture.timestamp)
		out = append(out, picture.data...)
		count, last = count+1, picture.timestamp
	}
	if count > 1 { // the length, in the same units: the last picture stays as long as the others did on average
		binary.LittleEndian.PutUint32(out[24:], uint32(last*count/(count-1)))
	}
	_, err := f.Write(out)
	return err
}

// pictures puts pictures together from packets in order: one begins with bit S of partition 0 (RFC 7741 section 4.2) and ends with the marker.
func pictures(packets []*rtp.Packet) (all []frame) {
	var current []byte
	for i, p := range packets {
		var v codecs.VP8Packet
		payload, err := v.Unmarshal(p.Payload)
		begins := err == nil && v.S == 1 && v.PID == 0
		follows := i > 0 && p.SequenceNumber == packets[i-1].SequenceNumber+1
		switch {
		case begins:
			current = append([]byte{}, payload...)
		case err == nil && current != nil && follows:
			current = append(current, payload...)
		default:
			current = nil
		}
		if p.Marker && current != nil {
			all = append(all, frame{uint64(p.Timestamp - packets[0].Timestamp), current})
			current = nil
		}
	}
	return all
}

// keyFrame tells whether a picture is one, and its size (RFC 6386 section 9.1).
func keyFrame(picture []byte) (width, height uint16, ok bool) {
	if len(picture) < 10 || picture[0]&1 != 0 {
		return 0, 0, false
	}
	return binary.LittleEndian.Uint16(picture[6:]) & 0x3fff, binary.LittleEndian.Uint16(picture[8:]) & 0x3fff, true
}
