package proto

// Kinds of media.
const (
	Audio = "audio"
	Video = "video"
)

// Types of producers and consumers.
const (
	Simple    = "simple"
	Simulcast = "simulcast"
	SVC       = "svc"
	Pipe      = "pipe"
)

// RTPCapabilities is what an endpoint can receive.
type RTPCapabilities struct {
	Codecs           []RTPCodecCapability `json:"codecs"`
	HeaderExtensions []RTPHeaderExtension `json:"headerExtensions"`
}

// CodecParameters are codec-specific: strings and numbers by name, the numbers as float64 or any integer type.
type CodecParameters map[string]any

// RTPCodecCapability is one codec of RTPCapabilities. A router's media codecs may leave PreferredPayloadType to the router.
type RTPCodecCapability struct {
	Kind                 string          `json:"kind"`                           // audio or video
	MimeType             string          `json:"mimeType"`                       // kind, slash and codec, as in video/VP8
	PreferredPayloadType *uint8          `json:"preferredPayloadType,omitempty"` // new in the list
	ClockRate            int             `json:"clockRate"`                      // Hz
	Channels             int             `json:"channels,omitempty"`             // of audio
	Parameters           CodecParameters `json:"parameters"`                     // of the codec: packetization-mode, profile-level-id …
	RTCPFeedback         []RTCPFeedback  `json:"rtcpFeedback"`
}

// RTPHeaderExtension is one header extension of RTPCapabilities.
type RTPHeaderExtension struct {
	Kind             string `json:"kind"`             // audio or video
	URI              string `json:"uri"`              // what it is
	PreferredID      int    `json:"preferredId"`      // in the packets
	PreferredEncrypt bool   `json:"preferredEncrypt"` // accepted, and of no effect
	Direction        string `json:"direction"`        // sendrecv, sendonly, recvonly or inactive
}

// RTPParameters is what one producer sends or one consumer receives.
type RTPParameters struct {
	MID              string                         `json:"mid,omitempty"`        // tells streams of a transport apart (RFC 8843)
	Codecs           []RTPCodecParameters           `json:"codecs" needed:"true"` // media codecs, each followed by its RTX
	HeaderExtensions []RTPHeaderExtensionParameters `json:"headerExtensions"`
	Encodings        []RTPEncodingParameters        `json:"encodings" needed:"true"` // lowest quality first
	RTCP             RTCPParameters                 `json:"rtcp"`
	MSID             string                         `json:"msid,omitempty"` // of the MediaStream (RFC 8830)
}

// RTPCodecParameters is one codec of RTPParameters.
type RTPCodecParameters struct {
	MimeType     string          `json:"mimeType"`                        // kind, slash and codec, as in video/VP8
	PayloadType  uint8           `json:"payloadType" max:"127"`           // new in the list
	ClockRate    int             `json:"clockRate" needed:"true" min:"1"` // Hz
	Channels     int             `json:"channels,omitempty"`              // of audio
	Parameters   CodecParameters `json:"parameters"`                      // of the codec: apt, profile-level-id, useinbandfec …
	RTCPFeedback []RTCPFeedback  `json:"rtcpFeedback"`
}

// RTCPFeedback is a kind of feedback (RFC 4585 section 4.2): {"nack",""}, {"nack","pli"}, {"ccm","fir"} …
type RTCPFeedback struct {
	Type      string `json:"type"`      // nack, ccm, goog-remb, transport-cc
	Parameter string `json:"parameter"` // pli or fir; empty is none
}

// RTPHeaderExtensionParameters is one header extension of RTPParameters.
type RTPHeaderExtensionParameters struct {
	URI        string          `json:"uri"`                                // what it is; unknown ones are not looked at
	ID         int             `json:"id" needed:"true" min:"1" max:"255"` // in the packets
	Encrypt    bool            `json:"encrypt"`                            // ignored if true: the extension is not used
	Parameters CodecParameters `json:"parameters"`                         // accepted, and of no effect
}

// RTPEncodingParameters is one stream of RTPParameters. SSRC 0 is absent.
type RTPEncodingParameters struct {
	SSRC             uint32       `json:"ssrc,omitempty"`
	RID              string       `json:"rid,omitempty"`              // tells the encodings of a producer apart (RFC 8851)
	CodecPayloadType *uint8       `json:"codecPayloadType,omitempty"` // absent is the first media codec
	RTX              *RTXEncoding `json:"rtx,omitempty"`
	DTX              *bool        `json:"dtx,omitempty"`             // silence is not sent; absent is false
	ScalabilityMode  string       `json:"scalabilityMode,omitempty"` // layers, as in L3T3_KEY
	MaxBitrate       int          `json:"maxBitrate,omitempty"`      // bit/s, for the peer
}

// RTXEncoding is the retransmission stream of an encoding.
type RTXEncoding struct {
	SSRC uint32 `json:"ssrc"` // another than that of the media
}

// RTCPParameters of RTPParameters. ReducedSize is effectively always true.
type RTCPParameters struct {
	CNAME       string `json:"cname,omitempty"` // of the sender (RFC 3550 section 6.5.1)
	ReducedSize bool   `json:"reducedSize"`
}

// RTPMapping tells a producer which payload types and SSRCs its router knows its streams by.
type RTPMapping struct {
	Codecs    []CodecMapping    `json:"codecs" needed:"true"`    // one per payload type
	Encodings []EncodingMapping `json:"encodings" needed:"true"` // one per encoding, in the same order
}

// CodecMapping maps a producer's payload type to the router's.
type CodecMapping struct {
	PayloadType       uint8 `json:"payloadType"`       // the producer's
	MappedPayloadType uint8 `json:"mappedPayloadType"` // the router's
}

// EncodingMapping maps a producer's stream to MappedSSRC, by which its router knows it. Mappings are in the order of the encodings; RID and SSRC repeat
// those of the encoding for readers, and are not looked at.
type EncodingMapping struct {
	RID        string `json:"rid,omitempty"`
	SSRC       uint32 `json:"ssrc,omitempty"`
	MappedSSRC uint32 `json:"mappedSsrc" needed:"true" min:"1"` // new in the producer
}
