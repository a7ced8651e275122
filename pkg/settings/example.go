package settings

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"
)

// exampleWidth is the width of the example's comments, in columns.
const exampleWidth = 100

// What is a comment begins with "# ", what is a setting with "#" alone: an editor's search for ^#([a-z]) finds all of them.

// WriteExample writes a file that has every setting with its help and its default, all of them commented out, under an introduction.
func (s *Set) WriteExample(w io.Writer, introduction string) error {
	var b strings.Builder
	comment(&b, introduction)
	for _, g := range s.groups {
		fmt.Fprintf(&b, "\n# ---- %s ----\n", g.title)
		g.flags.VisitAll(func(f *pflag.Flag) {
			if f.Name == configFlag {
				return
			}
			_, usage := pflag.UnquoteUsage(f)
			b.WriteString("\n")
			comment(&b, usage)
			fmt.Fprintf(&b, "#%s\n", line(f, defaultText(f)))
		})
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// defaultText is a setting's default in YAML, whatever its value is now.
func defaultText(f *pflag.Flag) string {
	switch want(f) {
	case "a list":
		return flow(split(f.DefValue))
	case "text":
		return scalarText(f.DefValue)
	default:
		return f.DefValue
	}
}

// comment writes paragraphs in lines that begin with "# ".
func comment(b *strings.Builder, text string) {
	for paragraph := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		column := 0
		for word := range strings.FieldsSeq(paragraph) {
			switch {
			case column == 0:
				b.WriteString("#")
				column = 1
			case column+1+len(word) > exampleWidth:
				b.WriteString("\n#")
				column = 1
			}
			b.WriteString(" " + word)
			column += 1 + len(word)
		}
		if column == 0 {
			b.WriteString("#")
		}
		b.WriteString("\n")
	}
}
