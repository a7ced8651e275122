package attack

import (
	"encoding/binary"
	"net"
	"net/netip"
	"testing"
	"time"

	"gazpacho/pkg/simtest"
)

// Connections for ICE over TCP. "Valid STUN within 5 s, frames ≤ 1500 B, idle 30 s, ≤ 64 unauthenticated connections per IP, write queue ≤ 256 KiB"
// (R-ICE-8).
var connections = []attack{
	{"connections that send half a frame, or byte by byte", "R-ICE-8", halfFrames},
	{"frames that are too long, or no STUN", "R-ICE-8 R-ICE-1", wrongFrames},
	{"a hundred connections of one address", "R-ICE-8", oneAddress},
	{"a connection that does not read", "R-ICE-8", noReader},
}

// dial connects to a worker from an address of loopback.
func dial(t testing.TB, from, to netip.AddrPort) *net.TCPConn {
	t.Helper()
	c, err := net.DialTCP("tcp4", net.TCPAddrFromAddrPort(from), net.TCPAddrFromAddrPort(to))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// loopback is the n-th address of an attacker.
func loopback(n int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 1, byte(n >> 8), byte(n)}), 0)
}

// frame puts a packet's length before it (RFC 4571).
func frame(packet []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(packet))), packet...)
}

// halfFrames never end. Who is still unknown after five seconds is thrown out.
func halfFrames(t *testing.T, s *stage, d time.Duration) tally {
	const count = 50
	check := frame(newNoise().guess(t, s.alice.Transport.ICEParameters))
	before := s.stats().TCP
	var list []*net.TCPConn
	sent := make([]int, count) // bytes of the frame
	for i := range count {
		c := dial(t, loopback(i), s.tcp)
		defer c.Close()
		sent[i] = 1 + i%(len(check)-1)
		if _, err := c.Write(check[:sent[i]]); err != nil {
			t.Fatal(err)
		}
		list = append(list, c)
	}
	start := time.Now()
	await(t, "all are thrown out", func() bool {
		for i, c := range list {
			if sent[i] < len(check)-1 { // the last one never comes
				_, _ = c.Write(check[sent[i] : sent[i]+1])
				sent[i]++
			}
		}
		time.Sleep(max(50*time.Millisecond, d/100))
		return s.stats().TCP.Closed["expired"]-before.Closed["expired"] == count
	})
	if took := time.Since(start); took < 4*time.Second {
		t.Errorf("thrown out after %v already", took)
	}
	return tally{}
}

// wrongFrames end their connection at once, without a byte.
func wrongFrames(t *testing.T, s *stage, d time.Duration) tally {
	before, r := s.stats().TCP, newNoise()
	long, other, answered := uint64(0), uint64(0), uint64(0)
	pace(t.Context(), d, 300, func(n int) {
		c := dial(t, loopback(n%500), s.tcp)
		defer c.Close()
		switch n % 4 {
		case 0:
			_, _ = c.Write([]byte{0xff, 0xff})
			long++
		case 1:
			_, _ = c.Write(append([]byte{0x05, 0xdd}, r.bytes(1501)...))
			long++
		case 2:
			_, _ = c.Write(frame(hello(r.bytes(32), suiteGCM)))
			other++
		default:
			_, _ = c.Write(frame(r.bytes(1+r.IntN(1000), 0x80)))
			other++
		}
		_ = c.SetReadDeadline(time.Now().Add(patience))
		got, _ := c.Read(make([]byte, 100))
		answered += uint64(got)
	}, nil)
	await(t, "all are counted", func() bool {
		now := s.stats().TCP
		return now.Closed["tooLong"]-before.Closed["tooLong"] == long && now.Closed["notStun"]-before.Closed["notStun"] == other
	})
	return tally{answered: answered, silent: true}
}

// oneAddress has 64 places.
func oneAddress(t *testing.T, s *stage, _ time.Duration) tally {
	const count, places = 100, 64
	before := s.stats().TCP
	for range count { // who is refused may be so before it knows that it is connected
		if c, err := net.DialTCP("tcp4", net.TCPAddrFromAddrPort(loopback(60_000)), net.TCPAddrFromAddrPort(s.tcp)); err == nil {
			defer c.Close()
		}
	}
	await(t, "all are counted", func() bool {
		now := s.stats().TCP
		return now.Refused-before.Refused == count-places && now.Accepted-before.Accepted == places
	})
	// Others are let in meanwhile.
	c := dial(t, loopback(60_001), s.tcp)
	defer c.Close()
	await(t, "another address is let in", func() bool { return s.stats().TCP.Accepted-before.Accepted == places+1 })
	return tally{}
}

// noReader sends authentic checks and reads no answer, until the worker has enough of it.
func noReader(t *testing.T, s *stage, _ time.Duration) tally {
	before := s.stats().TCP.Closed["behind"]
	r := simtest.NewRaw(s.Worker, s.router, s.server, simtest.RawOptions{})
	defer s.expel(r)
	c := dial(t, loopback(61_000), s.tcp)
	defer c.Close()
	_ = c.SetReadBuffer(4096)
	var checks []byte
	for range 100 {
		checks = append(checks, frame(r.Check())...)
	}
	await(t, "the connection is closed", func() bool {
		_ = c.SetWriteDeadline(time.Now().Add(time.Second))
		for range 20 {
			if _, err := c.Write(checks); err != nil {
				break
			}
		}
		return s.stats().TCP.Closed["behind"] == before+1
	})
	return tally{}
}
