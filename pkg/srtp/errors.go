package srtp

import (
	"errors"
	"fmt"
)

// ErrProfile says that a profile is not one of ours.
var ErrProfile = errors.New("srtp: unknown protection profile")

// ErrWeakKey says that a session key has no usable counter mode. One key in 2^128 is such.
var ErrWeakKey = errors.New("srtp: weak session key")

// KeyLengthError says that a master key or salt does not fit the profile; lengths in bytes.
type KeyLengthError struct {
	Profile Profile
	Name    string // "send key", "send salt", "receive key" or "receive salt"
	Want    int
	Got     int
}

func (e *KeyLengthError) Error() string {
	return fmt.Sprintf("srtp: %s of %s has %d bytes, want %d", e.Name, e.Profile, e.Got, e.Want)
}
