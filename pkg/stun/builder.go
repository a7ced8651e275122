package stun

import (
	"encoding/binary"
	"net/netip"
)

const attributeHeaderSize = 4

// Error codes (RFC 8489 section 14.8, RFC 8445 section 7.3.1.1, RFC 8656 section 19, RFC 6062 section 6.3, RFC 8016 section 5).
const (
	CodeTryAlternate         = 300
	CodeBadRequest           = 400
	CodeUnauthenticated      = 401
	CodeForbidden            = 403
	CodeMobilityForbidden    = 405
	CodeUnknownAttribute     = 420
	CodeAllocationMismatch   = 437
	CodeStaleNonce           = 438
	CodeFamilyNotSupported   = 440
	CodeWrongCredentials     = 441
	CodeUnsupportedTransport = 442
	CodePeerFamilyMismatch   = 443
	CodeConnectionExists     = 446
	CodeConnectionFailed     = 447
	CodeQuotaReached         = 486
	CodeRoleConflict         = 487
	CodeInsufficientCapacity = 508
)

// Builder writes a message into a buffer. What does not fit makes Finish return 0.
type Builder struct {
	b    []byte
	size int
	full bool
}

// Build begins a message in b.
func Build(b []byte, c Class, m Method, id TransactionID) Builder {
	if len(b) < HeaderSize {
		return Builder{full: true}
	}
	binary.BigEndian.PutUint16(b, messageType(c, m))
	binary.BigEndian.PutUint16(b[2:], 0)
	binary.BigEndian.PutUint32(b[4:], magicCookie)
	copy(b[8:], id[:])
	return Builder{b: b, size: HeaderSize}
}

// Finish returns the size of the message, 0 if it did not fit.
func (w *Builder) Finish() int {
	if w.full {
		return 0
	}
	return w.size
}

// Add appends an attribute.
func (w *Builder) Add(t AttributeType, value []byte) { copy(w.reserve(t, len(value)), value) }

// AddString appends an attribute that is text, without a copy of it.
func (w *Builder) AddString(t AttributeType, value string) { copy(w.reserve(t, len(value)), value) }

// AddUint32 appends an attribute of four bytes, such as PRIORITY.
func (w *Builder) AddUint32(t AttributeType, v uint32) {
	if b := w.reserve(t, 4); b != nil {
		binary.BigEndian.PutUint32(b, v)
	}
}

// AddUint64 appends an attribute of eight bytes, such as ICE-CONTROLLING.
func (w *Builder) AddUint64(t AttributeType, v uint64) {
	if b := w.reserve(t, 8); b != nil {
		binary.BigEndian.PutUint64(b, v)
	}
}

// AddXORAddress appends an address, encoded as that of XOR-MAPPED-ADDRESS is (RFC 8489 section
// 14.2). An IPv4 address must not be in its v4-mapped form.
func (w *Builder) AddXORAddress(t AttributeType, a netip.AddrPort) {
	family, size := byte(familyIPv4), 4
	if !a.Addr().Is4() {
		family, size = familyIPv6, 16
	}
	b := w.reserve(t, 4+size)
	if b == nil {
		return
	}
	b[0], b[1] = 0, family
	binary.BigEndian.PutUint16(b[2:], a.Port()^magicCookie>>16)
	if size == 4 {
		ip := a.Addr().As4()
		xorWithHeader(b[4:], ip[:], w.b)
	} else {
		ip := a.Addr().As16()
		xorWithHeader(b[4:], ip[:], w.b)
	}
}

// AddAddress appends an address as it is, encoded as that of MAPPED-ADDRESS (RFC 8489 section 14.1).
func (w *Builder) AddAddress(t AttributeType, a netip.AddrPort) {
	family, ip := byte(familyIPv4), a.Addr().AsSlice()
	if len(ip) == 16 {
		family = familyIPv6
	}
	if b := w.reserve(t, 4+len(ip)); b != nil {
		b[0], b[1] = 0, family
		binary.BigEndian.PutUint16(b[2:], a.Port())
		copy(b[4:], ip)
	}
}

// AddErrorCode appends ERROR-CODE (RFC 8489 section 14.8).
func (w *Builder) AddErrorCode(code int, reason string) {
	b := w.reserve(AttrErrorCode, 4+len(reason))
	if b == nil {
		return
	}
	b[0], b[1], b[2], b[3] = 0, 0, byte(code/100), byte(code%100)
	copy(b[4:], reason)
}

// AddUnknownAttributes appends UNKNOWN-ATTRIBUTES (RFC 8489 section 14.9).
func (w *Builder) AddUnknownAttributes(types []AttributeType) {
	b := w.reserve(AttrUnknownAttributes, 2*len(types))
	if b == nil {
		return
	}
	for i, t := range types {
		binary.BigEndian.PutUint16(b[2*i:], uint16(t))
	}
}

// AddIntegrity appends MESSAGE-INTEGRITY or MESSAGE-INTEGRITY-SHA256. Only FINGERPRINT may follow.
func (w *Builder) AddIntegrity(k *Integrity) {
	at, size := w.size, k.mac.Size()
	if b := w.reserve(k.attribute, size); b != nil {
		k.compute(w.b, at, size)
		copy(b, k.sum[:])
	}
}

// AddFingerprint appends FINGERPRINT. Nothing may follow.
func (w *Builder) AddFingerprint() {
	at := w.size
	if b := w.reserve(AttrFingerprint, fingerprintSize); b != nil {
		binary.BigEndian.PutUint32(b, fingerprint(w.b[:at]))
	}
}

// reserve appends the header of an attribute and zeroed padding, keeps the length field true, and
// returns where the value goes, nil if it does not fit.
func (w *Builder) reserve(t AttributeType, size int) []byte {
	at, next := w.size+attributeHeaderSize, w.size+attributeHeaderSize+padded(size)
	if w.full || next > len(w.b) || next-HeaderSize > 0xffff {
		w.full = true
		return nil
	}
	binary.BigEndian.PutUint16(w.b[w.size:], uint16(t))
	binary.BigEndian.PutUint16(w.b[w.size+2:], uint16(size))
	for i := at + size; i < next; i++ {
		w.b[i] = 0 // "The padding bits MUST be set to zero on sending" (RFC 8489 section 14)
	}
	binary.BigEndian.PutUint16(w.b[2:], uint16(next-HeaderSize))
	w.size = next
	return w.b[at : at+size]
}
