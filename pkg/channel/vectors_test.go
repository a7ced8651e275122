package channel

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"gazpacho/proto"
)

// The vectors stand beside the text they illustrate: strangers test their clients with them.
const testdata = "../../proto/testdata"

var update = flag.Bool("update", false, "rewrite the golden vectors")

// frameVector is a whole frame, its length included, and the envelope in it. Binary is {"$hex": "…"} in JSON.
type frameVector struct {
	Name     string          `json:"name"`
	Envelope json.RawMessage `json:"envelope,omitempty"`
	Why      string          `json:"why,omitempty"` // of invalid ones
	Hex      string          `json:"hex"`
}

// bodyVector is one msgpack value: a body of the type, with all its fields.
type bodyVector struct {
	Name string          `json:"name"`
	Type string          `json:"type"`
	Body json.RawMessage `json:"body"`
	Hex  string          `json:"hex"`
}

// refusalVector is a body that is refused.
type refusalVector struct {
	Name  string          `json:"name"`
	Type  string          `json:"type"`
	Body  json.RawMessage `json:"body,omitempty"` // JSON has no words for some
	Hex   string          `json:"hex"`
	Error *proto.Error    `json:"error"`
}

// golden compares v with a file, or rewrites the file.
func golden(t *testing.T, name string, v any) {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(testdata, name)
	if *update {
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Bytes(), want) {
		t.Errorf("%s differs from what the code makes: run the test with -update and read the diff", path)
	}
}

func readGolden[T any](t *testing.T, name string) []T {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(testdata, name))
	if err != nil {
		t.Fatal(err)
	}
	var all []T
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Fatalf("%s is empty", name)
	}
	return all
}

// asJSON writes what msgpack says as JSON.
func asJSON(t *testing.T, b []byte) json.RawMessage {
	t.Helper()
	out, err := jsonOf(&b)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// jsonOf takes one value from *b and keeps the order of keys.
func jsonOf(b *[]byte) (json.RawMessage, error) {
	tok, err := readToken(*b)
	if err != nil {
		return nil, err
	}
	head := (*b)[:tok.size]
	*b = (*b)[tok.size:]
	switch tok.class {
	case classString:
		return json.Marshal(string(head[tok.head:]))
	case classBinary:
		return json.Marshal(map[string]string{"$hex": hex.EncodeToString(head[tok.head:])})
	case classArray, classMap:
		return jsonOfMany(b, tok)
	case classInt, classUint:
		return json.RawMessage(tok.integer()), nil
	case classBool:
		return json.Marshal(tok.num == 1)
	case classFloat:
		return json.Marshal(math.Float64frombits(tok.num))
	case classNil:
		return json.RawMessage("null"), nil
	}
	return nil, errors.New("JSON has no extensions")
}

func jsonOfMany(b *[]byte, tok token) (json.RawMessage, error) {
	marks := "[]"
	if tok.class == classMap {
		marks = "{}"
	}
	out := []byte(marks[:1])
	for i := range tok.children {
		v, err := jsonOf(b)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			sep := byte(',')
			if tok.class == classMap && i%2 == 1 {
				sep = ':'
			}
			out = append(out, sep)
		}
		out = append(out, v...)
	}
	return append(out, marks[1]), nil
}

func validFrames(t *testing.T) []frameVector {
	at := time.UnixMicro(1_767_323_045_000_006)
	id := "0f0b3e5a-8a3e-4c57-9d4c-6c3a2a7d3a10"
	created := dump()
	udp := proto.WebRTCTransportOptions{TransportID: id, ListenInfos: []proto.ListenInfo{{Protocol: "udp", IP: "127.0.0.1"}}}
	var all []frameVector
	for _, f := range []struct {
		name   string
		append func(b []byte) ([]byte, error)
	}{
		{"hello", func(b []byte) ([]byte, error) {
			return appendNotification(b, proto.EventWorkerHello, "", proto.Hello{
				Protocol: proto.Version{Major: 1, Minor: 0}, Software: "gazpacho", Version: "1.0.0", PID: 4711, Instance: "5f2c9a", MaxFrame: MaxFrame, Capabilities: []string{},
			})
		}},
		{"attach", func(b []byte) ([]byte, error) {
			return appendRequest(b, 1, proto.WorkerAttach, "", proto.Attach{Protocol: proto.Version{Major: 1, Minor: 0}, Epoch: 1})
		}},
		{"answer to attach", func(b []byte) ([]byte, error) {
			return appendResponse(b, 1, proto.AttachResult{Protocol: proto.Version{Major: 1, Minor: 0}, Instance: "5f2c9a", RouterIDs: []string{}}, nil)
		}},
		{"attach refused: another controller is there", func(b []byte) ([]byte, error) {
			return appendResponse(b, 1, nil, proto.Failed(proto.CodeBusy, "a controller with epoch 5 is attached"))
		}},
		{"request with a body", func(b []byte) ([]byte, error) {
			return appendRequest(b, 2, proto.RouterCreateWebRTCTransport, "r1", udp)
		}},
		{"request without a body", func(b []byte) ([]byte, error) { return appendRequest(b, 3, proto.ConsumerPause, id, nil) }},
		{"request with an id of 32 bits", func(b []byte) ([]byte, error) { return appendRequest(b, 1<<32-1, proto.WorkerDumpMethod, "", nil) }},
		{"response with a result", func(b []byte) ([]byte, error) { return appendResponse(b, 2, &created, nil) }},
		{"response without a result", func(b []byte) ([]byte, error) { return appendResponse(b, 3, nil, nil) }},
		{"response with an error", func(b []byte) ([]byte, error) {
			return appendResponse(b, 4, nil, proto.NotFound("router", "r2"))
		}},
		{"response with an error that names a field", func(b []byte) ([]byte, error) {
			return appendResponse(b, 5, nil, proto.BadField("listenInfos[0].ip", "%q is no IP address", "localhost"))
		}},
		{"event", func(b []byte) ([]byte, error) {
			return appendNotification(b, proto.EventICEStateChange, id, proto.ICEStateChange{ICEState: proto.ICEConnected})
		}},
		{"event whose body is a list", func(b []byte) ([]byte, error) {
			return appendNotification(b, proto.EventProducerScore, id, proto.ProducerScore{{EncodingIdx: 0, SSRC: 3735928559, RID: "h", Score: 10}})
		}},
		{"event without a body", func(b []byte) ([]byte, error) {
			return appendNotification(b, proto.EventConsumerProducerClose, id, nil)
		}},
		{"binary notification", func(b []byte) ([]byte, error) {
			return appendBinary(b, "consumer.rtp", id, nil, []byte{0x80, 0x60, 0x00, 0x01})
		}},
		{"log", func(b []byte) ([]byte, error) {
			return appendLog(b, Log{Level: "warn", Tag: "dtls", At: at, Text: "handshake failed", Fields: m{"transportId": id, "attempts": 3}})
		}},
		{"log without fields", func(b []byte) ([]byte, error) {
			return appendLog(b, Log{Level: "info", Tag: "info", At: at, Text: "¡hola!"})
		}},
	} {
		b, err := f.append(nil)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, frameVector{Name: f.name, Envelope: asJSON(t, b), Hex: hex.EncodeToString(framed(b))})
	}
	// What others may write, and we would not.
	for name, s := range map[string]string{
		"elements of a newer minor version are ignored": "9600 07 ae636f6e73756d65722e7061757365 a26331 c0 a36e6577",
	} {
		b := unhex(t, s)
		all = append(all, frameVector{Name: name, Envelope: asJSON(t, b), Hex: hex.EncodeToString(framed(b))})
	}
	b := unhex(t, "dd00000005 cd0000 ce00000007 d90e636f6e73756d65722e7061757365 da00026331 80")
	return append(all, frameVector{Name: "long encodings of short values, and an empty map as the body", Envelope: asJSON(t, b), Hex: hex.EncodeToString(framed(b))})
}

func TestVectorsOfFrames(t *testing.T) {
	golden(t, "frames.json", validFrames(t))
	for _, v := range readGolden[frameVector](t, "frames.json") {
		f := frameReader{r: bytes.NewReader(unhex(t, v.Hex))}
		b, err := f.next()
		if err != nil {
			t.Errorf("%s: %v", v.Name, err)
			continue
		}
		if _, err := parse(b); err != nil {
			t.Errorf("%s: %v", v.Name, err)
		}
		// Once more by the library, which knows nothing of our walker.
		got := canonical(t, plain(generic(t, b)))
		if want := canonical(t, v.Envelope); got != want {
			t.Errorf("%s: hex says %s, JSON says %s", v.Name, got, want)
		}
	}
}

// plain replaces a payload, which the library reads as text here, by what the vectors write for it.
func plain(v any) any {
	if l, ok := v.([]any); ok && len(l) == 5 && l[0] == int64(kindBinary) {
		l[4] = map[string]string{"$hex": hex.EncodeToString([]byte(l[4].(string)))}
	}
	return v
}

func TestVectorsOfBodies(t *testing.T) {
	var all []bodyVector
	for _, b := range bodies() {
		v := reflect.New(b.typ)
		fill(v.Elem(), "", 1)
		raw, err := Encode(v.Interface())
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, bodyVector{Name: b.name, Type: strings.ReplaceAll(b.typ.String(), "proto.", ""), Body: asJSON(t, raw), Hex: hex.EncodeToString(raw)})
	}
	golden(t, "bodies.json", all)
	for i, v := range readGolden[bodyVector](t, "bodies.json") {
		into := reflect.New(bodies()[i].typ)
		if err := Decode(unhex(t, v.Hex), into.Interface()); err != nil {
			t.Errorf("%s: %v", v.Name, err)
		}
		fromJSON := reflect.New(bodies()[i].typ)
		if err := json.Unmarshal(blobs(t, v.Body), fromJSON.Interface()); err != nil {
			t.Errorf("%s: %v", v.Name, err)
		}
		if got, want := canonical(t, into.Interface()), canonical(t, fromJSON.Interface()); got != want {
			t.Errorf("%s: hex says %s, JSON says %s", v.Name, got, want)
		}
	}
}

var hexBlob = regexp.MustCompile(`\{\s*"\$hex":\s*"([0-9a-f]*)"\s*\}`)

// blobs writes binary as encoding/json reads it.
func blobs(t *testing.T, body []byte) []byte {
	return hexBlob.ReplaceAllFunc(body, func(b []byte) []byte {
		return []byte(strconv.Quote(base64.StdEncoding.EncodeToString(unhex(t, string(hexBlob.FindSubmatch(b)[1])))))
	})
}

func TestVectorsOfInvalidFrames(t *testing.T) {
	all := []frameVector{
		{Name: "empty frame", Hex: "00000000"},
		{Name: "one byte more than 8 MiB", Hex: "00800001"},
		{Name: "4 GiB", Hex: "ffffffff"},
		{Name: "bytes after the value", Hex: "00000002c0c0"},
		{Name: "value ends too early", Hex: "0000000295c0"},
		{Name: "code that is never used", Hex: "00000001c1"},
		{Name: "list that declares 4294967295 elements", Hex: "00000005ddffffffff"},
		{Name: "map that declares 4294967295 entries", Hex: "00000005dfffffffff"},
		{Name: "text that declares 4294967295 bytes", Hex: "00000005dbffffffff"},
		{Name: "the same inside a request", Hex: "0000000a9500 01a16da0ddffffffff"},
		{Name: "33 lists in each other", Hex: "00000021" + strings.Repeat("91", 32) + "90"},
		{Name: "no list", Hex: "0000000180"},
		{Name: "empty list", Hex: "0000000190"},
		{Name: "unknown kind", Hex: "0000000795 05 01 a16d a0 c0"},
		{Name: "request without a body element", Hex: "00000006 94 00 01 a16d a0"},
		{Name: "response without a result element", Hex: "00000004 93 01 01 c0"},
		{Name: "event without a body element", Hex: "00000005 93 02 a165 a0"},
		{Name: "binary notification without a payload", Hex: "00000006 94 03 a165 a0 c0"},
		{Name: "request id below 0", Hex: "00000007 95 00 ff a16d a0 c0"},
		{Name: "request id above 4294967295", Hex: "0000000f 95 00 cf0000000100000000 a16d a0 c0"},
		{Name: "method that is no text", Hex: "00000006 95 00 01 05 a0 c0"},
		{Name: "method that is no UTF-8", Hex: "00000007 95 00 01 a1ff a0 c0"},
		{Name: "payload that is text", Hex: "00000008 95 03 a165 a0 c0 a170"},
		{Name: "response to an id that is text", Hex: "00000006 94 01 a131 c0 c0"},
		{Name: "event whose name is a list", Hex: "00000005 94 02 90 a0 c0"},
		{Name: "event of an object whose id is a number", Hex: "00000006 94 02 a165 07 c0"},
		{Name: "log without an element for fields", Hex: "00000009 95 04 a177 a174 01 a178"},
		{Name: "log of a level that is a number", Hex: "00000009 96 04 05 a174 01 a178 c0"},
		{Name: "log at a time that is text", Hex: "0000000b 96 04 a177 a174 a131 a178 c0"},
	}
	for i := range all {
		all[i].Hex = strings.ReplaceAll(all[i].Hex, " ", "")
		f := frameReader{r: bytes.NewReader(unhex(t, all[i].Hex))}
		b, err := f.next()
		if err == nil {
			_, err = parse(b)
		} else if !errors.Is(err, errProtocol) {
			t.Errorf("%s: %v", all[i].Name, err)
		}
		if err == nil {
			t.Errorf("%s: passed", all[i].Name)
			continue
		}
		all[i].Why = strings.TrimPrefix(err.Error(), errProtocol.Error()+": ")
	}
	golden(t, "invalid.json", all)
}

func TestVectorsOfRefusals(t *testing.T) {
	all := []refusalVector{
		{Name: "no map", Type: "CreateRouter", Hex: "05"},
		{Name: "number for text", Type: "CreateRouter", Hex: "81a8726f75746572496405"},
		{Name: "text that is no UTF-8", Type: "CreateRouter", Hex: "81a8726f757465724964a1ff"},
		{Name: "number beyond its range", Type: "ConnectPlainTransport", Hex: "81a4706f7274ce00010000"},
		{Name: "number below its range", Type: "ConnectPlainTransport", Hex: "81a4706f7274ff"},
		{Name: "float for an integer", Type: "SetPriority", Hex: "81a87072696f72697479cb3ff0000000000000"},
		{Name: "boolean for an integer", Type: "SetPriority", Hex: "81a87072696f72697479c3"},
		{Name: "text for a boolean", Type: "Produce", Hex: "81a6706175736564a474727565"},
		{Name: "map for a list", Type: "EnableTraceEvent", Hex: "81a5747970657380"},
		{Name: "nil in a list", Type: "EnableTraceEvent", Hex: "81a5747970657391c0"},
		{Name: "binary for text", Type: "EnableTraceEvent", Hex: "81a5747970657391c40161"},
		{Name: "field of a field of a list", Type: "Produce", Hex: "81ad727470506172616d657465727381a6636f646563739281a86d696d6554797065a081ab7061796c6f616454797065cd012c"},
		{Name: "codec parameter that is infinite", Type: "Produce", Hex: "81ad727470506172616d657465727381a6636f646563739181aa706172616d657465727381a178cb7ff0000000000000"},
		{Name: "key that is no text", Type: "CreateRouter", Hex: "810102"},
	}
	types := map[string]reflect.Type{}
	for _, b := range bodies() {
		types[b.typ.Name()] = b.typ
	}
	for i := range all {
		v := &all[i]
		raw := unhex(t, v.Hex)
		v.Error = Decode(raw, reflect.New(types[v.Type]).Interface())
		if v.Error == nil {
			t.Errorf("%s: passed", v.Name)
		}
		if b, err := jsonOf(&raw); err == nil && json.Valid(b) {
			v.Body = b
		}
	}
	golden(t, "refused.json", all)
}
