// Package room is who is in a room and what they send and receive.
//
// A room is a router on one worker. Its peers are the clients of package signaling; its broadcasters send and receive without a
// connection of their own. Every producer of one is offered to all joined others as a consumer.
//
// Every request is checked against the grant of who makes it (rights.go): a peer's own, which may be renewed, or the one that comes with
// a request from outside. Nothing is allowed that the grant does not name. Ids are resolved among what is the caller's own or the
// room's, and one that is somebody else's is answered as one that never existed. Whatever is made has its place within Limits before
// the worker is asked for it (limits.go).
//
// One lock guards a room. It is never held while a worker is asked, so the callbacks of package control may take it; what is sent
// to clients is queued under it, so each client hears of things in the order in which they happened.
package room

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"gazpacho/pkg/auth"
	"gazpacho/pkg/supervisor"
	"gazpacho/proto"
)

// Config is what rooms need.
type Config struct {
	// Place names the worker for a new room. It may wait for one until ctx ends.
	Place func(ctx context.Context) (*supervisor.Worker, error)
	// MediaCodecs that rooms forward; nil is DefaultMediaCodecs.
	MediaCodecs []proto.RTPCodecCapability
	// MaxIncomingBitrate of every transport, bit/s; 0 is no limit. A grant may set a lower one.
	MaxIncomingBitrate int
	// MediaGrace is how long a peer stays whose media path is dead though its signaling is not: time for it to restart ICE.
	// 0 is DefaultMediaGrace.
	MediaGrace time.Duration
	Limits     Limits
	TURN       TURN
	Now        func() time.Time // by which grants expire; nil is time.Now
	Log        *slog.Logger
}

// DefaultMediaGrace is long enough for a page that notices at once and tries twice.
const DefaultMediaGrace = 10 * time.Second

// createTimeout bounds how long a room waits for a worker: a worker's restart takes less, and a client does not wait longer.
const createTimeout = 10 * time.Second

// Rooms is all rooms of a controller.
type Rooms struct {
	cfg Config

	mu     sync.Mutex
	rooms  map[string]*opening
	closed bool

	counted      sync.Mutex // guards what follows; no other lock is taken under it
	roomsOpened  uint64
	peersEntered uint64
	refusals     map[string]uint64
}

// opening is a room, or one that is being made; many may wait for it.
type opening struct {
	ready   chan struct{} // closed when room or err is set
	room    *Room
	err     error
	waiting int // to enter; guarded by the lock of all rooms
}

// New returns no rooms yet.
func New(cfg Config) *Rooms {
	if cfg.MediaCodecs == nil {
		cfg.MediaCodecs = DefaultMediaCodecs()
	}
	if cfg.MediaGrace == 0 {
		cfg.MediaGrace = DefaultMediaGrace
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	cfg.Limits = cfg.Limits.complete()
	return &Rooms{cfg: cfg, rooms: map[string]*opening{}, refusals: map[string]uint64{}}
}

// Entry is who enters which room.
type Entry struct {
	RoomID, PeerID   string
	ConsumerReplicas int // further consumers of each producer, for load tests; counts when the room is made
	Grant            auth.Grant
}

// Limits of an entry.
const (
	maxID       = 256
	maxReplicas = 16
)

// Check finds what no room would take.
func (e Entry) Check() error {
	switch {
	case e.RoomID == "" || len(e.RoomID) > maxID:
		return proto.BadField("roomId", "has 1 to %d bytes", maxID)
	case e.PeerID == "" || len(e.PeerID) > maxID:
		return proto.BadField("peerId", "has 1 to %d bytes", maxID)
	case e.ConsumerReplicas < 0 || e.ConsumerReplicas > maxReplicas:
		return proto.BadField("consumerReplicas", "is 0 to %d", maxReplicas)
	}
	return nil
}

// Enter makes a peer of client, and the room if it is the first. A peer that has the same id is replaced. The grant must cover both
// ids.
func (rs *Rooms) Enter(ctx context.Context, e Entry, client Client) (*Peer, error) {
	if err := e.Check(); err != nil {
		return nil, err
	}
	if err := rs.coversMember(e.Grant, e.RoomID, e.PeerID); err != nil {
		return nil, err
	}
	if e.ConsumerReplicas > 0 { // it multiplies the work for everybody in the room
		if err := rs.check(e.Grant, toAdminister); err != nil {
			return nil, err
		}
	}
	for {
		if p, err := rs.tryEnter(ctx, e, client); p != nil || err != nil {
			return p, err
		}
		// The room closed between being found and being entered: the next one is new.
	}
}

// tryEnter returns neither peer nor error if the room has just closed.
func (rs *Rooms) tryEnter(ctx context.Context, e Entry, client Client) (*Peer, error) {
	o, err := rs.open(e)
	if err != nil {
		return nil, err
	}
	defer rs.waited(o)
	select {
	case <-o.ready:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if o.err != nil {
		return nil, o.err
	}
	p, err := o.room.enter(e, client)
	if p != nil {
		rs.counted.Lock()
		rs.peersEntered++
		rs.counted.Unlock()
	}
	return p, err
}

// waited says that one who wanted to enter did, or has given up. A room that nobody entered closes: else whoever hangs up in time
// would leave one behind with every try.
func (rs *Rooms) waited(o *opening) {
	rs.mu.Lock()
	o.waiting--
	deserted := o.waiting == 0 && o.room != nil
	rs.mu.Unlock()
	if deserted {
		o.room.closeEmpty()
	}
}

// Room finds a room within a grant: to one that is not for it, it makes no difference whether there is such a room.
func (rs *Rooms) Room(g auth.Grant, id string) (*Room, error) {
	if err := rs.covers(g, id); err != nil {
		return nil, err
	}
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if o := rs.rooms[id]; o != nil && o.room != nil {
		return o.room, nil
	}
	return nil, proto.NotFound("room", id)
}

// Close ends all rooms: their clients are told to come back, since it is the server that goes. No further room is made.
func (rs *Rooms) Close() {
	rs.mu.Lock()
	rs.closed = true
	rs.mu.Unlock()
	for _, r := range rs.all() {
		r.dismiss(CloseGoingAway, "the server is going down")
		r.router.Close()
	}
}

// all is the rooms that are open.
func (rs *Rooms) all() []*Room {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	var rooms []*Room
	for _, o := range rs.rooms {
		if o.room != nil {
			rooms = append(rooms, o.room)
		}
	}
	return rooms
}

// open finds the room or begins to make it. The caller waits for it, and says so when it does not any more.
func (rs *Rooms) open(e Entry) (*opening, error) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if rs.closed {
		return nil, proto.Failed(proto.CodeClosed, "the server is going down")
	}
	o := rs.rooms[e.RoomID]
	if o == nil {
		if most := rs.cfg.Limits.Rooms; len(rs.rooms) >= most {
			return nil, rs.full("rooms", most)
		}
		o = &opening{ready: make(chan struct{})}
		rs.rooms[e.RoomID] = o
		// On nobody's context: whoever came first may leave while others wait.
		go rs.create(e, o)
	}
	o.waiting++
	return o, nil
}

func (rs *Rooms) create(e Entry, o *opening) {
	ctx, cancel := context.WithTimeout(context.Background(), createTimeout)
	defer cancel()
	r, err := newRoom(ctx, rs, e)
	if errors.Is(err, context.DeadlineExceeded) {
		err = proto.Failed(proto.CodeBusy, "no worker is running")
	}
	rs.mu.Lock()
	o.room, o.err = r, err
	if err != nil {
		delete(rs.rooms, e.RoomID)
	}
	closed, deserted := rs.closed, o.waiting == 0
	close(o.ready)
	rs.mu.Unlock()
	if err == nil {
		rs.counted.Lock()
		rs.roomsOpened++
		rs.counted.Unlock()
	}
	switch {
	case err != nil:
		rs.cfg.Log.Error("room could not be made", "room", e.RoomID, "error", err)
	case closed || r.gone():
		// Close, or the worker's end, came while it was being made.
		r.dismiss(CloseGoingAway, "the room was closed")
		r.router.Close()
	case deserted:
		r.closeEmpty()
	}
}

// forget says that r is no room any more.
func (rs *Rooms) forget(r *Room) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if o := rs.rooms[r.id]; o != nil && o.room == r {
		delete(rs.rooms, r.id)
	}
}
