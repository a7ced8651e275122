package ortc

import "gazpacho/proto"

// Header extensions that rules of this package speak of.
const (
	midURI                  = "urn:ietf:params:rtp-hdrext:sdes:mid"                    // RFC 8843
	ridURI                  = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"          // RFC 8852
	repairedRIDURI          = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id" // RFC 8852
	audioLevelURI           = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"            // RFC 6464
	timeOffsetURI           = "urn:ietf:params:rtp-hdrext:toffset"                     // RFC 5450
	videoOrientationURI     = "urn:3gpp:video-orientation"                             // 3GPP TS 26.114
	absSendTimeURI          = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
	absCaptureTimeURI       = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time"
	playoutDelayURI         = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"
	transportCCURI          = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
	dependencyDescriptorURI = "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension"
	packetIDURI             = "urn:mediasoup:params:rtp-hdrext:packet-id"
)

// Directions of a header extension, seen from the router.
const (
	sendRecv = "sendrecv"
	sendOnly = "sendonly"
	recvOnly = "recvonly"
)

// dependencyDescriptorID is what a pipe consumer announces the dependency descriptor by.
const dependencyDescriptorID = 7

// supportedHeaderExtensions lists what the router receives and sends, by kind. Ids are the router's choice, the same
// for audio and video since both may share a transport (RFC 8843). recvonly ones are ended by the router:
// RIDs become SSRCs, and audio consumers are not congestion controlled. The dependency descriptor stays out of
// offers to endpoints that would have to keep it true while layers are dropped.
func supportedHeaderExtensions() []proto.RTPHeaderExtension {
	return []proto.RTPHeaderExtension{
		extension(proto.Audio, midURI, 1, sendRecv),
		extension(proto.Video, midURI, 1, sendRecv),
		extension(proto.Video, ridURI, 2, recvOnly),
		extension(proto.Video, repairedRIDURI, 3, recvOnly),
		extension(proto.Audio, absSendTimeURI, 4, sendRecv),
		extension(proto.Video, absSendTimeURI, 4, sendRecv),
		extension(proto.Audio, transportCCURI, 5, recvOnly),
		extension(proto.Video, transportCCURI, 5, sendRecv),
		extension(proto.Audio, audioLevelURI, 6, sendRecv),
		extension(proto.Video, dependencyDescriptorURI, dependencyDescriptorID, recvOnly),
		extension(proto.Video, videoOrientationURI, 8, sendRecv),
		extension(proto.Video, timeOffsetURI, 9, sendRecv),
		extension(proto.Audio, absCaptureTimeURI, 10, sendRecv),
		extension(proto.Video, absCaptureTimeURI, 10, sendRecv),
		extension(proto.Audio, playoutDelayURI, 11, sendRecv),
		extension(proto.Video, playoutDelayURI, 11, sendRecv),
		extension(proto.Audio, packetIDURI, 12, sendRecv),
		extension(proto.Video, packetIDURI, 12, sendRecv),
	}
}

func extension(kind, uri string, id int, direction string) proto.RTPHeaderExtension {
	return proto.RTPHeaderExtension{Kind: kind, URI: uri, PreferredID: id, Direction: direction}
}

// hasExtension tells whether one of them has the URI.
func hasExtension(extensions []proto.RTPHeaderExtensionParameters, uri string) bool {
	for _, e := range extensions {
		if e.URI == uri {
			return true
		}
	}
	return false
}
