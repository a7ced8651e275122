package turn

// Transport is how clients reach a listener.
type Transport uint8

// The transports.
const (
	UDP Transport = iota
	TCP
	TLS
	DTLS
	numTransports
)

var transportNames = [numTransports]string{"udp", "tcp", "tls", "dtls"}

// String returns "udp", "tcp", "tls" or "dtls".
func (t Transport) String() string { return transportNames[t] }

// UserClass is where a user's credentials come from.
type UserClass uint8

// The classes.
const (
	Static  UserClass = iota // Config.Users
	Limited                  // Config.Secrets
	NumUserClasses
)

var classNames = [NumUserClasses]string{"static", "limited"}

// String returns "static" or "limited".
func (c UserClass) String() string { return classNames[c] }

// Listener is one place clients come in, and counts what comes.
type Listener struct {
	Name      string // such as "udp:0.0.0.0:3478"
	Transport Transport
	Counters  Counters
}

// Counters only grow, but for Allocations.
type Counters struct {
	Requests    uint64                 // STUN requests, Binding too
	Answers     [numAnswers]uint64     // by outcome; see AnswerCode
	Drops       [NumDrops]uint64       // messages that got no answer, packets that were not relayed
	Allocations [NumUserClasses]int    // that live now
	Created     [NumUserClasses]uint64 // allocations so far
	Up, Down    [NumUserClasses]Volume // relayed from clients to peers, from peers to clients
}

// Volume counts packets and the bytes of their payload.
type Volume struct {
	Packets, Bytes uint64
}

func (v *Volume) add(size int) {
	v.Packets++
	v.Bytes += uint64(size)
}

// answerCodes are the outcomes of requests: success, and the error codes a client can get.
var answerCodes = [...]int{0, 300, 400, 401, 403, 405, 420, 437, 438, 440, 441, 442, 443, 446, 447, 486, 508}

const numAnswers = len(answerCodes)

// answered counts an answer.
func (c *Counters) answered(code int) {
	for i := range answerCodes {
		if answerCodes[i] == code {
			c.Answers[i]++
			return
		}
	}
}

func (c *Counters) drop(d Drop) { c.Drops[d]++ }

// AnswerCode returns the error code that Counters.Answers[i] counts, 0 for success.
func AnswerCode(i int) int { return answerCodes[i] }
