package fbwire

import (
	"encoding/binary"
	"math"
)

// buffer is a message that somebody sent. Reads are checked against its end; what does not fit sets bad and reads as zero.
//
// Offsets may point anywhere, so a short message can describe a large value by naming the same bytes many times. credit bounds that: whatever is
// followed or copied is paid from it.
type buffer struct {
	b      []byte
	credit int
	bad    bool
}

// An honest writer names every byte once. The rest is for tables, which are small and cost more than their bytes.
const (
	creditFactor = 4
	creditFloor  = 4096
	tableCost    = 16
)

func newBuffer(b []byte) buffer { return buffer{b: b, credit: creditFactor*len(b) + creditFloor} }

// pay takes n from the credit.
func (b *buffer) pay(n int) bool {
	b.credit -= n
	b.bad = b.bad || b.credit < 0
	return !b.bad
}

// within tells whether n bytes at pos are in the message.
func (b *buffer) within(pos, n int) bool {
	if pos < 0 || n < 0 || pos > len(b.b)-n {
		b.bad = true
	}
	return !b.bad
}

func (b *buffer) uint16(pos int) uint16 {
	if !b.within(pos, 2) {
		return 0
	}
	return binary.LittleEndian.Uint16(b.b[pos:])
}

func (b *buffer) uint32(pos int) uint32 {
	if !b.within(pos, 4) {
		return 0
	}
	return binary.LittleEndian.Uint32(b.b[pos:])
}

// follow reads an offset, which points forward from where it stands.
func (b *buffer) follow(pos int) int {
	off := b.uint32(pos)
	if off == 0 || int64(off) > int64(len(b.b)-pos) {
		b.bad = true
		return 0
	}
	return pos + int(off)
}

// object is a table in the buffer: where it is, where its vtable is, and how long that is. How long the table is, its vtable says, too, but writers in
// Go share vtables between tables of different length.
type object struct{ pos, vtable, vtableSize int }

// object reads the table an offset at pos leads to.
func (b *buffer) object(at int) (o object) {
	if !b.pay(tableCost) {
		return o
	}
	o.pos = b.follow(at)
	o.vtable = o.pos - int(int32(b.uint32(o.pos)))
	o.vtableSize = int(b.uint16(o.vtable))
	if b.bad || o.vtableSize < 4 || !b.within(o.vtable, o.vtableSize) {
		b.bad = true
		return object{}
	}
	return o
}

// slot returns where the value of a field of so many bytes is, or 0 if it is absent.
func (b *buffer) slot(o *object, slot, size int) int {
	at := 4 + 2*slot
	if at+2 > o.vtableSize {
		return 0
	}
	off := int(b.uint16(o.vtable + at))
	if off == 0 {
		return 0
	}
	if off < 4 || !b.within(o.pos+off, size) {
		b.bad = true
		return 0
	}
	return o.pos + off
}

// vector returns where the elements of the vector an offset leads to begin, and how many there are.
func (b *buffer) vector(at, size int) (pos, n int) {
	pos = b.follow(at)
	length := b.uint32(pos)
	if b.bad || int64(length)*int64(size) > int64(len(b.b)-pos-4) || !b.pay(int(length)*size) {
		b.bad = true
		return 0, 0
	}
	return pos + 4, int(length)
}

// bytes returns the bytes of a string or of a vector of them. They are the message's own.
func (b *buffer) bytes(at int) []byte {
	pos, n := b.vector(at, 1)
	return b.b[pos : pos+n : pos+n]
}

// integer reads an integer or a truth value as the bits of 64; those of a negative one are extended.
func (b *buffer) integer(pos int, k Kind) uint64 {
	if !b.within(pos, k.size()) {
		return 0
	}
	switch k {
	case Int8:
		return uint64(int8(b.b[pos]))
	case Bool, Uint8:
		return uint64(b.b[pos])
	case Int16:
		return uint64(int16(b.uint16(pos)))
	case Uint16:
		return uint64(b.uint16(pos))
	case Int32:
		return uint64(int32(b.uint32(pos)))
	case Uint32:
		return uint64(b.uint32(pos))
	}
	return binary.LittleEndian.Uint64(b.b[pos:])
}

// float reads a floating-point number.
func (b *buffer) float(pos int, k Kind) float64 {
	if !b.within(pos, k.size()) {
		return 0
	}
	if k == Float32 {
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(b.b[pos:])))
	}
	return math.Float64frombits(binary.LittleEndian.Uint64(b.b[pos:]))
}
