package ortc

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"gazpacho/proto"
)

// declared are the types that mediasoup's library declares, and ours that bear the same fields: what is dumped, counted and told.
var declared = map[string]any{
	"WorkerDump": proto.WorkerDump{}, "WorkerResourceUsage": proto.ResourceUsage{}, "WebRtcServerDump": proto.WebRTCServerDump{},
	"IpPort": proto.IPPort{}, "IceUserNameFragment": proto.ICEUsernameFragment{}, "RouterDump": proto.RouterDump{},
	"BaseTransportDump": proto.TransportDump{}, "BaseTransportStats": proto.TransportStats{},
	"WebRtcTransportDump": proto.WebRTCTransportDump{}, "WebRtcTransportStat": proto.WebRTCTransportStats{},
	"PlainTransportDump": proto.PlainTransportDump{}, "PlainTransportStat": proto.PlainTransportStats{},
	"PipeTransportDump": proto.PipeTransportDump{}, "PipeTransportStat": proto.PipeTransportStats{},
	"DirectTransportStat": proto.DirectTransportStats{},
	"TransportTuple":      proto.TransportTuple{}, "TransportListenInfo": proto.ListenInfo{}, "TransportPortRange": proto.PortRange{},
	"TransportSocketFlags": proto.SocketFlags{}, "RtpListenerDump": proto.RTPListenerDump{}, "SctpListenerDump": proto.SCTPListenerDump{},
	"RecvRtpHeaderExtensions": proto.RecvRTPHeaderExtensions{}, "TransportTraceEventData": proto.TraceEvent{},
	"IceParameters": proto.ICEParameters{}, "IceCandidate": proto.ICECandidate{}, "DtlsParameters": proto.DTLSParameters{}, "DtlsFingerprint": proto.DTLSFingerprint{},
	"SrtpParameters": proto.SRTPParameters{}, "SctpParameters": proto.SCTPParameters{}, "SctpNegotiatedCapabilities": proto.SCTPNegotiatedCapabilities{},
	"SctpStreamParameters": proto.SCTPStreamParameters{},
	"ProducerDump":         proto.ProducerDump{}, "ProducerScore": proto.StreamScore{}, "ProducerVideoOrientation": proto.VideoOrientation{},
	"ProducerTraceEventData": proto.TraceEvent{}, "BaseConsumerDump": proto.ConsumerDump{}, "SimpleConsumerDump": proto.ConsumerDump{},
	"SimulcastConsumerDump": proto.ConsumerDump{}, "PipeConsumerDump": proto.ConsumerDump{}, "ConsumerScore": proto.ConsumerScore{},
	"ConsumerLayers": proto.ConsumerLayers{}, "ConsumerTraceEventData": proto.TraceEvent{},
	"RtpStreamDump": proto.RTPStreamDump{}, "RtpStreamParametersDump": proto.RTPStreamParams{}, "RtxStreamDump": proto.RTXStreamDump{}, "RtxStreamParameters": proto.RTXStreamParams{},
	"BaseRtpStreamStats": proto.RTPStreamStats{}, "RtpStreamRecvStats": proto.RTPStreamStats{}, "RtpStreamSendStats": proto.RTPStreamStats{},
	"DataProducerDump": proto.DataProducerDump{}, "DataProducerStat": proto.DataProducerStats{}, "DataConsumerDump": proto.DataConsumerDump{}, "DataConsumerStat": proto.DataConsumerStats{},
	"RtpCapabilities": proto.RTPCapabilities{}, "RtpHeaderExtension": proto.RTPHeaderExtension{}, "RtpParameters": proto.RTPParameters{},
	"RtpCodecParameters": proto.RTPCodecParameters{}, "RtcpFeedback": proto.RTCPFeedback{}, "RtpEncodingParameters": proto.RTPEncodingParameters{},
	"RtpHeaderExtensionParameters": proto.RTPHeaderExtensionParameters{}, "RtcpParameters": proto.RTCPParameters{},
}

// elsewhere are fields that are not a worker's business, or that it spells otherwise.
var elsewhere = map[string]string{
	"TransportListenInfo.announcedIp": "the older name of announcedAddress, which the controller's libraries translate",
	"RtcpParameters.mux":              "what older clients say, and nobody reads",
}

// sometimes are fields that must be there in a dump of one type, and cannot be in one of another that ours has in the same struct.
var sometimes = map[string]bool{
	"SimpleConsumerDump.rtpStream": true, "SimulcastConsumerDump.rtpStream": true, "RtpStreamRecvStats.bitrateByLayer": true,
	"SimulcastConsumerDump.preferredSpatialLayer": true, "SimulcastConsumerDump.targetSpatialLayer": true, "SimulcastConsumerDump.currentSpatialLayer": true,
	"SimulcastConsumerDump.preferredTemporalLayer": true, "SimulcastConsumerDump.targetTemporalLayer": true, "SimulcastConsumerDump.currentTemporalLayer": true,
}

var (
	comments   = regexp.MustCompile(`(?s)/\*.*?\*/`)
	typesOf    = regexp.MustCompile(`(?ms)^export type (\w+)(?:<[^>]*>)? = (?:[\w<>]+ & )?\{\n(.*?)^\}`)
	fieldsOf   = regexp.MustCompile(`(?m)^ {4}(\w+)(\??): `)
	oneLiners  = regexp.MustCompile(`(?s)\{\n {8}.*?\n {4}\}`)
	requestsOf = []string{"TransportListenInfo", "TransportPortRange", "TransportSocketFlags", "SctpStreamParameters", "ConsumerLayers"} // what is asked, whose rules are the schema's
)

// Every field that mediasoup's library declares of what a worker dumps, counts and tells is in ours, under its name; and what is always there in
// theirs, is in ours.
func TestFieldsAsDeclared(t *testing.T) {
	newOracle(t) // installs the library
	files, err := filepath.Glob("oracle/node_modules/mediasoup/node/lib/*Types.d.ts")
	if err != nil || len(files) < 15 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	seen := map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range typesOf.FindAllStringSubmatch(comments.ReplaceAllString(string(text), ""), -1) {
			name := m[1]
			ours, known := declared[name]
			if !known {
				continue
			}
			seen[name] = true
			compareFields(t, name, oneLiners.ReplaceAllString(m[2], "{}"), reflect.TypeOf(ours))
		}
	}
	for name := range declared {
		if !seen[name] {
			t.Errorf("mediasoup declares no %s", name)
		}
	}
}

func compareFields(t *testing.T, name, body string, ours reflect.Type) {
	t.Helper()
	optional := map[string]bool{}
	for _, f := range reflect.VisibleFields(ours) {
		if !f.Anonymous {
			key, rest, _ := strings.Cut(f.Tag.Get("json"), ",")
			optional[key] = rest == "omitempty"
		}
	}
	fields := fieldsOf.FindAllStringSubmatch(body, -1)
	if len(fields) == 0 {
		t.Errorf("%s has no fields: %s", name, body)
	}
	for _, f := range fields {
		key, theirs := f[1], f[2] == "?"
		at := name + "." + key
		absent, there := optional[key]
		switch {
		case elsewhere[at] != "":
		case !there:
			t.Errorf("%s: there is no %s", ours, key)
		case absent && !theirs && !sometimes[at] && !contains(requestsOf, name):
			t.Errorf("%s: %s may be absent, in %s it may not", ours, key, name)
		}
	}
}

func contains(list []string, s string) bool {
	for _, e := range list {
		if e == s {
			return true
		}
	}
	return false
}
