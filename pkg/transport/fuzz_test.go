package transport

import (
	"testing"

	pionrtp "github.com/pion/rtp"

	"gazpacho/pkg/rtp"
	"gazpacho/pkg/tuple"
	"gazpacho/proto"
)

// Whatever a stranger sends, it gets no byte, reaches no island and leaves nothing behind (R-ICE-1, R-DTLS-1), but that it is counted.
func FuzzStranger(f *testing.F) {
	f.Add(clientHello)
	f.Add([]byte{0x80, 101, 0, 1, 0, 0, 0, 0, 0, 0, 0, 10})
	f.Add([]byte{0x80, 200, 0, 6})
	f.Add(check(f, "user", "password", true))
	b := newBench(f)
	s := b.server()
	c := b.client(s, "t")
	if _, err := c.w.Connect(b.now, &dtlsParameters); err != nil {
		f.Fatal(err)
	}
	f.Add(check(f, c.w.agent.UsernameFragment(), "a password that is wrong", true))
	evil := from(s, evilAddress)
	b.take()
	counted := func() (n uint64) {
		for _, count := range s.Drops() {
			n += count
		}
		for _, count := range c.statistics().Drops {
			n += count
		}
		return n
	}
	f.Fuzz(func(t *testing.T, datagram []byte) {
		if len(datagram) > rtp.MaxPacketSize {
			return
		}
		before := counted()
		s.Handle(b.now, datagram, evil)
		if sent := b.egress.Take(); len(sent) != 0 {
			t.Fatalf("answered %x", sent[0].Data)
		}
		if counted() != before+1 {
			t.Fatalf("counted %d times", counted()-before)
		}
		if got := len(b.islands[0].got); got != 0 || len(s.tuples) != 1 || c.w.selected != c.from || len(b.take()) != 0 {
			t.Fatalf("%d datagrams for DTLS, %d tuples, selected %v", got, len(s.tuples), c.w.selected)
		}
	})
}

// A plain transport without SRTP takes what is well-formed from its peer. The fuzzer is that peer, and after it any other address is nobody
// (R-RTP-1).
func FuzzPlain(f *testing.F) {
	f.Add([]byte{0x80, 101, 0, 1, 0, 0, 0, 0, 0, 0, 0, 10, 0x90})
	f.Add([]byte{0x80, 200, 0, 6})
	f.Add([]byte{0x81, 201, 0, 7, 0, 0, 0, 1})
	f.Fuzz(func(t *testing.T, datagram []byte) {
		if len(datagram) > rtp.MaxPacketSize {
			return
		}
		b := newBench(t)
		p, err := NewPlain(b.now, b.env, b, &proto.PlainTransportOptions{TransportID: "t", ListenInfo: proto.ListenInfo{Protocol: "udp", IP: "10.0.0.1"}, Comedia: true})
		if err != nil {
			t.Fatal(err)
		}
		o := videoProducer("p", "", 10)
		if _, err := p.Produce(b.now, o); err != nil {
			t.Fatal(err)
		}
		local := b.bindings[0].locals[0]
		at := func(remote tuple.Tuple) tuple.Tuple {
			return tuple.Of(tuple.UDP, local.Link, local.Address, remote.Remote)
		}
		peer, other := at(tuple.Tuple{Remote: peerAddress}), at(tuple.Tuple{Remote: evilAddress})
		p.Handle(b.now, append([]byte{}, datagram...), peer)
		if p.tuple.IsValid() && p.tuple != peer {
			t.Fatalf("the peer is %v", p.tuple)
		}
		raw, _ := (&pionrtp.Packet{Header: pionrtp.Header{Version: 2, SSRC: 10, PayloadType: 101}, Payload: []byte{0x90, 0x80, 1, 0}}).Marshal()
		locked := p.tuple
		p.Handle(b.now, raw, other)
		if locked.IsValid() && p.tuple != locked {
			t.Fatalf("%v took the place of %v", p.tuple, locked)
		}
		p.Close(b.now)
	})
}
