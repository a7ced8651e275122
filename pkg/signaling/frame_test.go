package signaling

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"gazpacho/proto"
)

func TestParseFrame(t *testing.T) {
	for _, tt := range []struct {
		text string
		want frame
		err  string // "" none, "no frame", or what the error says
	}{
		{text: `{"request":true,"id":7,"method":"m","data":{"a":1}}`, want: frame{kind: request, id: raw("7"), method: "m", data: raw(`{"a":1}`)}},
		{text: `{"request":true,"id":0,"method":"m"}`, want: frame{kind: request, id: raw("0"), method: "m", data: raw("{}")}},
		{text: `{"request":true,"id":1e9,"method":"m","data":null}`, want: frame{kind: request, id: raw("1e9"), method: "m", data: raw("{}")}},
		{text: `{"notification":true,"method":"m"}`, want: frame{kind: notification, method: "m", data: raw("{}")}},
		{text: `{"response":true,"id":3,"ok":true,"data":{}}`, want: frame{kind: response, id: raw("3"), data: raw("{}"), ok: true}},
		{
			text: `{"response":true,"id":3,"errorCode":500,"errorReason":"no"}`,
			want: frame{kind: response, id: raw("3"), errorCode: 500, errorReason: "no"},
		},
		{text: ``, err: "no frame"},
		{text: `null`, err: "no frame"},
		{text: `[]`, err: "no frame"},
		{text: `"request"`, err: "no frame"},
		{text: `{`, err: "no frame"},
		{text: `{}`, err: "no frame"},
		{text: `{"request":1,"id":1,"method":"m"}`, err: "no frame"},
		{text: `{"request":true,"method":"m"}`, err: "no frame"},
		{text: `{"request":true,"id":"1","method":"m"}`, err: "no frame"},
		{text: `{"request":true,"id":{},"method":"m"}`, err: "no frame"},
		{text: `{"request":true,"id":1` + strings.Repeat("0", 40) + `,"method":"m"}`, err: "no frame"},
		{text: `{"response":true,"ok":true}`, err: "no frame"},
		{text: `{"request":true,"id":1}`, err: "method"},
		{text: `{"request":true,"id":1,"method":""}`, err: "method"},
		{text: `{"request":true,"id":1,"method":7}`, err: "method"},
		{text: `{"request":true,"id":1,"method":"m","data":[]}`, err: "data"},
		{text: `{"request":true,"id":1,"method":"m","data":"x"}`, err: "data"},
		{text: `{"request":true,"id":1,"method":"m","data":{"a":1,"a":2}}`, err: "appears twice"},
		{text: `{"request":true,"id":1,"method":"m","method":"n"}`, err: "appears twice"},
		{text: `{"request":true,"id":1,"method":"m","data":{"a":` + nested(40) + `}}`, err: "too deeply"},
	} {
		f, err := parseFrame([]byte(tt.text))
		switch {
		case tt.err == "":
			if err != nil || !same(f, tt.want) {
				t.Errorf("%s: %+v, %v", tt.text, f, err)
			}
		case tt.err == "no frame":
			if !errors.Is(err, errNoFrame) {
				t.Errorf("%s: %v, want none", tt.text, err)
			}
		case err == nil || !strings.Contains(err.Error(), tt.err):
			t.Errorf("%s: %v, want …%s…", tt.text, err, tt.err)
		case statusOf(err) != 400 || string(f.id) != "1":
			t.Errorf("%s: status %d, id %s", tt.text, statusOf(err), f.id)
		}
	}
}

func raw(s string) json.RawMessage { return json.RawMessage(s) }

func nested(depth int) string { return strings.Repeat("[", depth) + strings.Repeat("]", depth) }

func same(a, b frame) bool { return fmt.Sprintf("%+v", a) == fmt.Sprintf("%+v", b) }

func TestStatus(t *testing.T) {
	for want, errs := range map[int][]error{
		401: {proto.Failed(proto.CodeUnauthorized, "x")},
		400: {proto.BadField("a", "b"), &proto.Error{Name: proto.TypeErrorName, Code: proto.CodeBadBody}},
		403: {proto.InvalidState("x"), proto.Failed(proto.CodeForbidden, "x")},
		404: {proto.NotFound("a", "b")},
		409: {proto.Duplicate("a", "b")},
		429: {proto.Failed(proto.CodeLimit, "x")},
		500: {errors.New("x"), proto.Failed(proto.CodeInternal, "x")},
		501: {proto.Unsupported("x")},
		503: {proto.Failed(proto.CodeClosed, "x"), proto.Failed(proto.CodeBusy, "x"), fmt.Errorf("w: %w", proto.Failed(proto.CodeNoPort, "x"))},
	} {
		for _, err := range errs {
			if got := statusOf(err); got != want {
				t.Errorf("%v: %d, want %d", err, got, want)
			}
		}
	}
}

// FuzzFrame: whatever a client sends, reading it ends, and what is to be answered has a number to answer to.
func FuzzFrame(f *testing.F) {
	for _, seed := range []string{
		`{"request":true,"id":7,"method":"join","data":{"displayName":"x","rtpCapabilities":{"codecs":[{"mimeType":"audio/opus"}]}}}`,
		`{"response":true,"id":3,"ok":false,"errorCode":500,"errorReason":"no"}`, `{"notification":true,"method":"m"}`, `[`, "\x00",
		`{"request":true,"id":1,"method":"produce","data":{"appData":{"a":{"a":[[[]]]}},"rtpParameters":null}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := parseFrame(text)
		if errors.Is(err, errNoFrame) {
			return
		}
		if m.kind != notification && !json.Valid(m.id) {
			t.Fatalf("id %q", m.id)
		}
		if err == nil && m.kind == request {
			var body map[string]any
			if err := decode(m.data, &body); err != nil {
				t.Fatalf("data %q: %v", m.data, err)
			}
		}
	})
}
