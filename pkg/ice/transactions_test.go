package ice

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"gazpacho/pkg/stun"
)

// Kinds of transaction IDs: random as RFC 8489 asks for, and as lazy peers count them.
var idKinds = map[string]func(r *rand.Rand, i int) stun.TransactionID{
	"random": func(r *rand.Rand, _ int) (id stun.TransactionID) {
		binary.LittleEndian.PutUint64(id[:], r.Uint64())
		binary.LittleEndian.PutUint32(id[8:], r.Uint32())
		return id
	},
	"counted in front": func(_ *rand.Rand, i int) (id stun.TransactionID) {
		binary.BigEndian.PutUint64(id[:], uint64(i))
		return id
	},
	"counted at the end": func(_ *rand.Rand, i int) (id stun.TransactionID) {
		binary.BigEndian.PutUint32(id[8:], uint32(i))
		return id
	},
}

// However many there are, none is forgotten, and few are mistaken for known.
func TestTransactionsForgetNothing(t *testing.T) {
	for name, kind := range idKinds {
		t.Run(name, func(t *testing.T) {
			const n = 20_000 // 14 hours of a browser's checks
			var f transactions
			f.reset()
			r := rand.New(rand.NewPCG(1, 2))
			var ids []stun.TransactionID
			mistaken := 0
			for i := range n {
				id := kind(r, i)
				if !f.add(id) {
					mistaken++
				}
				ids = append(ids, id)
			}
			for _, id := range ids {
				if f.add(id) {
					t.Fatalf("%x is forgotten", id)
				}
			}
			if mistaken > n/100 {
				t.Errorf("%d of %d are mistaken for known", mistaken, n)
			}
			f.reset()
			if !f.add(ids[0]) {
				t.Error("known after reset")
			}
		})
	}
}

// A peer that sends checks as fast as it can does not make us grow for ever.
func TestTransactionsAreBounded(t *testing.T) {
	var f transactions
	f.reset()
	size := func() (bytes int) {
		for _, words := range f.stages {
			bytes += 8 * len(words)
		}
		return bytes
	}
	expect(t, "bytes at first", size(), 512)
	r := rand.New(rand.NewPCG(3, 4))
	for i := range 100_000 {
		f.add(idKinds["random"](r, i))
	}
	expect(t, "bytes in the end", size(), (64+256+1024+4096)*8)
	f.reset()
	expect(t, "bytes after reset", size(), 512)
}

func TestTransactionsAgainstASet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var f transactions
		f.reset()
		known := map[stun.TransactionID]bool{}
		for range rapid.IntRange(0, 600).Draw(t, "transactions") {
			var id stun.TransactionID
			binary.BigEndian.PutUint16(id[10:], rapid.Uint16Range(0, 400).Draw(t, "id"))
			if f.add(id) && known[id] {
				t.Fatalf("%x is forgotten", id)
			}
			known[id] = true
		}
	})
}

func BenchmarkTransactions(b *testing.B) {
	var f transactions
	f.reset()
	var id stun.TransactionID
	b.ReportAllocs()
	for i := uint64(0); b.Loop(); i++ {
		binary.BigEndian.PutUint64(id[:], i%10_000)
		f.add(id)
	}
}
