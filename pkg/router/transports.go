package router

import (
	"time"

	"gazpacho/pkg/transport"
	"gazpacho/proto"
)

func (r *Router) createWebRTCTransport(now time.Time, o *proto.WebRTCTransportOptions) (any, *proto.Error) {
	if len(o.ListenInfos) == 0 {
		return nil, proto.BadField("listenInfos", "is empty")
	}
	if o.WebRTCServerID != "" {
		return nil, proto.BadField("webRtcServerId", "may not be given with listenInfos")
	}
	return r.newWebRTC(now, nil, o)
}

func (r *Router) createWebRTCTransportWithServer(now time.Time, o *proto.WebRTCTransportOptions) (any, *proto.Error) {
	if len(o.ListenInfos) != 0 {
		return nil, proto.BadField("listenInfos", "may not be given with a server")
	}
	server := r.ids.Server(o.WebRTCServerID)
	if server == nil {
		return nil, proto.NotFound("webRtcServer", o.WebRTCServerID)
	}
	return r.newWebRTC(now, server, o)
}

func (r *Router) newWebRTC(now time.Time, server *transport.Server, o *proto.WebRTCTransportOptions) (any, *proto.Error) {
	if err := r.claim("transport", o.TransportID, "transportId"); err != nil {
		return nil, err
	}
	t, err := transport.NewWebRTC(now, r.env, r, server, o)
	if err != nil {
		r.ids.Release(o.TransportID)
		return nil, err
	}
	r.transports[o.TransportID] = t
	return t.Dump(), nil
}

func (r *Router) createPlainTransport(now time.Time, o *proto.PlainTransportOptions) (any, *proto.Error) {
	if err := r.claim("transport", o.TransportID, "transportId"); err != nil {
		return nil, err
	}
	t, err := transport.NewPlain(now, r.env, r, o)
	if err != nil {
		r.ids.Release(o.TransportID)
		return nil, err
	}
	r.transports[o.TransportID] = t
	return t.Dump(), nil
}

func connectWebRTC(_ *Router, t transport.Transport, now time.Time, b *proto.ConnectWebRTCTransport) (any, *proto.Error) {
	w, ok := t.(*transport.WebRTC)
	if !ok {
		return nil, proto.Unsupported("transport %q is not a WebRtcTransport", t.ID())
	}
	role, err := w.Connect(now, &b.DTLSParameters)
	return result(proto.ConnectWebRTCTransportResult{DTLSLocalRole: role}, err)
}

func connectPlain(_ *Router, t transport.Transport, now time.Time, b *proto.ConnectPlainTransport) (any, *proto.Error) {
	p, ok := t.(*transport.Plain)
	if !ok {
		return nil, proto.Unsupported("transport %q is not a PlainTransport", t.ID())
	}
	return result(p.Connect(now, b))
}

func restartICE(_ *Router, t transport.Transport, now time.Time, _ *none) (any, *proto.Error) {
	w, ok := t.(*transport.WebRTC)
	if !ok {
		return nil, proto.Unsupported("transport %q has no ICE", t.ID())
	}
	return result(w.RestartICE(now))
}

func (r *Router) consume(t transport.Transport, now time.Time, b *proto.Consume) (any, *proto.Error) {
	s := r.producers[b.ProducerID]
	if s == nil {
		return nil, proto.NotFound("producer", b.ProducerID)
	}
	return result(t.Consume(now, b, s.producer))
}
