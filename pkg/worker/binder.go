package worker

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"syscall"
	"time"

	"gazpacho/pkg/loop"
	"gazpacho/pkg/socket"
	"gazpacho/pkg/transport"
	"gazpacho/pkg/tuple"
	"gazpacho/proto"
)

// Ports of listen infos that name neither a port nor a range, as mediasoup's rtcMinPort and rtcMaxPort.
const (
	minPort = 10_000
	maxPort = 59_999
	// portTries bounds the search for a free port in a range, so that a full one is an answer, not a wait.
	portTries = 256
)

// binder opens sockets for transports and leads what arrives on them to the transports' handlers.
type binder struct {
	loop   *loop.Loop
	links  *socket.Links
	egress *socket.Egress
	panics *panics
	relay  *relay // nil while nothing is relayed
}

// opened is one socket, of either protocol.
type opened struct {
	local transport.Local
	start func(*socket.Pool, socket.Sink)
	close func() error
}

// binding is the sockets of one server or transport.
type binding struct {
	links  *socket.Links
	egress *socket.Egress
	open   []opened
	ends   []func() // what else ends with it
}

// Bind opens a socket for every listen info, or none.
func (b *binder) Bind(infos []proto.ListenInfo, in transport.Ingress) (transport.Binding, *proto.Error) {
	bound := &binding{links: b.links, egress: b.egress}
	for i, info := range infos {
		o, err := b.listen(info)
		if err != nil {
			bound.Close()
			err.Path = fmt.Sprintf("listenInfos[%d].%s", i, err.Path)
			return nil, err
		}
		bound.open = append(bound.open, o)
	}
	handler := b.handler(in)
	if s, ok := in.(*transport.Server); ok && b.relay != nil {
		handler = b.relay.share(s, bound)
	}
	for _, o := range bound.open {
		sink := b.loop.Direct
		if o.local.Protocol == tuple.TCP {
			sink = b.loop.Sink // its connections have a reader each
		}
		o.start(b.loop.Pool(), sink(handler))
	}
	return bound, nil
}

// handler takes the batches of a binding's sockets, on the loop.
func (b *binder) handler(in transport.Ingress) loop.Handler {
	return func(now time.Time, batch *socket.Batch) {
		b.panics.serving(in)
		if batch.Closed {
			in.LinkClosed(now, batch.Link)
			return
		}
		for from, data, ok := batch.Next(); ok; from, data, ok = batch.Next() {
			in.Handle(now, data, from)
		}
	}
}

// listen opens one socket; the path of its error is that of a field of the info.
func (b *binder) listen(info proto.ListenInfo) (opened, *proto.Error) {
	ip, err := netip.ParseAddr(info.IP)
	if err != nil {
		return opened{}, proto.BadField("ip", "%q is not an IP address", info.IP)
	}
	if info.Protocol != "udp" && info.Protocol != "tcp" {
		return opened{}, proto.BadField("protocol", "%q is not udp or tcp", info.Protocol)
	}
	if info.SendBufferSize < 0 {
		return opened{}, proto.BadField("sendBufferSize", "%d is negative", info.SendBufferSize)
	}
	if info.RecvBufferSize < 0 {
		return opened{}, proto.BadField("recvBufferSize", "%d is negative", info.RecvBufferSize)
	}
	if r := info.PortRange; r != nil && (r.Min == 0 || r.Max < r.Min) {
		return opened{}, proto.BadField("portRange", "%d to %d is not a range of ports", r.Min, r.Max)
	}
	if info.Port != 0 && info.PortRange == nil {
		o, err := b.open(info, netip.AddrPortFrom(ip, info.Port))
		return o, portError(err, ip, info.Port)
	}
	return b.search(info, ip)
}

// search tries the ports of a range in an order that starts anywhere in it.
func (b *binder) search(info proto.ListenInfo, ip netip.Addr) (opened, *proto.Error) {
	low, high := minPort, maxPort
	if r := info.PortRange; r != nil {
		low, high = int(r.Min), int(r.Max)
	}
	size := high - low + 1
	first := rand.IntN(size)
	for i := range min(size, portTries) {
		port := uint16(low + (first+i)%size)
		o, err := b.open(info, netip.AddrPortFrom(ip, port))
		if err == nil || !errors.Is(err, syscall.EADDRINUSE) {
			return o, portError(err, ip, port)
		}
	}
	return opened{}, &proto.Error{
		Name: proto.ErrorName, Code: proto.CodeNoPort, Path: "portRange",
		Message: fmt.Sprintf("no free %s port of %s between %d and %d", info.Protocol, ip, low, high),
	}
}

func portError(err error, ip netip.Addr, port uint16) *proto.Error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.EADDRINUSE):
		return &proto.Error{
			Name: proto.ErrorName, Code: proto.CodeBusy, Path: "port",
			Message: fmt.Sprintf("%s is in use", netip.AddrPortFrom(ip, port)),
		}
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return proto.BadField("ip", "%s is not an address of this machine", ip)
	case errors.Is(err, syscall.ENODEV):
		return proto.BadField("ip", "no interface leads to the group %s", ip)
	default:
		return &proto.Error{Name: proto.ErrorName, Code: proto.CodeInternal, Path: "port", Message: err.Error()}
	}
}

func (b *binder) open(info proto.ListenInfo, at netip.AddrPort) (opened, error) {
	o := socket.Options{SendBuffer: info.SendBufferSize, RecvBuffer: info.RecvBufferSize}
	if info.Flags != nil {
		o.IPv6Only, o.ReusePort = info.Flags.IPv6Only, info.Flags.UDPReusePort && info.Protocol == "udp"
	}
	if info.Protocol == "udp" && at.Addr().IsMulticast() {
		o.Group = at.Addr()
		o.GroupVia, _ = netip.ParseAddr(info.AnnouncedAddress) // which may be a name, or nothing
	}
	if b.relay != nil {
		o.Framing = socket.FramingEither
	}
	if info.Protocol == "tcp" {
		s, err := socket.ListenTCP(b.links, at, o)
		if err != nil {
			return opened{}, err
		}
		return opened{transport.Local{Info: info, Address: s.Local(), Protocol: tuple.TCP}, s.Start, s.Close}, nil
	}
	s, err := socket.ListenUDP(b.links, at, o)
	if err != nil {
		return opened{}, err
	}
	return opened{transport.Local{Info: info, Address: s.Local(), Protocol: tuple.UDP, Link: s.Link()}, s.Start, s.Close}, nil
}

// Locals returns the bound addresses in the order of the listen infos.
func (b *binding) Locals() []transport.Local {
	list := make([]transport.Local, len(b.open))
	for i, o := range b.open {
		list[i] = o.local
	}
	return list
}

// Authenticated says that a TCP connection's peer passed ICE.
func (b *binding) Authenticated(link tuple.Link) { b.links.Authenticated(link) }

// CloseLink closes a TCP connection.
func (b *binding) CloseLink(link tuple.Link) { b.links.Disconnect(link) }

// Close closes the sockets, once what is to be sent is sent: there may be a goodbye among it.
func (b *binding) Close() {
	b.egress.Flush()
	for _, end := range b.ends {
		end()
	}
	for _, o := range b.open {
		_ = o.close() // nothing is left to do about it
	}
}
