package codec

import "gazpacho/pkg/rtp"

// Limits of the dependency descriptor (RTP Payload Format For AV1, appendix A.8.2), by the widths of its fields.
const (
	maxTemplates = 64
	maxTargets   = rtp.MaxTargets
)

// Decode target indications (table A.1). One that is neither of these means that the frame is needed.
const (
	notPresent  = 0
	switchPoint = 2
)

// Reading is what became of a dependency descriptor.
type Reading uint8

// What a descriptor was. Unreadable are malformed ones and those that speak of a structure that was not received: of a stream whose first packet
// was lost, or comes late.
const (
	Unreadable Reading = iota
	Understood
	Renewed // it brought a new structure, which what was unreadable may have waited for
)

// Dependencies reads the dependency descriptors of one stream, and keeps the templates that they refer to. The zero value is ready.
type Dependencies struct {
	known     bool
	structure structure
	table     *rtp.Targets // of the structure; shared with the frames
	active    uint32       // decode targets that are sent: "valid until the next update" (A.4)
}

// structure is a template dependency structure, as far as forwarding needs it. Which frames a frame refers to, and the chains, are the receivers'
// business: whoever gets all that a decode target has can decode it.
type structure struct {
	offset    uint32 // id of the first template
	templates int
	targets   int
	chains    int
	layers    [maxTargets]layer // of the decode targets
	list      [maxTemplates]template
}

// layer is a spatial and a temporal layer.
type layer struct{ spatial, temporal uint8 }

// template is what frames have in common.
type template struct {
	layer
	indications  uint64 // two bits for each decode target, the first one lowest
	switchAfter  bool
	unreferenced bool
}

func indication(indications uint64, target int) uint64 { return indications >> (2 * target) & 3 }

// Read adds to f what a descriptor, the value of the header extension, says of its packet. f is left alone if it is unreadable.
//
//	 0                   1                   2
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|S|E| template  |         frame number          | extended fields …
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
func (d *Dependencies) Read(b []byte, f *rtp.Frame) Reading {
	r := bitReader{b: b}
	start, end, id := r.flag(), r.flag(), r.take(6)
	r.take(16) // the frame's number
	if r.short {
		return Unreadable
	}
	result := Understood
	var custom bool
	var indications uint64
	mask := rtp.Descriptor{At: 24}
	set := d.active
	if len(b) > 3 {
		renewed, active := r.flag(), r.flag()
		custom = r.flag()
		r.take(2) // whether references and chains are its own: they are at the end
		if renewed {
			var s structure
			if !s.read(&r) {
				return Unreadable
			}
			d.structure, d.known, result = s, true, Renewed
			d.share()
			set = 1<<s.targets - 1
			d.active = set
		}
		mask.At, mask.There = uint16(r.at), active
		if active {
			set = r.take(d.structure.targets)
		}
		if custom {
			indications = d.structure.readIndications(&r)
		}
	}
	s := &d.structure
	// "values outside of the valid range may be caused by a change of the template dependency structure, that is a packet with the new template
	// dependency structure was lost or delayed" (A.8.3).
	i := (id - s.offset) & 63
	if r.short || !d.known || int(i) >= s.templates {
		return Unreadable
	}
	t := s.list[i]
	if custom {
		t.indications = indications
		s.judge(&t)
	}
	f.Start, f.End, f.Spatial, f.Temporal = start, end, t.spatial, t.temporal
	f.SwitchAfter, f.Unreferenced = t.switchAfter, t.unreferenced
	d.active = set
	f.Descriptor = mask
	f.Descriptor.Targets, f.Descriptor.Active = d.table, set
	// The structure "MUST be set to 1 for the first packet of a coded video sequence, and MUST be set to 0 otherwise".
	f.KeyFrame = f.KeyFrame || result == Renewed && start
	return result
}

// share makes the table that frames point to, unless there is the same.
func (d *Dependencies) share() {
	t := rtp.Targets{Count: d.structure.targets}
	for i := range t.Count {
		t.Spatial[i], t.Temporal[i] = d.structure.layers[i].spatial, d.structure.layers[i].temporal
	}
	if d.table == nil || *d.table != t {
		shared := t
		d.table = &shared
	}
}

// read reads a structure (template_dependency_structure).
func (s *structure) read(r *bitReader) bool {
	s.offset = r.take(6)
	s.targets = int(r.take(5)) + 1
	if !s.readLayers(r) {
		return false
	}
	list := s.list[:s.templates]
	for i := range list {
		list[i].indications = s.readIndications(r)
	}
	for range list {
		for r.flag() {
			r.take(4) // how far back a frame is that is referred to
		}
	}
	s.readChains(r)
	s.deriveLayers()
	for i := range list {
		s.judge(&list[i])
	}
	if r.flag() { // the resolutions of the spatial layers
		for range list[s.templates-1].spatial + 1 {
			r.take(32)
		}
	}
	return !r.short
}

// readLayers reads the layers of the templates (template_layers, table A.2).
func (s *structure) readLayers(r *bitReader) bool {
	var at layer
	for s.templates = 1; ; s.templates++ {
		s.list[s.templates-1].layer = at
		switch next := r.take(2); next {
		case 1:
			at.temporal++
		case 2:
			at.temporal = 0
			at.spatial++
		case 3:
			return at.spatial <= maxSpatialID && at.temporal <= maxTemporalID
		}
		// Layers only grow, so what is too high here is too high at the end.
		if r.short || s.templates == maxTemplates || at.spatial > maxSpatialID || at.temporal > maxTemporalID {
			return false
		}
	}
}

// The ids of layers that AV1 has bits for (AV1 section 5.3.3).
const (
	maxSpatialID  = 3
	maxTemporalID = 7
)

func (s *structure) readIndications(r *bitReader) (indications uint64) {
	for i := range s.targets {
		indications |= uint64(r.take(2)) << (2 * i)
	}
	return indications
}

// readChains skips template_chains.
func (s *structure) readChains(r *bitReader) {
	s.chains = int(r.below(s.targets + 1))
	if s.chains == 0 {
		return
	}
	for range s.targets {
		r.below(s.chains) // which one protects it
	}
	for range s.templates * s.chains {
		r.take(4)
	}
}

// deriveLayers finds out which layers a decode target is of: the highest that it has (decode_target_layers).
func (s *structure) deriveLayers() {
	for i := range s.targets {
		at := &s.layers[i]
		for j := range s.templates {
			if t := &s.list[j]; indication(t.indications, i) != notPresent {
				at.spatial, at.temporal = max(at.spatial, t.spatial), max(at.temporal, t.temporal)
			}
		}
	}
}

// judge finds out what a template's indications mean for who forwards layers.
func (s *structure) judge(t *template) {
	higher, switches := 0, 0 // decode targets of the same spatial layer and higher temporal ones
	t.unreferenced = true
	for i := range s.targets {
		at, what := s.layers[i], indication(t.indications, i)
		switch {
		case at.spatial > t.spatial && what != notPresent:
			t.unreferenced = false
		case at.spatial == t.spatial && at.temporal > t.temporal:
			higher++
			if what == switchPoint {
				switches++
			}
		}
	}
	t.switchAfter = higher > 0 && switches == higher
}
