// Package settings fills flags from one YAML file, the environment and the command line, and knows where each value came from.
//
// The flags are the only source: their names, types, defaults, help and groups make the command line, the keys of the file
// (the names), the variables (the names in capitals, with a prefix and _ for -), the help and the example file. What the command
// line says goes before the environment, that before the file, that before the default. A name that is unknown or a value of the
// wrong type is an error that names its place, wherever it stands and whether or not it is overridden.
//
// Of YAML a file may use what flags can say: one mapping of names to scalars, or to lists of scalars. Values without quotes are taken
// as they are written, by the same parsers as flags, so that 0x10, 1h30m and 1_000 mean the same everywhere, and yes is no boolean
// anywhere.
package settings

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"
)

// configFlag names the file. It cannot stand in the file itself.
const configFlag = "config"

// Set is the settings of a program.
type Set struct {
	program, prefix string
	groups          []group
	all             *pflag.FlagSet
	origins         map[string]Origin // of what is not as the default has it
	warnings        []string
}

// group is flags that the help shows together.
type group struct {
	title string
	flags *pflag.FlagSet
}

// New returns a set without settings. Its variables begin with prefix, such as "GAZPACHO_".
func New(program, prefix string) *Set {
	all := pflag.NewFlagSet(program, pflag.ContinueOnError)
	all.SortFlags = false
	return &Set{program: program, prefix: prefix, all: all, origins: map[string]Origin{}}
}

// Group adds the settings that define adds to a group of this title. The types that files may give are bool, int, float64,
// duration, string and List. The flag "config" names the file.
func (s *Set) Group(title string, define func(f *pflag.FlagSet)) {
	f := pflag.NewFlagSet(title, pflag.ContinueOnError)
	f.SortFlags = false
	define(f)
	s.groups = append(s.groups, group{title, f})
	s.all.AddFlagSet(f)
}

// Flags is all settings, to be added to a command. They are the same flags, not copies: parsing the command's fills the set's.
func (s *Set) Flags() *pflag.FlagSet { return s.all }

// Origin is where the value of a setting came from.
func (s *Set) Origin(name string) Origin {
	if o, ok := s.origins[name]; ok {
		return o
	}
	return Origin{setting: name}
}

// Wrong is the error that a setting's value is not as it should be: it names the place where the value was given.
func (s *Set) Wrong(name string, err error) *Error {
	return &Error{Where: s.Origin(name).where(), Err: err}
}

// Warnings is what is allowed but not wise, each in one line, after Load.
func (s *Set) Warnings() []string { return s.warnings }

// variable is the environment's name of a setting.
func (s *Set) variable(name string) string {
	return s.prefix + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

const (
	hiddenSecret     = "(hidden)" // what is printed in a secret's place
	secretAnnotation = "gazpacho_secret"
)

// MarkSecret says that a setting's value must not be shown.
func MarkSecret(f *pflag.FlagSet, name string) {
	if err := f.SetAnnotation(name, secretAnnotation, nil); err != nil {
		panic(fmt.Sprintf("settings: %v", err)) // there is no such flag
	}
}

func isSecret(f *pflag.Flag) bool {
	_, secret := f.Annotations[secretAnnotation]
	return secret
}

// SecretVariables is the variables that hold secrets; a program forgets them so that those it starts do not inherit them.
func (s *Set) SecretVariables() []string {
	var names []string
	s.all.VisitAll(func(f *pflag.Flag) {
		if isSecret(f) {
			names = append(names, s.variable(f.Name))
		}
	})
	return names
}
