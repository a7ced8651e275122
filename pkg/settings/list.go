package settings

import (
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// List is the value of a setting with several words. On the command line and in variables commas are between them, and spaces
// around them are nobody's; the flag may be given several times.
type List struct {
	words *[]string
	given bool // further words come behind those, not in place of the default
}

// ListVar defines a flag that holds a list.
func ListVar(f *pflag.FlagSet, p *[]string, name string, value []string, usage string) {
	*p = slices.Clone(value)
	f.Var(&List{words: p}, name, usage)
}

// Set adds words, and the first time forgets the default.
func (l *List) Set(text string) error {
	if !l.given {
		*l.words, l.given = nil, true
	}
	*l.words = append(*l.words, split(text)...)
	return nil
}

// replace forgets what was there.
func (l *List) replace(words []string) { *l.words = slices.Clone(words) }

// Type is the word that the help has when the usage names none.
func (l *List) Type() string { return "list" }

// String has commas between the words.
func (l *List) String() string {
	if l.words == nil {
		return "" // a zero value, which pflag makes to compare with
	}
	return strings.Join(*l.words, ",")
}

// split finds words between commas.
func split(text string) []string {
	var words []string
	for word := range strings.SplitSeq(text, ",") {
		if word = strings.TrimSpace(word); word != "" {
			words = append(words, word)
		}
	}
	return words
}
