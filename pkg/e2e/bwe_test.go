package e2e

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gazpacho/pkg/simtest/link"
)

// relay carries datagrams between a page and a port of a worker. What goes to the page waits at a bottleneck.
type relay struct {
	Port    int
	rate    atomic.Int64 // bit/s to the page, 0 is no limit
	worker  netip.AddrPort
	conn    *net.UDPConn // the page's side
	readers sync.WaitGroup

	mu    sync.Mutex
	link  *link.Link
	peers map[netip.AddrPort]*net.UDPConn // the worker's side, by the page's address
	ended bool
}

func newRelay(t *testing.T, worker int) *relay {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{
		Port: conn.LocalAddr().(*net.UDPAddr).Port, worker: netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(worker)),
		conn: conn, peers: map[netip.AddrPort]*net.UDPConn{},
	}
	r.link = link.New(time.Now(), 1, func(time.Duration) int { return int(r.rate.Load()) })
	r.readers.Go(r.up)
	t.Cleanup(r.close)
	return r
}

// up carries from the page to the worker.
func (r *relay) up() {
	b := make([]byte, 2000)
	for {
		n, from, err := r.conn.ReadFromUDPAddrPort(b)
		if err != nil {
			return
		}
		if peer := r.peer(from); peer != nil {
			_, _ = peer.Write(b[:n])
		}
	}
}

// peer is the socket for an address of the page; nil if there is none.
func (r *relay) peer(from netip.AddrPort) *net.UDPConn {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c := r.peers[from]; c != nil || r.ended {
		return c
	}
	c, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(r.worker))
	if err != nil {
		return nil
	}
	r.peers[from] = c
	r.readers.Go(func() { r.down(c, from) })
	return c
}

// late is a datagram that arrives later.
type late struct {
	at   time.Time
	data []byte
}

// down carries from the worker to the page.
func (r *relay) down(c *net.UDPConn, to netip.AddrPort) {
	queue := make(chan late, 2000)
	defer close(queue)
	r.readers.Go(func() {
		for l := range queue {
			time.Sleep(time.Until(l.at))
			_, _ = r.conn.WriteToUDPAddrPort(l.data, to)
		}
	})
	b := make([]byte, 2000)
	for {
		n, err := c.Read(b)
		if err != nil {
			return
		}
		r.mu.Lock()
		at, ok := r.link.Send(time.Now(), n)
		r.mu.Unlock()
		if !ok {
			continue
		}
		select {
		case queue <- late{at, append([]byte{}, b[:n]...)}:
		default: // full: lost
		}
	}
}

func (r *relay) close() {
	r.mu.Lock()
	r.ended = true
	for _, c := range r.peers {
		c.Close()
	}
	r.mu.Unlock()
	r.conn.Close()
	r.readers.Wait()
}

// relays puts one before each worker of a controller.
func relays(t *testing.T, c *controller) (list []*relay, ports string) {
	t.Helper()
	u, err := url.Parse(c.Admin)
	if err != nil {
		t.Fatal(err)
	}
	admin, err := strconv.Atoi(u.Port())
	if err != nil {
		t.Fatal(err)
	}
	for worker := admin + 1; worker <= admin+2; worker++ { // see StartController
		r := newRelay(t, worker)
		list = append(list, r)
		ports += fmt.Sprintf("%d: %d,", worker, r.Port)
	}
	return list, ports
}

// detour makes a page that has not joined yet reach the workers through relays, over UDP only.
const detour = `(() => {
	const ports = {%s};
	const original = RTCPeerConnection.prototype.setRemoteDescription;
	RTCPeerConnection.prototype.setRemoteDescription = function (description, ...rest) {
		const sdp = description.sdp
			.replace(/^a=candidate:.* tcp .*\r\n/gm, "")
			.replace(/^(a=candidate:\S+ \d+ udp \d+ \S+) (\d+) /gm, (_, head, port) => head + " " + (ports[port] ?? port) + " ");
		return original.call(this, {type: description.type, sdp}, ...rest);
	};
	return true;
})()`

// TestBandwidth puts a bottleneck before a page: a worse stream is forwarded to it, which goes on moving, and the best again when the bottleneck is gone.
func TestBandwidth(t *testing.T) {
	c := startController(t)
	browser := startBrowser(t)
	open(t, browser, c, "attic", "bob")
	list, ports := relays(t, c)
	alice := visit(t, browser, c, "attic", "alice", "autojoin", "0", "autolayers", "0", "video", "0")
	alice.until(10*time.Second, "has loaded", `!!window.gazpacho?.join`)
	eval[bool](alice, fmt.Sprintf(detour, ports))
	eval[any](alice, `window.gazpacho.join("alice")`)
	sees(alice, "bob", 30*time.Second)

	best := awaitLayer(t, alice, 60*time.Second, "the best stream", func(spatial int) bool { return spatial == 2 })
	rate := best.bitrate(t, alice)
	t.Logf("the best stream takes %.0f bit/s", rate)
	for _, r := range list {
		r.rate.Store(int64(rate * 0.5))
	}
	worse := awaitLayer(t, alice, 60*time.Second, "a worse stream", func(spatial int) bool { return spatial < 2 })
	frames := worse.FramesDecoded
	deadline := time.Now().Add(30 * time.Second)
	for {
		v, _ := of(alice.stats(), "bob", "video")
		if v.FramesDecoded > frames+10 && v.FrameWidth < best.FrameWidth {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the worse stream is not decoded: %+v, before %+v", v, worse)
		}
		time.Sleep(100 * time.Millisecond)
	}
	for _, r := range list {
		r.rate.Store(0)
	}
	awaitLayer(t, alice, 90*time.Second, "the best stream again", func(spatial int) bool { return spatial == 2 })
	sees(alice, "bob", 30*time.Second)
}

// awaitLayer waits until a page is told that a stream is forwarded of bob's.
func awaitLayer(t *testing.T, p *tab, limit time.Duration, what string, good func(spatial int) bool) stat {
	t.Helper()
	deadline := time.Now().Add(limit)
	for {
		v, ok := of(p.stats(), "bob", "video")
		if ok && v.SpatialLayer != nil && good(*v.SpatialLayer) {
			return v
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s never came: %+v", what, v)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// bitrate is that of what a page receives of bob's camera, over three seconds.
func (s stat) bitrate(t *testing.T, p *tab) float64 {
	t.Helper()
	before, _ := of(p.stats(), "bob", "video")
	begun := time.Now()
	time.Sleep(3 * time.Second)
	after, _ := of(p.stats(), "bob", "video")
	if after.BytesReceived <= before.BytesReceived {
		t.Fatalf("nothing came: %+v", after)
	}
	return (after.BytesReceived - before.BytesReceived) * 8 / time.Since(begun).Seconds()
}
