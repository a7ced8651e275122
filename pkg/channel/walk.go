package channel

import (
	"encoding/binary"
	"errors"
	"math"
)

// maxDepth is how deep arrays and maps may nest: our deepest body needs 8, and a decoder's stack is bounded by it.
const maxDepth = 32

// Why bytes are not one msgpack value.
var (
	errTruncated = errors.New("msgpack value ends too early")
	errTrailing  = errors.New("bytes after the msgpack value")
	errDeep      = errors.New("msgpack value is nested too deeply")
	errReserved  = errors.New("0xc1 is no msgpack code")
)

// check walks b, which must be exactly one msgpack value no deeper than maxDepth whose declared sizes fit in the bytes
// that are left. It allocates nothing, so that it can stand before every decoder: the sizes decoders allocate by have
// been seen to be true then.
func check(b []byte) error {
	n, err := walk(b)
	if err == nil && n != len(b) {
		return errTrailing
	}
	return err
}

// walk returns the length of the msgpack value at the start of b. It counts what is still to come at each depth instead of
// calling itself, so that depth costs no stack.
func walk(b []byte) (int, error) {
	// left[d] is how many values are still to come at depth d.
	var left [maxDepth + 1]int
	left[0] = 1
	at, depth := 0, 0
	for {
		for left[depth] == 0 {
			if depth == 0 {
				return at, nil
			}
			depth--
		}
		left[depth]--
		t, err := readToken(b[at:])
		if err != nil {
			return at, err
		}
		at += t.size
		if t.class != classArray && t.class != classMap {
			continue
		}
		if depth == maxDepth {
			return at, errDeep
		}
		// Each child is at least one byte long.
		if t.children > len(b)-at {
			return at, errTruncated
		}
		depth++
		left[depth] = t.children
	}
}

// class is what a msgpack value is.
type class uint8

const (
	classNil class = iota
	classBool
	classInt   // num is the two's complement
	classUint  // num
	classFloat // num is the bits of a float64
	classString
	classBinary
	classArray
	classMap
	classExt
)

func (c class) String() string {
	// As they read after "must be a string, is …".
	return [...]string{"nil", "a boolean", "an integer", "an integer", "a float", "a string", "binary", "a list", "a map", "an extension"}[c]
}

// The codes (msgpack specification, "Overview"): those below 0xc0 and from 0xe0 hold a value or a length themselves, the
// others are followed by one, or by nothing.
//
//	00 … 7f  integer     c0        nil          ca cb     float         d9 … db  text
//	80 … 8f  map         c1        never used   cc … cf   unsigned      dc dd    list
//	90 … 9f  list        c2 c3     boolean      d0 … d3   signed        de df    map
//	a0 … bf  text        c4 … c6   binary       d4 … d8   extension     e0 … ff  negative integer
//	                     c7 … c9   extension

// token is one msgpack value without the elements of an array or map.
type token struct {
	class    class
	size     int // of header and text, not of elements
	head     int // of the header
	children int // values that follow: twice the entries of a map
	num      uint64
}

// sized are the codes that are followed by a number of their own: how many bytes it has and what it means.
var sized = [256]struct {
	class class
	width uint8
	ext   uint8 // bytes of an extension's type after the length
}{
	0xc4: {class: classBinary, width: 1}, 0xc5: {class: classBinary, width: 2}, 0xc6: {class: classBinary, width: 4},
	0xc7: {class: classExt, width: 1, ext: 1}, 0xc8: {class: classExt, width: 2, ext: 1}, 0xc9: {class: classExt, width: 4, ext: 1},
	0xca: {class: classFloat, width: 4}, 0xcb: {class: classFloat, width: 8},
	0xcc: {class: classUint, width: 1}, 0xcd: {class: classUint, width: 2}, 0xce: {class: classUint, width: 4}, 0xcf: {class: classUint, width: 8},
	0xd0: {class: classInt, width: 1}, 0xd1: {class: classInt, width: 2}, 0xd2: {class: classInt, width: 4}, 0xd3: {class: classInt, width: 8},
	0xd9: {class: classString, width: 1}, 0xda: {class: classString, width: 2}, 0xdb: {class: classString, width: 4},
	0xdc: {class: classArray, width: 2}, 0xdd: {class: classArray, width: 4},
	0xde: {class: classMap, width: 2}, 0xdf: {class: classMap, width: 4},
}

// readToken reads the value at the start of b.
func readToken(b []byte) (token, error) {
	if len(b) == 0 {
		return token{}, errTruncated
	}
	c := b[0]
	switch {
	case c < 0x80:
		return token{class: classUint, size: 1, head: 1, num: uint64(c)}, nil
	case c < 0x90:
		return token{class: classMap, size: 1, head: 1, children: 2 * int(c&0x0f)}, nil
	case c < 0xa0:
		return token{class: classArray, size: 1, head: 1, children: int(c & 0x0f)}, nil
	case c < 0xc0:
		return fits(b, token{class: classString, head: 1, size: 1 + int(c&0x1f)})
	case c == 0xc0:
		return token{class: classNil, size: 1, head: 1}, nil
	case c == 0xc1:
		return token{}, errReserved
	case c == 0xc2, c == 0xc3:
		return token{class: classBool, size: 1, head: 1, num: uint64(c & 1)}, nil
	case c >= 0xd4 && c <= 0xd8: // fixext 1, 2, 4, 8, 16
		return fits(b, token{class: classExt, head: 2, size: 2 + 1<<(c-0xd4)})
	case c >= 0xe0:
		return token{class: classInt, size: 1, head: 1, num: uint64(int64(int8(c)))}, nil
	}
	return readSized(b)
}

// readSized reads a value whose code is followed by a number: the value itself, or how long it is.
func readSized(b []byte) (token, error) {
	s := sized[b[0]]
	t := token{class: s.class, head: 1 + int(s.width) + int(s.ext)}
	if len(b) < t.head {
		return token{}, errTruncated
	}
	n := bigEndian(b[1 : 1+s.width])
	t.size = t.head
	switch s.class {
	case classUint:
		t.num = n
	case classInt:
		shift := 64 - 8*uint(s.width)
		t.num = uint64(int64(n<<shift) >> shift)
	case classFloat:
		t.num = n
		if s.width == 4 {
			t.num = math.Float64bits(float64(math.Float32frombits(uint32(n))))
		}
	default:
		// Before any arithmetic: the largest declared sizes overflow an int of 32 bits.
		if n > uint64(len(b)) {
			return token{}, errTruncated
		}
		return fits(b, t.declare(int(n)))
	}
	return t, nil
}

// declare gives t the size it declares: elements, entries or bytes.
func (t token) declare(n int) token {
	switch t.class {
	case classArray:
		t.children = n
	case classMap:
		t.children = 2 * n
	default:
		t.size += n
	}
	return t
}

// fits returns t if b has room for it, elements aside.
func fits(b []byte, t token) (token, error) {
	if t.size > len(b) {
		return token{}, errTruncated
	}
	return t, nil
}

// bigEndian reads the number that b is.
func bigEndian(b []byte) uint64 {
	switch len(b) {
	case 1:
		return uint64(b[0])
	case 2:
		return uint64(binary.BigEndian.Uint16(b))
	case 4:
		return uint64(binary.BigEndian.Uint32(b))
	}
	return binary.BigEndian.Uint64(b)
}
