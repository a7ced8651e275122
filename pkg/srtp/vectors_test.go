package srtp

import (
	"bytes"
	"testing"
)

// TestKeystreamVectors holds the vectors of RFC 3711 appendix B.2.
func TestKeystreamVectors(t *testing.T) {
	k, err := newKeystream(unhex("2B7E151628AED2A6ABF7158809CF4F3C"), newCMSalt(unhex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD")))
	if err != nil {
		t.Fatal(err)
	}
	// "Keystream segment length: 1044512 octets (65282 AES blocks)"
	const size = 1044512
	dst := make([]byte, size+keystreamSlack)
	k.xor(dst, make([]byte, size), 0, 0, new(prefix))
	for _, v := range []struct {
		block  int
		stream string
	}{
		{0x0000, "E03EAD0935C95E80E166B16DD92B4EB4"},
		{0x0001, "D23513162B02D0F72A43A2FE4A5F97AB"},
		{0x0002, "41E95B3BB0A2E8DD477901E4FCA894C0"},
		{0xFEFF, "EC8CDF7398607CB0F2D21675EA9EA1E4"},
		{0xFF00, "362B7C3C6773516318A077D7FC5073AE"},
		{0xFF01, "6A2CC3787889374FBEB4C81B17BA6C44"},
	} {
		if got := dst[v.block*16:][:16]; !bytes.Equal(got, unhex(v.stream)) {
			t.Errorf("block %04X: %X, want %s", v.block, got, v.stream)
		}
	}
}

// TestDerivationVectors holds the vectors of RFC 3711 appendix B.3 and, for AES-256, of RFC 6188 section 7.2.
func TestDerivationVectors(t *testing.T) {
	for _, v := range []struct {
		name, key, salt                string
		cipherKey, cipherSalt, authKey string
	}{{
		name:       "RFC 3711 B.3",
		key:        "E1F97A0D3E018BE0D64FA32C06DE4139",
		salt:       "0EC675AD498AFEEBB6960B3AABE6",
		cipherKey:  "C61E7A93744F39EE10734AFE3FF7A087",
		cipherSalt: "30CBBC08863D8C85D49DB34A9AE1",
		authKey:    "CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4",
	}, {
		name:       "RFC 6188 7.2",
		key:        "f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b6",
		salt:       "3b04803de51ee7c96423ab5b78d2",
		cipherKey:  "5ba1064e30ec51613cad926c5a28ef731ec7fb397f70a960653caf06554cd8c4",
		cipherSalt: "fa31791685ca444a9e07c6c64e93",
		authKey:    "fd9c32d39ed5fbb5a9dc96b30818454d1313dc05",
	}} {
		t.Run(v.name, func(t *testing.T) {
			k, err := deriveKeys(unhex(v.key), unhex(v.salt))
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range []struct {
				name string
				got  []byte
				want string
			}{
				{"cipher key", k.rtpKey, v.cipherKey},
				{"cipher salt", k.rtpSalt, v.cipherSalt},
				{"auth key", k.rtpAuth, v.authKey},
			} {
				if !bytes.Equal(c.got, unhex(c.want)) {
					t.Errorf("%s: %x, want %s", c.name, c.got, c.want)
				}
			}
		})
	}
}

// gcmVector is one of RFC 7714 section 16 and 17, which give session keys and salts rather than master keys.
type gcmVector struct {
	profile   Profile
	key       string
	rtp, rtcp string // protected
}

const (
	vectorSalt = "517569642070726f2071756f"
	vectorRTP  = `8040f17b 8041f8d3 5501a0b2 47616c6c 69612065 7374206f 6d6e6973 20646976
		69736120 696e2070 61727465 73207472 6573`
	vectorRTCP = `81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61
		deadbeef deadbeef deadbeef deadbeef deadbeef`
	vectorIndex = 0x5d4
)

var gcmVectors = []gcmVector{{
	profile: AES128GCM,
	key:     "000102030405060708090a0b0c0d0e0f",
	rtp: `8040f17b 8041f8d3 5501a0b2 f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5
		0d294e6f 42a5f47a 51c7d19b 36de3adf 8833899d 7f27beb1 6a9152cf 765ee439 0cce`,
	rtcp: `81c8000d 4d617273 63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7 6c06f32d
		c676a5f1 730d6fda 4ce09b46 86303ded 0bb9275b c84aa458 96cf4d2f c5abf872 45d9eade 800005d4`,
}, {
	profile: AES256GCM,
	key:     "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
	rtp: `8040f17b 8041f8d3 5501a0b2 32b1de78 a822fe12 ef9f78fa 332e33aa b1801238
		9a58e2f3 b50b2a02 76ffae0f 1ba63799 b87b7aa3 db36dfff d6b0f9bb 7878d7a7 6c13`,
	rtcp: `81c8000d 4d617273 d50ae4d1 f5ce5d30 4ba297e4 7d470c28 2c3ece5d bffe0a50
		a2eaa5c1 110555be 8415f658 c61de047 6f1b6fad 1d1eb30c 4446839f 57ff6f6c b26ac3be 800005d4`,
}}

// session returns a session whose both directions use the vector's session keys.
func (v *gcmVector) session(t *testing.T) *Session {
	t.Helper()
	s, _ := newPair(t, v.profile)
	keys := &sessionKeys{
		rtpKey: unhex(v.key), rtcpKey: unhex(v.key), rtpSalt: unhex(vectorSalt), rtcpSalt: unhex(vectorSalt),
	}
	g, err := newGCM(keys)
	if err != nil {
		t.Fatal(err)
	}
	s.send, s.receive = g, g
	s.rtcpIndex = vectorIndex - 1
	return s
}

func TestGCMVectors(t *testing.T) {
	for _, v := range gcmVectors {
		t.Run(v.profile.String(), func(t *testing.T) {
			s := v.session(t)
			if got := protect(s, unhex(vectorRTP), 12); !bytes.Equal(got, unhex(v.rtp)) {
				t.Errorf("RTP: %x", got)
			}
			if got := wantRTP(t, s, unhex(v.rtp), OK); !bytes.Equal(got, unhex(vectorRTP)) {
				t.Errorf("RTP back: %x", got)
			}
			if got := mustProtectRTCP(t, s, unhex(vectorRTCP)); !bytes.Equal(got, unhex(v.rtcp)) {
				t.Errorf("RTCP: %x", got)
			}
			if got := wantRTCP(t, s, unhex(v.rtcp), OK); !bytes.Equal(got, unhex(vectorRTCP)) {
				t.Errorf("RTCP back: %x", got)
			}
		})
	}
}

// TestTagOnlyRTCPVector takes the vector of RFC 7714 section 17.3, which is authentic but not encrypted.
// RFC 3711 section 3.4: "the E-flag [...] indicates if the current SRTCP packet is encrypted or unencrypted."
// Our profiles encrypt all RTCP, so a packet that is not would be a downgrade.
func TestTagOnlyRTCPVector(t *testing.T) {
	s := gcmVectors[0].session(t)
	wantRTCP(t, s, unhex(vectorRTCP+"841dd968 3dd78ec9 2ae58790 125f62b3 000005d4"), NotEncrypted)
	if len(s.received) != 0 {
		t.Error("state was kept")
	}
}
