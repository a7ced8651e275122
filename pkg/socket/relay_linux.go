package socket

import (
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"gazpacho/pkg/tuple"
)

// relayBuffer is the kernel buffer asked for per relay: a key frame arrives at once. It is a bound, not memory taken.
const relayBuffer = 1 << 20

// relayPoller waits for many sockets with an epoll instance of their own, which the runtime's poller watches in turn: so the goroutine
// parks like any other, and an open or closed relay costs one call.
type relayPoller struct {
	file   *os.File
	raw    syscall.RawConn
	epoll  int
	events [BatchSize]unix.EpollEvent
	ready  int
	wait   func(fd uintptr) bool

	mu   sync.Mutex // held while sockets are read: one that is closed is not read afterwards
	byFD []*Relay
}

func (p *relayPoller) init() error {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return os.NewSyscallError("epoll_create1", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return os.NewSyscallError("fcntl", err)
	}
	p.epoll, p.file = fd, os.NewFile(uintptr(fd), "relays")
	if p.raw, err = p.file.SyscallConn(); err != nil {
		p.file.Close()
		return err
	}
	p.wait = p.poll
	return nil
}

func (p *relayPoller) close() { _ = p.file.Close() }

// poll runs whenever a relay may be readable; false parks the reader.
func (p *relayPoller) poll(fd uintptr) bool {
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, fd, uintptr(unsafe.Pointer(&p.events[0])), uintptr(len(p.events)), 0, 0, 0)
	if p.ready = int(n); errno != 0 {
		p.ready = 0
	}
	return p.ready > 0
}

// relayFD is a relay's descriptor. It is not the runtime's: thousands of those would each have a poll record.
type relayFD struct {
	fd    int
	sends sendTarget
	isDF  bool // the "don't fragment" bit is set on what is sent now
	over  bool
}

func (r *Relay) open(addr netip.AddrPort, opts Options) error {
	family := uint16(unix.AF_INET6)
	if ip := addr.Addr().Unmap(); ip.Is4() {
		family, addr = unix.AF_INET, netip.AddrPortFrom(ip, addr.Port())
	}
	fd, err := unix.Socket(int(family), unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, unix.IPPROTO_UDP)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	r.relayFD = relayFD{fd: fd, sends: sendTarget{family: family, errors: true}}
	if err := r.setUp(addr, opts); err != nil {
		unix.Close(fd)
		return err
	}
	p := &r.relays.poller
	p.mu.Lock()
	for len(p.byFD) <= fd {
		p.byFD = append(p.byFD, nil)
	}
	p.byFD[fd] = r
	p.mu.Unlock()
	event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}
	if err := unix.EpollCtl(p.epoll, unix.EPOLL_CTL_ADD, fd, &event); err != nil {
		r.close()
		return os.NewSyscallError("epoll_ctl", err)
	}
	return nil
}

func (r *Relay) setUp(addr netip.AddrPort, opts Options) error {
	opts.IPv6Only = true // a relayed address is of one family (RFC 8656 §7)
	if opts.RecvBuffer == 0 {
		opts.RecvBuffer = relayBuffer
	}
	if opts.SendBuffer == 0 {
		opts.SendBuffer = relayBuffer
	}
	if err := setOptions(r.fd, r.sends.family, opts); err != nil {
		return err
	}
	level, name := unix.IPPROTO_IP, unix.IP_RECVERR
	if r.sends.family == unix.AF_INET6 {
		level, name = unix.IPPROTO_IPV6, unix.IPV6_RECVERR
	}
	_ = unix.SetsockoptInt(r.fd, level, name, 1) // without it errors are not reported, which is allowed
	local, err := bind(r.fd, r.sends.family, addr)
	if err != nil {
		return err
	}
	r.local = tuple.Canonical(local)
	r.sends.gso = !opts.noGSO && hasGSO(r.fd)
	return nil
}

// close returns false if the relay was closed before.
func (r *Relay) close() bool {
	if r.over {
		return false
	}
	r.over = true
	p := &r.relays.poller
	p.mu.Lock()
	p.byFD[r.fd] = nil
	unix.Close(r.fd) // which takes it out of the epoll instance, too
	p.mu.Unlock()
	return true
}

// relayWhole and relayFragile are a relay as two outlets: there is no "don't fragment" bit per packet, only one per socket, which is
// changed when the next packets want it otherwise.
type (
	relayWhole   Relay
	relayFragile Relay
)

func (r *relayWhole) send(e *Egress, d uint16)   { (*Relay)(r).send(e, d, false) }
func (r *relayFragile) send(e *Egress, d uint16) { (*Relay)(r).send(e, d, true) }

func (r *Relay) send(e *Egress, d uint16, df bool) {
	v := &e.vector
	v.build(&r.sends, d)
	switch {
	case r.over: // by its owner since resolve, within this turn
		e.stats.Closed += v.rest(0)
	case r.isDF != df && !r.fragment(df):
		e.stats.Failed += v.rest(0)
	default:
		v.sendAll(uintptr(r.fd))
	}
	v.target = nil
}

// fragment sets the bit for all that is sent from now on.
func (r *Relay) fragment(df bool) bool {
	level, name := unix.IPPROTO_IP, unix.IP_MTU_DISCOVER
	if r.sends.family == unix.AF_INET6 {
		level, name = unix.IPPROTO_IPV6, unix.IPV6_MTU_DISCOVER
	}
	// PROBE rather than DO: the bit is set, and what the kernel believes of the path, which anybody may have made it believe, is not asked.
	how := unix.IP_PMTUDISC_DONT
	if df {
		how = unix.IP_PMTUDISC_PROBE
	}
	if unix.SetsockoptInt(r.fd, level, name, how) != nil {
		return false
	}
	r.isDF = df
	return true
}

// run reads until Close.
func (r *Relays) run() {
	list := make([]*Batch, 0, readAhead)
	for r.poller.raw.Read(r.poller.wait) == nil {
		if list = r.add(list[:0]); list == nil {
			return
		}
		if list = r.readAll(list); list == nil {
			return
		}
		r.hand(list)
	}
}

// readAll reads the relays that are ready, and returns the last batches. Others were handed on meanwhile. It returns nil when the set was
// closed while it waited for another.
func (r *Relays) readAll(list []*Batch) []*Batch {
	p := &r.poller
	for i := range p.events[:p.ready] {
		event := &p.events[i]
		for {
			if event.Events&unix.EPOLLERR != 0 {
				event.Events &^= unix.EPOLLERR
				r.readErrors(int(event.Fd))
			}
			if r.readOne(list[len(list)-1], int(event.Fd)) {
				break
			}
			if list = r.add(list); list == nil {
				return nil
			}
		}
	}
	return list
}

// add adds an empty batch. When there are as many as the sink takes, or no more are free, it hands on those before it.
func (r *Relays) add(list []*Batch) []*Batch {
	if len(list) > 0 && len(list) < readAhead {
		if b := r.pool.try(); b != nil {
			b.At = time.Now()
			return append(list, b)
		}
	}
	r.hand(list)
	b := r.pool.Take(r.closed)
	if b == nil {
		return nil
	}
	b.At = time.Now()
	return append(list[:0], b)
}

// readOne reads what one relay has, and returns false if there may be more than the batch had room for.
func (r *Relays) readOne(b *Batch, fd int) bool {
	p := &r.poller
	p.mu.Lock()
	defer p.mu.Unlock()
	relay := p.byFD[fd]
	if relay == nil {
		return true
	}
	first := b.dirty
	if first == BatchSize {
		return false
	}
	n, errno := b.vector.recvFrom(uintptr(fd), first)
	if errno != 0 || n == 0 { // whatever it is, it is seen again if it stays
		return true
	}
	out := b.vector.collectFrom(b, first, n, relay)
	if out != (leftOut{}) {
		r.stats.tooLong.Add(uint64(out.tooLong))
		r.stats.empty.Add(uint64(out.empty))
	}
	return first+n < BatchSize
}
