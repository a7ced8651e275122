package sctp

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"testing"
	"testing/synctest"
	"time"

	"gazpacho/pkg/simtest/script"
)

// forger writes packets in the name of the peer: it knows what only the peer knows.
type forger struct {
	tag  uint32 // ours, which packets to us carry
	tsn  uint32 // of the peer's next chunk of data
	ours uint32 // our first TSN

	// The peer does not know I-DATA, as browsers do not: with it, DATA is a protocol violation (RFC 8260 section 2.2.1).
	plain bool
}

// listen learns it from the packets that go to us.
func (f *forger) listen(b []byte) {
	if i := bytes.Index(b, []byte{0x80, 0x08, 0, 8}); i >= 0 && f.plain {
		// Of the supported extensions I-DATA becomes another FORWARD TSN.
		list := b[i+4 : i+8]
		list[bytes.IndexByte(list, chunkIData)] = chunkForwardTSN
		sum(b)
	}
	for rest := b[commonHeader:]; ; {
		c, left, ok := nextChunk(rest)
		if !ok {
			return
		}
		rest = left
		if (c.kind == chunkInit || c.kind == chunkInitAck) && len(c.value) >= 16 {
			f.tsn = binary.BigEndian.Uint32(c.value[12:])
		}
		if c.kind != chunkInit {
			f.tag = binary.BigEndian.Uint32(b[4:])
		}
	}
}

// overhear learns our first TSN from the packets that we send.
func (f *forger) overhear(b []byte) {
	if c, _, ok := nextChunk(b[commonHeader:]); ok && (c.kind == chunkInit || c.kind == chunkInitAck) && len(c.value) >= 16 {
		f.ours = binary.BigEndian.Uint32(c.value[12:])
	}
}

// seal makes a packet of chunks.
func (f *forger) seal(chunks []byte) []byte {
	b := append(make([]byte, commonHeader), chunks...)
	binary.BigEndian.PutUint16(b, 5000)
	binary.BigEndian.PutUint16(b[2:], 5000)
	binary.BigEndian.PutUint32(b[4:], f.tag)
	sum(b)
	return b
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sum writes the checksum of a packet.
func sum(b []byte) {
	clear(b[8:commonHeader])
	binary.LittleEndian.PutUint32(b[8:], crc32.Checksum(b, castagnoli))
}

// chunks reads what one packet holds off a script. Numbers that only make sense near the right ones are relative to those.
func (f *forger) chunks(s *script.Script) (b []byte) {
	for range 1 + s.Below(4) {
		kind, flags := s.Byte(), s.Byte()
		value := bytes.Clone(s.Bytes())
		if len(value) >= 4 {
			near := binary.BigEndian.AppendUint32(nil, f.tsn+uint32(int8(value[0])))
			switch kind {
			case chunkSACK:
				near = binary.BigEndian.AppendUint32(nil, f.ours+uint32(int8(value[0])))
				copy(value, near)
			case chunkData, chunkIData, chunkForwardTSN, chunkIForwardTSN:
				copy(value, near)
			case chunkReconfig:
				if len(value) >= 16 {
					copy(value[4:], near)
				}
			}
		}
		if kind == chunkSACK && len(value) > 8 {
			value[8] = 0 // gaps are counted in 16 bits; the script has not so many bytes
		}
		c := chunkOf(kind, value...)
		c[1] = flags
		for len(c)%4 != 0 {
			c = append(c, 0)
		}
		if b = append(b, c...); !s.More() {
			break
		}
	}
	return b
}

// FuzzAssociation is a peer that writes whatever it likes under a valid tag and checksum, before the association and in it. It may end its own
// association; it may not end the process, keep the island from unwinding, or have more messages delivered than it can have sent.
func FuzzAssociation(f *testing.F) {
	f.Add(script.Write(1, 1, 0, chunkData, 3, "\x00\x00\x00\x00\x00\x07\x00\x00\x00\x00\x00\x33hi"))
	f.Add(script.Write(1, 1, 1, chunkData, 2, "\x00\x00\x00\x00\x00\x07\x00\x00\x00\x00\x00\x33hi", chunkData, 1, "\x01\x00\x00\x00\x00\x07\x00\x00\x00\x00\x00\x33hi"))
	f.Add(script.Write(0, 1, 0, chunkReconfig, 0, "\x00\x0d\x00\x12\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x07", 0, chunkForwardTSN, 0, "\x05\x00\x00\x00\x00\x07\x00\x01"))
	f.Add(script.Write(0, 1, 0, chunkSACK, 0, "\x02\x00\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x01\x00\x02", 0, 4, 0, "\x00\x01\x00\x08abcd", 0, 6, 0, ""))
	f.Add(script.Write(0, 0, 0, chunkInit, 0, "\x00\x00\x00\x01\x00\x01\x00\x00\x00\x0a\x00\x0a\x00\x00\x00\x01", 0, 10, 0, "cookie", 0, 7, 0, "\x00\x00\x00\x00", 0, 9, 0, ""))
	f.Add(script.Write(1, 1, 0, chunkData, 3, "\x00\x00\x00\x00\x00\x07\x00\x00\x00\x00\x00\x32\x03\x00\x00\x00", 0, 5, 0, "x", 0, 8, 0, "", 0, 14, 0, ""))
	f.Add(script.Write(0, 1, 1, chunkIData, 2, "\x00\x00\x00\x00\x00\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00\x33hi", chunkIData, 1, "\x01\x00\x00\x00\x00\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01ho"))
	f.Fuzz(func(t *testing.T, input []byte) {
		if len(input) > 4096 {
			return
		}
		synctest.Test(t, func(t *testing.T) {
			s := script.New(input)
			w := newWorld(t)
			defer w.close()
			peer := forger{plain: s.Bool()}
			w.filter(func(b []byte) bool { peer.overhear(b); return true }, func(b []byte) bool { peer.listen(b); return true })
			w.open(Stream{ID: 7})
			connected := s.Bool()
			if connected {
				w.connect()
			}
			synctest.Wait()
			nothing := func([]byte) bool { return false } // from here on the script is the peer
			w.filter(nothing, nothing)
			if connected {
				w.send(7, "hello")
				w.send(7, "again")
			}
			for packets := 0; s.More() && packets < 20; packets++ {
				w.ours.Put(peer.seal(peer.chunks(s)))
				synctest.Wait()
			}
			time.Sleep(time.Second)
			w.do(func(time.Time) {
				if w.bytes > len(input) {
					t.Errorf("%d bytes of messages out of %d", w.bytes, len(input))
				}
				for _, e := range w.events[min(1, len(w.events)):] {
					if e != "closed" && e != "failed" && e != "stream closed" {
						t.Errorf("events %v", w.events)
					}
				}
			})
		})
	})
}
