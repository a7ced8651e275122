package dtls

import (
	"golang.org/x/crypto/cryptobyte"
)

// Cipher suites (RFC 7905, RFC 5289). R-DTLS-6: nothing else is ever agreed on.
const (
	suiteChaCha20 = 0xcca9 // TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256
	suiteGCM128   = 0xc02b // TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
)

// Extensions (RFC 8422, RFC 5764, RFC 8446).
const (
	extSupportedGroups   = 10
	extUseSRTP           = 14
	extSupportedVersions = 43
)

// The curves the library knows: x25519, secp256r1, secp384r1.
const (
	groupX25519 = 29
	groupP256   = 23
	groupP384   = 24
)

// clientHello is what has to be known of a ClientHello before it is answered.
type clientHello struct {
	raw      []byte // the message, with its header
	random   [32]byte
	version  bool // offers DTLS 1.2
	chacha20 bool
	gcm128   bool
	group    bool // offers a curve of ours
	profiles []Profile
}

// parseClientHello reads a whole ClientHello message, header included (RFC 5246 section 7.4.1.2,
// RFC 6347 section 4.2.1).
func parseClientHello(raw []byte) (*clientHello, bool) {
	h := &clientHello{raw: raw}
	s := cryptobyte.String(raw)
	var version uint16
	var session, cookie, suites, compression, extensions cryptobyte.String
	if !s.Skip(handshakeHeader) || !s.ReadUint16(&version) || !s.CopyBytes(h.random[:]) ||
		!s.ReadUint8LengthPrefixed(&session) || !s.ReadUint8LengthPrefixed(&cookie) ||
		!s.ReadUint16LengthPrefixed(&suites) || !s.ReadUint8LengthPrefixed(&compression) ||
		!s.ReadUint16LengthPrefixed(&extensions) || !s.Empty() {
		return nil, false
	}
	h.version = version == version12
	for !suites.Empty() {
		var suite uint16
		if !suites.ReadUint16(&suite) {
			return nil, false
		}
		h.chacha20 = h.chacha20 || suite == suiteChaCha20
		h.gcm128 = h.gcm128 || suite == suiteGCM128
	}
	return h, h.parseExtensions(extensions)
}

func (h *clientHello) parseExtensions(s cryptobyte.String) bool {
	var seen [3]bool
	for !s.Empty() {
		var kind uint16
		var body cryptobyte.String
		if !s.ReadUint16(&kind) || !s.ReadUint16LengthPrefixed(&body) {
			return false
		}
		ok, which := true, 0
		switch kind {
		case extSupportedGroups:
			which, ok = 0, h.parseGroups(body)
		case extUseSRTP:
			which, ok = 1, h.parseProfiles(body)
		case extSupportedVersions:
			which, ok = 2, h.parseVersions(body)
		default:
			continue
		}
		// RFC 5246 section 7.4.1.4: "There MUST NOT be more than one extension of the same type."
		// The library would take the last one; we and it must not read different things.
		if !ok || seen[which] {
			return false
		}
		seen[which] = true
	}
	return true
}

func (h *clientHello) parseGroups(s cryptobyte.String) bool {
	var list cryptobyte.String
	if !s.ReadUint16LengthPrefixed(&list) || !s.Empty() {
		return false
	}
	for !list.Empty() {
		var group uint16
		if !list.ReadUint16(&group) {
			return false
		}
		h.group = h.group || group == groupX25519 || group == groupP256 || group == groupP384
	}
	return true
}

// parseProfiles reads use_srtp (RFC 5764 section 4.1.1). An MKI may be offered; we never use one.
func (h *clientHello) parseProfiles(s cryptobyte.String) bool {
	var list, mki cryptobyte.String
	if !s.ReadUint16LengthPrefixed(&list) || !s.ReadUint8LengthPrefixed(&mki) || !s.Empty() {
		return false
	}
	for !list.Empty() {
		var profile uint16
		if !list.ReadUint16(&profile) {
			return false
		}
		h.profiles = append(h.profiles, Profile(profile))
	}
	return true
}

// parseVersions reads supported_versions (RFC 8446 section 4.2.1, by the version numbers of RFC 9147):
// a client that sends it means that list, not the version field.
func (h *clientHello) parseVersions(s cryptobyte.String) bool {
	var list cryptobyte.String
	if !s.ReadUint8LengthPrefixed(&list) || !s.Empty() {
		return false
	}
	offered := false
	for !list.Empty() {
		var version uint16
		if !list.ReadUint16(&version) {
			return false
		}
		offered = offered || version == version12
	}
	h.version = h.version && offered
	return true
}

// choose returns the SRTP profile to agree on, the first of preferred that is offered, or why the
// ClientHello cannot be answered.
func (h *clientHello) choose(preferred []Profile) (Profile, Drop) {
	switch {
	case !h.version:
		return 0, DropHelloVersion
	case !h.chacha20 && !h.gcm128:
		return 0, DropHelloSuite
	case !h.group:
		return 0, DropHelloGroup
	}
	for _, p := range preferred {
		for _, offered := range h.profiles {
			if p == offered {
				return p, passed
			}
		}
	}
	return 0, DropHelloSRTP
}
