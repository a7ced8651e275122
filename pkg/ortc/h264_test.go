package ortc

import (
	"fmt"
	"testing"

	"gazpacho/proto"
)

// RFC 6184 section 8.1, table 5: which combinations of profile_idc and profile-iop are the same profile. With
// constraint_set3_flag, level_idc 11 is level 1b in the old ones (H.264 A.3.1).
func TestParseH264(t *testing.T) {
	for id, want := range map[string]h264Format{
		"42e01f": {constrainedBaseline, level31},
		"42E01F": {constrainedBaseline, level31},
		"42401f": {constrainedBaseline, level31},
		"4d801f": {constrainedBaseline, level31},
		"58c01f": {constrainedBaseline, level31},
		"42001f": {baseline, level31},
		"58801f": {baseline, level31},
		"4d001f": {main, level31},
		"4d401f": {main, level31},
		"64001f": {high, level31},
		"640c1f": {constrainedHigh, level31},
		"f4001f": {predictiveHigh444, level31},
		"42f00b": {constrainedBaseline, level1b},
		"42e00b": {constrainedBaseline, level11},
		"42100b": {baseline, level1b},
		"4d100b": {main, level1b},
		"42e00a": {constrainedBaseline, level1},
		"640034": {high, 52},
	} {
		if got, ok := parseH264(id); !ok || got != want {
			t.Errorf("%s: %v %t, want %v", id, got, ok, want)
		}
	}
	for _, id := range []string{
		"", "42e01", "42e01f0", "42e01g", " 42e01", "0x42e0", "000000", // not three bytes, or of no profile
		"42e000", "42e009", "42e00e", "42e0ff", "42e035", // no such level
		"6e001f", "7a001f", "58001f", "64101f", "f4801f", "42e11f", "64100b", // no profile that we tell apart
	} {
		if got, ok := parseH264(id); ok {
			t.Errorf("%q is taken for %v", id, got)
		}
	}
}

// All of the 2^24 ids with a profile_idc that anyone uses.
func TestH264FormatsAsMediasoup(t *testing.T) {
	idcs := []int{0x00, 0x42, 0x4d, 0x58, 0x64, 0x6e, 0x7a, 0xf4, 0xff}
	got := object{}
	for _, idc := range idcs {
		for low := range 1 << 16 {
			id := fmt.Sprintf("%02x%04x", idc, low)
			if format, ok := parseH264(id); ok {
				got[id] = format.String()
			}
		}
	}
	if len(got) < 500 {
		t.Errorf("only %d ids mean something", len(got))
	}
	compare(t, idcs, newOracle(t).ask(t, "h264Formats", object{"idcs": idcs}), got, nil)
}

// What is written means what was read.
func TestH264Canonical(t *testing.T) {
	for profile := constrainedBaseline; profile <= predictiveHigh444; profile++ {
		for _, level := range append(h264Levels[:], level1b) {
			if level == level1b && profile > main {
				continue // these have level_idc 9 for it, which no browser knows
			}
			format := h264Format{profile, level}
			if got, ok := parseH264(format.String()); !ok || got != format {
				t.Errorf("%v is written as %s, which means %v", format, format, got)
			}
		}
	}
}

func params(keysAndValues ...any) proto.CodecParameters {
	p := proto.CodecParameters{}
	for i := 0; i < len(keysAndValues); i += 2 {
		p[keysAndValues[i].(string)] = keysAndValues[i+1]
	}
	return p
}

func TestSameH264Profile(t *testing.T) {
	for _, c := range []struct {
		a, b any
		want bool
	}{
		{"42e01f", "42e034", true},
		{"42e01f", "4d8015", true}, // Constrained Baseline, twice
		{"42e01f", "42001f", false},
		{"64001f", "640c1f", false},
		{"42e01f", nil, true}, // what browsers mean by nothing
		{nil, nil, true},
		{"", "42e01f", true},
		{0, "42e01f", true},
		{"42001f", nil, false},
		{"zzzzzz", "zzzzzz", false}, // nobody knows whether they are
		{420010, 420010, false},     // a string is mandatory: see mediasoup-client, which takes care to send one
	} {
		a, b := params(profileLevelID, c.a), params(profileLevelID, c.b)
		if got := sameH264Profile(a, b); got != c.want {
			t.Errorf("%v and %v: %t", c.a, c.b, got)
		}
		if got := sameH264Profile(b, a); got != c.want {
			t.Errorf("%v and %v: %t", c.b, c.a, got)
		}
	}
}

// RFC 6184 section 8.2.2: the level of an answer is equal to or lower than that of the offer, unless
// level-asymmetry-allowed is 1 in both. mediasoup is wrong where the offer has 1b: it takes all levels above 1 for lower.
func TestAnswerH264(t *testing.T) {
	for _, c := range []struct{ ours, offer, same, asymmetric string }{
		{"42e01f", "42e01f", "42e01f", "42e01f"},
		{"42e034", "42e01f", "42e01f", "42e034"},
		{"42e01f", "42e034", "42e01f", "42e01f"},
		{"4d8028", "42e01f", "42e01f", "42e028"}, // in the usual spelling
		{"42e01f", "", "42e01f", "42e01f"},
		{"", "42e00a", "42e00a", "42e01f"},
		{"", "", "", ""},
		// 1b lies between 1 and 1.1 (H.264 table A-1).
		{"42f00b", "42e00b", "42f00b", "42f00b"},
		{"42e00b", "42f00b", "42f00b", "42e00b"},
		{"42e00a", "42f00b", "42e00a", "42e00a"},
		{"42f00b", "42e00a", "42e00a", "42f00b"},
		{"42e01f", "42f00b", "42f00b", "42e01f"},
	} {
		ours, offer := params(profileLevelID, c.ours), params(profileLevelID, c.offer)
		if got := answerH264(ours, offer); got != c.same {
			t.Errorf("%s answers %s by %q, want %q", c.ours, c.offer, got, c.same)
		}
		ours[levelAsymmetryAllowed] = 1.0
		if got := answerH264(ours, offer); got != c.same {
			t.Errorf("%s answers %s by %q when only one side allows asymmetry, want %q", c.ours, c.offer, got, c.same)
		}
		offer[levelAsymmetryAllowed] = "1"
		if got := answerH264(ours, offer); got != c.asymmetric {
			t.Errorf("%s answers %s by %q with asymmetry, want %q", c.ours, c.offer, got, c.asymmetric)
		}
	}
	if got := answerH264(params(profileLevelID, "42e01f"), params(profileLevelID, "zzzzzz")); got != "" {
		t.Errorf("an offer of nonsense is answered by %q", got)
	}
}

func TestAnswerH264AsMediasoup(t *testing.T) {
	o, g := newOracle(t), newGenerator(20)
	answered := 0
	o.inquire(t, rounds, func() []question {
		input := object{"ours": g.h264(), "offer": g.h264()}
		ours, offer := into[proto.CodecParameters](t, input["ours"]), into[proto.CodecParameters](t, input["offer"])
		var got any
		if sameH264Profile(ours, offer) {
			answered++
			got = object{}
			if id := answerH264(ours, offer); id != "" {
				got = object{"id": id}
			}
		}
		return []question{{"h264Answer", input, func(want answer) { compare(t, input, want, got, nil) }}}
	})
	if answered < 500 || answered > rounds-100 {
		t.Errorf("%d of %d inputs are alike", answered, rounds)
	}
}
