package ice

import (
	"encoding/binary"

	"gazpacho/pkg/stun"
)

// Sizes of the stages of transactions. A stage takes one transaction per bitsPerID bits; with bitsSet
// bits set for each, it then mistakes (1-exp(-bitsSet/bitsPerID))^bitsSet, 1 of 400, for known.
const (
	firstWords = 64 // of 64 bits: 256 transactions, 10 minutes of a browser's checks
	stageRatio = 4
	numStages  = 4 // 21,760 transactions, 15 hours; after that the last stage goes on to fill up
	bitsPerID  = 16
	bitsSet    = 4
)

// transactions remembers every authenticated transaction under the current password, so that a
// check sent again, be it hours later, is known for what it is. A list of recent ones would not do:
// who overheard a check could wait until it fell out of the list.
//
// It is a Bloom filter that grows by stages (Almeida and others, Scalable Bloom Filters, 2007): it
// forgets nothing, and takes one transaction of a hundred for known though it is not. Such a check
// cannot move the selection to another tuple, but the next one can, or media from there.
type transactions struct {
	stages [numStages][]uint64
	last   int // the stage that is being filled
	count  int // transactions in it
}

// reset forgets everything.
func (f *transactions) reset() {
	first := f.stages[0]
	if first == nil {
		first = make([]uint64, firstWords)
	}
	clear(first)
	*f = transactions{}
	f.stages[0] = first
}

// add remembers a transaction and tells whether it was unknown.
func (f *transactions) add(id stun.TransactionID) bool {
	h := mix(id)
	for _, words := range f.stages[:f.last+1] {
		if has(words, h) {
			return false
		}
	}
	words := f.stages[f.last]
	if f.count >= len(words)*64/bitsPerID && f.last+1 < numStages {
		words = make([]uint64, len(words)*stageRatio)
		f.last++
		f.stages[f.last], f.count = words, 0
	}
	for i := range uint64(bitsSet) {
		word, bit := place(words, h, i)
		words[word] |= bit
	}
	f.count++
	return true
}

func has(words []uint64, h uint64) bool {
	for i := range uint64(bitsSet) {
		if word, bit := place(words, h, i); words[word]&bit == 0 {
			return false
		}
	}
	return true
}

// place returns the i-th bit of a hash in a stage, whose size is a power of two: h1 + i·h2 with the
// halves of the hash (Kirsch and Mitzenmacher, Less Hashing, Same Performance, 2006).
func place(words []uint64, h, i uint64) (word int, bit uint64) {
	at := (h + i*(h>>32|1)) & (uint64(len(words))*64 - 1)
	return int(at / 64), 1 << (at % 64)
}

// mix spreads a transaction ID over 64 bits. IDs "SHOULD be cryptographically random" (RFC 8489
// section 5), but some peers count.
func mix(id stun.TransactionID) uint64 {
	h := binary.LittleEndian.Uint64(id[:]) ^ uint64(binary.LittleEndian.Uint32(id[8:]))*0x9e3779b97f4a7c15
	h ^= h >> 32
	h *= 0xd6e8feb86659fd93
	h ^= h >> 32
	h *= 0xd6e8feb86659fd93
	return h ^ h>>32
}
