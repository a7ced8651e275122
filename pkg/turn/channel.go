package turn

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"time"

	"gazpacho/pkg/stun"
)

// Channel numbers. RFC 8656 section 12 gives 0x4000 to 0x4FFF to clients, RFC 5766 section 11 up to 0x7FFF, which clients still use.
const (
	minChannel = 0x4000
	maxChannel = 0x7fff
)

// channel binds a number to a peer (RFC 8656 section 12). It stays for a quiet time when it has expired, and may then only be bound as it was.
type channel struct {
	number    uint16
	peer      netip.AddrPort
	expiresAt time.Time
	openUntil time.Time // the sooner of this and of the permission's end
}

// channelBind answers ChannelBind (RFC 8656 section 12.2).
func (r *request) channelBind() {
	if !r.owned() {
		return
	}
	a := r.a
	if a.tcp {
		r.refuse(stun.CodeForbidden) // connections take the place of channels (RFC 6062 section 4)
		return
	}
	number, ok := r.m.Uint32(stun.AttrChannelNumber)
	number >>= 16 // the rest is reserved
	if !ok || number < minChannel || number > maxChannel {
		r.refuse(stun.CodeBadRequest)
		return
	}
	peer, code := r.judge(r.m.Value(stun.AttrXORPeerAddress), true)
	if code != 0 {
		r.refuse(code)
		return
	}
	c := a.findNumber(uint16(number))
	if bound := a.findPeer(peer); bound != c || c != nil && c.peer != peer {
		// "The channel number is not currently bound to a different transport address; the transport address is not currently bound to a different
		// channel number."
		r.refuse(stun.CodeBadRequest)
		return
	}
	q := &r.server.config.Quotas
	if c == nil && len(a.channels) >= q.Channels || a.findPermission(peer.Addr()) == nil && len(a.permissions) >= q.Permissions || !a.openFor(peer.Addr(), r.verdict) {
		r.refuse(stun.CodeInsufficientCapacity)
		return
	}
	if c == nil {
		a.channels = append(a.channels, channel{number: uint16(number), peer: peer})
		c = &a.channels[len(a.channels)-1]
	}
	c.expiresAt = r.now.Add(channelLifetime)
	a.permit(r.now, peer.Addr())
	a.schedule()
	r.succeed()
}

func (a *allocation) findNumber(number uint16) *channel {
	for i := range a.channels {
		if a.channels[i].number == number {
			return &a.channels[i]
		}
	}
	return nil
}

func (a *allocation) findPeer(peer netip.AddrPort) *channel {
	for i := range a.channels {
		if a.channels[i].peer == peer {
			return &a.channels[i]
		}
	}
	return nil
}

func (a *allocation) forgetChannels(now time.Time) {
	a.channels = slices.DeleteFunc(a.channels, func(c channel) bool { return !now.Before(c.expiresAt.Add(channelQuiet)) })
}

// putChannelHead writes the header of ChannelData.
func putChannelHead(b []byte, number uint16, size int) {
	binary.BigEndian.PutUint16(b, number)
	binary.BigEndian.PutUint16(b[2:], uint16(size))
}
