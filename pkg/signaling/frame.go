package signaling

import (
	"bytes"
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

// parseFrame reads a text message. Of what can be answered it returns the id even with an error.
func parseFrame(text []byte) (frame, error) {
	var fields map[string]json.RawMessage
	if json.Unmarshal(text, &fields) != nil || fields == nil {
		return frame{}, errNoFrame
	}
	f := frame{id: fields["id"], data: fields["data"]}
	switch {
	case isTrue(fields["request"]):
		f.kind = request
	case isTrue(fields["response"]):
		f.kind = response
	case isTrue(fields["notification"]):
		f.kind = notification
	default:
		return frame{}, errNoFrame
	}
	if f.kind != notification && !isNumber(f.id) {
		return frame{}, errNoFrame
	}
	if err := checkJSON(text); err != nil {
		return f, err
	}
	if f.kind == response {
		f.ok = isTrue(fields["ok"])
		_ = json.Unmarshal(fields["errorCode"], &f.errorCode) // an error without them is one all the same
		_ = json.Unmarshal(fields["errorReason"], &f.errorReason)
		return f, nil
	}
	if json.Unmarshal(fields["method"], &f.method) != nil || f.method == "" {
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
		return &proto.Error{Name: proto.TypeErrorName, Code: proto.CodeBadBody, Message: err.Error()}
	}
	return nil
}

// maxDepth of JSON: the deepest that has a meaning, a codec's parameters, lies at 7.
const maxDepth = 32

// checkJSON refuses what two readers may understand differently, keys that appear twice, and nesting that costs more than it says.
// text must be valid JSON.
func checkJSON(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var open []level
	for {
		token, err := d.Token()
		if err != nil {
			return nil // the end
		}
		switch t := token.(type) {
		case json.Delim:
			if t == '}' || t == ']' {
				open = open[:len(open)-1]
				continue
			}
			if n := len(open); n > 0 {
				open[n-1].value()
			}
			if len(open) == maxDepth {
				return &proto.Error{Name: proto.TypeErrorName, Code: proto.CodeBadBody, Message: "the message is nested too deeply"}
			}
			open = append(open, newLevel(t == '{'))
			continue
		case string:
			if n := len(open); n > 0 && open[n-1].isKey() {
				if !open[n-1].key(t) {
					return proto.BadField(t, "appears twice")
				}
				continue
			}
		}
		if n := len(open); n > 0 {
			open[n-1].value()
		}
	}
}

// level is an object or array that is being read.
type level struct {
	keys      map[string]struct{} // of an object; nil for arrays
	wantValue bool
}

func newLevel(object bool) level {
	if object {
		return level{keys: map[string]struct{}{}}
	}
	return level{}
}

func (l *level) isKey() bool { return l.keys != nil && !l.wantValue }

func (l *level) value() { l.wantValue = false }

// key enters a key and tells whether it is new.
func (l *level) key(k string) bool {
	_, twice := l.keys[k]
	l.keys[k] = struct{}{}
	l.wantValue = true
	return !twice
}
