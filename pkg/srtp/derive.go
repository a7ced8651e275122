package srtp

import (
	"crypto/aes"
	"encoding/binary"
)

// Labels of the session keys (RFC 3711 section 4.3.1, 4.3.2).
const (
	labelRTPKey   = 0
	labelRTPAuth  = 1
	labelRTPSalt  = 2
	labelRTCPKey  = 3
	labelRTCPAuth = 4
	labelRTCPSalt = 5
)

// deriveKey makes size bytes of session key from the master key and salt: AES in counter mode over salt XOR label,
// with a key derivation rate of 0 (RFC 3711 section 4.3.3). A 96-bit salt counts as if zeros
// stood behind it (RFC 7714 section 11); a 256-bit master key means AES-256 (RFC 6188 section 2).
func deriveKey(masterKey, masterSalt []byte, label byte, size int) ([]byte, error) {
	block, err := aes.NewCipher(masterKey)
	if err != nil {
		return nil, err
	}
	var x [aes.BlockSize]byte
	copy(x[:14], masterSalt)
	x[7] ^= label
	out := make([]byte, (size+aes.BlockSize-1)/aes.BlockSize*aes.BlockSize)
	for i := 0; i*aes.BlockSize < size; i++ {
		binary.BigEndian.PutUint16(x[14:], uint16(i))
		block.Encrypt(out[i*aes.BlockSize:], x[:])
	}
	return out[:size:size], nil
}

// sessionKeys is what one direction encrypts and authenticates with.
type sessionKeys struct {
	rtpKey, rtpSalt, rtpAuth    []byte
	rtcpKey, rtcpSalt, rtcpAuth []byte
}

func deriveKeys(masterKey, masterSalt []byte) (k sessionKeys, err error) {
	for _, d := range []struct {
		to    *[]byte
		label byte
		size  int
	}{
		{&k.rtpKey, labelRTPKey, len(masterKey)},
		{&k.rtpAuth, labelRTPAuth, authKeySize},
		{&k.rtpSalt, labelRTPSalt, len(masterSalt)},
		{&k.rtcpKey, labelRTCPKey, len(masterKey)},
		{&k.rtcpAuth, labelRTCPAuth, authKeySize},
		{&k.rtcpSalt, labelRTCPSalt, len(masterSalt)},
	} {
		if *d.to, err = deriveKey(masterKey, masterSalt, d.label, d.size); err != nil {
			return sessionKeys{}, err
		}
	}
	return k, nil
}
