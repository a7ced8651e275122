package signaling

import (
	"unicode/utf16"
	"unicode/utf8"
)

// string reads a string (RFC 8259 section 7) and returns what it says: a part of the text, or a copy if there are escapes in it.
func (s *scanner) string() (said []byte, ok bool) {
	if !s.take('"') {
		return nil, false
	}
	start, ascii := s.at, true
	for s.at < len(s.text) {
		switch c := s.text[s.at]; {
		case c == '"':
			said = s.text[start:s.at]
			s.at++
			if !ascii && !utf8.Valid(said) {
				s.refuse("a string is no UTF-8")
			}
			return said, true
		case c == '\\':
			return s.escaped(start)
		case c < ' ':
			return nil, false
		case c >= utf8.RuneSelf:
			ascii = false
		}
		s.at++
	}
	return nil, false
}

// escaped reads the rest of a string from its first escape on.
func (s *scanner) escaped(start int) (said []byte, ok bool) {
	said = append(said, s.text[start:s.at]...)
	for s.at < len(s.text) {
		c := s.text[s.at]
		switch {
		case c == '"':
			s.at++
			if !utf8.Valid(said) {
				s.refuse("a string is no UTF-8")
			}
			return said, true
		case c < ' ':
			return nil, false
		case c != '\\':
			s.at++
			said = append(said, c)
			continue
		}
		s.at++
		if said, ok = s.escape(said); !ok {
			return nil, false
		}
	}
	return nil, false
}

// escape reads what follows a backslash.
func (s *scanner) escape(said []byte) ([]byte, bool) {
	c := s.peek()
	s.at++
	switch c {
	case '"', '\\', '/':
		return append(said, c), true
	case 'b':
		return append(said, '\b'), true
	case 'f':
		return append(said, '\f'), true
	case 'n':
		return append(said, '\n'), true
	case 'r':
		return append(said, '\r'), true
	case 't':
		return append(said, '\t'), true
	case 'u':
		r, ok := s.hex()
		if !ok {
			return nil, false
		}
		return utf8.AppendRune(said, s.paired(r)), true
	}
	return nil, false
}

// paired is the character that r, a UTF-16 code unit, begins. Half a pair is none: one reader replaces it, another keeps it.
func (s *scanner) paired(r rune) rune {
	if !utf16.IsSurrogate(r) {
		return r
	}
	if rest := s.text[s.at:]; len(rest) >= 2 && rest[0] == '\\' && rest[1] == 'u' {
		before := s.at
		s.at += 2
		low, ok := s.hex()
		if whole := utf16.DecodeRune(r, low); ok && whole != utf8.RuneError {
			return whole
		}
		s.at = before // it may be a character of its own, or no hexadecimal number, which is found out next
	}
	s.refuse("a string has half a surrogate pair")
	return utf8.RuneError
}

// hex reads four hexadecimal digits.
func (s *scanner) hex() (r rune, ok bool) {
	if len(s.text)-s.at < 4 {
		return 0, false
	}
	for _, c := range s.text[s.at : s.at+4] {
		switch {
		case c >= '0' && c <= '9':
			r = r<<4 | rune(c-'0')
		case c >= 'a' && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		case c >= 'A' && c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			return 0, false
		}
	}
	s.at += 4
	return r, true
}
