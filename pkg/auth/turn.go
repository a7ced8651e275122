package auth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strconv"
	"time"
)

const (
	turnSecretSize = 32 // bytes before their encoding; more than the 20 of HMAC-SHA1's result would not help a guess
	turnLabelSize  = 12 // bytes: two peers of a server have the same label with a chance of 2⁻⁹⁶
)

// TURNCredentials is what a peer shows a TURN server, for a while: "TURN REST API" (draft-uberti-behave-turn-rest-00), which other servers
// understand, too.
type TURNCredentials struct {
	Username string // Unix time of the end, ":", a label of the peer
	Password string // base64(HMAC-SHA1(secret, username))
	Expires  time.Time
}

// NewTURNSecret makes a secret for TURNCredentials, as text that fits a command line.
func NewTURNSecret() string {
	b := make([]byte, turnSecretSize)
	rand.Read(b) // does not fail
	return base64.RawURLEncoding.EncodeToString(b)
}

// NewTURNCredentials makes a peer's credentials, good until expires (whole seconds of it). A peer of a room always has the same label, under which servers
// count what it has; who does not know the secret learns from it neither peer nor room, which all on the path see that clients sent in the clear.
func NewTURNCredentials(secret []byte, room, peer string, expires time.Time) TURNCredentials {
	username := strconv.FormatInt(expires.Unix(), 10) + ":" + turnLabel(secret, room, peer)
	return TURNCredentials{Username: username, Password: turnPassword(secret, username), Expires: time.Unix(expires.Unix(), 0)}
}

func turnPassword(secret []byte, username string) string {
	mac := hmac.New(sha1.New, secret)
	mac.Write([]byte(username))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// turnLabel is a pseudonym. Its MAC is of another kind than that of passwords, so none is ever a part of the other.
func turnLabel(secret []byte, room, peer string) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte("TURN label\x00"))
	mac.Write(binary.BigEndian.AppendUint32(nil, uint32(len(room)))) // "a","bc" is not "ab","c"
	mac.Write([]byte(room))
	mac.Write([]byte(peer))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:turnLabelSize])
}
