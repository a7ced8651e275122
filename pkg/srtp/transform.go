package srtp

// transform is the cipher of one direction. It knows keys but no streams: the session chose the index, and keeps
// every promise about it. Buffers were checked for size. The prefix is the caller's memory of what depends
// on SSRC and rollover counter alone.
type transform interface {
	// sealRTP encrypts payload into dst behind the header and appends the tag. It returns the packet's
	// length and the start of the tag before it was cut to the profile's length.
	sealRTP(dst []byte, header int, payload []byte, ssrc uint32, index int64, p *prefix) (n int, tag uint64)
	// openRTP decrypts in place what follows the header, if the tag is right. The packet is lost if not.
	openRTP(packet []byte, header int, ssrc uint32, index int64, p *prefix) bool
	// sealRTCP encrypts dst[:n] behind its header, appends index word and tag and returns the length.
	sealRTCP(dst []byte, n int, ssrc, index uint32) int
	// openRTCP decrypts in place what follows the header, if the tag is right. The packet is lost if not.
	openRTCP(packet []byte, ssrc, index uint32) bool
	// rtcpIndexAt returns where the index word lies in a protected RTCP packet of n bytes.
	rtcpIndexAt(n int) int
}

// Parts of an RTCP packet and its index word (RFC 3711 section 3.4).
const (
	rtcpHeaderSize = 8 // first word and SSRC stay in the clear
	rtcpEncrypted  = 1 << 31
	maxRTCPIndex   = 1<<31 - 1
)

func newTransform(profile Profile, masterKey, masterSalt []byte) (transform, error) {
	keys, err := deriveKeys(masterKey, masterSalt)
	if err != nil {
		return nil, err
	}
	switch profile {
	case AES128GCM, AES256GCM:
		return newGCM(&keys)
	case AES128CM32:
		return newCM(&keys, cmShortTag)
	default:
		return newCM(&keys, cmTagSize)
	}
}
