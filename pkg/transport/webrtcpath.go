package transport

import (
	"time"

	"gazpacho/pkg/ice"
	"gazpacho/pkg/rtp"
	"gazpacho/pkg/srtp"
	"gazpacho/pkg/tuple"
	"gazpacho/proto"
)

// Handle takes a datagram of one of the transport's tuples, or a STUN message for one of its user names, and tells the protocols
// apart by the first byte (RFC 7983 section 7): 0–3 STUN, 20–63 DTLS, 128–191 RTP and RTCP.
func (w *WebRTC) Handle(now time.Time, datagram []byte, from tuple.Tuple) {
	w.meters.received(now, len(datagram))
	if len(datagram) == 0 {
		w.drop(DropMalformed)
		return
	}
	switch first := datagram[0]; {
	case first >= 128 && first <= 191:
		w.handleSRTP(now, datagram, from)
	case first >= 20 && first <= 63:
		w.handleDTLS(now, datagram, from)
	case first <= 3:
		w.handleSTUN(now, datagram, from)
	default:
		w.drop(DropMalformed)
	}
}

func (w *WebRTC) handleSTUN(now time.Time, datagram []byte, from tuple.Tuple) {
	// Answering may make us send other things first, so the answer is not written into a slot right away.
	n := w.agent.Handle(now, datagram, from, w.reply[:])
	if n == 0 {
		return // the agent counts why
	}
	w.meters.handled(protocolSTUN)
	slot := w.env.Egress.Next()
	w.commitTo(now, copy(slot, w.reply[:n]), from, protocolSTUN)
}

func (w *WebRTC) handleDTLS(now time.Time, datagram []byte, from tuple.Tuple) {
	switch {
	case !w.agent.KnowsTuple(from):
		w.drop(DropUnauthorized)
	case w.dtls == nil:
		w.drop(DropNoDTLS) // the peer was faster than signaling; it sends its flight again
	default:
		if datagram[0] == applicationData && w.messages != nil {
			w.messages.want(now) // the peer begins SCTP; it does so again if DTLS is not connected yet
		}
		w.dtls.Handle(now, datagram)
		w.meters.handled(protocolDTLS)
	}
}

// applicationData is the DTLS content type that carries SCTP (RFC 8261).
const applicationData = 23

func (w *WebRTC) handleSRTP(now time.Time, datagram []byte, from tuple.Tuple) {
	switch {
	case !w.agent.KnowsTuple(from):
		w.drop(DropUnauthorized)
		return
	case w.session == nil:
		w.drop(DropNoKeys)
		return
	}
	if rtp.IsRTCP(datagram) {
		n, reason := w.session.UnprotectRTCP(datagram)
		if reason != srtp.OK {
			w.drop(srtpDrop(reason))
			return
		}
		w.agent.Authenticated(now, from)
		w.receiveRTCP(now, datagram[:n])
		return
	}
	n, reason := w.session.UnprotectRTP(datagram)
	if reason != srtp.OK {
		w.drop(srtpDrop(reason))
		return
	}
	w.agent.Authenticated(now, from)
	w.receiveRTP(now, datagram[:n])
}

func srtpDrop(r srtp.Reason) Drop {
	switch r {
	case srtp.AuthFailed:
		return DropSRTPAuth
	case srtp.Replayed:
		return DropSRTPReplay
	case srtp.TooOld:
		return DropSRTPTooOld
	case srtp.NotEncrypted:
		return DropSRTPPlain
	default:
		return DropSRTPMalformed
	}
}

// tupleClosed is told that the connection under a tuple is gone.
func (w *WebRTC) tupleClosed(now time.Time, t tuple.Tuple) { w.agent.RemoveTuple(now, t) }

func (w *WebRTC) commit(now time.Time, n int, carries protocol) {
	w.commitTo(now, n, w.selected, carries)
}

// commitTo sends the slot that was lent last to any tuple.
func (w *WebRTC) commitTo(now time.Time, n int, to tuple.Tuple, carries protocol) {
	w.meters.sent(now, n, carries)
	w.env.Egress.Commit(n, to)
}

func (w *WebRTC) open() bool { return w.session != nil && w.reachable }

func (w *WebRTC) protectRTP(slot []byte, header int, payload []byte) (int, bool) {
	return w.session.ProtectRTP(slot, header, payload)
}

func (w *WebRTC) protectAgain(slot []byte, header int, payload []byte) (int, bool) {
	return w.session.ProtectRTPAgain(slot, header, payload)
}

func (w *WebRTC) allowAgain(ssrc uint32) { w.session.AllowResend(ssrc) }

func (w *WebRTC) forget(ssrc uint32) {
	if w.session != nil {
		w.session.Forget(ssrc)
	}
}

func (w *WebRTC) protectRTCP(slot []byte, n int) (int, bool) { return w.session.ProtectRTCP(slot, n) }

// iceHandler is the transport as its agent sees it.
type iceHandler WebRTC

// ICEState tells the controller. Without consent nothing is sent to the peer (RFC 7675 section 5.1).
func (h *iceHandler) ICEState(now time.Time, s ice.State) {
	w := (*WebRTC)(h)
	if w.closed {
		return
	}
	was := w.open()
	w.reachable = s == ice.Connected || s == ice.Completed
	w.appraise()
	w.env.Events.Emit(w.id, proto.Event{Name: proto.EventICEStateChange, Body: proto.ICEStateChange{ICEState: s.String()}})
	if w.reachable && w.dtls != nil {
		w.dtls.Ready(now)
	}
	w.turned(now, was)
}

// ICESelected moves media to another tuple.
func (h *iceHandler) ICESelected(_ time.Time, t tuple.Tuple) {
	w := (*WebRTC)(h)
	w.selected = t
	w.env.Events.Emit(w.id, proto.Event{
		Name: proto.EventICESelectedTupleChange,
		Body: proto.ICESelectedTupleChange{ICESelectedTuple: shownTuple(w.server.locals, t)},
	})
}

// ICETupleAdded and ICETupleRemoved keep the server's map true.
func (h *iceHandler) ICETupleAdded(t tuple.Tuple) { h.server.accept(t, (*WebRTC)(h)) }

// ICETupleRemoved ends the tuple's entry.
func (h *iceHandler) ICETupleRemoved(t tuple.Tuple) { h.server.forget(t) }

// ICEUsernameForgotten drops a user name after a restart.
func (h *iceHandler) ICEUsernameForgotten(fragment string) { delete(h.server.fragments, fragment) }

// turned starts or stops media when the path opened or shut.
func (w *WebRTC) turned(now time.Time, was bool) {
	switch is := w.open(); {
	case is && !was:
		w.opened(now)
	case was && !is:
		w.shut(now)
	}
}
