package api

import (
	"context"
	"log/slog"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"gazpacho/pkg/channel"
	"gazpacho/pkg/supervisor"
	"gazpacho/proto"
)

// Workers are what a Supervisor has.
type Workers interface {
	Place(ctx context.Context) (*supervisor.Worker, error)
	Running() []*supervisor.Worker
	Stats() supervisor.Stats
}

// placeTimeout is how long a new router waits for a worker that runs.
const placeTimeout = 10 * time.Second

// Config is what a Server works with.
type Config struct {
	Workers Workers
	Version string
	Log     *slog.Logger
}

// Server serves the control API.
type Server struct {
	cfg  Config
	hall *channel.Hall
	reg  *registry

	mu      sync.Mutex
	clients int // that ever came
}

// Listen returns a listener on address, "unix:/path", with the channel's rules for paths and rights.
func Listen(address string) (net.Listener, error) { return channel.ListenUnix(address) }

// New returns a server on a listener, which it owns from then on.
func New(l net.Listener, cfg Config) *Server {
	s := &Server{cfg: cfg, reg: newRegistry()}
	s.hall = channel.NewHall(l, channel.HallConfig{
		Hello: proto.Hello{
			Software: "gazpacho", Version: cfg.Version, PID: os.Getpid(), Instance: strconv.FormatInt(time.Now().UnixNano(), 36), Capabilities: []string{},
		},
		HelloName: proto.EventControllerHello, AttachName: proto.ControllerAttach,
		Attach: s.attach, Request: s.request, Notification: s.notification, Detached: s.detached, Logger: cfg.Log,
	})
	return s
}

// Serve answers until Close.
func (s *Server) Serve() error { return s.hall.Serve() }

// Close ends all connections: what their clients have made is closed or kept, as they said.
func (s *Server) Close() error { return s.hall.Close() }

// attach makes a session of a connection.
func (s *Server) attach(g *channel.Guest, body channel.Raw) (any, *proto.Error) {
	var a proto.AttachClient
	if err := channel.Decode(body, &a); err != nil {
		return nil, err
	}
	if a.Protocol.Major != proto.Major {
		err := proto.Unsupported("this controller speaks another major version of the protocol")
		err.Path = "protocol.major"
		return nil, err
	}
	switch a.OnDisconnect {
	case "", proto.OnDisconnectClose, proto.OnDisconnectKeep:
	default:
		return nil, proto.BadField("onDisconnect", "%q is not close or keep", a.OnDisconnect)
	}
	s.mu.Lock()
	s.clients++
	id := "client-" + strconv.Itoa(s.clients)
	s.mu.Unlock()
	c := newSession(s, g, id, a.OnDisconnect == proto.OnDisconnectKeep)
	g.State = c
	s.cfg.Log.Info("control: client attached", "client", id, "software", a.Software)
	version := proto.Current
	version.Minor = min(version.Minor, a.Protocol.Minor)
	return proto.AttachClientResult{Protocol: version, ClientID: id}, nil
}

func (s *Server) request(g *channel.Guest, r channel.Request) { g.State.(*session).enqueue(r) }

func (s *Server) detached(g *channel.Guest) {
	c := g.State.(*session)
	c.end()
	s.cfg.Log.Info("control: client gone", "client", c.id, "dropped", g.Dropped())
}

// notification hands a packet or a message on to a direct transport. What is addressed to nobody is nobody's.
func (s *Server) notification(_ *channel.Guest, n channel.Notification) {
	if o := s.reg.object(n.HandlerID); o != nil && n.Payload != nil {
		_ = o.of.worker.ForwardBinary(n.Event, o.id, n.Body, n.Payload) // lossy: the worker may be gone
	}
}
