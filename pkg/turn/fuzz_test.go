package turn

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"runtime"
	"runtime/metrics"
	"testing"
	"time"

	"gazpacho/pkg/stun"
)

// FuzzHandle gives a server one datagram of a stranger. Whatever it is, nothing is kept of it, the answer is STUN, and not long (R-TURN-2).
func FuzzHandle(f *testing.F) {
	w := newWorld(f)
	c := w.client(clientAddr)
	c.nonce = "0123456789abcdef"
	f.Add(c.plain(stun.Request, stun.Binding))
	f.Add(c.plain(stun.Request, stun.Allocate, transportUDP))
	f.Add(c.signed(stun.Allocate, transportUDP, alsoIPv6, dontFragment, evenPort(0x80)))
	f.Add(c.signed(stun.Refresh, ticketAttr(make([]byte, len(ticket{}))), lifetime(1)))
	f.Add(c.plain(stun.Indication, stun.Send, peer(peerAddr), data("x"), dontFragment))
	f.Add(channelData(0x4000, "x", 3))
	f.Fuzz(func(t *testing.T, b []byte) {
		w := newWorld(t)
		before := bytes.Clone(b)
		ours := false
		bounded(t, func() { ours = w.server.Handle(w.now, w.udp, c.tuple, b) })
		if !bytes.Equal(b, before) {
			t.Fatal("the datagram was changed")
		}
		if ours != (IsChannelData(b) || stun.IsMessage(b)) {
			t.Fatalf("ours: %v", ours)
		}
		if len(w.sent) > 1 {
			t.Fatalf("%d answers", len(w.sent))
		}
		for _, p := range w.sent {
			m := parse(t, p.data)
			if m.Class != stun.SuccessResponse && m.Class != stun.ErrorResponse {
				t.Fatalf("class %d", m.Class)
			}
			if 2*len(p.data) > 5*len(b) {
				t.Fatalf("%d bytes answer %d", len(p.data), len(b))
			}
		}
		w.whole()
	})
}

// bounded holds one message to 10 ms and 4 MiB. The time is that of this thread, for the machine has other things to do.
func bounded(t *testing.T, f func()) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	bytes, cpu := sample[0].Value.Uint64(), threadTime(t)
	f()
	if took := threadTime(t) - cpu; took > 10*time.Millisecond {
		t.Fatalf("it takes %v", took)
	}
	metrics.Read(sample)
	if n := sample[0].Value.Uint64() - bytes; n > 4<<20 {
		t.Fatalf("it takes %d bytes", n)
	}
}

// FuzzServer is the whole machine: a sequence of messages of three clients with the right credentials, of their peers, of connections, and of time. Each
// step is an operation, a length, and so many bytes.
func FuzzServer(f *testing.F) {
	step := func(op byte, body []byte) []byte { return append([]byte{op, byte(len(body))}, body...) }
	request := func(who byte, m stun.Method, list ...attrs) []byte {
		b := make([]byte, 400)
		w := stun.Build(b, stun.Request, m, stun.TransactionID{})
		for _, add := range list {
			add(&w)
		}
		return step(who, append([]byte{byte(m)}, b[stun.HeaderSize:w.Finish()]...))
	}
	wait := func(seconds uint16) []byte { return step(opWait, binary.BigEndian.AppendUint16(nil, seconds)) }
	f.Add(bytes.Join([][]byte{
		request(0, stun.Allocate, transportUDP, alsoIPv6, ticketAttr(nil)), request(0, stun.CreatePermission, peer(peerAddr)),
		request(0, stun.ChannelBind, channelNumber(0x4000), peer(peerAddr)), step(opRaw, channelData(0x4000, "x", 0)), step(opPeer, []byte("x")),
		wait(301), step(opPeer, []byte("x")), request(0, stun.Refresh, lifetime(0)),
	}, nil))
	f.Add(bytes.Join([][]byte{
		request(1, stun.Allocate, transportTCP), request(1, stun.CreatePermission, peer(peerAddr)), request(1, stun.Connect, peer(peerAddr)),
		step(opConnected, nil), request(2, stun.ConnectionBind, connectionID(1)), step(opAccept, nil), step(opFail, nil), wait(31), step(opClosed, nil),
	}, nil))
	f.Add(bytes.Join([][]byte{
		request(0, stun.Allocate, transportUDP, evenPort(0x80)), request(2, stun.Allocate, transportUDP, token(make([]byte, 8))),
		request(0, stun.Refresh, wantIPv6, lifetime(0)), step(opICMP, []byte{3, 4}), step(opReload, []byte{1}), wait(1200),
	}, nil))
	f.Fuzz(func(t *testing.T, script []byte) {
		m := newMachine(t)
		for len(script) >= 2 {
			op, size := script[0], min(int(script[1]), len(script)-2)
			bounded(t, func() { m.step(op, script[2:2+size]) })
			script = script[2+size:]
		}
		m.server.Close(m.now)
		m.whole()
		for _, s := range m.streams {
			if s.closed > 1 {
				t.Fatal("a stream is closed twice")
			}
		}
	})
}

// Operations of FuzzServer; those below three are requests of that client.
const (
	opRaw byte = 3 + iota
	opPeer
	opICMP
	opWait
	opConnected
	opFail
	opAccept
	opClosed
	opReload
)

type machine struct {
	*world
	clients []*client
	streams []*fakeStream
}

func newMachine(t testing.TB) *machine {
	w := newWorld(t, func(c *Config) { c.Quotas = Quotas{PerUser: 3, Permissions: 3, Channels: 3, PacketRate: 50} })
	w.media[mediaAddr] = true
	return &machine{world: w, clients: []*client{w.client(clientAddr), w.tcpClient(clientAddr), w.tcpClient(clientAddr6)}}
}

// relay returns some open relay.
func (m *machine) relay() *Relay {
	for _, c := range m.clients {
		if a := c.allocation(); a != nil {
			return a.firstRelay()
		}
	}
	return nil
}

func (m *machine) step(op byte, body []byte) {
	relay := m.relay()
	switch {
	case op < 3 && len(body) > 0:
		m.request(m.clients[op], body)
	case op == opRaw:
		c := m.clients[len(body)%3]
		m.server.Handle(m.now, c.via, c.tuple, body)
	case op == opPeer && relay != nil:
		m.server.HandleRelay(m.now, relay, peerAddr, body)
	case op == opICMP && relay != nil && len(body) > 1:
		m.server.HandleICMP(m.now, relay, peerAddr, ICMP{Type: body[0], Code: body[1], Data: 1400})
	case op == opWait && len(body) > 1:
		m.advance(time.Duration(binary.BigEndian.Uint16(body)) * time.Second)
	case op == opConnected && len(m.dials) > 0:
		s := &fakeStream{}
		m.streams = append(m.streams, s)
		m.server.PeerConnected(m.now, m.dials[0], s)
	case op == opFail && len(m.dials) > 0:
		m.server.PeerFailed(m.now, m.dials[0])
	case op == opAccept && relay != nil:
		s := &fakeStream{}
		if _, ok := m.server.PeerAccepted(m.now, relay, peerAddr, s); ok {
			m.streams = append(m.streams, s)
		}
	case op == opClosed:
		m.server.ClientClosed(m.now, m.clients[len(body)%3].tuple)
	case op == opReload && len(body) > 0:
		c := config()
		c.DenyPeers = []netip.Prefix{netip.PrefixFrom(peerAddr.Addr(), int(body[0])%33).Masked()}
		if err := m.server.Reload(m.now, c); err != nil {
			m.Fatal(err)
		}
	}
	m.sent, m.events = nil, nil
}

// request signs the attributes in body behind the method in its first byte.
func (m *machine) request(c *client, body []byte) {
	c.nonce = string(m.server.nonces.make(m.now, c.tuple.Remote, passwordAlgorithms))
	b := make([]byte, 600)
	w := stun.Build(b, stun.Request, stun.Method(body[0]&15), c.transaction())
	for body = body[1:]; len(body) >= 4; {
		size := min(int(binary.BigEndian.Uint16(body[2:])), len(body)-4)
		w.Add(stun.AttributeType(binary.BigEndian.Uint16(body)), m.known(stun.AttributeType(binary.BigEndian.Uint16(body)), body[4:4+size]))
		body = body[min(4+padded(size), len(body)):]
	}
	c.credentials(&w)
	w.AddIntegrity(c.key())
	n := w.Finish()
	if n == 0 {
		return
	}
	m.server.Handle(m.now, c.via, c.tuple, b[:n])
	for _, p := range m.sent {
		if answer := parse(m, p.data); answer.Class == stun.ErrorResponse && codeOf(answer) == 508 && len(m.server.clients) == 0 && len(m.server.reservations) == 0 &&
			answer.Method == stun.Allocate && !parse(m, b[:n]).Has(stun.AttrReservationToken) {
			m.Fatal("no capacity when nobody holds anything")
		}
	}
}

// known puts in what a client can know but a fuzzer not guess: tokens, tickets, connections.
func (m *machine) known(t stun.AttributeType, v []byte) []byte {
	s := m.server
	switch {
	case t == stun.AttrReservationToken && len(v) == 8:
		for k := range s.reservations {
			return k[:]
		}
	case t == stun.AttrMobilityTicket && len(v) > 0:
		for k := range s.tickets {
			return k[:]
		}
	case t == stun.AttrConnectionID && len(v) == 4:
		for k := range s.connections {
			return binary.BigEndian.AppendUint32(nil, k)
		}
	}
	return v
}

func FuzzFrameSize(f *testing.F) {
	f.Add([]byte{0x40, 0, 0, 1, 9, 0, 0, 0})
	f.Add([]byte{0, 1, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < FrameHead {
			return
		}
		size, ok := FrameSize(b)
		if ok && (size < FrameHead || size%4 != 0 || size > 65556) {
			t.Fatalf("%x begins a frame of %d bytes", b[:4], size)
		}
		if !ok && stun.IsMessage(b) && b[0] < 4 && len(b)%4 == 0 {
			t.Fatalf("%x is a message, but no frame", b)
		}
	})
}
