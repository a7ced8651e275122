package limit

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

func addr(text string) netip.Addr { return netip.MustParseAddr(text) }

func TestWhatIsOneSource(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		same bool
	}{
		{"192.0.2.1", "192.0.2.1", true},
		{"192.0.2.1", "192.0.2.2", false},
		{"192.0.2.1", "::ffff:192.0.2.1", true},
		{"::ffff:192.0.2.1", "::ffff:192.0.2.2", false},
		{"2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", true},
		{"2001:db8::1", "2001:db8:0:1::1", false},
		{"fe80::1%eth0", "fe80::2%eth1", true},
		{"::1", "127.0.0.1", false},
	} {
		s := NewSources(1, 10)
		_, first := s.Take(addr(tt.a))
		if _, second := s.Take(addr(tt.b)); !first || second == tt.same {
			t.Errorf("%s and %s: %t, %t", tt.a, tt.b, first, second)
		}
	}
	s := NewSources(1, 10)
	_, first := s.Take(netip.Addr{})
	if _, second := s.Take(netip.Addr{}); !first || second {
		t.Errorf("unknown sources: %t, %t", first, second)
	}
}

// SECURITY.md R-WS-1: ≤ 100 unauthenticated sockets per IP.
func TestDefaultsOfSources(t *testing.T) {
	s := NewSources(0, 0)
	for i := range DefaultPerSource {
		if _, ok := s.Take(addr("192.0.2.1")); !ok {
			t.Fatalf("number %d is refused", i+1)
		}
	}
	if _, ok := s.Take(addr("192.0.2.1")); ok {
		t.Error("number 101 is taken")
	}
	taken := DefaultPerSource
	for i := uint32(0); ; i++ {
		if _, ok := s.Take(numbered(i)); !ok {
			break
		}
		taken++
	}
	if taken != DefaultTotal {
		t.Errorf("%d are taken of all sources, want %d", taken, DefaultTotal)
	}
	if got, want := s.Stats(), (SourcesStats{Open: DefaultTotal, Sources: DefaultTotal - DefaultPerSource + 1, Refused: 2}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// numbered is an address of its own /64.
func numbered(i uint32) netip.Addr {
	b := [16]byte{0x20, 0x01}
	binary.BigEndian.PutUint32(b[4:], i)
	return netip.AddrFrom16(b)
}

// An attacker who owns 2^64 addresses makes nothing grow: what is closed is forgotten, and what is open is bounded.
func TestSourcesForget(t *testing.T) {
	s := NewSources(2, 100)
	for i := range uint32(100_000) {
		slot, ok := s.Take(numbered(i))
		if !ok {
			t.Fatalf("source %d is refused", i)
		}
		slot.Release()
		slot.Release() // once more does no harm
	}
	if got := s.Stats(); got != (SourcesStats{}) || len(s.open) != 0 {
		t.Errorf("%+v and %d entries are left", got, len(s.open))
	}
}

// Against a model: whatever is taken and released, the counts are those of the slots that are open.
func TestSourcesModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const perSource, total = 3, 7
		s := NewSources(perSource, total)
		open := map[netip.Addr][]*Slot{}
		sum := 0
		var refused uint64
		t.Repeat(map[string]func(*rapid.T){
			"take": func(t *rapid.T) {
				a := numbered(rapid.Uint32Range(0, 4).Draw(t, "source"))
				slot, ok := s.Take(a)
				if want := len(open[a]) < perSource && sum < total; ok != want {
					t.Fatalf("take: %t, want %t", ok, want)
				}
				if !ok {
					refused++
					return
				}
				open[a] = append(open[a], slot)
				sum++
			},
			"release": func(t *rapid.T) {
				a := numbered(rapid.Uint32Range(0, 4).Draw(t, "source"))
				if n := len(open[a]); n > 0 {
					open[a][n-1].Release()
					open[a] = open[a][:n-1]
					sum--
				}
			},
			"": func(t *rapid.T) {
				sources := 0
				for _, slots := range open {
					if len(slots) > 0 {
						sources++
					}
				}
				if got, want := s.Stats(), (SourcesStats{Open: sum, Sources: sources, Refused: refused}); got != want {
					t.Fatalf("%+v, want %+v", got, want)
				}
			},
		})
	})
}

// As many as come at a time, no more get in than may.
func TestSourcesRace(t *testing.T) {
	s := NewSources(10, 25)
	var wg sync.WaitGroup
	var mu sync.Mutex
	taken := map[string]int{}
	for i := range 100 {
		name := fmt.Sprintf("192.0.2.%d", i%4)
		wg.Go(func() {
			if _, ok := s.Take(addr(name)); ok {
				mu.Lock()
				defer mu.Unlock()
				taken[name]++
			}
		})
	}
	wg.Wait()
	sum := 0
	for name, n := range taken {
		if sum += n; n > 10 {
			t.Errorf("%d of %s", n, name)
		}
	}
	if sum != 25 {
		t.Errorf("%d are in, want 25", sum)
	}
}
