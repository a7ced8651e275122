package ortc

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"gazpacho/proto"
)

// spot is a place in a JSON tree: a key of an object or an index of a list.
type spot struct {
	set    func(v any)
	remove func()
}

// spots lists all places below v. A list is replaced in its parent when it shrinks.
func spots(v any, replace func(any)) []spot {
	found := []spot{}
	switch v := v.(type) {
	case object:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			put := func(value any) { v[key] = value }
			found = append(found, spot{put, func() { delete(v, key) }})
			found = append(found, spots(v[key], put)...)
		}
	case []any:
		for i := range v {
			put := func(value any) { v[i] = value }
			found = append(found, spot{put, func() { replace(slices.Delete(v, i, i+1)) }})
			found = append(found, spots(v[i], put)...)
		}
	}
	return found
}

// damage changes one place of a tree. It tells whether a value of another type was put there: mediasoup overlooks some
// of those, our decoder none.
func (g generator) damage(root object) (mistyped bool) {
	all := spots(root, func(any) {})
	if len(all) == 0 {
		return false
	}
	s := all[g.IntN(len(all))]
	switch g.IntN(3) {
	case 0:
		s.remove()
	case 1:
		s.set(nil)
	default:
		s.set(pick[any](g, 1, "x", true, object{}, []any{}, 1.5, -1, 1e12))
		return true
	}
	return false
}

// compareDamaged is compare for inputs that may be mistyped: then we may refuse what mediasoup lets pass, never the
// other way round.
func compareDamaged(t *testing.T, input object, mistyped bool, want answer, got any, err *proto.Error) (agreed bool) {
	t.Helper()
	if mistyped && err != nil && want.Error == "" {
		if err.Name != proto.TypeErrorName {
			t.Fatalf("%s: %v, want a TypeError", text(input), err)
		}
		return false
	}
	compare(t, input, want, got, err)
	return true
}

func TestValidateCapabilitiesAsMediasoup(t *testing.T) {
	o, g := newOracle(t), newGenerator(10)
	extensions := tree(t, object{"codecs": []any{}, "headerExtensions": supportedHeaderExtensions()}).(object)
	classes := map[string]int{}
	o.inquire(t, rounds, func() []question {
		caps := object{"codecs": g.mediaCodecs(), "headerExtensions": g.remote(extensions)["headerExtensions"]}
		mistyped := !g.oneIn(10) && g.damage(caps)
		got, err := DecodeRTPCapabilities([]byte(text(caps)))
		return []question{{"validateCapabilities", object{"caps": caps}, func(want answer) {
			if compareDamaged(t, caps, mistyped, want, got, err) {
				classes[want.Error]++
			}
		}}}
	})
	if classes[""] < 500 || classes["TypeError"] < 200 {
		t.Errorf("lopsided inputs: %v", classes)
	}
}

func TestValidateParametersAsMediasoup(t *testing.T) {
	o, g := newOracle(t), newGenerator(11)
	classes := map[string]int{}
	o.inquire(t, rounds, func() []question {
		params := g.parameters(pick(g, proto.Audio, proto.Video), g.mediaCodecs())
		mistyped := !g.oneIn(10) && g.damage(params)
		got, err := DecodeRTPParameters([]byte(text(params)))
		return []question{{"validateParameters", object{"params": params}, func(want answer) {
			if compareDamaged(t, params, mistyped, want, got, err) {
				classes[want.Error]++
			}
		}}}
	})
	if classes[""] < 500 || classes["TypeError"] < 200 {
		t.Errorf("lopsided inputs: %v", classes)
	}
}

// What validation fills in, it finds as it is the second time.
func TestValidateTwice(t *testing.T) {
	g := newGenerator(12)
	for range rounds / 5 {
		params, err := DecodeRTPParameters([]byte(text(g.parameters(proto.Video, g.mediaCodecs()))))
		if err != nil {
			continue
		}
		once, _ := json.Marshal(params)
		if err := ValidateRTPParameters(&params); err != nil {
			t.Fatalf("%v in %s", err, once)
		}
		if twice, _ := json.Marshal(params); string(once) != string(twice) {
			t.Fatalf("first  %s\nsecond %s", once, twice)
		}
	}
}
