package srtp

import (
	"bytes"
	"math/rand/v2"
	"testing"

	pionrtp "github.com/pion/rtp"
	pion "github.com/pion/srtp/v2"
	"pgregory.net/rapid"

	"gazpacho/pkg/rtp"
)

// newOracle returns a pion context for one direction; the values of our profiles are theirs.
func newOracle(t testing.TB, profile Profile, key, salt []byte) *pion.Context {
	t.Helper()
	c, err := pion.CreateContext(key, salt, pion.ProtectionProfile(profile))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// randomRTP returns a packet with any number of CSRCs, either form of extensions or none, and a payload up to the size of a datagram.
func randomRTP(t testing.TB, rng *rand.Rand, ssrc uint32, seq uint16) (packet []byte, header int) {
	t.Helper()
	p := pionrtp.Packet{
		Header: pionrtp.Header{
			Version: 2, Marker: rng.IntN(2) == 0, PayloadType: uint8(rng.IntN(128)),
			SequenceNumber: seq, Timestamp: rng.Uint32(), SSRC: ssrc,
		},
		Payload: randomBytes(rng, rng.IntN(1200)),
	}
	for range rng.IntN(16) {
		p.CSRC = append(p.CSRC, rng.Uint32())
	}
	if profile := []uint16{0, 0xBEDE, 0x1000}[rng.IntN(3)]; profile != 0 {
		p.Extension, p.ExtensionProfile = true, profile
		for id := range uint8(rng.IntN(4)) {
			if err := p.SetExtension(id+1, randomBytes(rng, 1+rng.IntN(16))); err != nil {
				t.Fatal(err)
			}
		}
	}
	packet, err := p.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	header, ok := rtp.HeaderLength(packet)
	if !ok {
		t.Fatal("header does not fit")
	}
	return packet, header
}

func TestRTPAgainstPion(t *testing.T) {
	eachProfile(t, func(t *testing.T, profile Profile) {
		rng := rand.New(rand.NewPCG(2, uint64(profile)))
		for round := range 20 {
			k := newKeyring(profile, uint64(round))
			s, err := NewSession(profile, k.keyA, k.saltA, k.keyB, k.saltB)
			if err != nil {
				t.Fatal(err)
			}
			out, in := newOracle(t, profile, k.keyA, k.saltA), newOracle(t, profile, k.keyB, k.saltB)
			ssrc, seq := rng.Uint32(), uint16(rng.Uint32())
			for range 50 {
				seq += uint16(rng.IntN(4000)) + 1
				packet, header := randomRTP(t, rng, ssrc, seq)

				want, err := out.EncryptRTP(nil, packet, nil)
				if err != nil {
					t.Fatal(err)
				}
				if got := protect(s, packet, header); !bytes.Equal(got, want) {
					t.Fatalf("protected %x, want %x", got, want)
				}

				sealed, err := in.EncryptRTP(nil, packet, nil)
				if err != nil {
					t.Fatal(err)
				}
				if got := wantRTP(t, s, sealed, OK); !bytes.Equal(got, packet) {
					t.Fatalf("unprotected %x, want %x", got, packet)
				}
			}
		}
	})
}

// TestOrderAgainstPion sends in any order, over many rollovers, what our own session lets pass: both must count rollovers alike.
func TestOrderAgainstPion(t *testing.T) {
	eachProfile(t, func(t *testing.T, profile Profile) {
		rapid.Check(t, func(rt *rapid.T) {
			s, peer := newPair(t, profile)
			k := newKeyring(profile, 1)
			oracle := newOracle(t, profile, k.keyA, k.saltA)
			seq := rapid.Uint16().Draw(rt, "first")
			for range 40 {
				packet := rtpPacket(9, seq, []byte{byte(seq), byte(seq >> 8)})
				if got := protect(s, packet, 12); got != nil {
					want, err := oracle.EncryptRTP(nil, packet, nil)
					if err != nil {
						rt.Fatal(err)
					}
					if !bytes.Equal(got, want) {
						rt.Fatalf("sequence number %d: other bytes than pion's", seq)
					}
					if back := wantRTP(t, peer, got, OK); !bytes.Equal(back, packet) {
						rt.Fatalf("sequence number %d: %x came back", seq, back)
					}
				}
				seq += uint16(rapid.OneOf(rapid.IntRange(-20, 20), rapid.IntRange(-1100, 32767)).Draw(rt, "step"))
			}
		})
	})
}

func TestRTCPAgainstPion(t *testing.T) {
	eachProfile(t, func(t *testing.T, profile Profile) {
		rng := rand.New(rand.NewPCG(4, uint64(profile)))
		k := newKeyring(profile, 4)
		s, err := NewSession(profile, k.keyA, k.saltA, k.keyB, k.saltB)
		if err != nil {
			t.Fatal(err)
		}
		out, in := newOracle(t, profile, k.keyA, k.saltA), newOracle(t, profile, k.keyB, k.saltB)
		for i := range uint32(300) {
			packet := rtcpPacket(rng.Uint32N(5), 8+rng.IntN(300)*4)
			// Pion counts per SSRC, we count per session.
			ssrc := uint32(packet[7])
			out.SetIndex(ssrc, i)
			want, err := out.EncryptRTCP(nil, packet, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := mustProtectRTCP(t, s, packet); !bytes.Equal(got, want) {
				t.Fatalf("protected %x, want %x", got, want)
			}
			sealed, err := in.EncryptRTCP(nil, packet, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := wantRTCP(t, s, sealed, OK); !bytes.Equal(got, packet) {
				t.Fatalf("unprotected %x, want %x", got, packet)
			}
		}
	})
}
