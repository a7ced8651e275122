package turn

import (
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

func testRandom() *random { return &random{source: rand.NewChaCha8([32]byte{3})} }

// All ports of the range and no others are given out, each once, in no order that could be foreseen.
func TestPortsGivesOutAll(t *testing.T) {
	for _, test := range []struct{ low, high uint16 }{{50000, 50063}, {50001, 50064}, {50000, 50001}, {50001, 50129}, {65407, 65535}, {1024, 65535}} {
		p, r := newPorts(test.low, test.high), testRandom()
		seen := map[uint16]bool{}
		ascending := 0
		last := uint16(0)
		for range int(test.high-test.low) + 1 {
			port := p.take(r, false, false)
			if port < test.low || port > test.high || seen[port] {
				t.Fatalf("%d to %d: %d is given out", test.low, test.high, port)
			}
			if port == last+1 {
				ascending++
			}
			seen[port], last = true, port
		}
		if p.free != 0 || p.take(r, false, false) != 0 {
			t.Errorf("%d to %d: there are ports left", test.low, test.high)
		}
		if len(seen) > 64 && ascending > len(seen)*3/4 {
			t.Errorf("%d to %d: %d of %d ports follow their neighbour", test.low, test.high, ascending, len(seen))
		}
		for port := range seen {
			p.release(port)
		}
		if p.free != p.count {
			t.Errorf("%d of %d ports came back", p.free, p.count)
		}
	}
}

func TestEvenPorts(t *testing.T) {
	p, r := newPorts(50001, 50010), testRandom()
	pairs := map[uint16]bool{}
	for {
		port := p.take(r, true, true)
		if port == 0 {
			break
		}
		if port%2 != 0 || port < 50001 || port+1 > 50010 || pairs[port] {
			t.Fatalf("%d is the first of a pair", port)
		}
		pairs[port] = true
	}
	if len(pairs) != 4 || p.free != 2 { // 50001 and 50010 are alone
		t.Errorf("%d pairs, %d ports free", len(pairs), p.free)
	}
	if port := p.take(r, true, false); port != 50010 {
		t.Errorf("the last even port is %d", port)
	}
	if port := p.take(r, true, false); port != 0 {
		t.Errorf("%d is even", port)
	}
	if port := p.take(r, false, false); port != 50001 {
		t.Errorf("the last port is %d", port)
	}
}

func TestReleaseOfAPortNobodyOwns(t *testing.T) {
	p := newPorts(50000, 50001)
	defer func() {
		if recover() == nil {
			t.Error("it goes unnoticed")
		}
	}()
	p.release(50000)
}

// Every port has one owner (R-TURN-3).
func TestPortsBehavesAsASet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		low := rapid.Uint16Range(1024, 60000).Draw(t, "low")
		p, r := newPorts(low, low+rapid.Uint16Range(1, 200).Draw(t, "size")), testRandom()
		owned := map[uint16]bool{}
		var order []uint16
		t.Repeat(map[string]func(*rapid.T){
			"take": func(t *rapid.T) {
				even, pair := rapid.Bool().Draw(t, "even"), rapid.Bool().Draw(t, "pair")
				port := p.take(r, even || pair, pair)
				if port == 0 {
					return
				}
				taken := []uint16{port}
				if pair {
					taken = append(taken, port+1)
				}
				if (even || pair) && port%2 != 0 {
					t.Fatalf("%d is odd", port)
				}
				for _, n := range taken {
					if owned[n] || n < low || int(n) >= int(low)+p.count {
						t.Fatalf("%d is given out", n)
					}
					owned[n] = true
					order = append(order, n)
				}
			},
			"release": func(t *rapid.T) {
				if len(order) == 0 {
					return
				}
				i := rapid.IntRange(0, len(order)-1).Draw(t, "i")
				p.release(order[i])
				delete(owned, order[i])
				order = append(order[:i], order[i+1:]...)
			},
			"": func(t *rapid.T) {
				if p.free != p.count-len(owned) {
					t.Fatalf("%d free of %d, %d owned", p.free, p.count, len(owned))
				}
			},
		})
	})
}
