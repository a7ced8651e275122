package stun

import (
	"bytes"
	"net/netip"
	"testing"
)

// The responses of RFC 5769, but with padding of zeroes, and so with other seals.
func TestBuildGolden(t *testing.T) {
	k := NewIntegrity([]byte(rfc5769Password))
	for _, test := range []struct {
		name  string
		build func(w *Builder)
		class Class
		want  string
	}{
		{
			"header alone", func(w *Builder) {}, Indication,
			`00110000 2112a442 b7e7a701 bc34d686 fa87dfae`,
		},
		{
			"IPv4", func(w *Builder) {
				w.AddXORAddress(AttrXORMappedAddress, netip.MustParseAddrPort("192.0.2.1:32853"))
			}, SuccessResponse,
			`0101000c 2112a442 b7e7a701 bc34d686 fa87dfae
			 00200008 0001a147 e112a643`,
		},
		{
			"IPv6", func(w *Builder) {
				w.AddXORAddress(AttrXORMappedAddress, netip.MustParseAddrPort("[2001:db8:1234:5678:11:2233:4455:6677]:32853"))
			}, SuccessResponse,
			`01010018 2112a442 b7e7a701 bc34d686 fa87dfae
			 00200014 0002a147 0113a9fa a5d3f179 bc25f4b5 bed2b9d9`,
		},
		{
			"error", func(w *Builder) {
				w.AddErrorCode(CodeUnknownAttribute, "Hm")
				w.AddUnknownAttributes([]AttributeType{0x0002, 0x7fff, 0x0026})
			}, ErrorResponse,
			`01110018 2112a442 b7e7a701 bc34d686 fa87dfae
			 00090006 00000414 486d0000
			 000a0006 00027fff 00260000`,
		},
		{
			"the request of RFC 5769 section 2.1", func(w *Builder) {
				w.AddString(AttrSoftware, "STUN test client")
				w.AddUint32(AttrPriority, 0x6e0001ff)
				w.AddUint64(AttrICEControlled, 0x932ff9b151263b36)
				w.Add(AttrUsername, []byte("evtj:h6vY"))
			}, Request,
			`00010038 2112a442 b7e7a701 bc34d686 fa87dfae
			 80220010 5354554e 20746573 7420636c 69656e74
			 00240004 6e0001ff
			 80290008 932ff9b1 51263b36
			 00060009 6576746a 3a683676 59000000`,
		},
		{
			"sealed (seals computed with Python's hmac and zlib)", func(w *Builder) {
				w.Add(AttrUseCandidate, nil)
				w.AddIntegrity(k)
				w.AddFingerprint()
			}, Request,
			`00010024 2112a442 b7e7a701 bc34d686 fa87dfae
			 00250000
			 00080014 a6d407de 2dad9c14 b23abc8f b8477275 cdd0894a
			 80280004 000f042d`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := bytes.Repeat([]byte{0xee}, 200) // what lies in a slot from before
			w := Build(b, test.class, Binding, testID)
			test.build(&w)
			want := bytesOf(t, test.want)
			if got := b[:w.Finish()]; !bytes.Equal(got, want) {
				t.Fatalf("built\n%x, want\n%x", got, want)
			}
			for _, rest := range b[len(want):] {
				if rest != 0xee {
					t.Fatal("wrote beyond the message")
				}
			}
		})
	}
}

// Finish is 0 for each buffer too small, whichever attribute it was that did not fit.
func TestBuildIntoEverySize(t *testing.T) {
	k := NewIntegrity([]byte("secret"))
	build := func(b []byte) int {
		w := Build(b, SuccessResponse, Binding, testID)
		w.AddXORAddress(AttrXORMappedAddress, netip.MustParseAddrPort("[2001:db8::1]:1"))
		w.AddErrorCode(CodeBadRequest, "no")
		w.AddUnknownAttributes([]AttributeType{1})
		w.AddString(AttrSoftware, "five5")
		w.Add(AttrUsername, []byte("u"))
		w.AddUint32(AttrPriority, 1)
		w.AddUint64(AttrICEControlling, 1)
		w.AddIntegrity(k)
		w.AddFingerprint()
		return w.Finish()
	}
	size := build(make([]byte, 1500))
	if size == 0 {
		t.Fatal("not built")
	}
	for n := range size + 1 {
		b := bytes.Repeat([]byte{0xee}, size+1)
		got := build(b[:n:n])
		if want := map[bool]int{true: size}[n == size]; got != want {
			t.Errorf("into %d bytes: %d, want %d", n, got, want)
		}
		if got != 0 && !k.Check(mustParse(t, b[:got])) {
			t.Errorf("into %d bytes: integrity is not valid", n)
		}
	}
}

// The length field has 16 bits.
func TestBuildRefusesWhatTheLengthFieldCannotSay(t *testing.T) {
	b := make([]byte, 1<<18)
	for _, size := range []int{0xfff8, 0xfff9, 0xffff, 0x10000, 0x10003} {
		w := Build(b, Request, Binding, testID)
		w.Add(AttrSoftware, make([]byte, size))
		want := HeaderSize + attributeHeaderSize + size
		if padded(size)+attributeHeaderSize > 0xffff {
			want = 0
		}
		if got := w.Finish(); got != want {
			t.Errorf("an attribute of %d bytes: %d, want %d", size, got, want)
		}
	}
}
