package proto

import "testing"

func TestCodecParametersInteger(t *testing.T) {
	tests := []struct {
		value any
		want  int
		ok    bool
	}{
		{97.0, 97, true},
		{float32(97), 97, true},
		{97, 97, true},
		{int8(97), 97, true},
		{int16(97), 97, true},
		{int32(97), 97, true},
		{int64(97), 97, true},
		{uint8(97), 97, true},
		{uint16(97), 97, true},
		{uint32(97), 97, true},
		{uint64(97), 97, true},
		{97.5, 97, false},
		{"97", 0, false},
		{nil, 0, false},
	}
	for _, tt := range tests {
		got, ok := CodecParameters{"apt": tt.value}.Integer("apt")
		if got != tt.want || ok != tt.ok {
			t.Errorf("%T %v: %d, %t, want %d, %t", tt.value, tt.value, got, ok, tt.want, tt.ok)
		}
	}
	if _, ok := CodecParameters(nil).Integer("apt"); ok {
		t.Error("an absent parameter is a number")
	}
}
