package transport

import (
	"slices"
	"strings"
	"time"

	"gazpacho/pkg/ice"
	"gazpacho/pkg/tuple"
	"gazpacho/proto"
)

// Server shares sockets among WebRTC transports: a datagram finds its transport by the 5-tuple it came on, and a STUN message on an
// unknown tuple by the user name fragment it names. It is mediasoup's WebRtcServer; an individually bound transport has one of its own.
type Server struct {
	id      string
	binding Binding
	locals  []Local

	tuples    map[tuple.Tuple]*WebRTC
	links     map[tuple.Link]tuple.Tuple // of TCP connections: each carries one tuple
	fragments map[string]*WebRTC
	members   map[*WebRTC]struct{}
	busy      *WebRTC // whom the last datagram went to
	drops     drops
	totals    *Totals
	closed    bool
}

// NewServer binds the sockets of a server, or none of them.
func NewServer(id string, infos []proto.ListenInfo, env *Env) (*Server, *proto.Error) {
	s := &Server{
		id:        id,
		tuples:    make(map[tuple.Tuple]*WebRTC),
		links:     make(map[tuple.Link]tuple.Tuple),
		fragments: make(map[string]*WebRTC),
		members:   make(map[*WebRTC]struct{}),
		totals:    env.Totals,
	}
	binding, err := env.Binder.Bind(infos, s)
	if err != nil {
		return nil, err
	}
	s.binding, s.locals = binding, binding.Locals()
	return s, nil
}

// ID returns the server's id; "" for the private server of an individually bound transport.
func (s *Server) ID() string { return s.id }

// Handle gives a datagram to the transport it belongs to. Only STUN reaches a transport from a tuple that it has not accepted (R-DTLS-1).
func (s *Server) Handle(now time.Time, datagram []byte, from tuple.Tuple) {
	s.busy = nil
	if w := s.tuples[from]; w != nil {
		s.busy = w
		w.Handle(now, datagram, from)
		return
	}
	if !ice.IsMessage(datagram) {
		s.drop(DropUnknownTuple)
		return
	}
	fragment, ok := ice.LocalUsername(datagram)
	if !ok {
		s.drop(DropMalformed)
		return
	}
	w := s.fragments[string(fragment)]
	if w == nil {
		s.drop(DropUnknownUser)
		return
	}
	s.busy = w
	w.Handle(now, datagram, from)
}

// Fault ends the transport whose packet could not be handled.
func (s *Server) Fault(now time.Time) {
	if w := s.busy; w != nil {
		s.busy = nil
		w.fault(now)
		return
	}
	s.drop(DropPanic)
}

// drop counts a datagram that reaches no transport.
func (s *Server) drop(reason Drop) {
	s.drops[reason]++
	s.totals.tally.drops[reason]++
}

// LinkClosed forgets the tuples of a TCP connection that ended.
func (s *Server) LinkClosed(now time.Time, link tuple.Link) {
	if t, ok := s.links[link]; ok {
		s.tuples[t].tupleClosed(now, t)
	}
}

// accept routes a tuple to the transport that authenticated it.
func (s *Server) accept(t tuple.Tuple, w *WebRTC) {
	s.tuples[t] = w
	if t.Protocol == tuple.TCP {
		s.links[t.Link] = t
		s.binding.Authenticated(t.Link)
	}
}

// forget ends that.
func (s *Server) forget(t tuple.Tuple) {
	delete(s.tuples, t)
	if t.Protocol == tuple.TCP {
		delete(s.links, t.Link)
		s.binding.CloseLink(t.Link)
	}
}

// Drops returns what reached no transport, by reason.
func (s *Server) Drops() map[string]uint64 { return s.drops.table() }

// Close closes the sockets and every transport on them, in the order of their ids.
func (s *Server) Close(now time.Time) {
	if s.closed {
		return
	}
	s.closed = true
	members := make([]*WebRTC, 0, len(s.members))
	for w := range s.members {
		members = append(members, w)
	}
	slices.SortFunc(members, func(a, b *WebRTC) int { return strings.Compare(a.id, b.id) })
	for _, w := range members {
		w.listenServerClosed(now)
	}
	s.binding.Close()
}

// Dump shows the server as webRtcServer.dump does.
func (s *Server) Dump() proto.WebRTCServerDump {
	d := proto.WebRTCServerDump{
		ID: s.id, UDPSockets: []proto.IPPort{}, TCPServers: []proto.IPPort{},
		WebRTCTransportIDs: []string{}, LocalICEUsernameFragments: []proto.ICEUsernameFragment{},
	}
	for _, l := range s.locals {
		at := proto.IPPort{IP: l.Address.Addr().String(), Port: l.Address.Port()}
		if l.Protocol == tuple.UDP {
			d.UDPSockets = append(d.UDPSockets, at)
		} else {
			d.TCPServers = append(d.TCPServers, at)
		}
	}
	for w := range s.members {
		d.WebRTCTransportIDs = append(d.WebRTCTransportIDs, w.id)
	}
	for fragment, w := range s.fragments {
		d.LocalICEUsernameFragments = append(d.LocalICEUsernameFragments,
			proto.ICEUsernameFragment{LocalICEUsernameFragment: fragment, WebRTCTransportID: w.id})
	}
	slices.Sort(d.WebRTCTransportIDs)
	slices.SortFunc(d.LocalICEUsernameFragments, func(a, b proto.ICEUsernameFragment) int {
		return strings.Compare(a.LocalICEUsernameFragment, b.LocalICEUsernameFragment)
	})
	return d
}
