package srtp

// Profile is an SRTP protection profile. Its value is the one DTLS negotiates in the use_srtp extension
// (RFC 5764 section 4.1.2, RFC 7714 section 14.2).
type Profile uint16

// The profiles we speak.
const (
	AES128CM80 Profile = 0x0001 // AES_CM_128_HMAC_SHA1_80
	AES128CM32 Profile = 0x0002 // AES_CM_128_HMAC_SHA1_32; its RTCP tag has 80 bits as well
	AES128GCM  Profile = 0x0007 // AEAD_AES_128_GCM
	AES256GCM  Profile = 0x0008 // AEAD_AES_256_GCM
)

// Lengths in bytes.
const (
	// MaxOverhead is the room ProtectRTP needs behind the payload, whatever the profile; the packet grows by no more than this.
	MaxOverhead = 16
	// MaxRTCPOverhead is the same for ProtectRTCP: a tag and the word with the index.
	MaxRTCPOverhead = MaxOverhead + rtcpIndexSize

	rtcpIndexSize = 4
	gcmTagSize    = 16
	cmTagSize     = 10
	cmShortTag    = 4
	authKeySize   = 20
)

// profileSpec is what differs between profiles; sizes in bytes.
type profileSpec struct {
	name      string
	key, salt int
	rtpTag    int
	rtcpTag   int
}

func (p Profile) spec() (profileSpec, bool) {
	switch p {
	case AES128CM80:
		return profileSpec{"AES_CM_128_HMAC_SHA1_80", 16, 14, cmTagSize, cmTagSize}, true
	case AES128CM32:
		return profileSpec{"AES_CM_128_HMAC_SHA1_32", 16, 14, cmShortTag, cmTagSize}, true
	case AES128GCM:
		return profileSpec{"AEAD_AES_128_GCM", 16, 12, gcmTagSize, gcmTagSize}, true
	case AES256GCM:
		return profileSpec{"AEAD_AES_256_GCM", 32, 12, gcmTagSize, gcmTagSize}, true
	}
	return profileSpec{name: "unknown"}, false
}

// ParseProfile finds a profile by its name, as it stands in mediasoup's SRTP crypto suites.
func ParseProfile(name string) (Profile, bool) {
	for _, p := range [...]Profile{AES128GCM, AES256GCM, AES128CM80, AES128CM32} {
		if p.String() == name {
			return p, true
		}
	}
	return 0, false
}

// String returns the profile's name, or "unknown".
func (p Profile) String() string {
	spec, _ := p.spec()
	return spec.name
}

// KeyLen returns the length of a master key in bytes; 0 for an unknown profile.
func (p Profile) KeyLen() int {
	spec, _ := p.spec()
	return spec.key
}

// SaltLen returns the length of a master salt in bytes; 0 for an unknown profile.
func (p Profile) SaltLen() int {
	spec, _ := p.spec()
	return spec.salt
}
