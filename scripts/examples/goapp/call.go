package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/pion/rtp"

	"gazpacho/pkg/control"
	"gazpacho/proto"
)

// receiveBuffer holds a large key frame that comes while we are not running, in bytes.
const receiveBuffer = 4 << 20

// call is two plain transports of a router, as two peers would have: what is played into one comes out of the other.
//
//	play ─ in ─▶ PlainTransport ─ Producer ─▶ Consumer ─ PlainTransport ─ out ─▶ receive
type call struct {
	in, out *net.UDPConn // our sockets
	tracks  map[uint32]*track
	missing int // packets
}

// newCall makes all that lives in a worker. It goes with the worker, or with the connection to the controller.
func newCall(ctx context.Context, s server, tracks []*track) (*call, error) {
	media := make([]proto.RTPCodecCapability, len(tracks))
	for i, t := range tracks {
		media[i] = t.codec
	}
	router, err := s.CreateRouter(ctx, control.RouterOptions{MediaCodecs: media})
	if err != nil {
		return nil, err
	}
	c := &call{tracks: map[uint32]*track{}}
	sending, err := c.connectIn(ctx, router)
	if err != nil {
		return nil, err
	}
	receiving, err := c.connectOut(ctx, router)
	if err != nil {
		c.close()
		return nil, err
	}
	// A player cannot make a key frame on demand: who watches must be there before the first packet.
	for _, t := range tracks {
		if err := c.forward(ctx, router, sending, receiving, t); err != nil {
			c.close()
			return nil, err
		}
	}
	return c, nil
}

// connectIn makes the transport we send to. It learns our address from our first packet.
func (c *call) connectIn(ctx context.Context, router *control.Router) (*control.PlainTransport, error) {
	t, err := router.CreatePlainTransport(ctx, control.PlainTransportOptions{
		ListenInfo: proto.ListenInfo{Protocol: "udp", IP: "127.0.0.1"}, Comedia: true,
	})
	if err != nil {
		return nil, err
	}
	c.in, err = dial(t.Tuple())
	return t, err
}

// connectOut makes the transport we receive from. As nothing is sent to it, it must be told our address.
func (c *call) connectOut(ctx context.Context, router *control.Router) (*control.PlainTransport, error) {
	t, err := router.CreatePlainTransport(ctx, control.PlainTransportOptions{
		ListenInfo: proto.ListenInfo{Protocol: "udp", IP: "127.0.0.1"},
	})
	if err != nil {
		return nil, err
	}
	if c.out, err = dial(t.Tuple()); err != nil {
		return nil, err
	}
	if err := c.out.SetReadBuffer(receiveBuffer); err != nil {
		return nil, err
	}
	us := c.out.LocalAddr().(*net.UDPAddr).AddrPort()
	return t, t.Connect(ctx, proto.ConnectPlainTransport{IP: us.Addr().String(), Port: us.Port()})
}

// dial makes a socket that hears nobody but the transport.
func dial(t proto.TransportTuple) (*net.UDPConn, error) {
	address, err := netip.ParseAddr(t.LocalAddress)
	if err != nil {
		return nil, err
	}
	return net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(address, t.LocalPort)))
}

// forward announces a track on one transport and has it sent on the other.
func (c *call) forward(ctx context.Context, router *control.Router, sending, receiving *control.PlainTransport, t *track) error {
	producer, err := sending.Produce(ctx, control.ProducerOptions{Kind: t.kind, RTPParameters: proto.RTPParameters{
		Codecs: []proto.RTPCodecParameters{{
			MimeType: t.codec.MimeType, PayloadType: payloadType, ClockRate: t.codec.ClockRate, Channels: t.codec.Channels,
		}},
		Encodings: []proto.RTPEncodingParameters{{SSRC: t.ssrc}},
		RTCP:      proto.RTCPParameters{CNAME: "goapp"},
	}})
	if err != nil {
		return fmt.Errorf("produce %s: %w", t.kind, err)
	}
	// We can receive all that the router forwards, and need no retransmissions on loopback.
	consumer, err := receiving.Consume(ctx, control.ConsumerOptions{
		ProducerID: producer.ID(), EnableRTX: new(bool),
		RTPCapabilities: proto.RTPCapabilities{Codecs: router.RTPCapabilities().Codecs},
	})
	if err != nil {
		return fmt.Errorf("consume %s: %w", t.kind, err)
	}
	c.tracks[consumer.RTPParameters().Encodings[0].SSRC] = t
	c.missing += len(t.packets)
	return nil
}

// receive sorts what comes to its tracks until nothing is missing, or it does not come in time.
func (c *call) receive() error {
	buf := make([]byte, 64<<10)
	for c.missing > 0 {
		n, err := c.out.Read(buf)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("receiving: %w", err)
		}
		if isRTCP(buf[:n]) {
			continue // sender reports
		}
		p := &rtp.Packet{}
		if err := p.Unmarshal(append([]byte(nil), buf[:n]...)); err != nil {
			return fmt.Errorf("receiving: %w", err)
		}
		if t := c.tracks[p.SSRC]; t != nil && t.add(p) {
			c.missing--
		}
	}
	return nil
}

// isRTCP tells the two apart on one port (RFC 5761 section 4).
func isRTCP(packet []byte) bool { return len(packet) > 1 && packet[1] >= 192 && packet[1] <= 223 }

// expectWithin ends receive after that time.
func (c *call) expectWithin(d time.Duration) { _ = c.out.SetReadDeadline(time.Now().Add(d)) } // fails on closed sockets only

func (c *call) close() {
	for _, conn := range []*net.UDPConn{c.in, c.out} {
		if conn != nil {
			conn.Close()
		}
	}
}
