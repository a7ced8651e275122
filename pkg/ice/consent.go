package ice

import "time"

// Consent to send (RFC 7675) as a lite agent knows it: it asks nothing itself, the peer's checks are
// its consent, and so is media that passed authentication, because some agents (pion's) send no checks
// while media flows both ways. Neither proves more than the other: a lite agent's checks have no round
// trip. When both stay away for the timeout consent is withdrawn. "An endpoint MUST NOT send data
// other than the messages used to establish consent unless the receiving endpoint has consented to
// receive data" (section 5.1): the tuples go, and whoever comes back checks anew.

// renewConsent counts the timeout from now. The timer of a running consent is left alone and looks
// at consentUntil when it fires: one heap operation per timeout instead of one per check.
func (a *Agent) renewConsent(now time.Time) {
	if a.consentTimeout == 0 {
		return
	}
	a.consentUntil = now.Add(a.consentTimeout)
	if !a.consent.Pending() {
		a.consent.Reset(a.consentUntil)
	}
}

func (a *Agent) consentRunning() bool { return a.consentTimeout != 0 && a.consent.Pending() }

func (a *Agent) stopConsent() {
	if a.consentTimeout != 0 {
		a.consent.Stop()
	}
}

// consentDue is called when the consent that was current when the timer was set runs out.
func (a *Agent) consentDue(now time.Time) {
	if now.Before(a.consentUntil) {
		a.consent.Reset(a.consentUntil)
		return
	}
	a.removeAll()
	a.disconnect(now)
}
