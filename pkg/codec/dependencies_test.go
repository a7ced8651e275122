package codec

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"gazpacho/pkg/rtp"
	"gazpacho/pkg/simtest/scalable"
)

// The structure of L1T2 by hand, along the syntax of appendix A.8.2.
func TestDependenciesByHand(t *testing.T) {
	first := unhex(t, bitString(
		"1 1 000010 0000000000000111", // start, end, template 2, frame 7
		"1 0 0 0 0",                   // structure
		"000010 00001",                // templates from 2 on, two decode targets
		"01 11",                       // template 0: layers 0.0, template 1: one temporal layer up, no more
		"10 10  00 01",                // template 0 is a switch for both targets; template 1 is not in the first, discardable in the second
		"0  1 0000 0",                 // template 0 refers to nothing, template 1 to the frame before
		"10",                          // ns(3): one chain
		"",                            // ns(1) twice: both targets are protected by it, in no bits
		"0000 0001",
		"0", // no resolutions
	))
	for _, tt := range []struct {
		name       string
		descriptor []byte
		want       rtp.Frame
		reading    Reading
	}{
		{"before the structure", unhex(t, "c2 0006"), rtp.Frame{}, Unreadable},
		{"the structure", first, rtp.Frame{KeyFrame: true, Start: true, End: true, SwitchAfter: true, Unreferenced: true}, Renewed},
		{"template 3", unhex(t, "83 0008"), rtp.Frame{Start: true, Temporal: 1, Unreferenced: true}, Understood},
		{"its end", unhex(t, "43 0008"), rtp.Frame{End: true, Temporal: 1, Unreferenced: true}, Understood},
		{"no template", unhex(t, "c4 0009"), rtp.Frame{}, Unreadable},
		{"a template of another structure", unhex(t, "c1 0009"), rtp.Frame{}, Unreadable},
		// The rest of what may be extended: active targets, own indications, references and chains, of which we need the indications.
		{"active targets", unhex(t, "c2 000a "+bitString("0 1 0 0 0 01")), rtp.Frame{Start: true, End: true, SwitchAfter: true, Unreferenced: true}, Understood},
		{
			"own indications", unhex(t, "c2 000b "+bitString("0 0 1 0 0 10 11")),
			rtp.Frame{Start: true, End: true, Unreferenced: true},
			Understood,
		},
		{
			"own everything", unhex(t, "c2 000c "+bitString("0 1 1 1 1 11 10 10 10 00000000 00 00000000")),
			rtp.Frame{Start: true, End: true, SwitchAfter: true, Unreferenced: true},
			Understood,
		},
		{"own indications cut off", unhex(t, "c2 000b "+bitString("0 0 1")), rtp.Frame{}, Unreadable},
		{"nothing", nil, rtp.Frame{}, Unreadable},
		{"half a descriptor", unhex(t, "c200"), rtp.Frame{}, Unreadable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var d Dependencies
			if tt.name != "before the structure" {
				if got := d.Read(first, new(rtp.Frame)); got != Renewed {
					t.Fatalf("the structure is %v", got)
				}
			}
			var f rtp.Frame
			got := d.Read(tt.descriptor, &f)
			if f.Descriptor.Targets != nil != (got != Unreadable) {
				t.Errorf("%v, decode targets %+v", got, f.Descriptor)
			}
			f.Descriptor = rtp.Descriptor{}
			if got != tt.reading || f != tt.want {
				t.Errorf("%v, %+v\nwant %v, %+v", got, f, tt.reading, tt.want)
			}
		})
	}
}

// bitString turns bits into hex, padded with zeros.
func bitString(groups ...string) string {
	text, n, v := "", 0, 0
	for _, g := range groups {
		for _, c := range g {
			if c == ' ' {
				continue
			}
			v = v<<1 | int(c-'0')
			if n++; n == 8 {
				text, n, v = text+fmt.Sprintf("%02x", v), 0, 0
			}
		}
	}
	if n > 0 {
		text += fmt.Sprintf("%02x", v<<(8-n))
	}
	return text
}

// ns(5) as the table of appendix A.8.2 has it.
func TestBelow(t *testing.T) {
	for s, want := range map[string]uint32{"00": 0, "01": 1, "10": 2, "110": 3, "111": 4} {
		r := bitReader{b: unhex(t, bitString(s))}
		if got := r.below(5); got != want || r.at != len(s) || r.short {
			t.Errorf("%s is %d, in %d bits", s, got, r.at)
		}
	}
	r := bitReader{}
	if r.below(1) != 0 || r.at != 0 || r.short {
		t.Error("ns(1) takes bits")
	}
	if r.take(1) != 0 || !r.short {
		t.Error("there is nothing, and it does not say so")
	}
}

// modes are those of WebRTC-SVC that we can make.
var modes = []scalable.Mode{
	{Spatial: 1, Temporal: 1},
	{Spatial: 1, Temporal: 2},
	{Spatial: 1, Temporal: 3},
	{Spatial: 2, Temporal: 1},
	{Spatial: 2, Temporal: 3},
	{Spatial: 3, Temporal: 3},
	{Spatial: 2, Temporal: 2, Key: true},
	{Spatial: 3, Temporal: 3, Key: true},
	{Spatial: 3, Temporal: 3, Apart: true},
	{Spatial: 4, Temporal: 3},
}

// What descriptors of an encoder say is what its VP9 descriptors say of the same packets.
func TestDependenciesAgainstVP9(t *testing.T) {
	for _, mode := range modes {
		var d Dependencies
		e := scalable.Encoder{Mode: mode}
		for n := range 20 {
			for _, p := range e.Picture(n%9 == 0, 2) {
				var f, v rtp.Frame
				if got := d.Read(p.Descriptor, &f); got == Unreadable || (got == Renewed) != (p.Key && p.Start && p.Spatial == 0) {
					t.Fatalf("%+v: %x is %v", mode, p.Descriptor, got)
				}
				if !VP9.Inspect(p.VP9, &v) {
					t.Fatalf("%+v: %x is malformed", mode, p.VP9)
				}
				if f.Spatial != v.Spatial || f.Temporal != v.Temporal || f.Start != v.Start || f.End != v.End || f.KeyFrame != v.KeyFrame {
					t.Fatalf("%+v: %+v, VP9 says %+v", mode, f, v)
				}
				// The highest layers are not referred to, whether that is said or not; above the highest temporal layer there is nothing to go up to.
				if int(f.Spatial) < mode.Spatial-1 && f.Unreferenced != v.Unreferenced || int(f.Temporal) < mode.Temporal-1 && f.SwitchAfter != v.SwitchAfter {
					t.Fatalf("%+v: %+v, VP9 says %+v", mode, f, v)
				}
				if len(p.Descriptor) > 3 != (p.Key && p.Start && p.Spatial == 0) {
					t.Fatalf("a descriptor of %d bytes", len(p.Descriptor))
				}
			}
		}
	}
}

// A structure cut anywhere, but where only padding is left, is unreadable and leaves the one before.
func TestDependenciesCutAnywhere(t *testing.T) {
	for _, mode := range modes {
		e := scalable.Encoder{Mode: mode}
		picture := e.Picture(true, 1)
		whole := picture[0].Descriptor
		var d Dependencies
		if d.Read(whole, new(rtp.Frame)) != Renewed {
			t.Fatal("unreadable")
		}
		before := d.structure
		for n := range whole {
			var f rtp.Frame
			if got := d.Read(whole[:n], &f); n != 3 && (got != Unreadable || f != (rtp.Frame{})) {
				t.Errorf("%+v cut to %d bytes: %v", mode, n, got)
			}
			if d.structure != before {
				t.Fatalf("%+v cut to %d bytes replaces the structure", mode, n)
			}
		}
	}
}

// What no field of AV1 can name is refused, as are more templates than there are ids.
func TestDependenciesLimits(t *testing.T) {
	head := "1 1 000000 0000000000000000 1 0 0 0 0 000000 00000 "
	many := func(layer string, n int) string {
		s := head
		for range n {
			s += layer
		}
		return bitString(s+"11") + "00000000000000000000000000000000"
	}
	for _, tt := range []struct {
		name, hex string
		want      Reading
	}{
		{"4 spatial layers", many("10", 3), Renewed},
		{"5 spatial layers", many("10", 4), Unreadable},
		{"8 temporal layers", many("01", 7), Renewed},
		{"9 temporal layers", many("01", 8), Unreadable},
		{"64 templates", many("00", 63) + "00000000000000000000000000000000", Renewed},
		{"65 templates", many("00", 64) + "00000000000000000000000000000000", Unreadable},
	} {
		var d Dependencies
		if got := d.Read(unhex(t, tt.hex), new(rtp.Frame)); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

func TestDependenciesAnything(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var d Dependencies
		for _, b := range rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 60), 1, 4).Draw(rt, "descriptors") {
			readAnything(rt, &d, b)
		}
	})
}

// readAnything reads a descriptor and checks what must hold of any.
func readAnything(t interface{ Fatalf(string, ...any) }, d *Dependencies, b []byte) {
	before := *d
	f := rtp.Frame{PictureID: 77}
	switch got := d.Read(b, &f); {
	case got == Unreadable && (f != rtp.Frame{PictureID: 77}):
		t.Fatalf("%x is unreadable and says %+v", b, f)
	case got != Renewed && (d.structure != before.structure || d.table != before.table) && len(b) <= 3:
		t.Fatalf("%x changed the structure", b)
	case got != Unreadable && (f.Spatial > maxSpatialID || f.Temporal > maxTemporalID || f.PictureID != 77):
		t.Fatalf("%x says %+v", b, f)
	}
}

func FuzzDependencies(f *testing.F) {
	for _, mode := range modes {
		e := scalable.Encoder{Mode: mode}
		key := e.Picture(true, 1)
		delta := e.Picture(false, 1)
		f.Add(key[0].Descriptor, delta[len(delta)-1].Descriptor)
	}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		var d Dependencies
		readAnything(t, &d, first)
		readAnything(t, &d, second)
	})
}

func TestDependenciesAllocateNothing(t *testing.T) {
	e := scalable.Encoder{Mode: scalable.Mode{Spatial: 3, Temporal: 3}}
	key, delta := e.Picture(true, 1)[0].Descriptor, e.Picture(false, 1)[1].Descriptor
	var d Dependencies
	var f rtp.Frame
	if n := testing.AllocsPerRun(100, func() {
		if d.Read(key, &f) != Renewed || d.Read(delta, &f) != Understood || f.Spatial != 1 {
			t.Fatal("misread")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkDependencies(b *testing.B) {
	e := scalable.Encoder{Mode: scalable.Mode{Spatial: 3, Temporal: 3}}
	key, delta := e.Picture(true, 1)[0].Descriptor, e.Picture(false, 1)[1].Descriptor
	var d Dependencies
	var f rtp.Frame
	d.Read(key, &f)
	b.ReportAllocs()
	for b.Loop() {
		d.Read(delta, &f)
	}
}
