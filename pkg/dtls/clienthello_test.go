package dtls

import (
	"bytes"
	"slices"
	"testing"

	pion "github.com/pion/dtls/v2"
)

func TestChoose(t *testing.T) {
	with := func(change func(h *helloSpec)) helloSpec {
		h := goodHello()
		change(&h)
		return h
	}
	tests := []struct {
		name     string
		hello    helloSpec
		profile  Profile
		why      Drop
		chacha20 bool
	}{
		{"good", goodHello(), AEADAES128GCM, passed, true},
		{"GCM alone", with(func(h *helloSpec) { h.suites = []uint16{suiteGCM128} }), AEADAES128GCM, passed, false},
		{"RSA suites alone", with(func(h *helloSpec) { h.suites = []uint16{0xc02f, 0xcca8, 0x009c} }), 0, DropHelloSuite, false},
		{"NULL suites alone", with(func(h *helloSpec) { h.suites = []uint16{0, 1, 2, 0xc006} }), 0, DropHelloSuite, false},
		{"no suites", with(func(h *helloSpec) { h.suites = nil }), 0, DropHelloSuite, false},
		{"CBC and CCM", with(func(h *helloSpec) { h.suites = []uint16{0xc00a, 0xc0ac, 0xc0ae} }), 0, DropHelloSuite, false},
		{"DTLS 1.0", with(func(h *helloSpec) { h.version = version10 }), 0, DropHelloVersion, true},
		{"1.2 and 1.3", with(func(h *helloSpec) { h.versions = []uint16{0xfefc, version12} }), AEADAES128GCM, passed, true},
		{"1.3 alone", with(func(h *helloSpec) { h.versions = []uint16{0xfefc} }), 0, DropHelloVersion, true},
		{"no groups", with(func(h *helloSpec) { h.groups = nil }), 0, DropHelloGroup, true},
		{"foreign groups", with(func(h *helloSpec) { h.groups = []uint16{0x11ec, 30} }), 0, DropHelloGroup, true},
		{"P-384", with(func(h *helloSpec) { h.groups = []uint16{groupP384} }), AEADAES128GCM, passed, true},
		{"P-256", with(func(h *helloSpec) { h.groups = []uint16{groupP256} }), AEADAES128GCM, passed, true},
		{"no use_srtp", with(func(h *helloSpec) { h.profiles = nil }), 0, DropHelloSRTP, true},
		{"empty use_srtp", with(func(h *helloSpec) { h.profiles = []uint16{} }), 0, DropHelloSRTP, true},
		{"foreign profiles", with(func(h *helloSpec) { h.profiles = []uint16{5, 6} }), 0, DropHelloSRTP, true},
		{"CM", with(func(h *helloSpec) { h.profiles = []uint16{2, 1} }), AES128CMHMACSHA180, passed, true},
		{"ML-KEM share", with(func(h *helloSpec) { h.pad = 1216 }), AEADAES128GCM, passed, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			raw := tt.hello.marshal()
			h, ok := parseClientHello(raw)
			if !ok {
				t.Fatal("does not parse")
			}
			profile, why := h.choose(DefaultProfiles())
			if profile != tt.profile || why != tt.why || h.chacha20 != tt.chacha20 {
				t.Errorf("%v, %v, ChaCha20 %v, want %v, %v, %v", profile, why, h.chacha20, tt.profile, tt.why, tt.chacha20)
			}
			if !bytes.Equal(h.random[:], slices.Repeat([]byte{7}, 32)) {
				t.Errorf("random %x", h.random)
			}
			// What we find acceptable, the library must be able to read.
			if why == passed && !parses(raw) {
				t.Error("the library does not parse it")
			}
		})
	}
}

func TestMalformedClientHello(t *testing.T) {
	good := goodHello().marshal()
	for n := range good {
		if _, ok := parseClientHello(good[:n]); ok {
			t.Errorf("parsed without its last %d bytes", len(good)-n)
		}
	}
	if _, ok := parseClientHello(append(slices.Clone(good), 0)); ok {
		t.Error("parsed with a byte too many")
	}
	// RFC 5246 section 7.4.1.4: "There MUST NOT be more than one extension of the same type."
	srtp := []byte{0, 14, 0, 5, 0, 2, 0, 7, 0}
	twice := append(slices.Clone(good), srtp...)
	at := bytes.Index(good, []byte{0, 14, 0, 9}) // use_srtp of goodHello, the last extension
	lengthAt := at - (2 + 2 + 2 + 4) - 2         // before supported_groups
	twice[lengthAt+1] += byte(len(srtp))
	putUint24(twice[1:], len(twice)-handshakeHeader)
	if _, ok := parseClientHello(twice); ok {
		t.Error("parsed with two use_srtp")
	}
	once := slices.Clone(twice)
	once[len(once)-len(srtp)+1] = 99 // the second one is of another type
	if _, ok := parseClientHello(once); !ok {
		t.Error("the test above tests something else")
	}
}

// The library's own ClientHello, whose layout is not ours.
func TestParsesTheLibrarysClientHello(t *testing.T) {
	w := newWorld(t)
	got := make(chan []byte, 1)
	w.toUs = func(b []byte) [][]byte {
		select {
		case got <- b:
		default:
		}
		return nil
	}
	p := w.connect(Server, peerConfig{gcm: true, profiles: []pion.SRTPProtectionProfile{cm80, gcm256}})
	raw := (<-got)[recordHeader:]
	h, ok := parseClientHello(raw)
	if !ok || h.chacha20 || !h.gcm128 || !h.version || !h.group {
		t.Errorf("%+v, %v", h, ok)
	}
	if profile, why := h.choose(DefaultProfiles()); profile != AEADAES256GCM || why != passed {
		t.Errorf("%v, %v", profile, why)
	}
	p.close()
	w.loop.close()
}
