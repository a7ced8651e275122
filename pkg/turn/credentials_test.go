package turn

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"gazpacho/pkg/stun"
)

// longTermKey is RFC 8489 section 18.5.1, written down once more: "key = MD5(username ":" OpaqueString(realm) ":" OpaqueString(password))", or SHA-256.
func longTermKey(algorithm int, name, password string) []byte {
	text := []byte(name + ":" + realm + ":" + password)
	if algorithm == algorithmSHA256 {
		sum := sha256.Sum256(text)
		return sum[:]
	}
	sum := md5.Sum(text)
	return sum[:]
}

// The example of draft-uberti-behave-turn-rest: the password is base64(hmac(secret, username)).
func TestPassword(t *testing.T) {
	mac := hmac.New(sha1.New, []byte("north"))
	fmt.Fprint(mac, "1433895918:alice")
	if got, want := Password([]byte("north"), "1433895918:alice"), base64.StdEncoding.EncodeToString(mac.Sum(nil)); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestTimeLimitedNames(t *testing.T) {
	for _, test := range []struct {
		name, account string
		expires       int64
		ok            bool
	}{
		{"1700000000:alice", "alice", 1700000000, true},
		{"1700000000:alice:bob", "alice:bob", 1700000000, true},
		{"1700000000", "1700000000", 1700000000, true},
		{"1700000000:", "1700000000:", 1700000000, true},
		{"alice:1700000000", "", 0, false},
		{"-1:alice", "", 0, false},
		{"0:alice", "", 0, false},
		{"1e9:alice", "", 0, false},
		{"99999999999999999999:alice", "", 0, false},
		{"9999999999999999:alice", "", 0, false},
		{":alice", "", 0, false},
		{"", "", 0, false},
	} {
		u, ok := limitedUser(test.name)
		if ok != test.ok || ok && (u.account != test.account || u.expires.Unix() != test.expires || u.class != Limited || u.name != test.name) {
			t.Errorf("%q: %+v, %v", test.name, u, ok)
		}
	}
}

func limited(secrets ...string) func(*Config) {
	return func(c *Config) {
		for _, s := range secrets {
			c.Secrets = append(c.Secrets, []byte(s))
		}
	}
}

func (c *client) as(name, password string) *client {
	c.name, c.password = name, password
	return c
}

func TestTimeLimitedCredentials(t *testing.T) {
	w := newWorld(t, limited("old", "new"))
	later := fmt.Sprint(epoch.Add(time.Hour).Unix())
	for _, secret := range []string{"old", "new"} { // both hold while one replaces the other
		name := later + ":" + secret
		w.client(clientAddr).as(name, Password([]byte(secret), name)).allocate()
	}
	w.client(clientAddr).allocate() // and those that are configured
	if got := w.udp.Counters.Allocations; got != [NumUserClasses]int{Static: 1, Limited: 2} {
		t.Errorf("allocations by class: %v", got)
	}
	fresh := func() *client { return w.client(netip.AddrPortFrom(clientAddr.Addr(), uint16(50000+links))) }
	for name, c := range map[string]*client{
		"wrong secret":   fresh().as(later+":x", Password([]byte("wrong"), later+":x")),
		"another name":   fresh().as(later+":y", Password([]byte("new"), later+":x")),
		"expired":        fresh().as("1699999999:x", Password([]byte("new"), "1699999999:x")),
		"expiring now":   fresh().as("1700000000:x", Password([]byte("new"), "1700000000:x")),
		"not a number":   fresh().as("soon:x", Password([]byte("new"), "soon:x")),
		"empty":          fresh().as("", Password([]byte("new"), "")),
		"unknown":        fresh().as("mallory", password),
		"wrong password": fresh().as(username, "wrong"),
		"decoy":          fresh().as("mallory", w.server.credentials.decoy),
	} {
		t.Run(name, func(t *testing.T) {
			c.login()
			if code := codeOf(c.ask(c.signed(stun.Allocate, transportUDP))); code != 401 && !(name == "empty" && code == 400) {
				t.Errorf("answered %d, want 401", code)
			}
		})
	}
}

// An allocation can only be refreshed under the name that made it, so its credentials stay good for it, and for nothing else.
func TestExpiredCredentialsKeepWhatTheyOpened(t *testing.T) {
	w := newWorld(t, limited("s"))
	name := fmt.Sprint(epoch.Add(time.Minute).Unix()) + ":x"
	c := w.client(clientAddr).as(name, Password([]byte("s"), name))
	c.allocate()
	w.advance(2 * time.Minute)
	c.expect(0, stun.Refresh)
	c.expect(0, stun.CreatePermission, peer(peerAddr))
	again := w.client(otherPeer).as(name, c.password)
	again.login()
	if code := codeOf(again.ask(again.signed(stun.Allocate, transportUDP))); code != 401 {
		t.Errorf("a new allocation: %d, want 401", code)
	}
	// A secret that is no longer known ends that.
	changed := config()
	limited("t")(&changed)
	if err := w.server.Reload(w.now, changed); err != nil {
		t.Fatal(err)
	}
	if code := codeOf(c.ask(c.signed(stun.Refresh))); code != 401 {
		t.Errorf("a Refresh under a forgotten secret: %d, want 401", code)
	}
}

// R-TURN-5: "fewer than 509 bytes" (RFC 8489 section 14.3), and whatever bytes they are.
func TestHostileNames(t *testing.T) {
	long := strings.Repeat("x", maxUsername)
	hostile := "a\x00b\n\"\\\xff:%s"
	w := newWorld(t, limited("s"), func(c *Config) { c.Users[long] = password })
	w.client(clientAddr).as(long, password).allocate()
	for _, name := range []string{long + "x", strings.Repeat("y", 2000)} {
		c := w.client(clientAddr).as(name, password)
		c.login()
		if code := codeOf(c.ask(c.signed(stun.Allocate, transportUDP))); code != 400 {
			t.Errorf("a name of %d bytes: %d, want 400", len(name), code)
		}
	}
	c := w.client(clientAddr).as(hostile, password)
	c.login()
	if code := codeOf(c.ask(c.signed(stun.Allocate, transportUDP))); code != 401 {
		t.Errorf("%q: %d, want 401", hostile, code)
	}
	name := fmt.Sprint(epoch.Add(time.Hour).Unix()) + ":" + hostile
	w.client(clientAddr).as(name, Password([]byte("s"), name)).allocate()
	if w.events[len(w.events)-1].Username != name {
		t.Errorf("the event names %q", w.events[len(w.events)-1].Username)
	}
}
