package ortc

import (
	"testing"

	"gazpacho/proto"
)

func TestDecodeCapabilities(t *testing.T) {
	caps, err := DecodeRTPCapabilities([]byte(`{"codecs":[{"mimeType":"audio/opus","preferredPayloadType":100,"clockRate":48000,"channels":2,
		"parameters":{"useinbandfec":1}}],"headerExtensions":null,"unknown":[{}]}`))
	if err != nil {
		t.Fatal(err)
	}
	sameJSON(t, caps, `{"codecs":[{"kind":"audio","mimeType":"audio/opus","preferredPayloadType":100,"clockRate":48000,"channels":2,
		"parameters":{"useinbandfec":1},"rtcpFeedback":[]}],"headerExtensions":[]}`)
	for input, path := range map[string]string{
		`null`:                                   "",
		` null `:                                 "",
		``:                                       "",
		`{`:                                      "",
		`{}{}`:                                   "",
		`[]`:                                     "",
		`"caps"`:                                 "",
		`{"codecs":{}}`:                          "codecs",
		`{"codecs":[{"clockRate":"90000"}]}`:     "codecs.clockRate",
		`{"codecs":[null]}`:                      "codecs[0].mimeType",
		`{"headerExtensions":[null]}`:            "headerExtensions[0].kind",
		`{"codecs":[{"parameters":["a"]}]}`:      "codecs.parameters",
		`{"headerExtensions":[{"uri":1}]}`:       "headerExtensions.uri",
		`{"codecs":[{"rtcpFeedback":["nack"]}]}`: "codecs.rtcpFeedback",
	} {
		if _, err := DecodeRTPCapabilities([]byte(input)); err == nil || err.Name != proto.TypeErrorName || err.Path != path || err.Message == "" {
			t.Errorf("%s: %+v, want path %q", input, err, path)
		}
	}
}

func TestDecodeParameters(t *testing.T) {
	params, err := DecodeRTPParameters([]byte(`{"codecs":[{"mimeType":"audio/PCMU","payloadType":0,"clockRate":8000}],
		"encodings":[{}],"mid":null,"rtcp":null}`))
	if err != nil {
		t.Fatal(err)
	}
	sameJSON(t, params, `{"codecs":[{"mimeType":"audio/PCMU","payloadType":0,"clockRate":8000,"channels":1,"parameters":{},"rtcpFeedback":[]}],
		"headerExtensions":[],"encodings":[{"dtx":false}],"rtcp":{"reducedSize":true}}`)
	for input, path := range map[string]string{
		`null`: "",
		`{}`:   "codecs",
		`{"codecs":[{"mimeType":"audio/PCMU","clockRate":8000}]}`:                                         "codecs[0].payloadType",
		`{"codecs":[{"mimeType":"audio/PCMU","clockRate":8000,"payloadType":null}]}`:                      "codecs[0].payloadType",
		`{"codecs":[{"mimeType":"audio/PCMU","clockRate":8000,"payloadType":300}]}`:                       "codecs.payloadType",
		`{"codecs":[{"mimeType":"audio/PCMU","clockRate":8000,"payloadType":-1}]}`:                        "codecs.payloadType",
		`{"codecs":[{"mimeType":"audio/PCMU","clockRate":8000.5,"payloadType":0}]}`:                       "codecs.clockRate",
		`{"codecs":[{"mimeType":"audio/PCMU","clockRate":8000,"payloadType":0,"parameters":{"a":null}}]}`: "codecs[0].parameters.a",
		`{"codecs":[],"encodings":[null]}`:                                                                "encodings[0]",
		`{"codecs":[],"encodings":[{"rtx":{}}]}`:                                                          "encodings[0].rtx.ssrc",
		`{"codecs":[],"rtcp":[]}`:                                                                         "rtcp",
		`{"codecs":[],"mid":5}`:                                                                           "mid",
	} {
		if _, err := DecodeRTPParameters([]byte(input)); err == nil || err.Name != proto.TypeErrorName || err.Path != path || err.Message == "" {
			t.Errorf("%s: %+v, want path %q", input, err, path)
		}
	}
}
