package stun

// AttributeType names an attribute. Those below 0x8000 are comprehension-required: a request with
// one that the agent does not know is answered 420 (RFC 8489 section 5).
type AttributeType uint16

// The attributes this package knows (RFC 8489 section 18.3, RFC 8445 section 20.1, RFC 8656 section 18, RFC 6062 section 6.2, RFC 8016 section 5).
const (
	AttrMappedAddress          AttributeType = 0x0001
	AttrUsername               AttributeType = 0x0006
	AttrMessageIntegrity       AttributeType = 0x0008
	AttrErrorCode              AttributeType = 0x0009
	AttrUnknownAttributes      AttributeType = 0x000a
	AttrChannelNumber          AttributeType = 0x000c
	AttrLifetime               AttributeType = 0x000d
	AttrXORPeerAddress         AttributeType = 0x0012
	AttrData                   AttributeType = 0x0013
	AttrRealm                  AttributeType = 0x0014
	AttrNonce                  AttributeType = 0x0015
	AttrXORRelayedAddress      AttributeType = 0x0016
	AttrRequestedAddressFamily AttributeType = 0x0017
	AttrEvenPort               AttributeType = 0x0018
	AttrRequestedTransport     AttributeType = 0x0019
	AttrDontFragment           AttributeType = 0x001a
	AttrMessageIntegritySHA256 AttributeType = 0x001c
	AttrPasswordAlgorithm      AttributeType = 0x001d
	AttrUserhash               AttributeType = 0x001e
	AttrXORMappedAddress       AttributeType = 0x0020
	AttrReservationToken       AttributeType = 0x0022
	AttrPriority               AttributeType = 0x0024
	AttrUseCandidate           AttributeType = 0x0025
	AttrConnectionID           AttributeType = 0x002a
	AttrNomination             AttributeType = 0x0030 // draft-thatcher-ice-renomination, as registered later
	AttrAdditionalFamily       AttributeType = 0x8000 // ADDITIONAL-ADDRESS-FAMILY
	AttrAddressErrorCode       AttributeType = 0x8001
	AttrPasswordAlgorithms     AttributeType = 0x8002
	AttrICMP                   AttributeType = 0x8004
	AttrSoftware               AttributeType = 0x8022
	AttrAlternateServer        AttributeType = 0x8023
	AttrFingerprint            AttributeType = 0x8028
	AttrICEControlled          AttributeType = 0x8029
	AttrICEControlling         AttributeType = 0x802a
	AttrMobilityTicket         AttributeType = 0x8030
	AttrAdditionalFamilyOld    AttributeType = 0x8032 // what coturn took before RFC 8656 had numbers
	AttrAddressErrorCodeOld    AttributeType = 0x8033
	AttrNominationOld          AttributeType = 0xc001 // the number libwebrtc took before that
)

// Required tells whether a receiver must understand the attribute.
func (t AttributeType) Required() bool { return t < 0x8000 }

// slot is where a Message keeps the offset of an attribute it knows.
type slot uint8

const (
	slotNone slot = iota
	slotMappedAddress
	slotUsername
	slotMessageIntegrity
	slotErrorCode
	slotUnknownAttributes
	slotRealm
	slotNonce
	slotMessageIntegritySHA256
	slotPasswordAlgorithm
	slotUserhash
	slotXORMappedAddress
	slotPriority
	slotUseCandidate
	slotNomination
	slotSoftware
	slotFingerprint
	slotICEControlled
	slotICEControlling
	slotNominationOld
	slotChannelNumber
	slotLifetime
	slotXORPeerAddress
	slotData
	slotRequestedAddressFamily
	slotEvenPort
	slotRequestedTransport
	slotDontFragment
	slotReservationToken
	slotConnectionID
	slotAdditionalFamily
	slotPasswordAlgorithms
	slotMobilityTicket
	slotXORRelayedAddress
	slotAddressErrorCode
	slotICMP
	slotAlternateServer
	slotAdditionalFamilyOld
	slotAddressErrorCodeOld
	numSlots
)

// slotOf returns the slot of t, slotNone if the package does not know it.
func slotOf(t AttributeType) slot {
	switch t {
	case AttrMappedAddress:
		return slotMappedAddress
	case AttrUsername:
		return slotUsername
	case AttrMessageIntegrity:
		return slotMessageIntegrity
	case AttrErrorCode:
		return slotErrorCode
	case AttrUnknownAttributes:
		return slotUnknownAttributes
	case AttrRealm:
		return slotRealm
	case AttrNonce:
		return slotNonce
	case AttrMessageIntegritySHA256:
		return slotMessageIntegritySHA256
	case AttrPasswordAlgorithm:
		return slotPasswordAlgorithm
	case AttrUserhash:
		return slotUserhash
	case AttrXORMappedAddress:
		return slotXORMappedAddress
	case AttrPriority:
		return slotPriority
	case AttrUseCandidate:
		return slotUseCandidate
	case AttrNomination:
		return slotNomination
	case AttrSoftware:
		return slotSoftware
	case AttrFingerprint:
		return slotFingerprint
	case AttrICEControlled:
		return slotICEControlled
	case AttrICEControlling:
		return slotICEControlling
	case AttrNominationOld:
		return slotNominationOld
	default:
		return slotOfTURN(t)
	}
}

// slotOfTURN is slotOf for what ICE has no use for.
func slotOfTURN(t AttributeType) slot {
	switch t {
	case AttrChannelNumber:
		return slotChannelNumber
	case AttrLifetime:
		return slotLifetime
	case AttrXORPeerAddress:
		return slotXORPeerAddress
	case AttrData:
		return slotData
	case AttrRequestedAddressFamily:
		return slotRequestedAddressFamily
	case AttrEvenPort:
		return slotEvenPort
	case AttrRequestedTransport:
		return slotRequestedTransport
	case AttrDontFragment:
		return slotDontFragment
	case AttrReservationToken:
		return slotReservationToken
	case AttrConnectionID:
		return slotConnectionID
	case AttrAdditionalFamily:
		return slotAdditionalFamily
	case AttrPasswordAlgorithms:
		return slotPasswordAlgorithms
	case AttrMobilityTicket:
		return slotMobilityTicket
	case AttrXORRelayedAddress:
		return slotXORRelayedAddress
	case AttrAddressErrorCode:
		return slotAddressErrorCode
	case AttrICMP:
		return slotICMP
	case AttrAlternateServer:
		return slotAlternateServer
	case AttrAdditionalFamilyOld:
		return slotAdditionalFamilyOld
	case AttrAddressErrorCodeOld:
		return slotAddressErrorCodeOld
	default:
		return slotNone
	}
}
