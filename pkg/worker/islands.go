package worker

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"gazpacho/pkg/dtls"
	"gazpacho/pkg/loop"
	"gazpacho/pkg/sctp"
	"gazpacho/pkg/transport"
	"gazpacho/proto"
)

// islands makes the DTLS and SCTP associations of a worker's transports and lets the two sides, which don't know each other's types, talk.
type islands struct {
	certificate *dtls.Certificate
	loop        *loop.Loop
	limiter     *dtls.Limiter
	drops       *dtls.Counters
	data        *sctp.Counters
}

func newIslands(c *dtls.Certificate, l *loop.Loop) islands {
	return islands{certificate: c, loop: l, limiter: dtls.NewLimiter(dtls.MaxHandshakes), drops: new(dtls.Counters), data: new(sctp.Counters)}
}

// open makes the association of a transport.
func (i *islands) open(t *transport.WebRTC) transport.DTLS {
	a := &association{}
	a.Association = dtls.New(dtls.Config{
		Certificate: i.certificate, Events: dtlsEvents{t}, Post: i.loop.Post, Send: t.SendDTLS,
		Timer: i.timer, Limiter: i.limiter, Counters: i.drops, Data: t.SCTPEnabled(),
	})
	return a
}

// timer lends the loop's timers.
func (i *islands) timer(at time.Time, f func(now time.Time)) (stop func()) {
	t := i.loop.Timers().New(f)
	t.Reset(at)
	return t.Stop
}

// association is a dtls.Association as a transport sees it.
type association struct{ *dtls.Association }

// Start translates roles, fingerprints and errors.
func (a *association) Start(now time.Time, role string, remote []proto.DTLSFingerprint) *proto.Error {
	list := make([]dtls.Fingerprint, len(remote))
	for i, f := range remote {
		list[i] = dtls.Fingerprint(f)
	}
	err := a.Association.Start(now, dtls.Role(role), list)
	if err == nil {
		return nil
	}
	path := "dtlsParameters.fingerprints"
	var which *dtls.FingerprintError
	if errors.As(err, &which) {
		path += fmt.Sprintf("[%d].value", which.Index)
		if errors.Is(err, dtls.ErrFingerprintAlgorithm) {
			path = strings.TrimSuffix(path, "value") + "algorithm"
		}
	}
	return proto.BadField(path, "%s", err)
}

// dtlsEvents is a transport as its association sees it.
type dtlsEvents struct{ *transport.WebRTC }

// DTLSConnected translates the keys.
func (e dtlsEvents) DTLSConnected(now time.Time, k dtls.Keys) {
	e.WebRTC.DTLSConnected(now, transport.Keys{
		Profile: uint16(k.Profile), LocalKey: k.LocalKey, LocalSalt: k.LocalSalt, RemoteKey: k.RemoteKey, RemoteSalt: k.RemoteSalt,
	}, k.RemoteCertificatePEM)
}

// DTLSFailed translates the reason.
func (e dtlsEvents) DTLSFailed(now time.Time, reason error) { e.WebRTC.DTLSFailed(now, reason.Error()) }

// DTLSClosed says who closed.
func (e dtlsEvents) DTLSClosed(now time.Time) { e.WebRTC.DTLSClosed(now, "closed by the peer") }

func fingerprints(c *dtls.Certificate) []proto.DTLSFingerprint {
	list := c.Fingerprints()
	out := make([]proto.DTLSFingerprint, len(list))
	for i, f := range list {
		out[i] = proto.DTLSFingerprint(f)
	}
	return out
}
