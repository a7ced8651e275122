package worker_test

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gazpacho/pkg/simtest"
	"gazpacho/proto"
)

// plainOn makes a plain transport.
func plainOn(w *simtest.Worker, router, id string, o proto.PlainTransportOptions) proto.PlainTransportDump {
	o.TransportID = id
	return simtest.Request[proto.PlainTransportDump](w, proto.RouterCreatePlainTransport, router, o)
}

// forwarding makes a transport that learns its peer, with an audio producer of SSRC 11.
func forwarding(w *simtest.Worker, router, id string, info proto.ListenInfo) proto.PlainTransportDump {
	d := plainOn(w, router, id, proto.PlainTransportOptions{ListenInfo: info, Comedia: true})
	w.Do(proto.TransportProduce, id, lifeProduce(id+" audio", proto.Audio, 11))
	return d
}

// received waits until a transport has forwarded at least so many packets.
func received(t *testing.T, w *simtest.Worker, id string, n uint64) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		s := simtest.Request[proto.PlainTransportStats](w, proto.TransportGetStats, id, nil)
		if s.RTPPacketsReceived >= n {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s received %d RTP packets, want %d: %+v", id, s.RTPPacketsReceived, n, s)
		}
	}
}

func audio(sequence byte) []byte {
	return []byte{0x80, 100, 0, sequence, 0, 0, 0, sequence, 0, 0, 0, 11, 0xf8, 1, 2, 3}
}

// A group and its port are shared by any number of transports, and by programs that ask for no more than SO_REUSEADDR: each gets every packet. The
// group is joined where the announced address says, here on loopback, where no route leads.
func TestMulticastIsShared(t *testing.T) {
	const group = "239.83.11.7"
	w := simtest.StartWorker(t)
	router := w.Router()
	info := proto.ListenInfo{Protocol: "udp", IP: group, AnnouncedAddress: "127.0.0.1", Flags: &proto.SocketFlags{UDPReusePort: true}}
	info.Port = forwarding(w, router, "one", info).Tuple.LocalPort
	forwarding(w, router, "two", info)
	lc := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) (err error) {
		_ = raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEADDR, 1) })
		return err
	}}
	other, err := lc.ListenPacket(t.Context(), "udp4", fmt.Sprint("0.0.0.0:", info.Port))
	if err != nil {
		t.Fatalf("another program: %v", err)
	}
	defer other.Close()

	alone := info
	alone.Flags = nil
	if e := refused(t, w, proto.RouterCreatePlainTransport, router, proto.PlainTransportOptions{TransportID: "alone", ListenInfo: alone}); e.Code != proto.CodeBusy {
		t.Errorf("without the flag: %v", e)
	}
	conn, err := net.DialUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}, &net.UDPAddr{IP: net.ParseIP(group), Port: int(info.Port)})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for i := range byte(20) {
		if _, err := conn.Write(audio(i)); err != nil {
			t.Fatal(err)
		}
	}
	received(t, w, "one", 20)
	received(t, w, "two", 20)
	d := simtest.Request[proto.PlainTransportDump](w, proto.TransportDumpMethod, "one", nil)
	if d.Tuple.RemoteIP != "127.0.0.1" || int(d.Tuple.RemotePort) != conn.LocalAddr().(*net.UDPAddr).Port {
		t.Errorf("the peer is %+v", d.Tuple)
	}
}

// Where a group is joined, by the kernel's list of members: it names the interface that has the announced address, or that is the group's zone.
func TestMulticastInterface(t *testing.T) {
	for _, tt := range []struct{ name, group, announced, file, line string }{
		{"IPv4", "239.83.11.9", "127.0.0.1", "/proc/net/igmp", "090B53EF"},
		{"IPv6 by address", "ff15::83:117", "::1", "/proc/net/igmp6", "lo              ff150000000000000000000000830117"},
		{"IPv6 by zone", "ff11::83:118%lo", "media.example.org", "/proc/net/igmp6", "lo              ff110000000000000000000000830118"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := simtest.StartWorker(t)
			router := w.Router()
			member := func() bool {
				list, err := os.ReadFile(tt.file)
				if err != nil {
					t.Fatal(err)
				}
				s := string(list)
				if _, after, ok := strings.Cut(s, "\tlo "); ok { // of IPv4, groups stand below the names of interfaces
					_, after, _ = strings.Cut(after, "V3")
					s, _, _ = strings.Cut(after, " : ")
				}
				return strings.Contains(s, tt.line)
			}
			if member() {
				t.Fatal("somebody is a member already")
			}
			o := proto.PlainTransportOptions{ListenInfo: proto.ListenInfo{Protocol: "udp", IP: tt.group, AnnouncedAddress: tt.announced}}
			plainOn(w, router, "t", o)
			if !member() {
				t.Error("the group was not joined on lo")
			}
			w.Do(proto.RouterCloseTransport, router, proto.CloseTransport{TransportID: "t"})
			if member() {
				t.Error("the group was not left")
			}
		})
	}
}

// A transport sends to a group as to any address.
func TestMulticastIsReached(t *testing.T) {
	group := net.IPv4(239, 83, 11, 8)
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.ListenMulticastUDP("udp4", lo, &net.UDPAddr{IP: group})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	w := simtest.StartWorker(t)
	router := w.Router()
	from := forwarding(w, router, "from", udp("127.0.0.1", 0))
	plainOn(w, router, "to", proto.PlainTransportOptions{ListenInfo: udp("127.0.0.1", 0)})
	w.Do(proto.PlainTransportConnect, "to", proto.ConnectPlainTransport{IP: group.String(), Port: uint16(listener.LocalAddr().(*net.UDPAddr).Port)})
	w.Do(proto.TransportConsume, "to", lifeConsume("c", "from audio", proto.Audio, false, 11, 77))
	conn, err := net.Dial("udp4", fmt.Sprint("127.0.0.1:", from.Tuple.LocalPort))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	buffer := make([]byte, 1500)
	for i := byte(0); ; i++ {
		if _, err := conn.Write(audio(i)); err != nil {
			t.Fatal(err)
		}
		_ = listener.SetReadDeadline(time.Now().Add(time.Second))
		if n, _, err := listener.ReadFrom(buffer); err == nil && n > 12 && buffer[1] == 100 && buffer[11] == 77 {
			return
		} else if err != nil && i > 20 {
			t.Fatal(err)
		}
	}
}

// A socket on :: takes IPv4 too unless its flag says otherwise.
func TestIPv6Only(t *testing.T) {
	for _, only := range []bool{false, true} {
		t.Run(fmt.Sprint(only), func(t *testing.T) {
			w := simtest.StartWorker(t)
			router := w.Router()
			d := forwarding(w, router, "t", proto.ListenInfo{Protocol: "udp", IP: "::", Flags: &proto.SocketFlags{IPv6Only: only}})
			over := func(network, address string) net.Conn {
				conn, err := net.Dial(network, net.JoinHostPort(address, strconv.Itoa(int(d.Tuple.LocalPort))))
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { conn.Close() })
				return conn
			}
			four, six := over("udp4", "127.0.0.1"), over("udp6", "::1")
			// The first that arrives is the peer: over IPv4, unless that cannot arrive.
			for i := range byte(5) {
				_, _ = four.Write(audio(i)) // that nobody listens is an error
			}
			want := "127.0.0.1"
			if only {
				if _, err := six.Write(audio(9)); err != nil {
					t.Fatal(err)
				}
				want = "::1"
			}
			received(t, w, "t", 1)
			if d := simtest.Request[proto.PlainTransportDump](w, proto.TransportDumpMethod, "t", nil); d.Tuple.RemoteIP != want {
				t.Errorf("the peer is %+v", d.Tuple)
			}
		})
	}
}

// A range gives out all its ports and then an error, a single one as well; a port that is free again is given out again.
func TestPortRangeIsUsedUp(t *testing.T) {
	w := simtest.StartWorker(t)
	router := w.Router()
	low := occupy(t)
	if low > 65_000 {
		low -= 500
	}
	for _, size := range []uint16{1, 2, 7} {
		info := udp("127.0.0.1", 0)
		info.PortRange = &proto.PortRange{Min: low + 1, Max: low + size}
		seen := map[uint16]string{}
		for {
			id := fmt.Sprint(size, " ", len(seen))
			o := proto.PlainTransportOptions{TransportID: id, ListenInfo: info}
			d, err := simtest.TryRequest[proto.PlainTransportDump](w, proto.RouterCreatePlainTransport, router, o)
			if err != nil {
				break
			}
			if p := d.Tuple.LocalPort; seen[p] != "" || p < low+1 || p > low+size {
				t.Fatalf("port %d of %d to %d, seen %v", p, low+1, low+size, seen)
			}
			seen[d.Tuple.LocalPort] = id
		}
		// Other programs may have some of them.
		if len(seen) == 0 {
			t.Logf("no port of %d to %d was free", low+1, low+size)
			continue
		}
		e := refused(t, w, proto.RouterCreatePlainTransport, router, proto.PlainTransportOptions{TransportID: "one more", ListenInfo: info})
		if e.Code != proto.CodeNoPort || e.Path != "listenInfo.portRange" {
			t.Errorf("error %v about %s", e, e.Path)
		}
		for port, id := range seen {
			w.Do(proto.RouterCloseTransport, router, proto.CloseTransport{TransportID: id})
			if d := plainOn(w, router, id, proto.PlainTransportOptions{ListenInfo: info}); d.Tuple.LocalPort != port {
				t.Errorf("port %d, but only %d was free", d.Tuple.LocalPort, port)
			}
		}
		for _, id := range seen {
			w.Do(proto.RouterCloseTransport, router, proto.CloseTransport{TransportID: id})
		}
	}
}

// bufferSizes are what the system granted the UDP socket of this process that is bound to a port: twice what was asked for (socket(7)).
func bufferSizes(t *testing.T, port uint16) (send, recv int) {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		fd, _ := strconv.Atoi(e.Name())
		at, err := unix.Getsockname(fd)
		if err != nil {
			continue
		}
		kind, _ := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
		if in, ok := at.(*unix.SockaddrInet4); ok && in.Port == int(port) && kind == unix.SOCK_DGRAM {
			send, _ = unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF)
			recv, _ = unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF)
			return send, recv
		}
	}
	t.Fatalf("no socket has port %d", port)
	return 0, 0
}

func TestBufferSizes(t *testing.T) {
	w := simtest.StartWorker(t)
	router := w.Router()
	info := udp("127.0.0.1", 0)
	info.SendBufferSize, info.RecvBufferSize = 50_000, 70_000
	rtcp := udp("127.0.0.1", 0)
	rtcp.RecvBufferSize = 60_000
	d := plainOn(w, router, "t", proto.PlainTransportOptions{ListenInfo: info, RTCPListenInfo: &rtcp, RTCPMux: new(false)})
	if send, recv := bufferSizes(t, d.Tuple.LocalPort); send != 100_000 || recv != 140_000 {
		t.Errorf("RTP: %d and %d bytes", send, recv)
	}
	if _, recv := bufferSizes(t, d.RTCPTuple.LocalPort); recv != 120_000 {
		t.Errorf("RTCP: %d bytes", recv)
	}
}

// The announced address, or name, is what peers are told: in the tuples of plain transports and pipes, and in candidates, where the bound one may
// follow it. What is bound stays what it is.
func TestAnnouncedNames(t *testing.T) {
	w := simtest.StartWorker(t)
	router := w.Router()
	info, rtcp := udp("127.0.0.1", 0), udp("127.0.0.1", 0)
	info.AnnouncedAddress, info.ExposeInternalIP, rtcp.AnnouncedAddress = "media.example.org", true, "203.0.113.9"
	plain := plainOn(w, router, "plain", proto.PlainTransportOptions{ListenInfo: info, RTCPListenInfo: &rtcp, RTCPMux: new(false)})
	if a, b := plain.Tuple, plain.RTCPTuple; a.LocalAddress != "media.example.org" || a.LocalIP != a.LocalAddress || b.LocalAddress != "203.0.113.9" {
		t.Errorf("plain: %+v, %+v", a, b)
	}
	r := simtest.Request[proto.ConnectPlainTransportResult](w, proto.PlainTransportConnect, "plain", proto.ConnectPlainTransport{IP: "127.0.0.1", Port: 9, RTCPPort: 10})
	if r.Tuple.LocalAddress != "media.example.org" || r.Tuple.RemotePort != 9 || r.RTCPTuple.LocalAddress != "203.0.113.9" || r.RTCPTuple.RemotePort != 10 {
		t.Errorf("connected: %+v", r)
	}
	pipe := simtest.Request[proto.PipeTransportDump](w, proto.RouterCreatePipeTransport, router, proto.PipeTransportOptions{TransportID: "pipe", ListenInfo: info})
	if pipe.Tuple.LocalAddress != "media.example.org" {
		t.Errorf("pipe: %+v", pipe.Tuple)
	}
	web := simtest.Request[proto.WebRTCTransportDump](w, proto.RouterCreateWebRTCTransport, router, proto.WebRTCTransportOptions{
		TransportID: "web", ListenInfos: []proto.ListenInfo{info},
	})
	if len(web.ICECandidates) != 2 {
		t.Fatalf("candidates: %+v", web.ICECandidates)
	}
	out, in := web.ICECandidates[0], web.ICECandidates[1]
	if out.Address != "media.example.org" || out.IP != out.Address || in.Address != "127.0.0.1" || in.Port != out.Port || in.Priority >= out.Priority {
		t.Errorf("candidates: %+v, then %+v", out, in)
	}
}
