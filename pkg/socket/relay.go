package socket

import (
	"net/netip"
	"sync"
	"sync/atomic"

	"gazpacho/pkg/tuple"
)

// Relays are the many small UDP sockets of relayed addresses. One goroutine reads them all, into shared batches: a socket that is idle
// costs a descriptor and a few hundred bytes, and packets that came in on different sockets reach the loop together. Batches are read
// with Batch.NextRelayed.
type Relays struct {
	// Passed in.
	links *Links
	pool  *Pool
	sink  Sink
	// icmp is told of errors that the network sent back for a relay's packets, by the reading goroutine.
	icmp func(ICMPError)

	// Owned.
	poller relayPoller
	closed chan struct{}
	done   sync.WaitGroup
	stats  relayCounters
}

// Relay is one of these sockets. It belongs to the loop, as does the Egress that writes it.
type Relay struct {
	// Tag is the owner's, to know the socket by.
	Tag any

	relays    *Relays
	link      tuple.Link
	fragile   tuple.Link // the link for packets that may not be fragmented; 0 until there was one
	local     netip.AddrPort
	whole, df outlet
	relayFD
}

// ICMPError is a Destination Unreachable, Packet Too Big or the like, of ICMP or ICMPv6, as its type and code stand in it.
type ICMPError struct {
	Relay      *Relay
	Peer       netip.AddrPort // whom the packet was for
	Type, Code uint8
	MTU        uint32 // of the next hop, with what is too big
}

// NewRelays makes an empty set whose batches go to sink. It is ready to be opened into and ends with Close.
func NewRelays(links *Links, pool *Pool, sink Sink, icmp func(ICMPError)) (*Relays, error) {
	r := &Relays{links: links, pool: pool, sink: sink, icmp: icmp, closed: make(chan struct{})}
	if err := r.poller.init(); err != nil {
		return nil, err
	}
	r.done.Add(1)
	go func() {
		defer r.done.Done()
		r.run()
	}()
	return r, nil
}

// Open binds one socket. Errors carry the system's errno (EADDRINUSE for a busy port). It is called on the loop.
func (r *Relays) Open(addr netip.AddrPort, opts Options) (*Relay, error) {
	relay := &Relay{relays: r, link: newLink()}
	if err := relay.open(addr, opts); err != nil {
		return nil, err
	}
	relay.whole = outlet{conn: (*relayWhole)(relay), firstDest: none}
	r.links.add(relay.link, route{out: &relay.whole})
	r.stats.open.Add(1)
	return relay, nil
}

// Local is the bound address.
func (r *Relay) Local() netip.AddrPort { return r.local }

// Link names the socket in tuples. What is sent by the fragile one carries the "don't fragment" bit, what is sent by the other does not.
func (r *Relay) Link(fragile bool) tuple.Link {
	if !fragile {
		return r.link
	}
	if r.fragile == 0 {
		r.fragile = newLink()
		r.df = outlet{conn: (*relayFragile)(r), firstDest: none}
		r.relays.links.add(r.fragile, route{out: &r.df})
	}
	return r.fragile
}

// Close closes the socket and frees its port. What was committed for it and not flushed is dropped. It is called on the loop; closing
// again does nothing.
func (r *Relay) Close() {
	if !r.close() {
		return
	}
	r.relays.links.remove(r.link)
	if r.fragile != 0 {
		r.relays.links.remove(r.fragile)
	}
	r.relays.stats.open.Add(-1)
}

// Close ends the reading. The sockets were closed before by their owners.
func (r *Relays) Close() {
	close(r.closed)
	r.poller.close()
	r.done.Wait()
}

type relayCounters struct {
	open                                            atomic.Int64
	packets, bytes, batches, tooLong, empty, errors atomic.Uint64
}

// RelayStats counts what came in on relayed addresses.
type RelayStats struct {
	Open           int
	Packets, Bytes uint64
	Batches        uint64 // Packets / Batches says how well reading together works
	TooLong        uint64 // datagrams over MaxDatagram, dropped
	Empty          uint64 // datagrams of nothing, dropped
	Errors         uint64 // sent back by ICMP
}

// Stats may be called from any goroutine.
func (r *Relays) Stats() RelayStats {
	s := &r.stats
	return RelayStats{
		Open: int(s.open.Load()), Packets: s.packets.Load(), Bytes: s.bytes.Load(), Batches: s.batches.Load(),
		TooLong: s.tooLong.Load(), Empty: s.empty.Load(), Errors: s.errors.Load(),
	}
}

// hand gives batches to the sink, or back to their pool what holds nothing.
func (r *Relays) hand(list []*Batch) {
	for len(list) > 0 && list[len(list)-1].filled == 0 {
		list[len(list)-1].Release()
		list = list[:len(list)-1]
	}
	for i, b := range list {
		total := 0
		for i := range b.packets[:b.filled] {
			total += int(b.packets[i].size)
		}
		r.stats.packets.Add(uint64(b.filled))
		r.stats.bytes.Add(uint64(total))
		r.stats.batches.Add(1)
		b.More = i < len(list)-1
		r.sink(b)
	}
}
