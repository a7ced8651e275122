package transport

import (
	"time"

	"gazpacho/pkg/srtp"
	"gazpacho/proto"
)

// Keys are what a DTLS handshake yields for SRTP (RFC 5764 section 4.2).
type Keys struct {
	Profile               uint16 // its number in use_srtp
	LocalKey, LocalSalt   []byte
	RemoteKey, RemoteSalt []byte
}

// DTLSConnecting is told when the handshake begins.
func (w *WebRTC) DTLSConnecting(time.Time) {
	w.setDTLS(proto.DTLSStateChange{DTLSState: proto.DTLSConnecting})
}

// DTLSConnected is told when the peer's certificate matched and the keys are there. Certificate is PEM.
func (w *WebRTC) DTLSConnected(now time.Time, k Keys, certificate string) {
	if w.closed || w.faulty {
		return
	}
	session, err := srtp.NewSession(srtp.Profile(k.Profile), k.LocalKey, k.LocalSalt, k.RemoteKey, k.RemoteSalt)
	if err != nil {
		w.DTLSFailed(now, err.Error())
		return
	}
	was := w.open()
	w.session, w.remoteCert = session, certificate
	w.setDTLS(proto.DTLSStateChange{DTLSState: proto.DTLSConnected, DTLSRemoteCert: certificate})
	w.turned(now, was)
	if w.messages != nil {
		w.messages.possibleNow(now)
	}
}

// DTLSFailed is told when there will be no connection: fingerprint mismatch, no common suite, no answer.
func (w *WebRTC) DTLSFailed(now time.Time, reason string) {
	w.endDTLS(now, proto.DTLSStateChange{DTLSState: proto.DTLSFailed, Reason: reason})
}

// DTLSClosed is told when the peer said goodbye, or the association ended by itself.
func (w *WebRTC) DTLSClosed(now time.Time, reason string) {
	w.endDTLS(now, proto.DTLSStateChange{DTLSState: proto.DTLSClosed, Reason: reason})
}

// SCTPEnabled tells whether DTLS carries data besides keys.
func (w *WebRTC) SCTPEnabled() bool { return w.messages != nil }

func (w *WebRTC) startSCTP(time.Time) SCTP { return w.env.NewSCTP(w, w.dtls, w.messages.options) }

func (w *WebRTC) endDTLS(now time.Time, change proto.DTLSStateChange) {
	was := w.open()
	w.session = nil
	w.setDTLS(change)
	w.turned(now, was)
	if w.messages != nil {
		w.messages.impossible()
	}
}

func (w *WebRTC) setDTLS(change proto.DTLSStateChange) {
	if w.closed || w.dtlsState == change.DTLSState {
		return
	}
	w.dtlsState = change.DTLSState
	w.appraise()
	w.env.Events.Emit(w.id, proto.Event{Name: proto.EventDTLSStateChange, Body: change})
}

// SendDTLS sends a datagram of the association to the selected tuple. While there is none, or no consent, it is lost, and DTLS sends it again.
// The goodbye of a closed transport's association comes after Close.
func (w *WebRTC) SendDTLS(now time.Time, datagram []byte) {
	slot := w.env.Egress.Next()
	switch {
	case !w.reachable:
		w.drop(DropNotOpen)
	case len(datagram) > len(slot):
		w.drop(DropSendMalformed)
	default:
		w.commitTo(now, copy(slot, datagram), w.selected, protocolDTLS)
	}
}
