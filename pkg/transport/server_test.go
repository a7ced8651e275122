package transport

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"gazpacho/pkg/tuple"
	"gazpacho/proto"
)

var (
	clientHello = append([]byte{22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0}, make([]byte, 40)...)
	mediaPacket = append([]byte{0x80, 100, 0, 1, 0, 0, 0, 1, 0, 0, 0, 9}, make([]byte, 60)...)
)

// R-DTLS-1: "No byte reaches DTLS or SRTP from a 5-tuple that has not sent a STUN request with valid USERNAME and MESSAGE-INTEGRITY."
func TestOnlyCheckedTuplesReachDTLSAndSRTP(t *testing.T) {
	b := newBench(t)
	s := b.server()
	w := b.webrtc(s, "t")
	if _, err := w.Connect(b.now, &proto.DTLSParameters{Role: "client", Fingerprints: b.env.Fingerprints}); err != nil {
		t.Fatal(err)
	}
	island := b.islands[0]
	evil := from(s, evilAddress)

	s.Handle(b.now, clientHello, evil)
	s.Handle(b.now, mediaPacket, evil)
	s.Handle(b.now, check(t, w.agent.UsernameFragment(), "wrong", true), evil)
	s.Handle(b.now, clientHello, evil)
	if len(island.got) != 0 {
		t.Errorf("DTLS saw %x", island.got)
	}
	if got := b.egress.Take(); len(got) != 0 {
		t.Errorf("a stranger was answered: %x", got[0].Data)
	}
	if got := s.Drops()["unknownTuple"]; got != 3 {
		t.Errorf("%d packets of an unknown tuple were counted, want 3", got)
	}

	b.reach(w, peerAddress)
	s.Handle(b.now, clientHello, from(s, peerAddress))
	if len(island.got) != 1 {
		t.Errorf("DTLS saw %d datagrams of the peer, want 1", len(island.got))
	}
	s.Handle(b.now, clientHello, evil)
	if len(island.got) != 1 {
		t.Error("DTLS saw a datagram from another address than the peer's")
	}
}

func TestServerFindsTransportByUsername(t *testing.T) {
	b := newBench(t)
	s := b.server()
	one, two := b.webrtc(s, "one"), b.webrtc(s, "two")
	b.reach(two, peerAddress)
	if one.reachable {
		t.Error("the check reached the wrong transport")
	}
	sent := b.egress.Take()
	if len(sent) != 1 || sent[0].To != from(s, peerAddress) {
		t.Fatalf("answers: %+v", sent)
	}
	s.Handle(b.now, check(t, "nobody", "x", true), from(s, evilAddress))
	if got := s.Drops()["unknownUsername"]; got != 1 {
		t.Errorf("%d unknown users were counted", got)
	}
	if d := s.Dump(); !slices.Equal(d.WebRTCTransportIDs, []string{"one", "two"}) || len(d.LocalICEUsernameFragments) != 2 {
		t.Errorf("dump: %+v", d)
	}
}

func TestServerForgetsClosedTransports(t *testing.T) {
	b := newBench(t)
	s := b.server()
	w := b.webrtc(s, "t")
	b.reach(w, peerAddress)
	w.Close(b.now)
	w.Close(b.now)
	if len(s.tuples)+len(s.fragments)+len(s.members)+len(s.links) != 0 {
		t.Errorf("left over: %v %v %v %v", s.tuples, s.fragments, s.members, s.links)
	}
	if b.timers.Len() != 0 {
		t.Errorf("%d timers left over", b.timers.Len())
	}
}

func TestServerCloseTellsTheController(t *testing.T) {
	b := newBench(t)
	s := b.server()
	b.webrtc(s, "one")
	b.webrtc(s, "two")
	b.take()
	s.Close(b.now)
	s.Close(b.now)
	if !slices.Equal(b.closed, []string{"one", "two"}) {
		t.Errorf("the owner heard of %v", b.closed)
	}
	events := b.take()
	if len(events) != 2 || !strings.HasPrefix(events[0], "one "+proto.EventTransportListenServerClose) {
		t.Errorf("events: %v", events)
	}
	if !b.bindings[0].closed {
		t.Error("the sockets are still open")
	}
}

// A TCP connection is one tuple: when it ends, media falls back to another tuple or stops.
func TestTCPConnectionEnds(t *testing.T) {
	b := newBench(t)
	s := b.server()
	w := b.webrtc(s, "t")
	link := tuple.Link(77)
	tcp := tuple.Of(tuple.TCP, link, s.locals[1].Address, peerAddress)
	s.Handle(b.now, check(t, w.agent.UsernameFragment(), w.agent.Password(), true), tcp)
	if !slices.Equal(b.bindings[0].authenticated, []tuple.Link{link}) {
		t.Errorf("authenticated connections: %v", b.bindings[0].authenticated)
	}
	if w.selected != tcp {
		t.Errorf("selected %v", w.selected)
	}
	b.take()
	s.LinkClosed(b.now, link)
	if w.reachable {
		t.Error("the transport is still open")
	}
	if events := b.take(); len(events) != 1 || !strings.Contains(events[0], "disconnected") {
		t.Errorf("events: %v", events)
	}
	s.LinkClosed(b.now, link)
	s.LinkClosed(b.now, 99)
}

func TestFaultTakesTransportOutOfService(t *testing.T) {
	b := newBench(t)
	s := b.server()
	w, other := b.webrtc(s, "t"), b.webrtc(s, "other")
	b.reach(other, evilAddress)
	b.reach(w, peerAddress)
	b.take()
	s.Fault(b.now)
	if w.reachable || len(s.tuples) != 1 || len(s.fragments) != 1 {
		t.Errorf("the faulty transport is still served: %v %v", s.tuples, s.fragments)
	}
	if events := b.take(); len(events) != 1 || !strings.Contains(events[0], "internal error") {
		t.Errorf("events: %v", events)
	}
	if !other.reachable {
		t.Error("the other transport suffered")
	}
	w.Close(b.now)
}

func TestBindErrorsLeaveNothing(t *testing.T) {
	b := newBench(t)
	b.refuse = proto.Failed(proto.CodeBusy, "in use")
	if _, err := NewServer("s", nil, b.env); err == nil || err.Code != proto.CodeBusy {
		t.Errorf("error %v", err)
	}
	b.refuse = proto.Failed(proto.CodeBusy, "in use")
	o := &proto.WebRTCTransportOptions{TransportID: "t", ListenInfos: []proto.ListenInfo{{Protocol: "udp", IP: "10.0.0.1"}}}
	if _, err := NewWebRTC(b.now, b.env, b, nil, o); err == nil || err.Code != proto.CodeBusy {
		t.Errorf("error %v", err)
	}
}

func TestMalformedFirstByte(t *testing.T) {
	b := newBench(t)
	s := b.server()
	w := b.webrtc(s, "t")
	b.reach(w, peerAddress)
	for _, datagram := range [][]byte{{}, {64}, {127}, {192}, {255}, {5, 1, 2}} {
		s.Handle(b.now, datagram, from(s, peerAddress))
	}
	if got := w.drops[DropMalformed]; got != 6 {
		t.Errorf("%d malformed datagrams were counted, want 6", got)
	}
}

// R-ICE-5: consent lasts 30 seconds; without it nothing is sent, and a new check opens the transport again.
func TestConsentExpires(t *testing.T) {
	b := newBench(t)
	w := b.webrtc(b.server(), "t")
	b.reach(w, peerAddress)
	b.take()
	b.pass(29 * time.Second)
	if !w.reachable {
		t.Fatal("consent ended early")
	}
	b.pass(2 * time.Second)
	if w.reachable {
		t.Fatal("consent did not end")
	}
	b.reach(w, netip.MustParseAddrPort("198.51.100.7:50001"))
}
