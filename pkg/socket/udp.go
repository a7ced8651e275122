package socket

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"gazpacho/pkg/tuple"
)

// UDP is a bound UDP socket: one goroutine reads it once Start was called, and the Egress of its
// loop writes it.
type UDP struct {
	conn   datagramConn
	links  *Links
	link   tuple.Link
	local  netip.AddrPort
	closed chan struct{}
	close  sync.Once
	users  atomic.Int32 // the open socket and its reader: the last to leave has it folded into the totals

	// Written by the reader.
	packets, bytes, batches, tooLong, empty, unreachable, failures atomic.Uint64

	lastDrops atomic.Uint64 // of the kernel, read before closing

	out outlet // owned by the Egress
}

// datagramConn is what a system offers for datagrams: batch calls on Linux, single ones elsewhere.
type datagramConn interface {
	// read parks until datagrams are there, takes a batch, and fills it. The batch may be nil
	// beside an error, and empty without one.
	read(pool *Pool, cancel <-chan struct{}) (b *Batch, out leftOut, err error)
	// readOn is read without parking, and without waiting for a batch: it returns nil where read would wait.
	readOn(pool *Pool) (b *Batch, out leftOut, err error)
	// send writes the chain of destinations that starts at dest, and never waits.
	send(e *Egress, dest uint16)
	local() netip.AddrPort
	// buffers are the sizes the system granted, kernelDrops what it dropped for want of room.
	buffers() (send, recv int)
	kernelDrops() uint64
	close() error
}

// leftOut counts datagrams that were dropped for their length.
type leftOut struct{ tooLong, empty int }

// ListenUDP binds a socket and enters it in links. The address may be a wildcard, and its port 0
// for any free one. Errors carry the system's errno (EADDRINUSE for a busy port).
func ListenUDP(links *Links, addr netip.AddrPort, opts Options) (*UDP, error) {
	if opts.SendBuffer == 0 {
		opts.SendBuffer = defaultBuffer
	}
	if opts.RecvBuffer == 0 {
		opts.RecvBuffer = defaultBuffer
	}
	open := openDatagram
	if opts.portable {
		open = openPortable
	}
	conn, err := open(addr, opts)
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: "udp", Addr: net.UDPAddrFromAddrPort(addr), Err: err}
	}
	u := &UDP{
		conn:   conn,
		links:  links,
		link:   newLink(),
		local:  tuple.Canonical(conn.local()),
		closed: make(chan struct{}),

		out: outlet{conn: conn, firstDest: none},
	}
	u.users.Store(1)
	links.add(u.link, route{out: &u.out})
	links.totals.enterUDP(u)
	return u, nil
}

// Link names the socket in tuples.
func (u *UDP) Link() tuple.Link { return u.link }

// Local is the bound address, with the port the system chose if 0 was asked for.
func (u *UDP) Local() netip.AddrPort { return u.local }

// Buffers returns the kernel buffer sizes that were granted, in bytes.
func (u *UDP) Buffers() (send, recv int) { return u.conn.buffers() }

// Start reads the socket in a goroutine that ends with Close.
func (u *UDP) Start(pool *Pool, sink Sink) {
	u.users.Add(1)
	go func() {
		defer u.leave()
		for {
			b, err := u.ReadBatch(pool)
			if err != nil {
				return
			}
			for n := 1; n < readAhead && b.dirty == BatchSize; n++ {
				next := u.readOn(pool)
				if next == nil {
					break
				}
				b.More = true
				sink(b)
				b = next
			}
			sink(b)
		}
	}()
}

// readAhead is how many full batches are read before the first is handled: what is sent for more packets at once is sent in fewer calls.
const readAhead = 4

// readOn reads what there is after a full batch, nil if nothing. An error is counted, and seen again by ReadBatch if it stays.
func (u *UDP) readOn(pool *Pool) *Batch {
	b, out, err := u.conn.readOn(pool)
	u.countOut(out)
	switch {
	case err != nil && isUnreachable(err):
		u.unreachable.Add(1)
	case err == nil && b != nil && b.filled > 0:
		u.countRead(b)
		return b
	}
	if b != nil {
		b.Release()
	}
	return nil
}

// ReadBatch waits for datagrams and returns as many as are there, at least one and at most
// BatchSize, stamped with the present time. The only error is net.ErrClosed: whatever else a
// network makes a socket report (an ICMP error, say) is counted (SECURITY.md R-ICE-7). One goroutine
// may call it; Start is that goroutine.
func (u *UDP) ReadBatch(pool *Pool) (*Batch, error) {
	for failed := 0; ; {
		b, out, err := u.conn.read(pool, u.closed)
		u.countOut(out)
		switch {
		case err == nil && b.filled > 0:
			u.countRead(b)
			return b, nil
		case b != nil:
			b.Release()
		}
		if err == nil {
			continue
		}
		if errors.Is(err, net.ErrClosed) || u.isClosed() {
			return nil, net.ErrClosed
		}
		if isUnreachable(err) {
			u.unreachable.Add(1)
			continue
		}
		u.failures.Add(1)
		if failed++; failed > 8 {
			// Out of memory, most likely: spinning on it would not help.
			u.pause(10 * time.Millisecond)
		}
	}
}

func (u *UDP) countOut(out leftOut) {
	if out != (leftOut{}) {
		u.tooLong.Add(uint64(out.tooLong))
		u.empty.Add(uint64(out.empty))
	}
}

// countRead says where a batch came in, and counts it.
func (u *UDP) countRead(b *Batch) {
	b.At, b.Link, b.Local = time.Now(), u.link, u.local
	total := 0
	for i := range b.packets[:b.filled] {
		total += int(b.packets[i].size)
	}
	u.packets.Add(uint64(b.filled))
	u.bytes.Add(uint64(total))
	u.batches.Add(1)
}

func (u *UDP) isClosed() bool {
	select {
	case <-u.closed:
		return true
	default:
		return false
	}
}

func (u *UDP) pause(d time.Duration) {
	select {
	case <-time.After(d):
	case <-u.closed:
	}
}

// Close closes the socket, ends its reader, and frees the port. Batches that were read before may
// still come out of the sink: it waits for a read in progress, not for the sink. Closing again does
// nothing.
func (u *UDP) Close() error {
	var err error
	u.close.Do(func() {
		u.links.remove(u.link)
		u.lastDrops.Store(u.conn.kernelDrops())
		close(u.closed)
		err = u.conn.close()
		u.leave()
	})
	return err
}

func (u *UDP) leave() {
	if u.users.Add(-1) == 0 {
		u.links.totals.foldUDP(u)
	}
}

// UDPStats counts what a socket received since it was opened.
type UDPStats struct {
	Packets, Bytes, Batches uint64
	TooLong                 uint64 // datagrams over MaxDatagram, dropped
	Empty                   uint64 // datagrams of nothing, dropped
	Unreachable             uint64 // ICMP errors reported to the reader
	Failures                uint64 // other errors of the system
	KernelDrops             uint64 // datagrams the kernel dropped because nobody read them in time
}

// Stats may be called from any goroutine.
func (u *UDP) Stats() UDPStats {
	drops := u.conn.kernelDrops() // 0 once it is closed, but then the last reading is there
	return UDPStats{
		Packets:     u.packets.Load(),
		Bytes:       u.bytes.Load(),
		Batches:     u.batches.Load(),
		TooLong:     u.tooLong.Load(),
		Empty:       u.empty.Load(),
		Unreachable: u.unreachable.Load(),
		Failures:    u.failures.Load(),
		KernelDrops: max(drops, u.lastDrops.Load()),
	}
}
