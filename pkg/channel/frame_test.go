package channel

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

// framed puts a length in front of b.
func framed(b []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...)
}

// blobOf is a msgpack value of about n bytes.
func blobOf(n int, fill byte) []byte {
	return appendBlob(nil, bytes.Repeat([]byte{fill}, n))
}

func TestFramesOfAllSizesInAnyPieces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sizes := rapid.SliceOfN(rapid.OneOf(rapid.IntRange(0, 300), rapid.IntRange(0, 3*readChunk)), 1, 12).Draw(t, "sizes")
		var stream []byte
		for i, n := range sizes {
			stream = append(stream, framed(blobOf(n, byte(i)))...)
		}
		seed := rapid.Uint64().Draw(t, "seed")
		f := frameReader{r: &pieces{b: stream, rng: rand.New(rand.NewPCG(seed, 1))}}
		var got [][]byte
		for range sizes {
			b, err := f.next()
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, b)
		}
		// After the last one: nobody has written to a frame that was handed out.
		for i, n := range sizes {
			if !bytes.Equal(got[i], blobOf(n, byte(i))) {
				t.Fatalf("frame %d of %d bytes differs", i, n)
			}
		}
		if _, err := f.next(); err != io.EOF {
			t.Fatalf("at the end: %v", err)
		}
	})
}

// pieces returns a stream in pieces of random length.
type pieces struct {
	b   []byte
	rng *rand.Rand
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.b) == 0 {
		return 0, io.EOF
	}
	n := copy(b[:min(len(b), 1+p.rng.IntN(40_000))], p.b)
	p.b = p.b[n:]
	return n, nil
}

func TestLongestFrame(t *testing.T) {
	b := blobOf(MaxFrame-5, 7)
	if len(b) != MaxFrame {
		t.Fatalf("made %d bytes", len(b))
	}
	f := frameReader{r: bytes.NewReader(append(framed(b), framed([]byte{0xc0})...))}
	if got, err := f.next(); err != nil || !bytes.Equal(got, b) {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
	if got, err := f.next(); err != nil || !bytes.Equal(got, []byte{0xc0}) {
		t.Fatalf("%x, %v", got, err)
	}
}

func TestFrameErrors(t *testing.T) {
	for _, tt := range []struct {
		name, hex string
		want      error
	}{
		{"empty frame", "00000000", errProtocol},
		{"too long by one", "00800001", errProtocol},
		{"4 GiB", "ffffffff", errProtocol},
		{"no msgpack", "00000001 c1", errProtocol},
		{"trailing bytes", "00000002 c0c0", errProtocol},
		{"killer", "00000005 ddffffffff", errProtocol},
		{"nothing", "", io.EOF},
		{"half a length", "0000", io.ErrUnexpectedEOF},
		{"half a frame", "00000003 c0", io.ErrUnexpectedEOF},
		{"only a length", "00000003", io.ErrUnexpectedEOF},
	} {
		f := frameReader{r: iotest.OneByteReader(bytes.NewReader(unhex(t, tt.hex)))}
		if b, err := f.next(); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %x, %v, want %v", tt.name, b, err, tt.want)
		}
	}
}

type idle struct{}

func (idle) Read([]byte) (int, error) { return 0, nil }

func TestReaderWithoutProgress(t *testing.T) {
	f := frameReader{r: idle{}}
	if _, err := f.next(); err != io.ErrNoProgress {
		t.Errorf("got %v", err)
	}
}

// TestLengthAloneAllocatesLittle: "Frame length checked before allocation" (R-CH-1), and a legal length without bytes costs one
// buffer.
func TestLengthAloneAllocatesLittle(t *testing.T) {
	for _, head := range []string{"00800000", "ffffffff"} {
		b := unhex(t, head+strings.Repeat("c0", 100))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f := frameReader{r: bytes.NewReader(b)}
		_, err := f.next()
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Fatal("no error")
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > 4*readChunk {
			t.Errorf("%s: %d bytes allocated", head, n)
		}
	}
}

// FuzzFrames feeds arbitrary streams: never a panic, never more memory than what arrived allows.
func FuzzFrames(f *testing.F) {
	f.Add(unhex(f, "00000001c0"), uint64(1))
	f.Add(unhex(f, "00000005ddffffffff"), uint64(2))
	f.Add(unhex(f, "007fffff91"), uint64(3))
	f.Add(unhex(f, "00000009950007a16da26331c000000001c0"), uint64(4))
	f.Fuzz(func(t *testing.T, stream []byte, seed uint64) {
		fr := frameReader{r: &pieces{b: stream, rng: rand.New(rand.NewPCG(seed, 1))}}
		rest := stream
		for {
			b, err := fr.next()
			if len(fr.buf) > readChunk+2*len(stream) {
				t.Fatalf("a buffer of %d bytes for a stream of %d", len(fr.buf), len(stream))
			}
			if err != nil {
				return
			}
			if !bytes.Equal(rest[:prefix+len(b)], framed(b)) {
				t.Fatalf("frame %x is not what came", b)
			}
			rest = rest[prefix+len(b):]
			_, _ = parse(b)
		}
	})
}
