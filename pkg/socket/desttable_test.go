package socket

import (
	"net/netip"
	"testing"

	"pgregory.net/rapid"

	"gazpacho/pkg/tuple"
)

func destTuple(i int) tuple.Tuple {
	ip := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
	if i%3 == 0 {
		ip = netip.AddrFrom16([16]byte{0: 0x20, 1: 0x01, 13: byte(i >> 16), 14: byte(i >> 8), 15: byte(i)})
	}
	return tuple.Tuple{Remote: netip.AddrPortFrom(ip, uint16(i)), Link: tuple.Link(1 + i%2)}
}

// The table against a map: the same place for the same destination and link, another for any other,
// over turns and through forgetting.
func TestDestTableFindsWhatAMapFinds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var table destTable
		table.init()
		places := make(map[tuple.Tuple]uint16)
		for range rapid.IntRange(1, 6).Draw(t, "turns") {
			at := rapid.IntRange(0, 5000).Draw(t, "first")
			run := rapid.IntRange(1, EgressSlots).Draw(t, "run")
			again := rapid.IntRange(1, 3).Draw(t, "again")
			for range again {
				for i := range run {
					to := destTuple(at + i)
					d := table.find(&to)
					if want, ok := places[to]; ok && want != d {
						t.Fatalf("%v is at %d and was at %d", to, d, want)
					}
					places[to] = d
					if !table.list[d].is(&to) {
						t.Fatalf("%v found %v", to, table.list[d])
					}
				}
			}
			known := table.known
			if int(known) != len(places) || known > maxDests {
				t.Fatalf("%d known, %d seen", known, len(places))
			}
			table.trim()
			if known > keptDests != (table.known == 0) {
				t.Fatalf("trim of %d left %d", known, table.known)
			}
			if table.known == 0 {
				clear(places)
			}
		}
	})
}

// Remote alone does not make a destination, nor does link; Local and Protocol say nothing more.
func TestDestTableKey(t *testing.T) {
	var table destTable
	table.init()
	base := tuple.Tuple{Remote: netip.MustParseAddrPort("192.0.2.1:9"), Link: 1}
	link, port, ip, local := base, base, base, base
	link.Link = 2
	port.Remote = netip.MustParseAddrPort("192.0.2.1:10")
	ip.Remote = netip.MustParseAddrPort("192.0.2.2:9")
	local.Local = netip.MustParseAddrPort("192.0.2.9:9")
	first := table.find(&base)
	for _, other := range []tuple.Tuple{link, port, ip} {
		if table.find(&other) == first {
			t.Errorf("%v link %d is taken for %v link %d", other, other.Link, base, base.Link)
		}
	}
	if table.find(&local) != first {
		t.Error("the local address makes another destination")
	}
}

// What was remembered in an epoch may not show when the numbers come round to it.
func TestDestTableEpochsComeRound(t *testing.T) {
	var table destTable
	table.init()
	for i := range keptDests + 1 {
		to := destTuple(i)
		table.find(&to)
	}
	to := destTuple(keptDests)
	stale := table.find(&to)
	table.cells[table.hash(&to)%uint64(len(table.cells))] = destCell{epoch: 1, dest: stale}
	table.epoch = ^uint32(0)
	table.trim()
	if table.epoch != 1 {
		t.Fatalf("epoch %d", table.epoch)
	}
	if d := table.find(&to); d != 0 || table.known != 1 {
		t.Errorf("found at %d of %d known, as %d epochs ago", d, table.known, ^uint32(0))
	}
}

// A turn may bring a new destination for each slot, however many are remembered.
func TestDestTableHasRoomForATurn(t *testing.T) {
	links := NewLinks()
	e := NewEgress(links)
	for i := range 20 * EgressSlots {
		queue1(e, destTuple(i))
	}
	e.Flush()
	if s := e.Stats(); s.Closed != 20*EgressSlots {
		t.Errorf("%+v", s)
	}
}

func queue1(e *Egress, to tuple.Tuple) {
	e.Next()
	e.Commit(100, to)
}
