package channel

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/vmihailenco/msgpack/v5"
)

func unhex(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func TestReadToken(t *testing.T) {
	text := strings.Repeat("61", 40)
	for _, tt := range []struct {
		hex  string
		want token
	}{
		{"00", token{class: classUint, size: 1, head: 1}},
		{"7f", token{class: classUint, size: 1, head: 1, num: 127}},
		{"e0", token{class: classInt, size: 1, head: 1, num: uint64(math.MaxUint64 - 31)}},
		{"ff", token{class: classInt, size: 1, head: 1, num: math.MaxUint64}},
		{"cc ff", token{class: classUint, size: 2, head: 2, num: 255}},
		{"cd 0102", token{class: classUint, size: 3, head: 3, num: 258}},
		{"ce ffffffff", token{class: classUint, size: 5, head: 5, num: math.MaxUint32}},
		{"cf ffffffffffffffff", token{class: classUint, size: 9, head: 9, num: math.MaxUint64}},
		{"d0 80", token{class: classInt, size: 2, head: 2, num: ^uint64(127)}},
		{"d0 05", token{class: classInt, size: 2, head: 2, num: 5}},
		{"d1 8000", token{class: classInt, size: 3, head: 3, num: ^uint64(math.MaxInt16)}},
		{"d2 80000000", token{class: classInt, size: 5, head: 5, num: ^uint64(math.MaxInt32)}},
		{"d3 8000000000000000", token{class: classInt, size: 9, head: 9, num: 1 << 63}},
		{"ca 3fc00000", token{class: classFloat, size: 5, head: 5, num: math.Float64bits(1.5)}},
		{"cb 3ff8000000000000", token{class: classFloat, size: 9, head: 9, num: math.Float64bits(1.5)}},
		{"c0", token{class: classNil, size: 1, head: 1}},
		{"c2", token{class: classBool, size: 1, head: 1}},
		{"c3", token{class: classBool, size: 1, head: 1, num: 1}},
		{"a0", token{class: classString, size: 1, head: 1}},
		{"a3 616263", token{class: classString, size: 4, head: 1}},
		{"d9 28" + text, token{class: classString, size: 42, head: 2}},
		{"da 0028" + text, token{class: classString, size: 43, head: 3}},
		{"db 00000028" + text, token{class: classString, size: 45, head: 5}},
		{"c4 28" + text, token{class: classBinary, size: 42, head: 2}},
		{"c5 0028" + text, token{class: classBinary, size: 43, head: 3}},
		{"c6 00000028" + text, token{class: classBinary, size: 45, head: 5}},
		{"90", token{class: classArray, size: 1, head: 1}},
		{"92 c0c0", token{class: classArray, size: 1, head: 1, children: 2}},
		{"dc 0002 c0c0", token{class: classArray, size: 3, head: 3, children: 2}},
		{"dd 00000002 c0c0", token{class: classArray, size: 5, head: 5, children: 2}},
		{"81 c0c0", token{class: classMap, size: 1, head: 1, children: 2}},
		{"de 0001 c0c0", token{class: classMap, size: 3, head: 3, children: 2}},
		{"df 00000001 c0c0", token{class: classMap, size: 5, head: 5, children: 2}},
		{"d4 01 00", token{class: classExt, size: 3, head: 2}},
		{"d6 ff 00000000", token{class: classExt, size: 6, head: 2}},
		{"d8 01" + strings.Repeat("00", 16), token{class: classExt, size: 18, head: 2}},
		{"c7 03 01 000000", token{class: classExt, size: 6, head: 3}},
		{"c8 0003 01 000000", token{class: classExt, size: 7, head: 4}},
		{"c9 00000003 01 000000", token{class: classExt, size: 9, head: 6}},
	} {
		b := unhex(t, tt.hex)
		got, err := readToken(b)
		if err != nil || got != tt.want {
			t.Errorf("%s: got %+v, %v, want %+v", tt.hex, got, err, tt.want)
		}
		// No prefix of a token is one.
		for n := range got.size {
			if _, err := readToken(b[:n]); err == nil {
				t.Errorf("%s: the first %d bytes passed", tt.hex, n)
			}
		}
	}
}

func TestCheck(t *testing.T) {
	for _, tt := range []struct {
		name string
		hex  string
		want error
	}{
		{"nothing", "", errTruncated},
		{"nil", "c0", nil},
		{"never used", "c1", errReserved},
		{"nested never used", "91 c1", errReserved},
		{"trailing byte", "c0 c0", errTrailing},
		{"empty array, trailing byte", "90 00", errTrailing},
		{"array", "93 01 02 03", nil},
		{"array too short", "93 01 02", errTruncated},
		{"map without value", "81 a161", errTruncated},
		{"map with odd elements", "82 a161 01 a162", errTruncated},
		{"long string without bytes", "db 7fffffff", errTruncated},
		{"array of 4 Gi", "dd ffffffff", errTruncated},
		{"map of 4 Gi", "df ffffffff", errTruncated},
		{"binary of 4 Gi", "c6 ffffffff", errTruncated},
		{"string of 4 Gi", "db ffffffff", errTruncated},
		{"extension of 4 Gi", "c9 ffffffff 01", errTruncated},
		{"killer in an envelope", "95 00 01 a0 a0 dd ffffffff", errTruncated},
		{"32 arrays", strings.Repeat("91", 31) + "90", nil},
		{"32 arrays around nil", strings.Repeat("91", 32) + "c0", nil},
		{"33 arrays", strings.Repeat("91", 32) + "90", errDeep},
		{"33 maps", strings.Repeat("81a0", 32) + "80", errDeep},
		{"depth after a deep sibling", "92" + strings.Repeat("91", 30) + "90" + strings.Repeat("91", 30) + "90", nil},
	} {
		if err := check(unhex(t, tt.hex)); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
		}
	}
}

func TestCheckOfBombs(t *testing.T) {
	for name, bomb := range map[string][]byte{
		"arrays":         bytes.Repeat([]byte{0x91}, MaxFrame),
		"maps":           bytes.Repeat([]byte{0x81, 0xa0}, MaxFrame/2),
		"arrays of 64Ki": bytes.Repeat([]byte{0xdc, 0xff, 0xff}, MaxFrame/3),
	} {
		if err := check(bomb); err == nil {
			t.Errorf("%s: passed", name)
		}
	}
}

func TestCheckAllocatesNothing(t *testing.T) {
	b, err := Encode(dump())
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() {
		if check(b) != nil {
			t.Fatal("refused")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzCheck holds check against the msgpack library: it passes exactly what the library can skip, and what it passes the
// library decodes without panic, untyped, which is the most dangerous way.
func FuzzCheck(f *testing.F) {
	for _, s := range []string{
		"", "c0", "c1", "ddffffffff", "dfffffffff", "dbffffffff", "c9ffffffff01", "93010203", "8180c0", "81a161c4026162", "d6ff00000000",
		"c70801ffffffffffffffff", strings.Repeat("91", 40), "cb7ff0000000000000", "d7ff0000000000000000",
	} {
		f.Add(unhex(f, s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		err := check(b)
		if err != nil {
			if errors.Is(err, errDeep) || len(b) == 0 {
				return
			}
			r := bytes.NewReader(b)
			if skipAll(r) && r.Len() == 0 && !hasReserved(b) {
				t.Fatalf("refused with %v what the library skips whole: %x", err, b)
			}
			return
		}
		r := bytes.NewReader(b)
		if !skipAll(r) || r.Len() != 0 {
			t.Fatalf("passed what the library cannot skip whole: %x", b)
		}
		var v any
		// An error is fine: an unknown extension, a key that is no string.
		_ = msgpack.Unmarshal(b, &v)
	})
}

// skipAll tells whether the library can step over the value in r.
func skipAll(r *bytes.Reader) bool { return msgpack.NewDecoder(r).Skip() == nil }

// hasReserved tells whether 0xc1 may be in b: the library steps over it, the specification says it is never used.
func hasReserved(b []byte) bool { return bytes.IndexByte(b, 0xc1) >= 0 }
