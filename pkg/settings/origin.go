package settings

import (
	"errors"
	"strconv"
	"strings"
	"unicode"
)

// kind is the sort of place that a value came from.
type kind int

const (
	byDefault kind = iota
	byFile
	byEnvironment
	byFlag
)

// Origin is where a value came from.
type Origin struct {
	kind    kind
	setting string
	name    string // of the file or the variable
	line    int    // in the file
}

// String is what a reader looks for: "default", "gazpacho.yaml:3", "GAZPACHO_LISTEN" or "--listen".
func (o Origin) String() string {
	switch o.kind {
	case byFile:
		return position(o.name, o.line)
	case byEnvironment:
		return o.name
	case byFlag:
		return "--" + o.setting
	default:
		return "default"
	}
}

// Flag tells whether it came from the command line.
func (o Origin) Flag() bool { return o.kind == byFlag }

// where is how an error begins. A default is called by the flag that would change it.
func (o Origin) where() string {
	switch o.kind {
	case byFile:
		return o.String() + ": " + o.setting
	case byEnvironment:
		return o.name
	default:
		return "--" + o.setting
	}
}

// position is a line of a file; a line of 0 is all of it. The name is one line whatever it holds.
func position(file string, line int) string {
	if strings.ContainsFunc(file, func(r rune) bool { return !unicode.IsPrint(r) }) {
		file = strconv.Quote(file)
	}
	if line == 0 {
		return file
	}
	return file + ":" + strconv.Itoa(line)
}

// Error says what is wrong with a setting, and where it was given.
type Error struct {
	Where string // "gazpacho.yaml:3: listen", "GAZPACHO_LISTEN" or "--listen"; a syntax error has no setting's name
	Err   error
}

// Error is one line.
func (e *Error) Error() string {
	return oneLine(e.Where + ": " + e.Err.Error())
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// oneLine keeps causes that other packages wrote from breaking lines.
func oneLine(text string) string {
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' }), " ")
}

func wrong(where, reason string) *Error { return &Error{Where: where, Err: errors.New(reason)} }
