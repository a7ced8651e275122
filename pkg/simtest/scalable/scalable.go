// Package scalable is an encoder of scalable video as an SFU sees it: layer frames cut into packets of VP9 or AV1, with nothing in them.
package scalable

// Mode is a scalability mode of WebRTC-SVC: L3T2 has 3 spatial and 2 temporal layers.
type Mode struct {
	Spatial, Temporal int
	Key               bool // spatial layers refer to each other in key pictures only
	Apart             bool // spatial layers never do, S3T2
}

// Encoder makes the packets of one picture after the other.
type Encoder struct {
	Mode      Mode
	Layers    int    // spatial layers that are sent, all if 0
	PictureID uint16 // of the next picture, 15 bits
	TL0PICIDX uint8  // of the last picture of the lowest temporal layer
	Frame     uint16 // number of the next layer frame

	sinceKey int
}

// Packet is one packet of a layer frame.
type Packet struct {
	Spatial, Temporal int
	Key               bool // of a key picture
	Start, End        bool // first, last of its layer frame
	Marker            bool // last of its picture

	VP9        []byte // payload
	AV1        []byte // payload
	Descriptor []byte // dependency descriptor, to go with either
}

// patterns are the temporal layers of pictures behind a key picture, by how many there are.
var patterns = map[int][]int{1: {0}, 2: {0, 1}, 3: {0, 2, 1, 2}}

// Temporal is the temporal layer of the next picture, unless it is a key picture.
func (e *Encoder) Temporal() int {
	pattern := patterns[e.Mode.Temporal]
	return pattern[e.sinceKey%len(pattern)]
}

// Picture makes the next picture; each layer frame has as many packets as told. Payloads end in the number of the packet.
func (e *Encoder) Picture(key bool, packets int) []Packet {
	if key {
		e.sinceKey = 0
	}
	temporal := e.Temporal()
	if temporal == 0 {
		e.TL0PICIDX++
	}
	layers := e.Mode.Spatial
	if e.Layers > 0 {
		layers = e.Layers
	}
	var list []Packet
	for spatial := range layers {
		for i := range packets {
			p := Packet{
				Spatial: spatial, Temporal: temporal, Key: key, Start: i == 0, End: i == packets-1,
				Marker: i == packets-1 && spatial == layers-1,
			}
			p.VP9 = append(e.vp9(&p), 0xaa, byte(i))
			p.AV1 = e.av1(&p, byte(i))
			p.Descriptor = e.descriptor(&p)
			list = append(list, p)
		}
		e.Frame++
	}
	e.PictureID = (e.PictureID + 1) & 0x7fff
	e.sinceKey++
	return list
}

// between tells whether a layer frame of a key picture, or of another, refers to the one below it in its picture.
func (m Mode) between(key bool) bool { return !m.Apart && (key || !m.Key) }

// vp9 makes a payload descriptor in non-flexible mode (RFC 9628 section 4.2).
func (e *Encoder) vp9(p *Packet) []byte {
	head := byte(0x80 | 0x20) // picture id and layers
	if !p.Key {
		head |= 0x40
	}
	if p.Start {
		head |= 0x08
	}
	if p.End {
		head |= 0x04
	}
	if !e.Mode.between(p.Key) {
		head |= 0x01
	}
	layers := byte(p.Temporal<<5 | 0x10 | p.Spatial<<1) // with a switching up point
	if p.Spatial > 0 && e.Mode.between(p.Key) {
		layers |= 0x01
	}
	return []byte{head, 0x80 | byte(e.PictureID>>8), byte(e.PictureID), layers, e.TL0PICIDX}
}

// av1 makes a payload of one element, which starts a sequence in the first packet of a key picture.
func (e *Encoder) av1(p *Packet, number byte) []byte {
	head := byte(0x10)
	if p.Key && p.Start && p.Spatial == 0 {
		head |= 0x08
	}
	return []byte{head, 0x32, 0xaa, number}
}
