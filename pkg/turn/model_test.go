package turn

import (
	"bytes"
	"math/rand/v2"
	"net/netip"
	"os"
	"testing"
	"time"

	"gazpacho/pkg/stun"
)

// R-TURN-3: "A model test of 10⁶ operations ends with the pool it began with." The model knows what clients hold by the words of the RFC alone; server and
// model are told the same, and must say the same. SOAK=1 runs all of the million.

const (
	modelClients  = 12
	modelPeers    = 8
	modelPorts    = 16
	modelPerUser  = 7
	modelPerIP    = 9
	modelHeld     = 4 // permissions, and channels
	modelChannels = 6 // numbers clients choose from
)

// held is what the model knows of one client.
type held struct {
	exists      bool
	expires     time.Time
	permissions map[netip.Addr]time.Time
	channels    map[uint16]heldChannel
}

type heldChannel struct {
	peer    netip.AddrPort
	expires time.Time
}

type model struct {
	*world
	random  *rand.Rand
	clients []*client
	held    []held
	tokens  []heldToken
}

// heldToken is a reserved port.
type heldToken struct {
	token   []byte
	owner   string
	host    netip.Addr
	port    uint16
	expires time.Time
}

func TestModel(t *testing.T) {
	operations := 20_000
	if os.Getenv("SOAK") != "" {
		operations = 1_000_000
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	m := newModel(t, seed)
	for range operations {
		m.step()
		m.expire()
		m.compare()
	}
	m.server.Close(m.now)
	m.whole()
	if len(m.server.reservations)+len(m.server.tickets)+len(m.server.connections)+len(m.server.clients) != 0 {
		t.Error("something is left")
	}
}

func newModel(t testing.TB, seed uint64) *model {
	w := newWorld(t, func(c *Config) {
		c.MinPort, c.MaxPort = 50000, 50000+modelPorts-1
		c.Relays = c.Relays[:1]
		c.NonceLifetime = time.Hour
		c.Quotas = Quotas{PerUser: modelPerUser, PerIP: modelPerIP, Permissions: modelHeld, Channels: modelHeld}
	})
	m := &model{world: w, random: rand.New(rand.NewPCG(seed, 1))}
	for i := range modelClients {
		c := w.client(netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 51, 100, byte(i % 2)}), uint16(40000+i)))
		if i%3 == 0 {
			c = w.tcpClient(c.tuple.Remote)
		}
		if i%4 == 1 {
			c.as("anna", "other")
		}
		m.clients = append(m.clients, c)
	}
	m.held = make([]held, modelClients)
	return m
}

func (m *model) peer() netip.AddrPort {
	i := m.random.IntN(modelPeers)
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{8, 8, 8, byte(i / 2)}), uint16(9000+i%2)) // two ports of each address
}

// step does one thing.
func (m *model) step() {
	i := m.random.IntN(modelClients)
	c := m.clients[i]
	if c.nonce == "" || m.random.IntN(2000) == 0 {
		c.nonce = string(m.server.nonces.make(m.now, c.tuple.Remote, 0))
	}
	switch n := m.random.IntN(100); {
	case n < 12:
		m.allocate(i)
	case n < 20:
		m.refresh(i)
	case n < 40:
		m.permit(i)
	case n < 60:
		m.bind(i)
	case n < 75:
		m.relay(i)
	case n < 90:
		m.peerSends(i)
	case n < 92:
		m.server.ClientClosed(m.now, c.tuple)
		m.held[i] = held{}
	default:
		d := time.Duration(m.random.Int64N(int64(100 * time.Second)))
		m.advance(d)
	}
	m.sent = nil
	m.events = m.events[:0]
}

func (m *model) says(i int, want int, method stun.Method, list ...attrs) *stun.Message {
	m.Helper()
	c := m.clients[i]
	a := c.ask(c.signed(method, list...))
	if codeOf(a) == stun.CodeStaleNonce {
		c.nonce = string(a.Value(stun.AttrNonce))
		a = c.ask(c.signed(method, list...))
	}
	if codeOf(a) != want {
		m.Fatalf("client %d, method %d: answered %d, the model says %d", i, method, codeOf(a), want)
	}
	return a
}

// owned counts what a user and an address hold.
func (m *model) owned(c *client) (user, host int) {
	for i, h := range m.held {
		if h.exists && m.clients[i].name == c.name {
			user++
		}
		if h.exists && m.clients[i].tuple.Remote.Addr() == c.tuple.Remote.Addr() {
			host++
		}
	}
	for _, v := range m.tokens {
		if v.owner == c.name {
			user++
		}
		if v.host == c.tuple.Remote.Addr() {
			host++
		}
	}
	return user, host
}

func (m *model) freePort(even, pair bool) bool {
	taken := map[uint16]bool{}
	for i, h := range m.held {
		if h.exists {
			taken[m.clients[i].allocation().firstRelay().Local().Port()] = true
		}
	}
	for _, v := range m.tokens {
		taken[v.port] = true
	}
	for port := uint16(50000); port < 50000+modelPorts; port++ {
		if !taken[port] && (!even || port%2 == 0) && (!pair || !taken[port+1]) {
			return true
		}
	}
	return false
}

func (m *model) allocate(i int) {
	c := m.clients[i]
	list := []attrs{transportUDP}
	more, even, pair, useToken := 1, m.random.IntN(4) == 0, false, -1
	if even {
		pair = m.random.IntN(2) == 0
		flag := byte(0)
		if pair {
			flag, more = reserveBit, 2
		}
		list = append(list, evenPort(flag))
	} else if len(m.tokens) > 0 && m.random.IntN(2) == 0 {
		useToken, more = m.random.IntN(len(m.tokens)), 0
		list = append(list, token(m.tokens[useToken].token))
	}
	user, host := m.owned(c)
	want := 0
	switch {
	case m.held[i].exists:
		want = 437
	case useToken >= 0 && m.tokens[useToken].owner != c.name:
		want = 508
	case user+more > modelPerUser || host+more > modelPerIP:
		want = 486
	case useToken < 0 && !m.freePort(even, pair):
		want = 508
	}
	a := m.says(i, want, stun.Allocate, list...)
	if want != 0 {
		return
	}
	m.held[i] = held{exists: true, expires: m.now.Add(defaultLifetime), permissions: map[netip.Addr]time.Time{}, channels: map[uint16]heldChannel{}}
	port := c.allocation().firstRelay().Local().Port()
	if even && port%2 != 0 {
		m.Fatalf("port %d is odd", port)
	}
	if useToken >= 0 {
		if m.tokens[useToken].port != port {
			m.Fatalf("port %d is not the one reserved", port)
		}
		m.tokens = append(m.tokens[:useToken:useToken], m.tokens[useToken+1:]...)
	}
	if pair {
		m.tokens = append(m.tokens, heldToken{
			bytes.Clone(a.Value(stun.AttrReservationToken)), c.name, c.tuple.Remote.Addr(), port + 1, m.now.Add(reservationLifetime),
		})
	}
}

func (m *model) refresh(i int) {
	h := &m.held[i]
	want := 0
	if !h.exists {
		want = 437
	}
	if m.random.IntN(3) == 0 {
		m.says(i, want, stun.Refresh, lifetime(0))
		*h = held{}
		return
	}
	m.says(i, want, stun.Refresh)
	h.expires = m.now.Add(defaultLifetime)
}

func (m *model) permit(i int) {
	h := &m.held[i]
	var list []attrs
	var ips []netip.Addr
	bad := false
	for range m.random.IntN(3) {
		if m.random.IntN(12) == 0 {
			list, bad = append(list, peer(serverAddr)), true
			continue
		}
		p := m.peer()
		list, ips = append(list, peer(p)), append(ips, p.Addr())
	}
	added := map[netip.Addr]bool{}
	for _, ip := range ips {
		if _, ok := h.permissions[ip]; !ok {
			added[ip] = true
		}
	}
	over := len(h.permissions)+len(added) > modelHeld
	switch {
	case !h.exists:
		m.says(i, 437, stun.CreatePermission, list...)
		return
	case len(list) == 0:
		m.says(i, 400, stun.CreatePermission, list...)
		return
	case bad && over: // whichever comes first
		c := m.clients[i]
		if code := codeOf(c.ask(c.signed(stun.CreatePermission, list...))); code != 403 && code != 508 {
			m.Fatalf("%d for a bad peer too many", code)
		}
		return
	case bad:
		m.says(i, 403, stun.CreatePermission, list...)
		return
	case over:
		m.says(i, 508, stun.CreatePermission, list...)
		return
	}
	m.says(i, 0, stun.CreatePermission, list...)
	for _, ip := range ips {
		h.permissions[ip] = m.now.Add(permissionLifetime)
	}
}

func (m *model) bind(i int) {
	h := &m.held[i]
	number, p := uint16(minChannel+m.random.IntN(modelChannels)), m.peer()
	bound, exists := h.channels[number]
	taken := exists && bound.peer != p
	for n, c := range h.channels {
		taken = taken || c.peer == p && n != number
	}
	_, permitted := h.permissions[p.Addr()]
	want := 0
	switch {
	case !h.exists:
		want = 437
	case taken:
		want = 400
	case !exists && len(h.channels) >= modelHeld, !permitted && len(h.permissions) >= modelHeld:
		want = 508
	}
	m.says(i, want, stun.ChannelBind, channelNumber(number), peer(p))
	if want == 0 {
		h.channels[number] = heldChannel{p, m.now.Add(channelLifetime)}
		h.permissions[p.Addr()] = m.now.Add(permissionLifetime)
	}
}

func (h *held) permits(now time.Time, ip netip.Addr) bool {
	until, ok := h.permissions[ip]
	return ok && now.Before(until)
}

// relay sends to a peer, by channel or by indication.
func (m *model) relay(i int) {
	c, h := m.clients[i], &m.held[i]
	var to netip.AddrPort
	open := false
	if number := uint16(minChannel + m.random.IntN(modelChannels)); m.random.IntN(2) == 0 {
		c.deliver(channelData(number, "up", 0))
		b, ok := h.channels[number]
		to, open = b.peer, ok && m.now.Before(b.expires) && h.permits(m.now, b.peer.Addr())
	} else {
		to = m.peer()
		c.deliver(c.plain(stun.Indication, stun.Send, peer(to), data("up")))
		open = h.permits(m.now, to.Addr())
	}
	m.silent()
	got := m.toPeers()
	if len(got) == 1 != open || open && (got[0].to != to || string(got[0].data) != "up" || got[0].from != c.allocation().firstRelay()) {
		m.Fatalf("client %d to %v: %v, the model says %v", i, to, got, open)
	}
}

// peerSends sends to a client.
func (m *model) peerSends(i int) {
	c, h := m.clients[i], &m.held[i]
	if !h.exists {
		return
	}
	from := m.peer()
	m.server.HandleRelay(m.now, c.allocation().firstRelay(), from, []byte("down"))
	if !h.permits(m.now, from.Addr()) {
		m.silent()
		return
	}
	got := c.take()
	for number, b := range h.channels {
		if b.peer == from && m.now.Before(b.expires) {
			if !bytes.Equal(got, channelData(number, "down", 0)) {
				m.Fatalf("%x on channel %x", got, number)
			}
			return
		}
	}
	if msg := parse(m, got); msg.Method != stun.Data || string(msg.Value(stun.AttrData)) != "down" {
		m.Fatalf("%x is no Data indication", got)
	}
}

// expire forgets what time has ended.
func (m *model) expire() {
	for i := range m.held {
		h := &m.held[i]
		if h.exists && !m.now.Before(h.expires) {
			*h = held{}
		}
		for ip, until := range h.permissions {
			if !m.now.Before(until) {
				delete(h.permissions, ip)
			}
		}
		for n, c := range h.channels {
			if !m.now.Before(c.expires.Add(channelQuiet)) {
				delete(h.channels, n)
			}
		}
	}
	kept := m.tokens[:0]
	for _, v := range m.tokens {
		if m.now.Before(v.expires) {
			kept = append(kept, v)
		}
	}
	m.tokens = kept
}

// compare expects the server to hold what the model does, and each thing to have one owner.
func (m *model) compare() {
	s := m.server
	count, users, hosts := 0, map[string]int{}, map[netip.Addr]int{}
	for i, h := range m.held {
		c := m.clients[i]
		a := c.allocation()
		if (a != nil) != h.exists {
			m.Fatalf("client %d has an allocation: %v, the model says %v", i, a != nil, h.exists)
		}
		if !h.exists {
			continue
		}
		count++
		users[c.name]++
		hosts[c.tuple.Remote.Addr()]++
		if len(a.permissions) != len(h.permissions) || len(a.channels) != len(h.channels) || !a.expiresAt.Equal(h.expires) {
			m.Fatalf("client %d has %d permissions, %d channels, the model says %d and %d", i, len(a.permissions), len(a.channels), len(h.permissions), len(h.channels))
		}
		if m.relays[a.firstRelay()] == nil || !s.pools[0].has(int(a.firstRelay().Local().Port())-50000) {
			m.Fatalf("client %d has no socket, or does not own its port", i)
		}
	}
	for _, v := range m.tokens {
		users[v.owner]++
		hosts[v.host]++
	}
	held := count + len(m.tokens)
	if len(m.relays) != count+len(m.tokens) || len(s.clients) != count || len(s.reservations) != len(m.tokens) || s.pools[0].free != modelPorts-held ||
		s.ledger.total != held || m.queue.Len() != held || len(s.ledger.accounts) != len(users) || len(s.ledger.sources) != len(hosts) {
		m.Fatalf("%d sockets, %d allocations, %d reservations, %d ports free, %d held, %d timers; the model has %d and %d reservations",
			len(m.relays), len(s.clients), len(s.reservations), s.pools[0].free, s.ledger.total, m.queue.Len(), count, len(m.tokens))
	}
	for name, n := range users {
		if s.ledger.accounts[name].held != n {
			m.Fatalf("%s holds %d, the model says %d", name, s.ledger.accounts[name].held, n)
		}
	}
	for host, n := range hosts {
		if s.ledger.sources[host] != n {
			m.Fatalf("%v holds %d, the model says %d", host, s.ledger.sources[host], n)
		}
	}
}
