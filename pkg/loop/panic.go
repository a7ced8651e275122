package loop

import (
	"fmt"
	"runtime/debug"
)

// PanicError is a panic that ended the loop: the state that the loop owns cannot be trusted any
// more, so its process should end too.
type PanicError struct {
	Where string // "batch", "post", "timer" or "turn end"
	Value any
	Stack []byte
}

// Error is one line; the stack is for the log record.
func (e *PanicError) Error() string { return fmt.Sprintf("loop: panic in %s: %v", e.Where, e.Value) }

// Unwrap returns the value if the panic was called with an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// guard runs f and returns its panic.
func (l *Loop) guard(where string, f func()) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Where: where, Value: v, Stack: debug.Stack()}
		}
	}()
	f()
	return nil
}
