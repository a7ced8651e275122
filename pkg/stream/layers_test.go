package stream

import (
	"regexp"
	"strconv"
	"testing"
)

// modes is the pattern by which mediasoup's libraries read scalability modes.
var modes = regexp.MustCompile(`^[LS]([1-9]\d?)T([1-9]\d?)(_KEY)?`)

func byPattern(mode string) Layers {
	m := modes.FindStringSubmatch(mode)
	if m == nil {
		return Layers{1, 1}
	}
	spatial, _ := strconv.Atoi(m[1])
	temporal, _ := strconv.Atoi(m[2])
	return Layers{spatial, temporal}
}

func TestParseScalabilityMode(t *testing.T) {
	tests := []struct {
		mode string
		want Layers
	}{
		{"", Layers{1, 1}},
		{"L1T1", Layers{1, 1}},
		{"L1T3", Layers{1, 3}},
		{"L3T3_KEY", Layers{3, 3}},
		{"S2T1", Layers{2, 1}},
		{"L12T34", Layers{12, 34}},
		{"L123T4", Layers{1, 1}},
		{"L0T1", Layers{1, 1}},
		{"L1T0", Layers{1, 1}},
		{"l1t2", Layers{1, 1}},
		{"L2T", Layers{1, 1}},
		{"L2", Layers{1, 1}},
		{"T2", Layers{1, 1}},
		{"L2T3h", Layers{2, 3}},
		{"L1T123", Layers{1, 12}},
		{"L10T1", Layers{10, 1}},
		{"S99T99", Layers{99, 99}},
		{"L٣T1", Layers{1, 1}},
	}
	for _, tt := range tests {
		if got := ParseScalabilityMode(tt.mode); got != tt.want {
			t.Errorf("%q: %v, want %v", tt.mode, got, tt.want)
		}
	}
}

func FuzzParseScalabilityMode(f *testing.F) {
	for _, mode := range []string{"L1T3", "S3T3_KEY", "L10T01", "L1T", "L99T999", "L1T1h"} {
		f.Add(mode)
	}
	f.Fuzz(func(t *testing.T, mode string) {
		if got, want := ParseScalabilityMode(mode), byPattern(mode); got != want {
			t.Errorf("%q: %v, want %v", mode, got, want)
		}
	})
}
