package turn

import (
	"fmt"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"gazpacho/pkg/stun"
	"gazpacho/pkg/timer"
	"gazpacho/pkg/tuple"
)

// sink is an environment that costs nothing.
type sink struct {
	slot [2048]byte
	sent int
}

func (s *sink) Next() []byte                    { return s.slot[:] }
func (s *sink) Commit(int, tuple.Tuple)         { s.sent++ }
func (s *sink) Open(*Relay) (RelaySocket, bool) { return relaySink{s}, true }
func (s *sink) IsMedia(a netip.AddrPort) bool {
	return a == mediaAddr || a.Port() == 0 && a.Addr() == mediaAddr.Addr()
}
func (s *sink) Deliver(time.Time, *Relay, netip.AddrPort, []byte) bool { s.sent++; return true }

type relaySink struct{ *sink }

func (s relaySink) Commit(int, netip.AddrPort, bool) { s.sent++ }
func (s relaySink) Close()                           {}

// bench is a server of sinks, and a client with an allocation.
type bench struct {
	*world
	*sink
	c     *client
	relay *Relay
}

func newBench(t testing.TB, change ...func(*Config)) *bench {
	w := newWorld(t, append(change, func(c *Config) { c.MinPort, c.MaxPort = 1024, 65535 })...)
	c := w.client(clientAddr)
	c.allocate()
	s := &sink{}
	w.server.env.Egress, w.server.env.Relays, w.server.env.Media, w.server.env.Events = s, s, s, nil
	w.server.policy.Media = s
	b := &bench{world: w, sink: s, c: c, relay: c.allocation().firstRelay()}
	b.relay.socket = relaySink{s}
	for i, p := range []netip.AddrPort{peerAddr, mediaAddr} {
		w.server.Handle(w.now, w.udp, c.tuple, c.signed(stun.ChannelBind, channelNumber(uint16(0x4000+i)), peer(p)))
	}
	w.server.Handle(w.now, w.udp, c.tuple, c.signed(stun.CreatePermission, peer(otherPeer)))
	if n := len(c.allocation().permissions); n != 3 {
		t.Fatalf("%d permissions", n)
	}
	return b
}

// ways are the ways of a packet.
func (b *bench) ways(size int) map[string]func() {
	payload := string(make([]byte, size))
	up, media := channelData(0x4000, payload, 0), channelData(0x4001, payload, 0)
	send := b.c.plain(stun.Indication, stun.Send, peer(otherPeer), data(payload), dontFragment)
	s, w := b.server, b.world
	return map[string]func(){
		"ChannelData up":    func() { s.Handle(w.now, w.udp, b.c.tuple, up) },
		"ChannelData media": func() { s.Handle(w.now, w.udp, b.c.tuple, media) },
		"ChannelData down":  func() { s.HandleRelay(w.now, b.relay, peerAddr, up[4:]) },
		"Send":              func() { s.Handle(w.now, w.udp, b.c.tuple, send) },
		"Data":              func() { s.HandleRelay(w.now, b.relay, otherPeer, up[4:]) },
	}
}

func TestRelayingAllocatesNothing(t *testing.T) {
	b := newBench(t, func(c *Config) { c.Quotas = Quotas{Bitrate: 1e12, PacketRate: 1e9} })
	for name, way := range b.ways(1200) {
		b.sink.sent = 0
		if n := testing.AllocsPerRun(200, way); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
		if b.sink.sent != 201 {
			t.Errorf("%s: %d packets of 201 came through: %s", name, b.sink.sent, b.drops())
		}
	}
}

// Who floods us with what is not authenticated makes no garbage.
func TestStrangersAllocateNothing(t *testing.T) {
	b := newBench(t)
	allocate, binding := b.c.plain(stun.Request, stun.Allocate, transportUDP), b.c.plain(stun.Request, stun.Binding)
	stale := b.c.as("x", "y").signed(stun.Refresh)
	stale[len(stale)-40] ^= 1
	i := 0
	if n := testing.AllocsPerRun(200, func() {
		i++
		from := tuple.Of(tuple.UDP, 1, serverAddr, sourceNumber(i))
		b.server.Handle(b.now, b.udp, from, allocate)
		b.server.Handle(b.now, b.udp, from, binding)
		b.server.Handle(b.now, b.udp, from, stale)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if b.sink.sent < 3*200 {
		t.Errorf("%d answers", b.sink.sent)
	}
}

func BenchmarkRelay(b *testing.B) {
	for _, size := range []int{160, 1200} {
		ways := newBench(b).ways(size)
		for _, name := range []string{"ChannelData up", "ChannelData media", "ChannelData down", "Send", "Data"} {
			b.Run(fmt.Sprintf("%s %d", name, size), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					ways[name]()
				}
			})
		}
	}
}

// Among 300 allocations with four peers each, whose packets come in turn.
func BenchmarkRelayAmong300(b *testing.B) {
	w := newBench(b)
	up := channelData(0x4003, string(make([]byte, 1200)), 0)
	var clients []*client
	var relays []*Relay
	for i := range 300 {
		c := w.client(sourceNumber(i))
		c.nonce = string(w.server.nonces.make(w.now, c.tuple.Remote, 0))
		w.server.Handle(w.now, w.udp, c.tuple, c.signed(stun.Allocate, transportUDP))
		for n := range uint16(4) {
			w.server.Handle(w.now, w.udp, c.tuple, c.signed(stun.ChannelBind, channelNumber(0x4000+n), peer(netip.AddrPortFrom(peerAddr.Addr(), 1000+n))))
		}
		clients, relays = append(clients, c), append(relays, c.allocation().firstRelay())
	}
	from := netip.AddrPortFrom(peerAddr.Addr(), 1003)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		w.server.Handle(w.now, w.udp, clients[i%300].tuple, up)
		w.server.HandleRelay(w.now, relays[i%300], from, up[4:])
	}
}

// 401s to ever new sources, each within its budget.
func BenchmarkChallenge(b *testing.B) {
	w := newBench(b)
	allocate := w.c.plain(stun.Request, stun.Allocate, transportUDP)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i++
		w.server.Handle(w.now, w.udp, tuple.Of(tuple.UDP, 1, serverAddr, sourceNumber(i)), allocate)
	}
	b.ReportMetric(float64(w.sink.sent)/float64(i), "answers/op")
}

// What a client costs that comes and goes: a challenge, an Allocate, a Refresh with LIFETIME 0. The clock stands still, so the
// messages of a thousand clients stay good.
func BenchmarkAllocate(b *testing.B) {
	w := newBench(b)
	var clients [1000]struct {
		from     tuple.Tuple
		messages [3][]byte
	}
	for i := range clients {
		c := w.client(sourceNumber(i))
		c.nonce = string(w.server.nonces.make(w.now, c.tuple.Remote, passwordAlgorithms))
		clients[i].from = c.tuple
		clients[i].messages = [3][]byte{c.plain(stun.Request, stun.Allocate, transportUDP), c.signed(stun.Allocate, transportUDP), c.signed(stun.Refresh, lifetime(0))}
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		c := &clients[i%len(clients)]
		for _, m := range c.messages {
			w.server.Handle(w.now, w.udp, c.from, m)
		}
	}
	created := w.udp.Counters.Created[Static]
	b.ReportMetric(float64(created-1)/float64(b.N), "allocations/op")
}

// idleBytes returns what an allocation with one permission and one channel costs in the core.
func idleBytes(t testing.TB, n int) int {
	w := newBench(t)
	w.server.env.Timers = &timer.Queue{}
	var before, after runtime.MemStats
	signed := make([][2][]byte, n)
	tuples := make([]tuple.Tuple, n)
	for i := range n {
		c := w.client(sourceNumber(i))
		c.nonce = string(w.server.nonces.make(w.now, c.tuple.Remote, 0))
		signed[i] = [2][]byte{c.signed(stun.Allocate, transportUDP), c.signed(stun.ChannelBind, channelNumber(0x4000), peer(peerAddr))}
		tuples[i] = c.tuple
	}
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range n {
		w.server.Handle(w.now, w.udp, tuples[i], signed[i][0])
		w.server.Handle(w.now, w.udp, tuples[i], signed[i][1])
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(signed)
	if g := w.server.Stats(); g.Allocations != n+1 || g.Channels != n+2 {
		t.Fatalf("%+v", g)
	}
	return int(after.HeapAlloc-before.HeapAlloc) / n
}

// An idle allocation may cost 6 KB with its socket; the core's part is a quarter of that.
func TestIdleAllocationIsSmall(t *testing.T) {
	if size := idleBytes(t, 2000); size > 1536 {
		t.Errorf("%d bytes", size)
	}
}

func BenchmarkIdleAllocation(b *testing.B) {
	size := 0
	for b.Loop() {
		size = idleBytes(b, 2000)
	}
	b.ReportMetric(float64(size), "bytes/allocation")
}
