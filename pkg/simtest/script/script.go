// Package script reads operations of a state machine off the bytes of a fuzzer.
package script

import "encoding/binary"

// Script is what is left of an input. Behind its end everything is zero, so that each prefix of an input is one too.
type Script struct{ rest []byte }

// New begins to read an input, which it borrows.
func New(input []byte) *Script { return &Script{rest: input} }

// More tells whether anything is left.
func (s *Script) More() bool { return len(s.rest) > 0 }

// Byte reads one byte.
func (s *Script) Byte() byte {
	if len(s.rest) == 0 {
		return 0
	}
	b := s.rest[0]
	s.rest = s.rest[1:]
	return b
}

// Bool reads a bit, which takes a byte.
func (s *Script) Bool() bool { return s.Byte()&1 != 0 }

// Below reads a number from 0 to n-1; n is at most 256.
func (s *Script) Below(n int) int { return int(s.Byte()) % n }

// Uint16 reads two bytes, big-endian.
func (s *Script) Uint16() uint16 { return uint16(s.Byte())<<8 | uint16(s.Byte()) }

// Uint32 reads four bytes, big-endian.
func (s *Script) Uint32() uint32 { return uint32(s.Uint16())<<16 | uint32(s.Uint16()) }

// Uint64 reads eight bytes, big-endian.
func (s *Script) Uint64() uint64 { return uint64(s.Uint32())<<32 | uint64(s.Uint32()) }

// Bytes reads a length of one byte and that many bytes, or as many as are left. They are the input's own.
func (s *Script) Bytes() []byte { return s.Take(int(s.Byte())) }

// Take reads n bytes, or as many as are left. They are the input's own, but cannot be appended to.
func (s *Script) Take(n int) []byte {
	n = min(n, len(s.rest))
	b := s.rest[:n:n]
	s.rest = s.rest[n:]
	return b
}

// Rest reads all that is left.
func (s *Script) Rest() []byte { return s.Take(len(s.rest)) }

// Write makes inputs, for seeds: a byte and a bool are one byte, a uint16 two, a uint32 four, a uint64 eight, and text or bytes come with
// their length in front.
func Write(values ...any) (input []byte) {
	for _, v := range values {
		switch v := v.(type) {
		case bool:
			if v {
				input = append(input, 1)
			} else {
				input = append(input, 0)
			}
		case byte:
			input = append(input, v)
		case int: // an operation, or what Below reads
			input = append(input, byte(v))
		case uint16:
			input = binary.BigEndian.AppendUint16(input, v)
		case uint32:
			input = binary.BigEndian.AppendUint32(input, v)
		case uint64:
			input = binary.BigEndian.AppendUint64(input, v)
		case string:
			input = append(append(input, byte(len(v))), v...)
		case []byte:
			input = append(append(input, byte(len(v))), v...)
		default:
			panic("script: a value of another type")
		}
	}
	return input
}
