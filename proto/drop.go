package proto

// DropUnit is what a drop reason counts.
type DropUnit string

// The units. Only datagrams that were received and went no further are in DropReceived: with TrafficStats' counts of STUN, DTLS, SCTP, RTP,
// RTX and RTCP received they add up to what the sockets handed up.
const (
	DropReceived  DropUnit = "received datagram"
	DropAnswered  DropUnit = "STUN request" // answered, and of no other effect
	DropSent      DropUnit = "packet to be sent"
	DropRecord    DropUnit = "DTLS record or message"
	DropHandshake DropUnit = "handshake"
	DropMessage   DropUnit = "data message"
	DropSCTP      DropUnit = "SCTP packet"
	DropEvent     DropUnit = "event or log line"
)

// DropReason is a reason why something went no further.
type DropReason struct {
	Name string
	Unit DropUnit
	Text string
}

// DropReasons is every reason that TransportStats.Drops and WorkerStats.Drops may hold.
var DropReasons = []DropReason{
	{"malformed", DropReceived, "neither RTP, STUN nor DTLS by its first byte, or not well-formed"},
	{"unknownTuple", DropReceived, "from a 5-tuple that belongs to no transport, and no STUN; of a plain or pipe transport, not from its peer"},
	{"unknownUsername", DropReceived, "STUN for a user name fragment that no transport has"},
	{"unauthorizedTuple", DropReceived, "from a 5-tuple that has not passed an ICE check"},
	{"noDtls", DropReceived, "DTLS before the transport was told to connect"},
	{"noKeys", DropReceived, "media before there were keys"},
	{"srtpAuthentication", DropReceived, "failed authentication"},
	{"srtpReplay", DropReceived, "came before"},
	{"srtpTooOld", DropReceived, "behind the replay window"},
	{"srtpMalformed", DropReceived, "too short or too long for its profile, or without a header"},
	{"srtpNotEncrypted", DropReceived, "RTCP that is not encrypted"},
	{"rtcpMalformed", DropReceived, "a compound whose counts and lengths disagree"},
	{"rtcpTooManyPackets", DropReceived, "a compound of more than 32 packets"},
	{"unknownStream", DropReceived, "authentic, but no producer expects it"},
	{"tooManyStreams", DropReceived, "of one stream more than a transport learns"},
	{"closed", DropReceived, "for a transport that was just closed"},
	{"panic", DropReceived, "a fault of the worker's while it was handled; the transport is out of service"},

	{"producerPaused", DropReceived, "the producer is paused"},
	{"producerPadding", DropReceived, "no payload: the peer probes for bandwidth"},
	{"producerUnaskedRtx", DropReceived, "a retransmission of what was not missing"},
	{"producerDuplicate", DropReceived, "came before, or is older than what is kept"},
	{"producerSequence", DropReceived, "its number is out of range"},
	{"producerPayload", DropReceived, "its codec cannot read it"},
	{"producerStream", DropReceived, "none of the producer's encodings has its SSRC or RID"},
	{"producerPayloadType", DropReceived, "not among the producer's codecs"},
	{"producerClosed", DropReceived, "the producer was just closed"},

	{"stunClosed", DropReceived, "for an ICE agent that is closed"},
	{"stunMalformed", DropReceived, "no STUN message, or attributes that do not fit"},
	{"stunFingerprint", DropReceived, "without FINGERPRINT, or with a wrong one"},
	{"stunNotRequest", DropReceived, "no Binding request"},
	{"stunUsername", DropReceived, "without USERNAME, or with another agent's"},
	{"stunBudget", DropReceived, "from a source that had too many wrong ones within a second"},
	{"stunIntegrity", DropReceived, "without MESSAGE-INTEGRITY, or with a wrong one"},
	{"stunUnknownAttribute", DropAnswered, "answered with error 420"},
	{"stunRoleConflict", DropAnswered, "answered with error 487"},
	{"stunBadRequest", DropAnswered, "answered with error 400"},
	{"stunReplayed", DropAnswered, "seen before: it moves nothing"},

	{"sendNotOpen", DropSent, "no selected tuple, or no keys"},
	{"sendMalformed", DropSent, "longer than any datagram, or not what its header says"},
	{"sendProtect", DropSent, "refused by SRTP: its number was used for another packet"},
	{"sendCongested", DropSent, "a retransmission for which the estimate has no room"},

	{"dtlsOver", DropRecord, "a datagram for an association that has failed or is closed"},
	{"dtlsRecord", DropRecord, "a record with a wrong version or length, and what follows it"},
	{"dtlsContentType", DropRecord, "a content type that has no use then"},
	{"dtlsEpoch", DropRecord, "an epoch that cannot be"},
	{"dtlsPlaintextAlert", DropRecord, "an alert anyone could have written"},
	{"dtlsPlaintextData", DropRecord, "application data anyone could have written"},
	{"dtlsData", DropRecord, "application data for a transport without SCTP"},
	{"dtlsLate", DropRecord, "plaintext after the handshake"},
	{"dtlsRetransmission", DropRecord, "a handshake message repeated more often, or longer, than a peer needs to"},
	{"dtlsEarly", DropRecord, "before there is anything to give it to"},
	{"dtlsDuplicate", DropRecord, "a handshake message that came before"},
	{"dtlsFragment", DropRecord, "a fragment with a wrong header, or out of order"},
	{"dtlsMemory", DropRecord, "a fragment over the memory a handshake may take"},
	{"dtlsMessage", DropRecord, "a handshake message out of order, or that does not parse"},
	{"dtlsHelloMalformed", DropRecord, "a ClientHello that does not parse"},
	{"dtlsHelloVersion", DropRecord, "a ClientHello without DTLS 1.2"},
	{"dtlsHelloSuite", DropRecord, "a ClientHello without a cipher suite of ours"},
	{"dtlsHelloGroup", DropRecord, "a ClientHello without an elliptic curve of ours"},
	{"dtlsHelloSrtp", DropRecord, "a ClientHello without an SRTP profile of ours"},
	{"dtlsHelloRival", DropRecord, "another ClientHello while a handshake proceeds: it waits until that stalls"},
	{"dtlsMailbox", DropRecord, "the handshake does not keep up"},
	{"dtlsSealed", DropRecord, "a protected record that is not authentic, or means nothing"},
	{"dtlsUnread", DropRecord, "application data that SCTP does not take in time"},
	{"dtlsUnposted", DropSent, "a datagram of DTLS; the loop does not keep up"},
	{"dtlsLimit", DropHandshake, "as many run as may: it waits"},
	{"dtlsRecordBudget", DropHandshake, "a connection ended because its key has protected as many records as it may"},

	{"sctpOver", DropReceived, "without DTLS, for an association that has ended"},
	{"sctpMailbox", DropReceived, "without DTLS, and SCTP does not keep up"},
	{"sctpUnknownStream", DropSCTP, "data for more undeclared streams than are served"},
	{"sctpUnposted", DropSent, "without DTLS, and the loop does not keep up"},
	{"sctpTooLarge", DropMessage, "over maxReceiveMessageSize"},
	{"sctpUnsent", DropMessage, "for a stream or an association that has ended"},
	{"dataUnknownStream", DropMessage, "on a stream without a data producer"},
	{"dataPaused", DropMessage, "for a data producer that is paused"},
	{"dataNotConnected", DropMessage, "for a peer whose association is not connected"},
	{"dataTooLarge", DropMessage, "over maxSendMessageSize"},
	{"dataBufferFull", DropMessage, "for a peer that does not keep up"},
	{"dataOversized", DropMessage, "of a direct data producer, over maxReceiveMessageSize"},

	{"channelOverrun", DropEvent, "the oldest packets and messages of a controller that sends them faster than they are taken"},
	{"channelUnaddressed", DropEvent, "a notification that names no object which takes it, or means nothing"},
	{"channelLossy", DropEvent, "the oldest of those that may be lost, for a controller that does not keep up"},
}
