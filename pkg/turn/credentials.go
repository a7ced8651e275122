package turn

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"gazpacho/pkg/stun"
)

// maxUsername is the most USERNAME may have: "fewer than 509 bytes" (RFC 8489 section 14.3).
const maxUsername = 508

// Password returns the password that goes with a time-limited user name "expiry" or "expiry:name", expiry in Unix seconds:
// base64(HMAC-SHA1(secret, username)), as draft-uberti-behave-turn-rest has it.
func Password(secret []byte, username string) string {
	mac := hmac.New(sha1.New, secret)
	mac.Write([]byte(username))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// user is whom a name claims to be.
type user struct {
	name    string
	account string // under which quotas count: of time-limited names what is behind the expiry
	class   UserClass
	expires time.Time // zero: never
}

// userhash is what USERHASH says instead of USERNAME: "SHA-256(OpaqueString(username) ":" OpaqueString(realm))" (RFC 8489 section 14.4).
type userhash [sha256.Size]byte

func hashUser(name, realm string) userhash { return sha256.Sum256([]byte(name + ":" + realm)) }

// credentials are those of all users.
type credentials struct {
	realm   string
	users   map[string]string
	hashes  map[userhash]string // user names
	secrets [][]byte
	decoy   string // the password of users that do not exist: that there is no such user must not show in how long it takes
}

func newCredentials(c *Config, decoy string) credentials {
	k := credentials{realm: c.Realm, users: c.Users, hashes: make(map[userhash]string, len(c.Users)), secrets: c.Secrets, decoy: decoy}
	for name := range c.Users {
		k.hashes[hashUser(name, c.Realm)] = name
	}
	return k
}

// features returns what the server can say of itself. Names that are not configured cannot be found by their hash.
func (k *credentials) features() features {
	if len(k.secrets) > 0 {
		return passwordAlgorithms
	}
	return passwordAlgorithms | usernameAnonymity
}

// find returns whom a request claims to come from; false is nobody we know.
func (k *credentials) find(m *stun.Message) (user, bool) {
	if hash := m.Value(stun.AttrUserhash); hash != nil {
		if len(hash) != len(userhash{}) {
			return user{}, false
		}
		name, ok := k.hashes[userhash(hash)]
		return user{name: name, account: name}, ok
	}
	name := m.Value(stun.AttrUsername)
	if len(name) == 0 || len(name) > maxUsername {
		return user{}, false
	}
	if _, ok := k.users[string(name)]; ok {
		u := string(name)
		return user{name: u, account: u}, true
	}
	if len(k.secrets) == 0 {
		return user{}, false
	}
	return limitedUser(string(name))
}

// limitedUser reads a time-limited name.
func limitedUser(name string) (user, bool) {
	expiry, rest, ok := strings.Cut(name, ":")
	seconds, err := strconv.ParseInt(expiry, 10, 64)
	if err != nil || seconds <= 0 || seconds > 1<<40 {
		return user{}, false
	}
	if !ok || rest == "" {
		rest = name
	}
	return user{name: name, account: rest, class: Limited, expires: time.Unix(seconds, 0)}, true
}

// prove returns the proof under whose key the request is sealed, nil if there is none.
func (k *credentials) prove(m *stun.Message, u user, known bool) *stun.Integrity {
	switch {
	case !known:
		k.proof(m, u.name, k.decoy)
		return nil
	case u.class == Static:
		return k.proof(m, u.name, k.users[u.name])
	}
	for _, secret := range k.secrets {
		if proof := k.proof(m, u.name, Password(secret, u.name)); proof != nil {
			return proof
		}
	}
	return nil
}

// Password algorithms (RFC 8489 section 18.5), and how PASSWORD-ALGORITHMS lists them, the better one first.
const (
	algorithmMD5    = 1
	algorithmSHA256 = 2
)

var algorithmList = []byte{0, algorithmSHA256, 0, 0, 0, algorithmMD5, 0, 0}

// proof checks the request against one password: the key is a hash of name, realm and password by PASSWORD-ALGORITHM (RFC 8489 section 18.5.1), the seal
// the better one of those the request has.
func (k *credentials) proof(m *stun.Message, name, password string) *stun.Integrity {
	text := []byte(name + ":" + k.realm + ":" + password)
	var key []byte
	if a := m.Value(stun.AttrPasswordAlgorithm); len(a) == 4 && a[1] == algorithmSHA256 {
		sum := sha256.Sum256(text)
		key = sum[:]
	} else {
		sum := md5.Sum(text)
		key = sum[:]
	}
	var proof *stun.Integrity
	if m.Has(stun.AttrMessageIntegritySHA256) {
		proof = stun.NewIntegritySHA256(key)
	} else {
		proof = stun.NewIntegrity(key)
	}
	if !proof.Check(m) {
		return nil
	}
	return proof
}
