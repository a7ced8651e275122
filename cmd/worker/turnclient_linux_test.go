package main

import (
	"crypto/md5"
	"crypto/rand"
	bits "encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"gazpacho/pkg/socket"
	"gazpacho/pkg/stun"
	"gazpacho/pkg/tuple"
)

// turnWorker is a worker that relays, in a process of its own, with one user.
type turnWorker struct {
	t       testing.TB
	process *exec.Cmd
	at      netip.AddrPort
	since   time.Time
	log     *lockedBuffer // nil: the test's
}

const turnUser, turnPassword, turnRealm = "user", "secret", "example.org"

// freePort finds a port that nobody has, of UDP and of TCP.
func freePort(t testing.TB) netip.AddrPort {
	t.Helper()
	for range 50 {
		u, err := socket.ListenUDP(socket.NewLinks(), netip.MustParseAddrPort("127.0.0.1:0"), socket.Options{})
		if err != nil {
			t.Fatal(err)
		}
		at := u.Local()
		l, err := net.Listen("tcp4", at.String())
		u.Close()
		if err == nil {
			l.Close()
			return at
		}
	}
	t.Fatal("no port was free")
	return netip.AddrPort{}
}

func startTURN(t testing.TB, args ...string) *turnWorker {
	t.Helper()
	w := &turnWorker{t: t, at: freePort(t), since: time.Now()}
	w.start(append([]string{
		"--turn-listen", "udp:" + w.at.String(), "--turn-realm", turnRealm, "--turn-user", turnUser + ":" + turnPassword,
		"--turn-allow-peer", "127.0.0.0/8", "--turn-relay-ports", "20000-65535", "--log-level", "warn", "--turn-drain", "0s",
	}, args...)...)
	return w
}

// start returns when the worker answers.
func (w *turnWorker) start(args ...string) {
	w.t.Helper()
	w.process = exec.Command(binary, args...)
	if w.process.Stderr = os.Stderr; w.log != nil {
		w.process.Stderr = w.log
	}
	if err := w.process.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		_ = w.process.Process.Kill()
		_ = w.process.Wait()
	})
	w.awaitAnswer()
}

// awaitAnswer asks for a Binding until the worker listens.
func (w *turnWorker) awaitAnswer() {
	w.t.Helper()
	nc, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(w.at))
	if err != nil {
		w.t.Fatal(err)
	}
	defer nc.Close()
	var b [stun.HeaderSize]byte
	m := stun.Build(b[:], stun.Request, stun.Binding, stun.TransactionID{})
	for size := m.Finish(); ; {
		_, _ = nc.Write(b[:size])
		_ = nc.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		switch _, err := nc.Read(make([]byte, 1500)); {
		case err == nil:
			return
		case time.Since(w.since) > 20*time.Second:
			w.t.Fatal("the worker does not answer")
		case errors.Is(err, syscall.ECONNREFUSED):
			time.Sleep(5 * time.Millisecond)
		}
	}
}

// cpu is the time its threads have run, in nanoseconds.
func (w *turnWorker) cpu() int64 { return cpuOf(w.t, w.process.Process.Pid) }

func cpuOf(t testing.TB, pid int) (total int64) {
	t.Helper()
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil || len(tasks) == 0 {
		t.Fatal("the process is gone")
	}
	for _, task := range tasks {
		b, err := os.ReadFile(task)
		if err != nil {
			continue // the thread is gone
		}
		n, _ := strconv.ParseInt(strings.Fields(string(b))[0], 10, 64)
		total += n
	}
	return total
}

// rss is its resident memory in bytes.
func (w *turnWorker) rss() int64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", w.process.Process.Pid))
	if err != nil {
		w.t.Fatal(err)
	}
	pages, _ := strconv.ParseInt(strings.Fields(string(b))[1], 10, 64)
	return pages * int64(os.Getpagesize())
}

// turnNet is the clients' end of the network: sockets that one egress writes.
type turnNet struct {
	t      testing.TB
	links  *socket.Links
	egress *socket.Egress
	pool   *socket.Pool
}

func newTURNNet(t testing.TB) *turnNet {
	links := socket.NewLinks()
	return &turnNet{t: t, links: links, egress: socket.NewEgress(links), pool: socket.NewPool(4)}
}

func (n *turnNet) listen(recv int) *socket.UDP {
	n.t.Helper()
	u, err := socket.ListenUDP(n.links, netip.MustParseAddrPort("127.0.0.1:0"), socket.Options{RecvBuffer: recv, SendBuffer: 1 << 20})
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { u.Close() })
	return u
}

// turnClient is a client on a socket of its own.
type turnClient struct {
	net     *turnNet
	socket  *socket.UDP
	to      tuple.Tuple
	proof   *stun.Integrity
	nonce   string
	relayed netip.AddrPort
}

func (n *turnNet) client(w *turnWorker) *turnClient {
	u := n.listen(16 << 10)
	key := md5.Sum([]byte(turnUser + ":" + turnRealm + ":" + turnPassword))
	return &turnClient{net: n, socket: u, to: tuple.Of(tuple.UDP, u.Link(), u.Local(), w.at), proof: stun.NewIntegrity(key[:])}
}

// send sends one request, with credentials if there is a nonce.
func (c *turnClient) send(m stun.Method, add func(b *stun.Builder)) {
	var id stun.TransactionID
	_, _ = rand.Read(id[:])
	b := stun.Build(c.net.egress.Next(), stun.Request, m, id)
	if add != nil {
		add(&b)
	}
	if c.nonce != "" {
		b.AddString(stun.AttrUsername, turnUser)
		b.AddString(stun.AttrRealm, turnRealm)
		b.AddString(stun.AttrNonce, c.nonce)
		b.AddIntegrity(c.proof)
	}
	c.net.egress.Commit(b.Finish(), c.to)
}

// answer takes the answer to one request, and returns its error code.
func (c *turnClient) answer() (code int, err error) {
	batch, err := c.socket.ReadBatch(c.net.pool)
	if err != nil {
		return 0, err
	}
	defer batch.Release()
	_, data, _ := batch.Next()
	var m stun.Message
	if !m.Parse(data) {
		return 0, errors.New("no STUN message came")
	}
	if nonce := m.Value(stun.AttrNonce); len(nonce) > 0 {
		c.nonce = string(nonce)
	}
	if a, ok := m.XORAddress(stun.AttrXORRelayedAddress); ok {
		c.relayed = a
	}
	if m.Class == stun.SuccessResponse {
		return 0, nil
	}
	code, _, _ = m.ErrorCode()
	return code, nil
}

// ask sends a request and waits for its answer. On loopback, one at a time, nothing is lost.
func (c *turnClient) ask(want int, m stun.Method, add func(b *stun.Builder)) {
	c.net.t.Helper()
	late := time.AfterFunc(20*time.Second, func() { c.socket.Close() })
	defer late.Stop()
	c.send(m, add)
	c.net.egress.Flush()
	if code, err := c.answer(); err != nil || code != want {
		c.net.t.Fatalf("method %d: %d, %v; want %d", m, code, err, want)
	}
}

func transportUDP(b *stun.Builder) { b.AddUint32(stun.AttrRequestedTransport, 17<<24) }

// allocate gets a relayed address.
func (c *turnClient) allocate() {
	c.net.t.Helper()
	c.ask(stun.CodeUnauthenticated, stun.Allocate, transportUDP)
	c.ask(0, stun.Allocate, transportUDP)
}

const benchChannel = 0x4000

// bind binds the channel to a peer.
func (c *turnClient) bind(peer netip.AddrPort) {
	c.net.t.Helper()
	c.ask(0, stun.ChannelBind, func(b *stun.Builder) {
		b.AddUint32(stun.AttrChannelNumber, benchChannel<<16)
		b.AddXORAddress(stun.AttrXORPeerAddress, peer)
	})
}

// channelData sends one packet on the channel.
func (c *turnClient) channelData(size int) {
	b := c.net.egress.Next()
	bits.BigEndian.PutUint16(b, benchChannel)
	bits.BigEndian.PutUint16(b[2:], uint16(size))
	c.net.egress.Commit(4+size, c.to)
}
