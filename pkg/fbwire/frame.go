package fbwire

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// MaxMessage is the longest message taken, its length in front included; MaxSent the longest that is written. Until 3.19 libraries take 4 MiB; they
// throw everything away when they hold more unread, and they read 64 KiB at once.
const (
	MaxMessage = 8 << 20
	MaxSent    = 4<<20 - 128<<10
	prefix     = 4
	chunk      = 64 << 10 // is allocated before the bytes of a long message are there
)

// ProtocolError is a message that cannot be: what comes after it means nothing.
type ProtocolError struct{ Why string }

// Error is one line.
func (e *ProtocolError) Error() string { return "channel: " + e.Why }

// readMessage reads one message into a buffer of its own. It returns io.EOF between two messages only.
func readMessage(r *bufio.Reader) ([]byte, error) {
	head, err := r.Peek(prefix)
	if err != nil {
		if errors.Is(err, io.EOF) && len(head) > 0 {
			return nil, io.ErrUnexpectedEOF
		}
		return nil, err
	}
	n := int64(binary.LittleEndian.Uint32(head))
	if n < prefix || n > MaxMessage-prefix {
		return nil, &ProtocolError{fmt.Sprintf("a message of %d bytes", n)}
	}
	r.Discard(prefix)
	// A length is only a claim: memory follows the bytes that come.
	b := make([]byte, min(int(n), chunk))
	for read := 0; ; {
		m, err := io.ReadFull(r, b[read:])
		if read += m; err != nil {
			return nil, io.ErrUnexpectedEOF
		}
		if read == int(n) {
			return b, nil
		}
		b = append(b, make([]byte, min(int(n)-read, read))...)
	}
}
