package socket

import (
	"context"
	"errors"
	"net"
	"net/netip"
)

// portableUDP is the way of systems without batch calls: a datagram per call, through package net.
// It is compiled and tested on every system.
type portableUDP struct {
	conn    *net.UDPConn
	scratch [MaxDatagram + 1]byte // a byte more than is allowed shows what is too long
}

func openPortable(addr netip.AddrPort, opts Options) (datagramConn, error) {
	network := "udp"
	switch {
	case addr.Addr().Unmap().Is4():
		network = "udp4"
	case opts.IPv6Only:
		network = "udp6"
	}
	lc := net.ListenConfig{Control: controlOf(opts)}
	pc, err := lc.ListenPacket(context.Background(), network, addr.String())
	if err != nil {
		var op *net.OpError
		if errors.As(err, &op) {
			err = op.Err // ListenUDP says the rest
		}
		return nil, err
	}
	c := &portableUDP{conn: pc.(*net.UDPConn)}
	_ = c.conn.SetWriteBuffer(opts.SendBuffer)
	_ = c.conn.SetReadBuffer(opts.RecvBuffer)
	return c, nil
}

func (c *portableUDP) read(pool *Pool, cancel <-chan struct{}) (*Batch, leftOut, error) {
	n, from, err := c.conn.ReadFromUDPAddrPort(c.scratch[:])
	if err != nil {
		return nil, leftOut{}, err
	}
	b := pool.Take(cancel)
	if b == nil {
		return nil, leftOut{}, net.ErrClosed
	}
	switch {
	case n > MaxDatagram:
		return b, leftOut{tooLong: 1}, nil
	case n == 0:
		return b, leftOut{empty: 1}, nil
	}
	b.Append(c.scratch[:n], from)
	return b, leftOut{}, nil
}

// readOn has nothing to say: one datagram is a batch here.
func (c *portableUDP) readOn(*Pool) (*Batch, leftOut, error) { return nil, leftOut{}, nil }

// send may park for a moment where the system blocks on a full buffer; the systems this path is
// for report it as an error instead.
func (c *portableUDP) send(e *Egress, dest uint16) {
	for ; dest != none; dest = e.dests.list[dest].next {
		d := &e.dests.list[dest]
		for s := d.first; s != none; s = e.slots[s].next {
			n, err := c.conn.WriteToUDPAddrPort(e.payload(s), d.remote)
			if err != nil {
				e.countDrop(err)
				continue
			}
			e.stats.Sent++
			e.stats.Bytes += uint64(n)
		}
	}
}

func (c *portableUDP) local() netip.AddrPort {
	return c.conn.LocalAddr().(*net.UDPAddr).AddrPort()
}

func (c *portableUDP) buffers() (send, recv int) {
	raw, err := c.conn.SyscallConn()
	if err != nil {
		return 0, 0
	}
	return bufferSizes(raw)
}

// kernelDrops is not known here.
func (c *portableUDP) kernelDrops() uint64 { return 0 }

func (c *portableUDP) close() error { return c.conn.Close() }
