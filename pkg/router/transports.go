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
	return create(r, o.TransportID, func() (*transport.WebRTC, *proto.Error) {
		return transport.NewWebRTC(now, r.env, r, server, o)
	})
}

func (r *Router) createPlainTransport(now time.Time, o *proto.PlainTransportOptions) (any, *proto.Error) {
	return create(r, o.TransportID, func() (*transport.Plain, *proto.Error) { return transport.NewPlain(now, r.env, r, o) })
}

func (r *Router) createPipeTransport(now time.Time, o *proto.PipeTransportOptions) (any, *proto.Error) {
	return create(r, o.TransportID, func() (*transport.Pipe, *proto.Error) { return transport.NewPipe(now, r.env, r, o) })
}

func (r *Router) createDirectTransport(now time.Time, o *proto.DirectTransportOptions) (any, *proto.Error) {
	return create(r, o.TransportID, func() (*transport.Direct, *proto.Error) { return transport.NewDirect(now, r.env, r, o) })
}

// create keeps a new transport under its id, and dumps it.
func create[T transport.Transport](r *Router, id string, build func() (T, *proto.Error)) (any, *proto.Error) {
	if err := r.claim("transport", id, "transportId"); err != nil {
		return nil, err
	}
	t, err := build()
	if err != nil {
		r.ids.Release(id)
		return nil, err
	}
	r.transports[id] = t
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

func connectPipe(_ *Router, t transport.Transport, now time.Time, b *proto.ConnectPipeTransport) (any, *proto.Error) {
	p, ok := t.(*transport.Pipe)
	if !ok {
		return nil, proto.Unsupported("transport %q is not a PipeTransport", t.ID())
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
