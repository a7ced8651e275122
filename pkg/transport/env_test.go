package transport

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/stun/v3"

	"gazpacho/pkg/data"
	"gazpacho/pkg/producer"
	"gazpacho/pkg/socket"
	"gazpacho/pkg/timer"
	"gazpacho/pkg/tuple"
	"gazpacho/proto"
)

// bench is everything around a transport, in memory: sockets, timers, the owner and the channel.
type bench struct {
	t         testing.TB
	env       *Env
	egress    socket.Memory
	timers    timer.Queue
	events    []string // "target name body"
	up        []upward
	bindings  []*fakeBinding
	islands   []*fakeIsland
	packets   []*fakePackets
	refuse    *proto.Error // of the next Bind
	duplicate *proto.Error // of the next producer or consumer
	now       time.Time
	closed    []string // what the owner was told is closed
	clients   []*client
}

func newBench(t testing.TB) *bench {
	b := &bench{t: t, now: time.Unix(1_700_000_000, 0)}
	b.env = &Env{
		Totals: new(Totals),
		Egress: &b.egress, Events: b, Timers: &b.timers, Binder: b, Random: rand.NewChaCha8([32]byte{1}),
		NewDTLS: func(*WebRTC) DTLS { i := &fakeIsland{}; b.islands = append(b.islands, i); return i },
		NewPacketSCTP: func(*Plain, proto.SCTPOptions) PacketSCTP {
			f := &fakePackets{}
			b.packets = append(b.packets, f)
			return f
		},
		DataBudget:   data.NewBudget(MaxWorkerBuffer, nil),
		Fingerprints: []proto.DTLSFingerprint{{Algorithm: "sha-256", Value: "AA:BB"}},
	}
	return b
}

// Emit records an event.
func (b *bench) Emit(target string, e proto.Event) {
	if e.Payload != nil {
		b.up = append(b.up, upward{target, e.Name, bytes.Clone(e.Payload)})
		return
	}
	b.events = append(b.events, fmt.Sprintf("%s %s %+v", target, e.Name, e.Body))
}

// upward is a binary notification.
type upward struct {
	target, event string
	payload       []byte
}

// Bind gives out sockets with ports from 4000 on.
func (b *bench) Bind(infos []proto.ListenInfo, in Ingress) (Binding, *proto.Error) {
	if err := b.refuse; err != nil {
		b.refuse = nil
		return nil, err
	}
	f := &fakeBinding{in: in}
	for _, info := range infos {
		l := Local{Info: info, Protocol: tuple.UDP, Link: tuple.Link(100 + len(b.bindings)*10 + len(f.locals))}
		port := info.Port
		if port == 0 {
			port = uint16(4000 + len(b.bindings)*10 + len(f.locals))
		}
		if info.Protocol == "tcp" {
			l.Protocol, l.Link = tuple.TCP, 0
		}
		l.Address = netip.AddrPortFrom(netip.MustParseAddr(info.IP), port)
		f.locals = append(f.locals, l)
	}
	b.bindings = append(b.bindings, f)
	return f, nil
}

// The owner: the table of ids.

func (b *bench) TransportListenServerClosed(_ time.Time, id string) { b.closed = append(b.closed, id) }

func (b *bench) ProducerCreated(time.Time, Transport, *producer.Producer) *proto.Error {
	err := b.duplicate
	b.duplicate = nil
	return err
}

func (b *bench) ProducerClosed(_ time.Time, p *producer.Producer) {
	b.closed = append(b.closed, p.ID())
}

func (b *bench) ConsumerCreated(time.Time, Transport, Consumer, *producer.Producer) *proto.Error {
	err := b.duplicate
	b.duplicate = nil
	return err
}

func (b *bench) ConsumerClosed(_ time.Time, c Consumer) {
	b.closed = append(b.closed, c.ID())
}

// take returns the events since the last call.
func (b *bench) take() []string {
	e := b.events
	b.events = nil
	return e
}

// pass lets time go by.
func (b *bench) pass(d time.Duration) {
	for end := b.now.Add(d); b.now.Before(end); {
		b.now = b.now.Add(10 * time.Millisecond)
		b.timers.Advance(b.now)
	}
}

type fakeBinding struct {
	in            Ingress
	locals        []Local
	authenticated []tuple.Link
	disconnected  []tuple.Link
	closed        bool
}

func (f *fakeBinding) Locals() []Local            { return f.locals }
func (f *fakeBinding) Authenticated(l tuple.Link) { f.authenticated = append(f.authenticated, l) }
func (f *fakeBinding) CloseLink(l tuple.Link)     { f.disconnected = append(f.disconnected, l) }
func (f *fakeBinding) Close()                     { f.closed = true }

// fakePackets is an SCTP association that takes packets.
type fakePackets struct {
	fakeSCTP
	got  [][]byte
	full bool
}

func (f *fakePackets) Handle(packet []byte) bool {
	if !f.full {
		f.got = append(f.got, bytes.Clone(packet))
	}
	return !f.full
}

type fakeIsland struct {
	role   string
	remote []proto.DTLSFingerprint
	ready  int
	got    [][]byte
	closed bool
	refuse *proto.Error
}

func (i *fakeIsland) Start(_ time.Time, role string, remote []proto.DTLSFingerprint) *proto.Error {
	i.role, i.remote = role, remote
	return i.refuse
}
func (i *fakeIsland) Ready(time.Time)              { i.ready++ }
func (i *fakeIsland) Handle(_ time.Time, b []byte) { i.got = append(i.got, append([]byte{}, b...)) }
func (i *fakeIsland) Close(time.Time)              { i.closed = true }

var (
	peerAddress = netip.MustParseAddrPort("198.51.100.7:50000")
	evilAddress = netip.MustParseAddrPort("203.0.113.66:6666")
)

// server makes a WebRtcServer with a UDP and a TCP socket.
func (b *bench) server() *Server {
	b.t.Helper()
	s, err := NewServer("server", []proto.ListenInfo{
		{Protocol: "udp", IP: "10.0.0.1", Port: 4000, AnnouncedAddress: "192.0.2.1"},
		{Protocol: "tcp", IP: "10.0.0.1", Port: 4000, AnnouncedAddress: "192.0.2.1"},
	}, b.env)
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

func (b *bench) webrtc(s *Server, id string) *WebRTC {
	b.t.Helper()
	w, err := NewWebRTC(b.now, b.env, b, s, &proto.WebRTCTransportOptions{TransportID: id})
	if err != nil {
		b.t.Fatal(err)
	}
	return w
}

// from is a tuple from a peer to the first local socket of a server.
func from(s *Server, a netip.AddrPort) tuple.Tuple {
	l := s.locals[0]
	return tuple.Of(tuple.UDP, l.Link, l.Address, a)
}

// check is a Binding request for a transport.
func check(t testing.TB, user, password string, nominate bool) []byte {
	t.Helper()
	setters := []stun.Setter{
		stun.BindingRequest, stun.TransactionID, stun.NewUsername(user + ":peer"),
		stun.RawAttribute{Type: stun.AttrPriority, Value: []byte{1, 2, 3, 4}},
		stun.RawAttribute{Type: stun.AttrICEControlling, Value: make([]byte, 8)},
	}
	if nominate {
		setters = append(setters, stun.RawAttribute{Type: stun.AttrUseCandidate})
	}
	setters = append(setters, stun.NewShortTermIntegrity(password), stun.Fingerprint)
	m, err := stun.Build(setters...)
	if err != nil {
		t.Fatal(err)
	}
	return m.Raw
}

// reach makes a peer's address the selected tuple.
func (b *bench) reach(w *WebRTC, a netip.AddrPort) {
	b.t.Helper()
	w.server.Handle(b.now, check(b.t, w.agent.UsernameFragment(), w.agent.Password(), true), from(w.server, a))
	if !w.reachable {
		b.t.Fatal("the check did not open the transport")
	}
}
