package rtp

import "encoding/binary"

// Extension is a header extension we understand; it indexes tables.
type Extension uint8

// The header extensions of mediasoup's capabilities.
const (
	ExtMID Extension = iota
	ExtRID
	ExtRepairedRID
	ExtAbsSendTime
	ExtTransportCC
	ExtAudioLevel
	ExtDependencyDescriptor
	ExtVideoOrientation
	ExtTimeOffset
	ExtAbsCaptureTime
	ExtPlayoutDelay
	ExtPacketID
	NumExtensions
)

var extensionURIs = [NumExtensions]string{
	ExtMID:                  "urn:ietf:params:rtp-hdrext:sdes:mid",
	ExtRID:                  "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
	ExtRepairedRID:          "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
	ExtAbsSendTime:          "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
	ExtTransportCC:          "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
	ExtAudioLevel:           "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
	ExtDependencyDescriptor: "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension",
	ExtVideoOrientation:     "urn:3gpp:video-orientation",
	ExtTimeOffset:           "urn:ietf:params:rtp-hdrext:toffset",
	ExtAbsCaptureTime:       "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time",
	ExtPlayoutDelay:         "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay",
	ExtPacketID:             "urn:mediasoup:params:rtp-hdrext:packet-id",
}

// String returns the extension's URI.
func (e Extension) String() string {
	if e < NumExtensions {
		return extensionURIs[e]
	}
	return "unknown"
}

// ExtensionOf finds an extension by its URI.
func ExtensionOf(uri string) (Extension, bool) {
	for e, u := range extensionURIs {
		if u == uri {
			return Extension(e), true
		}
	}
	return 0, false
}

// ExtensionIDs is which id each extension was given in a negotiation; 0 is not negotiated.
type ExtensionIDs [NumExtensions]uint8

// Resolve finds the values of the extensions by the ids of one negotiation; nil finds none. Elements with ids unknown
// to it are skipped, and the walk ends at what RFC 8285 sections 4.2 and 4.3 call malformed.
func (p *Packet) Resolve(ids *ExtensionIDs) {
	if p.ids == ids {
		return
	}
	p.ids, p.found, p.numbered = ids, 0, false
	if ids == nil {
		return
	}
	switch {
	case p.extProfile == oneByteProfile:
		p.resolveOneByte(ids)
	case p.extProfile&twoByteMask == twoByteProfile:
		p.resolveTwoByte(ids)
	}
}

func (p *Packet) resolveOneByte(ids *ExtensionIDs) {
	for at := p.extStart; at < p.extEnd; {
		b := p.Raw[at]
		id, size := b>>4, int(b&0x0f)+1
		at++
		if b == 0 {
			continue
		}
		// Section 4.2: processing terminates at id 15, and at an id 0 that claims a length.
		if id == 0 || id == 15 || at+size > p.extEnd {
			return
		}
		p.note(ids, id, at, size)
		at += size
	}
}

func (p *Packet) resolveTwoByte(ids *ExtensionIDs) {
	for at := p.extStart; at < p.extEnd; {
		id := p.Raw[at]
		at++
		if id == 0 {
			continue
		}
		if at >= p.extEnd {
			return
		}
		size := int(p.Raw[at])
		at++
		if at+size > p.extEnd {
			return
		}
		p.note(ids, id, at, size)
		at += size
	}
}

// note keeps the first value of an id; later ones are a peer's mistake.
func (p *Packet) note(ids *ExtensionIDs, id uint8, at, size int) {
	for e := range ids {
		if ids[e] == id {
			if p.found&(1<<e) == 0 {
				p.found |= 1 << e
				p.spans[e] = span{start: uint16(at), size: uint8(size)}
			}
			return
		}
	}
}

// Extension returns the value of an extension that Resolve found, borrowed from the packet, or nil.
func (p *Packet) Extension(e Extension) []byte {
	if p.found&(1<<e) == 0 {
		return nil
	}
	if e == ExtPacketID && p.numbered {
		return p.id[:]
	}
	s := p.spans[e]
	end := int(s.start) + int(s.size)
	return p.Raw[s.start:end:end]
}

// SetPacketID numbers the packet, unless it came with a number, and returns whether it did. Consumers send it on like any other extension.
func (p *Packet) SetPacketID(id uint32) bool {
	if p.found&(1<<ExtPacketID) != 0 {
		return false
	}
	binary.BigEndian.PutUint32(p.id[:], id)
	p.numbered = true
	p.found |= 1 << ExtPacketID
	p.spans[ExtPacketID] = span{size: uint8(len(p.id))}
	return true
}
