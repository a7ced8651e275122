package ice

import (
	"time"

	"gazpacho/pkg/stun"
	"gazpacho/pkg/tuple"
)

// Handle takes a datagram that looks like STUN, and writes the answer into reply, which must not
// overlap it. It returns the size of the answer; 0 is silence. The answer is written last, after the
// handler was called, so that reply may be a slot which the handler's own sending uses too.
//
// Nothing but a Binding request with a username of ours and valid integrity gets a byte back
// (R-ICE-1): an agent that answers strangers tells them it is there, and hits others for them.
func (a *Agent) Handle(now time.Time, datagram []byte, from tuple.Tuple, reply []byte) int {
	if a.state == Closed {
		a.drop(DropClosed)
		return 0
	}
	var m stun.Message
	c := a.admit(now, &m, datagram, from)
	if c == nil {
		return 0
	}
	if c == &a.current && a.previous.valid() {
		a.restarted()
	}
	code := a.refusal(&m)
	if code == 0 {
		a.checked(now, &m, from)
	}
	return answer(reply, &m, from, code, c.integrity)
}

// admit lets a datagram through the gates in the order of R-ICE-2, the cheap ones first, and returns
// the credentials it proved to know, nil if it did not.
func (a *Agent) admit(now time.Time, m *stun.Message, datagram []byte, from tuple.Tuple) *credentials {
	if !m.Parse(datagram) {
		a.drop(DropMalformed)
		return nil
	}
	if !m.CheckFingerprint() {
		a.drop(DropFingerprint)
		return nil
	}
	// A lite agent has no transaction of its own a response could belong to. Indications are
	// keep-alives (RFC 8445 section 11) and prove nothing.
	if m.Class != stun.Request || m.Method != stun.Binding {
		a.drop(DropNotRequest)
		return nil
	}
	c := a.credentialsOf(m.LocalUsername())
	if c == nil {
		a.drop(DropUsername)
		return nil
	}
	// Who once sent a valid check is not locked out: forged ones in its name must not end its call.
	if a.failures.spent(now, from.Remote) && !a.trusts(from) {
		a.drop(DropBudget)
		return nil
	}
	if !c.integrity.Check(m) {
		a.drop(DropIntegrity)
		a.failures.charge(now, from.Remote)
		return nil
	}
	return c
}

// credentialsOf returns the credentials of a username fragment, nil if it is not ours.
func (a *Agent) credentialsOf(fragment []byte) *credentials {
	switch {
	case string(fragment) == a.current.fragment:
		return &a.current
	case a.previous.valid() && string(fragment) == a.previous.fragment:
		return &a.previous
	default:
		return nil
	}
}

// refusal returns the error code an authenticated request gets, 0 if none.
func (a *Agent) refusal(m *stun.Message) int {
	if len(m.Unknown()) > 0 { // RFC 8489 section 6.3.1
		a.drop(DropUnknownAttribute)
		return stun.CodeUnknownAttribute
	}
	// RFC 8445 section 6.1.1: facing a lite agent, the full one is controlling. We cannot change
	// roles, so whoever claims to be controlled must.
	if m.Has(stun.AttrICEControlled) {
		a.drop(DropRoleConflict)
		return stun.CodeRoleConflict
	}
	if _, ok := m.Priority(); !ok { // RFC 8445 section 7.1.1: PRIORITY is mandatory
		a.drop(DropBadRequest)
		return stun.CodeBadRequest
	}
	return 0
}

// answer writes the response to m, which is an error unless code is 0.
func answer(reply []byte, m *stun.Message, to tuple.Tuple, code int, k *stun.Integrity) int {
	class := stun.SuccessResponse
	if code != 0 {
		class = stun.ErrorResponse
	}
	w := stun.Build(reply, class, stun.Binding, m.TransactionID())
	switch code {
	case 0:
		w.AddXORAddress(stun.AttrXORMappedAddress, to.Remote)
	case stun.CodeUnknownAttribute:
		w.AddErrorCode(code, "Unknown Attribute")
		w.AddUnknownAttributes(m.Unknown())
	case stun.CodeRoleConflict:
		w.AddErrorCode(code, "Role Conflict")
	default:
		w.AddErrorCode(code, "Bad Request")
	}
	w.AddIntegrity(k)
	w.AddFingerprint()
	return w.Finish()
}
