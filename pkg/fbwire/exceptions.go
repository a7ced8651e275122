package fbwire

import (
	"reflect"
	"strings"

	"gazpacho/proto"
)

// Names decide what is what: the same letters in the schema and in the keys of proto mean the same. This page is what letters alone do not say. All
// of it is keyed on names that a schema has or has not, never on versions.

// root is the namespace around all others; names here leave it out.
const root = "FBS."

func short(name string) string { return strings.TrimPrefix(name, root) }

// plain reduces a name to its letters and digits, so that snake, camel and dotted case meet.
func plain(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'A' <= r && r <= 'Z':
			return r + 'a' - 'A'
		case 'a' <= r && r <= 'z' || '0' <= r && r <= '9':
			return r
		}
		return -1
	}, name)
}

// aliases are fields with other names than ours. With several of ours, all are read from it, and it is written from the first.
var aliases = map[string][]string{
	"Transport.EnableTraceEventRequest.events":                                 {"types"},
	"Producer.EnableTraceEventRequest.events":                                  {"types"},
	"Consumer.EnableTraceEventRequest.events":                                  {"types"},
	"WebRtcTransport.IceSelectedTupleChangeNotification.tuple":                 {"iceSelectedTuple"},
	"WebRtcTransport.DtlsStateChangeNotification.remote_cert":                  {"dtlsRemoteCert"},
	"PlainTransport.RtcpTupleNotification.tuple":                               {"rtcpTuple"},
	"Transport.SctpNegotiatedCapabilitiesNotification.negotiated_capabilities": {"sctpNegotiatedCapabilities"},
	"Transport.Dump.max_message_size":                                          {"maxReceiveMessageSize"}, // until 3.20 there was one limit for both ways
	"Transport.Options.max_message_size":                                       {"maxReceiveMessageSize", "maxSendMessageSize"},
	"Transport.Options.max_sctp_message_size":                                  {"maxReceiveMessageSize", "maxSendMessageSize"},
	"Consumer.ScoreNotification.score":                                         nil, // is the whole body, whose own score is a number
}

// inlined are the names of fields that hold more of what they are in: a table of its own there, further fields of the same struct here.
var inlined = map[string]bool{"base": true, "options": true, "data": true, "listen": true}

func isInlined(t *Table, f *Field) bool {
	return (f.Type.Kind == TableRef || f.Type.Kind == UnionRef) && (inlined[f.Name] || short(t.Name)+"."+f.Name == "Consumer.ScoreNotification.score")
}

// alwaysPresent are strings the libraries read without asking whether they are there.
var alwaysPresent = map[string]string{
	"RtpStream.Params.rid":                                 "",
	"RtxStream.Params.rrid":                                "",
	"RtpParameters.RtpEncodingParameters.scalability_mode": "S1T1", // of no scalability
}

// presentBeside are tables the libraries read, with zeros in them, as soon as the field of ours is there.
var presentBeside = map[string]string{"Transport.Dump.sctp_negotiated_capabilities": "sctpParameters"}

// spellings are names of enumerations' values whose words differ from ours by more than case.
var spellings = map[string]string{
	"SHA1": "sha-1", "SHA224": "sha-224", "SHA256": "sha-256", "SHA384": "sha-384", "SHA512": "sha-512",
	"AEAD_AES_256_GCM": "AEAD_AES_256_GCM", "AEAD_AES_128_GCM": "AEAD_AES_128_GCM",
	"AES_CM_128_HMAC_SHA1_80": "AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32": "AES_CM_128_HMAC_SHA1_32",
	"DIRECTION_IN": "in", "DIRECTION_OUT": "out", "TRANSPORT_CC": "transport-cc",

	"Mid":                    "urn:ietf:params:rtp-hdrext:sdes:mid",
	"RtpStreamId":            "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
	"RepairRtpStreamId":      "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
	"AbsSendTime":            "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
	"TransportWideCcDraft01": "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
	"AudioLevel":             "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
	"SsrcAudioLevel":         "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
	"DependencyDescriptor":   "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension",
	"FrameMarkingDraft07":    "http://tools.ietf.org/html/draft-ietf-avtext-framemarking-07",
	"FrameMarking":           "urn:ietf:params:rtp-hdrext:framemarking",
	"VideoOrientation":       "urn:3gpp:video-orientation",
	"TimeOffset":             "urn:ietf:params:rtp-hdrext:toffset",
	"AbsCaptureTime":         "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time",
	"PlayoutDelay":           "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay",
	"MediasoupPacketId":      "urn:mediasoup:params:rtp-hdrext:packet-id",
}

// spelling is the word of ours for a value of an enumeration.
func spelling(name string) string {
	if s, ok := spellings[name]; ok {
		return s
	}
	return strings.ToLower(name)
}

// armOf chooses the arm of a union that is inlined.
func armOf(union string, v reflect.Value) string {
	switch body := v.Interface().(type) {
	case proto.RTPStreamStats:
		if body.Type == "inbound-rtp" {
			return "RecvStats"
		}
		return "SendStats"
	case proto.WebRTCTransportOptions:
		if body.WebRTCServerID != "" {
			return "ListenServer"
		}
		return "ListenIndividual"
	}
	panic("fbwire: nobody chooses an arm of " + union)
}
