package auth

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gazpacho/pkg/turn"
)

var turnEnd = time.Unix(1777640400, 900)

// The vector is what `printf 1777640400:x | openssl dgst -sha1 -hmac north -binary | base64` says.
func TestTURNCredentials(t *testing.T) {
	c := NewTURNCredentials([]byte("north"), "room", "peer", turnEnd)
	if !regexp.MustCompile(`^1777640400:[A-Za-z0-9_-]{16}$`).MatchString(c.Username) {
		t.Errorf("the user name is %q", c.Username)
	}
	if !c.Expires.Equal(time.Unix(1777640400, 0)) {
		t.Errorf("they end at %v", c.Expires)
	}
	if c.Password != turn.Password([]byte("north"), c.Username) {
		t.Errorf("%+v is not what workers compute", c)
	}
	if got := turnPassword([]byte("north"), "1777640400:x"); got != "Iqo/aKOybB7DM1Cb9vpKlN8wwiM=" {
		t.Errorf("the password of the vector is %s", got)
	}
}

// A peer keeps its label, others have others, and without the secret nothing leads from the label to the peer.
func TestTURNLabels(t *testing.T) {
	label := func(secret, room, peer string) string {
		_, l, _ := strings.Cut(NewTURNCredentials([]byte(secret), room, peer, turnEnd).Username, ":")
		return l
	}
	seen := map[string]string{}
	for _, of := range [][3]string{{"s", "ab", "c"}, {"s", "a", "bc"}, {"s", "", "abc"}, {"s", "abc", ""}, {"s", "ab", "C"}, {"S", "ab", "c"}} {
		l := label(of[0], of[1], of[2])
		if other, ok := seen[l]; ok {
			t.Errorf("%v and %s are both %s", of, other, l)
		}
		seen[l] = strings.Join(of[:], ",")
	}
	if later := NewTURNCredentials([]byte("s"), "ab", "c", turnEnd.Add(time.Hour)); !strings.HasSuffix(later.Username, label("s", "ab", "c")) {
		t.Errorf("an hour later the peer is %s", later.Username)
	}
}

// Whatever rooms and peers are called, the user name is one that servers take: short, without what is hostile in the names.
func TestTURNUsernamesAreHarmless(t *testing.T) {
	safe := regexp.MustCompile(`^[0-9]{10}:[A-Za-z0-9_-]{16}$`)
	rapid.Check(t, func(t *rapid.T) {
		room, peer := rapid.String().Draw(t, "room"), rapid.String().Draw(t, "peer")
		c := NewTURNCredentials([]byte("secret"), room, peer, turnEnd)
		if !safe.MatchString(c.Username) {
			t.Fatalf("%q", c.Username)
		}
	})
}

func TestTURNSecrets(t *testing.T) {
	a, b := NewTURNSecret(), NewTURNSecret()
	if a == b || len(a) != 43 || strings.ContainsAny(a, "+/=, ") {
		t.Errorf("%q and %q", a, b)
	}
}
