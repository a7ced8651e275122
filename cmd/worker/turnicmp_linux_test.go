package main

import (
	bits "encoding/binary"
	"testing"

	"gazpacho/pkg/stun"
)

// "the server [...] generates a Data indication [...] The server includes an ICMP attribute" (RFC 8656 section 11.5): a client hears that there is nobody
// at the port it relays to, from the kernel's error queue to the attribute.
func TestTURNClientHearsOfClosedPort(t *testing.T) {
	w := startTURN(t)
	n := newTURNNet(t)
	c := n.client(w)
	c.allocate()
	closed := freePort(t)
	c.bind(closed)
	c.channelData(100)
	n.egress.Flush()
	batch, err := c.socket.ReadBatch(n.pool)
	if err != nil {
		t.Fatal(err)
	}
	defer batch.Release()
	_, data, _ := batch.Next()
	var m stun.Message
	if !m.Parse(data) || m.Class != stun.Indication || m.Method != stun.Data || m.Has(stun.AttrData) {
		t.Fatalf("no Data indication without DATA: % x", data)
	}
	if peer, ok := m.XORAddress(stun.AttrXORPeerAddress); !ok || peer != closed {
		t.Errorf("it is about %v, not %v", peer, closed)
	}
	// "ICMP Type" has 7 bits, "ICMP Code" 9 (RFC 8656 section 18.13): destination unreachable, port unreachable.
	if v := m.Value(stun.AttrICMP); len(v) != 8 || bits.BigEndian.Uint16(v[2:]) != 3<<9|3 {
		t.Errorf("ICMP % x", v)
	}
}
