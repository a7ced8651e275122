package settings

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/spf13/pflag"
)

// fromEnvironment takes the variables with the prefix. All of them must be settings: one with a letter wrong would otherwise be a limit
// that nobody set. One that is empty is set to nothing, as --listen= is; to unset it, leave it out.
func (s *Set) fromEnvironment(environ []string) error {
	names := map[string]*pflag.Flag{}
	s.all.VisitAll(func(f *pflag.Flag) { names[s.variable(f.Name)] = f })
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, s.prefix) {
			continue
		}
		f := names[name]
		if f == nil {
			return s.unknownVariable(name)
		}
		if err := set(f, value); err != nil {
			return &Error{Where: name, Err: err}
		}
		s.origins[f.Name] = Origin{kind: byEnvironment, setting: f.Name, name: name}
	}
	return nil
}

// serviceLink is a variable that Kubernetes sets in every container for a service that has the program's name.
var serviceLink = regexp.MustCompile(`^(SERVICE_HOST|SERVICE_PORT(_.*)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$`)

// unknownVariable names the variable and not its value, which may be a secret whose name has a letter wrong.
func (s *Set) unknownVariable(name string) error {
	setting := strings.ToLower(strings.TrimPrefix(name, s.prefix))
	hint := ""
	switch near := s.nearest(setting); {
	case near != "":
		hint = "; did you mean " + s.variable(near) + "?"
	case serviceLink.MatchString(strings.TrimPrefix(name, s.prefix)):
		hint = "; if Kubernetes set it, say enableServiceLinks: false in the pod"
	}
	return &Error{Where: oneLine(name), Err: fmt.Errorf("there is no such setting%s", hint)}
}
