package attack

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"gazpacho/pkg/stun"
	"gazpacho/proto"
)

// The ports of the stage's relays are few, so that they can be exhausted, and beyond those that the system gives to others.
const (
	relayPorts     = 32
	firstRelayPort = 61_000
	relayQuota     = 20 // of a user
)

// withRelays has a worker relay, on a port of its own and on those of media. Nothing is allowed by name: the peers are what they are for everybody.
func withRelays(t *testing.T) func(*stage) {
	t.Helper()
	free, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer free.Close()
	at := free.LocalAddr().(*net.UDPAddr).AddrPort()
	return func(s *stage) {
		s.relays = at
		s.Do(proto.WorkerUpdateTURN, "", proto.TURNSettings{
			Listen: []string{"udp:" + at.String(), "tcp:" + at.String()}, Realm: relayRealm, Users: relayUsers, RelayAddresses: []string{"127.0.0.1"},
			MinPort: firstRelayPort, MaxPort: firstRelayPort + relayPorts - 1, Quotas: proto.TURNQuotas{PerUser: relayQuota},
		})
	}
}

// relayAttacks come by the ports of relays.
var relayAttacks = []attack{
	{"requests without credentials", "R-TURN-2", unauthenticated},
	{"wrong passwords", "R-TURN-2 R-TURN-4", wrongPasswords},
	{"nonces of others", "R-TURN-2", strangeNonces},
	{"hostile user names", "R-TURN-5", hostileNames},
	{"peers that nobody may reach", "R-TURN-1", forbiddenPeers},
	{"more allocations than allowed, and than there are ports", "R-TURN-3", exhausted},
	{"permissions and channels without end", "R-TURN-3", hoarded},
	{"TURN within TURN", "R-TURN-6", loops},
	{"ChannelData with wrong lengths, and STUN in pieces", "R-TURN-6 R-TURN-2", wrongLengths},
	{"connections that say nothing", "R-ICE-8 R-TURN-3", silentConnections},
}

// TestRelaysUnderAttack holds two calls against what clients of relays can do, and those who are none. The second worker relays for nobody.
func TestRelaysUnderAttack(t *testing.T) {
	stages := []*stage{newStage(t, withRelays(t)), newStage(t)}
	for _, a := range relayAttacks {
		t.Run(a.name, func(t *testing.T) {
			before := stages[0].stats().TURN
			o := wage(t, a, *each, stages)
			nothingIsLeft(t, stages[0], before)
			t.Logf("%-8s calls lost %d of %d, p99 %v, grew %d KB, took %v", a.rules, o.calls.lost, o.calls.sent, o.calls.p99.Round(time.Microsecond), o.growth>>10,
				o.elapsed.Round(time.Millisecond))
		})
	}
}

// nothingIsLeft waits until an attack has given back all that it held: every port, permission, channel and allocation has one owner (R-TURN-3).
func nothingIsLeft(t *testing.T, s *stage, before proto.TURNStats) {
	t.Helper()
	await(t, "nothing is left of it", func() bool {
		now := s.stats().TURN
		return now.Allocations == before.Allocations && now.PortsFree == before.PortsFree && now.Permissions == before.Permissions &&
			now.Channels == before.Channels && now.Reservations == before.Reservations
	})
}

// listenerStats is what the stage counts of its relays' UDP port.
func (s *stage) listenerStats(t *testing.T) proto.TURNListenerStats {
	t.Helper()
	for _, l := range s.stats().TURN.Listeners {
		if strings.HasPrefix(l.Name, "udp:") {
			return l
		}
	}
	t.Fatal("the relays have no listener")
	return proto.TURNListenerStats{}
}

// flood sends requests that prove nothing from many addresses. "≤ 10 unauthenticated replies/s per source; reply ≤ 2.5 × request" (R-TURN-2).
func flood(t *testing.T, s *stage, d time.Duration, request func(n int) []byte) tally {
	t.Helper()
	const addresses, perSecond = 8, 10
	was := s.listenerStats(t)
	start := time.Now()
	g := newGun(t, s.relays, addresses)
	size := 0
	pace(t.Context(), d, 8000, func(n int) {
		b := request(n)
		size += len(b)
		g.shoot(b)
	}, g.flush)
	got := float64(g.settled())
	seconds := int(time.Since(start).Seconds()) + 2 // by the clock's seconds, the first and the last may be parts
	now := s.listenerStats(t)
	if n := now.Answers["401"] + now.Answers["438"] + now.Answers["400"] - was.Answers["401"] - was.Answers["438"] - was.Answers["400"]; n > uint64(addresses*perSecond*seconds) {
		t.Errorf("%d answers to strangers of %d addresses in %d s", n, addresses, seconds)
	} else if n == 0 {
		t.Error("nobody is asked for credentials: the attack did not reach its aim")
	}
	if got > 2.5*float64(size) {
		t.Errorf("%v bytes came back for %d", got, size)
	}
	if now.Drops["budget"] == was.Drops["budget"] {
		t.Error("nobody's budget was spent")
	}
	if a := s.stats().TURN.Allocations; a != 0 {
		t.Errorf("%d allocations", a)
	}
	return tally{}
}

func unauthenticated(t *testing.T, s *stage, d time.Duration) tally {
	c := newRelayClient(t, s, "mallory")
	methods := []stun.Method{stun.Allocate, stun.Refresh, stun.CreatePermission, stun.ChannelBind}
	return flood(t, s, d, func(n int) []byte { return c.message(stun.Request, methods[n%len(methods)], false, relayUDP) })
}

// wrongPasswords has a nonce that is right, but not of the addresses it floods from: those of its own are few.
func wrongPasswords(t *testing.T, s *stage, d time.Duration) tally {
	c := newRelayClient(t, s, "mallory")
	if code := c.allocate(); code != 0 {
		t.Fatalf("the right password: %d", code)
	}
	c.free()
	guess := *c
	guess.password = "guess"
	if code, _ := guess.exchange(guess.message(stun.Request, stun.Allocate, true, relayUDP), patience); code != stun.CodeUnauthenticated {
		t.Errorf("a guess is answered %d", code)
	}
	return flood(t, s, d, func(int) []byte { return guess.message(stun.Request, stun.Allocate, true, relayUDP) })
}

// strangeNonces replays whole requests of a client, which are sealed, from other addresses: its nonce is bound to where it was given to.
func strangeNonces(t *testing.T, s *stage, d time.Duration) tally {
	c := newRelayClient(t, s, "mallory")
	if code := c.allocate(); code != 0 {
		t.Fatal(code)
	}
	c.free()
	overheard := c.message(stun.Request, stun.Allocate, true, relayUDP)
	return flood(t, s, d, func(int) []byte { return overheard })
}

// hostileNames are user names that logs, maps and hashes have to survive.
func hostileNames(t *testing.T, s *stage, _ time.Duration) tally {
	names := []string{
		"\x00", "%s%n%x", "../../etc/passwd", "a\r\nlevel=ERROR msg=panic", strings.Repeat("\xff", 508), strings.Repeat("x", 509), strings.Repeat("x", 763),
		"9999999999", "9999999999:x", "-1:x", "18446744073709551616:x", "\u202egnp.exe", "' OR 1=1 --", "{{.}}", "example.org:x", ":", "",
	}
	for _, name := range names {
		c := newRelayClient(t, s, "mallory")
		if _, m := c.exchange(c.message(stun.Request, stun.Allocate, false, relayUDP), patience); m.Has(stun.AttrNonce) {
			c.nonce = string(m.Value(stun.AttrNonce))
		}
		c.name = name
		if code, _ := c.exchange(c.message(stun.Request, stun.Allocate, true, relayUDP), patience); code != stun.CodeUnauthenticated && code != stun.CodeBadRequest {
			t.Errorf("%.20q is answered %d", name, code)
		}
	}
	for line := range strings.Lines(s.Log()) {
		if strings.HasPrefix(line, "level=ERROR") {
			t.Errorf("the log says %s", line)
		}
	}
	return tally{}
}

// forbidden are peers that lead inside: by name, by their special meaning, and in each way that an IPv6 address has to mean an IPv4 one. On an IPv4 relay
// those of IPv6 are refused for their family at the latest.
var forbidden = []string{
	"127.0.0.1", "127.1.2.3", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "100.64.0.1",
	"192.0.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
	"::", "::1", "::ffff:127.0.0.1", "::127.0.0.1", "2002:7f00:1::", "64:ff9b::7f00:1", "2001:0:7f00:1::", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1",
	"2001:db8::1", "fec0::1",
}

func forbiddenPeers(t *testing.T, s *stage, _ time.Duration) tally {
	c := newRelayClient(t, s, "mallory")
	c.must(stun.Allocate, relayUDP)
	defer c.free()
	refused := map[int]bool{stun.CodeForbidden: true, stun.CodePeerFamilyMismatch: true, stun.CodeBadRequest: true}
	for i, text := range forbidden {
		peer := netip.AddrPortFrom(netip.MustParseAddr(text), 80)
		// A permission is for all ports: that of our own address, where media is, may be had. What it leads to is judged with each packet.
		if code := c.ask(stun.CreatePermission, toPeer(peer)); !refused[code] && text != "127.0.0.1" {
			t.Errorf("a permission for %s is answered %d", text, code)
		}
		if code := c.ask(stun.ChannelBind, toPeer(peer), channelNumber(0x4000+uint16(i))); !refused[code] {
			t.Errorf("a channel to %s is answered %d", text, code)
		}
	}
	// A good peer does not carry a bad one along: it is all or nothing.
	if code := c.ask(stun.CreatePermission, toPeer(netip.MustParseAddrPort("8.8.8.8:53")), toPeer(netip.MustParseAddrPort("10.0.0.1:80"))); code != stun.CodeForbidden {
		t.Errorf("a good and a bad peer: %d", code)
	}
	if d := c.ask(stun.ChannelBind, toPeer(s.relays), channelNumber(0x4100)); d != stun.CodeForbidden {
		t.Errorf("the port of relays itself is answered %d", d)
	}
	c.must(stun.CreatePermission, toPeer(s.at))
	inside, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer inside.Close()
	target := inside.LocalAddr().(*net.UDPAddr).AddrPort()
	was := s.listenerStats(t).Drops["denied"]
	for range 10 {
		if _, err := c.conn.Write(c.message(stun.Indication, stun.Send, false, toPeer(target), bytesOf(stun.AttrData, 1, 2, 3))); err != nil {
			t.Fatal(err)
		}
	}
	await(t, "what is sent to a port inside is dropped", func() bool { return s.listenerStats(t).Drops["denied"] >= was+10 })
	_ = inside.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if n, from, err := inside.ReadFrom(make([]byte, 100)); err == nil {
		t.Errorf("%d bytes came from %v to a port inside", n, from)
	}
	return tally{}
}

// exhausted takes all that two users may have, which is more than there is: the first is told 486, the second 508, and both give back.
func exhausted(t *testing.T, s *stage, _ time.Duration) tally {
	var held []*relayClient
	take := func(name string, most int, last int) {
		for n := 0; ; n++ {
			c := newRelayClient(t, s, name)
			code := c.allocate()
			if code == 0 && n < most {
				held = append(held, c)
				continue
			}
			if code != last || n > most {
				t.Errorf("%s has %d allocations, and is answered %d", name, n, code)
			}
			return
		}
	}
	take("mallory", relayQuota, stun.CodeQuotaReached)
	take("trudy", relayPorts-relayQuota, stun.CodeInsufficientCapacity)
	for _, c := range held {
		c.free()
	}
	return tally{}
}

// hoarded asks for permissions and channels until there are no more: 100 of each (R-TURN-3).
func hoarded(t *testing.T, s *stage, _ time.Duration) tally {
	c := newRelayClient(t, s, "trudy")
	c.must(stun.Allocate, relayUDP)
	defer c.free()
	full := 0
	for i := range 120 {
		peer := netip.AddrPortFrom(netip.AddrFrom4([4]byte{8, 8, byte(i), 8}), 53)
		if code := c.ask(stun.ChannelBind, toPeer(peer), channelNumber(0x4000+uint16(i))); code == stun.CodeInsufficientCapacity {
			full++
		} else if code != 0 {
			t.Fatalf("channel %d is answered %d", i, code)
		}
	}
	if now := s.stats().TURN; now.Permissions > 100 || now.Channels > 100 || full != 20 {
		t.Errorf("%d permissions, %d channels, %d refused", now.Permissions, now.Channels, full)
	}
	for _, n := range []uint16{0, 0x3fff, 0x5000, 0x7fff, 0xffff} {
		if code := c.ask(stun.ChannelBind, toPeer(netip.MustParseAddrPort("8.8.8.8:53")), channelNumber(n)); code != stun.CodeBadRequest {
			t.Errorf("channel %#x is answered %d", n, code)
		}
	}
	return tally{}
}

// loops has a relay speak TURN to a media port, which is one of relays too: "no relay-to-relay loops" (R-TURN-6).
func loops(t *testing.T, s *stage, d time.Duration) tally {
	c := newRelayClient(t, s, "mallory")
	c.must(stun.Allocate, relayUDP)
	defer c.free()
	c.must(stun.CreatePermission, toPeer(s.at))
	was := s.listenerStats(t)
	inner := c.message(stun.Request, stun.Allocate, false, relayUDP)
	sent := uint64(0)
	pace(t.Context(), d, 500, func(int) {
		if _, err := c.conn.Write(c.message(stun.Indication, stun.Send, false, toPeer(s.at), bytesOf(stun.AttrData, inner...))); err == nil {
			sent++
		}
	}, nil)
	await(t, "all of it is dropped", func() bool { return s.listenerStats(t).Drops["loop"]-was.Drops["loop"] >= sent })
	if n := s.stats().TURN.Allocations; n != 1 {
		t.Errorf("%d allocations", n)
	}
	return tally{}
}

// wrongLengths sends ChannelData whose length says too much or too little, and every beginning of a message.
func wrongLengths(t *testing.T, s *stage, d time.Duration) tally {
	c := newRelayClient(t, s, "mallory")
	c.must(stun.Allocate, relayUDP)
	defer c.free()
	c.must(stun.ChannelBind, toPeer(s.at), channelNumber(0x4000))
	whole := c.message(stun.Request, stun.Refresh, true)
	var bad [][]byte
	for _, said := range []uint16{0, 1, 3, 9, 100, 1500, 0xffff} {
		b := make([]byte, 4+8)
		binary.BigEndian.PutUint16(b, 0x4000)
		binary.BigEndian.PutUint16(b[2:], said)
		bad = append(bad, b)
	}
	for n := 1; n < len(whole); n++ {
		bad = append(bad, whole[:n])
	}
	was, sent := s.listenerStats(t), uint64(0)
	pace(t.Context(), d, 2000, func(n int) {
		if _, err := c.conn.Write(bad[n%len(bad)]); err != nil {
			t.Error(err)
		}
		sent++
	}, nil)
	await(t, "all of it is dropped as malformed", func() bool { return s.listenerStats(t).Drops["malformed"]-was.Drops["malformed"] >= sent })
	if now := s.listenerStats(t).Classes["static"].Up; now.Packets != was.Classes["static"].Up.Packets {
		t.Errorf("%d packets were relayed", now.Packets-was.Classes["static"].Up.Packets)
	}
	return tally{}
}

// silentConnections connect by TCP, some with the beginning of a message, and wait. Who comes then still gets in by UDP.
func silentConnections(t *testing.T, s *stage, _ time.Duration) tally {
	var conns []net.Conn
	defer func() {
		for _, c := range conns {
			c.Close()
		}
	}()
	for n := range 200 {
		conn, err := net.Dial("tcp", s.relays.String())
		if err != nil {
			break // refused: they are too many
		}
		conns = append(conns, conn)
		if n%2 == 0 {
			_, _ = fmt.Fprint(conn, "\x00\x03\xff\xfc") // the length of a message that never comes
		}
	}
	c := newRelayClient(t, s, "trudy")
	c.must(stun.Allocate, relayUDP)
	c.free()
	return tally{}
}
