package srtp

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"strings"
	"testing"
)

var profiles = []Profile{AES128GCM, AES256GCM, AES128CM80, AES128CM32}

// eachProfile runs a test once per profile.
func eachProfile(t *testing.T, f func(t *testing.T, profile Profile)) {
	for _, profile := range profiles {
		t.Run(profile.String(), func(t *testing.T) { f(t, profile) })
	}
}

// keyring is the master keys of two peers.
type keyring struct{ keyA, saltA, keyB, saltB []byte }

func newKeyring(profile Profile, seed uint64) keyring {
	rng := rand.New(rand.NewPCG(seed, uint64(profile)))
	return keyring{
		keyA: randomBytes(rng, profile.KeyLen()), saltA: randomBytes(rng, profile.SaltLen()),
		keyB: randomBytes(rng, profile.KeyLen()), saltB: randomBytes(rng, profile.SaltLen()),
	}
}

// newPair returns the sessions of two peers that share a keyring.
func newPair(t testing.TB, profile Profile) (a, b *Session) {
	t.Helper()
	k := newKeyring(profile, 1)
	a, err := NewSession(profile, k.keyA, k.saltA, k.keyB, k.saltB)
	if err != nil {
		t.Fatal(err)
	}
	b, err = NewSession(profile, k.keyB, k.saltB, k.keyA, k.saltA)
	if err != nil {
		t.Fatal(err)
	}
	return a, b
}

func randomBytes(rng *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}

func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		panic(err)
	}
	return b
}

// rtpPacket returns a packet with a plain header.
func rtpPacket(ssrc uint32, seq uint16, payload []byte) []byte {
	p := make([]byte, 12, 12+len(payload))
	p[0], p[1] = 0x80, 96
	binary.BigEndian.PutUint16(p[2:], seq)
	binary.BigEndian.PutUint32(p[4:], uint32(seq)*3000)
	binary.BigEndian.PutUint32(p[8:], ssrc)
	return append(p, payload...)
}

// rtcpPacket returns a receiver report of at least 8 bytes that is padded with content to size.
func rtcpPacket(ssrc uint32, size int) []byte {
	p := make([]byte, size)
	p[0], p[1] = 0x80, 201
	binary.BigEndian.PutUint16(p[2:], uint16(size/4-1))
	binary.BigEndian.PutUint32(p[4:], ssrc)
	for i := 8; i < size; i++ {
		p[i] = byte(i * 7)
	}
	return p
}

// protect returns the protected form of an RTP packet, or nil.
func protect(s *Session, packet []byte, header int) []byte {
	dst := append(bytes.Clone(packet), make([]byte, MaxOverhead)...)
	n, ok := s.ProtectRTP(dst, header, dst[header:len(packet)])
	if !ok {
		return nil
	}
	return dst[:n:n]
}

// mustProtect protects a small packet with this SSRC and sequence number.
func mustProtect(t testing.TB, s *Session, ssrc uint32, seq uint16) []byte {
	t.Helper()
	p := protect(s, rtpPacket(ssrc, seq, []byte("payload")), 12)
	if p == nil {
		t.Fatalf("packet %d of %d refused", seq, ssrc)
	}
	return p
}

func mustProtectRTCP(t testing.TB, s *Session, packet []byte) []byte {
	t.Helper()
	dst := append(bytes.Clone(packet), make([]byte, MaxRTCPOverhead)...)
	n, ok := s.ProtectRTCP(dst, len(packet))
	if !ok {
		t.Fatal("refused")
	}
	return dst[:n:n]
}

// wantRTP unprotects a copy of a packet and checks the reason.
func wantRTP(t testing.TB, s *Session, packet []byte, want Reason) []byte {
	t.Helper()
	packet = bytes.Clone(packet)
	n, reason := s.UnprotectRTP(packet)
	if reason != want {
		t.Fatalf("RTP: %v, want %v", reason, want)
	}
	return packet[:n]
}

func wantRTCP(t testing.TB, s *Session, packet []byte, want Reason) []byte {
	t.Helper()
	packet = bytes.Clone(packet)
	n, reason := s.UnprotectRTCP(packet)
	if reason != want {
		t.Fatalf("RTCP: %v, want %v", reason, want)
	}
	return packet[:n]
}
