package socket

import (
	"net/netip"
	"testing"
)

func TestStrangersAreCountedBySite(t *testing.T) {
	s := strangers{limit: 2}
	tests := []struct {
		ip   string
		want bool
	}{
		{"192.0.2.1", true},
		{"192.0.2.1", true},
		{"192.0.2.1", false},
		{"::ffff:192.0.2.1", false}, // the same host
		{"192.0.2.2", true},
		{"2001:db8:0:1::1", true},
		{"2001:db8:0:1::2", true},
		{"2001:db8:0:1:ffff::3", false}, // a /64 is one site
		{"2001:db8:0:2::1", true},
		{"fe80::1%1", true},
		{"fe80::1%2", true}, // zones do not multiply
		{"fe80::1%3", false},
	}
	for _, tt := range tests {
		if got := s.enter(netip.MustParseAddr(tt.ip)); got != tt.want {
			t.Errorf("%s: enter = %v, want %v", tt.ip, got, tt.want)
		}
	}
	for _, tt := range tests {
		if tt.want {
			s.leave(netip.MustParseAddr(tt.ip))
		}
	}
	if len(s.counts) != 0 {
		t.Errorf("left behind: %v", s.counts)
	}
	if !s.enter(netip.MustParseAddr("192.0.2.1")) {
		t.Error("a place that was given back is not free")
	}
}
