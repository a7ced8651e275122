package stun

import (
	"bytes"
	"crypto/md5"
	"net/netip"
	"testing"
)

// The vectors of RFC 5769. Their padding is not zero, on purpose: integrity and fingerprint cover it.
const (
	rfc5769Password = "VOkJxbRl1RmTxUk/WvJxBt"

	rfc5769Request = ` // section 2.1
		00010058 2112a442 b7e7a701 bc34d686 fa87dfae
		80220010 5354554e 20746573 7420636c 69656e74
		00240004 6e0001ff
		80290008 932ff9b1 51263b36
		00060009 6576746a 3a683676 59202020
		00080014 9aeaa70c bfd8cb56 781ef2b5 b2d3f249 c1b571a2
		80280004 e57a3bcf`

	rfc5769ResponseIPv4 = ` // section 2.2
		0101003c 2112a442 b7e7a701 bc34d686 fa87dfae
		8022000b 74657374 20766563 746f7220
		00200008 0001a147 e112a643
		00080014 2b91f599 fd9e90c3 8c7489f9 2af9ba53 f06be7d7
		80280004 c07d4c96`

	rfc5769ResponseIPv6 = ` // section 2.3
		01010048 2112a442 b7e7a701 bc34d686 fa87dfae
		8022000b 74657374 20766563 746f7220
		00200014 0002a147 0113a9fa a5d3f179 bc25f4b5 bed2b9d9
		00080014 a382954e 4be67bf1 1784c97c 8292c275 bfe3ed41
		80280004 c8fb0b4c`

	rfc5769LongTerm = ` // section 2.4
		00010060 2112a442 78ad3433 c6ad72c0 29da412e
		00060012 e3839ee3 8388e383 aae38383 e382afe3 82b90000
		0015001c 662f2f34 39396b39 35346436 4f4c3334 6f4c3946 53547679 36347341
		0014000b 6578616d 706c652e 6f726700
		00080014 f6702465 6dd64a3e 02b8e071 2e85c9a2 8ca89666`
)

// vector decodes a vector, whose first line names its section.
func vector(t testing.TB, text string) []byte {
	t.Helper()
	return bytesOf(t, text[bytes.IndexByte([]byte(text), '\n'):])
}

func TestRFC5769Request(t *testing.T) {
	m := mustParse(t, vector(t, rfc5769Request))
	if m.Class != Request || m.Method != Binding || m.TransactionID() != testID {
		t.Errorf("class %v, method %v, transaction %x", m.Class, m.Method, m.TransactionID())
	}
	if got := string(m.Value(AttrSoftware)); got != "STUN test client" {
		t.Errorf("SOFTWARE %q", got)
	}
	if got, ok := m.Priority(); got != 0x6e0001ff || !ok {
		t.Errorf("PRIORITY %#x, %v", got, ok)
	}
	if got, ok := m.Uint64(AttrICEControlled); got != 0x932ff9b151263b36 || !ok {
		t.Errorf("ICE-CONTROLLED %#x, %v", got, ok)
	}
	if got := string(m.Value(AttrUsername)); got != "evtj:h6vY" {
		t.Errorf("USERNAME %q", got)
	}
	if got := string(m.LocalUsername()); got != "evtj" {
		t.Errorf("the receiver's part of USERNAME is %q", got)
	}
	expectProof(t, m)
}

func TestRFC5769Responses(t *testing.T) {
	for _, test := range []struct{ name, text, address string }{
		{"IPv4", rfc5769ResponseIPv4, "192.0.2.1:32853"},
		{"IPv6", rfc5769ResponseIPv6, "[2001:db8:1234:5678:11:2233:4455:6677]:32853"},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := mustParse(t, vector(t, test.text))
			if m.Class != SuccessResponse || m.Method != Binding {
				t.Errorf("class %v, method %v", m.Class, m.Method)
			}
			if got := string(m.Value(AttrSoftware)); got != "test vector" {
				t.Errorf("SOFTWARE %q", got)
			}
			got, ok := m.XORAddress(AttrXORMappedAddress)
			if !ok || got != netip.MustParseAddrPort(test.address) {
				t.Errorf("XOR-MAPPED-ADDRESS %v, %v", got, ok)
			}
			expectProof(t, m)
		})
	}
}

// The key of long-term credentials is MD5(username ":" realm ":" password) (RFC 8489 section 9.2.2).
func TestRFC5769LongTermCredentials(t *testing.T) {
	m := mustParse(t, vector(t, rfc5769LongTerm))
	username, realm := string(m.Value(AttrUsername)), string(m.Value(AttrRealm))
	if username != "マトリックス" || realm != "example.org" {
		t.Errorf("USERNAME %q, REALM %q", username, realm)
	}
	if got := string(m.Value(AttrNonce)); got != "f//499k954d6OL34oL9FSTvy64sA" {
		t.Errorf("NONCE %q", got)
	}
	key := md5.Sum([]byte(username + ":" + realm + ":TheMatrIX"))
	if !NewIntegrity(key[:]).Check(m) {
		t.Error("integrity is not valid")
	}
	if m.CheckFingerprint() {
		t.Error("a message without FINGERPRINT passes the check")
	}
}

// expectProof expects integrity and fingerprint to be valid, and each single bit of the message to
// matter for them.
func expectProof(t *testing.T, m *Message) {
	t.Helper()
	k := NewIntegrity([]byte(rfc5769Password))
	if !k.Check(m) || !m.CheckFingerprint() {
		t.Fatalf("integrity %v, fingerprint %v", k.Check(m), m.CheckFingerprint())
	}
	if NewIntegrity([]byte(rfc5769Password + "x")).Check(m) {
		t.Error("integrity is valid under another password")
	}
	sealed := len(m.raw) - fingerprintSize - attributeHeaderSize
	for bit := range len(m.raw) * 8 {
		b := bytes.Clone(m.raw)
		b[bit/8] ^= 1 << (bit % 8)
		var broken Message
		if !broken.Parse(b) {
			continue
		}
		if broken.CheckFingerprint() {
			t.Errorf("fingerprint is valid with bit %d changed", bit)
		}
		if bit/8 < sealed && k.Check(&broken) {
			t.Errorf("integrity is valid with bit %d changed", bit)
		}
	}
}
