package turn

import (
	"bytes"

	"gazpacho/pkg/stun"
)

// authenticate checks the long-term credentials of a request (RFC 8489 section 9.2.4) and answers it if they do not hold. The nonce comes before the
// costly steps: only who received it, at the address the request comes from, makes us compute keys.
func (r *request) authenticate() bool {
	m, s := &r.m, r.server
	if !m.Has(stun.AttrMessageIntegrity) && !m.Has(stun.AttrMessageIntegritySHA256) {
		r.challenge(stun.CodeUnauthenticated)
		return false
	}
	named := m.Has(stun.AttrUsername) || m.Has(stun.AttrUserhash)
	if !named || !m.Has(stun.AttrRealm) || !m.Has(stun.AttrNonce) || len(m.Value(stun.AttrUsername)) > maxUsername {
		r.reject(stun.CodeBadRequest)
		return false
	}
	f, ok := r.checkNonce()
	if !ok {
		r.challenge(stun.CodeStaleNonce)
		return false
	}
	if !algorithmFits(m, f) {
		r.reject(stun.CodeBadRequest)
		return false
	}
	if s.failures.spent(r.now, r.from.Remote) {
		r.via.Counters.drop(DropBudget)
		return false
	}
	u, known := s.credentials.find(m)
	known = known && string(m.Value(stun.AttrRealm)) == s.config.Realm && r.inTime(u)
	proof := s.credentials.prove(m, u, known)
	if proof == nil {
		s.failures.take(r.now, r.from.Remote)
		r.challenge(stun.CodeUnauthenticated)
		return false
	}
	r.user, r.proof = u, proof
	return true
}

// checkNonce tells whether the nonce was given to who sends it. A ConnectionBind comes from another port of the client (RFC 6062 section 4.3), which holds
// the nonce of the connection that its allocation is on: that one is good for it too, since some clients expect no 438 there.
func (r *request) checkNonce() (features, bool) {
	nonces, nonce := &r.server.nonces, r.m.Value(stun.AttrNonce)
	f, ok := nonces.check(r.now, r.from.Remote, nonce)
	if ok || r.m.Method != stun.ConnectionBind {
		return f, ok
	}
	c := r.named()
	if c == nil || c.allocation.client.Remote.Addr() != r.from.Remote.Addr() {
		return 0, false
	}
	return nonces.check(r.now, c.allocation.client.Remote, nonce)
}

// inTime tells whether a user's credentials are good for this. Those that have expired open nothing new, but an allocation can only be refreshed with the
// name it was made with (441), so they are good for what they opened as long as the secret is.
func (r *request) inTime(u user) bool {
	if u.expires.IsZero() || r.now.Before(u.expires) {
		return true
	}
	return r.a != nil && r.a.username == u.name || r.movesAllocationOf(u) || r.bindsConnectionOf(u)
}

// algorithmFits checks PASSWORD-ALGORITHM against what was offered with the nonce, so that nobody in between can have taken the better one away: the
// request has neither of the two attributes, which stands for MD5, or both, the list being ours, and what was chosen in it (RFC 8489 section 9.2.4).
func algorithmFits(m *stun.Message, f features) bool {
	chosen, list := m.Value(stun.AttrPasswordAlgorithm), m.Value(stun.AttrPasswordAlgorithms)
	if chosen == nil && list == nil {
		return true
	}
	if f&passwordAlgorithms == 0 || !bytes.Equal(list, algorithmList) || len(chosen) != 4 {
		return false
	}
	return bytes.Equal(chosen, algorithmList[:4]) || bytes.Equal(chosen, algorithmList[4:])
}

// owned answers requests for an allocation there is not, or that is somebody else's. It returns false then.
func (r *request) owned() bool {
	switch {
	case r.a == nil:
		r.refuse(stun.CodeAllocationMismatch)
	case r.a.username != r.user.name:
		r.refuse(stun.CodeWrongCredentials)
	default:
		r.a.confirmed()
		return true
	}
	return false
}
