package rtp

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

// Resolve finds the values of the extensions by the ids of one negotiation. Elements with ids unknown to it, the
// padding element 0, and all from the reserved id 15 on are skipped (RFC 8285 section 4.2, 4.3); a truncated element ends the walk.
func (p *Packet) Resolve(ids *ExtensionIDs) {
	if p.ids == ids {
		return
	}
	p.ids = ids
	p.spans = [NumExtensions]span{}
	switch {
	case p.extProfile == 0xBEDE:
		p.resolveOneByte(ids)
	case p.extProfile&0xfff0 == 0x1000:
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
		if id == 15 || at+size > p.extEnd {
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
		if ids[e] == id && !p.spans[e].found {
			p.spans[e] = span{start: uint16(at), size: uint8(size), found: true}
			return
		}
	}
}

// Extension returns the value of an extension that Resolve found, borrowed from the packet, or nil.
func (p *Packet) Extension(e Extension) []byte {
	s := p.spans[e]
	if !s.found {
		return nil
	}
	return p.Raw[s.start : int(s.start)+int(s.size)]
}
