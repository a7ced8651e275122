package main

import (
	"crypto/md5"
	bits "encoding/binary"
	"net/netip"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"gazpacho/pkg/stun"
)

// crowd is many clients of a relay that cost their machine little: one socket sends from as many addresses of 127.0.0.0/8, a full sendmmsg at a time, so
// that the relay is what gives in first. Their one peer is another socket. What comes back is counted as what the kernel drops, for nobody reads it.
type crowd struct {
	b            *testing.B
	client, peer *floodSocket
	proof        *stun.Integrity
	server       netip.AddrPort
	relays       []netip.AddrPort // by client
	peerAt       netip.AddrPort
}

const crowdBatch = 64

// floodSocket is a socket with the arrays of sendmmsg.
type floodSocket struct {
	b        *testing.B
	fd       int
	hdrs     [crowdBatch]unix.Mmsghdr
	iovs     [crowdBatch]unix.Iovec
	names    [crowdBatch]unix.RawSockaddrInet4
	controls [crowdBatch][]byte
	memory   [crowdBatch][2048]byte
}

func newFloodSocket(b *testing.B, at string) *floodSocket {
	b.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { unix.Close(fd) })
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, 4<<20)
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: netip.MustParseAddr(at).As4()}); err != nil {
		b.Fatal(err)
	}
	s := &floodSocket{b: b, fd: fd}
	for i := range s.hdrs {
		s.iovs[i].Base = &s.memory[i][0]
		h := &s.hdrs[i].Hdr
		h.Iov, h.Name, h.Namelen = &s.iovs[i], (*byte)(unsafe.Pointer(&s.names[i])), uint32(unsafe.Sizeof(s.names[i]))
		h.SetIovlen(1)
	}
	return s
}

func (s *floodSocket) port() uint16 {
	sa, err := unix.Getsockname(s.fd)
	if err != nil {
		s.b.Fatal(err)
	}
	return uint16(sa.(*unix.SockaddrInet4).Port)
}

// message says what the i-th message of a flush is; source is a number of an address to send from, 0 for the socket's own.
func (s *floodSocket) message(i, size, source int, to netip.AddrPort) {
	s.iovs[i].SetLen(size)
	s.names[i] = unix.RawSockaddrInet4{Family: unix.AF_INET, Port: to.Port()<<8 | to.Port()>>8, Addr: to.Addr().As4()}
	if source == 0 {
		return
	}
	at := crowdAddress(source)
	if s.controls[i] == nil {
		s.controls[i] = unix.PktInfo4(&unix.Inet4Pktinfo{})
	}
	copy(s.controls[i][unix.CmsgLen(0)+4:], at[:]) // behind the interface
	h := &s.hdrs[i].Hdr
	h.Control = &s.controls[i][0]
	h.SetControllen(len(s.controls[i]))
}

func crowdAddress(source int) [4]byte {
	return [4]byte{127, byte(source>>16) | 1, byte(source >> 8), byte(source)}
}

// send sends n messages.
func (s *floodSocket) send(n int) {
	for at := 0; at < n; {
		sent, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(s.fd), uintptr(unsafe.Pointer(&s.hdrs[at])), uintptr(n-at), 0, 0, 0)
		if errno != 0 && errno != unix.EINTR {
			s.b.Fatal(errno)
		}
		at += int(sent)
	}
}

// deafen leaves next to no room for what arrives.
func (s *floodSocket) deafen() { _ = unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 1) }

// arrived is how many datagrams found no room.
func (s *floodSocket) arrived() uint64 { return memInfoDrops(s.b, s.fd) }

// newCrowd makes clients that have an allocation with a channel to the peer each.
func newCrowd(b *testing.B, server netip.AddrPort, clients int) *crowd {
	b.Helper()
	key := md5.Sum([]byte(turnUser + ":" + turnRealm + ":" + turnPassword))
	c := &crowd{
		b: b, client: newFloodSocket(b, "0.0.0.0"), peer: newFloodSocket(b, "127.0.0.1"), proof: stun.NewIntegrity(key[:]), server: server,
		relays: make([]netip.AddrPort, clients),
	}
	c.peerAt = netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), c.peer.port())
	_ = unix.SetsockoptTimeval(c.client.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 20})
	for i := range c.relays {
		nonce := c.ask(i, "", stun.Allocate, transportUDP).nonce
		c.relays[i] = c.ask(i, nonce, stun.Allocate, transportUDP).relayed
		c.ask(i, nonce, stun.ChannelBind, func(w *stun.Builder) {
			w.AddUint32(stun.AttrChannelNumber, benchChannel<<16)
			w.AddXORAddress(stun.AttrXORPeerAddress, c.peerAt)
		})
		if !c.relays[i].IsValid() {
			b.Fatal("there is no relay")
		}
	}
	c.client.deafen()
	c.peer.deafen()
	return c
}

type crowdAnswer struct {
	nonce   string
	relayed netip.AddrPort
}

// ask sends a request of a client and waits for the answer.
func (c *crowd) ask(client int, nonce string, m stun.Method, add func(*stun.Builder)) (a crowdAnswer) {
	c.b.Helper()
	s := c.client
	var id stun.TransactionID
	bits.BigEndian.PutUint64(id[:], uint64(client)<<16|uint64(m))
	id[11] = byte(len(nonce))
	w := stun.Build(s.memory[0][:], stun.Request, m, id)
	add(&w)
	if nonce != "" {
		w.AddString(stun.AttrUsername, turnUser)
		w.AddString(stun.AttrRealm, turnRealm)
		w.AddString(stun.AttrNonce, nonce)
		w.AddIntegrity(c.proof)
	}
	s.message(0, w.Finish(), 1+client, c.server)
	s.send(1)
	var answer [1500]byte
	n, _, err := unix.Recvfrom(s.fd, answer[:], 0)
	for err == unix.EINTR {
		n, _, err = unix.Recvfrom(s.fd, answer[:], 0)
	}
	var msg stun.Message
	if err != nil || !msg.Parse(answer[:n]) {
		c.b.Fatal("no answer:", err)
	}
	if code, _, _ := msg.ErrorCode(); msg.Class != stun.SuccessResponse && (nonce != "" || code != stun.CodeUnauthenticated) {
		c.b.Fatal(code)
	}
	a.nonce = string(msg.Value(stun.AttrNonce))
	a.relayed, _ = msg.XORAddress(stun.AttrXORRelayedAddress)
	return a
}

// burst makes the i-th message one of 32 packets (UDP GSO), which arrive at once, in slots from 32·i on.
func (s *floodSocket) burst(i, size, source int, to netip.AddrPort) {
	s.message(i, size, source, to)
	for k := range crowdBurst {
		iov := &s.iovs[i*crowdBurst+k]
		iov.Base = &s.memory[i*crowdBurst+k][0]
		iov.SetLen(size)
	}
	h := &s.hdrs[i].Hdr
	h.Iov = &s.iovs[i*crowdBurst]
	h.SetIovlen(crowdBurst)
	var segment [24]byte // a control message of a uint16
	c := (*unix.Cmsghdr)(unsafe.Pointer(&segment[0]))
	c.Level, c.Type = unix.SOL_UDP, unix.UDP_SEGMENT
	c.SetLen(unix.CmsgLen(2))
	bits.NativeEndian.PutUint16(segment[unix.CmsgLen(0):], uint16(size))
	head := 0
	if source != 0 {
		head = unix.CmsgSpace(unix.SizeofInet4Pktinfo)
	}
	s.controls[i] = append(s.controls[i][:head], segment[:unix.CmsgSpace(2)]...)
	h.Control = &s.controls[i][0]
	h.SetControllen(len(s.controls[i]))
}

const crowdBurst = 32

// sizes is how long the packets are: the same, or each round of clients a little longer, so that no two packets to one peer can leave as one.
type sizes struct {
	most   int
	differ bool
}

func (z sizes) of(round int) int {
	if !z.differ {
		return z.most
	}
	return z.most - 63 + round%64
}

// up sends n packets of all clients in turn, down as many to all of their relays, and echo as many of all clients to a bare echo. One client sends in
// bursts, if n allows.
func (c *crowd) up(from, n int, z sizes) {
	s := c.client
	for i := range n {
		size := z.of((from + i) / len(c.relays))
		bits.BigEndian.PutUint16(s.memory[i][:], benchChannel)
		bits.BigEndian.PutUint16(s.memory[i][2:], uint16(size))
	}
	c.flush(s, from, n, sizes{4 + z.most, z.differ}, func(client int) (int, netip.AddrPort) { return 1 + client, c.server })
}

func (c *crowd) down(from, n int, z sizes) {
	c.flush(c.peer, from, n, z, func(client int) (int, netip.AddrPort) { return 0, c.relays[client] })
}

func (c *crowd) echo(from, n int, z sizes, at netip.AddrPort) {
	c.flush(c.client, from, n, z, func(client int) (int, netip.AddrPort) { return 1 + client, at })
}

func (c *crowd) flush(s *floodSocket, from, n int, z sizes, way func(client int) (source int, to netip.AddrPort)) {
	if len(c.relays) == 1 && n%crowdBurst == 0 {
		source, to := way(0)
		for i := range n / crowdBurst {
			s.burst(i, z.most, source, to)
		}
		s.send(n / crowdBurst)
		return
	}
	for i := range n {
		k := from + i
		source, to := way(k % len(c.relays))
		s.message(i, z.of(k/len(c.relays)), source, to)
	}
	s.send(n)
}

// load is what a process is made to do, and what came of it.
type load struct {
	put                  func(from, n int)
	came                 func() uint64
	cpu                  func() int64
	sent, arrived, spent int64
	took                 time.Duration
}

// run sends a number of packets, at a rate in packets/s or as fast as it can if that is 0, and waits until the last is relayed or lost.
func (l *load) run(packets, rate int) {
	per := crowdBatch
	if rate > 0 {
		per = max(1, rate/4000) // every 250 us
	}
	before, used, start := l.came(), l.cpu(), time.Now()
	for sent := 0; sent < packets; sent += per {
		for rate > 0 && time.Since(start) < time.Duration(sent)*time.Second/time.Duration(rate) {
		}
		l.put(int(l.sent)+sent, per)
	}
	l.took += time.Since(start)
	l.sent += int64(packets)
	for last, same := l.came(), 0; same < 3; same++ {
		time.Sleep(2 * time.Millisecond)
		if now := l.came(); now != last {
			last, same = now, 0
		}
	}
	l.arrived += int64(l.came() - before)
	l.spent += l.cpu() - used
}

// each is CPU time per packet in nanoseconds.
func (l *load) each() float64 { return float64(l.spent) / float64(max(l.arrived, 1)) }
