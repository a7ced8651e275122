package rtp

import (
	"bytes"
	"testing"
)

func TestExtensionURIs(t *testing.T) {
	seen := map[string]bool{}
	for e := range NumExtensions {
		uri := e.String()
		if uri == "" || seen[uri] {
			t.Errorf("%d: URI %q", e, uri)
		}
		seen[uri] = true
		if got, ok := ExtensionOf(uri); !ok || got != e {
			t.Errorf("%q is %d, want %d", uri, got, e)
		}
	}
	if _, ok := ExtensionOf("urn:ietf:params:rtp-hdrext:smpte-tc"); ok {
		t.Error("found an extension nobody defined here")
	}
	if NumExtensions.String() != "unknown" {
		t.Error("the number of extensions is none")
	}
}

// withExtensions is a packet with an extension block of a profile.
func withExtensions(t *testing.T, profile, elements string) *Packet {
	t.Helper()
	block := unhex(t, elements)
	if len(block)%4 != 0 {
		t.Fatalf("%d bytes of elements", len(block))
	}
	raw := unhex(t, "90 60 0001 00000002 00000003"+profile+"0000")
	raw[15] = byte(len(block) / 4)
	p := &Packet{}
	if !p.Parse(append(append(raw, block...), 0xee, 0xee)) {
		t.Fatal("packet refused")
	}
	return p
}

func TestResolve(t *testing.T) {
	ids := &ExtensionIDs{ExtMID: 1, ExtRID: 2, ExtAudioLevel: 14, ExtTransportCC: 15, ExtDependencyDescriptor: 200}
	for _, c := range []struct {
		name, profile, elements string
		want                    map[Extension]string
	}{
		{
			"values of 1 and 16 bytes", "bede", "10aa 2f 000102030405060708090a0b0c0d0e0f00",
			map[Extension]string{ExtMID: "aa", ExtRID: "000102030405060708090a0b0c0d0e0f"},
		},
		// "The local identifiers 1-14 ... value 15 is reserved ... MUST be ignored ... processing of the entire
		// extension MUST terminate at that point" (RFC 8285 section 4.2).
		{"id 15 ends it", "bede", "10aa f0bb 20cc 0000", map[Extension]string{ExtMID: "aa"}},
		// "An element with an ID value equal to 0 MUST NOT have an associated length field greater than 0 ... processing of
		// the entire extension MUST terminate at that point" (section 4.2).
		{"id 0 with a length ends it", "bede", "10aa 01bb cc 20dd 00", map[Extension]string{ExtMID: "aa"}},
		{"padding in front and between", "bede", "0000 10aa 0000 20bb", map[Extension]string{ExtMID: "aa", ExtRID: "bb"}},
		{"value runs out of the block", "bede", "10aa 27bb", map[Extension]string{ExtMID: "aa"}},
		{"unknown id is skipped", "bede", "51ffff e0 07 0000 00", map[Extension]string{ExtAudioLevel: "07"}},
		{"first of two counts", "bede", "10aa 10bb", map[Extension]string{ExtMID: "aa"}},
		{
			"two bytes", "1000", "01 02 aabb  0f 02 1234  c8 00  00 02 01 cc 00 00",
			map[Extension]string{ExtMID: "aabb", ExtTransportCC: "1234", ExtDependencyDescriptor: "", ExtRID: "cc"},
		},
		{"two bytes with bits of the application", "100f", "0102aabb", map[Extension]string{ExtMID: "aabb"}},
		{"two bytes, length cut off", "1000", "01 01 aa 02", map[Extension]string{ExtMID: "aa"}},
		{"two bytes, value cut off", "1000", "01 01 aa 02 01 00 02 ff", map[Extension]string{ExtMID: "aa", ExtRID: "00"}},
		{"profile of somebody else", "1010", "0102aabb", nil},
		{"empty block", "bede", "", nil},
	} {
		p := withExtensions(t, c.profile, c.elements)
		p.Resolve(ids)
		for e := range NumExtensions {
			want, ok := c.want[e]
			got := p.Extension(e)
			if (got != nil) != ok || !bytes.Equal(got, unhex(t, want)) {
				t.Errorf("%s: %v is %x, want %q", c.name, e, got, want)
			}
		}
	}
}

func TestResolveAgainWithOtherIDs(t *testing.T) {
	p := withExtensions(t, "bede", "10aa 20bb")
	p.Resolve(&ExtensionIDs{ExtMID: 1, ExtRID: 2})
	p.Resolve(&ExtensionIDs{ExtMID: 2})
	if !bytes.Equal(p.Extension(ExtMID), []byte{0xbb}) || p.Extension(ExtRID) != nil {
		t.Errorf("MID %x, RID %x", p.Extension(ExtMID), p.Extension(ExtRID))
	}
	p.Resolve(nil)
	if p.Extension(ExtMID) != nil {
		t.Error("an extension without ids")
	}
	p.Resolve(nil)
}

func TestExtensionCannotBeAppendedTo(t *testing.T) {
	p := withExtensions(t, "bede", "10aa 20bb")
	p.Resolve(&ExtensionIDs{ExtMID: 1})
	if v := p.Extension(ExtMID); cap(v) != 1 {
		t.Errorf("room for %d bytes", cap(v))
	}
}
