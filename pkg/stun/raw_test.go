package stun

import (
	"encoding/binary"
	"encoding/hex"
	"strings"
	"testing"
)

var testID = TransactionID{0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae}

// raw is a message put together by hand, so that tests of the parser do not lean on the Builder and
// may be wrong on purpose.
type raw []byte

func rawRequest() raw {
	b := raw{0x00, 0x01, 0, 0, 0x21, 0x12, 0xa4, 0x42}
	return append(b, testID[:]...)
}

// attr appends an attribute and makes the length field true.
func (b raw) attr(t AttributeType, value ...byte) raw {
	b = binary.BigEndian.AppendUint16(b, uint16(t))
	b = binary.BigEndian.AppendUint16(b, uint16(len(value)))
	b = append(b, value...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b.fixed()
}

// fixed sets the length field to what follows the header.
func (b raw) fixed() raw {
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)-HeaderSize))
	return b
}

// bytes decodes hex, with spaces and line ends wherever they help to read.
func bytesOf(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func mustParse(t testing.TB, b []byte) *Message {
	t.Helper()
	m := new(Message)
	if !m.Parse(b) {
		t.Fatalf("not parsed: %x", b)
	}
	return m
}
