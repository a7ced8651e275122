package script

import (
	"bytes"
	"testing"
)

func TestReadsWhatIsWritten(t *testing.T) {
	input := Write(7, true, byte(9), uint16(0x1234), uint32(0x56789abc), uint64(1<<63|5), "text", []byte{1, 2})
	s := New(append(input, 'r'))
	if s.Below(5) != 2 || !s.Bool() || s.Byte() != 9 || s.Uint16() != 0x1234 || s.Uint32() != 0x56789abc || s.Uint64() != 1<<63|5 {
		t.Error("numbers")
	}
	if string(s.Bytes()) != "text" || !bytes.Equal(s.Bytes(), []byte{1, 2}) || string(s.Rest()) != "r" || s.More() {
		t.Error("bytes")
	}
}

func TestBehindTheEndAllIsZero(t *testing.T) {
	s := New([]byte{200, 1, 2})
	if got := s.Bytes(); len(got) != 2 || cap(got) != 2 {
		t.Errorf("%d bytes of 2", len(got))
	}
	if s.More() || s.Byte() != 0 || s.Bool() || s.Below(3) != 0 || s.Uint64() != 0 || len(s.Bytes()) != 0 || len(s.Rest()) != 0 {
		t.Error("something behind the end")
	}
}

func TestWriteOfTheUnwritable(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("wrote a float")
		}
	}()
	Write(1.5)
}
