package ice

import "gazpacho/pkg/stun"

// IsMessage tells STUN from the other protocols of a media port, by its first bytes.
func IsMessage(datagram []byte) bool { return stun.IsMessage(datagram) }

// LocalUsername returns the username fragment a STUN message is addressed to, so that the owner of many
// agents finds the one to handle it. It borrows the datagram, and proves nothing: the agent checks again.
// FINGERPRINT comes before the look-up (R-ICE-2): what only looks like STUN is not looked up at all.
func LocalUsername(datagram []byte) ([]byte, bool) {
	var m stun.Message
	if !m.Parse(datagram) || !m.CheckFingerprint() {
		return nil, false
	}
	fragment := m.LocalUsername()
	return fragment, len(fragment) > 0
}
