package room

import (
	"math"

	"gazpacho/proto"
)

// Limits are how many there may be of something at a time. 0 is the default.
type Limits struct {
	Rooms               int
	PeersPerRoom        int
	BroadcastersPerRoom int

	// Of a peer, or of a broadcaster.
	TransportsPerPeer    int
	ProducersPerPeer     int
	ConsumersPerPeer     int
	DataProducersPerPeer int
	DataConsumersPerPeer int

	TransportsPerRoom int
	ProducersPerRoom  int
	ConsumersPerRoom  int
}

// DefaultLimits are generous for honest use: a page of ours has 2 transports, 3 producers and a data producer. A meeting of 100 who
// all send audio and video has 200 producers and 19,800 consumers; a webinar of 1000 fits as well.
func DefaultLimits() Limits {
	return Limits{
		Rooms: 10_000, PeersPerRoom: 1000, BroadcastersPerRoom: 32,
		TransportsPerPeer: 8, ProducersPerPeer: 32, ConsumersPerPeer: 2048, DataProducersPerPeer: 16, DataConsumersPerPeer: 2048,
		TransportsPerRoom: 4096, ProducersPerRoom: 2048, ConsumersPerRoom: 65_536,
	}
}

// complete fills in what is not limited explicitly.
func (l Limits) complete() Limits {
	d := DefaultLimits()
	for _, f := range []struct{ value, otherwise *int }{
		{&l.Rooms, &d.Rooms},
		{&l.PeersPerRoom, &d.PeersPerRoom},
		{&l.BroadcastersPerRoom, &d.BroadcastersPerRoom},
		{&l.TransportsPerPeer, &d.TransportsPerPeer},
		{&l.ProducersPerPeer, &d.ProducersPerPeer},
		{&l.ConsumersPerPeer, &d.ConsumersPerPeer},
		{&l.DataProducersPerPeer, &d.DataProducersPerPeer},
		{&l.DataConsumersPerPeer, &d.DataConsumersPerPeer},
		{&l.TransportsPerRoom, &d.TransportsPerRoom},
		{&l.ProducersPerRoom, &d.ProducersPerRoom},
		{&l.ConsumersPerRoom, &d.ConsumersPerRoom},
	} {
		if *f.value <= 0 {
			*f.value = *f.otherwise
		}
	}
	return l
}

// quota is a kind of things that are counted for each member and for the room.
type quota int

const (
	transportQuota quota = iota
	producerQuota
	consumerQuota
	dataProducerQuota
	dataConsumerQuota
	quotas
)

// quotaNames are their names in refusals.
var quotaNames = [quotas]string{"transports", "producers", "consumers", "data-producers", "data-consumers"}

// tally is how many there are, or may be, of each.
type tally [quotas]int

func (l Limits) perPeer() tally {
	return tally{l.TransportsPerPeer, l.ProducersPerPeer, l.ConsumersPerPeer, l.DataProducersPerPeer, l.DataConsumersPerPeer}
}

// perRoom leaves what data channels may be to the members' limits: they are as many as transports allow.
func (l Limits) perRoom() tally {
	return tally{l.TransportsPerRoom, l.ProducersPerRoom, l.ConsumersPerRoom, math.MaxInt, math.MaxInt}
}

// seat is the place of one thing within the limits of its member and room. It is taken before the worker is asked and given back
// when that fails, or when the thing ends, so that no number of requests at a time exceeds a limit. The room's lock guards it.
type seat struct {
	member *member // nil: given back
	quota  quota
}

// reserve takes a seat. The room is locked.
func (m *member) reserve(q quota) (*seat, error) {
	r := m.room
	if most := r.rooms.cfg.Limits.perPeer()[q]; m.used[q] >= most {
		return nil, r.rooms.full(quotaNames[q]+"-per-peer", most)
	}
	if most := r.rooms.cfg.Limits.perRoom()[q]; r.used[q] >= most {
		return nil, r.rooms.full(quotaNames[q]+"-per-room", most)
	}
	m.used[q]++
	r.used[q]++
	return &seat{m, q}, nil
}

// take is reserve for a member that may have left.
func (m *member) take(q quota) (*seat, error) {
	m.room.mu.Lock()
	defer m.room.mu.Unlock()
	if m.left {
		return nil, errLeft(m.id)
	}
	return m.reserve(q)
}

// release gives the seat back, once. The room is locked.
func (s *seat) release() {
	if s == nil || s.member == nil {
		return
	}
	s.member.used[s.quota]--
	s.member.room.used[s.quota]--
	s.member = nil
}

// giveBack is release for a room that is not locked.
func (m *member) giveBack(s *seat) {
	m.room.mu.Lock()
	defer m.room.mu.Unlock()
	s.release()
}

// full is the refusal of one more than a limit.
func (rs *Rooms) full(limit string, most int) error {
	return rs.refused(limit, proto.Failed(proto.CodeLimit, "the limit %s of %d is reached", limit, most))
}
