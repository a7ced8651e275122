package main

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
)

func TestPublic(t *testing.T) {
	for text, want := range map[string]bool{
		"8.8.8.8": true, "1.1.1.1": true, "172.15.255.255": true, "172.32.0.0": true, "100.63.255.255": true, "100.128.0.0": true, "11.0.0.1": true, "192.167.255.255": true,
		"2606:4700::1111": true, "2001:4860::8888": true, "::ffff:8.8.8.8": true, "198.20.0.1": true, "192.0.3.1": true,
		// RFC 1918 and RFC 4193.
		"10.0.0.1": false, "172.16.0.1": false, "172.31.255.255": false, "192.168.1.1": false, "fc00::1": false, "fd00::2": false, "::ffff:10.0.0.1": false,
		// RFC 6598, RFC 5737, RFC 3849, RFC 9637, RFC 2544, RFC 5180.
		"100.64.0.1": false, "100.127.255.255": false, "192.0.2.2": false, "198.51.100.1": false, "203.0.113.5": false, "2001:db8::1": false, "3fff::1": false, "198.18.0.1": false,
		"198.19.255.255": false, "2001:2::1": false,
		"127.0.0.1": false, "127.9.9.9": false, "::1": false, "169.254.1.1": false, "fe80::1": false, "fe80::1%eth0": false, "0.0.0.0": false, "::": false, "224.0.0.1": false,
		"ff02::1": false, "255.255.255.255": false, "240.0.0.1": false, "0.1.2.3": false, "192.0.0.8": false,
	} {
		if got := public(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
	if public(netip.Addr{}) {
		t.Error("no address is public")
	}
}

// Without tokens the start stops where the internet could reach it, and names the address and the ways out.
func TestOpenOnPublicAddresses(t *testing.T) {
	private, reachable := []string{"127.0.0.1", "10.0.0.7", "fe80::1", "192.0.2.2"}, []string{"127.0.0.1", "10.0.0.7", "9.9.9.9", "2606:4700::1"}
	for _, tt := range []struct {
		listen     string
		interfaces []string
		announced  string
		want       string // of the error, or ""
	}{
		{":4443", private, "", ""},
		{":4443", reachable, "", "--listen: the whole internet could reach 9.9.9.9, an address of this machine,"},
		{"0.0.0.0:4443", reachable, "", "--listen: the whole internet could reach 9.9.9.9"},
		{"[::]:4443", reachable[3:], "", "--listen: the whole internet could reach 2606:4700::1"},
		{"10.0.0.7:4443", reachable, "", ""},
		{"127.0.0.1:4443", reachable, "", ""},
		{"[::1]:4443", reachable, "", ""},
		{"localhost:4443", reachable, "", ""},
		{"9.9.9.9:4443", nil, "", "--listen: the whole internet could reach 9.9.9.9, where it listens,"},
		{"[2606:4700::1]:4443", nil, "", "--listen: the whole internet could reach 2606:4700::1"},
		{"localhost:4443", private, "203.0.113.5", ""},
		{"localhost:4443", private, "10.0.0.1", ""},
		{"localhost:4443", private, "sfu.example", ""},
		{"localhost:4443", private, "8.8.8.8", "--announced-address: the whole internet could reach 8.8.8.8, where clients are told to come,"},
		{"a..b:4443", private, "", "--listen: lookup a..b"},
	} {
		cfg := testConfig(t)
		cfg.Listen, cfg.Interfaces = tt.listen, addresses(tt.interfaces, nil)
		if tt.announced != "" {
			cfg.AnnouncedAddresses = []string{tt.announced}
		}
		_, err := cfg.check()
		if tt.want == "" {
			if err != nil {
				t.Errorf("%+v: %v", tt, err)
			}
			continue
		}
		if err == nil || !strings.HasPrefix(err.Error(), tt.want) || exitCode(err) != exitSettings {
			t.Errorf("%+v: %v", tt, err)
			continue
		}
		if strings.Contains(err.Error(), "lookup") {
			continue
		}
		for _, way := range []string{"auth-secret", "localhost", "--insecure-open"} {
			if !strings.Contains(err.Error(), way) {
				t.Errorf("%v does not tell of %s", err, way)
			}
		}
		// Each of the ways is one.
		open, guarded := cfg, cfg
		open.InsecureOpen = true
		guarded.AuthSecret = strings.Repeat("x", 32)
		for _, c := range []config{open, guarded} {
			if _, err := c.check(); err != nil {
				t.Errorf("%+v: %v", tt, err)
			}
		}
	}
	cfg := testConfig(t)
	cfg.Listen, cfg.Interfaces = ":4443", addresses(nil, errors.New("no interfaces"))
	if _, err := cfg.check(); err == nil || !strings.Contains(err.Error(), "no interfaces") {
		t.Errorf("%v", err)
	}
}

func addresses(texts []string, err error) func() ([]netip.Addr, error) {
	return func() ([]netip.Addr, error) {
		var list []netip.Addr
		for _, text := range texts {
			list = append(list, netip.MustParseAddr(text))
		}
		return list, err
	}
}

func TestInterfaces(t *testing.T) {
	list, err := interfaces()
	if err != nil || len(list) == 0 {
		t.Fatalf("%v, %v", list, err)
	}
	for _, a := range list {
		if !a.IsValid() {
			t.Error(list)
		}
	}
}
