package signaling

import (
	"bytes"
	"hash/maphash"
)

// fewKeys of an object are compared one by one, which is faster than anything else; of more there is a table.
const fewKeys = 16

// keys finds keys that appear twice. Its cost is linear in the number of keys, however they are spread over objects and whatever they
// are: one table serves all objects of a text, and its hash is seeded.
type keys struct {
	stack   [][]byte // of the objects that are open, the innermost last
	begin   int      // of the innermost in stack
	object  int      // the innermost, as number
	objects int      // so far

	// table has the hashes of object and key, by open addressing, 0 being free; its length is a power of two. The keys themselves are
	// not needed: of all pairs that a message of 256 KiB can have, two different ones have the same hash once in 10^10 such messages.
	table []uint64
	used  int
}

var seed = maphash.MakeSeed()

// golden spreads numbers that follow each other (Knuth, The Art of Computer Programming, section 6.4).
const golden = 0x9e3779b97f4a7c15

// mark is the object around one.
type mark struct{ begin, object int }

// enter begins an object.
func (k *keys) enter() mark {
	m := mark{k.begin, k.object}
	k.objects++
	k.begin, k.object = len(k.stack), k.objects
	return m
}

// leave goes back to the object around.
func (k *keys) leave(m mark) {
	k.stack = k.stack[:k.begin]
	k.begin, k.object = m.begin, m.object
}

// add enters a key of the innermost object and tells whether it is new. The key must stay as it is until the object is left.
func (k *keys) add(key []byte) bool {
	own := k.stack[k.begin:]
	switch n := len(own); {
	case n < fewKeys:
		for _, other := range own {
			if bytes.Equal(other, key) {
				return false
			}
		}
		k.stack = append(k.stack, key)
		return true
	case n == fewKeys:
		for _, other := range own {
			k.enterTable(other)
		}
		k.stack = append(k.stack, nil) // from now on the table is asked
	}
	return k.enterTable(key)
}

// enterTable is add for an object with many keys.
func (k *keys) enterTable(key []byte) bool {
	if k.used*2 >= len(k.table) {
		k.grow()
	}
	hash := (maphash.Bytes(seed, key) + uint64(k.object)) * golden
	hash ^= hash >> 32
	hash |= 1 << 63 // never 0
	at := k.place(hash)
	if k.table[at] == hash {
		return false
	}
	k.table[at] = hash
	k.used++
	return true
}

// place is where a hash is, or belongs.
func (k *keys) place(hash uint64) int {
	last := len(k.table) - 1
	at := int(hash) & last
	for k.table[at] != 0 && k.table[at] != hash {
		at = (at + 1) & last
	}
	return at
}

func (k *keys) grow() {
	old := k.table
	k.table = make([]uint64, max(8*fewKeys, 2*len(old)))
	for _, hash := range old {
		if hash != 0 {
			k.table[k.place(hash)] = hash
		}
	}
}
