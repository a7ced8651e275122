package codec

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"gazpacho/pkg/rtp"
	"gazpacho/pkg/simtest/scalable"
)

// A descriptor of three bytes grows by its extended fields; what is there already is replaced, and what follows moves along.
func TestPutDescriptor(t *testing.T) {
	targets := &rtp.Targets{Count: 3}
	for _, tt := range []struct {
		name, src string
		d         rtp.Descriptor
		want      string
	}{
		{"mandatory fields alone", "c3 1234", rtp.Descriptor{At: 24}, "c3 1234 " + bitString("0 1 0 0 0 101")},
		{"a set in place of another", "c3 1234 " + bitString("0 1 0 0 0 010"), rtp.Descriptor{At: 29, There: true}, "c3 1234 " + bitString("0 1 0 0 0 101")},
		{
			"a set in front of indications", "c3 1234 " + bitString("0 0 1 0 0 10 11 01"),
			rtp.Descriptor{At: 29},
			"c3 1234 " + bitString("0 1 1 0 0 101 10 11 01 00000"), // the padding moves along
		},
		{
			"a set in place of another in front of indications", "c3 1234 " + bitString("0 1 1 0 0 111 10 11 01"),
			rtp.Descriptor{At: 29, There: true},
			"c3 1234 " + bitString("0 1 1 0 0 101 10 11 01"),
		},
	} {
		tt.d.Targets = targets
		dst := bytes.Repeat([]byte{0xff}, rtp.MaxDescriptorSize)
		if n := PutDescriptor(dst, unhex(t, tt.src), &tt.d, 5); !bytes.Equal(dst[:n], unhex(t, tt.want)) {
			t.Errorf("%s: %x, want %x", tt.name, dst[:n], unhex(t, tt.want))
		}
		if n := PutDescriptor(dst[:3], unhex(t, tt.src), &tt.d, 5); n != 0 {
			t.Errorf("%s: %d bytes in 3", tt.name, n)
		}
	}
}

// Whatever the structure, what is written reads like what was there, but for the set; and a second time likewise.
func TestPutDescriptorReadsAlike(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		e := scalable.Encoder{Mode: rapid.SampledFrom(modes).Draw(rt, "mode")}
		var before, after Dependencies
		for n := range 6 {
			for _, p := range e.Picture(n%4 == 0, 2) {
				var was, is rtp.Frame
				before.Read(p.Descriptor, &was)
				set := rapid.Uint32Range(0, 1<<was.Descriptor.Targets.Count-1).Draw(rt, "set")
				src, d := p.Descriptor, was.Descriptor
				for range 2 {
					dst := make([]byte, rtp.MaxDescriptorSize)
					size := PutDescriptor(dst, src, &d, set)
					if size == 0 || after.Read(dst[:size], &is) == Unreadable {
						rt.Fatalf("%x became %x", src, dst[:size])
					}
					if is.Descriptor.Active != set || !is.Descriptor.There {
						rt.Fatalf("%x became %x: %+v instead of %b", src, dst[:size], is.Descriptor, set)
					}
					src, d = dst[:size], is.Descriptor
					is.Descriptor = was.Descriptor
					if is != was {
						rt.Fatalf("%x became %x: %+v, %+v", p.Descriptor, src, was, is)
					}
				}
			}
		}
	})
}

// What a fuzzer makes readable stays so.
func FuzzPutDescriptor(f *testing.F) {
	for _, mode := range modes {
		e := scalable.Encoder{Mode: mode}
		key, delta := e.Picture(true, 1), e.Picture(false, 1)
		f.Add(key[0].Descriptor, delta[0].Descriptor, uint32(1))
	}
	f.Fuzz(func(t *testing.T, first, second []byte, set uint32) {
		var d, again Dependencies
		for _, b := range [][]byte{first, second} {
			var was, is rtp.Frame
			if d.Read(b, &was) == Unreadable {
				return
			}
			set &= uint32(uint64(1)<<was.Descriptor.Targets.Count - 1)
			dst := make([]byte, len(b)+8)
			size := PutDescriptor(dst, b, &was.Descriptor, set)
			if size == 0 || again.Read(dst[:size], &is) == Unreadable || is.Descriptor.Active != set {
				t.Fatalf("%x became %x", b, dst[:size])
			}
			is.Descriptor = was.Descriptor
			if is != was {
				t.Fatalf("%x became %x: %+v, %+v", b, dst[:size], was, is)
			}
		}
	})
}

func TestTargetsWithin(t *testing.T) {
	targets := rtp.Targets{Count: 4, Spatial: [rtp.MaxTargets]uint8{0, 0, 1, 1}, Temporal: [rtp.MaxTargets]uint8{0, 1, 0, 1}}
	for layers, want := range map[[2]uint8]uint32{{0, 0}: 1, {0, 1}: 3, {1, 0}: 5, {1, 1}: 15, {7, 0}: 5, {255, 255}: 15} {
		if got := targets.Within(layers[0], layers[1]); got != want {
			t.Errorf("%v: %b, want %b", layers, got, want)
		}
	}
}
