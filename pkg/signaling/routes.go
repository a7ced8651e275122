package signaling

import (
	"gazpacho/pkg/room"
	"gazpacho/proto"
)

// route is an HTTP request that clients may make: how http.ServeMux writes it, what its grant must allow, and what it does.
type route struct {
	pattern string
	needs   right
	serve   func(visit) (any, error)
}

const (
	ofRoom        = "/rooms/{room}"
	ofBroadcaster = ofRoom + "/broadcasters/{broadcaster}"
	ofTransport   = ofBroadcaster + "/transports/{transport}"
)

// routes is all of them: the administrators', and those of mediasoup's demo for broadcasters.
var routes = []route{
	{"GET /access", member, access},

	{"GET /rooms", administering, func(c visit) (any, error) { return c.server.cfg.Rooms.List(c.grant) }},
	{"DELETE " + ofRoom, administering, func(c visit) (any, error) {
		return "room closed", c.server.cfg.Rooms.CloseRoom(c.grant, c.PathValue("room"))
	}},
	{"DELETE " + ofRoom + "/peers/{peer}", administering, inRoom(func(c visit, m *room.Room) (any, error) {
		return "peer closed", m.ClosePeer(c.grant, c.PathValue("peer"))
	})},

	{"GET " + ofRoom, member, inRoom(func(_ visit, m *room.Room) (any, error) { return m.RTPCapabilities(), nil })},
	{"POST " + ofRoom + "/broadcasters", takingPart, inRoom(func(c visit, m *room.Room) (any, error) {
		return withBody(c, func(b room.CreateBroadcaster) (room.BroadcasterResult, error) { return m.CreateBroadcaster(c.grant, b) })
	})},
	{"DELETE " + ofBroadcaster, member, inRoom(func(c visit, m *room.Room) (any, error) {
		return "broadcaster deleted", m.DeleteBroadcaster(c.grant, c.PathValue("broadcaster"))
	})},
	{"POST " + ofBroadcaster + "/transports", takingPart, ofMember(func(c visit, b room.BroadcasterAccess) (any, error) {
		return withBody(c, func(o room.CreateBroadcasterTransport) (any, error) { return b.CreateTransport(c.Context(), o) })
	})},
	{"POST " + ofTransport + "/connect", takingPart, ofMember(func(c visit, b room.BroadcasterAccess) (any, error) {
		return withBody(c, func(o room.ConnectBroadcasterTransport) (nothing, error) {
			return nothing{}, b.ConnectTransport(c.Context(), c.PathValue("transport"), o)
		})
	})},
	{"POST " + ofTransport + "/producers", publishing, ofMember(func(c visit, b room.BroadcasterAccess) (any, error) {
		return withBody(c, func(o room.Produce) (room.Created, error) {
			o.TransportID = c.PathValue("transport")
			return b.Produce(c.Context(), o)
		})
	})},
	{"POST " + ofTransport + "/consume", subscribing, ofMember(func(c visit, b room.BroadcasterAccess) (any, error) {
		return b.Consume(c.Context(), c.PathValue("transport"), c.query.Get("producerId"))
	})},
	{"POST " + ofTransport + "/produce/data", publishingData, ofMember(func(c visit, b room.BroadcasterAccess) (any, error) {
		return withBody(c, func(o room.ProduceData) (room.Created, error) {
			o.TransportID = c.PathValue("transport")
			return b.ProduceData(c.Context(), o)
		})
	})},
	{"POST " + ofTransport + "/consume/data", subscribing, ofMember(func(c visit, b room.BroadcasterAccess) (any, error) {
		return withBody(c, func(o dataProducerID) (room.BroadcasterDataConsumer, error) {
			return b.ConsumeData(c.Context(), c.PathValue("transport"), o.DataProducerID)
		})
	})},

	// Whatever else is asked of these is not there; who has no token is not even told that.
	{"/access", member, notFound},
	{"/rooms", member, notFound},
	{"/rooms/", member, notFound},
}

func notFound(c visit) (any, error) { return nil, proto.NotFound("resource", c.Method+" "+c.URL.Path) }

// access tells what a token allows, and whether it does so in a room for a peer. A page asks this when its WebSocket was refused, since
// browsers keep the reason to themselves.
func access(c visit) (any, error) {
	if err := covers(c.grant, c.query.Get("roomId"), c.query.Get("peerId")); err != nil {
		return nil, c.server.refusal(err)
	}
	return accessOf(c.grant), nil
}

// inRoom resolves the room of a path.
func inRoom(f func(visit, *room.Room) (any, error)) func(visit) (any, error) {
	return func(c visit) (any, error) {
		m, err := c.server.cfg.Rooms.Room(c.grant, c.PathValue("room"))
		if err != nil {
			return nil, err
		}
		return f(c, m)
	}
}

// ofMember resolves the broadcaster of a path, within its room.
func ofMember(f func(visit, room.BroadcasterAccess) (any, error)) func(visit) (any, error) {
	return inRoom(func(c visit, m *room.Room) (any, error) {
		b, err := m.Broadcaster(c.grant, c.PathValue("broadcaster"))
		if err != nil {
			return nil, err
		}
		return f(c, b)
	})
}
