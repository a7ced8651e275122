package turn

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"gazpacho/pkg/stun"
	"gazpacho/pkg/tuple"
)

// RFC 8489 section 9.2.4, its list of errors.
func TestChallenges(t *testing.T) {
	username, nonceOf := bytesAttr(stun.AttrUsername, 'g'), func(c *client) attrs { return bytesAttr(stun.AttrNonce, []byte(c.nonce)...) }
	realmAttr := bytesAttr(stun.AttrRealm, []byte(realm)...)
	zeroes := bytesAttr(stun.AttrMessageIntegrity, make([]byte, 20)...)
	for name, test := range map[string]struct {
		list func(c *client) []attrs
		code int
	}{
		// "If the message does not contain a MESSAGE-INTEGRITY ..., the server MUST generate an error response with an error code of 401"
		"no proof": {func(c *client) []attrs { return []attrs{transportUDP, username, realmAttr, nonceOf(c)} }, 401},
		// "If the message contains a MESSAGE-INTEGRITY but is missing either the USERNAME or USERHASH, REALM, or NONCE attribute: 400"
		"no name":  {func(c *client) []attrs { return []attrs{transportUDP, realmAttr, nonceOf(c), zeroes} }, 400},
		"no realm": {func(c *client) []attrs { return []attrs{transportUDP, username, nonceOf(c), zeroes} }, 400},
		"no nonce": {func(c *client) []attrs { return []attrs{transportUDP, username, realmAttr, zeroes} }, 400},
		// "If the NONCE is no longer valid: 438"
		"no such nonce": {func(c *client) []attrs {
			return []attrs{transportUDP, username, realmAttr, bytesAttr(stun.AttrNonce, 'x'), zeroes}
		}, 438},
		// "If the MESSAGE-INTEGRITY does not match: 401", and for users that do not exist
		"wrong proof": {func(c *client) []attrs {
			return []attrs{transportUDP, bytesAttr(stun.AttrUsername, []byte("george")...), realmAttr, nonceOf(c), zeroes}
		}, 401},
		"another realm": {func(c *client) []attrs {
			return []attrs{transportUDP, username, bytesAttr(stun.AttrRealm, 'x'), nonceOf(c), zeroes}
		}, 401},
		"short hash": {func(c *client) []attrs {
			return []attrs{transportUDP, bytesAttr(stun.AttrUserhash, 'x'), realmAttr, nonceOf(c), zeroes}
		}, 401},
		"unknown hash": {func(c *client) []attrs {
			return []attrs{transportUDP, bytesAttr(stun.AttrUserhash, make([]byte, 32)...), realmAttr, nonceOf(c), zeroes}
		}, 401},
		"no such user": {func(c *client) []attrs { return []attrs{transportUDP, username, realmAttr, nonceOf(c), zeroes} }, 401},
	} {
		t.Run(name, func(t *testing.T) {
			for _, method := range []stun.Method{stun.Allocate, stun.Refresh, stun.CreatePermission, stun.ChannelBind, stun.Connect, stun.ConnectionBind} {
				w := newWorld(t)
				c := w.client(clientAddr)
				c.login()
				m := c.ask(c.plain(stun.Request, method, test.list(c)...))
				if codeOf(m) != test.code {
					t.Fatalf("method %d: %d, want %d", method, codeOf(m), test.code)
				}
				challenge := test.code != 400
				if m.Has(stun.AttrNonce) != challenge || m.Has(stun.AttrRealm) != challenge || m.Has(stun.AttrSoftware) != challenge {
					t.Errorf("method %d: %d with NONCE %v, REALM %v, SOFTWARE %v", method, test.code, m.Has(stun.AttrNonce), m.Has(stun.AttrRealm), m.Has(stun.AttrSoftware))
				}
				// "The response SHOULD NOT contain a USERNAME, USERHASH, MESSAGE-INTEGRITY or MESSAGE-INTEGRITY-SHA256 attribute"
				if m.Has(stun.AttrUsername) || m.Has(stun.AttrMessageIntegrity) || m.Has(stun.AttrMessageIntegritySHA256) {
					t.Errorf("method %d: the %d is sealed, or names the user", method, test.code)
				}
				if len(w.server.clients) > 0 {
					t.Error("there is an allocation")
				}
			}
		})
	}
}

// R-TURN-2: a reply is no longer than 2.5 times the request, and a browser's first Allocate, which has 28 bytes, gets one.
func TestChallengesDoNotAmplify(t *testing.T) {
	for _, name := range []string{"e.org", realm, "turn.example.org"} { // up to 16 bytes
		for _, software := range []int{0, 1, 3, 5, 8, 15, 31, 64, 128} {
			for _, fingerprint := range []bool{false, true} {
				w := newWorld(t, func(c *Config) { c.Realm = name })
				c := w.client(clientAddr)
				c.fingerprint = fingerprint
				list := []attrs{transportUDP}
				if software > 0 {
					list = append(list, bytesAttr(stun.AttrSoftware, bytes.Repeat([]byte{'x'}, software)...))
				}
				b := c.plain(stun.Request, stun.Allocate, list...)
				c.deliver(b)
				answer := c.take()
				if 2*len(answer) > 5*len(b) {
					t.Errorf("realm %q: %d bytes answer %d", name, len(answer), len(b))
				}
				m := parse(t, answer)
				if codeOf(m) != 401 || !m.Has(stun.AttrNonce) || string(m.Value(stun.AttrRealm)) != name || m.Has(stun.AttrFingerprint) != fingerprint {
					t.Errorf("realm %q, %d bytes: %x", name, len(b), answer)
				}
				c.nonce = string(m.Value(stun.AttrNonce))
				if _, ok := w.server.nonces.check(w.now, c.tuple.Remote, m.Value(stun.AttrNonce)); !ok {
					t.Error("the nonce does not hold")
				}
				if len(b) >= 64 && (len(c.nonce) != longNonceSize || !m.Has(stun.AttrPasswordAlgorithms) || string(m.Value(stun.AttrSoftware)) != "Gazpacho") {
					t.Errorf("realm %q: a request of %d bytes gets %x", name, len(b), attributes(answer))
				}
			}
		}
	}
}

// The exchange wants SOFTWARE in the 401: of the default realm there is room for its header even with a browser's request.
func TestShortestChallenge(t *testing.T) {
	w := newWorld(t)
	c := w.client(clientAddr)
	b := c.plain(stun.Request, stun.Allocate, transportUDP)
	c.deliver(b)
	answer := c.take()
	want := []stun.AttributeType{stun.AttrErrorCode, stun.AttrRealm, stun.AttrNonce, stun.AttrSoftware}
	if got := attributes(answer); len(b) != 28 || !slices.Equal(got, want) || len(answer) > 70 {
		t.Errorf("%d bytes get %d: %x", len(b), len(answer), got)
	}
	// What is shorter than any client's request gets nothing.
	c.deliver(c.plain(stun.Request, stun.Allocate))
	w.silent()
	w.expectDrops("amplifying: 1")
	long := newWorld(t, func(c *Config) { c.Realm = strings.Repeat("x", maxRealm) })
	d := long.client(clientAddr)
	d.deliver(d.plain(stun.Request, stun.Allocate))
	long.silent()
	long.expectDrops("amplifying: 1")
	// A long realm reaches browsers by the room that headers have.
	b = d.plain(stun.Request, stun.Allocate, transportUDP)
	d.deliver(b)
	if n := len(d.take()); 2*(n+28) > 5*(len(b)+28) {
		t.Errorf("%d bytes on the wire get %d", len(b)+28, n+28)
	}
}

// On connections nobody's address can be forged: they get the whole answer.
func TestChallengeOverTCP(t *testing.T) {
	w := newWorld(t)
	c := w.tcpClient(clientAddr)
	m := c.ask(c.plain(stun.Request, stun.Allocate))
	if codeOf(m) != 401 || !m.Has(stun.AttrPasswordAlgorithms) || string(m.Value(stun.AttrSoftware)) != "Gazpacho" {
		t.Errorf("code %d", codeOf(m))
	}
}

// R-TURN-2: at most 10 unauthenticated replies per second and source, of all kinds together; who is authenticated gets all of his.
func TestBudgetOfAnswers(t *testing.T) {
	w := newWorld(t)
	c := w.client(clientAddr)
	c.allocate() // one answer
	for range 30 {
		c.deliver(c.plain(stun.Request, stun.Allocate, transportUDP))
		c.deliver(c.plain(stun.Request, stun.Binding))
		c.deliver(c.plain(stun.Request, stun.Binding, bytesAttr(0x7ffe)))
	}
	if len(w.sent) != budgetPerSecond-1 {
		t.Errorf("%d answers", len(w.sent))
	}
	w.sent = nil
	w.expectDrops("budget: 81")
	c.expect(0, stun.Refresh)
	w.advance(time.Second)
	c.ask(c.plain(stun.Request, stun.Binding))
}

// Wrong passwords cost the source that sends them: beyond 10 a second they are not even looked at.
func TestBudgetOfFailures(t *testing.T) {
	w := newWorld(t)
	c := w.client(clientAddr)
	c.login()
	c.password = "wrong"
	for range 30 {
		c.deliver(c.signed(stun.Allocate, transportUDP))
	}
	c.password = password
	c.deliver(c.signed(stun.Allocate, transportUDP))
	if len(w.sent) != budgetPerSecond-1 || len(w.server.clients) != 0 {
		t.Errorf("%d answers, %d allocations", len(w.sent), len(w.server.clients))
	}
	w.sent = nil
	w.advance(time.Second)
	c.expect(0, stun.Allocate, transportUDP)
}

// Of who is not authenticated nothing is kept (R-TURN-2).
func TestNoStateForStrangers(t *testing.T) {
	w := newWorld(t)
	c := w.client(clientAddr)
	size := len(w.server.answers.sets) + len(w.server.failures.sets)
	for i := range 5000 {
		c.tuple = tuple.Of(tuple.UDP, 1, serverAddr, sourceNumber(i))
		c.deliver(c.plain(stun.Request, stun.Allocate, transportUDP))
		c.nonce = "x"
		c.deliver(c.signed(stun.Refresh))
	}
	s := w.server
	if len(s.clients)+len(s.ledger.accounts)+len(s.ledger.sources)+len(s.reservations)+len(s.tickets)+len(s.connections)+w.queue.Len() != 0 {
		t.Error("something is kept")
	}
	if len(s.answers.sets)+len(s.failures.sets) != size {
		t.Error("a table grew")
	}
}

// RFC 8489: MESSAGE-INTEGRITY-SHA256, PASSWORD-ALGORITHM and USERHASH in all combinations that make sense.
func TestSHA256AndAnonymity(t *testing.T) {
	lists := bytesAttr(stun.AttrPasswordAlgorithms, algorithmList...)
	for name, test := range map[string]struct {
		hash   bool // USERHASH
		chosen []byte
		sha256 bool // the seal
		key    int
		code   int
	}{
		"as RFC 5389":           {false, nil, false, algorithmMD5, 0},
		"MD5 chosen":            {false, []byte{0, 1, 0, 0}, false, algorithmMD5, 0},
		"SHA-256 chosen":        {false, []byte{0, 2, 0, 0}, true, algorithmSHA256, 0},
		"SHA-256 key, SHA-1":    {false, []byte{0, 2, 0, 0}, false, algorithmSHA256, 0},
		"MD5 key, SHA-256":      {false, nil, true, algorithmMD5, 0},
		"anonymous":             {true, []byte{0, 2, 0, 0}, true, algorithmSHA256, 0},
		"anonymous, MD5":        {true, nil, false, algorithmMD5, 0},
		"SHA-256 key, MD5 said": {false, []byte{0, 1, 0, 0}, true, algorithmSHA256, 401},
		"unknown algorithm":     {false, []byte{0, 3, 0, 0}, true, algorithmSHA256, 400},
		"short algorithm":       {false, []byte{0, 2}, true, algorithmSHA256, 400},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			c := w.client(clientAddr)
			c.login()
			key := longTermKey(test.key, username, password)
			seal := stun.NewIntegrity(key)
			if test.sha256 {
				seal = stun.NewIntegritySHA256(key)
			}
			b := make([]byte, 600)
			q := stun.Build(b, stun.Request, stun.Allocate, c.transaction())
			transportUDP(&q)
			if test.hash {
				hash := hashUser(username, realm)
				q.Add(stun.AttrUserhash, hash[:])
			} else {
				q.AddString(stun.AttrUsername, username)
			}
			q.AddString(stun.AttrRealm, realm)
			q.AddString(stun.AttrNonce, c.nonce)
			if test.chosen != nil {
				lists(&q)
				q.Add(stun.AttrPasswordAlgorithm, test.chosen)
			}
			q.AddIntegrity(seal)
			m := c.ask(b[:q.Finish()])
			if codeOf(m) != test.code {
				t.Fatalf("%d, want %d", codeOf(m), test.code)
			}
			if test.code == 0 && (!seal.Check(m) || m.Has(stun.AttrMessageIntegrity) == test.sha256) {
				t.Error("the answer is not sealed alike")
			}
			if test.code == 0 && c.allocation().username != username {
				t.Errorf("the user is %q", c.allocation().username)
			}
		})
	}
}

// Who takes the better algorithm out of the list is found out (RFC 8489 section 9.2.4: 400).
func TestBidDown(t *testing.T) {
	for name, tail := range map[string]func(*stun.Builder){
		"list shortened": func(q *stun.Builder) {
			q.Add(stun.AttrPasswordAlgorithms, []byte{0, 1, 0, 0})
			q.Add(stun.AttrPasswordAlgorithm, []byte{0, 1, 0, 0})
		},
		"list turned": func(q *stun.Builder) {
			q.Add(stun.AttrPasswordAlgorithms, []byte{0, 1, 0, 0, 0, 2, 0, 0})
			q.Add(stun.AttrPasswordAlgorithm, []byte{0, 1, 0, 0})
		},
		"no list":   func(q *stun.Builder) { q.Add(stun.AttrPasswordAlgorithm, []byte{0, 1, 0, 0}) },
		"no choice": func(q *stun.Builder) { q.Add(stun.AttrPasswordAlgorithms, algorithmList) },
	} {
		w := newWorld(t)
		c := w.client(clientAddr)
		c.login()
		c.tail = tail
		if code := codeOf(c.ask(c.signed(stun.Allocate, transportUDP))); code != 400 {
			t.Errorf("%s: %d, want 400", name, code)
		}
	}
	// A nonce that offered nothing goes with no choice.
	w := newWorld(t)
	c := w.client(clientAddr)
	c.nonce = string(w.server.nonces.make(w.now, clientAddr, 0))
	c.tail = func(q *stun.Builder) {
		q.Add(stun.AttrPasswordAlgorithms, algorithmList)
		q.Add(stun.AttrPasswordAlgorithm, algorithmList[:4])
	}
	if code := codeOf(c.ask(c.signed(stun.Allocate, transportUDP))); code != 400 {
		t.Errorf("not offered: %d, want 400", code)
	}
}

// Names that are not configured cannot be found by their hash: anonymity is only offered where it works.
func TestAnonymityIsOfferedToConfiguredUsers(t *testing.T) {
	for _, secrets := range [][]string{nil, {"s"}} {
		w := newWorld(t, limited(secrets...))
		c := w.client(clientAddr)
		c.login()
		f, ok := w.server.nonces.check(w.now, clientAddr, []byte(c.nonce))
		if !ok || f&passwordAlgorithms == 0 || f&usernameAnonymity != 0 != (secrets == nil) {
			t.Errorf("with secrets %q: features %b, %v", secrets, f, ok)
		}
	}
}

// "A wrong FINGERPRINT": silently dropped; a right one is mirrored (RFC 8489 section 7), which request and login check everywhere.
func TestFingerprint(t *testing.T) {
	w := newWorld(t)
	c := w.client(clientAddr)
	c.fingerprint = true
	c.allocate()
	c.expect(0, stun.Refresh)
	c.expect(403, stun.CreatePermission, peer(serverAddr))
	if m := c.ask(c.plain(stun.Request, stun.Binding)); !m.CheckFingerprint() {
		t.Error("not mirrored in a Binding answer")
	}
	m := c.ask(c.plain(stun.Request, stun.Refresh, bytesAttr(stun.AttrUsername, 'x'), bytesAttr(stun.AttrMessageIntegrity, make([]byte, 20)...)))
	if codeOf(m) != 400 || !m.CheckFingerprint() {
		t.Errorf("not mirrored in a %d", codeOf(m))
	}
	b := c.signed(stun.Refresh)
	b[len(b)-1] ^= 1
	c.deliver(b)
	w.silent()
	w.expectDrops("fingerprint: 1")
}

// The realm is part of the key, and what the request says it is has to be ours.
func TestAnotherRealm(t *testing.T) {
	w := newWorld(t)
	c := w.client(clientAddr)
	c.login()
	b := make([]byte, 400)
	q := stun.Build(b, stun.Request, stun.Allocate, c.transaction())
	transportUDP(&q)
	q.AddString(stun.AttrUsername, username)
	q.AddString(stun.AttrRealm, "example.com")
	q.AddString(stun.AttrNonce, c.nonce)
	q.AddIntegrity(c.key())
	if code := codeOf(c.ask(b[:q.Finish()])); code != 401 {
		t.Errorf("%d, want 401", code)
	}
}

func TestUnknownAttributes(t *testing.T) {
	w := newWorld(t)
	c := w.client(clientAddr)
	c.allocate()
	m := c.expect(420, stun.Refresh, bytesAttr(0x7ffe, 1), bytesAttr(0x3abc), bytesAttr(0xfffe))
	if got := m.Value(stun.AttrUnknownAttributes); !bytes.Equal(got, []byte{0x7f, 0xfe, 0x3a, 0xbc}) {
		t.Errorf("UNKNOWN-ATTRIBUTES %x", got)
	}
	m = c.ask(c.plain(stun.Request, stun.Binding, bytesAttr(0x7ffe)))
	if codeOf(m) != 420 || !bytes.Equal(m.Value(stun.AttrUnknownAttributes), []byte{0x7f, 0xfe}) {
		t.Errorf("Binding: %d", codeOf(m))
	}
	// Before the credentials nothing is said of attributes.
	c.nonce = "x"
	if code := codeOf(c.ask(c.signed(stun.Refresh, bytesAttr(0x7ffe)))); code != 438 {
		t.Errorf("%d, want 438", code)
	}
}

func TestBinding(t *testing.T) {
	w := newWorld(t)
	for _, c := range []*client{w.client(clientAddr), w.client(clientAddr6), w.tcpClient(clientAddr)} {
		b := c.plain(stun.Request, stun.Binding)
		c.deliver(b)
		answer := c.take()
		m := parse(t, answer)
		if a, ok := m.XORAddress(stun.AttrXORMappedAddress); m.Class != stun.SuccessResponse || !ok || a != c.tuple.Remote {
			t.Errorf("%v is told %v", c.tuple.Remote, a)
		}
		if !m.Has(stun.AttrSoftware) {
			t.Error("no SOFTWARE")
		}
		if c.via == w.udp && 2*len(answer) > 5*len(b) {
			t.Errorf("%d bytes answer %d", len(answer), len(b))
		}
	}
}

// What is no request for us gets no answer.
func TestWhatIsNotAnswered(t *testing.T) {
	w := newWorld(t)
	c := w.client(clientAddr)
	c.allocate()
	for name, test := range map[string]struct {
		b    []byte
		drop string
	}{
		"response":           {c.plain(stun.SuccessResponse, stun.Allocate), "notRequest: 1"},
		"error":              {c.plain(stun.ErrorResponse, stun.Allocate), "notRequest: 1"},
		"Binding indication": {c.plain(stun.Indication, stun.Binding), "notRequest: 1"},
		"Data indication":    {c.plain(stun.Indication, stun.Data, peer(peerAddr), data("x")), "notRequest: 1"},
		"Send request":       {c.plain(stun.Request, stun.Send, peer(peerAddr), data("x")), "notRequest: 1"},
		"unknown method":     {c.plain(stun.Request, 0xabc), "notRequest: 1"},
		"attribute too long": {append(c.plain(stun.Request, stun.Allocate)[:2], 0, 8, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0, 6, 0, 9, 1, 2, 3, 4), "malformed: 1"},
	} {
		c.deliver(test.b)
		w.silent()
		if got := w.drops(); got != test.drop {
			t.Errorf("%s: %q, want %q", name, got, test.drop)
		}
	}
	for _, b := range [][]byte{nil, {0}, {0x40}, {22, 254, 253, 0, 0}, make([]byte, 19), bytes.Repeat([]byte{0x80}, 40)} {
		if w.server.Handle(w.now, w.udp, c.tuple, b) {
			t.Errorf("%x is ours", b)
		}
	}
}
