package control

import (
	"context"

	"gazpacho/pkg/channel"
	"gazpacho/pkg/ortc"
	"gazpacho/proto"
)

// DialOptions are how a client attaches to a controller.
type DialOptions struct {
	Software string // for the controller's log

	// Keep leaves routers and WebRTC servers alone when the connection ends, so that others can take them over; else they are closed then.
	Keep bool
}

// Controller is a controller we are a client of. It makes the same handles as a Worker does: a program that drove a worker drives all of a
// controller's by another first line. What a handle decides by ORTC at a worker, the controller decides here, since it has to know of it anyway;
// the rest is the same to the byte.
type Controller struct {
	w        *Worker // all of its workers, as one
	attached proto.AttachClientResult
}

// Dial attaches to the controller whose control API is at address, "unix:/path". A refusal is a *proto.Error.
func Dial(ctx context.Context, address string, o DialOptions) (*Controller, error) {
	c := &Controller{w: unattached()}
	c.w.remote = true
	body := proto.AttachClient{Protocol: proto.Current, Software: o.Software}
	if o.Keep {
		body.OnDisconnect = proto.OnDisconnectKeep
	}
	client, err := channel.Dial(ctx, address, channel.Options{Notification: c.w.notified, Door: &channel.Door{
		Hello: proto.EventControllerHello, Attach: proto.ControllerAttach, Body: body, Result: &c.attached,
	}})
	if err != nil {
		return nil, err
	}
	c.w.live(client)
	return c, nil
}

// ID is by what others see whose a router is.
func (c *Controller) ID() string { return c.attached.ClientID }

// Hello is how the controller introduced itself.
func (c *Controller) Hello() proto.Hello { return c.w.Hello() }

// Done is closed when the connection has ended and every handle was closed.
func (c *Controller) Done() <-chan struct{} { return c.w.Done() }

// Err tells why the connection ended; nil while it lives.
func (c *Controller) Err() error { return c.w.Err() }

// Close ends the connection; what becomes of what was made over it, Dial has said. It must not be called by a callback.
func (c *Controller) Close() { c.w.Detach() }

// Workers tells which workers run.
func (c *Controller) Workers(ctx context.Context) ([]RemoteWorker, error) {
	infos, err := ask[[]proto.WorkerInfo](ctx, c.w, proto.ControllerListWorkers, "", nil)
	list := make([]RemoteWorker, len(infos))
	for i, info := range infos {
		list[i] = RemoteWorker{info, c.w}
	}
	return list, err
}

// SupportedRTPCapabilities is what routers can be made of.
func (c *Controller) SupportedRTPCapabilities(ctx context.Context) (proto.RTPCapabilities, error) {
	return ask[proto.RTPCapabilities](ctx, c.w, proto.ControllerRTPCapabilities, "", nil)
}

// SupportedRTPCapabilities is what routers can be made of. The caller owns it.
func SupportedRTPCapabilities() proto.RTPCapabilities { return ortc.SupportedRTPCapabilities() }

// Routers tells which routers live, whosever they are.
func (c *Controller) Routers(ctx context.Context) ([]proto.RouterInfo, error) {
	return ask[[]proto.RouterInfo](ctx, c.w, proto.ControllerListRouters, "", nil)
}

// WebRTCServers tells which WebRTC servers of clients live.
func (c *Controller) WebRTCServers(ctx context.Context) ([]proto.WebRTCServerInfo, error) {
	return ask[[]proto.WebRTCServerInfo](ctx, c.w, proto.ControllerListWebRTCServers, "", nil)
}

// CreateRouter makes a router on the worker with the least to do.
func (c *Controller) CreateRouter(ctx context.Context, o RouterOptions) (*Router, error) {
	return c.w.createRouterRemotely(ctx, "", o)
}

// CreateWebRTCServer binds shared sockets of the worker with the least to do.
func (c *Controller) CreateWebRTCServer(ctx context.Context, infos []proto.ListenInfo) (*WebRTCServer, error) {
	return c.w.openServerRemotely(ctx, "", WebRTCServerOptions{ListenInfos: infos})
}

// TakeWebRTCServer makes a server another client has made ours.
func (c *Controller) TakeWebRTCServer(ctx context.Context, o proto.WebRTCServerInfo, closed func(Reason)) (*WebRTCServer, error) {
	s := c.w.newWebRTCServer(WebRTCServerOptions{ID: o.WebRTCServerID, Closed: closed})
	s.workerID = o.WorkerID
	if err := c.w.listen(s.id, listener{object: s}, 0); err != nil {
		return nil, err
	}
	body := proto.TakeWebRTCServer{WebRTCServerID: s.id}
	if err := c.w.client.Request(ctx, proto.ControllerTakeWebRTCServer, "", body, nil); err != nil {
		s.end()
		return nil, err
	}
	return s, nil
}

// RemoteWorker is a worker of a controller's, as it was when it was asked for.
type RemoteWorker struct {
	proto.WorkerInfo
	w *Worker
}

// CreateRouter makes a router on this worker.
func (w RemoteWorker) CreateRouter(ctx context.Context, o RouterOptions) (*Router, error) {
	return w.w.createRouterRemotely(ctx, w.WorkerID, o)
}

// CreateWebRTCServer binds shared sockets of this worker.
func (w RemoteWorker) CreateWebRTCServer(ctx context.Context, infos []proto.ListenInfo) (*WebRTCServer, error) {
	return w.OpenWebRTCServer(ctx, WebRTCServerOptions{ListenInfos: infos})
}

// OpenWebRTCServer is CreateWebRTCServer with more to say.
func (w RemoteWorker) OpenWebRTCServer(ctx context.Context, o WebRTCServerOptions) (*WebRTCServer, error) {
	return w.w.openServerRemotely(ctx, w.WorkerID, o)
}

// Dump tells what lives in the worker.
func (w RemoteWorker) Dump(ctx context.Context) (proto.WorkerDump, error) {
	return ask[proto.WorkerDump](ctx, w.w, proto.WorkerDumpMethod, w.WorkerID, nil)
}

// ResourceUsage is the worker's getrusage(2).
func (w RemoteWorker) ResourceUsage(ctx context.Context) (proto.ResourceUsage, error) {
	return ask[proto.ResourceUsage](ctx, w.w, proto.WorkerResourceUsage, w.WorkerID, nil)
}

// Stats is how the worker fares.
func (w RemoteWorker) Stats(ctx context.Context) (proto.WorkerStats, error) {
	return ask[proto.WorkerStats](ctx, w.w, proto.WorkerGetStats, w.WorkerID, nil)
}

// UpdateSettings changes the worker's log.
func (w RemoteWorker) UpdateSettings(ctx context.Context, s proto.UpdateSettings) error {
	return w.w.client.Request(ctx, proto.WorkerUpdateSettings, w.WorkerID, s, nil)
}

// Profile is a profile of the worker's: see Worker.Profile.
func (w RemoteWorker) Profile(ctx context.Context, kind string, seconds int) ([]byte, error) {
	p, err := ask[proto.Profile](ctx, w.w, proto.WorkerGetProfile, w.WorkerID, proto.GetProfile{Kind: kind, Seconds: seconds})
	return p.Data, err
}
