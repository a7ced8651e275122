package rtp

// MaxTargets is how many decode targets a dependency descriptor may speak of: their number has five bits.
const MaxTargets = 32

// Descriptor is what who leaves out layers has to know of a packet's dependency descriptor to keep it true: which decode targets are still
// there (RTP Payload Format For AV1, appendix A.4).
type Descriptor struct {
	Targets *Targets // nil if there is no descriptor, or it could not be understood
	Active  uint32   // set of decode targets that the publisher sends
	At      uint16   // bit at which the set stands in the descriptor, or would
	There   bool     // it stands there
}

// Targets are the decode targets of a stream and the highest layers they have. It is read-only.
type Targets struct {
	Count    int
	Spatial  [MaxTargets]uint8
	Temporal [MaxTargets]uint8
}

// Within returns the set of the decode targets that have no higher layers.
func (t *Targets) Within(spatial, temporal uint8) (set uint32) {
	for i := range t.Count {
		if t.Spatial[i] <= spatial && t.Temporal[i] <= temporal {
			set |= 1 << i
		}
	}
	return set
}
