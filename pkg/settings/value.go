package settings

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/spf13/pflag"
)

// want says what a setting of a type takes.
func want(f *pflag.Flag) string {
	switch f.Value.Type() {
	case "bool":
		return "true or false"
	case "int":
		return "a whole number"
	case "float64":
		return "a number"
	case "duration":
		return "a duration such as 90s or 1h30m"
	case "list":
		return "a list"
	default:
		return "text"
	}
}

// mismatch says that a value is not what its setting takes. The parsers' own words are for programmers: strconv.ParseInt is nobody's
// setting.
func mismatch(f *pflag.Flag, text string) error {
	switch {
	case isSecret(f):
		return errors.New("is not " + want(f))
	case text == "":
		return fmt.Errorf("is empty, not %s", want(f))
	default:
		return fmt.Errorf("%q is not %s", text, want(f))
	}
}

// set gives a setting the value that text stands for, in place of what it had. It is the one way in for texts of all places, so that
// all have the same rules.
func set(f *pflag.Flag, text string) error {
	if !utf8.ValidString(text) {
		return errors.New("is not UTF-8 text")
	}
	if strings.ContainsRune(text, 0) {
		return errors.New("has a zero byte in it")
	}
	if isSecret(f) && text == hiddenSecret {
		return fmt.Errorf("%s stands where a secret was: put the secret there", hiddenSecret)
	}
	if l, ok := f.Value.(*List); ok {
		l.replace(split(text))
		return nil
	}
	if f.Value.Set(text) != nil {
		return mismatch(f, text)
	}
	return nil
}
