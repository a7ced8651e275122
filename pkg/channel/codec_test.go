package channel

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"math"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/vmihailenco/msgpack/v5"

	"gazpacho/proto"
)

// generic decodes msgpack into maps, lists and scalars.
func generic(tb testing.TB, b []byte) any {
	tb.Helper()
	d := msgpack.NewDecoder(bytes.NewReader(b))
	d.UseLooseInterfaceDecoding(true)
	v, err := d.DecodeInterfaceLoose()
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

// canonical brings anything that marshals to JSON into one form.
func canonical(tb testing.TB, v any) string {
	tb.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	var any any
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&any); err != nil {
		tb.Fatal(err)
	}
	b, _ = json.MarshalIndent(any, "", " ")
	return string(b)
}

// TestBodiesAreTheSameInJSON proves that the json tags mean in msgpack what they mean in JSON, empty and full: names, what is
// omitted, and that embedded structs are inlined.
func TestBodiesAreTheSameInJSON(t *testing.T) {
	for _, b := range bodies() {
		for _, full := range []bool{false, true} {
			v := reflect.New(b.typ)
			if full {
				fill(v.Elem(), "", 1)
			}
			raw, err := Encode(v.Interface())
			if err != nil {
				t.Fatal(err)
			}
			if err := check(raw); err != nil {
				t.Errorf("%s: %v", b.name, err)
			}
			// A blob is base64 in JSON alone, and the library reads it as text here.
			want := base64Byte.ReplaceAllStringFunc(canonical(t, v.Interface()), func(s string) string {
				b, err := base64.StdEncoding.DecodeString(strings.Trim(s, `"`))
				if err != nil {
					t.Fatal(err)
				}
				text, _ := json.Marshal(string(b))
				return string(text)
			})
			if got := canonical(t, generic(t, raw)); got != want {
				t.Errorf("%s: in msgpack it is\n%s\nin JSON\n%s", b.name, got, want)
			}
		}
	}
}

// base64Byte is the JSON of a blob of one byte.
var base64Byte = regexp.MustCompile(`"[A-Za-z0-9+/]{2}=="`)

// TestBodiesSurvive encodes and decodes every body.
func TestBodiesSurvive(t *testing.T) {
	for _, b := range bodies() {
		v := reflect.New(b.typ)
		fill(v.Elem(), "", 1)
		raw, err := Encode(v.Interface())
		if err != nil {
			t.Fatal(err)
		}
		got := reflect.New(b.typ)
		if err := Decode(raw, got.Interface()); err != nil {
			t.Errorf("%s: %v", b.name, err)
			continue
		}
		if again, _ := Encode(got.Interface()); !bytes.Equal(again, raw) {
			t.Errorf("%s: %+v came back as %+v", b.name, v.Elem(), got.Elem())
		}
	}
}

func TestEmbeddedStructIsInlined(t *testing.T) {
	d := dump()
	raw, err := Encode(&d)
	if err != nil {
		t.Fatal(err)
	}
	m := generic(t, raw).(map[string]any)
	if m["id"] != d.ID || m["iceRole"] != "controlled" || m["TransportDump"] != nil {
		t.Errorf("got %v", m)
	}
}

func TestNumbersAreShort(t *testing.T) {
	for _, tt := range []struct {
		v    any
		want string
	}{
		{proto.SetPriority{Priority: 1}, "81a87072696f7269747901"},
		{proto.SetPriority{Priority: 300}, "81a87072696f72697479cd012c"},
		{proto.SetPriority{Priority: -1}, "81a87072696f72697479ff"},
		{proto.RTXEncoding{SSRC: 1}, "81a47373726301"},
		{proto.CodecParameters{"b": 1, "a": 1.0, "c": int64(-129)}, "83a161cb3ff0000000000000a16201a163d1ff7f"},
		{proto.CodecParameters{"x": "", "y": uint64(math.MaxUint64)}, "82a178a0a179cfffffffffffffffff"},
	} {
		raw, err := Encode(tt.v)
		if err != nil || !bytes.Equal(raw, unhex(t, tt.want)) {
			t.Errorf("%+v: got %x, %v, want %s", tt.v, raw, err, tt.want)
		}
	}
}

func TestCodecParametersKeepTheirTypes(t *testing.T) {
	raw, err := Encode(proto.CodecParameters{"n": 97, "big": uint64(1 << 40), "neg": -5, "f": 2.0, "s": "x", "b": true})
	if err != nil {
		t.Fatal(err)
	}
	var p proto.CodecParameters
	if err := Decode(raw, &p); err != nil {
		t.Fatal(err)
	}
	want := proto.CodecParameters{"n": int64(97), "big": uint64(1 << 40), "neg": int64(-5), "f": 2.0, "s": "x", "b": true}
	if !reflect.DeepEqual(p, want) {
		t.Errorf("got %#v, want %#v", p, want)
	}
}

func TestDecodeOfNothing(t *testing.T) {
	for _, raw := range []Raw{nil, {}, {0xc0}} {
		var u proto.UpdateSettings
		if err := Decode(raw, &u); err != nil || u.LogLevel != "" {
			t.Errorf("%x: %v, %+v", raw, err, u)
		}
	}
}

func TestDecodeRefusesUnchecked(t *testing.T) {
	for _, s := range []string{"ddffffffff", "81", "c1", "8080", strings.Repeat("91", 40) + "c0"} {
		var u proto.UpdateSettings
		if err := Decode(unhex(t, s), &u); err == nil || err.Code != proto.CodeBadBody {
			t.Errorf("%s: %v", s, err)
		}
	}
}

// pack encodes a message as a stranger would: from maps.
func pack(tb testing.TB, v any) Raw {
	tb.Helper()
	b, err := msgpack.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

type m = map[string]any

func TestMisfitsNameTheField(t *testing.T) {
	produce := func(change func(p, codec, encoding m)) m {
		codec := m{"mimeType": "video/VP8", "payloadType": 101, "clockRate": 90000, "parameters": m{}, "rtcpFeedback": []any{}}
		encoding := m{"ssrc": 1111, "dtx": false}
		p := m{"codecs": []any{codec}, "encodings": []any{encoding}, "headerExtensions": []any{}, "rtcp": m{}}
		change(p, codec, encoding)
		return m{"producerId": "p", "kind": "video", "rtpParameters": p}
	}
	for _, tt := range []struct {
		name, path, says string
		body             m
	}{
		{"text for a number", "rtpParameters.codecs[0].payloadType", "must be an integer, is a string", produce(func(_, c, _ m) { c["payloadType"] = "101" })},
		{"float for an integer", "rtpParameters.codecs[0].clockRate", "must be an integer, is a float", produce(func(_, c, _ m) { c["clockRate"] = 90000.5 })},
		{"too large", "rtpParameters.codecs[0].payloadType", "must be 0 to 255, is 300", produce(func(_, c, _ m) { c["payloadType"] = 300 })},
		{"negative", "rtpParameters.encodings[0].ssrc", "must be 0 to 4294967295, is -1", produce(func(_, _, e m) { e["ssrc"] = -1 })},
		{"far too large", "rtpParameters.codecs[0].clockRate", "is 18446744073709551615", produce(func(_, c, _ m) { c["clockRate"] = uint64(math.MaxUint64) })},
		{"boolean", "rtpParameters.encodings[0].dtx", "must be a boolean, is an integer", produce(func(_, _, e m) { e["dtx"] = 1 })},
		{"map for a list", "rtpParameters.codecs", "must be a list, is a map", produce(func(p, _, _ m) { p["codecs"] = m{} })},
		{"list for a map", "rtpParameters.rtcp", "must be a map, is a list", produce(func(p, _, _ m) { p["rtcp"] = []any{} })},
		{"nil in a list", "rtpParameters.codecs[1]", "must be a map, is nil", produce(func(p, c, _ m) { p["codecs"] = []any{c, nil} })},
		{"number for text", "rtpParameters.mid", "must be a string, is an integer", produce(func(p, _, _ m) { p["mid"] = 5 })},
		{"blob for text", "rtpParameters.mid", "must be a string, is binary", produce(func(p, _, _ m) { p["mid"] = []byte("5") })},
		{"not UTF-8", "rtpParameters.mid", "not UTF-8", produce(func(p, _, _ m) { p["mid"] = "\xff" })},
		{"pointer", "rtpParameters.encodings[0].rtx.ssrc", "must be an integer", produce(func(_, _, e m) { e["rtx"] = m{"ssrc": "x"} })},
		{"infinite parameter", "rtpParameters.codecs[0].parameters.x", "not a finite number", produce(func(_, c, _ m) { c["parameters"] = m{"x": math.Inf(1)} })},
		{"parameter that is no UTF-8", "rtpParameters.codecs[0].parameters.x[0]", "not UTF-8", produce(func(_, c, _ m) { c["parameters"] = m{"x": []any{"\xfe"}} })},
		{"parameters as text", "rtpParameters.codecs[0].parameters", "must be a map, is a string", produce(func(_, c, _ m) { c["parameters"] = "a=b" })},
		{"extension", "rtpParameters.codecs[0].parameters.x", "is a msgpack extension", produce(func(_, c, _ m) { c["parameters"] = m{"x": msgpack.RawMessage{0xd4, 1, 0}} })},
		{"key that is a number", "rtpParameters.codecs[0].parameters", "has a key that is no UTF-8 string", produce(func(_, c, _ m) { c["parameters"] = msgpack.RawMessage{0x81, 1, 1} })},
		{"key that is a number in a struct", "rtpParameters.rtcp", "has an integer as a key", produce(func(p, _, _ m) { p["rtcp"] = msgpack.RawMessage{0x81, 1, 1} })},
	} {
		var p proto.Produce
		err := Decode(pack(t, tt.body), &p)
		if err == nil {
			t.Errorf("%s: no error", tt.name)
			continue
		}
		if err.Name != proto.TypeErrorName || err.Code != proto.CodeBadBody || err.Path != tt.path || !strings.Contains(err.Message, tt.says) {
			t.Errorf("%s: got %+v, want path %s and %q", tt.name, err, tt.path, tt.says)
		}
	}
}

func TestMisfitOfTheBodyItself(t *testing.T) {
	var a proto.AudioVolumes
	err := Decode(pack(t, []any{m{"volume": "loud"}}), &a)
	if err == nil || err.Path != "[0].volume" {
		t.Errorf("got %+v", err)
	}
	var c proto.CreateRouter
	if err := Decode(pack(t, 5), &c); err == nil || err.Path != "" || err.Message != "must be a map, is an integer" {
		t.Errorf("got %+v", err)
	}
}

func TestDecodeIsLenient(t *testing.T) {
	var o proto.WebRTCTransportOptions
	err := Decode(pack(t, m{
		"transportId": "t", "listenInfos": nil, "enableUdp": nil, "preferUdp": nil, // nil is absent
		"futureField":       []any{m{"deep": 1}, msgpack.RawMessage{0xd4, 1, 0}}, // unknown is ignored
		"iceConsentTimeout": msgpack.RawMessage{0xd3, 0, 0, 0, 0, 0, 0, 0, 20},   // as long as an encoder likes
	}), &o)
	if err != nil {
		t.Fatal(err)
	}
	if o.TransportID != "t" || o.ListenInfos != nil || o.EnableUDP != nil || *o.ICEConsentTimeout != 20 {
		t.Errorf("got %+v", o)
	}
}

// TestDecodeBoundsMemory is about frames that are small on the wire and large in memory.
func TestDecodeBoundsMemory(t *testing.T) {
	const n = 5 << 20
	head := []byte{0xdd, n >> 24, n >> 16 & 0xff, n >> 8 & 0xff, n & 0xff}
	field := func(name string, elem ...byte) Raw {
		b := appendString([]byte{0x81}, name)
		b = append(b, head...)
		return append(b, bytes.Repeat(elem, n)...)
	}
	for _, tt := range []struct {
		path string
		body Raw
		into any
	}{
		{"codecs", field("codecs", 0x80), &proto.RTPParameters{}},
		{"values", field("values", 0xa0), &proto.KeyValues{}},
		{"info", append(append([]byte{0x81}, append(appendString(nil, "info"), 0xdf, 0, 0x3f, 0, 0)...), bytes.Repeat([]byte{0xa0, 0xc0}, 0x3f0000)...), &proto.TraceEvent{}},
	} {
		err := Decode(tt.body, tt.into)
		if err == nil || err.Path != tt.path || !strings.Contains(err.Message, "bytes when decoded") {
			t.Errorf("%s: got %v", tt.path, err)
		}
	}
}

func TestShapesRefuseWhatProtoMustNotHold(t *testing.T) {
	for _, v := range []any{
		struct{ X int }{}, struct {
			F func() `json:"f"`
		}{}, map[int]string{}, make(chan int), [3]int{},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%T has a shape", v)
				}
			}()
			shapeOf(reflect.TypeOf(v))
		}()
	}
}

func TestEncodeOfTheUnencodable(t *testing.T) {
	if raw, err := Encode(proto.TraceEvent{Info: m{"f": func() {}}}); err == nil {
		t.Errorf("got %x", raw)
	}
	// The encoder is none the worse for it.
	if raw, err := Encode(proto.SetPriority{Priority: 1}); err != nil || len(raw) != 11 {
		t.Errorf("got %x, %v", raw, err)
	}
}

// FuzzDecode proves that what fits a body's shape, the library decodes without an error, and that what came out goes in again.
func FuzzDecode(f *testing.F) {
	all := bodies()
	for i, b := range all {
		v := reflect.New(b.typ)
		fill(v.Elem(), "", i)
		raw, err := Encode(v.Interface())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(i, []byte(raw))
	}
	f.Add(0, unhex(f, "ddffffffff"))
	f.Fuzz(func(t *testing.T, i int, raw []byte) {
		b := all[uint(i)%uint(len(all))]
		v := reflect.New(b.typ)
		if err := Decode(raw, v.Interface()); err != nil {
			if strings.Contains(err.Message, "msgpack:") {
				t.Fatalf("%s: fitted, but: %v", b.name, err)
			}
			return
		}
		again, err := Encode(v.Interface())
		if err != nil {
			t.Fatal(err)
		}
		if err := Decode(again, reflect.New(b.typ).Interface()); err != nil {
			t.Fatalf("%s: %x came back as %x: %v", b.name, raw, again, err)
		}
	})
}
