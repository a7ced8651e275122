package main

import (
	"bytes"
	"flag"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"gazpacho/pkg/stun"
)

var update = flag.Bool("update", false, "rewrite golden files")

// The exchange that RFC 8656 section 20 shows, from the first Allocate to 437, with the program itself: what it says is in testdata/turn.udp.txt and
// turn.tcp.txt, and what its relay sends is looked at on the wire.
func TestTURNExchange(t *testing.T) {
	withTap(t, func(t *testing.T) {
		for _, network := range []string{"udp", "tcp"} {
			s := newExchange(t, network)
			s.allocate()
			s.send()
			s.channel()
			s.end()
			golden(t, filepath.Join("testdata", "turn."+network+".txt"), s.Bytes())
		}
	})
}

// exchange is a client that writes down what is said.
type exchange struct {
	bytes.Buffer
	*turnConn
	t      *testing.T
	worker *turnWorker
	file   string // of settings
	names  map[netip.AddrPort]string
	peers  [2]*net.UDPConn
	tap    *tap

	previous []byte // message that was written down
}

func newExchange(t *testing.T, network string) *exchange {
	t.Helper()
	s := &exchange{t: t, file: filepath.Join(t.TempDir(), "worker.yaml"), names: map[netip.AddrPort]string{}}
	s.configure("10m")
	w := &turnWorker{t: t, at: freePort(t), since: time.Now()}
	w.start("--turn-listen", fmt.Sprintf("udp:%v,tcp:%v", w.at, w.at), "--config", s.file)
	s.worker, s.turnConn = w, dialTURN(t, network, w.at)
	s.note = s.write
	s.names[w.at], s.names[s.local()] = "the server", "the client"
	for i, name := range []string{"a peer", "another peer"} {
		u, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { u.Close() })
		s.peers[i] = u
		s.names[addrPort(u.LocalAddr())] = name
		s.names[netip.AddrPortFrom(w.at.Addr(), 0)] = "a peer, port 0"
	}
	return s
}

func (s *exchange) configure(nonceLifetime string) {
	s.t.Helper()
	text := fmt.Sprintf("turn-realm: %s\nturn-user: [%s:%s]\nturn-allow-peer: [127.0.0.0/8]\nturn-max-lifetime: 20m\nturn-nonce-lifetime: %s\nlog-level: warn\n",
		turnRealm, turnUser, turnPassword, nonceLifetime)
	if err := os.WriteFile(s.file, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *exchange) title(text string) { fmt.Fprintf(s, "\n# %s\n", text) }

// 1 and 2.
func (s *exchange) allocate() {
	software := func(b *stun.Builder) { b.AddString(stun.AttrSoftware, "Example client, version 1.03") }
	fragment := func(b *stun.Builder) { b.Add(stun.AttrDontFragment, nil) }
	list := []func(*stun.Builder){software, value32(stun.AttrLifetime, 3600), transportUDP, fragment}
	s.title("1. Allocate without credentials")
	if got := codeOf(s.ask(s.message(stun.Request, stun.Allocate, false, list...))); got != stun.CodeUnauthenticated {
		s.t.Fatalf("answered %d", got)
	}
	s.title("2. Allocate with them")
	request := s.message(stun.Request, stun.Allocate, true, list...)
	m := s.ask(request)
	relayed, ok := m.XORAddress(stun.AttrXORRelayedAddress)
	if !ok || codeOf(m) != 0 {
		s.t.Fatalf("answered %d", codeOf(m))
	}
	// An answer may be lost: who asks again with the same transaction gets the same one (RFC 8656 section 7.2).
	s.title("2. the same again")
	first := s.previous
	s.ask(request)
	if !bytes.Equal(s.previous, first) {
		s.t.Error("a retransmission is answered otherwise")
	}
	s.tap = openTap(s.t, relayed)
}

// 3 and 4.
func (s *exchange) send() {
	peer := addrPort(s.peers[0].LocalAddr())
	s.title("3. CreatePermission")
	s.request(0, stun.CreatePermission, toPeer(netip.AddrPortFrom(peer.Addr(), 0)))
	data := func(b *stun.Builder) { b.AddString(stun.AttrData, "hello") }
	fragment := func(b *stun.Builder) { b.Add(stun.AttrDontFragment, nil) }
	for i, list := range [][]func(*stun.Builder){{toPeer(peer), fragment, data}, {toPeer(peer), data}, {toPeer(peer), fragment, data}} {
		want := i%2 == 0
		s.title(fmt.Sprintf("4. Send, DONT-FRAGMENT %v", want))
		s.say(s.message(stun.Indication, stun.Send, false, list...))
		s.heard(0, want)
	}
	s.title("4. the peer answers")
	s.answers(0)
}

// 5.
func (s *exchange) channel() {
	s.title("5. ChannelBind")
	s.request(0, stun.ChannelBind, value32(stun.AttrChannelNumber, 0x4000<<16), toPeer(addrPort(s.peers[1].LocalAddr())))
	s.title("5. ChannelData")
	s.say(s.channelMessage(0x4000, "hello"))
	s.heard(1, false)
	s.title("5. the peer answers")
	s.answers(1)
}

// 6. The nonce ages as soon as the operator wants it to.
func (s *exchange) end() {
	s.configure("1s")
	if err := s.worker.process.Process.Signal(syscall.SIGHUP); err != nil {
		s.t.Fatal(err)
	}
	s.title("6. Refresh when the nonce has aged")
	stale := func(list ...func(*stun.Builder)) *stun.Message {
		for start := time.Now(); time.Since(start) < 20*time.Second; time.Sleep(20 * time.Millisecond) {
			size := s.Len()
			if m := s.ask(s.message(stun.Request, stun.Refresh, true, list...)); codeOf(m) == stun.CodeStaleNonce {
				return m
			}
			s.Truncate(size) // not yet
		}
		s.t.Fatal("the nonce does not age")
		return nil
	}
	m := stale()
	if m.Value(stun.AttrRealm) == nil || m.Value(stun.AttrNonce) == nil {
		s.t.Error("there is no fresh nonce")
	}
	for _, step := range []struct {
		title string
		want  int
		list  []func(*stun.Builder)
	}{
		{"6. again, without LIFETIME", 0, nil},
		{"6. LIFETIME 0", 0, []func(*stun.Builder){value32(stun.AttrLifetime, 0)}},
		{"6. after that", stun.CodeAllocationMismatch, nil},
	} {
		s.title(step.title)
		size := s.Len()
		m := s.ask(s.message(stun.Request, stun.Refresh, true, step.list...))
		for codeOf(m) == stun.CodeStaleNonce { // this machine is that slow
			s.Truncate(size)
			m = s.ask(s.message(stun.Request, stun.Refresh, true, step.list...))
		}
		if got := codeOf(m); got != step.want {
			s.t.Fatalf("%s: %d, want %d", step.title, got, step.want)
		}
	}
}

// say sends what is not answered.
func (s *exchange) say(b []byte) {
	s.turnConn.write(b)
	s.write("client", b)
}

// heard takes what a peer got.
func (s *exchange) heard(peer int, wantDF bool) {
	s.t.Helper()
	b := make([]byte, 1500)
	_ = s.peers[peer].SetReadDeadline(time.Now().Add(20 * time.Second))
	n, from, err := s.peers[peer].ReadFromUDPAddrPort(b)
	if err != nil {
		s.t.Fatal(err)
	}
	seen, df := s.tap.next()
	if df != wantDF || seen != string(b[:n]) {
		s.t.Errorf("on the wire is %q, DF %v", seen, df)
	}
	fmt.Fprintf(s, "%s to %s: %q, DF %v\n", s.name(from), s.name(addrPort(s.peers[peer].LocalAddr())), b[:n], df)
}

// answers has a peer answer, and takes what the client gets.
func (s *exchange) answers(peer int) {
	s.t.Helper()
	for at, name := range s.names {
		if name != "the relay" {
			continue
		}
		if _, err := s.peers[peer].WriteToUDPAddrPort([]byte("world"), at); err != nil {
			s.t.Fatal(err)
		}
	}
	s.write("server", s.read())
}

func (s *exchange) name(a netip.AddrPort) string {
	if name := s.names[a]; name != "" {
		return name
	}
	return "a place"
}
