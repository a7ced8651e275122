package dtls

import "encoding/binary"

// Content types (RFC 5246 section 6.2.1).
const (
	contentChangeCipherSpec = 20
	contentAlert            = 21
	contentHandshake        = 22
	contentData             = 23
)

const (
	version10 = 0xfeff // DTLS 1.0: what a ClientHello's record may still say (RFC 6347 section 4.1)
	version12 = 0xfefd

	recordHeader = 13
	maxFragment  = 1<<14 + 2048 // RFC 6347 section 4.1, of a protected record
)

// record is one DTLS record, within the datagram it came in.
//
//	 0      1        3       5             11       13
//	+------+--------+-------+-------------+--------+----------
//	| type | version| epoch | seq (48 bit)| length | fragment
//	+------+--------+-------+-------------+--------+----------
type record struct {
	kind  uint8
	epoch uint16
	raw   []byte // header and fragment
}

func (r record) fragment() []byte { return r.raw[recordHeader:] }

// nextRecord cuts the first record off a datagram. What follows a record that is not sane cannot be
// found, so the rest of the datagram is lost with it.
func nextRecord(b []byte) (r record, rest []byte, ok bool) {
	if len(b) <= recordHeader {
		return record{}, nil, false
	}
	version := binary.BigEndian.Uint16(b[1:])
	length := int(binary.BigEndian.Uint16(b[11:]))
	if version != version10 && version != version12 || length == 0 || length > maxFragment {
		return record{}, nil, false
	}
	end := recordHeader + length
	if end > len(b) {
		return record{}, nil, false
	}
	return record{kind: b[0], epoch: binary.BigEndian.Uint16(b[3:]), raw: b[:end]}, b[end:], true
}

// firstProtected is the epoch of protected records, and the number of the first.
const firstProtected = 1 << 48

// additionalData is what a record's protection covers besides the plaintext (RFC 5246 section 6.2.3.3, with DTLS's
// epoch and number).
func additionalData(header []byte, plaintext int) (aad [13]byte) {
	copy(aad[:8], header[3:11])
	copy(aad[8:11], header[:3])
	binary.BigEndian.PutUint16(aad[11:], uint16(plaintext))
	return aad
}

// putRecordHeader writes the header of a record with a fragment of length bytes. The upper 16 bits of seq are the epoch.
func putRecordHeader(b []byte, kind uint8, seq uint64, length int) {
	binary.BigEndian.PutUint64(b[3:], seq)
	b[0] = kind
	binary.BigEndian.PutUint16(b[1:], version12)
	binary.BigEndian.PutUint16(b[11:], uint16(length))
}
