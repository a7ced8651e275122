package main

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtp"

	"gazpacho/proto"
)

// RFC 3550 section 5.1: sequence numbers wrap; and a network may reorder and duplicate.
func TestPacketsInAnyOrder(t *testing.T) {
	tr := &track{received: map[int]*rtp.Packet{}}
	tr.write = func(_ *os.File, packets []*rtp.Packet) error {
		for i, p := range packets {
			if want := uint16(0xfffd + i); p.SequenceNumber != want {
				t.Errorf("packet %d is number %d, want %d", i, p.SequenceNumber, want)
			}
		}
		if len(packets) != 6 {
			t.Errorf("%d packets are saved", len(packets))
		}
		return nil
	}
	for _, tt := range []struct {
		number uint16
		isNew  bool
	}{{0xfffe, true}, {0, true}, {0xffff, true}, {0xfffd, true}, {2, true}, {1, true}, {0xffff, false}, {2, false}, {0xfffd, false}} {
		if got := tr.add(&rtp.Packet{Header: rtp.Header{SequenceNumber: tt.number}}); got != tt.isNew {
			t.Errorf("%d is new: %t", tt.number, got)
		}
	}
	if err := tr.save(filepath.Join(t.TempDir(), "x")); err != nil {
		t.Error(err)
	}
}

// pair is two connected sockets: what a worker would send, and our end.
func pair(t *testing.T) (theirs, ours *net.UDPConn) {
	t.Helper()
	loopback := net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}
	theirs, err := net.ListenUDP("udp4", &loopback)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { theirs.Close() })
	ours, err = net.DialUDP("udp4", nil, theirs.LocalAddr().(*net.UDPAddr))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ours.Close() })
	return theirs, ours
}

func TestReceive(t *testing.T) {
	opus := func(ssrc uint32, number uint16) []byte {
		b, err := (&rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: payloadType, SSRC: ssrc, SequenceNumber: number}, Payload: []byte{0xf8}}).Marshal()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	senderReport := append([]byte{0x80, 200, 0, 6, 0, 0, 0, 1}, make([]byte, 20)...)
	for _, tt := range []struct {
		name    string
		sent    [][]byte
		arrived int
		fails   bool
	}{
		{"all", [][]byte{opus(1, 7), opus(1, 8), opus(1, 9)}, 3, false},
		{"one lost", [][]byte{opus(1, 7), opus(1, 9)}, 2, false},
		{"one twice", [][]byte{opus(1, 7), opus(1, 7), opus(1, 9)}, 2, false},
		{"others between", [][]byte{senderReport, opus(1, 7), opus(99, 8), opus(1, 8), senderReport, opus(1, 9)}, 3, false},
		{"nonsense", [][]byte{{0x80, 96}}, 0, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			theirs, ours := pair(t)
			tr := &track{received: map[int]*rtp.Packet{}}
			c := &call{out: ours, tracks: map[uint32]*track{1: tr}, missing: 3}
			for _, p := range tt.sent {
				if _, err := theirs.WriteTo(p, ours.LocalAddr()); err != nil {
					t.Fatal(err)
				}
			}
			if tt.arrived < 3 && !tt.fails {
				c.expectWithin(time.Second) // they wait in the socket already
			}
			err := c.receive()
			if (err != nil) != tt.fails || len(tr.received) != tt.arrived || c.missing != 3-tt.arrived {
				t.Errorf("%d arrived, %d are missing, %v", len(tr.received), c.missing, err)
			}
		})
	}
}

// A track's packets leave in order of their time, and not before it.
func TestPlay(t *testing.T) {
	theirs, ours := pair(t)
	a := &track{packets: []outgoing{{0, &rtp.Packet{Payload: []byte("1")}}, {60 * time.Millisecond, &rtp.Packet{Payload: []byte("4")}}}}
	v := &track{packets: []outgoing{{0, &rtp.Packet{Payload: []byte("2")}}, {20 * time.Millisecond, &rtp.Packet{Payload: []byte("3")}}}}
	start := time.Now()
	if err := play(t.Context(), ours, []*track{a, v}); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took < 60*time.Millisecond {
		t.Errorf("it took %v", took)
	}
	buf := make([]byte, 100)
	for i := range 4 {
		n, err := theirs.Read(buf)
		if err != nil || buf[n-1] != byte('1'+i) {
			t.Errorf("packet %d is %x, %v", i, buf[:n], err)
		}
	}
}

func TestPlayEndsWhenTold(t *testing.T) {
	_, ours := pair(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	tr := &track{packets: []outgoing{{time.Hour, &rtp.Packet{}}}}
	if err := play(ctx, ours, []*track{tr}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	audio, video := filepath.Join(dir, "a.ogg"), filepath.Join(dir, "v.ivf")
	for path, data := range map[string][]byte{
		audio: written(t, writeOgg, sound(100, 100, 100)),
		video: written(t, writeIVF, packets(picture(3000, true), picture(10, false))),
	} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tracks, err := readTracks(audio, video)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]struct {
		at     time.Duration
		marker bool
	}{
		proto.Audio: {{0, false}, {20 * time.Millisecond, false}, {40 * time.Millisecond, false}},
		proto.Video: {{0, false}, {spacing, false}, {2 * spacing, true}, {40 * time.Millisecond, true}},
	}
	for _, tr := range tracks {
		if len(tr.packets) != len(want[tr.kind]) {
			t.Fatalf("%s: %d packets", tr.kind, len(tr.packets))
		}
		for i, p := range tr.packets {
			if w := want[tr.kind][i]; p.at != w.at || p.Marker != w.marker || p.SSRC != tr.ssrc || p.SequenceNumber != tr.packets[0].SequenceNumber+uint16(i) {
				t.Errorf("%s: packet %d leaves at %v: %v", tr.kind, i, p.at, p.Header)
			}
			if len(p.Payload) > mtu {
				t.Errorf("%s: packet %d has %d bytes", tr.kind, i, len(p.Payload))
			}
		}
	}
}

func TestReport(t *testing.T) {
	nothing := func(*os.File, []*rtp.Packet) error { return nil }
	sent := []outgoing{{0, nil}, {0, nil}}
	all := map[int]*rtp.Packet{1: {}, 2: {}}
	one := &track{kind: "audio", file: "a", packets: sent, received: all, write: nothing}
	two := &track{kind: "video", file: "v", packets: sent, received: all, write: nothing}
	var out bytes.Buffer
	if err := report(&out, []*track{one, two}, t.TempDir()); err != nil {
		t.Error(err)
	}
	two.received = map[int]*rtp.Packet{1: {}}
	if err := report(&out, []*track{one, two}, t.TempDir()); err != errIncomplete {
		t.Error(err)
	}
	if !strings.HasSuffix(out.String(), "video: 2 packets sent, 1 received, 1 lost\n") {
		t.Errorf("reported %s", &out)
	}
	if err := report(&out, []*track{one}, filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}
