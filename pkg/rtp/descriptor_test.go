package rtp

import (
	"bytes"
	"testing"
)

// A descriptor of one's own stands for the source's, whatever form its size needs.
func TestDescriptorOfOnesOwn(t *testing.T) {
	ids := ExtensionIDs{ExtDependencyDescriptor: 7, ExtVideoOrientation: 8}
	source := received(t, map[Extension][]byte{ExtDependencyDescriptor: {1, 2, 3}, ExtVideoOrientation: {9}})
	for _, own := range [][]byte{nil, {4}, {4, 5, 6, 7, 8}, bytes.Repeat([]byte{4}, 16), bytes.Repeat([]byte{4}, 17), bytes.Repeat([]byte{4}, MaxDescriptorSize)} {
		h := Header{IDs: &ids, Source: source, Descriptor: own}
		dst := make([]byte, MaxHeaderSize)
		n, _ := h.Put(dst, Stamp{})
		var p Packet
		if !p.Parse(dst[:n]) {
			t.Fatalf("%x is no packet", dst[:n])
		}
		p.Resolve(&ids)
		want := own
		if own == nil {
			want = []byte{1, 2, 3}
		}
		if got := p.Extension(ExtDependencyDescriptor); !bytes.Equal(got, want) || !bytes.Equal(p.Extension(ExtVideoOrientation), []byte{9}) {
			t.Errorf("%x, want %x", got, want)
		}
	}
	// There is none where the source has none.
	h := Header{IDs: &ids, Source: received(t, map[Extension][]byte{ExtVideoOrientation: {9}}), Descriptor: []byte{4}}
	dst := make([]byte, MaxHeaderSize)
	n, _ := h.Put(dst, Stamp{})
	if bytes.Contains(dst[:n], []byte{4}) {
		t.Errorf("%x", dst[:n])
	}
}
