package stun

import "bytes"

// What ICE reads from a Binding request (RFC 8445 section 7.1).

// LocalUsername returns the receiver's part of USERNAME: "the username for the credential is formed
// by concatenating the username fragment provided by the peer with the username fragment of the
// ICE agent sending the request, separated by a colon" (RFC 8445 section 7.2.2). It is nil without
// a colon.
func (m *Message) LocalUsername() []byte {
	v := m.Value(AttrUsername)
	if i := bytes.IndexByte(v, ':'); i >= 0 {
		return v[:i]
	}
	return nil
}

// Priority returns what the peer would give a candidate learned from this check.
func (m *Message) Priority() (uint32, bool) { return m.Uint32(AttrPriority) }

// UseCandidate tells whether the check nominates its pair (RFC 8445 section 7.1.2).
func (m *Message) UseCandidate() bool { return m.Has(AttrUseCandidate) }

// Nomination returns the nomination value of an agent that renominates
// (draft-thatcher-ice-renomination section 3), under the registered number or under the older one.
func (m *Message) Nomination() (uint32, bool) {
	if n, ok := m.Uint32(AttrNomination); ok {
		return n, true
	}
	return m.Uint32(AttrNominationOld)
}
