package turn

import (
	"gazpacho/pkg/stun"
	"gazpacho/pkg/tuple"
)

// Sizes of attributes that unauthenticated answers are planned with.
const (
	attributeHead        = 4
	errorAttribute       = attributeHead + 4 // without a reason
	fingerprintAttribute = attributeHead + 4
	nonceAttribute       = attributeHead + shortNonceSize
)

// reasons are the phrases of ERROR-CODE.
var reasons = map[int]string{
	stun.CodeTryAlternate: "Try Alternate", stun.CodeBadRequest: "Bad Request", stun.CodeUnauthenticated: "Unauthenticated",
	stun.CodeForbidden: "Forbidden", stun.CodeMobilityForbidden: "Mobility Forbidden", stun.CodeUnknownAttribute: "Unknown Attribute",
	stun.CodeAllocationMismatch: "Allocation Mismatch", stun.CodeStaleNonce: "Stale Nonce",
	stun.CodeFamilyNotSupported: "Address Family not Supported", stun.CodeWrongCredentials: "Wrong Credentials",
	stun.CodeUnsupportedTransport: "Unsupported Transport Protocol", stun.CodePeerFamilyMismatch: "Peer Address Family Mismatch",
	stun.CodeConnectionExists: "Connection Already Exists", stun.CodeConnectionFailed: "Connection Timeout or Failure",
	stun.CodeQuotaReached: "Allocation Quota Reached", stun.CodeInsufficientCapacity: "Insufficient Capacity",
}

// reply is whom an answer goes to, and how it is sealed.
type reply struct {
	server      *Server
	via         *Listener
	from        tuple.Tuple
	method      stun.Method
	transaction stun.TransactionID
	mirror      bool            // the request had a FINGERPRINT, so the answer gets one (RFC 8489 section 7)
	proof       *stun.Integrity // nil while nothing is proved
}

// begin begins an answer in a slot.
func (r *reply) begin(c stun.Class) stun.Builder {
	return stun.Build(r.server.env.Egress.Next(), c, r.method, r.transaction)
}

// send seals an answer the way the request was, and sends it.
func (r *reply) send(w *stun.Builder, code int) {
	if r.proof != nil {
		w.AddIntegrity(r.proof)
	}
	if r.mirror {
		w.AddFingerprint()
	}
	n := w.Finish()
	if n == 0 {
		r.via.Counters.drop(DropTooLong)
		return
	}
	r.server.env.Egress.Commit(n, r.from)
	r.via.Counters.answered(code)
}

// succeed answers with nothing but the proof, if that is all there is to say.
func (r *request) succeed() {
	w := r.begin(stun.SuccessResponse)
	r.send(&w, 0)
}

// tellsSoftware tells whether answers of the method carry SOFTWARE, as those do by which a client gets to know the server.
func (r *request) tellsSoftware() bool {
	return r.m.Method == stun.Allocate || r.m.Method == stun.Refresh || r.m.Method == stun.Binding
}

// refuse answers an authenticated request with an error.
func (r *request) refuse(code int) {
	w := r.begin(stun.ErrorResponse)
	w.AddErrorCode(code, reasons[code])
	switch code {
	case stun.CodeUnknownAttribute:
		w.AddUnknownAttributes(r.m.Unknown())
	case stun.CodeTryAlternate:
		w.AddAddress(stun.AttrAlternateServer, r.server.alternate(r.from.Remote.Addr()))
	}
	if r.tellsSoftware() {
		w.AddString(stun.AttrSoftware, r.server.config.Software)
	}
	r.send(&w, code)
	if r.server.env.Events != nil {
		e := Event{Kind: Denied, Client: r.from, Listener: r.via, Username: r.user.name, Class: r.user.class, Code: code, Method: methodNames[r.m.Method]}
		if r.a != nil {
			e.ID, e.Relay = r.a.id, r.a.relayed
		}
		r.server.env.Events.TURN(e)
	}
}

// unauthenticated asks whether a request of which nothing is proved gets an answer, and how long it may be: the address it came from may be somebody
// else's, who shall neither get many nor more than 2.5 times what was sent (R-TURN-2). Clients on connections have shown where they are.
func (r *request) unauthenticated() (limit int, ok bool) {
	if !r.server.answers.take(r.now, r.from.Remote) {
		r.via.Counters.drop(DropBudget)
		return 0, false
	}
	if r.via.Transport != UDP {
		return unlimited, true
	}
	return r.size * 5 / 2, true
}

const unlimited = 1 << 16

// reject answers an unauthenticated request with an error that is no challenge: 400 and 420.
func (r *request) reject(code int) {
	limit, ok := r.unauthenticated()
	if !ok {
		return
	}
	w := r.begin(stun.ErrorResponse)
	if r.mirror {
		limit -= fingerprintAttribute
	}
	unknown := r.m.Unknown()
	if code == stun.CodeUnknownAttribute {
		limit -= attributeHead + padded(2*len(unknown))
	}
	w.AddErrorCode(code, fitting(reasons[code], limit-stun.HeaderSize-errorAttribute))
	if code == stun.CodeUnknownAttribute {
		w.AddUnknownAttributes(unknown)
	}
	r.send(&w, code)
}

// challenge asks for credentials (401), or for a fresher nonce (438): "the response MUST include a REALM and a NONCE" (RFC 8489 section 9.2.4). What else it
// says depends on the room. A browser's first Allocate has 28 bytes, 2.5 times of which hold the shortest challenge of a realm of 16 bytes. For longer
// realms the limit is taken of what crosses the network, 28 bytes of headers of IPv4 and UDP with each datagram. Requests that are shorter than any client's
// get nothing that does not fit.
func (r *request) challenge(code int) {
	limit, ok := r.unauthenticated()
	if !ok {
		return
	}
	s := r.server
	size := stun.HeaderSize + errorAttribute + attributeHead + padded(len(s.config.Realm)) + nonceAttribute
	if r.mirror {
		size += fingerprintAttribute
	}
	const headers, shortest = 28, 28
	if size > limit && (r.size < shortest || size > limit+headers*3/2) {
		r.via.Counters.drop(DropAmplifying)
		return
	}
	room := limit - size
	software := fitting(s.config.Software, room-attributeHead)
	tells := room >= attributeHead
	if tells {
		room -= attributeHead + padded(len(software))
	}
	var f features
	if need := longNonceSize - shortNonceSize + 3 + attributeHead + len(algorithmList); room >= need {
		f = s.credentials.features()
		room -= need
	}
	w := r.begin(stun.ErrorResponse)
	w.AddErrorCode(code, fitting(reasons[code], room))
	w.AddString(stun.AttrRealm, s.config.Realm)
	w.Add(stun.AttrNonce, s.nonces.make(r.now, r.from.Remote, f))
	if f != 0 {
		w.Add(stun.AttrPasswordAlgorithms, algorithmList)
	}
	if tells {
		w.AddString(stun.AttrSoftware, software)
	}
	r.send(&w, code)
}

// fitting returns text if it fits into room with its padding, else as much of it as does.
func fitting(text string, room int) string {
	if padded(len(text)) <= room {
		return text
	}
	return text[:max(room, 0)&^3]
}

// addSoftware adds what fits of SOFTWARE.
func (r *request) addSoftware(w *stun.Builder, room int) {
	if room >= attributeHead {
		w.AddString(stun.AttrSoftware, fitting(r.server.config.Software, room-attributeHead))
	}
}
