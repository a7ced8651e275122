package settings

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/pflag"
)

// WriteUsage writes the help of all settings, group by group, not wider than width columns.
func (s *Set) WriteUsage(w io.Writer, width int) {
	for _, g := range s.groups {
		fmt.Fprintf(w, "\n%s:\n%s", g.title, g.flags.FlagUsagesWrapped(width))
	}
}

// FlagError says what is wrong on the command line, as Load says it of other places. It takes the errors of pflag, whose own texts
// repeat the values, secret ones too.
func (s *Set) FlagError(err error) error {
	var unknown *pflag.NotExistError
	var invalid *pflag.InvalidValueError
	var missing *pflag.ValueRequiredError
	switch {
	case errors.As(err, &invalid):
		f := invalid.GetFlag()
		return &Error{Where: "--" + f.Name, Err: mismatch(f, invalid.GetValue())}
	case errors.As(err, &missing):
		return &Error{Where: "--" + missing.GetFlag().Name, Err: errors.New("needs a value")}
	case errors.As(err, &unknown):
		name := unknown.GetSpecifiedName()
		if unknown.GetSpecifiedShortnames() != "" {
			return &Error{Where: "-" + name, Err: errors.New("there is no such flag")}
		}
		hint := ""
		if near := s.nearest(name); near != "" {
			hint = "; did you mean --" + near + "?"
		}
		return &Error{Where: "--" + name, Err: fmt.Errorf("there is no such flag%s", hint)}
	}
	return &Error{Where: "flags", Err: err}
}
