package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"slices"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"

	"gazpacho/proto"
)

const (
	payloadType = 96   // of both: tracks have SSRCs of their own
	mtu         = 1200 // bytes of RTP payload, so that a packet fits everywhere
	// spacing between the packets of a frame: no socket buffer is overrun by a large key frame.
	spacing = 100 * time.Microsecond
)

// frame is an Opus packet or a VP8 picture.
type frame struct {
	timestamp uint64 // from the first, in units of the codec's clock
	data      []byte
}

// track is one stream: what is played and what was received of it.
type track struct {
	kind, file string
	codec      proto.RTPCodecCapability
	ssrc       uint32
	packets    []outgoing
	received   map[int]*rtp.Packet // by sequence number, unwrapped
	last       int                 // the newest of these
	write      func(*os.File, []*rtp.Packet) error
}

// outgoing is a packet and when it leaves.
type outgoing struct {
	at time.Duration // from the start
	*rtp.Packet
}

// readTracks reads what will be played.
func readTracks(audio, video string) ([]*track, error) {
	opus := &track{
		kind: proto.Audio, file: "audio.ogg", ssrc: 1111, write: writeOgg,
		codec: proto.RTPCodecCapability{Kind: proto.Audio, MimeType: "audio/opus", ClockRate: opusRate, Channels: 2},
	}
	vp8 := &track{
		kind: proto.Video, file: "video.ivf", ssrc: 2222, write: writeIVF,
		codec: proto.RTPCodecCapability{Kind: proto.Video, MimeType: "video/VP8", ClockRate: videoRate},
	}
	if err := opus.load(audio, readOgg, &codecs.OpusPayloader{}); err != nil {
		return nil, err
	}
	if err := vp8.load(video, readIVF, &codecs.VP8Payloader{EnablePictureID: true}); err != nil {
		return nil, err
	}
	return []*track{opus, vp8}, nil
}

// load reads a file and cuts its frames into packets.
func (t *track) load(path string, read func([]byte) ([]frame, error), payloader rtp.Payloader) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	frames, err := read(data)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	t.received = map[int]*rtp.Packet{}
	sequencer := rtp.NewRandomSequencer()
	for _, f := range frames {
		at := time.Duration(f.timestamp) * time.Second / time.Duration(t.codec.ClockRate)
		payloads := payloader.Payload(mtu, f.data)
		for i, payload := range payloads {
			t.packets = append(t.packets, outgoing{at + time.Duration(i)*spacing, &rtp.Packet{
				Header: rtp.Header{
					Version: 2, PayloadType: payloadType, SSRC: t.ssrc, SequenceNumber: sequencer.NextSequenceNumber(),
					Timestamp: uint32(f.timestamp), Marker: t.kind == proto.Video && i == len(payloads)-1,
				},
				Payload: payload,
			}})
		}
	}
	return nil
}

// play sends all packets of the tracks, each at its time.
func play(ctx context.Context, conn *net.UDPConn, tracks []*track) error {
	var packets []outgoing
	for _, t := range tracks {
		packets = append(packets, t.packets...)
	}
	slices.SortStableFunc(packets, func(a, b outgoing) int { return int(a.at - b.at) })
	start := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for _, p := range packets {
		timer.Reset(time.Until(start.Add(p.at)))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
		}
		raw, err := p.Marshal()
		if err != nil {
			return err
		}
		if _, err := conn.Write(raw); err != nil {
			return fmt.Errorf("sending: %w", err)
		}
	}
	return nil
}

// add keeps a packet and tells whether it is one more.
func (t *track) add(p *rtp.Packet) bool {
	number := int(p.SequenceNumber)
	if len(t.received) > 0 { // numbers wrap: the one nearest to the newest is meant
		number = t.last + int(int16(p.SequenceNumber-uint16(t.last)))
	}
	if t.received[number] != nil {
		return false
	}
	if len(t.received) == 0 || number > t.last {
		t.last = number
	}
	t.received[number] = p
	return true
}

// save writes what arrived, in the order it was sent.
func (t *track) save(path string) error {
	numbers := make([]int, 0, len(t.received))
	for n := range t.received {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	packets := make([]*rtp.Packet, len(numbers))
	for i, n := range numbers {
		packets[i] = t.received[n]
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := t.write(f, packets); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return f.Close()
}
