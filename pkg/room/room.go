package room

import (
	"context"
	"log/slog"
	"sync"

	"gazpacho/pkg/control"
	"gazpacho/pkg/supervisor"
	"gazpacho/proto"
)

// The audio level observer of a room: one speaker, asked often enough that a frame around a face follows the talk.
const (
	speakerInterval  = 800 // milliseconds
	speakerThreshold = -80 // dBov
)

// Room is one room.
type Room struct {
	// passed in
	rooms    *Rooms
	id       string
	replicas int
	log      *slog.Logger

	// owned
	worker *supervisor.Worker
	router *control.Router
	levels *control.AudioLevelObserver
	bot    bot

	// state
	mu            sync.Mutex
	peers         map[string]*Peer
	broadcasters  map[string]*Broadcaster
	producers     map[string]*producer // of all members: what can be offered
	dataProducers map[string]*dataProducer
	numbers       int   // given to producers of either kind
	used          tally // by all members
	closed        bool
}

// newRoom places a room on a worker, and on another if that one dies under it.
func newRoom(ctx context.Context, rs *Rooms, e Entry) (*Room, error) {
	for {
		w, err := rs.cfg.Place(ctx)
		if err != nil {
			return nil, err
		}
		r, err := newRoomOn(ctx, rs, e, w)
		if err == nil || w.Err() == nil || ctx.Err() != nil {
			return r, err
		}
	}
}

func newRoomOn(ctx context.Context, rs *Rooms, e Entry, w *supervisor.Worker) (*Room, error) {
	r := &Room{
		rooms: rs, worker: w, id: e.RoomID, replicas: e.ConsumerReplicas, log: rs.cfg.Log.With("room", e.RoomID),
		peers: map[string]*Peer{}, broadcasters: map[string]*Broadcaster{}, producers: map[string]*producer{},
		dataProducers: map[string]*dataProducer{},
	}
	var err error
	r.router, err = r.worker.CreateRouter(ctx, control.RouterOptions{
		MediaCodecs: rs.cfg.MediaCodecs,
		Closed:      func(control.Reason) { r.dismiss(CloseRestart, "the media worker of this room died") },
	})
	if err != nil {
		return nil, err
	}
	interval, threshold := speakerInterval, speakerThreshold
	r.levels, err = r.router.CreateAudioLevelObserver(ctx, control.AudioLevelObserverOptions{
		Interval: &interval, Threshold: &threshold, Volumes: r.spoke, Silence: r.silent,
	})
	if err != nil {
		r.router.Close()
		return nil, err
	}
	r.log.Info("room opened", "worker", r.worker.Slot)
	return r, nil
}

// ID is the room's.
func (r *Room) ID() string { return r.id }

// RTPCapabilities is what the room forwards.
func (r *Room) RTPCapabilities() proto.RTPCapabilities { return r.router.RTPCapabilities() }

// gone tells whether the room has closed.
func (r *Room) gone() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.closed
}

// enter makes a peer. It returns neither peer nor error if the room has just closed.
func (r *Room) enter(e Entry, client Client) (*Peer, error) {
	p := &Peer{member: newMember(r, e.PeerID), client: client}
	p.grant = &e.Grant
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return nil, nil
	}
	old := r.peers[e.PeerID]
	if most := r.rooms.cfg.Limits.PeersPerRoom; old == nil && len(r.peers) >= most {
		r.mu.Unlock()
		return nil, r.rooms.full("peers-per-room", most)
	}
	r.peers[e.PeerID] = p
	if old != nil {
		r.part(old)
		old.client.Close(CloseFinal, "replaced by a newer connection of the same peer")
	}
	r.mu.Unlock()
	if old != nil {
		old.closeTransports()
	}
	return p, nil
}

// part marks a peer as gone and tells the others. The room is locked.
func (r *Room) part(p *Peer) {
	p.left = true
	for _, t := range p.transports {
		t.watch.stop()
	}
	p.stopTURN()
	p.withdraw()
	if p.joined {
		r.tell(p, "peerClosed", aboutPeer{p.id})
	}
}

// leave takes a peer out; the last one closes the room.
func (r *Room) leave(p *Peer) {
	r.mu.Lock()
	if p.left {
		r.mu.Unlock()
		return
	}
	delete(r.peers, p.id)
	r.part(p)
	r.mu.Unlock()
	if !r.closeEmpty() {
		p.closeTransports()
	}
}

// closeEmpty closes the room if nobody is here any more; broadcasters alone do not keep it.
func (r *Room) closeEmpty() bool {
	r.mu.Lock()
	empty := len(r.peers) == 0 && !r.closed
	if empty {
		r.closed = true
		r.dropBroadcasters()
	}
	r.mu.Unlock()
	if !empty {
		return false
	}
	r.rooms.forget(r)
	r.router.Close()
	r.log.Info("room closed")
	return true
}

// dismiss closes the room because of what happened to its worker or to us: clients are told to come back.
func (r *Room) dismiss(code int, reason string) {
	r.mu.Lock()
	r.closed = true
	left := r.peers
	r.peers = map[string]*Peer{}
	for _, p := range left {
		r.part(p)
		p.client.Close(code, reason)
	}
	r.dropBroadcasters()
	r.mu.Unlock()
	r.rooms.forget(r)
	level := slog.LevelInfo
	if code == CloseRestart {
		level = slog.LevelWarn
	}
	r.log.Log(context.Background(), level, "room ended", "reason", reason)
}

// tell notifies all joined peers but one. The room is locked.
func (r *Room) tell(but *Peer, method string, data any) {
	for _, p := range r.peers {
		if p != but && p.joined {
			p.client.Notify(method, data)
		}
	}
}

// offer has all joined peers but the sender consume a producer. The room is locked.
func (r *Room) offer(p *producer) {
	for _, peer := range r.peers {
		if peer.joined && &peer.member != p.owner {
			peer.offeredMedia(p)
		}
	}
}

// spoke hears of the loudest producer.
func (r *Room) spoke(volumes proto.AudioVolumes) {
	if len(volumes) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if p := r.producers[volumes[0].ProducerID]; p != nil {
		id, volume := p.owner.id, volumes[0].Volume
		r.tell(nil, "activeSpeaker", activeSpeaker{PeerID: &id, Volume: &volume})
	}
}

func (r *Room) silent() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tell(nil, "activeSpeaker", activeSpeaker{})
}
