package signaling

import (
	"encoding/json"
	"errors"
	"strconv"

	"gazpacho/proto"
)

// kind is what a frame is.
type kind int

const (
	request kind = iota
	response
	notification
)

// frame is one protoo message of a client.
type frame struct {
	kind   kind
	id     json.RawMessage // a number, as the client wrote it
	method string
	data   json.RawMessage // an object

	// of a response
	ok          bool
	errorCode   int
	errorReason string
}

// errNoFrame says that a message is no protoo and cannot be answered either.
var errNoFrame = errors.New("not a protoo message")

// parseFrame reads a text message, once. Of what can be answered it returns the id even with an error.
func parseFrame(text []byte) (frame, error) {
	f := frame{kind: -1}
	var method, ok, code, reason []byte
	err := scan(text, func(key, value []byte) {
		switch string(key) {
		case "request":
			f.is(request, value)
		case "response":
			f.is(response, value)
		case "notification":
			f.is(notification, value)
		case "id":
			f.id = value
		case "method":
			method = value
		case "data":
			f.data = value
		case "ok":
			ok = value
		case "errorCode":
			code = value
		case "errorReason":
			reason = value
		}
	})
	if errors.Is(err, errSyntax) || f.kind < 0 || f.kind != notification && !isNumber(f.id) {
		return frame{}, errNoFrame
	}
	if err != nil {
		return f, err
	}
	if f.kind == response {
		f.ok = isTrue(ok)
		_ = json.Unmarshal(code, &f.errorCode) // an error without them is one all the same
		_ = json.Unmarshal(reason, &f.errorReason)
		return f, nil
	}
	if json.Unmarshal(method, &f.method) != nil || f.method == "" {
		return f, proto.BadField("method", "is no name")
	}
	if len(f.data) == 0 || string(f.data) == "null" {
		f.data = json.RawMessage("{}")
	}
	if f.data[0] != '{' {
		return f, proto.BadField("data", "is no object")
	}
	return f, nil
}

// is sets the kind; of a message that claims to be several, the first in the order of their constants counts.
func (f *frame) is(k kind, value []byte) {
	if isTrue(value) && (f.kind < 0 || k < f.kind) {
		f.kind = k
	}
}

func isTrue(raw json.RawMessage) bool { return string(raw) == "true" }

func isNumber(raw json.RawMessage) bool {
	return len(raw) > 0 && len(raw) <= 32 && (raw[0] == '-' || (raw[0] >= '0' && raw[0] <= '9'))
}

// id is the key of a request of ours: what we wrote is what comes back, if it comes from us.
func (f frame) number() (uint32, bool) {
	n, err := strconv.ParseUint(string(f.id), 10, 32)
	return uint32(n), err == nil
}

// decode reads a body into a typed value. Unknown fields are ignored, since clients of all ages come.
func decode(data []byte, into any) error {
	err := json.Unmarshal(data, into)
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrong):
		return proto.BadField(wrong.Field, "is a %s, not a %s", wrong.Value, wrong.Type.Kind())
	case err != nil:
		return badBody(err.Error())
	}
	return nil
}
