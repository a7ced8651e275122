package dtls

import (
	"crypto/sha256"
	"errors"
	"slices"

	"github.com/pion/dtls/v2/pkg/crypto/prf"
)

// Profile is an SRTP protection profile by its number in use_srtp (RFC 5764 section 4.1.2, RFC 7714
// section 14.2).
type Profile uint16

// The profiles we can agree on.
const (
	AES128CMHMACSHA180 Profile = 0x0001
	AES128CMHMACSHA132 Profile = 0x0002
	AEADAES128GCM      Profile = 0x0007
	AEADAES256GCM      Profile = 0x0008
)

// DefaultProfiles is our order of preference: AES-GCM costs a quarter of AES-CM with HMAC.
func DefaultProfiles() []Profile {
	return []Profile{AEADAES128GCM, AEADAES256GCM, AES128CMHMACSHA180, AES128CMHMACSHA132}
}

// sizes returns the lengths of master key and master salt in bytes, 0 for a profile that is not ours.
func (p Profile) sizes() (key, salt int) {
	switch p {
	case AES128CMHMACSHA180, AES128CMHMACSHA132:
		return 16, 14
	case AEADAES128GCM:
		return 16, 12
	case AEADAES256GCM:
		return 32, 12
	}
	return 0, 0
}

// Keys is what a handshake yields for SRTP: the master keys and salts of both directions.
type Keys struct {
	Profile               Profile
	LocalKey, LocalSalt   []byte // what we protect with
	RemoteKey, RemoteSalt []byte // what the peer protects with
	RemoteCertificatePEM  string // the certificate that matched a signalled fingerprint
}

const exporterLabel = "EXTRACTOR-dtls_srtp" // RFC 5764 section 4.2

// exporter returns length bytes of keying material for exporterLabel.
type exporter func(length int) ([]byte, error)

// export is RFC 5705 section 4 without a context. The library cannot do it for a suite it does not know.
func (c *chacha20) export(length int) ([]byte, error) {
	k := c.keys.Load()
	if k == nil {
		return nil, errSuiteUnset
	}
	seed := slices.Concat([]byte(exporterLabel), k.clientRandom, k.serverRandom)
	return prf.PHash(k.master, seed, length, sha256.New)
}

// srtpKeys cuts the exported material: client key, server key, client salt, server salt (RFC 5764
// section 4.2).
func srtpKeys(p Profile, role Role, export exporter) (Keys, error) {
	key, salt := p.sizes()
	if key == 0 {
		return Keys{}, errors.New("dtls: no SRTP profile agreed")
	}
	m, err := export(2 * (key + salt))
	if err != nil {
		return Keys{}, err
	}
	salts := m[2*key:]
	k := Keys{
		Profile:  p,
		LocalKey: m[:key:key], RemoteKey: m[key : 2*key : 2*key],
		LocalSalt: salts[:salt:salt], RemoteSalt: salts[salt:],
	}
	if role == Server {
		k.LocalKey, k.RemoteKey = k.RemoteKey, k.LocalKey
		k.LocalSalt, k.RemoteSalt = k.RemoteSalt, k.LocalSalt
	}
	return k, nil
}
