package attack

import (
	"crypto/md5"
	"encoding/binary"
	"net"
	"net/netip"
	"testing"
	"time"

	"gazpacho/pkg/stun"
)

// relayRealm and relayUsers are those of the stage's relays.
const relayRealm = "example.org"

var relayUsers = map[string]string{"mallory": "secret of mallory", "trudy": "secret of trudy"}

// relayClient is a client of TURN over UDP, on a port of its own. It does what it is told, right or wrong.
type relayClient struct {
	t        testing.TB
	conn     net.Conn
	name     string
	password string
	nonce    string
	last     uint32
}

func newRelayClient(t testing.TB, s *stage, name string) *relayClient {
	t.Helper()
	conn, err := net.Dial("udp4", s.relays.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &relayClient{t: t, conn: conn, name: name, password: relayUsers[name]}
}

// attribute adds something to a message.
type attribute func(*stun.Builder)

func bytesOf(a stun.AttributeType, value ...byte) attribute {
	return func(w *stun.Builder) { w.Add(a, value) }
}

func toPeer(a netip.AddrPort) attribute {
	return func(w *stun.Builder) { w.AddXORAddress(stun.AttrXORPeerAddress, a) }
}

// relayUDP is REQUESTED-TRANSPORT.
var relayUDP = bytesOf(stun.AttrRequestedTransport, 17, 0, 0, 0)

// channel is CHANNEL-NUMBER.
func channelNumber(n uint16) attribute {
	return func(w *stun.Builder) { w.AddUint32(stun.AttrChannelNumber, uint32(n)<<16) }
}

// message builds one, with credentials if it has a nonce and signed is set.
func (c *relayClient) message(class stun.Class, m stun.Method, signed bool, list ...attribute) []byte {
	c.last++
	var id stun.TransactionID
	binary.BigEndian.PutUint32(id[8:], c.last)
	b := make([]byte, 1400)
	w := stun.Build(b, class, m, id)
	for _, add := range list {
		add(&w)
	}
	if signed {
		w.AddString(stun.AttrUsername, c.name)
		w.AddString(stun.AttrRealm, relayRealm)
		w.AddString(stun.AttrNonce, c.nonce)
		key := md5.Sum([]byte(c.name + ":" + relayRealm + ":" + c.password))
		w.AddIntegrity(stun.NewIntegrity(key[:]))
	}
	return b[:w.Finish()]
}

// exchange sends a request until it is answered, and returns the code of the answer, 0 for success, -1 for silence.
func (c *relayClient) exchange(request []byte, patience time.Duration) (int, stun.Message) {
	c.t.Helper()
	answer := make([]byte, 2048)
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if _, err := c.conn.Write(request); err != nil {
			c.t.Fatal(err)
		}
		_ = c.conn.SetReadDeadline(time.Now().Add(min(time.Second, patience)))
		for {
			n, err := c.conn.Read(answer)
			if err != nil {
				break
			}
			var m stun.Message
			if !m.Parse(answer[:n]) || m.TransactionID() != stun.TransactionID(request[8:20]) {
				continue // of an earlier try, or data
			}
			code, _, _ := m.ErrorCode()
			return code, m
		}
	}
	return -1, stun.Message{}
}

// ask makes a request with credentials, and once more with the nonce that it is told.
func (c *relayClient) ask(m stun.Method, list ...attribute) int {
	c.t.Helper()
	for range 2 {
		code, answer := c.exchange(c.message(stun.Request, m, c.nonce != "", list...), patience)
		if code != stun.CodeUnauthenticated && code != stun.CodeStaleNonce {
			return code
		}
		nonce := string(answer.Value(stun.AttrNonce))
		if c.nonce != "" && code == stun.CodeUnauthenticated {
			return code
		}
		c.nonce = nonce
	}
	return stun.CodeUnauthenticated
}

// allocate gets a relay.
func (c *relayClient) allocate() int { return c.ask(stun.Allocate, relayUDP) }

// free gives it back.
func (c *relayClient) free() {
	c.ask(stun.Refresh, func(w *stun.Builder) { w.AddUint32(stun.AttrLifetime, 0) })
}

// must is ask for what must succeed.
func (c *relayClient) must(m stun.Method, list ...attribute) {
	c.t.Helper()
	if code := c.ask(m, list...); code != 0 {
		c.t.Fatalf("%s is refused %v with %d", c.name, m, code)
	}
}
