package channel

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"gazpacho/proto"
)

// MaxFrame is the longest msgpack value a frame may carry, in bytes.
const MaxFrame = 8 << 20

// Kinds of envelopes: the first element of each.
const (
	kindRequest      = 0 // [0, id, method, handlerId, data]
	kindResponse     = 1 // [1, id, error, result]
	kindNotification = 2 // [2, event, handlerId, data]
	kindBinary       = 3 // [3, event, handlerId, meta, payload]
	kindLog          = 4 // [4, level, tag, unixMicros, text, fields]
)

// elements is how many an envelope of each kind has at least; more are of a newer minor version and ignored.
var elements = [...]int{kindRequest: 5, kindResponse: 4, kindNotification: 4, kindBinary: 5, kindLog: 6}

// Notification is an event without answer, in either direction. Payload is there if the envelope was binary, Origin if it had an element
// more than it needs: the control API tells there what the object belongs to.
type Notification struct {
	Event     string
	HandlerID string
	Body      Raw
	Payload   []byte
	Origin    Raw
}

// Log is one line of a worker's log.
type Log struct {
	Level  string // debug, info, warn or error
	Tag    string
	At     time.Time // to the microsecond
	Text   string
	Fields map[string]any // strings, booleans, numbers; may be nil
}

// envelope is any envelope; which fields are set depends on its kind.
type envelope struct {
	kind      int
	id        uint32 // request, response
	name      []byte // method, event, level
	handlerID []byte // of request and notifications; tag of a log
	body      Raw    // data, meta, result, fields
	err       Raw    // of response
	payload   []byte // binary
	origin    Raw    // of notifications; may be absent
	text      []byte // log
	micros    int64  // log
}

var errNoEnvelope = errors.New("frame holds no envelope")

// parse reads the envelope in a frame. The frame must have passed check; everything in the envelope points into it.
func parse(frame []byte) (envelope, error) {
	p := parser{b: frame}
	t := p.next()
	n := t.children
	if t.class != classArray || n == 0 {
		return envelope{}, errNoEnvelope
	}
	kind := p.integer(kindLog)
	if p.bad {
		return envelope{}, errNoEnvelope
	}
	e := envelope{kind: int(kind)}
	if n < elements[e.kind] {
		return e, fmt.Errorf("envelope %d has %d elements, fewer than %d", e.kind, n, elements[e.kind])
	}
	switch e.kind {
	case kindRequest:
		e.id, e.name, e.handlerID, e.body = uint32(p.integer(1<<32-1)), p.str(), p.str(), p.raw()
	case kindResponse:
		e.id, e.err, e.body = uint32(p.integer(1<<32-1)), p.raw(), p.raw()
	case kindNotification:
		e.name, e.handlerID, e.body = p.str(), p.str(), p.raw()
	case kindBinary:
		e.name, e.handlerID, e.body, e.payload = p.str(), p.str(), p.raw(), p.blob()
	case kindLog:
		e.name, e.handlerID, e.micros, e.text, e.body = p.str(), p.str(), int64(p.integer(1<<63-1)), p.str(), p.raw()
	}
	if n > elements[e.kind] && (e.kind == kindNotification || e.kind == kindBinary) {
		e.origin = p.raw()
	}
	if p.bad {
		return e, fmt.Errorf("envelope %d has an element of a wrong type", e.kind)
	}
	return e, nil
}

// parser takes elements from a checked frame and remembers whether one was wrong.
type parser struct {
	b   []byte
	bad bool
}

// next takes the head of the next element, and its bytes if it has no elements of its own.
func (p *parser) next() token {
	t, err := readToken(p.b)
	if err != nil {
		p.bad = true
		return token{}
	}
	p.b = p.b[t.size:]
	return t
}

// integer takes an integer of 0 to max.
func (p *parser) integer(max uint64) uint64 {
	t := p.next()
	// A negative number is larger than any max as two's complement.
	if t.class != classUint && t.class != classInt || t.num > max {
		p.bad = true
		return 0
	}
	return t.num
}

// str takes a string; nil is the empty one.
func (p *parser) str() []byte {
	b := p.b
	t := p.next()
	if t.class != classString {
		p.bad = p.bad || t.class != classNil
		return nil
	}
	s := b[t.head:t.size]
	p.bad = p.bad || !utf8.Valid(s)
	return s
}

// blob takes binary. Nil is none here: a packet may be empty, but not absent.
func (p *parser) blob() []byte {
	b := p.b
	t := p.next()
	if t.class != classBinary {
		p.bad = true
		return nil
	}
	return b[t.head:t.size:t.size]
}

// raw takes a value whole.
func (p *parser) raw() Raw {
	n, err := walk(p.b)
	if err != nil {
		p.bad = true
		return nil
	}
	r := p.b[:n:n]
	p.b = p.b[n:]
	return r
}

// appendRequest appends a request. Like its siblings it leaves garbage behind b if the body cannot be encoded.
func appendRequest(b []byte, id uint32, method, handlerID string, body any) ([]byte, error) {
	b = append(b, 0x95, kindRequest)
	b = appendUint(b, uint64(id))
	b = appendString(b, method)
	b = appendString(b, handlerID)
	return appendValue(b, body)
}

// appendResponse appends a response: an error or a result.
func appendResponse(b []byte, id uint32, result any, refused *proto.Error) ([]byte, error) {
	b = append(b, 0x94, kindResponse)
	b = appendUint(b, uint64(id))
	if refused != nil {
		return append(appendError(b, refused), 0xc0), nil
	}
	return appendValue(append(b, 0xc0), result)
}

// appendNotification appends an event.
func appendNotification(b []byte, event, handlerID string, body any) ([]byte, error) {
	b = append(b, 0x94, kindNotification)
	b = appendString(b, event)
	b = appendString(b, handlerID)
	return appendValue(b, body)
}

// appendBinary appends an event with bytes, which are copied.
func appendBinary(b []byte, event, handlerID string, meta any, payload []byte) ([]byte, error) {
	b = append(b, 0x95, kindBinary)
	b = appendString(b, event)
	b = appendString(b, handlerID)
	b, err := appendValue(b, meta)
	return appendBlob(b, payload), err
}

// appendOrigin makes the envelope of a notification, which begins at b, one element longer.
func appendOrigin(b []byte, origin Raw) []byte {
	if len(origin) > 0 {
		b[prefix]++ // the head of a short list is its length
		b = append(b, origin...)
	}
	return b
}

// appendLog appends a line. A clock before 1970 is a clock that was not set: it becomes 0.
func appendLog(b []byte, l Log) ([]byte, error) {
	b = append(b, 0x96, kindLog)
	b = appendString(b, l.Level)
	b = appendString(b, l.Tag)
	b = appendUint(b, uint64(max(0, l.At.UnixMicro())))
	// What was logged may be bytes of a stranger's; PROTOCOL.md promises UTF-8.
	b = appendString(b, strings.ToValidUTF8(l.Text, "\ufffd"))
	if l.Fields == nil {
		return append(b, 0xc0), nil
	}
	return appendValue(b, l.Fields)
}

// appendError appends an error's fields by hand: it is in half of all answers to strangers, and never fails.
func appendError(b []byte, e *proto.Error) []byte {
	fields := []string{"name", e.Name, "code", e.Code, "message", e.Message, "path", e.Path}
	if e.Path == "" {
		fields = fields[:6]
	}
	b = append(b, 0x80|byte(len(fields)/2))
	for _, s := range fields {
		b = appendString(b, s)
	}
	return b
}
