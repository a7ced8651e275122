package settings

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"
)

// WriteEffective writes all settings as a file that says the same, each with the place where its value came from. What stands for a
// secret is refused when it is read back.
func (s *Set) WriteEffective(w io.Writer) error {
	var b strings.Builder
	for i, g := range s.groups {
		if i > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "# %s\n", g.title)
		g.flags.VisitAll(func(f *pflag.Flag) {
			if f.Name != configFlag {
				fmt.Fprintf(&b, "%s # %s\n", line(f, shown(f)), s.Origin(f.Name))
			}
		})
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// line is a setting as a file has it. The example and the effective settings are read back by the same parser.
func line(f *pflag.Flag, text string) string { return f.Name + ": " + text }

// shown is a value in YAML, or what stands for it.
func shown(f *pflag.Flag) string {
	if isSecret(f) && f.Value.String() != "" {
		return strconv.Quote(hiddenSecret)
	}
	if l, ok := f.Value.(*List); ok {
		return flow(*l.words)
	}
	if want(f) == "text" {
		return scalarText(f.Value.String())
	}
	return f.Value.String()
}

// flow is a list in one line.
func flow(words []string) string {
	texts := make([]string, len(words))
	for i, word := range words {
		texts[i] = scalarText(word)
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

// scalarText is text in YAML, in quotes where it would be something else without.
func scalarText(text string) string {
	if isPlain("a: "+text+" # comment", text) && isPlain("a: ["+text+", b]", text) { // a list gives more characters a meaning
		return text
	}
	// Go's escapes are YAML's.
	return strconv.Quote(text)
}

// isPlain tells whether a document's only setting has that text as its value, or as the first word of its list.
func isPlain(document, text string) bool {
	var n yaml.Node
	if yaml.Unmarshal([]byte(document), &n) != nil || len(n.Content) != 1 || len(n.Content[0].Content) != 2 {
		return false
	}
	value := n.Content[0].Content[1]
	if value.Kind == yaml.SequenceNode && len(value.Content) == 2 {
		value = value.Content[0]
	}
	return value.Kind == yaml.ScalarNode && value.Tag == "!!str" && value.Style == 0 && value.Value == text
}
