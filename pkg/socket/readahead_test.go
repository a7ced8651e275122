package socket

import (
	"encoding/binary"
	"testing"

	"gazpacho/pkg/tuple"
)

// What waits in the kernel is read before the first of it is handled, up to four batches, each of which says whether another follows.
func TestReadAhead(t *testing.T) {
	const packets = 4*BatchSize + 2*BatchSize + 5
	for _, test := range []struct {
		name    string
		batches int
		more    []bool // nil: as it comes
	}{
		{"room", 16, []bool{true, true, true, false, true, true, false}},
		{"room for one", 1, []bool{false, false, false, false, false, false, false}},
		{"room for two", 2, nil}, // who holds one does not wait for another
	} {
		t.Run(test.name, func(t *testing.T) {
			links := NewLinks()
			to, err := ListenUDP(links, loopback4, Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer to.Close()
			from, err := ListenUDP(links, loopback4, Options{noGSO: true})
			if err != nil {
				t.Fatal(err)
			}
			defer from.Close()
			e := NewEgress(links)
			for i := range packets {
				binary.BigEndian.PutUint16(e.Next(), uint16(i))
				e.Commit(2, tuple.Of(tuple.UDP, from.Link(), from.Local(), to.Local()))
			}
			e.Flush()
			batches := make(chan *Batch, test.batches)
			to.Start(NewPool(test.batches), func(b *Batch) { batches <- b })
			next, held := 0, []*Batch(nil)
			for i := range 7 {
				b := <-batches
				if test.more != nil && b.More != test.more[i] {
					t.Errorf("batch %d: more %v", i, b.More)
				}
				if b.Link != to.Link() || b.At.IsZero() {
					t.Errorf("batch %d came in on link %d at %v", i, b.Link, b.At)
				}
				for _, data, ok := b.Next(); ok; _, data, ok = b.Next() {
					if got := int(binary.BigEndian.Uint16(data)); got != next {
						t.Fatalf("packet %d came as %d", got, next)
					}
					next++
				}
				if held = append(held, b); !b.More {
					for _, b := range held {
						b.Release()
					}
					held = held[:0]
				}
			}
			if next != packets {
				t.Errorf("%d packets came", next)
			}
			if s := to.Stats(); s.Packets != packets || s.Batches != 7 {
				t.Errorf("%+v", s)
			}
		})
	}
}
