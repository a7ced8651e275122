package room

import (
	"gazpacho/pkg/auth"
	"gazpacho/proto"
)

// Why an administrator's or a grant's end of something came about, in producerClosed.
const (
	reasonAdmin = "closed by an administrator"
	reasonGrant = "not allowed any more"
)

// ClosePeer has a peer's connection closed, or takes a broadcaster out. It needs an administrator's grant.
func (r *Room) ClosePeer(g auth.Grant, peerID string) error {
	if err := r.administer(g); err != nil {
		return err
	}
	r.mu.Lock()
	p := r.peers[peerID]
	if p != nil {
		p.client.Close(CloseExpelled, "expelled by an administrator")
	}
	r.mu.Unlock()
	if p == nil {
		return r.expelBroadcaster(peerID)
	}
	p.Leave()
	r.log.Info("peer expelled", "peer", peerID)
	return nil
}

func (r *Room) expelBroadcaster(id string) error {
	if !r.removeBroadcaster(id) {
		return proto.NotFound("peer", id)
	}
	r.log.Info("broadcaster expelled", "broadcaster", id)
	return nil
}

// ClosePeerProducer ends what a member sends; a peer is told so. It needs an administrator's grant.
func (r *Room) ClosePeerProducer(g auth.Grant, peerID, producerID string) error {
	if err := r.administer(g); err != nil {
		return err
	}
	r.mu.Lock()
	p := r.producers[producerID]
	if p == nil || p.owner.id != peerID {
		r.mu.Unlock()
		return proto.NotFound("producer", producerID)
	}
	r.endProducer(p, reasonAdmin)
	r.mu.Unlock()
	p.Close()
	r.log.Info("producer closed by an administrator", "peer", peerID, "producer", producerID)
	return nil
}

// endProducer takes a producer off what its owner and the room have, and tells the owner, whose idea it was not. The room is locked;
// closing it is left to the caller.
func (r *Room) endProducer(p *producer, why string) {
	p.owner.drop(p)
	if peer := r.peers[p.owner.id]; peer != nil && &peer.member == p.owner {
		peer.client.Notify("producerClosed", producerClosed{ProducerID: p.ID(), Reason: why})
	}
}

func (r *Room) administer(g auth.Grant) error {
	if err := r.rooms.covers(g, r.id); err != nil {
		return err
	}
	return r.rooms.check(g, toAdminister)
}

// CloseRoom closes a room and everybody's connection. It needs an administrator's grant.
func (rs *Rooms) CloseRoom(g auth.Grant, roomID string) error {
	if err := rs.check(g, toAdminister); err != nil {
		return err
	}
	r, err := rs.Room(g, roomID)
	if err != nil {
		return err
	}
	r.expelAll()
	return nil
}

func (r *Room) expelAll() {
	r.dismiss(CloseRoomClosed, "closed by an administrator")
	r.router.Close()
}

// ClosePeer is the administrator's request closePeer.
func (p *Peer) ClosePeer(peerID string) error { return p.room.ClosePeer(p.Grant(), peerID) }

// CloseRoom is the administrator's request closeRoom.
func (p *Peer) CloseRoom() error {
	if err := p.room.administer(p.Grant()); err != nil {
		return err
	}
	p.room.expelAll()
	return nil
}

// ClosePeerProducer is the administrator's request closePeerProducer.
func (p *Peer) ClosePeerProducer(peerID, producerID string) error {
	return p.room.ClosePeerProducer(p.Grant(), peerID, producerID)
}
