package ortc

import "slices"

// payloadTypes hands out dynamic payload types: 100 to 127, then 96 to 99 (RFC 3551 section 3 sets 96 to 127 aside for
// them). The first four come last since many programs have fixed ideas about them.
type payloadTypes struct {
	free []uint8
}

func newPayloadTypes() *payloadTypes {
	p := &payloadTypes{free: make([]uint8, 0, 32)}
	for pt := uint8(100); pt <= 127; pt++ {
		p.free = append(p.free, pt)
	}
	p.free = append(p.free, 96, 97, 98, 99)
	return p
}

// next takes the first free one.
func (p *payloadTypes) next() (uint8, bool) {
	if len(p.free) == 0 {
		return 0, false
	}
	pt := p.free[0]
	p.free = p.free[1:]
	return pt, true
}

// take makes sure that pt is not handed out later.
func (p *payloadTypes) take(pt uint8) {
	if i := slices.Index(p.free, pt); i >= 0 {
		p.free = slices.Delete(p.free, i, i+1)
	}
}
