package stun

// AttributeType names an attribute. Those below 0x8000 are comprehension-required: a request with
// one that the agent does not know is answered 420 (RFC 8489 section 5).
type AttributeType uint16

// The attributes this package knows (RFC 8489 section 18.3, RFC 8445 section 20.1).
const (
	AttrMappedAddress          AttributeType = 0x0001
	AttrUsername               AttributeType = 0x0006
	AttrMessageIntegrity       AttributeType = 0x0008
	AttrErrorCode              AttributeType = 0x0009
	AttrUnknownAttributes      AttributeType = 0x000a
	AttrRealm                  AttributeType = 0x0014
	AttrNonce                  AttributeType = 0x0015
	AttrMessageIntegritySHA256 AttributeType = 0x001c
	AttrPasswordAlgorithm      AttributeType = 0x001d
	AttrUserhash               AttributeType = 0x001e
	AttrXORMappedAddress       AttributeType = 0x0020
	AttrPriority               AttributeType = 0x0024
	AttrUseCandidate           AttributeType = 0x0025
	AttrNomination             AttributeType = 0x0030 // draft-thatcher-ice-renomination, as registered later
	AttrSoftware               AttributeType = 0x8022
	AttrFingerprint            AttributeType = 0x8028
	AttrICEControlled          AttributeType = 0x8029
	AttrICEControlling         AttributeType = 0x802a
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
		return slotNone
	}
}
