package ice

import "gazpacho/pkg/tuple"

// Parts of the priority of our candidates, which are all of type host and of component 1, RTP and
// RTCP being multiplexed (RFC 8445 section 5.1.2.1). The figures are those mediasoup uses, so that
// a client sees no difference.
const (
	typePreference      = 64
	componentID         = 1
	localPreference     = 10000
	preferenceStep      = 100  // per listen address
	preferredProtocol   = 1000 // for the protocol the application prefers
	internalBelowPublic = 1000
)

// Priority returns the priority of a host candidate. The order of listen addresses is the order of
// preference; preferred tells that the application prefers the candidate's protocol.
func Priority(listenIndex int, preferred bool) uint32 {
	local := max(localPreference-preferenceStep*listenIndex, 0)
	if preferred {
		local += preferredProtocol
	}
	return typePreference<<24 | uint32(local)<<8 | (256 - componentID)
}

// InternalPriority returns the priority of a candidate with the internal address behind an announced
// one, given the priority of the announced.
func InternalPriority(announced uint32) uint32 { return announced - internalBelowPublic }

// Foundation returns the foundation of our candidates of a protocol. Agents freeze checks by
// foundation, and ours are as good as each other.
func Foundation(p tuple.Protocol) string {
	if p == tuple.TCP {
		return "tcpcandidate"
	}
	return "udpcandidate"
}
