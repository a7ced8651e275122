package srtp

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/binary"
	"hash"

	"gazpacho/pkg/rtp"
)

// cm is AES in counter mode with HMAC-SHA1 tags (RFC 3711 section 4.1.1, 4.2.1).
type cm struct {
	rtp    *keystream
	rtpMAC hash.Hash
	rtpTag int // bytes

	rtcpBlock cipher.Block
	rtcpSalt  cmSalt
	rtcpMAC   hash.Hash

	sum     [sha1.Size]byte
	tag     [cmTagSize]byte
	block   [aes.BlockSize]byte
	scratch [rtp.MaxPacketSize + keystreamSlack]byte // a packet while it is decrypted
}

// cmSalt is a 112-bit salt as the upper part of a 128-bit counter block, the lower 16 bits being zero.
type cmSalt struct{ hi, lo uint64 }

func newCM(k *sessionKeys, rtpTag int) (*cm, error) {
	block, err := aes.NewCipher(k.rtcpKey)
	if err != nil {
		return nil, err
	}
	stream, err := newKeystream(k.rtpKey, newCMSalt(k.rtpSalt))
	if err != nil {
		return nil, err
	}
	return &cm{
		rtp:       stream,
		rtpMAC:    newMAC(k.rtpAuth),
		rtpTag:    rtpTag,
		rtcpBlock: block,
		rtcpSalt:  newCMSalt(k.rtcpSalt),
		rtcpMAC:   newMAC(k.rtcpAuth),
	}, nil
}

func newCMSalt(salt []byte) cmSalt {
	var b [aes.BlockSize]byte
	copy(b[:14], salt)
	return cmSalt{hi: binary.BigEndian.Uint64(b[:]), lo: binary.BigEndian.Uint64(b[8:])}
}

// newMAC returns an HMAC whose Reset was called once: it keeps the state behind the padded key from then on, and
// allocates no more.
func newMAC(key []byte) hash.Hash {
	mac := hmac.New(sha1.New, key)
	mac.Reset()
	return mac
}

func (c *cm) sealRTP(dst []byte, header int, payload []byte, ssrc uint32, index int64, p *prefix) (int, uint64) {
	end := header + len(payload)
	c.rtp.xor(dst[header:end+keystreamSlack], payload, ssrc, index, p)
	sum := c.rtpSum(dst[:end+4], index)
	n := end + copy(dst[end:end+c.rtpTag], sum)
	clear(dst[n : end+keystreamSlack])
	return n, binary.BigEndian.Uint64(sum)
}

// openRTP verifies before it decrypts, so a forged packet costs no more than the hash.
func (c *cm) openRTP(packet []byte, header int, ssrc uint32, index int64, p *prefix) bool {
	end := len(packet) - c.rtpTag
	tag := c.tag[:copy(c.tag[:], packet[end:])]
	sum := c.rtpSum(packet[:end+4], index)
	if subtle.ConstantTimeCompare(tag, sum[:c.rtpTag]) != 1 {
		return false
	}
	size := end - header
	c.rtp.xor(c.scratch[:size+keystreamSlack], packet[header:end], ssrc, index, p)
	copy(packet[header:end], c.scratch[:size])
	return true
}

// rtpSum hashes a packet followed by the rollover counter (RFC 3711 section 4.2), which it writes over the last four bytes
// of b, where the tag has its place: one piece hashes faster than two.
func (c *cm) rtpSum(b []byte, index int64) []byte {
	binary.BigEndian.PutUint32(b[len(b)-4:], uint32(index>>16))
	c.rtpMAC.Reset()
	c.rtpMAC.Write(b)
	return c.rtpMAC.Sum(c.sum[:0])
}

// sealRTCP authenticates everything up to the index word, which stands before the tag (RFC 3711 section 3.4).
func (c *cm) sealRTCP(dst []byte, n int, ssrc, index uint32) int {
	c.xorRTCP(dst[rtcpHeaderSize:n], ssrc, index)
	binary.BigEndian.PutUint32(dst[n:], rtcpEncrypted|index)
	n += rtcpIndexSize
	return n + copy(dst[n:n+cmTagSize], c.rtcpSum(dst[:n]))
}

func (c *cm) openRTCP(packet []byte, ssrc, index uint32) bool {
	end := len(packet) - cmTagSize
	if subtle.ConstantTimeCompare(packet[end:], c.rtcpSum(packet[:end])[:cmTagSize]) != 1 {
		return false
	}
	c.xorRTCP(packet[rtcpHeaderSize:end-rtcpIndexSize], ssrc, index)
	return true
}

func (c *cm) rtcpSum(b []byte) []byte {
	c.rtcpMAC.Reset()
	c.rtcpMAC.Write(b)
	return c.rtcpMAC.Sum(c.sum[:0])
}

// xorRTCP goes block by block: RTCP packets are short and rare.
func (c *cm) xorRTCP(data []byte, ssrc, index uint32) {
	hi, lo := c.rtcpSalt.counter(ssrc, int64(index))
	for len(data) > 0 {
		binary.BigEndian.PutUint64(c.block[:], hi)
		binary.BigEndian.PutUint64(c.block[8:], lo)
		c.rtcpBlock.Encrypt(c.block[:], c.block[:])
		data = data[subtle.XORBytes(data, data, c.block[:]):]
		lo++
	}
}

// counter returns a packet's first counter block: salt XOR SSRC times 2^64 XOR index times 2^16.
func (s cmSalt) counter(ssrc uint32, index int64) (hi, lo uint64) {
	return s.hi ^ uint64(ssrc), s.lo ^ uint64(index)<<16
}

func (c *cm) rtcpIndexAt(n int) int { return n - cmTagSize - rtcpIndexSize }
