package main

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
	"github.com/pion/webrtc/v3/pkg/media/ivfreader"
)

// picture makes a VP8 picture of n bytes; a key frame is 320 by 240.
func picture(n int, key bool) []byte {
	p := bytes.Repeat([]byte{byte(n)}, n)
	p[0] |= 1
	if key {
		// RFC 6386 section 9.1: frame type 0 is a key frame, then start code, width and height with a scale each.
		copy(p, []byte{0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0x41, 0xf0, 0x80})
	}
	return p
}

// packets sends pictures, one every 3600 units, from the wrap of sequence numbers on.
func packets(pictures ...[]byte) (all []*rtp.Packet) {
	payloader := codecs.VP8Payloader{EnablePictureID: true}
	number := uint16(0xfffe)
	for i, p := range pictures {
		payloads := payloader.Payload(mtu, p)
		for k, payload := range payloads {
			h := rtp.Header{SequenceNumber: number, Timestamp: uint32(5000 + 3600*i), Marker: k == len(payloads)-1}
			all = append(all, &rtp.Packet{Header: h, Payload: payload})
			number++
		}
	}
	return all
}

func TestIVFComesBack(t *testing.T) {
	sent := [][]byte{picture(3000, true), picture(100, false), picture(1200, false), picture(2500, true)}
	data := written(t, writeIVF, packets(sent...))
	frames, err := readIVF(data)
	if err != nil || len(frames) != len(sent) {
		t.Fatalf("%d pictures, %v", len(frames), err)
	}
	for i, f := range frames {
		if f.timestamp != uint64(3600*i) || !bytes.Equal(f.data, sent[i]) {
			t.Errorf("picture %d at %d has %d bytes", i, f.timestamp, len(f.data))
		}
	}
	// Another reader sees the same.
	r, header, err := ivfreader.NewWith(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if header.FourCC != "VP80" || header.Width != 320 || header.Height != 240 || header.TimebaseDenominator != videoRate || header.TimebaseNumerator != 1 {
		t.Errorf("header %+v", header)
	}
	if header.NumFrames != 4*3600 { // four pictures at 25 a second
		t.Errorf("it lasts %d units", header.NumFrames)
	}
	for i := range sent {
		if p, h, err := r.ParseNextFrame(); err != nil || !bytes.Equal(p, sent[i]) || h.FrameSize != uint32(len(sent[i])) {
			t.Errorf("picture %d: %d bytes, %+v, %v", i, len(p), h, err)
		}
	}
}

// Whatever packet is lost, its picture is left out and the others are whole.
func TestIVFWithLoss(t *testing.T) {
	sent := [][]byte{picture(2000, true), picture(2600, false), picture(100, false), picture(2000, true)}
	all := packets(sent...)
	of := []int{0, 0, 1, 1, 1, 2, 3, 3} // the picture of each packet
	if len(all) != len(of) {
		t.Fatalf("%d packets", len(all))
	}
	for lost, of := range of {
		data := written(t, writeIVF, append(append([]*rtp.Packet{}, all[:lost]...), all[lost+1:]...))
		frames, err := readIVF(data)
		if err != nil {
			t.Fatal(err)
		}
		want := [][]byte{}
		for i, p := range sent {
			if i != of && (of != 0 || i == 3) { // without the first key frame nothing is of use before the second
				want = append(want, p)
			}
		}
		if len(frames) != len(want) {
			t.Errorf("without packet %d: %d pictures, want %d", lost, len(frames), len(want))
			continue
		}
		for i, f := range frames {
			if !bytes.Equal(f.data, want[i]) {
				t.Errorf("without packet %d: picture %d has %d bytes", lost, i, len(f.data))
			}
		}
	}
}

func TestIVFOfNothing(t *testing.T) {
	data := written(t, writeIVF, packets(picture(50, false)))
	if frames, err := readIVF(data); err != nil || len(frames) != 0 || len(data) != ivfHeader {
		t.Errorf("%d pictures in %d bytes, %v", len(frames), len(data), err)
	}
}

func TestReadIVFRefuses(t *testing.T) {
	good := written(t, writeIVF, packets(picture(50, true)))
	for n := range good {
		if frames, err := readIVF(good[:n]); err != errNoVP8 && n != ivfHeader {
			t.Errorf("%d bytes: %d pictures, %v", n, len(frames), err)
		}
	}
	for name, change := range map[string]func([]byte){
		"a magic":  func(b []byte) { b[0] = 'R' },
		"a codec":  func(b []byte) { b[11] = '1' },
		"a rate":   func(b []byte) { binary.LittleEndian.PutUint32(b[16:], 0) },
		"a length": func(b []byte) { b[ivfHeader+3] = 0xff },
	} {
		bad := bytes.Clone(good)
		change(bad)
		if _, err := readIVF(bad); err != errNoVP8 {
			t.Errorf("%s that is wrong: %v", name, err)
		}
	}
}

func FuzzReadIVF(f *testing.F) {
	header := append([]byte("DKIF\x00\x00\x20\x00VP80\x40\x01\xf0\x00\x19\x00\x00\x00\x01\x00\x00\x00"), make([]byte, 8)...)
	f.Add(header)
	f.Add(append(header, "\x03\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00abc"...))
	f.Fuzz(func(t *testing.T, data []byte) {
		frames, err := readIVF(data)
		total := ivfHeader
		for _, frame := range frames {
			total += ivfFrame + len(frame.data)
		}
		if err == nil && total != len(data) || err != nil && frames != nil {
			t.Fatalf("%d pictures of %d bytes in %d, %v", len(frames), total, len(data), err)
		}
	})
}

// FuzzPictures puts together what a worker might send: two payloads of anything.
func FuzzPictures(f *testing.F) {
	for _, p := range packets(picture(2000, true)) {
		f.Add(p.Payload, []byte{0x10, 1}, true)
	}
	f.Add([]byte{}, []byte{0x90, 0xff}, false)
	f.Fuzz(func(t *testing.T, one, two []byte, marker bool) {
		all := pictures([]*rtp.Packet{
			{Header: rtp.Header{SequenceNumber: 7, Marker: marker}, Payload: one},
			{Header: rtp.Header{SequenceNumber: 8, Marker: true}, Payload: two},
		})
		total := 0
		for _, p := range all {
			total += len(p.data)
			keyFrame(p.data)
		}
		if total > len(one)+len(two) {
			t.Fatalf("%d bytes of %d", total, len(one)+len(two))
		}
	})
}
