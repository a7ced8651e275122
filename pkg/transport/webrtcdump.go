package transport

import (
	"time"

	"gazpacho/pkg/ice"
	"gazpacho/proto"
)

// Dump shows the transport as transport.dump and createWebRtcTransport do: a proto.WebRTCTransportDump.
func (w *WebRTC) Dump() any {
	role := "auto"
	if w.localRole != "" {
		role = w.localRole
	}
	return proto.WebRTCTransportDump{
		TransportDump:    w.dump(),
		ICERole:          "controlled",
		ICEParameters:    w.iceParameters(),
		ICECandidates:    w.candidates,
		ICEState:         w.agent.State().String(),
		ICESelectedTuple: w.selectedTuple(),
		DTLSParameters:   proto.DTLSParameters{Role: role, Fingerprints: w.env.Fingerprints},
		DTLSState:        w.dtlsState,
		DTLSRemoteCert:   w.remoteCert,
	}
}

// Stats counts as transport.getStats does: proto.WebRTCTransportStats.
func (w *WebRTC) Stats(now time.Time) any {
	s := w.stats(now, "webrtc-transport")
	addICEDrops(&s, w.agent.Drops())
	return proto.WebRTCTransportStats{
		TransportStats:   s,
		ICERole:          "controlled",
		ICEState:         w.agent.State().String(),
		ICESelectedTuple: w.selectedTuple(),
		DTLSState:        w.dtlsState,
	}
}

// addICEDrops counts STUN messages that were not acted on beside the dropped media.
func addICEDrops(s *proto.TransportStats, d ice.Drops) {
	for _, c := range []struct {
		reason string
		n      uint64
	}{
		{"stunMalformed", d.Malformed},
		{"stunFingerprint", d.Fingerprint},
		{"stunNotRequest", d.NotRequest},
		{"stunUsername", d.Username},
		{"stunBudget", d.Budget},
		{"stunIntegrity", d.Integrity},
	} {
		if c.n == 0 {
			continue
		}
		if s.Drops == nil {
			s.Drops = make(map[string]uint64)
		}
		s.Drops[c.reason] = c.n
	}
}

func (w *WebRTC) selectedTuple() *proto.TransportTuple {
	if _, ok := w.agent.Selected(); !ok {
		return nil
	}
	t := shownTuple(w.server.locals, w.selected)
	return &t
}
