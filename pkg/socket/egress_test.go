package socket

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"testing"

	"pgregory.net/rapid"

	"gazpacho/pkg/tuple"
)

// receivers opens n sockets that are read, and tuples that send to them from u.
func receivers(t testing.TB, links *Links, u *UDP, n int) ([]tuple.Tuple, []<-chan got) {
	t.Helper()
	to := make([]tuple.Tuple, n)
	packets := make([]<-chan got, n)
	for i := range to {
		r := listenUDP(t, links, netip.AddrPortFrom(u.Local().Addr(), 0), Options{})
		to[i] = tuple.Of(tuple.UDP, u.Link(), u.Local(), r.Local())
		packets[i] = receive(t, r)
	}
	return to, packets
}

// variants are the ways in which an Egress may send.
func variants(t *testing.T, f func(t *testing.T, opts Options)) {
	t.Run("gso", func(t *testing.T) { f(t, Options{}) })
	t.Run("no gso", func(t *testing.T) { f(t, Options{noGSO: true}) })
	t.Run("portable", func(t *testing.T) { f(t, Options{portable: true}) })
}

// Whatever is committed, in whatever order and of whatever lengths, each destination gets its
// packets whole and in order: what an Egress sends is what its in-memory twin recorded.
func TestEgressDeliversWhatItsTwinRecords(t *testing.T) {
	variants(t, func(t *testing.T, opts Options) {
		links := NewLinks()
		sockets := []*UDP{listenUDP(t, links, loopback4, opts), listenUDP(t, links, loopback6, opts)}
		to4, packets4 := receivers(t, links, sockets[0], 5)
		to6, packets6 := receivers(t, links, sockets[1], 3)
		to, packets := append(to4, to6...), append(packets4, packets6...)
		e := NewEgress(links)
		serial := uint32(0)
		rapid.Check(t, func(t *rapid.T) {
			twin := &Memory{}
			sizes := rapid.SampledFrom([]int{5, 100, 999, 1000, 1200, MaxDatagram})
			for range rapid.IntRange(1, 150).Draw(t, "packets") {
				d := to[rapid.IntRange(0, len(to)-1).Draw(t, "to")]
				n := sizes.Draw(t, "size")
				serial++
				for _, x := range []interface {
					Next() []byte
					Commit(int, tuple.Tuple)
				}{e, twin} {
					slot := x.Next()
					binary.BigEndian.PutUint32(slot, serial)
					slot[4], slot[n-1] = byte(n), byte(n)
					x.Commit(n, d)
				}
				if rapid.IntRange(0, 30).Draw(t, "flush") == 0 {
					e.Flush()
				}
			}
			e.Flush()
			sent := twin.Take()
			for i := range to {
				for _, want := range sent {
					if want.To != to[i] {
						continue
					}
					p := next(t, packets[i])
					w := want.Data
					if len(p.data) != len(w) || p.data[:5] != string(w[:5]) || p.data[len(w)-1] != w[len(w)-1] {
						t.Fatalf("destination %d got %d bytes %x, want %d bytes %x", i, len(p.data), p.data[:5], len(w), w[:5])
					}
				}
			}
			if s := e.Stats(); s.Sent != uint64(serial) || s.Dropped() != 0 {
				t.Fatalf("after %d packets: %+v", serial, s)
			}
		})
		for _, p := range packets {
			noMore(t, p)
		}
	})
}

func TestEgressFlushesWhenFull(t *testing.T) {
	variants(t, func(t *testing.T, opts Options) {
		links := NewLinks()
		u := listenUDP(t, links, loopback4, opts)
		to, packets := receivers(t, links, u, 2)
		e := NewEgress(links)
		for i := range EgressSlots + 10 {
			if want := i % EgressSlots; e.Pending() != want {
				t.Fatalf("%d pending after %d", e.Pending(), i)
			}
			commit(e, to[i%2], fmt.Sprint(i))
		}
		e.Flush()
		for i := range EgressSlots + 10 {
			if p := next(t, packets[i%2]); p.data != fmt.Sprint(i) {
				t.Fatalf("got %q, want %d", p.data, i)
			}
		}
	})
}

// A slot stays the caller's until Commit, and Commit takes only what fits.
func TestEgressSlots(t *testing.T) {
	links := NewLinks()
	u := listenUDP(t, links, loopback4, Options{})
	to, packets := receivers(t, links, u, 1)
	e := NewEgress(links)
	a, b := e.Next(), e.Next()
	if &a[0] != &b[0] {
		t.Error("Next moved on without Commit")
	}
	if len(a) != MaxPacket || cap(a) != MaxPacket || MaxPacket < MaxDatagram+400 {
		t.Errorf("slot of %d, capacity %d", len(a), cap(a))
	}
	e.Commit(0, to[0])
	e.Commit(-1, to[0])
	e.Commit(MaxPacket+1, to[0])
	if e.Pending() != 0 || e.Stats().TooLong != 3 {
		t.Errorf("%d pending, %+v", e.Pending(), e.Stats())
	}
	commit(e, to[0], "fits")
	if c := e.Next(); &c[0] == &a[0] {
		t.Error("a committed slot was given again")
	}
	e.Flush()
	if p := next(t, packets[0]); p.data != "fits" {
		t.Errorf("got %q", p.data)
	}
	e.Flush() // nothing to do
	if s := e.Stats(); s.Sent != 1 {
		t.Errorf("%+v", s)
	}
}

func TestEgressCountsDrops(t *testing.T) {
	variants(t, func(t *testing.T, opts Options) {
		links := NewLinks()
		u := listenUDP(t, links, loopback4, opts)
		gone := listenUDP(t, links, loopback4, opts)
		gone.Close()
		to, packets := receivers(t, links, u, 1)
		at := func(link tuple.Link, remote string) tuple.Tuple {
			return tuple.Of(tuple.UDP, link, u.Local(), netip.MustParseAddrPort(remote))
		}
		e := NewEgress(links)
		commit(e, at(0, "127.0.0.1:9"), "no link")
		commit(e, at(gone.Link(), "127.0.0.1:9"), "closed link")
		commit(e, at(gone.Link(), "127.0.0.1:10"), "closed link")
		commit(e, at(u.Link(), "[2001:db8::1]:9"), "other family")
		commit(e, at(u.Link(), "127.0.0.1:0"), "no port")
		commit(e, to[0], "good") // behind all the bad ones
		e.Flush()
		if p := next(t, packets[0]); p.data != "good" {
			t.Errorf("got %q", p.data)
		}
		want := EgressStats{Sent: 1, Bytes: 4, Closed: 3, Unreachable: 2}
		s := e.Stats()
		s.Calls, s.Messages = 0, 0
		if opts.portable { // package net finds the wrong family itself, without an errno
			want.Closed, want.Unreachable = s.Closed, 5-s.Closed
		}
		if s != want || s.Dropped() != 5 {
			t.Errorf("stats %+v, want %+v", s, want)
		}
	})
}

// A socket that is closed with packets queued: they are dropped, the others go.
func TestEgressLinkClosedWithinTheTurn(t *testing.T) {
	variants(t, func(t *testing.T, opts Options) {
		links := NewLinks()
		u, v := listenUDP(t, links, loopback4, opts), listenUDP(t, links, loopback4, opts)
		to, packets := receivers(t, links, u, 1)
		e := NewEgress(links)
		viaV := to[0]
		viaV.Link = v.Link()
		commit(e, viaV, "never")
		commit(e, to[0], "sent")
		v.Close()
		e.Flush()
		if p := next(t, packets[0]); p.data != "sent" {
			t.Errorf("got %q", p.data)
		}
		if s := e.Stats(); s.Closed != 1 || s.Sent != 1 {
			t.Errorf("stats %+v", s)
		}
		// The flush must not remember anything of the closed socket.
		commit(e, to[0], "again")
		e.Flush()
		if p := next(t, packets[0]); p.data != "again" {
			t.Errorf("got %q", p.data)
		}
	})
}

// Closed between resolve and send, as when another goroutine closes it.
func TestEgressSocketClosedWhileFlushing(t *testing.T) {
	variants(t, func(t *testing.T, opts Options) {
		links := NewLinks()
		u := listenUDP(t, links, loopback4, opts)
		e := NewEgress(links)
		to := tuple.Of(tuple.UDP, u.Link(), u.Local(), u.Local())
		commit(e, to, "one")
		commit(e, to, "two")
		u.conn.close() // the link is still there
		e.Flush()
		if s := e.Stats(); s.Closed != 2 || s.Sent != 0 {
			t.Errorf("stats %+v", s)
		}
	})
}

func TestEgressDoesNotAllocate(t *testing.T) {
	for _, noGSO := range []bool{false, true} {
		links := NewLinks()
		u := listenUDP(t, links, loopback4, Options{noGSO: noGSO})
		v := listenUDP(t, links, loopback6, Options{noGSO: noGSO})
		e := NewEgress(links)
		n := testing.AllocsPerRun(100, func() {
			for range 4 {
				e.Next()
				e.Commit(1200, tuple.Of(tuple.UDP, u.Link(), u.Local(), u.Local()))
				e.Next()
				e.Commit(1000, tuple.Of(tuple.UDP, v.Link(), v.Local(), v.Local()))
				e.Next()
				e.Commit(1000, tuple.Of(tuple.UDP, 0xffffff, v.Local(), v.Local())) // dropped
			}
			e.Flush()
		})
		if n != 0 {
			t.Errorf("noGSO %v: %v allocations in a turn", noGSO, n)
		}
	}
}

func TestMemory(t *testing.T) {
	m := &Memory{}
	to := tuple.Of(tuple.UDP, 1, loopback4, netip.MustParseAddrPort("192.0.2.1:9"))
	if n := len(m.Next()); n != MaxPacket {
		t.Errorf("slot of %d, an Egress has %d", n, MaxPacket)
	}
	if m.Next()[100] == 0 {
		t.Error("the slot is zeroed, which that of an Egress is not")
	}
	commit(m, to, "one")
	commit(m, to, "two")
	sent := m.Take()
	if len(sent) != 2 || string(sent[0].Data) != "one" || string(sent[1].Data) != "two" || sent[1].To != to {
		t.Errorf("took %v", sent)
	}
	if len(m.Take()) != 0 {
		t.Error("took them twice")
	}
}
