package room

import (
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"gazpacho/pkg/auth"
	"gazpacho/proto"
)

const (
	// DefaultTURNLifetime of credentials is long enough that most calls need no second ones.
	DefaultTURNLifetime = 4 * time.Hour
	// maxTURNURLs bounds what a client tries: each costs it an allocation for each of its addresses.
	maxTURNURLs = 8
)

// TURN is how clients reach media that no direct path leads to.
type TURN struct {
	Secret   []byte        // that the servers have too; empty: there are none
	URLs     []string      // of the servers (RFC 7065), besides the ports of media themselves
	Lifetime time.Duration // of credentials; 0 is DefaultTURNLifetime
}

// ICEServer is an RTCIceServer of the WebRTC API: what mediasoup-client takes as an option of transports.
type ICEServer struct {
	URLs       []string `json:"urls"`
	Username   string   `json:"username"`
	Credential string   `json:"credential"`
}

// iceServersRefreshed has a client go on with new credentials.
type iceServersRefreshed struct {
	ICEServers []ICEServer `json:"iceServers"`
}

// renewTURNAfter says after which part of their life credentials are replaced: what a client holds is good for a quarter of it at least.
func renewTURNAfter(life time.Duration) time.Duration { return life / 4 * 3 }

// lifetime is that of credentials.
func (t TURN) lifetime() time.Duration {
	if t.Lifetime == 0 {
		return DefaultTURNLifetime
	}
	return t.Lifetime
}

// servers is what a client is told: the ports of media first, whose way through the relay is the shortest, then the others, for which there is room
// in any case, since they may be what a firewall lets through.
func (t TURN) servers(c auth.TURNCredentials, candidates []proto.ICECandidate) []ICEServer {
	others := t.URLs[:min(len(t.URLs), maxTURNURLs)]
	media := t.mediaURLs(candidates)
	urls := slices.Concat(media[:min(len(media), maxTURNURLs-len(others))], others)
	if len(urls) == 0 {
		return nil
	}
	return []ICEServer{{URLs: urls, Username: c.Username, Credential: c.Password}}
}

// mediaURLs are the ports of media, on which workers relay too: one of each IP version. They are for TCP only: over UDP, Chromium takes all that comes
// from the address of a TURN server for that server's answers, and so loses the direct path to the same port. What is at hand only on this machine is left
// out, unless there is nothing else: then everything is on this machine.
func (TURN) mediaURLs(candidates []proto.ICECandidate) []string {
	local := !slices.ContainsFunc(candidates, func(c proto.ICECandidate) bool { return !isLoopback(c.Address) })
	var urls []string
	seen := map[bool]bool{} // by IP version
	for _, c := range candidates {
		is6 := strings.Contains(c.Address, ":")
		if c.Protocol != "tcp" || seen[is6] || !local && isLoopback(c.Address) {
			continue
		}
		seen[is6] = true
		urls = append(urls, "turn:"+net.JoinHostPort(c.Address, strconv.Itoa(int(c.Port)))+"?transport=tcp")
	}
	return urls
}

func isLoopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback()
}

// credentials are for a member until the grant ends, at most.
func (m *member) turnCredentials(g auth.Grant) auth.TURNCredentials {
	t := m.room.rooms.cfg.TURN
	until := m.room.rooms.cfg.Now().Add(t.lifetime())
	if !g.Expires.IsZero() && g.Expires.Before(until) {
		until = g.Expires
	}
	return auth.NewTURNCredentials(t.Secret, m.room.id, m.id, until)
}

// relaying is the credentials of a peer, and what keeps them fresh. The room's lock guards it.
type relaying struct {
	credentials auth.TURNCredentials // zero: the peer has none
	candidates  []proto.ICECandidate // of the worker, which all transports of the peer have in common
	timer       *time.Timer
}

// relays tells whether there are servers, and a UDP port of media for them to relay to.
func (t TURN) relays(candidates []proto.ICECandidate) bool {
	return len(t.Secret) > 0 && slices.ContainsFunc(candidates, func(c proto.ICECandidate) bool { return c.Protocol == "udp" })
}

// iceServers is what a member is told of TURN who cannot be told again.
func (m *member) iceServers(g auth.Grant, candidates []proto.ICECandidate) []ICEServer {
	t := m.room.rooms.cfg.TURN
	if !t.relays(candidates) {
		return nil
	}
	return t.servers(m.turnCredentials(g), candidates)
}

// relayed is what the client of a transport is told of TURN, and is told again when that changes.
func (p *Peer) relayed(candidates []proto.ICECandidate) []ICEServer {
	t := p.room.rooms.cfg.TURN
	if !t.relays(candidates) {
		return nil
	}
	p.room.mu.Lock()
	defer p.room.mu.Unlock()
	if p.left {
		return nil
	}
	p.relaying.candidates = candidates
	if p.relaying.credentials.Username == "" {
		p.mintTURN()
	}
	return t.servers(p.relaying.credentials, candidates)
}

// mintTURN makes new credentials and says whether they last longer than those before. The room is locked.
func (p *Peer) mintTURN() bool {
	old := p.relaying.credentials.Expires
	p.relaying.credentials = p.turnCredentials(*p.grant)
	if p.relaying.timer != nil {
		p.relaying.timer.Stop()
	}
	life := p.relaying.credentials.Expires.Sub(p.room.rooms.cfg.Now())
	if full := p.room.rooms.cfg.TURN.lifetime(); life > full/2 {
		p.relaying.timer = time.AfterFunc(renewTURNAfter(life), p.turnEnds)
	}
	return p.relaying.credentials.Expires.After(old)
}

// turnEnds replaces credentials that will be over soon.
func (p *Peer) turnEnds() {
	p.room.mu.Lock()
	defer p.room.mu.Unlock()
	p.refreshTURN()
}

// refreshTURN gives the client new credentials if that helps it. The room is locked.
func (p *Peer) refreshTURN() {
	if p.left || p.relaying.credentials.Username == "" || !p.mintTURN() {
		return
	}
	p.client.Notify("iceServersRefreshed", iceServersRefreshed{p.room.rooms.cfg.TURN.servers(p.relaying.credentials, p.relaying.candidates)})
}

// stopTURN ends what a peer that leaves has going on. The room is locked.
func (p *Peer) stopTURN() {
	if p.relaying.timer != nil {
		p.relaying.timer.Stop()
	}
}
