package signaling

import (
	"errors"
	"strconv"

	"gazpacho/proto"
)

// Limits of what a JSON text may contain. The deepest that has a meaning, a codec's parameters, lies at 7; the longest number that a
// JavaScript engine writes has 25 characters.
const (
	maxDepth  = 32
	maxNumber = 32
)

// errSyntax says that a text is no JSON at all.
var errSyntax = errors.New("this is no JSON")

// scan reads a JSON text (RFC 8259) once and tells member, which may be nil, of the members of the object that it is. Beside what is
// no JSON (errSyntax) it refuses, as a *proto.Error, what two readers may understand differently or what costs more than it says: keys
// that appear twice, strings that are no Unicode, numbers that are longer or larger than a double, and deep nesting. It reads on
// behind all of these but the last, so that member hears of the id of what is refused. key and value are parts of text, or borrowed.
func scan(text []byte, member func(key, value []byte)) error {
	s := scanner{text: text, member: member}
	switch ok := s.value(0) && s.at == len(text); {
	case ok:
		return s.fault
	case s.deep:
		return s.fault
	}
	return errSyntax
}

// scanner is scan under way.
type scanner struct {
	text   []byte
	at     int
	keys   keys
	fault  error // the first one
	deep   bool  // reading has stopped
	member func(key, value []byte)
}

// refuse keeps the first fault of what is JSON all the same.
func (s *scanner) refuse(why string) {
	if s.fault == nil {
		s.fault = badBody(why)
	}
}

// badBody is a TypeError about a body as a whole.
func badBody(message string) *proto.Error {
	return &proto.Error{Name: proto.TypeErrorName, Code: proto.CodeBadBody, Message: message}
}

// peek is the next byte, or 0, which JSON does not have, at the end.
func (s *scanner) peek() byte {
	if s.at < len(s.text) {
		return s.text[s.at]
	}
	return 0
}

// take skips c, if it comes next.
func (s *scanner) take(c byte) bool {
	if s.peek() != c {
		return false
	}
	s.at++
	return true
}

func (s *scanner) space() {
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case ' ', '\t', '\n', '\r':
			s.at++
		default:
			return
		}
	}
}

// value reads a value and the space around it.
func (s *scanner) value(depth int) (ok bool) {
	s.space()
	switch c := s.peek(); {
	case (c == '{' || c == '[') && depth == maxDepth:
		s.refuse("the message is nested too deeply")
		s.deep = true
		return false
	case c == '{':
		ok = s.object(depth + 1)
	case c == '[':
		ok = s.array(depth + 1)
	case c == '"':
		_, ok = s.string()
	case c == 't':
		ok = s.word("true")
	case c == 'f':
		ok = s.word("false")
	case c == 'n':
		ok = s.word("null")
	default:
		ok = s.number()
	}
	s.space()
	return ok
}

func (s *scanner) array(depth int) bool {
	s.at++
	s.space()
	if s.take(']') {
		return true
	}
	for s.value(depth) {
		if !s.take(',') {
			return s.take(']')
		}
	}
	return false
}

func (s *scanner) object(depth int) bool {
	s.at++
	s.space()
	if s.take('}') {
		return true
	}
	mark := s.keys.enter()
	defer s.keys.leave(mark)
	for {
		s.space()
		key, ok := s.string()
		if !ok {
			return false
		}
		if !s.keys.add(key) && s.fault == nil {
			s.fault = proto.BadField(shortened(string(key)), "appears twice")
		}
		s.space()
		if !s.take(':') {
			return false
		}
		s.space()
		start := s.at
		if !s.value(depth) {
			return false
		}
		if depth == 1 && s.member != nil {
			s.member(key, trimmed(s.text[start:s.at]))
		}
		if !s.take(',') {
			return s.take('}')
		}
	}
}

// trimmed is a value without the space behind it.
func trimmed(value []byte) []byte {
	n := len(value)
	for n > 0 && (value[n-1] == ' ' || value[n-1] == '\t' || value[n-1] == '\n' || value[n-1] == '\r') {
		n--
	}
	return value[:n]
}

func (s *scanner) word(w string) bool {
	if len(s.text)-s.at < len(w) || string(s.text[s.at:s.at+len(w)]) != w {
		return false
	}
	s.at += len(w)
	return true
}

// number reads a number (RFC 8259 section 6).
func (s *scanner) number() bool {
	start := s.at
	s.take('-')
	if !s.take('0') && !s.digits() {
		return false
	}
	if s.take('.') && !s.digits() {
		return false
	}
	if s.take('e') || s.take('E') {
		if !s.take('+') {
			s.take('-')
		}
		if !s.digits() {
			return false
		}
	}
	number := s.text[start:s.at]
	if len(number) > maxNumber {
		s.refuse("a number has more than 32 characters")
	} else if _, err := strconv.ParseFloat(string(number), 64); err != nil {
		s.refuse("a number is out of range")
	}
	return true
}

// digits reads one digit or more.
func (s *scanner) digits() bool {
	start := s.at
	for c := s.peek(); c >= '0' && c <= '9'; c = s.peek() {
		s.at++
	}
	return s.at > start
}
