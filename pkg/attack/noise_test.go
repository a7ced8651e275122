package attack

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/pion/stun/v3"

	"gazpacho/proto"
)

// noise makes things that are not what they look like. The same seed makes the same ones.
type noise struct{ *rand.Rand }

func newNoise() noise { return noise{rand.New(rand.NewPCG(1, 2))} }

// bytes are n random ones that begin with first.
func (r noise) bytes(n int, first ...byte) []byte {
	b := make([]byte, max(n, len(first)))
	for i := 0; i+8 <= len(b); i += 8 {
		binary.LittleEndian.PutUint64(b[i:], r.Uint64())
	}
	copy(b, first)
	return b
}

// check is a connectivity check for a user, made with a guessed password.
func (r noise) check(t testing.TB, user string) []byte {
	t.Helper()
	m, err := stun.Build(stun.BindingRequest, stun.TransactionID, stun.NewUsername(user),
		stun.RawAttribute{Type: stun.AttrPriority, Value: []byte{1, 2, 3, 4}},
		stun.RawAttribute{Type: stun.AttrICEControlling, Value: make([]byte, 8)}, stun.RawAttribute{Type: stun.AttrUseCandidate},
		stun.NewShortTermIntegrity("a guess of twenty-two characters"), stun.Fingerprint)
	if err != nil {
		t.Fatal(err)
	}
	return m.Raw
}

// guess is a check for a peer's user.
func (r noise) guess(t testing.TB, ice proto.ICEParameters) []byte {
	return r.check(t, ice.UsernameFragment+":evil")
}

// record is a DTLS record of an epoch.
func record(kind byte, epoch uint16, body ...byte) []byte {
	b := []byte{kind, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9}
	binary.BigEndian.PutUint16(b[3:], epoch)
	b = binary.BigEndian.AppendUint16(b, uint16(len(body)))
	return append(b, body...)
}

// handshakeMessage is a fragment of a message that is said to be length long.
func handshakeMessage(kind byte, sequence uint16, length, offset int, fragment []byte) []byte {
	b := []byte{kind, byte(length >> 16), byte(length >> 8), byte(length), byte(sequence >> 8), byte(sequence)}
	b = append(b, byte(offset>>16), byte(offset>>8), byte(offset))
	b = append(b, byte(len(fragment)>>16), byte(len(fragment)>>8), byte(len(fragment)))
	return record(22, 0, append(b, fragment...)...)
}

// extension is one of a ClientHello.
func extension(kind uint16, body ...byte) []byte {
	b := binary.BigEndian.AppendUint16(nil, kind)
	b = binary.BigEndian.AppendUint16(b, uint16(len(body)))
	return append(b, body...)
}

// hello is a ClientHello that offers suites, whole in one record, with all else as a browser has it.
func hello(random []byte, suites ...uint16) []byte {
	body := append([]byte{0xfe, 0xfd}, random[:32]...)
	body = append(body, 0, 0) // session, cookie
	body = binary.BigEndian.AppendUint16(body, uint16(2*len(suites)))
	for _, s := range suites {
		body = binary.BigEndian.AppendUint16(body, s)
	}
	body = append(body, 1, 0) // compression
	extensions := append(extension(10, 0, 4, 0, 29, 0, 23), extension(11, 1, 0)...)
	extensions = append(extensions, extension(13, 0, 2, 4, 3)...)
	extensions = append(extensions, extension(14, 0, 2, 0, 7, 0)...)
	extensions = append(extensions, extension(23)...)
	body = binary.BigEndian.AppendUint16(body, uint16(len(extensions)))
	body = append(body, extensions...)
	return handshakeMessage(1, 0, len(body), 0, body)
}

// Cipher suites: two that we take, and some that we don't: PSK, CBC, CCM, RSA, NULL (R-DTLS-6).
const (
	suiteGCM    = 0xc02b
	suiteChaCha = 0xcca9
)

var unwantedSuites = []uint16{0x00a8, 0xccab, 0xc0a4, 0xc009, 0xc00a, 0xc0ac, 0xc0ae, 0xc02f, 0xc006, 0x0000}
