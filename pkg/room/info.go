package room

import (
	"cmp"
	"maps"
	"slices"

	"gazpacho/pkg/auth"
)

// RoomInfo is who is in a room and what they send.
type RoomInfo struct {
	ID           string       `json:"id"`
	Peers        []MemberInfo `json:"peers"`
	Broadcasters []MemberInfo `json:"broadcasters"`
}

// MemberInfo is one of them. Joined is always true of a broadcaster.
type MemberInfo struct {
	PeerInfo
	Joined        bool               `json:"joined"`
	Producers     []ProducerInfo     `json:"producers"`
	DataProducers []DataProducerInfo `json:"dataProducers"`
	Transports    int                `json:"transports"`
	Consumers     int                `json:"consumers"`
	DataConsumers int                `json:"dataConsumers"`
}

// ProducerInfo is media that one sends.
type ProducerInfo struct {
	ID     string `json:"id"`
	Kind   string `json:"kind"`
	Type   string `json:"type"`
	Paused bool   `json:"paused"`
}

// DataProducerInfo is messages that one sends.
type DataProducerInfo struct {
	ID       string `json:"id"`
	Label    string `json:"label"`
	Protocol string `json:"protocol"`
}

// Info tells who is here, by id.
func (r *Room) Info() RoomInfo {
	r.mu.Lock()
	defer r.mu.Unlock()
	info := RoomInfo{ID: r.id, Peers: []MemberInfo{}, Broadcasters: []MemberInfo{}}
	for _, id := range slices.Sorted(maps.Keys(r.peers)) {
		info.Peers = append(info.Peers, r.peers[id].details(r.peers[id].joined))
	}
	for _, id := range slices.Sorted(maps.Keys(r.broadcasters)) {
		info.Broadcasters = append(info.Broadcasters, r.broadcasters[id].details(true))
	}
	return info
}

// details describes a member. The room is locked.
func (m *member) details(joined bool) MemberInfo {
	d := MemberInfo{
		PeerInfo: m.info(), Joined: joined, Producers: []ProducerInfo{}, DataProducers: []DataProducerInfo{},
		Transports: m.used[transportQuota], Consumers: m.used[consumerQuota], DataConsumers: m.used[dataConsumerQuota],
	}
	for _, p := range slices.SortedFunc(maps.Values(m.producers), func(a, b *producer) int { return cmp.Compare(a.number, b.number) }) {
		d.Producers = append(d.Producers, ProducerInfo{ID: p.ID(), Kind: p.Kind(), Type: p.Type(), Paused: p.Paused()})
	}
	for _, p := range slices.SortedFunc(maps.Values(m.dataProducers), func(a, b *dataProducer) int { return cmp.Compare(a.number, b.number) }) {
		d.DataProducers = append(d.DataProducers, DataProducerInfo{ID: p.ID(), Label: p.Label(), Protocol: p.Protocol()})
	}
	return d
}

// List tells of all rooms that an administrator's grant covers, by id.
func (rs *Rooms) List(g auth.Grant) ([]RoomInfo, error) {
	if err := rs.check(g, toAdminister); err != nil {
		return nil, err
	}
	list := []RoomInfo{}
	for _, r := range rs.all() {
		if g.CoversRoom(r.id) {
			list = append(list, r.Info())
		}
	}
	slices.SortFunc(list, func(a, b RoomInfo) int { return cmp.Compare(a.ID, b.ID) })
	return list, nil
}

// Stats counts what there is, and what there was since the start.
type Stats struct {
	Rooms, Peers, JoinedPeers, Broadcasters int
	RoomsOpened, PeersEntered               uint64
	// Refusals by reason: unauthorized, forbidden, or the name of the limit that was reached.
	Refusals map[string]uint64
}

// Stats of all rooms.
func (rs *Rooms) Stats() Stats {
	var s Stats
	for _, r := range rs.all() {
		s.Rooms++
		r.mu.Lock()
		s.Peers += len(r.peers)
		s.Broadcasters += len(r.broadcasters)
		for _, p := range r.peers {
			if p.joined {
				s.JoinedPeers++
			}
		}
		r.mu.Unlock()
	}
	rs.counted.Lock()
	defer rs.counted.Unlock()
	s.RoomsOpened, s.PeersEntered, s.Refusals = rs.roomsOpened, rs.peersEntered, maps.Clone(rs.refusals)
	return s
}

// refused counts why something was refused.
func (rs *Rooms) refused(reason string, err error) error {
	rs.counted.Lock()
	defer rs.counted.Unlock()
	rs.refusals[reason]++
	return err
}
