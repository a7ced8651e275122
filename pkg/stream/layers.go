package stream

// Layers counts, or numbers from 0, spatial and temporal layers.
type Layers struct {
	Spatial, Temporal int
}

// ParseScalabilityMode reads how many layers a mode such as L1T3 or S2T1_KEY has (W3C WebRTC-SVC section 6). What does not look like
// one has one layer of each.
func ParseScalabilityMode(mode string) Layers {
	if mode != "" && (mode[0] == 'L' || mode[0] == 'S') {
		if spatial, rest := layerCount(mode[1:]); spatial > 0 && rest != "" && rest[0] == 'T' {
			if temporal, _ := layerCount(rest[1:]); temporal > 0 {
				return Layers{Spatial: spatial, Temporal: temporal}
			}
		}
	}
	return Layers{Spatial: 1, Temporal: 1}
}

// layerCount reads a number of one or two digits that does not begin with 0.
func layerCount(s string) (n int, rest string) {
	for n < 10 && s != "" && s[0] >= '0' && s[0] <= '9' && (n > 0 || s[0] != '0') {
		n, s = 10*n+int(s[0]-'0'), s[1:]
	}
	return n, s
}
