package ortc

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"gazpacho/proto"
)

// scribble overwrites all that a value refers to: maps, lists, what is pointed at.
func scribble(v reflect.Value) {
	switch v.Kind() {
	case reflect.Map:
		for _, key := range v.MapKeys() {
			v.SetMapIndex(key, reflect.ValueOf("scribbled"))
		}
	case reflect.Slice:
		for i := range v.Len() {
			scribble(v.Index(i))
		}
	case reflect.Pointer:
		if !v.IsNil() {
			scribble(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			scribble(v.Field(i))
		}
	case reflect.String:
		v.SetString("scribbled")
	case reflect.Int:
		v.SetInt(-7)
	case reflect.Uint8, reflect.Uint32:
		v.SetUint(77)
	case reflect.Bool:
		v.SetBool(!v.Bool())
	default:
		panic("cannot scribble on " + v.Type().String())
	}
}

// untouched runs a function and scribbles on what it returns: the inputs must not change.
func untouched(t *testing.T, name string, results []any, inputs ...any) func() {
	t.Helper()
	before := text(inputs)
	return func() {
		t.Helper()
		for _, r := range results {
			scribble(reflect.ValueOf(r).Elem())
		}
		if after := text(inputs); before != after {
			t.Fatalf("%s shares memory\nbefore %s\nafter  %s", name, before, after)
		}
	}
}

// Nothing that goes in is changed but what the documentation says, and nothing that comes out refers to it.
func TestNoSharedMemory(t *testing.T) {
	g := newGenerator(40)
	for range rounds / 5 {
		mediaCodecs := g.mediaCodecs()
		codecs := into[[]proto.RTPCodecCapability](t, mediaCodecs)
		kind := pick(g, proto.Audio, proto.Video)
		p := into[proto.RTPParameters](t, g.parameters(kind, mediaCodecs))
		caps, err := GenerateRouterRTPCapabilities(codecs)
		if err != nil || ValidateRTPParameters(&p) != nil {
			continue
		}
		again, _ := GenerateRouterRTPCapabilities(codecs)
		untouched(t, "GenerateRouterRTPCapabilities", []any{&again}, codecs, caps)()

		mapping, err := ProducerRTPParametersMapping(&p, caps, counting())
		if err != nil {
			continue
		}
		consumable, err := ConsumableRTPParameters(kind, p, caps, mapping)
		if err != nil {
			t.Fatal(err)
		}
		consumableAgain, _ := ConsumableRTPParameters(kind, p, caps, mapping)
		untouched(t, "ConsumableRTPParameters", []any{&consumableAgain}, p, caps, mapping, consumable)()

		remote := into[proto.RTPCapabilities](t, g.remote(tree(t, caps).(object)))
		check := untouched(t, "CanConsume", nil, consumable, remote)
		if _, err := CanConsume(consumable, remote); err != nil {
			t.Fatal(err)
		}
		check()
		for _, pipe := range []bool{false, true} {
			var result proto.RTPParameters
			check := untouched(t, "ConsumerRTPParameters", []any{&result}, consumable, remote)
			result, _ = ConsumerRTPParameters(ConsumerOptions{Consumable: consumable, Remote: remote, Pipe: pipe, EnableRTX: true, Random: counting()})
			check()
		}
		var piped proto.RTPParameters
		check = untouched(t, "PipeConsumerRTPParameters", []any{&piped}, consumable)
		piped = PipeConsumerRTPParameters(consumable, true, counting())
		check()
	}
	supported := SupportedRTPCapabilities()
	untouched(t, "SupportedRTPCapabilities", []any{&supported}, SupportedRTPCapabilities())()
	if got := SupportedRTPCapabilities(); got.Codecs[0].RTCPFeedback[0] != (proto.RTCPFeedback{Type: "nack"}) {
		t.Errorf("scribbling on a result changed the next: %s", text(got.Codecs[0]))
	}
}

// Whatever JSON comes, it is refused with a TypeError or becomes something that survives the whole way.
func FuzzDecode(f *testing.F) {
	g := newGenerator(50)
	for range 20 {
		mediaCodecs := g.mediaCodecs()
		f.Add([]byte(text(g.parameters(proto.Video, mediaCodecs))), []byte(text(object{"codecs": mediaCodecs})))
	}
	f.Add([]byte(`{"codecs":[{"mimeType":"video/rtx","payloadType":97,"clockRate":1,"parameters":{"apt":97}}],"encodings":[{"ssrc":4294967295}]}`), []byte(`{}`))
	red := `{"codecs":[{"mimeType":"audio/red",PT63,"clockRate":48000,"channels":2,"parameters":{"111/111":""}},{"mimeType":"audio/opus",PT111,"clockRate":48000,"channels":2}],"encodings":[{}]}`
	f.Add([]byte(strings.ReplaceAll(red, "PT", `"payloadType":`)), []byte(strings.ReplaceAll(red, "PT", `"preferredPayloadType":`)))
	f.Add([]byte(`null`), []byte(`[]`))
	f.Fuzz(func(t *testing.T, paramsJSON, capsJSON []byte) {
		p, err := DecodeRTPParameters(paramsJSON)
		wantTypeError(t, err)
		caps, capsErr := DecodeRTPCapabilities(capsJSON)
		wantTypeError(t, capsErr)
		if err != nil || capsErr != nil {
			return
		}
		sameWhenDecodedAgain(t, p, caps)
		wholeWay(t, p, caps)
		// Media codecs of a stranger make a router, or do not.
		if routerCaps, err := GenerateRouterRTPCapabilities(caps.Codecs); err == nil {
			if err := ValidateRTPCapabilities(&routerCaps); err != nil {
				t.Fatalf("a router is not valid: %v", err)
			}
			wholeWay(t, p, routerCaps)
		}
	})
}

func wantTypeError(t *testing.T, err *proto.Error) {
	t.Helper()
	if err != nil && (err.Name != proto.TypeErrorName || err.Message == "") {
		t.Fatalf("%+v is no TypeError", err)
	}
}

func sameWhenDecodedAgain(t *testing.T, p proto.RTPParameters, caps proto.RTPCapabilities) {
	t.Helper()
	again, err := DecodeRTPParameters([]byte(text(p)))
	if err != nil || text(again) != text(p) {
		t.Fatalf("%s becomes %s, %v", text(p), text(again), err)
	}
	capsAgain, err := DecodeRTPCapabilities([]byte(text(caps)))
	if err != nil || text(capsAgain) != text(caps) {
		t.Fatalf("%s becomes %s, %v", text(caps), text(capsAgain), err)
	}
}

// wholeWay takes a producer through a router to an endpoint with the router's own capabilities.
func wholeWay(t *testing.T, p proto.RTPParameters, caps proto.RTPCapabilities) {
	t.Helper()
	mapping, err := ProducerRTPParametersMapping(&p, caps, counting())
	if err != nil {
		return
	}
	consumable, err := ConsumableRTPParameters(proto.Video, p, caps, mapping)
	if err != nil {
		t.Fatalf("%v: mapping %s of %s", err, text(mapping), text(p))
	}
	valid(t, consumable)
	valid(t, PipeConsumerRTPParameters(consumable, true, counting()))
	can, err := CanConsume(consumable, caps)
	if err != nil {
		t.Fatal(err)
	}
	for _, pipe := range []bool{false, true} {
		consumer, err := ConsumerRTPParameters(ConsumerOptions{Consumable: consumable, Remote: caps, Pipe: pipe, EnableRTX: true, Random: counting()})
		if err != nil {
			if can {
				t.Fatalf("CanConsume says yes, ConsumerRTPParameters %v", err)
			}
			continue
		}
		valid(t, consumer)
		if isRTX(consumer.Codecs[0].MimeType) {
			t.Fatalf("the first codec is no media codec: %s", text(consumer.Codecs))
		}
		// Those who come from afar are known by numbers of ours.
		if slices.ContainsFunc(consumer.Encodings, func(e proto.RTPEncodingParameters) bool { return e.RID != "" || e.SSRC < firstSSRC }) {
			t.Fatalf("encodings %s", text(consumer.Encodings))
		}
	}
}

func valid(t *testing.T, p proto.RTPParameters) {
	t.Helper()
	for i := range p.Encodings {
		if e := &p.Encodings[i]; e.DTX == nil { // an encoding that a consumer is given does not speak of it
			e.DTX = new(false)
		}
	}
	before := text(p)
	if err := ValidateRTPParameters(&p); err != nil {
		t.Fatalf("%v in %s", err, before)
	}
	if after := text(p); after != before {
		t.Fatalf("%s lacks defaults: %s", before, after)
	}
}

func FuzzParseH264(f *testing.F) {
	for _, id := range profileLevelIDs {
		if s, ok := id.(string); ok {
			f.Add(s, "42e01f")
		}
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		format, ok := parseH264(a)
		if !ok {
			return
		}
		if again, ok := parseH264(format.String()); !ok || again != format {
			t.Fatalf("%s means %v, written as %s it means %v", a, format, format, again)
		}
		ours, offer := params(profileLevelID, a), params(profileLevelID, b)
		if !sameH264Profile(ours, offer) {
			return
		}
		answer, ok := parseH264(answerH264(ours, offer))
		if !ok || answer.profile != format.profile || lowerLevel(answer.level, format.level) != answer.level {
			t.Fatalf("%s answers %s by %v", a, b, answer)
		}
	})
}
