package scalable

// Templates have an id each, from this one on: by spatial layer, first that of key pictures, then one for each temporal layer.
const firstTemplate = 5

// Indications of what a layer frame is to a decode target (RTP Payload Format For AV1, table A.1).
const (
	notPresent = iota
	discardable
	switching
	required
)

// bitWriter writes numbers from the highest bit to the lowest.
type bitWriter struct {
	b  []byte
	at int
}

func (w *bitWriter) put(n int, v uint32) {
	for n--; n >= 0; n-- {
		if w.at&7 == 0 {
			w.b = append(w.b, 0)
		}
		w.b[w.at>>3] |= byte(v>>n&1) << (7 - w.at&7)
		w.at++
	}
}

// putBelow writes a number below n, write_ns(n) of the specification.
func (w *bitWriter) putBelow(n int, v uint32) {
	width := 0
	for x := n; x != 0; x >>= 1 {
		width++
	}
	if m := uint32(1<<width - n); v < m {
		w.put(width-1, v)
	} else {
		w.put(width, v+m)
	}
}

// descriptor makes the dependency descriptor of a packet, with the structure in the first packet of a key picture (appendix A.8.2).
func (e *Encoder) descriptor(p *Packet) []byte {
	template := firstTemplate + p.Spatial*(e.Mode.Temporal+1)
	if !p.Key {
		template += 1 + p.Temporal
	}
	var w bitWriter
	w.put(1, flag(p.Start))
	w.put(1, flag(p.End))
	w.put(6, uint32(template))
	w.put(16, uint32(e.Frame))
	if p.Key && p.Start && p.Spatial == 0 {
		w.put(5, 0b10000)
		e.Mode.structure(&w)
	}
	return w.b
}

func flag(v bool) uint32 {
	if v {
		return 1
	}
	return 0
}

// structure writes template_dependency_structure with a decode target for each pair of layers and a chain for each spatial layer.
func (m Mode) structure(w *bitWriter) {
	w.put(6, firstTemplate)
	w.put(5, uint32(m.Spatial*m.Temporal-1))
	for spatial := range m.Spatial {
		w.put(2, 0) // another template of the same layers
		for range m.Temporal - 1 {
			w.put(2, 1)
		}
		if spatial < m.Spatial-1 {
			w.put(2, 2)
		}
	}
	w.put(2, 3)
	m.templates(func(spatial, temporal int, key bool) {
		for s := range m.Spatial {
			for t := range m.Temporal {
				w.put(2, m.indication(spatial, temporal, key, s, t))
			}
		}
	})
	m.templates(func(_, _ int, key bool) {
		if !key {
			w.put(1, 1)
			w.put(4, 2) // three frames back
		}
		w.put(1, 0)
	})
	w.putBelow(m.Spatial*m.Temporal+1, uint32(m.Spatial))
	for s := range m.Spatial {
		for range m.Temporal {
			w.putBelow(m.Spatial, uint32(s))
		}
	}
	m.templates(func(int, int, bool) { w.put(4*m.Spatial, 0) })
	w.put(1, 1)
	for s := range m.Spatial {
		w.put(16, uint32(320<<s-1))
		w.put(16, uint32(180<<s-1))
	}
}

// templates calls f with each template in the order of their ids.
func (m Mode) templates(f func(spatial, temporal int, key bool)) {
	for s := range m.Spatial {
		f(s, 0, true)
		for t := range m.Temporal {
			f(s, t, false)
		}
	}
}

// indication is what a layer frame is to the decode target of the layers s and t.
func (m Mode) indication(spatial, temporal int, key bool, s, t int) uint32 {
	switch {
	case s < spatial || t < temporal, s > spatial && !m.between(key):
		return notPresent
	case s > spatial && key, s == spatial && temporal == 0, s == spatial && t > temporal:
		return switching
	case s == spatial:
		return discardable
	}
	return required
}
