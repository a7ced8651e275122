package limit

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

func TestClientIP(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:ffff::/48"), netip.MustParsePrefix("127.0.0.1/32")}
	for _, tt := range []struct {
		remote    string
		forwarded []string // one for each header
		want      string
	}{
		{"192.0.2.1:5000", nil, "192.0.2.1"},
		{"[2001:db8::1]:5000", nil, "2001:db8::1"},
		{"[fe80::1%eth0]:5000", nil, "fe80::1"},
		{"[::ffff:192.0.2.1]:5000", nil, "192.0.2.1"},
		{"192.0.2.1:5000", []string{"198.51.100.7"}, "192.0.2.1"}, // anybody can write that
		{"10.0.0.1:5000", nil, "10.0.0.1"},
		{"[::ffff:10.0.0.1]:5000", []string{"198.51.100.7"}, "198.51.100.7"},
		{"10.0.0.1:5000", []string{"198.51.100.7"}, "198.51.100.7"},
		{"10.0.0.1:5000", []string{" 198.51.100.7 "}, "198.51.100.7"},
		{"10.0.0.1:5000", []string{"::ffff:198.51.100.7"}, "198.51.100.7"},
		{"10.0.0.1:5000", []string{"198.51.100.7:1234"}, "198.51.100.7"},
		{"10.0.0.1:5000", []string{"[2001:db8::7]:1234"}, "2001:db8::7"},
		{"10.0.0.1:5000", []string{"[2001:db8::7]"}, "2001:db8::7"},
		// The left ones are what the client wrote.
		{"10.0.0.1:5000", []string{"1.1.1.1, 198.51.100.7"}, "198.51.100.7"},
		{"10.0.0.1:5000", []string{"1.1.1.1", "198.51.100.7"}, "198.51.100.7"},
		{"10.0.0.1:5000", []string{"nonsense, 198.51.100.7"}, "198.51.100.7"},
		// Proxies behind proxies.
		{"10.0.0.1:5000", []string{"1.1.1.1, 198.51.100.7, 10.9.9.9, 2001:db8:ffff::1"}, "198.51.100.7"},
		{"10.0.0.1:5000", []string{"198.51.100.7, 10.9.9.9", "10.8.8.8"}, "198.51.100.7"},
		{"10.0.0.1:5000", []string{"10.1.1.1, 10.2.2.2"}, "10.1.1.1"}, // one of the proxies asks for itself
		// What a proxy would not write.
		{"10.0.0.1:5000", []string{""}, "10.0.0.1"},
		{"10.0.0.1:5000", []string{"198.51.100.7,"}, "10.0.0.1"},
		{"10.0.0.1:5000", []string{"198.51.100.7, unknown"}, "10.0.0.1"},
		{"10.0.0.1:5000", []string{"198.51.100.7, x, 10.2.2.2"}, "10.0.0.1"},
		{"10.0.0.1:5000", []string{"198.51.100.256"}, "10.0.0.1"},
		{"10.0.0.1:5000", []string{"fe80::1%eth0"}, "10.0.0.1"},
		{"10.0.0.1:5000", []string{strings.Repeat(",", 5000)}, "10.0.0.1"},
		{"@", []string{"198.51.100.7"}, "invalid IP"},
		{"", nil, "invalid IP"},
	} {
		r := &http.Request{RemoteAddr: tt.remote, Header: http.Header{}}
		for _, f := range tt.forwarded {
			r.Header.Add("X-Forwarded-For", f)
		}
		if got := ClientIP(r, trusted).String(); got != tt.want {
			t.Errorf("%s, forwarded for %.60q: %s, want %s", tt.remote, tt.forwarded, got, tt.want)
		}
		if got, want := Forwarded(r, trusted), strings.Contains(tt.remote, "10."); got != want {
			t.Errorf("%s is a proxy: %t", tt.remote, got)
		}
	}
}

// FuzzClientIP: whatever the header says, the answer is an address that stands in it, or the socket's.
func FuzzClientIP(f *testing.F) {
	for _, seed := range []string{"198.51.100.7", "1.1.1.1, [2001:db8::1]:80, 10.0.0.9", ",,", "[::", "::ffff:1.2.3.4%x"} {
		f.Add(seed)
	}
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	f.Fuzz(func(t *testing.T, text string) {
		r := &http.Request{RemoteAddr: "10.0.0.1:1", Header: http.Header{"X-Forwarded-For": {text}}}
		got := ClientIP(r, trusted)
		if !got.IsValid() || got.Zone() != "" || got.Is4In6() {
			t.Fatalf("%q: %v", text, got)
		}
		if got == addr("10.0.0.1") {
			return
		}
		for entry := range strings.SplitSeq(text, ",") {
			if a, ok := hopOf(entry); ok && a == got {
				return
			}
		}
		t.Fatalf("%q does not have %v", text, got)
	})
}
