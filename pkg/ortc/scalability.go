package ortc

import (
	"strconv"
	"strings"

	"gazpacho/proto"
)

// ScalabilityMode is a scalability mode of WebRTC-SVC in numbers: L3T2 has 3 spatial and 2 temporal layers.
type ScalabilityMode struct {
	SpatialLayers  int  // 1 to 99
	TemporalLayers int  // 1 to 99
	KSVC           bool // spatial layers depend on each other in key frames only
}

// ParseScalabilityMode reads a mode such as L1T3, S3T3 or L3T3_KEY; what follows is ignored. A mode it cannot read,
// the empty one included, is one layer of each.
func ParseScalabilityMode(mode string) ScalabilityMode {
	none := ScalabilityMode{SpatialLayers: 1, TemporalLayers: 1}
	if mode == "" || (mode[0] != 'L' && mode[0] != 'S') {
		return none
	}
	spatial, rest := layerCount(mode[1:])
	if spatial == 0 || !strings.HasPrefix(rest, "T") {
		return none
	}
	temporal, rest := layerCount(rest[1:])
	if temporal == 0 {
		return none
	}
	return ScalabilityMode{SpatialLayers: spatial, TemporalLayers: temporal, KSVC: strings.HasPrefix(rest, "_KEY")}
}

// layerCount reads one or two digits, the first not 0. It returns 0 if there are none.
func layerCount(s string) (int, string) {
	n := 0
	for n < len(s) && n < 2 && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	if n == 0 || s[0] == '0' {
		return 0, s
	}
	count, _ := strconv.Atoi(s[:n])
	return count, s[n:]
}

// consumerScalabilityMode is the mode of the single stream that a consumer makes of the encodings: each of several
// encodings (simulcast) counts as a spatial layer. All are taken to have the first mode given.
func consumerScalabilityMode(encodings []proto.RTPEncodingParameters) string {
	mode := ""
	for _, e := range encodings {
		if e.ScalabilityMode != "" {
			mode = e.ScalabilityMode
			break
		}
	}
	// Whether the streams have spatial layers themselves does not matter: browsers do not send simulcast of them.
	if len(encodings) > 1 {
		temporal := ParseScalabilityMode(mode).TemporalLayers
		return "L" + strconv.Itoa(len(encodings)) + "T" + strconv.Itoa(temporal)
	}
	return mode
}
