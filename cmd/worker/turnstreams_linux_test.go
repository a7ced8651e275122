package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"gazpacho/pkg/stun"
)

func transportTCP(b *stun.Builder) { b.AddUint32(stun.AttrRequestedTransport, 6<<24) }

// R-TURN-6: what --turn-max-bitrate says of an allocation holds for all of its connections to peers together (RFC 6062), each way. TCP is relayed
// though no flag says so.
func TestTURNConnectionsKeepTheBitrate(t *testing.T) {
	const bitrate, size, connections = 16_000_000, 300_000, 2
	at := freePort(t)
	startTURN(t, "--turn-listen", "tcp:"+at.String(), "--turn-max-bitrate", strconv.Itoa(bitrate))
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	c := dialTURN(t, "tcp", at)
	c.allocate(transportTCP)
	var ends [connections][2]net.Conn
	for i := range ends {
		if i > 0 { // one connection to each address
			if l, err = net.Listen("tcp4", "127.0.0.1:0"); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { l.Close() })
		}
		id, ok := c.request(0, stun.Connect, toPeer(addrPort(l.Addr()))).Uint32(stun.AttrConnectionID)
		if !ok {
			t.Fatal("there is no CONNECTION-ID")
		}
		peer, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { peer.Close() })
		data := dialTURN(t, "tcp", at)
		data.nonce = c.nonce
		data.request(0, stun.ConnectionBind, value32(stun.AttrConnectionID, id))
		ends[i] = [2]net.Conn{data.Conn, peer}
	}
	for way := range 2 {
		start := time.Now()
		var all sync.WaitGroup
		for i := range ends {
			from, to := ends[i][way], ends[i][1-way]
			want := bytes.Repeat([]byte{byte(i + 1), byte(way), 3, 4, 5, 6}, size/6)
			_ = to.SetDeadline(time.Now().Add(20 * time.Second))
			all.Go(func() { _, _ = from.Write(want) })
			all.Go(func() {
				got := make([]byte, size)
				if _, err := io.ReadFull(to, got); err != nil || !bytes.Equal(got, want) {
					t.Errorf("way %d of connection %d: other bytes came, %v", way, i, err)
				}
			})
		}
		all.Wait()
		// A burst of a tenth of a second is free, and so is what each connection reads at once, which is paid for afterwards.
		const least = time.Duration(connections*(size-16<<10))*8*time.Second/bitrate - 100*time.Millisecond
		if took := time.Since(start); took < least {
			t.Errorf("way %d took %v, want %v at least", way, took, least)
		}
	}
}

// Two workers share the ports: each client stays with the one that it came to first, over UDP by what the kernel makes of its address and port, and
// nothing is lost.
func TestTURNPortsShared(t *testing.T) {
	at := freePort(t)
	listen := fmt.Sprintf("udp:%v,tcp:%v", at, at)
	for _, ports := range []string{"20000-29999", "30000-39999"} {
		startTURN(t, "--turn-listen", listen, "--turn-relay-ports", ports) // which listens on a port of its own, too: there it is awaited
	}
	echo, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { echo.Close() })
	go func() {
		b := make([]byte, 1500)
		for {
			n, from, err := echo.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			_, _ = echo.WriteToUDPAddrPort(b[:n], from)
		}
	}()
	const clients, rounds = 50, 20
	var list []*turnConn
	on := map[bool]map[string]int{true: {}, false: {}}
	for i := range clients {
		network := []string{"udp", "tcp"}[i%2]
		c := dialTURN(t, network, at)
		on[c.allocate(transportUDP).Port() < 30000][network]++
		c.request(0, stun.ChannelBind, value32(stun.AttrChannelNumber, benchChannel<<16), toPeer(addrPort(echo.LocalAddr())))
		list = append(list, c)
	}
	for first, count := range on {
		if count["udp"] == 0 || count["tcp"] == 0 {
			t.Errorf("worker (first: %v) has %v of the clients", first, count)
		}
	}
	for round := range rounds {
		for i, c := range list {
			c.write(c.channelMessage(benchChannel, fmt.Sprintf("%d of %d", round, i)))
		}
		for i, c := range list {
			if got, want := c.read(), c.channelMessage(benchChannel, fmt.Sprintf("%d of %d", round, i)); !bytes.Equal(got[:len(want)], want) {
				t.Fatalf("client %d got %q, want %q", i, got, want)
			}
		}
	}
	for _, c := range list {
		c.request(0, stun.Refresh, value32(stun.AttrLifetime, 0))
	}
}
