package srtp

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
)

// gcm is AES-GCM for SRTP and SRTCP (RFC 7714). The fields that change with every packet live here so that
// they need no allocation when they pass through an interface.
type gcm struct {
	rtp, rtcp         cipher.AEAD
	rtpSalt, rtcpSalt gcmSalt

	iv  [12]byte
	aad [rtcpHeaderSize + rtcpIndexSize]byte
}

// gcmSalt is a 96-bit salt cut where the IV is put together.
type gcmSalt struct {
	head uint32
	tail uint64
}

func newGCM(k *sessionKeys) (*gcm, error) {
	g := &gcm{rtpSalt: newGCMSalt(k.rtpSalt), rtcpSalt: newGCMSalt(k.rtcpSalt)}
	for _, c := range []struct {
		to  *cipher.AEAD
		key []byte
	}{{&g.rtp, k.rtpKey}, {&g.rtcp, k.rtcpKey}} {
		block, err := aes.NewCipher(c.key)
		if err != nil {
			return nil, err
		}
		if *c.to, err = cipher.NewGCM(block); err != nil {
			return nil, err
		}
	}
	return g, nil
}

func newGCMSalt(salt []byte) gcmSalt {
	return gcmSalt{head: binary.BigEndian.Uint32(salt), tail: binary.BigEndian.Uint64(salt[4:])}
}

// putIV writes the IV: two zero bytes, SSRC, and 48 bits of index, XOR the salt. The index is rollover counter and
// sequence number for RTP (RFC 7714 section 8.1), and the 31-bit SRTCP index (section 9.1).
func (g *gcm) putIV(salt *gcmSalt, ssrc uint32, index uint64) {
	binary.BigEndian.PutUint32(g.iv[:], salt.head^ssrc>>16)
	binary.BigEndian.PutUint64(g.iv[4:], salt.tail^(uint64(ssrc)<<48|index))
}

func (g *gcm) sealRTP(dst []byte, header int, payload []byte, ssrc uint32, index int64, _ *prefix) (int, uint64) {
	g.putIV(&g.rtpSalt, ssrc, uint64(index))
	g.rtp.Seal(dst[header:header], g.iv[:], payload, dst[:header])
	end := header + len(payload)
	return end + gcmTagSize, binary.BigEndian.Uint64(dst[end:])
}

func (g *gcm) openRTP(packet []byte, header int, ssrc uint32, index int64, _ *prefix) bool {
	g.putIV(&g.rtpSalt, ssrc, uint64(index))
	_, err := g.rtp.Open(packet[header:header], g.iv[:], packet[header:], packet[:header])
	return err == nil
}

// sealRTCP authenticates the header and the index word that goes behind the tag (RFC 7714 section 9.2).
func (g *gcm) sealRTCP(dst []byte, n int, ssrc, index uint32) int {
	g.putIV(&g.rtcpSalt, ssrc, uint64(index))
	g.putAAD(dst, index)
	g.rtcp.Seal(dst[rtcpHeaderSize:rtcpHeaderSize], g.iv[:], dst[rtcpHeaderSize:n], g.aad[:])
	return n + gcmTagSize + copy(dst[n+gcmTagSize:], g.aad[rtcpHeaderSize:])
}

func (g *gcm) openRTCP(packet []byte, ssrc, index uint32) bool {
	g.putIV(&g.rtcpSalt, ssrc, uint64(index))
	g.putAAD(packet, index)
	sealed := packet[rtcpHeaderSize:g.rtcpIndexAt(len(packet))]
	_, err := g.rtcp.Open(sealed[:0], g.iv[:], sealed, g.aad[:])
	return err == nil
}

func (g *gcm) putAAD(packet []byte, index uint32) {
	copy(g.aad[:], packet[:rtcpHeaderSize])
	binary.BigEndian.PutUint32(g.aad[rtcpHeaderSize:], rtcpEncrypted|index)
}

func (g *gcm) rtcpIndexAt(n int) int { return n - rtcpIndexSize }
