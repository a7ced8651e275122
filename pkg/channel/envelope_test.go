package channel

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"gazpacho/proto"
)

func TestEnvelopes(t *testing.T) {
	at := time.UnixMicro(1_700_000_000_000_001)
	for _, tt := range []struct {
		name string
		got  func() ([]byte, error)
		hex  string
		want envelope
	}{
		{
			"request", func() ([]byte, error) { return appendRequest(nil, 7, "consumer.pause", "c1", nil) },
			"95 00 07 ae636f6e73756d65722e7061757365 a26331 c0",
			envelope{kind: kindRequest, id: 7, name: []byte("consumer.pause"), handlerID: []byte("c1"), body: Raw{0xc0}},
		},
		{
			"largest id", func() ([]byte, error) { return appendRequest(nil, 1<<32-1, "m", "", Raw{0x01}) },
			"95 00 ceffffffff a16d a0 01",
			envelope{kind: kindRequest, id: 1<<32 - 1, name: []byte("m"), handlerID: []byte{}, body: Raw{0x01}},
		},
		{
			"response", func() ([]byte, error) { return appendResponse(nil, 128, proto.SetPriorityResult{Priority: 5}, nil) },
			"94 01 cc80 c0 81a87072696f7269747905",
			envelope{kind: kindResponse, id: 128, err: Raw{0xc0}, body: unhex(t, "81a87072696f7269747905")},
		},
		{
			"response without a result", func() ([]byte, error) { return appendResponse(nil, 65536, nil, nil) },
			"94 01 ce00010000 c0 c0",
			envelope{kind: kindResponse, id: 65536, err: Raw{0xc0}, body: Raw{0xc0}},
		},
		{
			"error", func() ([]byte, error) {
				return appendResponse(nil, 300, nil, &proto.Error{Name: "TypeError", Code: "bad-body", Message: "no", Path: "a.b"})
			},
			"94 01 cd012c 84 a46e616d65a9547970654572726f72 a4636f6465a86261642d626f6479 a76d657373616765a26e6f a470617468a3612e62 c0",
			envelope{
				kind: kindResponse, id: 300, body: Raw{0xc0},
				err: unhex(t, "84 a46e616d65a9547970654572726f72 a4636f6465a86261642d626f6479 a76d657373616765a26e6f a470617468a3612e62"),
			},
		},
		{
			"notification", func() ([]byte, error) { return appendNotification(nil, "worker.running", "", nil) },
			"94 02 ae776f726b65722e72756e6e696e67 a0 c0",
			envelope{kind: kindNotification, name: []byte("worker.running"), handlerID: []byte{}, body: Raw{0xc0}},
		},
		{
			"binary", func() ([]byte, error) { return appendBinary(nil, "consumer.rtp", "c1", nil, []byte{0x80, 0x60}) },
			"95 03 ac636f6e73756d65722e727470 a26331 c0 c402 8060",
			envelope{kind: kindBinary, name: []byte("consumer.rtp"), handlerID: []byte("c1"), body: Raw{0xc0}, payload: []byte{0x80, 0x60}},
		},
		{
			"log", func() ([]byte, error) {
				return appendLog(nil, Log{Level: "warn", Tag: "ice", At: at, Text: "x\xff", Fields: m{"n": 1}})
			},
			"96 04 a47761726e a3696365 cf00060a24181e4001 a478efbfbd 81a16e01",
			envelope{kind: kindLog, name: []byte("warn"), handlerID: []byte("ice"), micros: at.UnixMicro(), text: []byte("x\ufffd"), body: unhex(t, "81a16e01")},
		},
	} {
		b, err := tt.got()
		if err != nil || !bytes.Equal(b, unhex(t, tt.hex)) {
			t.Errorf("%s: got %x, %v, want %s", tt.name, b, err, tt.hex)
			continue
		}
		e, err := parse(b)
		if err != nil || !sameEnvelope(e, tt.want) {
			t.Errorf("%s: parsed as %+v, %v", tt.name, e, err)
		}
	}
}

func sameEnvelope(a, b envelope) bool {
	return a.kind == b.kind && a.id == b.id && a.micros == b.micros && bytes.Equal(a.name, b.name) && bytes.Equal(a.handlerID, b.handlerID) &&
		bytes.Equal(a.body, b.body) && bytes.Equal(a.err, b.err) && bytes.Equal(a.payload, b.payload) && bytes.Equal(a.text, b.text)
}

func TestParseIgnoresExtraElements(t *testing.T) {
	for _, s := range []string{
		"96 00 01 a16d a0 c0 a5 6578747261", "95 01 01 c0 c0 c0", "95 02 a165 a0 c0 c3", "96 03 a165 a0 c0 c400 81a0c0", "97 04 a0 a0 00 a0 c0 c0",
		"dc 0005 00 01 a16d a0 c0", "95 cc00 d300000000 00000001 a16d c0 c0", // as long as an encoder likes; nil for an empty string
	} {
		b := unhex(t, s)
		if err := check(b); err != nil {
			t.Fatal(err)
		}
		if _, err := parse(b); err != nil {
			t.Errorf("%s: %v", s, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for name, s := range map[string]string{
		"no array":            "80",
		"empty array":         "90",
		"unknown kind":        "95 05 01 a0 a0 c0",
		"negative kind":       "95 ff 01 a0 a0 c0",
		"kind as text":        "95 a130 01 a0 a0 c0",
		"short request":       "94 00 01 a16d a0",
		"short response":      "93 01 01 c0",
		"short notification":  "93 02 a165 a0",
		"short binary":        "94 03 a165 a0 c0",
		"short log":           "95 04 a0 a0 00 a0",
		"negative id":         "95 00 ff a16d a0 c0",
		"large id":            "95 00 cf0000000100000000 a16d a0 c0",
		"float id":            "95 00 ca3f800000 a16d a0 c0",
		"method as binary":    "95 00 01 c4016d a0 c0",
		"method not UTF-8":    "95 00 01 a1ff a0 c0",
		"handler id number":   "95 00 01 a16d 01 c0",
		"payload as text":     "95 03 a165 a0 c0 a170",
		"time as text":        "96 04 a0 a0 a130 a0 c0",
		"time beyond int64":   "96 04 a0 a0 cf8000000000000000 a0 c0",
		"response id missing": "94 01 c0 c0 c0",
	} {
		b := unhex(t, s)
		if err := check(b); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if e, err := parse(b); err == nil {
			t.Errorf("%s: got %+v", name, e)
		}
	}
}

func TestAppendSizes(t *testing.T) {
	for _, n := range []int{0, 1, 31, 32, 255, 256, 65535, 65536} {
		s := strings.Repeat("x", n)
		tok, err := readToken(appendString(nil, s))
		if err != nil || tok.class != classString || tok.size-tok.head != n {
			t.Errorf("string of %d: %+v, %v", n, tok, err)
		}
		tok, err = readToken(appendBlob(nil, []byte(s)))
		if err != nil || tok.class != classBinary || tok.size-tok.head != n {
			t.Errorf("binary of %d: %+v, %v", n, tok, err)
		}
		tok, err = readToken(appendUint(nil, uint64(n)))
		if err != nil || tok.class != classUint || tok.num != uint64(n) {
			t.Errorf("integer %d: %+v, %v", n, tok, err)
		}
	}
}

// FuzzParse proves that parse takes whatever check passes without a panic, and that a request or response it understood is
// understood again after encoding.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"950007a16da26331c0", "940107c0c0", "9402a165a0c0", "9503a165a0c0c40280", "9604a0a000a0c0", "95ff", "dd00000001c0", "9400c0c0c0",
	} {
		f.Add(unhex(f, s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if check(b) != nil {
			return
		}
		e, err := parse(b)
		if err != nil {
			return
		}
		var again []byte
		switch e.kind {
		case kindRequest:
			again, err = appendRequest(nil, e.id, string(e.name), string(e.handlerID), e.body)
		case kindNotification:
			again, err = appendNotification(nil, string(e.name), string(e.handlerID), e.body)
		case kindBinary:
			again, err = appendBinary(nil, string(e.name), string(e.handlerID), e.body, e.payload)
		default:
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if got, err := parse(again); err != nil || !sameEnvelope(got, e) {
			t.Fatalf("%x came back as %x: %v", b, again, err)
		}
	})
}

func TestViolationsAreProtocolErrors(t *testing.T) {
	if !errors.Is(violation("x"), errProtocol) || gone(violation("x")) {
		t.Error("a violation must be a protocol error, and no mere end")
	}
}
