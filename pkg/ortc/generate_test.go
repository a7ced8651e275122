package ortc

import (
	"math/rand/v2"
	"strings"
)

// object is a JSON object under construction.
type object = map[string]any

// generator makes random but mostly sensible inputs from a seed.
type generator struct {
	*rand.Rand
}

func newGenerator(seed uint64) generator {
	return generator{rand.New(rand.NewPCG(seed, 0x6f727463))}
}

func (g generator) oneIn(n int) bool { return g.IntN(n) == 0 }

func pick[T any](g generator, list ...T) T { return list[g.IntN(len(list))] }

// subset keeps each with a chance of one in n to drop it.
func subset[T any](g generator, list []T, n int) []T {
	kept := []T{}
	for _, v := range list {
		if !g.oneIn(n) {
			kept = append(kept, v)
		}
	}
	return kept
}

// profileLevelIDs hold all profiles, several spellings, and some that nobody knows. Level 1b is tested by itself, since mediasoup errs.
var profileLevelIDs = []any{
	"42e01f", "42E01F", "42001f", "4d0032", "4d001f", "4d401f", "640c1f", "64001f", "640032", "f4001f", "58c01f", "58801e",
	"42e00a", "42e034", "4d8015",
	"000000", "42e0ff", "6e001f", "zzzzzz", "42e01", "", 0, 420010,
}

// format makes a codec without a payload type: MIME type, clock rate, channels and parameters.
func (g generator) format(kind string) object {
	var c object
	if kind == "audio" {
		c = pick(g,
			object{"mimeType": "audio/opus", "clockRate": 48000, "channels": 2},
			object{"mimeType": "audio/opus", "clockRate": 48000, "channels": 2},
			object{"mimeType": "audio/multiopus", "clockRate": 48000, "channels": 4},
			object{"mimeType": "audio/multiopus", "clockRate": 48000, "channels": 6},
			object{"mimeType": "audio/PCMU", "clockRate": 8000},
			object{"mimeType": "audio/PCMA", "clockRate": 8000, "channels": 1},
			object{"mimeType": "audio/G722", "clockRate": 8000},
			object{"mimeType": "audio/ISAC", "clockRate": pick(g, 16000, 32000)},
			object{"mimeType": "audio/SILK", "clockRate": pick(g, 8000, 12000, 16000, 24000)},
			object{"mimeType": "audio/CN", "clockRate": pick(g, 8000, 16000, 32000)},
			object{"mimeType": "audio/telephone-event", "clockRate": pick(g, 8000, 48000)},
		)
	} else {
		c = object{"mimeType": pick(g, "video/VP8", "video/VP9", "video/H264", "video/H264", "video/AV1"), "clockRate": 90000}
	}
	switch c["mimeType"] {
	case "audio/multiopus":
		c["parameters"] = object{"num_streams": pick[any](g, 2, 2, 4, "2"), "coupled_streams": 2, "channel_mapping": "0,1,2,3"}
	case "video/H264":
		c["parameters"] = g.h264()
	case "video/VP9":
		c["parameters"] = g.some(object{"profile-id": pick[any](g, 0, 0, 2, "0", "")})
	default:
		c["parameters"] = g.some(object{"useinbandfec": 1, "x-google-start-bitrate": 1500.5, "foo": "bar"})
	}
	if g.oneIn(8) {
		c["mimeType"] = pick(g, strings.ToLower, strings.ToUpper)(c["mimeType"].(string))
	}
	return c
}

func (g generator) h264() object {
	return g.some(object{
		"profile-level-id":        pick(g, "42e01f", pick(g, profileLevelIDs...)),
		"packetization-mode":      pick[any](g, 0, 1, 1, "1"),
		"level-asymmetry-allowed": pick[any](g, 0, 1, 1, "1", "0"),
	})
}

// some drops a field now and then.
func (g generator) some(o object) object {
	for _, key := range []string{
		"profile-level-id", "packetization-mode", "level-asymmetry-allowed", "profile-id",
		"useinbandfec", "x-google-start-bitrate", "foo",
	} {
		if g.oneIn(3) {
			delete(o, key)
		}
	}
	return o
}

func (g generator) feedback() []any {
	return subset(g, []any{
		object{"type": "nack"},
		object{"type": "nack", "parameter": "pli"},
		object{"type": "ccm", "parameter": "fir"},
		object{"type": "goog-remb", "parameter": ""},
		object{"type": "transport-cc"},
		object{"type": "foo", "parameter": "bar"},
	}, 4)
}

// mediaCodecs make a router; now and then they cannot.
func (g generator) mediaCodecs() []any {
	codecs := []any{}
	for range pick(g, 0, 1, 2, 2, 3, 3, 4) {
		c := g.format(pick(g, "audio", "video", "video"))
		c["kind"] = pick(g, "audio", "video")
		if g.oneIn(6) {
			c["preferredPayloadType"] = pick(g, 0, 8, 96, 100, 101, 102, 110, 125, 127, 35)
		}
		if g.oneIn(4) {
			c["rtcpFeedback"] = g.feedback()
		}
		if g.oneIn(30) {
			c = pick(g, object{"mimeType": "audio/chicken", "clockRate": 48000}, object{"mimeType": "audio/opus", "clockRate": 48000},
				object{"mimeType": "text/plain", "clockRate": 1}, object{"mimeType": "video/H264"})
		}
		codecs = append(codecs, c)
	}
	if g.oneIn(100) {
		for range 40 {
			codecs = append(codecs, object{"mimeType": "audio/opus", "clockRate": 48000, "channels": 2})
		}
	}
	return codecs
}

// parameters are a producer's, mostly with codecs that the media codecs make possible.
func (g generator) parameters(kind string, mediaCodecs []any) object {
	params := object{
		"codecs":           g.producerCodecs(kind, mediaCodecs),
		"headerExtensions": g.extensionParameters(),
		"encodings":        g.encodings(),
		"rtcp":             object{"cname": "c"},
	}
	if g.oneIn(3) {
		params["mid"] = pick(g, "0", "audio")
		params["msid"] = "stream track"
		params["rtcp"] = pick(g, object{}, object{"reducedSize": false}, object{"cname": "d", "reducedSize": true})
	}
	if g.oneIn(20) {
		delete(params, pick(g, "headerExtensions", "encodings", "rtcp"))
	}
	return params
}

func (g generator) producerCodecs(kind string, mediaCodecs []any) []any {
	codecs := []any{}
	for i := range 1 + g.IntN(3) {
		c := g.format(kind)
		if len(mediaCodecs) > 0 && !g.oneIn(12) {
			c = g.like(pick(g, mediaCodecs...).(object))
		}
		pt := 96 + 2*i
		c["payloadType"] = pt
		c["rtcpFeedback"] = g.feedback()
		codecs = append(codecs, c)
		isVideo := strings.HasPrefix(strings.ToLower(c["mimeType"].(string)), "video/")
		if isVideo && !g.oneIn(3) || g.oneIn(20) {
			rtx := object{"mimeType": pick(g, "video/rtx", "video/RTX"), "payloadType": pt + 1, "clockRate": c["clockRate"], "parameters": object{"apt": pt}}
			if g.oneIn(20) {
				rtx["parameters"] = pick(g, object{}, object{"apt": 55}, object{"apt": 96.5})
			}
			codecs = append(codecs, rtx)
		}
	}
	g.Shuffle(len(codecs), func(i, j int) { codecs[i], codecs[j] = codecs[j], codecs[i] })
	return codecs
}

// like is a codec with the same format, H264 perhaps with another level.
func (g generator) like(c object) object {
	l := object{}
	for _, key := range []string{"mimeType", "clockRate", "channels"} {
		if v, ok := c[key]; ok {
			l[key] = v
		}
	}
	if parameters, ok := c["parameters"].(object); ok {
		copied := object{}
		for key, value := range parameters {
			copied[key] = value
		}
		if id, ok := copied["profile-level-id"].(string); ok && len(id) == 6 && g.oneIn(2) {
			copied["profile-level-id"] = id[:4] + pick(g, "0a", "0c", "14", "1e", "1f", "28", "34")
		}
		if _, ok := copied["level-asymmetry-allowed"]; ok && g.oneIn(2) {
			copied["level-asymmetry-allowed"] = pick[any](g, 0, 1)
		}
		l["parameters"] = copied
	}
	return l
}

func (g generator) extensionParameters() []any {
	extensions := []any{}
	for i, e := range subset(g, supportedHeaderExtensions(), 3) {
		p := object{"uri": e.URI, "id": 1 + i%14}
		if g.oneIn(5) {
			p["encrypt"] = g.oneIn(2)
			p["parameters"] = object{"vad": "on", "n": 3}
		}
		extensions = append(extensions, p)
	}
	return extensions
}

func (g generator) encodings() []any {
	encodings := []any{}
	for i := range g.IntN(4) {
		e := object{}
		switch g.IntN(3) {
		case 0:
			e["ssrc"] = 1000 + i
			e["rtx"] = object{"ssrc": 2000 + i}
		case 1:
			e["rid"] = pick(g, "r", "hi") + string(rune('0'+i))
			e["codecPayloadType"] = 96
		}
		if g.oneIn(2) {
			e["scalabilityMode"] = pick(g, "L1T3", "L3T3_KEY", "S2T1", "L2T2h", "L10T99", "", "l1t3", "L0T1", "L1T100")
		}
		if g.oneIn(2) {
			e["maxBitrate"] = pick(g, 0, 111111, 5_000_000)
		}
		if g.oneIn(2) {
			e["dtx"] = g.oneIn(2)
		}
		encodings = append(encodings, e)
	}
	return encodings
}

// remote is what an endpoint of a router can receive: some of the router's capabilities, changed here and there.
func (g generator) remote(router object) object {
	codecs := []any{}
	for _, c := range subset(g, router["codecs"].([]any), 6) {
		r := g.like(c.(object))
		r["kind"] = "video"
		r["preferredPayloadType"] = c.(object)["preferredPayloadType"]
		r["rtcpFeedback"] = g.feedback()
		codecs = append(codecs, r)
	}
	g.Shuffle(len(codecs), func(i, j int) { codecs[i], codecs[j] = codecs[j], codecs[i] })
	extensions := []any{}
	for _, e := range subset(g, router["headerExtensions"].([]any), pick(g, 2, 4, 20)) {
		r := object{"kind": e.(object)["kind"], "uri": e.(object)["uri"], "preferredId": e.(object)["preferredId"]}
		if g.oneIn(10) {
			r["preferredId"] = 13
		}
		if g.oneIn(10) {
			r["direction"] = pick(g, "recvonly", "inactive", "sideways")
			r["preferredEncrypt"] = true
		}
		extensions = append(extensions, r)
	}
	return object{"codecs": codecs, "headerExtensions": extensions}
}
