package main

import (
	"bytes"
	"crypto/md5"
	"crypto/rand"
	"crypto/tls"
	bits "encoding/binary"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"gazpacho/pkg/stun"
	"gazpacho/pkg/turn"
)

// turnConn is a client whose messages are looked at one by one, over UDP, TCP, TLS or DTLS.
type turnConn struct {
	testing.TB
	net.Conn
	stream bool
	nonce  string
	proof  *stun.Integrity
	note   func(who string, b []byte) // of what is said in the end; may be nil
}

func newTURNConn(t testing.TB, nc net.Conn) *turnConn {
	t.Helper()
	t.Cleanup(func() { nc.Close() })
	key := md5.Sum([]byte(turnUser + ":" + turnRealm + ":" + turnPassword))
	_, isTCP := nc.(*net.TCPConn)
	_, isTLS := nc.(*tls.Conn)
	return &turnConn{TB: t, Conn: nc, stream: isTCP || isTLS, proof: stun.NewIntegrity(key[:])}
}

func dialTURN(t testing.TB, network string, at netip.AddrPort) *turnConn {
	t.Helper()
	nc, err := net.Dial(network, at.String())
	if err != nil {
		t.Fatal(err)
	}
	return newTURNConn(t, nc)
}

func (c *turnConn) local() netip.AddrPort { return addrPort(c.LocalAddr()) }

func addrPort(a net.Addr) netip.AddrPort {
	switch a := a.(type) {
	case *net.UDPAddr:
		return a.AddrPort()
	case *net.TCPAddr:
		return a.AddrPort()
	}
	panic("an address of no network")
}

// message builds one, with credentials if it is sealed.
func (c *turnConn) message(class stun.Class, m stun.Method, sealed bool, list ...func(*stun.Builder)) []byte {
	var id stun.TransactionID
	_, _ = rand.Read(id[:])
	buffer := make([]byte, 1500)
	b := stun.Build(buffer, class, m, id)
	for _, add := range list {
		add(&b)
	}
	if sealed {
		b.AddString(stun.AttrUsername, turnUser)
		b.AddString(stun.AttrRealm, turnRealm)
		b.AddString(stun.AttrNonce, c.nonce)
		b.AddIntegrity(c.proof)
	}
	return buffer[:b.Finish()]
}

func (c *turnConn) write(b []byte) {
	c.Helper()
	if _, err := c.Write(b); err != nil {
		c.Fatal(err)
	}
}

// read takes the next message.
func (c *turnConn) read() []byte {
	c.Helper()
	_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
	b := make([]byte, 2048)
	if !c.stream {
		n, err := c.Read(b)
		if err != nil {
			c.Fatal(err)
		}
		return b[:n]
	}
	if _, err := io.ReadFull(c, b[:turn.FrameHead]); err != nil {
		c.Fatal(err)
	}
	size, ok := turn.FrameSize(b)
	if !ok {
		c.Fatalf("%x begins no message", b[:turn.FrameHead])
	}
	if _, err := io.ReadFull(c, b[turn.FrameHead:size]); err != nil {
		c.Fatal(err)
	}
	return b[:size]
}

// ask sends a request and takes its answer.
func (c *turnConn) ask(request []byte) *stun.Message {
	c.Helper()
	c.write(request)
	answer := c.read()
	m := new(stun.Message)
	if !m.Parse(answer) || !bytes.Equal(answer[8:20], request[8:20]) {
		c.Fatalf("%x is answered by %x", request, answer)
	}
	if nonce := m.Value(stun.AttrNonce); nonce != nil {
		c.nonce = string(nonce)
	}
	c.said("client", request)
	c.said("server", answer)
	return m
}

func (c *turnConn) said(who string, b []byte) {
	if c.note != nil {
		c.note(who, b)
	}
}

func codeOf(m *stun.Message) int {
	code, _, _ := m.ErrorCode()
	return code
}

// request asks with credentials, and expects an error code or 0.
func (c *turnConn) request(want int, m stun.Method, list ...func(*stun.Builder)) *stun.Message {
	c.Helper()
	answer := c.ask(c.message(stun.Request, m, true, list...))
	if got := codeOf(answer); got != want {
		c.Fatalf("method %d: %d, want %d", m, got, want)
	}
	return answer
}

// allocate allocates, and returns the relayed address.
func (c *turnConn) allocate(list ...func(*stun.Builder)) netip.AddrPort {
	c.Helper()
	if got := codeOf(c.ask(c.message(stun.Request, stun.Allocate, false, list...))); got != stun.CodeUnauthenticated {
		c.Fatalf("answered %d", got)
	}
	a, ok := c.request(0, stun.Allocate, list...).XORAddress(stun.AttrXORRelayedAddress)
	if !ok {
		c.Fatal("there is no relayed address")
	}
	return a
}

func value32(t stun.AttributeType, v uint32) func(*stun.Builder) {
	return func(b *stun.Builder) { b.AddUint32(t, v) }
}

func toPeer(a netip.AddrPort) func(*stun.Builder) {
	return func(b *stun.Builder) { b.AddXORAddress(stun.AttrXORPeerAddress, a) }
}

// channelMessage is ChannelData as the client's transport has it.
func (c *turnConn) channelMessage(number uint16, data string) []byte {
	b := bits.BigEndian.AppendUint16(nil, number)
	b = append(bits.BigEndian.AppendUint16(b, uint16(len(data))), data...)
	for c.stream && len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}
