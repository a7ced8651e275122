package turn

import (
	"encoding/binary"
	"io"
)

// random reads ahead, so that a transaction ID costs no system call.
type random struct {
	source io.Reader
	buffer [512]byte
	left   int
}

// read fills b. A source of randomness that fails leaves nothing to do but stop.
func (r *random) read(b []byte) {
	for len(b) > 0 {
		if r.left == 0 {
			if _, err := io.ReadFull(r.source, r.buffer[:]); err != nil {
				panic("turn: no randomness: " + err.Error())
			}
			r.left = len(r.buffer)
		}
		at := len(r.buffer) - r.left
		n := copy(b, r.buffer[at:])
		clear(r.buffer[at : at+n]) // what was given out is a secret of somebody else
		r.left -= n
		b = b[n:]
	}
}

func (r *random) uint64() uint64 {
	var b [8]byte
	r.read(b[:])
	return binary.BigEndian.Uint64(b[:])
}

// intn returns a number below n, which is small: the bias of the remainder is below n/2^64.
func (r *random) intn(n int) int { return int(r.uint64() % uint64(n)) }
