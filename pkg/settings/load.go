package settings

import (
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// Load takes what the file and the environment say, once the command line has been parsed. The error is an *Error, the first that is
// found: file, environment, command line, each in its order.
//
// Values of the command line are put aside and back, so that what they override is looked at all the same.
func (s *Set) Load(environ []string) error {
	given, err := s.commandLine()
	if err != nil {
		return err
	}
	file := given[configFlag]
	if file == nil {
		file = &value{text: lookup(environ, s.variable(configFlag))}
	}
	if file.text != "" {
		if err := s.fromFile(file.text); err != nil {
			return err
		}
	}
	if err := s.fromEnvironment(environ); err != nil {
		return err
	}
	for name, v := range given {
		v.restore(s.all.Lookup(name))
		s.origins[name] = Origin{kind: byFlag, setting: name}
	}
	return nil
}

// value is a setting's value aside of its flag.
type value struct {
	text  string
	words []string // of a list
}

// commandLine is the flags that were given.
func (s *Set) commandLine() (map[string]*value, error) {
	given := map[string]*value{}
	var failed error
	s.all.VisitAll(func(f *pflag.Flag) {
		if !f.Changed || failed != nil {
			return
		}
		v := &value{text: f.Value.String()}
		if l, ok := f.Value.(*List); ok {
			v.words = slices.Clone(*l.words)
		}
		given[f.Name] = v
		// What was parsed is set once more: the rules for texts are the same wherever they stand.
		if err := set(f, v.text); err != nil {
			failed = &Error{Where: "--" + f.Name, Err: err}
		}
	})
	return given, failed
}

// restore gives a flag the value back that it had.
func (v *value) restore(f *pflag.Flag) {
	if l, ok := f.Value.(*List); ok {
		l.replace(v.words)
		return
	}
	_ = f.Value.Set(v.text) // it is what Value.String said
}

// lookup is the value of a variable, the last that is there, or "".
func lookup(environ []string, name string) string {
	text := ""
	for _, entry := range environ {
		if n, v, _ := strings.Cut(entry, "="); n == name {
			text = v
		}
	}
	return text
}
