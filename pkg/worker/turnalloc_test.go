package worker

import (
	"context"
	"crypto/md5"
	"encoding/binary"
	"log/slog"
	"net"
	"net/netip"
	"testing"
	"time"

	"gazpacho/pkg/loop"
	"gazpacho/pkg/socket"
	"gazpacho/pkg/stun"
	"gazpacho/pkg/tuple"
	"gazpacho/pkg/turn"
	"gazpacho/proto"
)

// relayBench is a worker that relays, whose loop does not run: the test hands it batches.
type relayBench struct {
	t       *testing.T
	w       *Worker
	socket  *socket.UDP // where clients come in
	handle  loop.Handler
	pool    *socket.Pool
	client  *net.UDPConn
	peer    *net.UDPConn
	proof   *stun.Integrity
	nonce   string
	relayed netip.AddrPort
}

func newRelayBench(t *testing.T) *relayBench {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	w, err := start(ctx, Config{Log: slog.New(slog.DiscardHandler), TURN: Relaying{Settings: &proto.TURNSettings{
		Listen: []string{"udp:127.0.0.1:0"}, Realm: "example.org", Users: map[string]string{"user": "secret"}, RelayAddresses: []string{"127.0.0.1"}, AllowPeers: []string{"127.0.0.0/8"},
	}}}, cancel)
	if err != nil {
		t.Fatal(err)
	}
	key := md5.Sum([]byte("user:example.org:secret"))
	b := &relayBench{t: t, w: w, pool: socket.NewPool(2), proof: stun.NewIntegrity(key[:])}
	if b.socket, err = socket.ListenUDP(w.links, netip.MustParseAddrPort("127.0.0.1:0"), socket.Options{}); err != nil {
		t.Fatal(err)
	}
	b.handle = w.relay.fromClients(w.relay.server.Listen("test", turn.UDP))
	for _, c := range []**net.UDPConn{&b.client, &b.peer} {
		if *c, err = net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		cancel()
		w.end(time.Now())
		b.socket.Close()
		b.client.Close()
		b.peer.Close()
	})
	return b
}

// turn hands the worker one batch of the same datagram, and ends the turn.
func (b *relayBench) turn(data []byte, times int) {
	batch := b.pool.Take(nil)
	batch.At, batch.Link, batch.Local = time.Now(), b.socket.Link(), b.socket.Local()
	for range times {
		batch.Append(data, addrOf(b.client))
	}
	b.handle(batch.At, batch)
	b.w.turnEnd(batch.At)
	batch.Release()
}

func addrOf(c *net.UDPConn) netip.AddrPort {
	return tuple.Canonical(c.LocalAddr().(*net.UDPAddr).AddrPort())
}

func read(t *testing.T, c *net.UDPConn) []byte {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	buffer := make([]byte, 2048)
	n, err := c.Read(buffer)
	if err != nil {
		t.Fatal(err)
	}
	return buffer[:n]
}

// ask sends a request and returns the answer's error code.
func (b *relayBench) ask(m stun.Method, add func(w *stun.Builder)) int {
	b.t.Helper()
	buffer := make([]byte, 1500)
	w := stun.Build(buffer, stun.Request, m, stun.TransactionID{byte(m)})
	add(&w)
	if b.nonce != "" {
		w.AddString(stun.AttrUsername, "user")
		w.AddString(stun.AttrRealm, "example.org")
		w.AddString(stun.AttrNonce, b.nonce)
		w.AddIntegrity(b.proof)
	}
	b.turn(buffer[:w.Finish()], 1)
	var answer stun.Message
	if !answer.Parse(read(b.t, b.client)) {
		b.t.Fatal("no STUN message came")
	}
	if v := answer.Value(stun.AttrNonce); len(v) > 0 {
		b.nonce = string(v)
	}
	if a, ok := answer.XORAddress(stun.AttrXORRelayedAddress); ok {
		b.relayed = a
	}
	code, _, _ := answer.ErrorCode()
	return code
}

// ChannelData goes through the whole worker, both ways, without anything allocated for it: from the batch that was read to the system call
// that sends, and from the peer's packets to the client.
func TestChannelDataAllocatesNothing(t *testing.T) {
	b := newRelayBench(t)
	allocate := func(w *stun.Builder) { w.AddUint32(stun.AttrRequestedTransport, 17<<24) }
	if code := b.ask(stun.Allocate, allocate); code != 401 {
		t.Fatalf("answered %d", code)
	}
	if code := b.ask(stun.Allocate, allocate); code != 0 {
		t.Fatalf("answered %d", code)
	}
	if code := b.ask(stun.ChannelBind, func(w *stun.Builder) {
		w.AddUint32(stun.AttrChannelNumber, 0x4000<<16)
		w.AddXORAddress(stun.AttrXORPeerAddress, addrOf(b.peer))
	}); code != 0 {
		t.Fatalf("answered %d", code)
	}
	data := make([]byte, 4+1200)
	binary.BigEndian.PutUint16(data, 0x4000)
	binary.BigEndian.PutUint16(data[2:], 1200)
	b.turn(data, 1)
	if got := read(t, b.peer); len(got) != 1200 {
		t.Fatalf("%d bytes came to the peer", len(got))
	}
	before := b.w.egress.Stats().Sent
	if n := testing.AllocsPerRun(50, func() { b.turn(data, 64) }); n != 0 {
		t.Errorf("%v allocations for 64 packets to a peer", n)
	}
	if sent := b.w.egress.Stats().Sent - before; sent < 51*64 {
		t.Errorf("%d packets were sent", sent)
	}

	relay := b.w.relay.media.relays[b.relayed]
	down := func() {
		now := time.Now()
		for range 64 {
			b.w.relay.server.HandleRelay(now, relay, addrOf(b.peer), data[4:])
		}
		b.w.turnEnd(now)
	}
	down()
	if got := read(t, b.client); len(got) != 1204 {
		t.Fatalf("%d bytes came to the client", len(got))
	}
	from := addrOf(b.peer)
	if n := testing.AllocsPerRun(50, func() {
		now := time.Now()
		for range 64 {
			b.w.relay.server.HandleRelay(now, relay, from, data[4:])
		}
		b.w.turnEnd(now)
	}); n != 0 {
		t.Errorf("%v allocations for 64 packets to a client", n)
	}
}

// Events are told at most a hundred times in a second, and how many were not.
func TestTURNEventsAreBounded(t *testing.T) {
	var e turnEvents
	now := time.Unix(1_800_000_000, 0)
	told := 0
	for range 1000 {
		if _, ok := e.admit(int(turn.Denied), now); ok {
			told++
		}
	}
	if told != maxTURNEvents {
		t.Errorf("%d were told", told)
	}
	if _, ok := e.admit(int(turn.Created), now); !ok {
		t.Error("one kind uses up another's")
	}
	if suppressed, ok := e.admit(int(turn.Denied), now.Add(time.Second)); !ok || suppressed != 900 {
		t.Errorf("%d were suppressed, %v", suppressed, ok)
	}
}

// What on a port of media is TURN's, and what is ICE's, DTLS's and RTP's.
func TestClaims(t *testing.T) {
	message := func(c stun.Class, m stun.Method, username string) []byte {
		b := make([]byte, 200)
		w := stun.Build(b, c, m, stun.TransactionID{})
		if username != "" {
			w.AddString(stun.AttrUsername, username)
		}
		return b[:w.Finish()]
	}
	for name, test := range map[string]struct {
		data []byte
		want bool
	}{
		"ChannelData":               {[]byte{0x40, 0, 0, 1, 9}, true},
		"the last channel":          {[]byte{0x4f, 0xff, 0, 1, 9}, true},
		"Allocate":                  {message(stun.Request, stun.Allocate, ""), true},
		"Allocate of a user":        {message(stun.Request, stun.Allocate, "user"), true},
		"Send":                      {message(stun.Indication, stun.Send, ""), true},
		"Binding":                   {message(stun.Request, stun.Binding, ""), true},
		"ICE's Binding":             {message(stun.Request, stun.Binding, "them:us"), false},
		"answer to a Binding":       {message(stun.SuccessResponse, stun.Binding, ""), false},
		"Binding indication":        {message(stun.Indication, stun.Binding, ""), false},
		"broken STUN":               {message(stun.Request, stun.Allocate, "")[:19], false},
		"DTLS":                      {[]byte{22, 0xfe, 0xfd, 0, 0}, false},
		"RTP":                       {make([]byte, 0), false},
		"RTP of a channel's length": {[]byte{0x80, 96, 0, 1}, false},
	} {
		if got := claims(test.data); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
