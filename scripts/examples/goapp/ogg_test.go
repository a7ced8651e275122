package main

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v3/pkg/media/oggreader"
)

// RFC 6716 section 3.1: tables 2 (configuration) and 4 (code of the number of frames).
func TestOpusSamples(t *testing.T) {
	const ms = 48
	for _, tt := range []struct {
		config, code byte
		rest         []byte
		want         uint64
	}{
		{0, 0, nil, 10 * ms},
		{1, 0, nil, 20 * ms},
		{2, 0, nil, 40 * ms},
		{11, 0, nil, 60 * ms},
		{12, 0, nil, 10 * ms},
		{13, 0, nil, 20 * ms},
		{15, 1, nil, 40 * ms},
		{16, 0, nil, 5 * ms / 2},
		{17, 2, nil, 10 * ms},
		{30, 0, nil, 10 * ms},
		{31, 0, nil, 20 * ms},
		{31, 3, []byte{3}, 60 * ms},
		{31, 3, []byte{0xc0 | 6}, 120 * ms}, // with VBR and padding
		{31, 3, nil, 0},
	} {
		packet := append([]byte{tt.config<<3 | tt.code}, tt.rest...)
		if got := opusSamples(packet); got != tt.want {
			t.Errorf("configuration %d, code %d, %x: %d samples, want %d", tt.config, tt.code, tt.rest, got, tt.want)
		}
	}
	if got := opusSamples(nil); got != 0 {
		t.Errorf("an empty packet has %d samples", got)
	}
}

// sound makes Opus packets of 20 ms with these lengths.
func sound(lengths ...int) (packets []*rtp.Packet) {
	for i, n := range lengths {
		payload := append([]byte{31 << 3}, bytes.Repeat([]byte{byte(i + 1)}, n-1)...)
		packets = append(packets, &rtp.Packet{Header: rtp.Header{SequenceNumber: uint16(i), Timestamp: uint32(1000 + 960*i)}, Payload: payload})
	}
	return packets
}

// written is what a writer makes of packets.
func written(t *testing.T, write func(*os.File, []*rtp.Packet) error, packets []*rtp.Packet) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := write(f, packets); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// A packet whose length is a multiple of 255 ends with an empty segment (RFC 3533 section 6).
func TestOggComesBack(t *testing.T) {
	packets := sound(1, 3, 254, 255, 256, 509, 510, 511, 1275)
	frames, err := readOgg(written(t, writeOgg, packets))
	if err != nil || len(frames) != len(packets) {
		t.Fatalf("%d frames of %d, %v", len(frames), len(packets), err)
	}
	for i, f := range frames {
		if f.timestamp != uint64(960*i) || !bytes.Equal(f.data, packets[i].Payload) {
			t.Errorf("frame %d at %d has %d bytes", i, f.timestamp, len(f.data))
		}
	}
}

// Another reader, which looks at checksums, sees the same pages.
func TestOggForOthers(t *testing.T) {
	packets := sound(40, 255, 700)
	packets[2].Timestamp += 960 // the one before did not arrive
	r, header, err := oggreader.NewWith(bytes.NewReader(written(t, writeOgg, packets)))
	if err != nil {
		t.Fatal(err)
	}
	if header.Channels != 2 || header.PreSkip != oggPreSkip || header.SampleRate != opusRate || header.ChannelMap != 0 {
		t.Errorf("header %+v", header)
	}
	var positions []uint64
	for range 4 { // OpusTags, then ours
		_, page, err := r.ParseNextPage()
		if err != nil {
			t.Fatal(err)
		}
		positions = append(positions, page.GranulePosition)
	}
	// RFC 7845 section 4: the position of a page is the number of samples to its end.
	if want := []uint64{0, 960, 1920, 3840}; !slices.Equal(positions, want) {
		t.Errorf("positions %d, want %d", positions, want)
	}
}

func TestOggOfNothing(t *testing.T) {
	if frames, err := readOgg(written(t, writeOgg, nil)); err != errNoOpus {
		t.Errorf("%d frames, %v", len(frames), err)
	}
}

// A page with several packets, and a packet over two pages, are as ffmpeg and opusenc make them.
func TestOggPages(t *testing.T) {
	page := func(table []byte, body string) []byte {
		p := append([]byte("OggS"), make([]byte, 22)...)
		return append(append(append(p, byte(len(table))), table...), body...)
	}
	head := slices.Concat(page([]byte{8}, "OpusHead"), page([]byte{8}, "OpusTags"))
	long := string(bytes.Repeat([]byte{0xf8}, 300))
	data := slices.Concat(head, page([]byte{2, 3, 255}, "\xf8a\xf8bb"+long[:255]), page([]byte{45, 1}, long[255:]+"\xf8"))
	frames, err := readOgg(data)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range frames {
		got = append(got, string(f.data))
	}
	if want := []string{"\xf8a", "\xf8bb", long, "\xf8"}; !slices.Equal(got, want) {
		t.Errorf("packets %q", got)
	}
	for n := range data {
		if _, err := readOgg(data[:n]); err != nil && err != errNoOpus {
			t.Fatalf("%d bytes: %v", n, err)
		}
	}
	if _, err := readOgg(data[:len(data)-1]); err != errNoOpus {
		t.Errorf("a page that ends too early: %v", err)
	}
}

func FuzzReadOgg(f *testing.F) {
	out := appendPage(nil, oggFirst, 0, 0, []byte("OpusHead"))
	out = appendPage(out, 0, 0, 1, []byte("OpusTags"))
	f.Add(out)
	f.Add(appendPage(out, oggLast, 960, 2, []byte{0xf8, 0xff, 0xfe}))
	f.Add([]byte("OggS"))
	f.Fuzz(func(t *testing.T, data []byte) {
		frames, err := readOgg(data)
		total := 0
		for i, frame := range frames {
			total += len(frame.data)
			if i > 0 && frame.timestamp-frames[i-1].timestamp != opusSamples(frames[i-1].data) {
				t.Fatalf("frame %d at %d", i, frame.timestamp)
			}
		}
		if (err == nil) != (len(frames) > 0) || total > len(data) {
			t.Fatalf("%d frames of %d bytes, %v", len(frames), total, err)
		}
	})
}

// The polynomial's own remainder: 1 followed by 32 zeroes.
func TestOggChecksum(t *testing.T) {
	if got := oggChecksum([]byte{1}); got != 0x04c11db7 {
		t.Errorf("%#x", got)
	}
	page := appendPage(nil, 0, 0, 0, []byte("sound"))
	sum := binary.LittleEndian.Uint32(page[22:])
	clear(page[22:26])
	if sum != oggChecksum(page) || sum == 0 {
		t.Errorf("a page has %#x", sum)
	}
}
