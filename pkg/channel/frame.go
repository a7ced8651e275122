package channel

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// prefix is the bytes of a frame's length.
const prefix = 4

// Sizes of the reader's buffers: a fresh one begins when less than readRoom is left.
const (
	readChunk = 64 << 10
	readRoom  = 4 << 10
)

// errProtocol is wrapped by everything that ends a connection because its peer does not keep to the protocol.
var errProtocol = errors.New("protocol error")

func violation(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errProtocol, fmt.Sprintf(format, args...))
}

//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|                     length n, big endian                      |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|              exactly one msgpack value, n bytes               |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+

// frameReader cuts frames out of a stream. Frames are slices of its buffer, which is abandoned to them when it is full and
// never written to again, so that a body needs no copy on its way to another goroutine.
type frameReader struct {
	r          io.Reader
	buf        []byte
	start, end int // what was read and not yet returned
}

// next returns the msgpack value of the next frame, checked. io.EOF means the stream ended between frames.
func (f *frameReader) next() ([]byte, error) {
	for {
		have := f.end - f.start
		need := prefix
		if have >= prefix {
			// Judged as soon as it is there: before any of the frame is read, let alone allocated (R-CH-1).
			n := binary.BigEndian.Uint32(f.buf[f.start:])
			if n == 0 || n > MaxFrame {
				return nil, violation("frame of %d bytes", n)
			}
			need += int(n)
		}
		if have >= need && need > prefix {
			// The capacity ends with the frame, so that no append can reach its neighbour.
			frame := f.buf[f.start+prefix : f.start+need : f.start+need]
			f.start += need
			if err := check(frame); err != nil {
				return nil, violation("%v", err)
			}
			return frame, nil
		}
		if err := f.fill(need); err != nil {
			return nil, err
		}
	}
}

// fill reads once, into a buffer with room for what is needed. A long frame's buffer grows with what has arrived: a length
// alone makes nobody allocate 8 MiB.
func (f *frameReader) fill(need int) error {
	have := f.end - f.start
	if len(f.buf)-f.end < min(readRoom, need-have) || len(f.buf) == f.end {
		size := max(readChunk, min(need, 2*have))
		fresh := make([]byte, size)
		f.end = copy(fresh, f.buf[f.start:f.end])
		f.buf, f.start = fresh, 0
	}
	n, err := f.r.Read(f.buf[f.end:])
	f.end += n
	switch {
	case n > 0:
		return nil
	case err == io.EOF && have > 0:
		return io.ErrUnexpectedEOF
	case err == nil:
		return io.ErrNoProgress
	}
	return err
}
