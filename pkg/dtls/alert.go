package dtls

// alert is what a protected alert says (RFC 5246 section 7.2).
type alert struct{ level, description uint8 }

const (
	alertWarning     = 1
	alertFatal       = 2
	alertCloseNotify = 0
)

// parseAlert reads the plaintext of a record.
func parseAlert(plain []byte) (alert, bool) {
	if len(plain) != 2 {
		return alert{}, false
	}
	return alert{level: plain[0], description: plain[1]}, true
}

// ends tells whether the connection is over with it.
func (a alert) ends() bool { return a.level == alertFatal || a.closes() }

// closes tells whether the peer wants a close_notify in return.
func (a alert) closes() bool { return a.description == alertCloseNotify }
