package proto

import "fmt"

// Names of errors, as mediasoup's libraries know them.
const (
	TypeErrorName         = "TypeError"         // the request is malformed
	NotFoundErrorName     = "NotFoundError"     // an id is unknown
	InvalidStateErrorName = "InvalidStateError" // not now: closed, already connected
	UnsupportedErrorName  = "UnsupportedError"  // well-formed, but not something we can do
	ErrorName             = "Error"             // the rest
)

// Error is why a request was refused. Programs switch on Code; Path names the offending field of the request's body.
type Error struct {
	Name    string `json:"name"` // as mediasoup's libraries know it
	Code    string `json:"code"`
	Message string `json:"message"` // for people; may change
	Path    string `json:"path,omitempty"`
}

// Codes of errors that any request may meet.
const (
	CodeBadBody       = "bad-body"       // body does not fit the method
	CodeBadField      = "bad-field"      // one field is wrong; Path names it
	CodeUnknownMethod = "unknown-method" // no such method
	CodeNotFound      = "not-found"      // no such id
	CodeDuplicate     = "duplicate-id"   // an id is taken
	CodeInvalidState  = "invalid-state"  // not now: closed, already connected
	CodeUnsupported   = "unsupported"    // well-formed, but not something we can do
	CodeBusy          = "busy"           // another controller is attached, or a port is taken
	CodeNoPort        = "no-port"        // no free port in the range
	CodeLimit         = "limit"          // a limit of ours is reached
	CodeUnauthorized  = "unauthorized"   // no token, or one that proves nothing (any more)
	CodeForbidden     = "forbidden"      // the token does not allow it
	CodeInternal      = "internal"       // a fault of ours
	CodeClosed        = "closed"         // the channel or its worker is gone
)

// Error makes it an error.
func (e *Error) Error() string {
	if e.Path != "" {
		return fmt.Sprintf("%s: %s (%s)", e.Name, e.Message, e.Path)
	}
	return e.Name + ": " + e.Message
}

// BadField is a TypeError about one field.
func BadField(path, format string, args ...any) *Error {
	return &Error{Name: TypeErrorName, Code: CodeBadField, Message: fmt.Sprintf(format, args...), Path: path}
}

// NotFound is a NotFoundError: kind is "router", "transport" and so on.
func NotFound(kind, id string) *Error {
	return &Error{Name: NotFoundErrorName, Code: CodeNotFound, Message: fmt.Sprintf("%s %q not found", kind, id)}
}

// Duplicate says that an id is taken.
func Duplicate(kind, id string) *Error {
	return &Error{Name: ErrorName, Code: CodeDuplicate, Message: fmt.Sprintf("a %s with id %q already exists", kind, id)}
}

// InvalidState says that a request came at the wrong time.
func InvalidState(format string, args ...any) *Error {
	return &Error{Name: InvalidStateErrorName, Code: CodeInvalidState, Message: fmt.Sprintf(format, args...)}
}

// Unsupported says that a well-formed request asks for what we cannot do.
func Unsupported(format string, args ...any) *Error {
	return &Error{Name: UnsupportedErrorName, Code: CodeUnsupported, Message: fmt.Sprintf(format, args...)}
}

// Failed is a plain Error with a code.
func Failed(code, format string, args ...any) *Error {
	return &Error{Name: ErrorName, Code: code, Message: fmt.Sprintf(format, args...)}
}
