package socket

import (
	"net/netip"

	"gazpacho/pkg/tuple"
)

// Port is a link that ends in this process: what is sent to it is handed to a function at the flush. It is how a packet reaches an
// encrypted stream that a goroutine writes, or another part of the same loop, without a socket in between.
type Port struct {
	links *Links
	link  tuple.Link
	take  func(payload []byte, to netip.AddrPort) bool
}

// OpenPort enters a function as a link. It is called in the flush, for each packet in the order in which they were committed, and copies
// what it keeps; it may not use the Egress. It returns false when it has no room: the packet counts as dropped.
func OpenPort(links *Links, take func(payload []byte, to netip.AddrPort) bool) *Port {
	p := &Port{links: links, link: newLink(), take: take}
	links.add(p.link, route{port: p})
	return p
}

// Link names the port in tuples.
func (p *Port) Link() tuple.Link { return p.link }

// Close ends the link: what is sent to it afterwards is dropped. Closing again does nothing.
func (p *Port) Close() { p.links.remove(p.link) }

// deliver hands over the packets of a destination.
func (p *Port) deliver(e *Egress, d *dest) {
	for s := d.first; s != none; s = e.slots[s].next {
		payload := e.payload(s)
		if !p.take(payload, d.remote) {
			e.stats.Full++
			continue
		}
		e.stats.Sent++
		e.stats.Bytes += uint64(len(payload))
	}
}
