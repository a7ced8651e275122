package attack

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// The worker's own channel: "Frame length checked before allocation, depth ≤ 32, declared sizes against bytes left; a framing error ends that
// connection" (R-CH-1). The controller's connection and the calls go on.
var channels = []attack{
	{"msgpack bombs on the channel", "R-CH-1", bombs},
	{"connections to the channel that say nothing, or half a frame", "R-CH-1", silentChannels},
}

// sealed puts a value's length before it.
func sealed(value []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(value))), value...)
}

// bombList are values and frames that want more than they bring.
func bombList() (list [][]byte) {
	r := newNoise()
	for _, value := range []string{
		"\xdd\xff\xff\xff\xff", "\xdf\xff\xff\xff\xff", "\xdb\xff\xff\xff\xff", "\xc6\xff\xff\xff\xff", "\xc9\xff\xff\xff\xff\x01",
		"\xdc\xff\xff", "\xc1", "\x95\x00\x01\xa1x\xa0\xdd\xff\xff\xff\xff", "\x95\x00\x01\xa1x\xa0\xdf\x7f\xff\xff\xff\xa1a", "\x95\x00\x01\xa1x\xa0\xc0\x00",
		strings.Repeat("\x91", 100_000) + "\xc0", strings.Repeat("\x81\xa1a", 100_000) + "\xc0", "\x95\x00\x01\xa1x\xa0" + strings.Repeat("\x91", 40) + "\xc0",
		"\x95\x00", "\xa5abc", "\x01", "\xc0", "\x9f", "\x90",
	} {
		list = append(list, sealed([]byte(value)))
	}
	list = append(list, []byte{0, 0, 0, 0}, []byte{0xff, 0xff, 0xff, 0xff}, []byte{0, 0x80, 0, 1}, append([]byte{0, 0x80, 0, 0}, r.bytes(100)...))
	for range 20 {
		list = append(list, sealed(r.bytes(1+r.IntN(200))))
	}
	return list
}

func (s *stage) dialChannel(t *testing.T) net.Conn {
	t.Helper()
	c, err := net.Dial("unix", strings.TrimPrefix(s.Address(), "unix:"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// bombs end their connection, each its own.
func bombs(t *testing.T, s *stage, d time.Duration) tally {
	list := bombList()
	pace(t.Context(), d, 500, func(n int) {
		c := s.dialChannel(t)
		defer c.Close()
		_, _ = c.Write(list[n%len(list)])
		_ = c.(*net.UnixConn).CloseWrite()
		_ = c.SetReadDeadline(time.Now().Add(patience))
		if _, err := io.Copy(io.Discard, c); err != nil && !strings.Contains(err.Error(), "reset") {
			t.Errorf("frame %d does not end its connection: %v", n%len(list), err)
		}
	}, nil)
	return tally{}
}

// silentChannels take every place there is; the controller has its own.
func silentChannels(t *testing.T, s *stage, d time.Duration) tally {
	for i := range 30 {
		c := s.dialChannel(t)
		defer c.Close()
		_, _ = c.Write(bytes.Repeat([]byte{0, 0x7f, 0, 0, 0x95}, i%2))
	}
	for start := time.Now(); time.Since(start) < d; time.Sleep(10 * time.Millisecond) {
		s.stats()
	}
	return tally{}
}
