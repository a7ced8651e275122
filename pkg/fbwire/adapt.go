package fbwire

import (
	"reflect"
	"slices"
	"strings"

	"gazpacho/proto"
)

// decoded is told of structs when they are read, to say in our words what the libraries say in theirs.
var decoded = map[reflect.Type]func(c *Codec, v any){
	reflect.TypeFor[proto.ListenInfo](): func(c *Codec, v any) { c.listenInfo(v.(*proto.ListenInfo)) },
	reflect.TypeFor[proto.WebRTCTransportOptions](): func(_ *Codec, v any) {
		o := v.(*proto.WebRTCTransportOptions)
		listenTogether(o)
		fit(&o.SCTPOptions)
	},
	reflect.TypeFor[proto.PlainTransportOptions](): func(_ *Codec, v any) { fit(&v.(*proto.PlainTransportOptions).SCTPOptions) },
	reflect.TypeFor[proto.PipeTransportOptions]():  func(_ *Codec, v any) { fit(&v.(*proto.PipeTransportOptions).SCTPOptions) },
	reflect.TypeFor[proto.EnableTraceEvent]():      func(_ *Codec, v any) { once(&v.(*proto.EnableTraceEvent).Types) },
	reflect.TypeFor[proto.RTPCodecParameters]():    func(_ *Codec, v any) { canonical(&v.(*proto.RTPCodecParameters).MimeType) },
}

// listenInfo takes a range of two zeros as none, and no port and no range as the range of the worker's settings.
func (c *Codec) listenInfo(info *proto.ListenInfo) {
	if r := info.PortRange; r != nil && r.Min == 0 && r.Max == 0 {
		info.PortRange = nil
	}
	if info.Port == 0 && info.PortRange == nil {
		info.PortRange = c.ports
	}
}

// listenTogether takes listen infos as they are. What is enabled and preferred is for WebRtcServers, whose sockets a transport chooses from; here a
// library has made the list, and its order, from that.
func listenTogether(o *proto.WebRTCTransportOptions) {
	if o.WebRTCServerID == "" {
		yes := true
		o.EnableUDP, o.EnableTCP, o.PreferUDP, o.PreferTCP = &yes, &yes, false, false
	}
}

// maxSize is the largest message or buffer that proto knows.
const maxSize = 8 << 20

// fit makes sizes fit this worker, which has limits of its own: libraries until 3.20 ask for messages of 256 MiB between routers.
func fit(o *proto.SCTPOptions) {
	for _, size := range []*int{
		&o.MaxSendMessageSize, &o.MaxReceiveMessageSize, &o.SCTPSendBufferSize, &o.SCTPPerStreamSendQueueLimit, &o.SCTPMaxReceiverWindowBufferSize,
	} {
		*size = min(*size, maxSize)
	}
}

// once leaves every word in a list once: the libraries write the first type of traces for names they do not know.
func once(words *[]string) {
	var kept []string
	for _, w := range *words {
		if !slices.Contains(kept, w) {
			kept = append(kept, w)
		}
	}
	*words = kept
}

// subtypes are codecs as their registrations write them; what is none of them is left as it is.
var subtypes = []string{
	"opus", "multiopus", "PCMA", "PCMU", "ISAC", "G722", "iLBC", "SILK", "CN", "telephone-event", "VP8", "VP9", "H264", "H265", "AV1", "rtx", "ulpfec",
	"flexfec", "x-ulpfecuc", "red",
}

// canonical writes a MIME type as the libraries expect to read it, whatever the case they sent it in.
func canonical(mimeType *string) {
	kind, subtype, ok := strings.Cut(*mimeType, "/")
	if !ok {
		return
	}
	if i := slices.IndexFunc(subtypes, func(s string) bool { return strings.EqualFold(s, subtype) }); i >= 0 {
		*mimeType = strings.ToLower(kind) + "/" + subtypes[i]
	}
}
