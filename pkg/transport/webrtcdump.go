package transport

import (
	"time"

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
	return proto.WebRTCTransportStats{
		TransportStats:   w.stats(now, "webrtc-transport", w.agent.Drops()),
		ICERole:          "controlled",
		ICEState:         w.agent.State().String(),
		ICESelectedTuple: w.selectedTuple(),
		DTLSState:        w.dtlsState,
	}
}

func (w *WebRTC) selectedTuple() *proto.TransportTuple {
	if _, ok := w.agent.Selected(); !ok {
		return nil
	}
	t := shownTuple(w.server.locals, w.selected)
	return &t
}
