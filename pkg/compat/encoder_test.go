package compat

import (
	"encoding/binary"
	"errors"
	"net"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

// encoder sends one stream of bare RTP, and its reports, as ffmpeg and gstreamer do.
type encoder struct {
	// passed in
	t           *testing.T
	ssrc        uint32
	payloadType uint8
	step        uint32 // RTP time of a packet
	onRequest   bool   // key frames
	payload     func(n uint32, key bool) []byte

	// owned
	media, reports *net.UDPConn // the same with rtcpMux

	// state
	wantsKey atomic.Bool
	keys     atomic.Int32 // requests for key frames that came
	heard    chan struct{}
}

const (
	packetEvery = 10 * time.Millisecond
	keyEvery    = 30 // packets
)

// opus and vp8 have the payload types and SSRCs of the demo's scripts.
func opus(t *testing.T) *encoder {
	return &encoder{t: t, ssrc: 1111, payloadType: 101, step: 480, payload: func(n uint32, _ bool) []byte {
		return binary.BigEndian.AppendUint32([]byte{0xfc}, n) // a full-band frame of CELT, in stereo
	}}
}

// Frames are of one packet each. Key frames come when they are asked for, if that is to be, so that nothing flows unless the request
// finds its way; else by themselves.
func vp8(t *testing.T, onRequest bool) *encoder {
	return &encoder{t: t, ssrc: 2222, payloadType: 102, step: 900, onRequest: onRequest, payload: func(n uint32, key bool) []byte {
		frame := byte(0x31) // P: inter frame
		if key {
			frame = 0x30
		}
		// RFC 7741 section 4.2: S, partition 0; then the frame tag and, of a key frame, start code and size.
		return binary.BigEndian.AppendUint32([]byte{0x10, frame, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xf0, 0x00}, n)
	}}
}

// start sends to the address and ports a transport was given, until the test ends.
func (e *encoder) start(to plainTransport) {
	e.t.Helper()
	e.heard = make(chan struct{}, 1)
	e.media = dial(e.t, to.IP, to.Port)
	e.reports = e.media
	if to.RTCPPort != 0 {
		e.reports = dial(e.t, to.IP, to.RTCPPort)
	}
	stop, stopped, listened := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		e.send(stop)
	}()
	go func() {
		defer close(listened)
		e.listen()
	}()
	e.t.Cleanup(func() {
		close(stop)
		<-stopped
		e.media.Close()
		e.reports.Close()
		<-listened
	})
}

func dial(t *testing.T, ip string, port int) *net.UDPConn {
	t.Helper()
	c, err := net.DialUDP("udp", nil, &net.UDPAddr{IP: net.ParseIP(ip), Port: port})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// send sends a packet every 10 ms, a sender report with every tenth. That a port is closed, after the end, is no mistake.
func (e *encoder) send(stop chan struct{}) {
	tick := time.NewTicker(packetEvery)
	defer tick.Stop()
	for n := uint32(0); ; n++ {
		key := e.wantsKey.Swap(false)
		if !e.onRequest {
			key = n%keyEvery == 0
		}
		p := rtp.Packet{
			Header: rtp.Header{
				Version: 2, Marker: true, PayloadType: e.payloadType, SSRC: e.ssrc, SequenceNumber: uint16(65500 + n), Timestamp: 1<<32 - 9000 + n*e.step,
			},
			Payload: e.payload(n, key),
		}
		packet, _ := p.Marshal()
		_, _ = e.media.Write(packet)
		if n%10 == 0 {
			report, _ := rtcp.Marshal([]rtcp.Packet{&rtcp.SenderReport{SSRC: e.ssrc, NTPTime: uint64(n+1) << 26, RTPTime: p.Timestamp, PacketCount: n, OctetCount: n * 5}})
			_, _ = e.reports.Write(report)
		}
		select {
		case <-tick.C:
		case <-stop:
			return
		}
	}
}

// listen hears the server's reports about the stream, and its requests for key frames, until the socket is closed. A port of the
// server that is closed answers by ICMP, which is not the end of ours.
func (e *encoder) listen() {
	buffer := make([]byte, 1500)
	for {
		n, err := e.reports.Read(buffer)
		if errors.Is(err, syscall.ECONNREFUSED) {
			continue
		}
		if err != nil {
			return
		}
		packets, err := rtcp.Unmarshal(buffer[:n])
		if err != nil {
			e.t.Errorf("the server sends %x: %v", buffer[:n], err)
			return
		}
		for _, p := range packets {
			e.hear(p)
		}
	}
}

func (e *encoder) hear(p rtcp.Packet) {
	switch p := p.(type) {
	case *rtcp.ReceiverReport:
		for _, r := range p.Reports {
			if r.SSRC == e.ssrc {
				select {
				case e.heard <- struct{}{}:
				default:
				}
			}
		}
	case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
		e.keys.Add(1)
		e.wantsKey.Store(true)
	}
}

// waitHeard waits for a receiver report: the server knows where to send RTCP.
func (e *encoder) waitHeard() {
	e.t.Helper()
	select {
	case <-e.heard:
	case <-time.After(patience):
		e.t.Fatalf("no receiver report about %d", e.ssrc)
	}
}
