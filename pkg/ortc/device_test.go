package ortc

import (
	"slices"
	"testing"

	"gazpacho/proto"
)

// browser is what a browser can send and receive, in its own numbers: codecs of both kinds, retransmissions,
// extensions. Browsers differ in what they leave out.
func (g generator) browser() object {
	h264 := func(id string, mode int) object {
		return object{"profile-level-id": id, "packetization-mode": mode, "level-asymmetry-allowed": 1}
	}
	formats := []object{
		{"kind": "audio", "mimeType": "audio/opus", "clockRate": 48000, "channels": 2, "parameters": object{"minptime": 10, "useinbandfec": 1}},
		{"kind": "audio", "mimeType": "audio/PCMU", "clockRate": 8000, "channels": 1},
		{"kind": "audio", "mimeType": "audio/foo", "clockRate": 90000, "channels": 4},
		{"kind": "video", "mimeType": "video/VP8", "clockRate": 90000},
		{"kind": "video", "mimeType": "video/VP9", "clockRate": 90000, "parameters": object{"profile-id": 0}},
		{"kind": "video", "mimeType": "video/VP9", "clockRate": 90000, "parameters": object{"profile-id": 2}},
		{"kind": "video", "mimeType": "video/H264", "clockRate": 90000, "parameters": h264("42001f", 1)},
		{"kind": "video", "mimeType": "video/H264", "clockRate": 90000, "parameters": h264("42e01f", 1)},
		{"kind": "video", "mimeType": "video/H264", "clockRate": 90000, "parameters": h264("42e01f", 0)},
		{"kind": "video", "mimeType": "video/H264", "clockRate": 90000, "parameters": h264("4d001f", 1)},
		{"kind": "video", "mimeType": "video/AV1", "clockRate": 90000},
		{"kind": "video", "mimeType": "video/BAZ", "clockRate": 90000},
	}
	g.Shuffle(len(formats), func(i, j int) { formats[i], formats[j] = formats[j], formats[i] })
	codecs, pt := []any{}, 40
	for _, c := range subset(g, formats, 3) {
		c["preferredPayloadType"] = pt
		c["rtcpFeedback"] = g.feedback()
		if c["parameters"] == nil {
			c["parameters"] = object{}
		}
		codecs = append(codecs, c)
		if c["kind"] == "video" && !g.oneIn(5) {
			codecs = append(codecs, object{
				"kind": "video", "mimeType": "video/rtx", "clockRate": 90000,
				"preferredPayloadType": pt + 1, "parameters": object{"apt": pt}, "rtcpFeedback": []any{},
			})
		}
		pt += 2
	}
	extensions := []any{}
	for i, e := range subset(g, supportedHeaderExtensions(), 3) {
		extensions = append(extensions, object{"kind": e.Kind, "uri": e.URI, "preferredId": 1 + i, "preferredEncrypt": false, "direction": "sendrecv"})
	}
	return object{"codecs": codecs, "headerExtensions": extensions}
}

// routerCodecs are what rooms are made of.
func (g generator) routerCodecs() []proto.RTPCodecCapability {
	all := []proto.RTPCodecCapability{
		{MimeType: "audio/opus", ClockRate: 48000, Channels: 2},
		{MimeType: "audio/PCMU", ClockRate: 8000},
		{MimeType: "video/VP8", ClockRate: 90000},
		{MimeType: "video/VP9", ClockRate: 90000, Parameters: params("profile-id", 2)},
		{MimeType: "video/H264", ClockRate: 90000, Parameters: params(profileLevelID, "42e01f", "packetization-mode", 1)},
		{MimeType: "video/H264", ClockRate: 90000, Parameters: params(profileLevelID, "4d0032", "packetization-mode", 1)},
		{MimeType: "video/AV1", ClockRate: 90000},
	}
	return subset(g, all, 4)
}

// An unmodified mediasoup-client talks to a router of ours: whatever it says it can send, the router takes; whatever
// the router sends, it can receive.
func TestDeviceAgrees(t *testing.T) {
	o, g := newOracle(t), newGenerator(30)
	sent, received := map[string]int{}, 0
	for range rounds / 4 {
		router, err := GenerateRouterRTPCapabilities(g.routerCodecs())
		if err != nil {
			t.Fatal(err)
		}
		sender, receiver := g.device(t, o, router), g.device(t, o, router)
		for _, kind := range []string{proto.Audio, proto.Video} {
			p := into[proto.RTPParameters](t, sender["sending"].(object)[kind])
			if can := sender["canSend"].(object)[kind].(bool); can != (len(p.Codecs) > 0) {
				t.Fatalf("the device can send %s: %t, by %s", kind, can, text(p.Codecs))
			}
			if len(p.Codecs) == 0 {
				continue
			}
			p.Encodings = []proto.RTPEncodingParameters{{SSRC: 1, RTX: &proto.RTXEncoding{SSRC: 2}}}
			sent[kind]++
			if g.deviceReceives(t, o, router, kind, p, receiver["recv"]) {
				received++
			}
		}
	}
	if sent[proto.Audio] < 100 || sent[proto.Video] < 100 || received < 100 {
		t.Errorf("lopsided inputs: sent %v, received %d", sent, received)
	}
}

// device loads the router's capabilities into a mediasoup-client.
func (g generator) device(t *testing.T, o *oracle, router proto.RTPCapabilities) object {
	t.Helper()
	a := o.ask(t, "device", object{"local": g.browser(), "router": router, "preferLocal": g.oneIn(2)})
	if a.Error != "" {
		t.Fatalf("the device refuses %s: %s", text(router), a.Message)
	}
	return a.Result.(object)
}

// deviceReceives takes what one device sends to another, if that can receive it.
func (g generator) deviceReceives(t *testing.T, o *oracle, router proto.RTPCapabilities, kind string, p proto.RTPParameters, recv any) bool {
	t.Helper()
	if err := ValidateRTPParameters(&p); err != nil {
		t.Fatal(err)
	}
	mapping, err := ProducerRTPParametersMapping(&p, router, counting())
	if err != nil {
		t.Fatalf("the router has %s and refuses %s: %v", text(router), text(p), err)
	}
	consumable, err := ConsumableRTPParameters(kind, p, router, mapping)
	if err != nil {
		t.Fatal(err)
	}
	remote := into[proto.RTPCapabilities](t, recv)
	consumer, err := ConsumerRTPParameters(ConsumerOptions{Consumable: consumable, Remote: remote, EnableRTX: g.oneIn(2), Random: counting()})
	if err != nil {
		if common(consumable, remote) {
			t.Fatalf("%v, but %s fits %s", err, text(consumable.Codecs), text(remote.Codecs))
		}
		return false
	}
	if a := o.ask(t, "canReceive", object{"params": consumer, "recv": recv}); a.Result != true {
		t.Fatalf("the device has %s and cannot receive %s: %s", text(recv), text(consumer), a.Message)
	}
	return true
}

// common tells whether an endpoint of the router lists a media codec of the producer by its payload type.
func common(consumable proto.RTPParameters, remote proto.RTPCapabilities) bool {
	return slices.ContainsFunc(consumable.Codecs, func(c proto.RTPCodecParameters) bool {
		return !isRTX(c.MimeType) && findPayloadType(remote.Codecs, c.PayloadType) >= 0
	})
}
