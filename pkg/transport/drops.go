package transport

import (
	"gazpacho/pkg/ice"
	"gazpacho/pkg/producer"
)

// Drop is why a received or outgoing packet, or a message of data, went no further.
type Drop uint8

// The reasons, counted per transport, per server, and over all of them.
const (
	DropMalformed      Drop = iota // not RTP, STUN or DTLS, or not well-formed
	DropUnknownTuple               // nobody's 5-tuple, and no STUN
	DropUnknownUser                // STUN for a user name fragment we don't have
	DropUnauthorized               // from a tuple that has not passed an ICE check
	DropNoDTLS                     // DTLS before the transport was told of the peer's fingerprints
	DropNoKeys                     // media before DTLS connected
	DropSRTPAuth                   // failed authentication
	DropSRTPReplay                 // replayed
	DropSRTPTooOld                 // behind the replay window
	DropSRTPMalformed              // too short or too long for its profile, or no header
	DropSRTPPlain                  // RTCP that is not encrypted
	DropRTCPMalformed              // a compound whose counts and lengths disagree
	DropRTCPTooMany                // a compound of too many packets (R-RTP-6)
	DropUnknownStream              // authenticated, but no producer expects it
	DropTooManyStreams             // over the limit of streams per transport
	DropClosed                     // for a transport that is closed
	DropPanic                      // a fault of ours while it was handled
	DropSCTPOver                   // SCTP without DTLS for an association that has ended
	DropSCTPFull                   // SCTP without DTLS that does not keep up

	DropNotOpen       // outgoing, but there is no selected tuple or no key
	DropSendMalformed // outgoing, but longer than a slot, or not what its header says
	DropProtect       // outgoing, but SRTP refused it
	DropCongested     // a retransmission for which the estimate has no room

	DropDataStream       // a message on a stream without a data producer
	DropDataPaused       // a message for a data producer that is paused
	DropDataNotConnected // a message for a peer without an SCTP association
	DropDataTooLarge     // a message over what the peer takes
	DropDataFull         // a message for a peer that does not keep up (R-SCTP-2)
	DropDataOversized    // a message for a direct data producer over what its transport takes
	numDrops
)

var dropNames = [numDrops]string{
	DropMalformed:        "malformed",
	DropUnknownTuple:     "unknownTuple",
	DropUnknownUser:      "unknownUsername",
	DropUnauthorized:     "unauthorizedTuple",
	DropNoDTLS:           "noDtls",
	DropNoKeys:           "noKeys",
	DropSRTPAuth:         "srtpAuthentication",
	DropSRTPReplay:       "srtpReplay",
	DropSRTPTooOld:       "srtpTooOld",
	DropSRTPMalformed:    "srtpMalformed",
	DropSRTPPlain:        "srtpNotEncrypted",
	DropRTCPMalformed:    "rtcpMalformed",
	DropRTCPTooMany:      "rtcpTooManyPackets",
	DropUnknownStream:    "unknownStream",
	DropTooManyStreams:   "tooManyStreams",
	DropClosed:           "closed",
	DropPanic:            "panic",
	DropSCTPOver:         "sctpOver",
	DropSCTPFull:         "sctpMailbox",
	DropNotOpen:          "sendNotOpen",
	DropSendMalformed:    "sendMalformed",
	DropProtect:          "sendProtect",
	DropCongested:        "sendCongested",
	DropDataStream:       "dataUnknownStream",
	DropDataPaused:       "dataPaused",
	DropDataNotConnected: "dataNotConnected",
	DropDataTooLarge:     "dataTooLarge",
	DropDataFull:         "dataBufferFull",
	DropDataOversized:    "dataOversized",
}

// String returns the key under which statistics show the reason.
func (d Drop) String() string { return dropNames[d] }

// received tells whether it is a received datagram that is dropped for the reason.
func (d Drop) received() bool { return d < DropNotOpen }

// drops counts by reason.
type drops [numDrops]uint64

// verdicts counts packets that producers did not forward, by reason.
type verdicts [producer.NumVerdicts]uint64

// tally is everything that went no further, of one transport or of all.
type tally struct {
	drops    drops
	verdicts verdicts
	ice      ice.Drops
}

// each calls f for every reason there is, occurred or not. Received tells whether the datagrams it counts went no further, so that with
// those that did they add up to what was received.
func (t *tally) each(f func(reason string, n uint64, received bool)) {
	for d, n := range t.drops {
		f(dropNames[d], n, Drop(d).received())
	}
	for v, n := range t.verdicts {
		if verdict := producer.Verdict(v); !verdict.Forwarded() {
			f(verdict.String(), n, true)
		}
	}
	for d, n := range t.ice {
		f(ice.Drop(d).String(), n, !ice.Drop(d).Answered())
	}
}

// table returns the reasons that occurred.
func (t *tally) table() map[string]uint64 {
	var occurred map[string]uint64
	t.each(func(reason string, n uint64, _ bool) {
		if n == 0 {
			return
		}
		if occurred == nil {
			occurred = make(map[string]uint64)
		}
		occurred[reason] = n
	})
	return occurred
}

// table returns the reasons that occurred.
func (d *drops) table() map[string]uint64 { return (&tally{drops: *d}).table() }
