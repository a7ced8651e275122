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

	table []entry // open addressing; a power of two
	used  int
}

// entry is a key of an object with many.
type entry struct {
	hash   uint64
	object int // 0: free
	key    []byte
}

var seed = maphash.MakeSeed()

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

// add enters a key of the innermost object and tells whether it is new. The key must stay as it is.
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
	e := entry{hash: maphash.Bytes(seed, key) + uint64(k.object), object: k.object, key: key}
	at := k.place(e)
	if k.table[at].object != 0 {
		return false
	}
	k.table[at] = e
	k.used++
	return true
}

// place is where an entry is, or belongs.
func (k *keys) place(e entry) int {
	last := len(k.table) - 1
	for at := int(e.hash) & last; ; at = (at + 1) & last {
		if t := &k.table[at]; t.object == 0 || t.hash == e.hash && t.object == e.object && bytes.Equal(t.key, e.key) {
			return at
		}
	}
}

func (k *keys) grow() {
	old := k.table
	k.table = make([]entry, max(8*fewKeys, 2*len(old)))
	for _, e := range old {
		if e.object != 0 {
			k.table[k.place(e)] = e
		}
	}
}
