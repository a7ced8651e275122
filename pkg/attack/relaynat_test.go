package attack

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"gazpacho/pkg/simtest"
	"gazpacho/pkg/stun"
	"gazpacho/proto"
)

// Behind NAT, what a client relays to the media of another worker goes there on this machine, and what comes back has the name that the client knows: the
// NAT need not lead back what leaves.
func TestRelayToMediaBehindNAT(t *testing.T) {
	media, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer media.Close()
	free, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free.Close()
	s := &stage{Process: simtest.StartProcess(t, binaries), relays: free.LocalAddr().(*net.UDPAddr).AddrPort()}
	called := netip.MustParseAddrPort("203.0.113.9:40000")
	s.Do(proto.WorkerUpdateTURN, "", proto.TURNSettings{
		Listen: []string{"udp:" + s.relays.String()}, Realm: relayRealm, Users: relayUsers, RelayAddresses: []string{"127.0.0.1=203.0.113.9"},
		MediaPorts: []string{called.String() + "=" + media.LocalAddr().String()}, DenyPeers: []string{"0.0.0.0/0", "::/0"},
	})
	const ping = "\x80ping" // as RTP begins: what begins as TURN does is not relayed to media
	c := newRelayClient(t, s, "mallory")
	c.must(stun.Allocate, relayUDP)
	c.must(stun.CreatePermission, toPeer(called))
	if _, err := c.conn.Write(c.message(stun.Indication, stun.Send, false, toPeer(called), bytesOf(stun.AttrData, []byte(ping)...))); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 2048)
	_ = media.SetReadDeadline(time.Now().Add(patience))
	n, from, err := media.ReadFrom(b)
	if err != nil || string(b[:n]) != ping {
		t.Fatalf("media got %q, %v", b[:n], err)
	}
	if _, err := media.WriteTo([]byte("pong"), from); err != nil {
		t.Fatal(err)
	}
	_ = c.conn.SetReadDeadline(time.Now().Add(patience))
	n, err = c.conn.Read(b)
	var m stun.Message
	if err != nil || !m.Parse(b[:n]) {
		t.Fatalf("the client got %q, %v", b[:n], err)
	}
	if peer, _ := m.XORAddress(stun.AttrXORPeerAddress); peer != called || string(m.Value(stun.AttrData)) != "pong" {
		t.Errorf("%q came from %v, want %v", m.Value(stun.AttrData), peer, called)
	}
}
