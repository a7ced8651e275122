package control

import (
	"slices"
	"strings"

	"gazpacho/proto"
)

// dependencyDescriptor is the header extension that tells what frames refer to (RTP Payload Format For AV1, appendix A).
const dependencyDescriptor = "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension"

// describe has a router that forwards AV1 send the dependency descriptor as well as receive it. mediasoup's routers receive it only; but browsers
// put the spatial layers of AV1 together by nothing else, and our consumers keep it true (pkg/consumer/SVC.md).
func describe(c *proto.RTPCapabilities) {
	av1 := func(c proto.RTPCodecCapability) bool { return strings.EqualFold(c.MimeType, "video/AV1") }
	if !slices.ContainsFunc(c.Codecs, av1) {
		return
	}
	for i := range c.HeaderExtensions {
		if x := &c.HeaderExtensions[i]; x.URI == dependencyDescriptor {
			x.Direction = "sendrecv"
		}
	}
}
