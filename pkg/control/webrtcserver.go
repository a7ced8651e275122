package control

import (
	"context"
	"sync/atomic"

	"gazpacho/pkg/channel"
	"gazpacho/proto"
)

// WebRTCServerOptions are where a server listens and who is told.
type WebRTCServerOptions struct {
	ID          string // made up if empty
	ListenInfos []proto.ListenInfo
	Closed      func(Reason) // never for Close
}

// WebRTCServer is the sockets that a worker's WebRTC transports share.
type WebRTCServer struct {
	worker   *Worker
	workerID string // over a controller
	id       string
	told     func(Reason)
	closed   atomic.Bool
}

// CreateWebRTCServer binds a worker's shared sockets.
func (w *Worker) CreateWebRTCServer(ctx context.Context, infos []proto.ListenInfo) (*WebRTCServer, error) {
	return w.OpenWebRTCServer(ctx, WebRTCServerOptions{ListenInfos: infos})
}

// OpenWebRTCServer is CreateWebRTCServer with more to say.
func (w *Worker) OpenWebRTCServer(ctx context.Context, o WebRTCServerOptions) (*WebRTCServer, error) {
	s := w.newWebRTCServer(o)
	body := proto.CreateWebRTCServer{WebRTCServerID: s.id, ListenInfos: o.ListenInfos}
	return kept(s, s.open(ctx, "", body, nil))
}

func (w *Worker) newWebRTCServer(o WebRTCServerOptions) *WebRTCServer {
	return &WebRTCServer{worker: w, id: IDOr(o.ID), told: o.Closed}
}

func (s *WebRTCServer) open(ctx context.Context, workerID string, body, result any) error {
	if err := s.worker.listen(s.id, listener{object: s}, 0); err != nil {
		return err
	}
	if err := s.worker.client.Request(ctx, proto.WorkerCreateWebRTCServer, workerID, body, result); err != nil {
		undo(err, s.Close, s.end)
		return err
	}
	return nil
}

func (s *WebRTCServer) event(name string, body channel.Raw) {
	if name == proto.EventWebRTCServerClosed {
		heedEnd(body, s.closeBy)
	}
}

func (s *WebRTCServer) closeBy(reason Reason) {
	if s.end() {
		call(s.told, reason)
	}
}

// ID is the server's.
func (s *WebRTCServer) ID() string { return s.id }

// WorkerID names the worker it lives in, of a controller; empty over a worker's own channel.
func (s *WebRTCServer) WorkerID() string { return s.workerID }

// Dump tells its addresses and transports.
func (s *WebRTCServer) Dump(ctx context.Context) (proto.WebRTCServerDump, error) {
	return ask[proto.WebRTCServerDump](ctx, s.worker, proto.WebRTCServerDumpMethod, s.id, nil)
}

// Close ends the server and, by the worker's events, the transports that listen on it.
func (s *WebRTCServer) Close() {
	if s.end() {
		s.worker.tell(proto.WorkerCloseWebRTCServer, "", proto.CloseWebRTCServer{WebRTCServerID: s.id})
	}
}

func (s *WebRTCServer) end() bool {
	if s.closed.Swap(true) {
		return false
	}
	s.worker.forget(s.id, 0)
	return true
}
