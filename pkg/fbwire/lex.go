package fbwire

import (
	"fmt"
	"strings"
)

// token is a word, a string in quotes or a mark of the schema language. The empty one is the end.
type token struct {
	text   string
	line   int
	quoted bool
}

// lexer cuts a file into tokens.
type lexer struct {
	file  string
	text  string
	line  int
	ahead token
	full  bool // ahead holds a token
}

func newLexer(file, text string) *lexer { return &lexer{file: file, text: text, line: 1} }

// SyntaxError says where a schema file cannot be read.
type SyntaxError struct {
	File string
	Line int
	Why  string
}

// Error is one line.
func (e *SyntaxError) Error() string { return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Why) }

// peek returns the next token and leaves it.
func (l *lexer) peek() token {
	if !l.full {
		l.ahead, l.full = l.scan(), true
	}
	return l.ahead
}

func (l *lexer) next() token {
	t := l.peek()
	l.full = false
	return t
}

// accept takes the next token if it is the mark or word.
func (l *lexer) accept(text string) bool {
	if t := l.peek(); t.quoted || t.text != text {
		return false
	}
	l.next()
	return true
}

// scan reads a token. What the language does not know becomes a token of one byte, which no rule expects.
func (l *lexer) scan() token {
	l.space()
	if l.text == "" {
		return token{line: l.line}
	}
	if l.text[0] == '"' {
		end := strings.IndexAny(l.text[1:], "\"\n")
		if end < 0 || l.text[1+end] == '\n' {
			return l.cut(1)
		}
		t := l.cut(end + 2)
		return token{text: t.text[1 : end+1], line: t.line, quoted: true}
	}
	n := 0
	for n < len(l.text) && isWord(l.text[n]) {
		n++
	}
	return l.cut(max(n, 1))
}

func (l *lexer) cut(n int) token {
	t := token{text: l.text[:n], line: l.line}
	l.text = l.text[n:]
	return t
}

// space skips blanks and comments. A block that is not closed ends the file.
func (l *lexer) space() {
	for l.text != "" {
		switch {
		case strings.HasPrefix(l.text, "//"):
			end := strings.IndexByte(l.text, '\n')
			if end < 0 {
				end = len(l.text)
			}
			l.text = l.text[end:]
		case strings.HasPrefix(l.text, "/*"):
			end := strings.Index(l.text[2:], "*/")
			if end < 0 {
				end = len(l.text) - 4
			}
			l.line += strings.Count(l.text[:end+4], "\n")
			l.text = l.text[end+4:]
		case strings.IndexByte(" \t\r\n\ufeff", l.text[0]) >= 0:
			if l.text[0] == '\n' {
				l.line++
			}
			l.text = l.text[1:]
		default:
			return
		}
	}
}

// isWord tells whether a byte is part of names, with their namespaces, or of numbers.
func isWord(c byte) bool {
	return c == '_' || c == '.' || c == '-' || c == '+' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

func (l *lexer) fail(t token, format string, args ...any) error {
	return &SyntaxError{File: l.file, Line: t.line, Why: fmt.Sprintf(format, args...)}
}
