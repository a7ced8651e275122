package socket

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"gazpacho/pkg/tuple"
)

func listenTURN(t testing.TB, links *Links, opts Options) *TCPServer {
	t.Helper()
	s, err := ListenTCP(links, loopback4, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func readBytes(t testing.TB, nc net.Conn, n int) string {
	t.Helper()
	_ = nc.SetReadDeadline(time.Now().Add(patience))
	b := make([]byte, n)
	if _, err := io.ReadFull(nc, b); err != nil {
		t.Fatal(err)
	}
	return string(b)
}

const channelData = "\x40\x00\x00\x05hello\x00\x00\x00"

// The messages of a client of TURN follow each other without lengths, and so do the answers, whatever port it came to.
func TestTURNConnection(t *testing.T) {
	for _, framing := range []Framing{FramingTURN, FramingEither} {
		links := NewLinks()
		s := listenTURN(t, links, Options{Framing: framing})
		packets := serve(t, s)
		nc := dial(t, s)
		write(t, nc, []byte(allocateRequest+channelData))
		first, second := next(t, packets), next(t, packets)
		if first.data != allocateRequest || second.data != channelData {
			t.Fatalf("got %q and %q", first.data, second.data)
		}
		e := NewEgress(links)
		commit(e, first.from, "answer")
		commit(e, first.from, channelData)
		e.Flush()
		if got := readBytes(t, nc, 6+len(channelData)); got != "answer"+channelData {
			t.Errorf("the client got %q", got)
		}
	}
}

// A port that serves both still serves ICE.
func TestEitherFramingTakesRFC4571(t *testing.T) {
	links := NewLinks()
	s := listenTURN(t, links, Options{Framing: FramingEither})
	packets := serve(t, s)
	nc, from := introduce(t, s, packets)
	e := NewEgress(links)
	commit(e, from, "answer")
	e.Flush()
	if got := readFrame(t, nc); got != "answer" {
		t.Errorf("the client got %q", got)
	}
	write(t, nc, framed("\x40\x00 is a packet like any other"))
	if p := next(t, packets); p.data != "\x40\x00 is a packet like any other" {
		t.Errorf("got %q", p.data)
	}
}

// What is no message of TURN ends the connection.
func TestTURNConnectionTakesNothingElse(t *testing.T) {
	links := NewLinks()
	s := listenTURN(t, links, Options{Framing: FramingTURN})
	packets := serve(t, s)
	nc := dial(t, s)
	write(t, nc, []byte(allocateRequest+"\x16\x03\x01\x02\x00"))
	link := next(t, packets).from.Link
	closedNext(t, packets, link)
	ended(t, nc)
	eventually(t, "counted", func() bool { return s.Stats().NotSTUN == 1 })
}

// A client has a while to allocate, then no limit while it is known, and a short one afterwards.
func TestTURNConnectionDeadlines(t *testing.T) {
	for name, test := range map[string]struct {
		limits   tcpLimits
		released bool
		count    func(TCPStats) uint64
	}{
		"never known": {tcpLimits{auth: 20 * time.Millisecond, idle: time.Hour}, false, func(s TCPStats) uint64 { return s.Expired }},
		"released":    {tcpLimits{auth: time.Hour, idle: 20 * time.Millisecond}, true, func(s TCPStats) uint64 { return s.Expired }},
	} {
		t.Run(name, func(t *testing.T) {
			links := NewLinks()
			s := listenTURN(t, links, Options{Framing: FramingTURN})
			s.limits = test.limits
			packets := serve(t, s)
			nc := dial(t, s)
			write(t, nc, []byte(allocateRequest))
			link := next(t, packets).from.Link
			if test.released {
				links.Authenticated(link)
				c := links.find(link).tcp
				if !c.known.Load() || s.strangers.counts[c.remote.Addr()] != 0 {
					t.Error("the client counts as a stranger")
				}
				links.Released(link)
				if c.known.Load() {
					t.Error("the client does not count as a stranger")
				}
			}
			closedNext(t, packets, link)
			ended(t, nc)
			if n := test.count(s.Stats()); n != 1 {
				t.Errorf("counted %d", n)
			}
			eventually(t, "its place is free", func() bool {
				s.strangers.mu.Lock()
				defer s.strangers.mu.Unlock()
				return len(s.strangers.counts) == 0
			})
		})
	}
}

// selfSigned makes a certificate for TLS.
func selfSigned(t testing.TB) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// Over TLS the same messages come and go; RFC 7443 names the protocol.
func TestTURNConnectionInTLS(t *testing.T) {
	links := NewLinks()
	s := listenTURN(t, links, Options{Framing: FramingTURN, TLS: &tls.Config{
		Certificates: []tls.Certificate{selfSigned(t)}, NextProtos: []string{"stun.turn"},
	}})
	packets := serve(t, s)
	client := tls.Client(dial(t, s), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"stun.turn"}})
	write(t, client, []byte(allocateRequest+channelData))
	if client.ConnectionState().NegotiatedProtocol != "stun.turn" {
		t.Errorf("negotiated %q", client.ConnectionState().NegotiatedProtocol)
	}
	first := next(t, packets)
	if second := next(t, packets); first.data != allocateRequest || second.data != channelData {
		t.Fatalf("got %q and %q", first.data, second.data)
	}
	e := NewEgress(links)
	for i := range 100 {
		commit(e, first.from, filler(1000, byte(i)))
	}
	e.Flush()
	for i := range 100 {
		if got := readBytes(t, client, 1000); got != filler(1000, byte(i)) {
			t.Fatalf("packet %d differs", i)
		}
	}
	if st := e.Stats(); st.Sent != 100 {
		t.Errorf("counted %+v", st)
	}
}

// bindRequest is a ConnectionBind.
const bindRequest = "\x00\x0b\x00\x00\x21\x12\xa4\x42abcdefghijkl"

// spliceWorld is a server whose loop is played by decide.
func spliceWorld(t *testing.T, opts Options, decide func(links *Links, e *Egress, from tuple.Tuple)) (*TCPServer, <-chan got) {
	t.Helper()
	links := NewLinks()
	opts.Framing = FramingTURN
	s := listenTURN(t, links, opts)
	packets := make(chan got, 100)
	e := NewEgress(links)
	keep := collect(packets)
	s.Start(NewPool(8), func(b *Batch) {
		held, from := b.Held, tuple.Of(tuple.TCP, b.Link, b.Local, loopback4)
		keep(b)
		if held {
			decide(links, e, from)
		}
	})
	return s, packets
}

// peers is a connection of a peer, both its ends.
func peers(t *testing.T) (ours *net.TCPConn, theirs net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	theirs, err = net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { theirs.Close() })
	nc, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return nc.(*net.TCPConn), theirs
}

// RFC 6062 §5.4: after the success response to a ConnectionBind, "any data received on the connection is forwarded as is". The answer goes
// ahead of everything, what the peer sent before is not lost, and what stands behind the request is the peer's.
func TestSplice(t *testing.T) {
	for name, opts := range map[string]Options{"TCP": {}, "TLS": {TLS: &tls.Config{Certificates: []tls.Certificate{selfSigned(t)}}}} {
		t.Run(name, func(t *testing.T) {
			ours, theirs := peers(t)
			write(t, theirs, []byte("early"))
			told := make(chan struct{})
			stream := NewStream(ours, func() { close(told) })
			s, packets := spliceWorld(t, opts, func(links *Links, e *Egress, from tuple.Tuple) {
				commit(e, from, "answer")
				e.Flush()
				links.Splice(from.Link, stream)
			})
			var client net.Conn = dial(t, s)
			if opts.TLS != nil {
				client = tls.Client(client, &tls.Config{InsecureSkipVerify: true})
			}
			write(t, client, []byte(bindRequest+"\xff\xffnot STUN"))
			p := next(t, packets)
			from := p.from
			if p.data != bindRequest {
				t.Fatalf("got %q", p.data)
			}
			if got := readBytes(t, client, len("answerearly")); got != "answerearly" {
				t.Errorf("the client got %q", got)
			}
			if got := readBytes(t, theirs, 10); got != "\xff\xffnot STUN" {
				t.Errorf("the peer got %q", got)
			}
			big := filler(1<<20, 7)
			go func() { _, _ = client.Write([]byte(big)) }()
			if got := readBytes(t, theirs, len(big)); got != big {
				t.Error("the peer got other bytes")
			}
			theirs.Close()
			select {
			case <-told:
			case <-time.After(patience):
				t.Fatal("nobody was told of the end")
			}
			over(t, client)
			closedNext(t, packets, from.Link)
		})
	}
}

// over waits for any end of a connection.
func over(t *testing.T, nc net.Conn) {
	t.Helper()
	_ = nc.SetReadDeadline(time.Now().Add(patience))
	if _, err := io.Copy(io.Discard, nc); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal("the connection did not end")
	}
}

// A ConnectionBind that was refused leaves the connection what it was, and what follows is read.
func TestResume(t *testing.T) {
	s, packets := spliceWorld(t, Options{}, func(links *Links, _ *Egress, from tuple.Tuple) { links.Resume(from.Link) })
	nc := dial(t, s)
	write(t, nc, []byte(bindRequest+bindRequest+allocateRequest))
	for _, want := range []string{bindRequest, bindRequest, allocateRequest} {
		if p := next(t, packets); p.data != want {
			t.Fatalf("got %q", p.data)
		}
	}
}

// The owner of a stream that closes it is not told, and the client's connection ends.
func TestStreamClose(t *testing.T) {
	ours, theirs := peers(t)
	var told atomic.Bool
	stream := NewStream(ours, func() { told.Store(true) })
	s, packets := spliceWorld(t, Options{}, func(links *Links, _ *Egress, from tuple.Tuple) { links.Splice(from.Link, stream) })
	nc := dial(t, s)
	write(t, nc, []byte(bindRequest))
	link := next(t, packets).from.Link
	write(t, nc, []byte("through"))
	readBytes(t, theirs, len("through"))
	stream.Close()
	ended(t, nc)
	ended(t, theirs)
	closedNext(t, packets, link)
	if told.Load() {
		t.Error("the owner was told")
	}
}

// A stream for a connection that is gone ends.
func TestSpliceOfNothing(t *testing.T) {
	ours, theirs := peers(t)
	told := 0
	stream := NewStream(ours, func() { told++ })
	if NewLinks().Splice(newLink(), stream) {
		t.Error("spliced")
	}
	ended(t, theirs)
	if told != 1 {
		t.Errorf("told %d times", told)
	}
}

// There are clients that take what they read of TLS at once for one message: each has a record of its own, of at most 16 KiB.
func TestTLSRecordsAreMessages(t *testing.T) {
	links := NewLinks()
	s := listenTURN(t, links, Options{Framing: FramingTURN, TLS: &tls.Config{Certificates: []tls.Certificate{selfSigned(t)}}})
	packets := serve(t, s)
	client := tls.Client(dial(t, s), &tls.Config{InsecureSkipVerify: true})
	write(t, client, []byte(allocateRequest))
	from := next(t, packets).from
	e := NewEgress(links)
	want := []string{channelData, allocateRequest, "\x40\x00\x00\x00", "\x00\x17\x06\x00" + filler(16+1536, 'x'), channelData}
	for _, message := range want {
		commit(e, from, message)
	}
	e.Flush()
	_ = client.SetReadDeadline(time.Now().Add(patience))
	buffer := make([]byte, 16<<10)
	for i, message := range want {
		n, err := client.Read(buffer) // which returns one record
		if err != nil || string(buffer[:n]) != message {
			t.Fatalf("record %d is %q, %v", i, buffer[:n], err)
		}
	}
}

// A server that stops accepting keeps the connections it has.
func TestStopAccepting(t *testing.T) {
	links := NewLinks()
	s := listenTURN(t, links, Options{Framing: FramingTURN})
	packets := serve(t, s)
	nc := dial(t, s)
	write(t, nc, []byte(allocateRequest))
	next(t, packets)
	s.StopAccepting()
	if other, err := net.DialTimeout("tcp", s.Local().String(), patience); err == nil {
		other.Close()
		t.Error("a connection was accepted")
	}
	write(t, nc, []byte(channelData))
	if p := next(t, packets); p.data != channelData {
		t.Errorf("got %q", p.data)
	}
}
