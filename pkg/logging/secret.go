package logging

import (
	"fmt"
	"log/slog"
)

// hidden is what is shown of secrets.
const hidden = "(hidden)"

// Secret is text that is never written out: not by slog, fmt, encoding/json or a YAML encoder, on its own or in a struct's exported
// field. Convert it to string to use it.
type Secret string

// String hides the secret.
func (Secret) String() string { return hidden }

// Format hides the secret from every verb of package fmt.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(hidden)) }

// LogValue hides the secret from slog.
func (Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText hides the secret from encoders.
func (Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }
