package turn

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"gazpacho/pkg/stun"
	"gazpacho/pkg/timer"
	"gazpacho/pkg/tuple"
)

// A world is a server and everything around it: clients, peers, sockets, a clock. What the server sends lies in it until a test takes it.

const (
	realm    = "example.org"
	username = "george"
	password = "secret"
)

var (
	epoch       = time.Unix(1_700_000_000, 0)
	clientAddr  = netip.MustParseAddrPort("198.51.100.7:40000")
	clientAddr6 = netip.MustParseAddrPort("[2001:db8:7::1]:40000")
	serverAddr  = netip.MustParseAddrPort("203.0.113.1:3478")
	serverAddr6 = netip.MustParseAddrPort("[2001:db8:1::1]:3478")
	peerAddr    = netip.MustParseAddrPort("8.8.8.8:9000")
	otherPeer   = netip.MustParseAddrPort("9.9.9.9:9001")
	peerAddr6   = netip.MustParseAddrPort("[2606:4700::1]:9000")
	mediaAddr   = netip.MustParseAddrPort("203.0.113.1:4443")
)

// config is what most tests run with.
func config() Config {
	return Config{
		Realm: realm,
		Users: map[string]string{username: password, "anna": "other"},
		Relays: []RelayAddress{
			{Local: netip.MustParseAddr("10.1.1.1"), Announced: serverAddr.Addr()},
			{Local: serverAddr6.Addr()},
		},
		MinPort: 50000, MaxPort: 50063,
		MaxLifetime: 20 * time.Minute,
		ListenPorts: []uint16{serverAddr.Port()},
		Mobility:    true, TCPRelay: true,
	}
}

type world struct {
	testing.TB
	now      time.Time
	queue    timer.Queue
	server   *Server
	udp, tcp *Listener
	slotSize int

	sent   []packet                // to clients
	relays map[*Relay]*fakeRelay   // open ones
	taken  map[netip.AddrPort]bool // by other processes
	opened int

	media     map[netip.AddrPort]bool // true: in this process
	delivered []packet
	dials     []*Connection
	events    []Event
	slot      []byte
}

// packet is a datagram on its way.
type packet struct {
	to   netip.AddrPort
	via  tuple.Tuple // of packets to clients
	from *Relay
	df   bool
	data []byte
}

func newWorld(t testing.TB, change ...func(*Config)) *world {
	t.Helper()
	w := &world{
		TB: t, now: epoch, slotSize: 2048, relays: map[*Relay]*fakeRelay{}, taken: map[netip.AddrPort]bool{}, media: map[netip.AddrPort]bool{},
	}
	c := config()
	for _, f := range change {
		f(&c)
	}
	s, err := New(w.now, c, Env{
		Timers: &w.queue, Random: rand.NewChaCha8([32]byte{1}), Egress: (*fakeEgress)(w), Relays: w, Media: (*fakeMedia)(w), Streams: (*fakeStreams)(w),
		Events: w,
	})
	if err != nil {
		t.Fatal(err)
	}
	w.server = s
	w.udp, w.tcp = s.Listen("udp:203.0.113.1:3478", UDP), s.Listen("tcp:203.0.113.1:3478", TCP)
	return w
}

// advance lets time pass.
func (w *world) advance(d time.Duration) {
	w.now = w.now.Add(d)
	w.queue.Advance(w.now)
}

func (w *world) TURN(e Event) { w.events = append(w.events, e) }

// Towards clients.
type fakeEgress world

func (e *fakeEgress) Next() []byte {
	e.slot = bytes.Repeat([]byte{0xaa}, e.slotSize) // what nobody writes shows
	return e.slot
}

func (e *fakeEgress) Commit(n int, to tuple.Tuple) {
	if n <= 0 || n > len(e.slot) {
		panic(fmt.Sprintf("%d bytes of a slot of %d", n, len(e.slot)))
	}
	e.sent = append(e.sent, packet{to: to.Remote, via: to, data: e.slot[:n]})
}

// Relay sockets.
type fakeRelay struct {
	world *world
	relay *Relay
	slot  []byte
	sent  []packet
}

func (w *world) Open(r *Relay) (RelaySocket, bool) {
	if w.taken[r.Local()] {
		return nil, false
	}
	w.opened++
	w.taken[r.Local()] = true
	f := &fakeRelay{world: w, relay: r}
	w.relays[r] = f
	return f, true
}

func (f *fakeRelay) Next() []byte {
	f.slot = make([]byte, f.world.slotSize)
	return f.slot
}

func (f *fakeRelay) Commit(n int, to netip.AddrPort, df bool) {
	f.sent = append(f.sent, packet{from: f.relay, to: to, df: df, data: f.slot[:n]})
}

func (f *fakeRelay) Close() {
	if f.world.relays[f.relay] != f {
		panic("closed twice")
	}
	delete(f.world.relays, f.relay)
	delete(f.world.taken, f.relay.Local())
}

// Our own media.
type fakeMedia world

func (m *fakeMedia) IsMedia(a netip.AddrPort) bool {
	if a.Port() != 0 {
		_, ok := m.media[a]
		return ok
	}
	for b := range m.media {
		if b.Addr() == a.Addr() {
			return true
		}
	}
	return false
}

func (m *fakeMedia) Deliver(now time.Time, r *Relay, to netip.AddrPort, datagram []byte) bool {
	if !m.media[to] {
		return false
	}
	m.delivered = append(m.delivered, packet{from: r, to: to, data: bytes.Clone(datagram)})
	return true
}

// TCP towards peers.
type fakeStreams world

type fakeListener struct {
	world *world
	at    netip.AddrPort
}

func (s *fakeStreams) Listen(r *Relay) (StreamListener, bool) {
	if s.taken[r.Local()] {
		return nil, false
	}
	s.taken[r.Local()] = true
	return &fakeListener{(*world)(s), r.Local()}, true
}

func (l *fakeListener) Close() { delete(l.world.taken, l.at) }

func (s *fakeStreams) Dial(r *Relay, c *Connection) { s.dials = append(s.dials, c) }

type fakeStream struct {
	spliced  tuple.Tuple
	share    *StreamShare
	up, down uint64
	closed   int
}

func (s *fakeStream) Splice(client tuple.Tuple, share *StreamShare) {
	s.spliced, s.share = client, share
}
func (s *fakeStream) Carried() (up, down uint64) { return s.up, s.down }
func (s *fakeStream) Close()                     { s.closed++ }

// client is one client, with what it knows.
type client struct {
	*world
	tuple    tuple.Tuple
	via      *Listener
	name     string
	password string
	nonce    string
	last     uint64

	sha256, fingerprint bool
	tail                func(*stun.Builder) // adds what stands behind the credentials
}

var links tuple.Link

func (w *world) client(at netip.AddrPort) *client {
	links++
	local := serverAddr
	if at.Addr().Is6() {
		local = serverAddr6
	}
	return &client{world: w, tuple: tuple.Of(tuple.UDP, links, local, at), via: w.udp, name: username, password: password}
}

func (w *world) tcpClient(at netip.AddrPort) *client {
	c := w.client(at)
	c.tuple.Protocol, c.via = tuple.TCP, w.tcp
	return c
}

// attrs adds attributes to a request.
type attrs func(*stun.Builder)

func bytesAttr(t stun.AttributeType, v ...byte) attrs {
	return func(w *stun.Builder) { w.Add(t, v) }
}

var (
	transportUDP = bytesAttr(stun.AttrRequestedTransport, protocolUDP, 0, 0, 0)
	transportTCP = bytesAttr(stun.AttrRequestedTransport, protocolTCP, 0, 0, 0)
	dontFragment = bytesAttr(stun.AttrDontFragment)
	wantIPv6     = bytesAttr(stun.AttrRequestedAddressFamily, 2, 0, 0, 0)
	alsoIPv6     = bytesAttr(stun.AttrAdditionalFamily, 2, 0, 0, 0)
)

func lifetime(seconds uint32) attrs {
	return func(w *stun.Builder) { w.AddUint32(stun.AttrLifetime, seconds) }
}

func peer(a netip.AddrPort) attrs {
	return func(w *stun.Builder) { w.AddXORAddress(stun.AttrXORPeerAddress, a) }
}

func channelNumber(n uint16) attrs {
	return func(w *stun.Builder) { w.AddUint32(stun.AttrChannelNumber, uint32(n)<<16) }
}

func data(text string) attrs { return func(w *stun.Builder) { w.AddString(stun.AttrData, text) } }

// transaction makes an ID that tells requests apart.
func (c *client) transaction() (id stun.TransactionID) {
	c.last++
	copy(id[:], fmt.Sprintf("%04d%04d%04d", c.tuple.Link%10000, c.last, 0))
	return id
}

// plain builds a message without credentials.
func (c *client) plain(class stun.Class, m stun.Method, list ...attrs) []byte {
	b := make([]byte, 4096)
	w := stun.Build(b, class, m, c.transaction())
	for _, add := range list {
		add(&w)
	}
	if c.fingerprint {
		w.AddFingerprint()
	}
	return b[:w.Finish()]
}

// signed builds a request with the client's credentials.
func (c *client) signed(m stun.Method, list ...attrs) []byte {
	c.Helper()
	b := make([]byte, 4096)
	w := stun.Build(b, stun.Request, m, c.transaction())
	for _, add := range list {
		add(&w)
	}
	c.credentials(&w)
	if c.tail != nil {
		c.tail(&w)
	}
	w.AddIntegrity(c.key())
	if c.fingerprint {
		w.AddFingerprint()
	}
	if w.Finish() == 0 {
		c.Fatal("the request does not fit")
	}
	return b[:w.Finish()]
}

func (c *client) credentials(w *stun.Builder) {
	w.AddString(stun.AttrUsername, c.name)
	w.AddString(stun.AttrRealm, realm)
	w.AddString(stun.AttrNonce, c.nonce)
}

func (c *client) key() *stun.Integrity {
	if c.sha256 {
		return stun.NewIntegritySHA256(longTermKey(algorithmSHA256, c.name, c.password))
	}
	return stun.NewIntegrity(longTermKey(algorithmMD5, c.name, c.password))
}

// deliver hands the server a message.
func (c *client) deliver(b []byte) {
	c.Helper()
	before := bytes.Clone(b)
	if !c.server.Handle(c.now, c.via, c.tuple, b) {
		c.Fatalf("%x is called neither STUN nor ChannelData", b)
	}
	if !bytes.Equal(b, before) {
		c.Fatal("the datagram was changed")
	}
}

// take takes the one message that was sent to this client.
func (c *client) take() []byte {
	c.Helper()
	if len(c.sent) != 1 {
		c.Fatalf("%d messages were sent to clients, want 1", len(c.sent))
	}
	p := c.sent[0]
	c.sent = nil
	if p.via != c.tuple {
		c.Fatalf("sent to %v, want %v", p.via, c.tuple)
	}
	return p.data
}

func (w *world) silent() {
	w.Helper()
	if len(w.sent) != 0 {
		w.Fatalf("sent %x to %v", w.sent[0].data, w.sent[0].to)
	}
}

// ask sends a message and parses the answer.
func (c *client) ask(b []byte) *stun.Message {
	c.Helper()
	c.deliver(b)
	m := parse(c, c.take())
	if m.TransactionID() != stun.TransactionID(b[8:20]) {
		c.Fatalf("the answer to %x has the transaction %x", b[8:20], m.TransactionID())
	}
	return m
}

func parse(t testing.TB, b []byte) *stun.Message {
	t.Helper()
	m := new(stun.Message)
	if !m.Parse(b) {
		t.Fatalf("not STUN: %x", b)
	}
	return m
}

// request sends a signed request, and the same again if its nonce is old or missing. The answer must be sealed as the request was.
func (c *client) request(method stun.Method, list ...attrs) *stun.Message {
	c.Helper()
	if c.nonce == "" {
		c.login()
	}
	m := c.ask(c.signed(method, list...))
	if codeOf(m) == stun.CodeStaleNonce {
		c.nonce = string(m.Value(stun.AttrNonce))
		m = c.ask(c.signed(method, list...))
	}
	if !c.key().Check(m) {
		c.Fatalf("the answer %d to method %d is not sealed", codeOf(m), method)
	}
	if m.Has(stun.AttrFingerprint) != c.fingerprint || c.fingerprint && !m.CheckFingerprint() {
		c.Fatal("FINGERPRINT is not mirrored")
	}
	return m
}

// login gets a nonce.
func (c *client) login() {
	c.Helper()
	m := c.ask(c.plain(stun.Request, stun.Allocate, transportUDP, bytesAttr(stun.AttrSoftware, []byte("a client of some name")...)))
	if codeOf(m) != stun.CodeUnauthenticated {
		c.Fatalf("without credentials: %d", codeOf(m))
	}
	c.nonce = string(m.Value(stun.AttrNonce))
}

func codeOf(m *stun.Message) int {
	if m.Class == stun.SuccessResponse {
		return 0
	}
	code, _, _ := m.ErrorCode()
	return code
}

// expect sends a request and expects an outcome, 0 for success.
func (c *client) expect(code int, method stun.Method, list ...attrs) *stun.Message {
	c.Helper()
	m := c.request(method, list...)
	if got := codeOf(m); got != code {
		c.Fatalf("method %d is answered with %d, want %d", method, got, code)
	}
	return m
}

// allocate makes an allocation and returns its first relay.
func (c *client) allocate(list ...attrs) *Relay {
	c.Helper()
	c.expect(0, stun.Allocate, append([]attrs{transportUDP}, list...)...)
	return c.allocation().firstRelay()
}

func (c *client) allocation() *allocation { return c.server.clients[c.tuple] }

// toPeers returns what the relays sent since the last call.
func (w *world) toPeers() (all []packet) {
	for _, r := range w.relays {
		all = append(all, r.sent...)
		r.sent = nil
	}
	return all
}

// onePeer expects one packet to a peer.
func (w *world) onePeer(to netip.AddrPort, text string, df bool) {
	w.Helper()
	all := w.toPeers()
	if len(all) != 1 || all[0].to != to || string(all[0].data) != text || all[0].df != df {
		w.Fatalf("peers get %v, want %q to %v, DF %v", all, text, to, df)
	}
}

func (p packet) String() string { return fmt.Sprintf("%q to %v (DF %v)", p.data, p.to, p.df) }

// channelData builds ChannelData.
func channelData(number uint16, text string, pad int) []byte {
	b := make([]byte, channelHead, channelHead+len(text)+pad)
	putChannelHead(b, number, len(text))
	return append(append(b, text...), make([]byte, pad)...)
}

// drops returns what was counted as dropped, "reason: n" each.
func (w *world) drops() string {
	var list []string
	for _, l := range w.server.Listeners() {
		for d, n := range l.Counters.Drops {
			if n > 0 {
				list = append(list, fmt.Sprintf("%v: %d", Drop(d), n))
			}
		}
		l.Counters.Drops = [NumDrops]uint64{}
	}
	return strings.Join(list, ", ")
}

func (w *world) expectDrops(want string) {
	w.Helper()
	if got := w.drops(); got != want {
		w.Fatalf("dropped %q, want %q", got, want)
	}
}

// attributes lists the types of a message in order.
func attributes(b []byte) (types []stun.AttributeType) {
	for at := stun.HeaderSize; at < len(b); {
		types = append(types, stun.AttributeType(uint16(b[at])<<8|uint16(b[at+1])))
		at += 4 + padded(int(b[at+2])<<8|int(b[at+3]))
	}
	return types
}
