package ortc

import (
	"regexp"
	"strconv"
	"testing"

	"gazpacho/proto"
)

func TestParseScalabilityMode(t *testing.T) {
	one := ScalabilityMode{1, 1, false}
	for mode, want := range map[string]ScalabilityMode{
		"L1T3": {1, 3, false}, "L3T3": {3, 3, false}, "L3T2_KEY": {3, 2, true}, "S2T3": {2, 3, false}, "L4T7_KEY_SHIFT": {4, 7, true},
		"L20T3": {20, 3, false}, "S200T3": one, "L1T123": {1, 12, false}, "L2T2h": {2, 2, false}, "L2T2_key": {2, 2, false},
		"": one, "L": one, "L1": one, "L1T": one, "T3": one, "LT3": one, "L0T3": one, "L1T0": one, "L01T3": one, "l1t3": one, "foo": one, " L1T3": one,
	} {
		if got := ParseScalabilityMode(mode); got != want {
			t.Errorf("%q: %+v, want %+v", mode, got, want)
		}
	}
}

func FuzzParseScalabilityMode(f *testing.F) {
	for _, mode := range []string{"L1T3", "S3T3_KEY", "L99T99h", "L3", "", "L٣T٣"} {
		f.Add(mode)
	}
	grammar := regexp.MustCompile(`^[LS]([1-9][0-9]?)T([1-9][0-9]?)(_KEY)?`)
	f.Fuzz(func(t *testing.T, mode string) {
		want := ScalabilityMode{1, 1, false}
		if m := grammar.FindStringSubmatch(mode); m != nil {
			want.SpatialLayers, _ = strconv.Atoi(m[1])
			want.TemporalLayers, _ = strconv.Atoi(m[2])
			want.KSVC = m[3] != ""
		}
		if got := ParseScalabilityMode(mode); got != want {
			t.Errorf("%q: %+v, want %+v", mode, got, want)
		}
		encodings := make([]proto.RTPEncodingParameters, 3)
		encodings[1].ScalabilityMode = mode
		if got, want := consumerScalabilityMode(encodings), "L3T"+strconv.Itoa(want.TemporalLayers); got != want {
			t.Errorf("%q: the consumer's is %s, want %s", mode, got, want)
		}
	})
}
