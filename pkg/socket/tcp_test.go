package socket

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"gazpacho/pkg/tuple"
)

func listenTCP(t testing.TB, links *Links, addr netip.AddrPort) *TCPServer {
	t.Helper()
	s, err := ListenTCP(links, addr, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// serve starts a server and returns what it reads.
func serve(t testing.TB, s *TCPServer) <-chan got {
	t.Helper()
	packets := make(chan got, 8192)
	s.Start(NewPool(8), collect(packets))
	return packets
}

func dial(t testing.TB, s *TCPServer) *net.TCPConn {
	t.Helper()
	nc, err := net.Dial("tcp", s.Local().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	return nc.(*net.TCPConn)
}

func write(t testing.TB, nc net.Conn, b []byte) {
	t.Helper()
	if _, err := nc.Write(b); err != nil {
		t.Fatal(err)
	}
}

// introduce dials and sends the first frame that is asked of a connection.
func introduce(t testing.TB, s *TCPServer, packets <-chan got) (*net.TCPConn, tuple.Tuple) {
	t.Helper()
	nc := dial(t, s)
	write(t, nc, framed(stunRequest))
	p := next(t, packets)
	if p.data != stunRequest {
		t.Fatalf("first packet is %q", p.data)
	}
	return nc, p.from
}

// readFrame reads one frame as a client does.
func readFrame(t testing.TB, nc net.Conn) string {
	t.Helper()
	_ = nc.SetReadDeadline(time.Now().Add(patience))
	head := make([]byte, frameHead)
	if _, err := io.ReadFull(nc, head); err != nil {
		t.Fatal(err)
	}
	packet := make([]byte, int(head[0])<<8|int(head[1]))
	if _, err := io.ReadFull(nc, packet); err != nil {
		t.Fatal(err)
	}
	return string(packet)
}

// ended waits until the server closed a connection.
func ended(t testing.TB, nc net.Conn) {
	t.Helper()
	_ = nc.SetReadDeadline(time.Now().Add(patience))
	for buffer := make([]byte, 64<<10); ; {
		if _, err := nc.Read(buffer); err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) {
				return
			}
			t.Fatalf("the connection did not end: %v", err)
		}
	}
}

// refused expects that a connection is reset at once, maybe before the client knows that it is there.
func refused(t testing.TB, s *TCPServer) {
	t.Helper()
	nc, err := net.Dial("tcp", s.Local().String())
	if errors.Is(err, syscall.ECONNRESET) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	ended(t, nc)
}

// closedNext expects the batch that tells of a connection's end.
func closedNext(t testing.TB, packets <-chan got, link tuple.Link) {
	t.Helper()
	if p := next(t, packets); !p.closed || p.from.Link != link || p.from.Protocol != tuple.TCP {
		t.Fatalf("got %q (closed %v) from link %d, want the end of %d", p.data, p.closed, p.from.Link, link)
	}
}

func TestTCPRoundTrip(t *testing.T) {
	tests := []struct {
		name   string
		listen netip.AddrPort
		dial   string
	}{
		{"IPv4", loopback4, "127.0.0.1"},
		{"IPv6", loopback6, "::1"},
		{"IPv4 on a dual-stack socket", wildcard6, "127.0.0.1"},
		{"IPv6 on a dual-stack socket", wildcard6, "::1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			links := NewLinks()
			s := listenTCP(t, links, tt.listen)
			packets := serve(t, s)
			at := netip.AddrPortFrom(netip.MustParseAddr(tt.dial), s.Local().Port())
			nc, err := net.Dial("tcp", at.String())
			if err != nil {
				t.Fatal(err)
			}
			defer nc.Close()
			write(t, nc, framed(stunRequest, "", "second", filler(MaxDatagram, 'x')))
			client := nc.LocalAddr().(*net.TCPAddr).AddrPort()
			for _, want := range []string{stunRequest, "second", filler(MaxDatagram, 'x')} {
				p := next(t, packets)
				if p.data != want || p.from != tuple.Of(tuple.TCP, p.from.Link, at, client) || p.from.Link == 0 {
					t.Fatalf("got %.20q from %v, want %.20q from %v", p.data, p.from, want, client)
				}
				e := NewEgress(links)
				commit(e, p.from, p.data)
				commit(e, p.from, "and more")
				e.Flush()
				if back := readFrame(t, nc); back != want {
					t.Fatalf("echo of %d bytes is %d", len(want), len(back))
				}
				if more := readFrame(t, nc); more != "and more" {
					t.Fatalf("then %q", more)
				}
				if st := e.Stats(); st.Sent != 2 || st.Bytes != uint64(len(want)+len("and more")) || st.Dropped() != 0 {
					t.Errorf("%+v", st)
				}
			}
			if st := s.Stats(); st.Packets != 3 || st.Accepted != 1 || st.Open != 1 {
				t.Errorf("%+v", st)
			}
		})
	}
}

func TestTCPBusyPortIsAnError(t *testing.T) {
	s := listenTCP(t, NewLinks(), loopback4)
	if _, err := ListenTCP(NewLinks(), s.Local(), Options{}); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("second listen: %v", err)
	}
}

func TestTCPOptions(t *testing.T) {
	links := NewLinks()
	opts := Options{IPv6Only: true, ReusePort: true, SendBuffer: 64 << 10, RecvBuffer: 64 << 10}
	s, err := ListenTCP(links, wildcard6, opts)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	again, err := ListenTCP(links, s.Local(), opts)
	if err != nil {
		t.Fatalf("ReusePort: %v", err)
	}
	again.Close()
	listenTCP(t, links, netip.AddrPortFrom(loopback4.Addr(), s.Local().Port())) // IPv6Only left it free
}

// A frame may arrive byte by byte.
func TestTCPHalfFrames(t *testing.T) {
	s := listenTCP(t, NewLinks(), loopback4)
	packets := serve(t, s)
	nc, _ := introduce(t, s, packets)
	_ = nc.SetNoDelay(true)
	stream := framed("one", "", "two")
	for i := range stream {
		write(t, nc, stream[i:i+1])
	}
	if a, b := next(t, packets), next(t, packets); a.data != "one" || b.data != "two" {
		t.Errorf("got %q and %q", a.data, b.data)
	}
	noMore(t, packets)
}

// More frames than a batch has slots arrive in one read.
func TestTCPManySmallFrames(t *testing.T) {
	s := listenTCP(t, NewLinks(), loopback4)
	packets := serve(t, s)
	nc, _ := introduce(t, s, packets)
	const n = 20 * BatchSize
	var stream []byte
	for i := range n {
		stream = append(stream, 0, 2, byte(i>>8), byte(i))
	}
	write(t, nc, stream)
	for i := range n {
		if p := next(t, packets); p.data != string([]byte{byte(i >> 8), byte(i)}) {
			t.Fatalf("packet %d is %q", i, p.data)
		}
	}
}

// A scanner that speaks something else is gone with its first frame, and the loop hears nothing.
func TestTCPFirstFrameMustLookLikeSTUN(t *testing.T) {
	for _, first := range []string{"GET / HTTP/1.1\r\n\r\n", string(framed("\x80\x60rtp of a stranger"))} {
		s := listenTCP(t, NewLinks(), loopback4)
		packets := serve(t, s)
		nc := dial(t, s)
		write(t, nc, []byte(first))
		ended(t, nc)
		eventually(t, "the connection is forgotten", func() bool { return s.Stats().Open == 0 })
		noMore(t, packets)
		if st := s.Stats(); st.NotSTUN+st.TooLong != 1 {
			t.Errorf("%+v", st)
		}
	}
}

// SECURITY.md R-ICE-8: frames ≤ 1500 B. What came before counts.
func TestTCPOversizedFrameCloses(t *testing.T) {
	links := NewLinks()
	s := listenTCP(t, links, loopback4)
	packets := serve(t, s)
	nc, from := introduce(t, s, packets)
	write(t, nc, append(framed("before"), 0x05, 0xdd))
	if p := next(t, packets); p.data != "before" {
		t.Errorf("got %q", p.data)
	}
	closedNext(t, packets, from.Link)
	ended(t, nc)
	if st := s.Stats(); st.TooLong != 1 || links.Len() != 0 {
		t.Errorf("%+v, %d links", st, links.Len())
	}
}

// SECURITY.md R-ICE-8: valid STUN within 5 s. What a stranger sends buys no time.
func TestTCPStrangersExpire(t *testing.T) {
	for _, say := range []string{"", string(framed(stunRequest)[:7]), string(framed(stunRequest, stunRequest))} {
		s := listenTCP(t, NewLinks(), loopback4)
		s.limits = tcpLimits{auth: 30 * time.Millisecond, idle: time.Hour}
		serve(t, s)
		nc := dial(t, s)
		write(t, nc, []byte(say))
		ended(t, nc)
		eventually(t, "it is counted", func() bool { return s.Stats().Expired == 1 })
	}
}

// The known live as long as they send, and not longer.
func TestTCPIdle(t *testing.T) {
	links := NewLinks()
	s := listenTCP(t, links, loopback4)
	s.limits = tcpLimits{auth: time.Hour, idle: 30 * time.Millisecond}
	packets := serve(t, s)
	nc, from := introduce(t, s, packets)
	links.Authenticated(from.Link)
	links.Authenticated(from.Link)   // each accepted check says so
	write(t, nc, framed("", "", "")) // null packets are no life
	closedNext(t, packets, from.Link)
	ended(t, nc)
	if st := s.Stats(); st.Idle != 1 || st.Expired != 0 {
		t.Errorf("%+v", st)
	}
}

// A frame moves the deadline of a connection that is known.
func TestTCPFramesKeepAlive(t *testing.T) {
	links := NewLinks()
	s := listenTCP(t, links, loopback4)
	s.limits = tcpLimits{auth: time.Hour, idle: time.Hour}
	packets := serve(t, s)
	nc, from := introduce(t, s, packets)
	c := links.find(from.Link).tcp
	r := streamReader{conn: c, next: nextFrame}
	now := time.Now()
	r.until = now.Add(time.Minute)
	r.refresh(now)
	if !r.until.Equal(now.Add(time.Minute)) {
		t.Error("a stranger's deadline moved")
	}
	links.Authenticated(from.Link)
	r.refresh(now)
	if !r.until.Equal(now.Add(time.Hour)) {
		t.Errorf("deadline in %v", r.until.Sub(now))
	}
	r.refresh(now.Add(time.Second))
	if !r.until.Equal(now.Add(time.Hour)) {
		t.Error("the deadline is set for each frame")
	}
	write(t, nc, framed("alive"))
	if p := next(t, packets); p.data != "alive" {
		t.Errorf("got %q", p.data)
	}
}

// SECURITY.md R-ICE-8: ≤ 64 unauthenticated connections per IP.
func TestTCPStrangersPerAddress(t *testing.T) {
	links := NewLinks()
	s := listenTCP(t, links, loopback4)
	packets := serve(t, s)
	first, from := introduce(t, s, packets)
	for range maxStrangers - 1 {
		dial(t, s)
	}
	eventually(t, "all are in", func() bool { return s.Stats().Accepted == maxStrangers })
	refused(t, s)
	if st := s.Stats(); st.Refused != 1 || st.Open != maxStrangers {
		t.Fatalf("%+v", st)
	}

	links.Authenticated(from.Link) // makes room for one
	second, from2 := introduce(t, s, packets)
	refused(t, s)

	second.Close() // as does leaving
	closedNext(t, packets, from2.Link)
	_, _ = introduce(t, s, packets)

	first.Close() // but not one who made room before
	closedNext(t, packets, from.Link)
	refused(t, s)
	if st := s.Stats(); st.Refused != 3 {
		t.Errorf("%+v", st)
	}
}

func TestTCPDisconnect(t *testing.T) {
	links := NewLinks()
	s := listenTCP(t, links, loopback4)
	packets := serve(t, s)
	nc, from := introduce(t, s, packets)
	u := listenUDP(t, links, loopback4, Options{})
	links.Disconnect(u.Link()) // not a connection
	links.Disconnect(0)
	links.Authenticated(u.Link())
	if links.Len() != 2 {
		t.Fatalf("%d links", links.Len())
	}
	links.Disconnect(from.Link)
	ended(t, nc)
	closedNext(t, packets, from.Link)
	links.Disconnect(from.Link)
	e := NewEgress(links)
	commit(e, from, "late")
	e.Flush()
	if st := e.Stats(); st.Closed != 1 {
		t.Errorf("%+v", st)
	}
}

func TestTCPServerCloseEndsConnections(t *testing.T) {
	links := NewLinks()
	s := listenTCP(t, links, loopback4)
	packets := serve(t, s)
	nc, _ := introduce(t, s, packets)
	silent := dial(t, s)
	eventually(t, "both are in", func() bool { return s.Stats().Open == 2 })
	if err := s.Close(); err != nil || s.Close() != nil {
		t.Error("Close failed")
	}
	ended(t, nc)
	ended(t, silent)
	eventually(t, "all links are gone", func() bool { return links.Len() == 0 && s.Stats().Open == 0 })
}

func TestTCPManyConnections(t *testing.T) {
	links := NewLinks()
	s := listenTCP(t, links, loopback4)
	packets := serve(t, s)
	const n = 300
	conns := make(map[tuple.Link]*net.TCPConn)
	var order []tuple.Tuple
	for range n {
		nc, from := introduce(t, s, packets)
		links.Authenticated(from.Link)
		conns[from.Link] = nc
		order = append(order, from)
	}
	e := NewEgress(links)
	for range 3 {
		for _, to := range order {
			commit(e, to, to.Remote.String())
		}
	}
	e.Flush()
	for range 3 {
		for _, to := range order {
			if p := readFrame(t, conns[to.Link]); p != to.Remote.String() {
				t.Fatalf("%v got %q", to, p)
			}
		}
	}
	for _, nc := range conns {
		nc.Close()
	}
	for range n {
		p := next(t, packets)
		if !p.closed || conns[p.from.Link] == nil {
			t.Fatalf("%v is told to have ended", p.from)
		}
		delete(conns, p.from.Link)
	}
	if links.Len() != 0 {
		t.Errorf("%d links left", links.Len())
	}
}

// exhausted is a listener of a process that has no descriptors left, for a while.
type exhausted struct {
	fails  int
	at     []time.Time
	closed chan struct{}
}

func (l *exhausted) AcceptTCP() (*net.TCPConn, error) {
	l.at = append(l.at, time.Now())
	if len(l.at) <= l.fails {
		return nil, &net.OpError{Op: "accept", Err: syscall.EMFILE}
	}
	<-l.closed
	return nil, net.ErrClosed
}

func (l *exhausted) Close() error {
	close(l.closed)
	return nil
}

// Without descriptors a server neither spins nor gives up, and it can be closed meanwhile.
func TestTCPAcceptBacksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &exhausted{fails: 12, closed: make(chan struct{})}
		s := &TCPServer{listener: l, closed: make(chan struct{}), links: NewLinks()}
		s.Start(nil, nil)
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := s.Stats().Failures; n != 12 || len(l.at) != 13 {
			t.Fatalf("%d failures, %d tries", n, len(l.at))
		}
		for i, want := range []time.Duration{5, 10, 20, 40, 80, 160, 320, 640, 1000, 1000, 1000, 1000} {
			if got := l.at[i+1].Sub(l.at[i]); got != want*time.Millisecond {
				t.Errorf("pause %d is %v", i, got)
			}
		}
		s.Close()

		l = &exhausted{fails: 1000, closed: make(chan struct{})}
		s = &TCPServer{listener: l, closed: make(chan struct{}), links: NewLinks()}
		s.Start(nil, nil)
		time.Sleep(3 * time.Millisecond)
		s.Close() // synctest waits for the goroutine: it must not sleep on
		synctest.Wait()
		if len(l.at) != 1 {
			t.Errorf("%d tries", len(l.at))
		}
	})
}
