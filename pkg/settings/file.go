package settings

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"
)

// maxFile is more than any settings need, in bytes.
const maxFile = 1 << 20

// fromFile takes what the YAML file says.
func (s *Set) fromFile(name string) error {
	text, info, err := ReadFile(name, maxFile)
	if err != nil {
		return &Error{Where: s.configOrigin(), Err: err}
	}
	file := &file{set: s, name: name, lines: map[string]int{}}
	if err := file.parse(text); err != nil {
		return err
	}
	if line := file.secretLine; line != 0 && ReadableByOthers(info) {
		s.warnings = append(s.warnings, fmt.Sprintf("%s: this file holds a secret and every user of the machine can read it: chmod 600 %s", position(name, line), name))
	}
	return nil
}

// configOrigin is what named the file.
func (s *Set) configOrigin() string {
	if f := s.all.Lookup(configFlag); f != nil && f.Changed {
		return "--" + configFlag
	}
	return s.variable(configFlag)
}

// ReadFile reads a file of at most so many bytes, and tells who may read it. It may be a pipe, which has no size before it ends; a wrong path may
// lead to a disk, which has no end.
func ReadFile(name string, most int) ([]byte, fs.FileInfo, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	text, err := io.ReadAll(io.LimitReader(f, int64(most)+1))
	if err == nil && len(text) > most {
		err = fmt.Errorf("%s has more than %d bytes", name, most)
	}
	return text, info, err
}

// ReadableByOthers tells whether users can read a file who are neither its owner nor of its group.
func ReadableByOthers(info fs.FileInfo) bool {
	return info.Mode().IsRegular() && info.Mode().Perm()&0o004 != 0
}

// file is a YAML file while it is read.
type file struct {
	set        *Set
	name       string
	lines      map[string]int // of each key
	secretLine int            // of the first secret
}

// parse takes one document, a mapping of settings' names to scalars or lists of scalars. Nothing else of YAML has a meaning here:
// aliases, which small files blow up with, and tags are errors.
func (f *file) parse(text []byte) error {
	d := yaml.NewDecoder(bytes.NewReader(text))
	var document, second yaml.Node
	if err := d.Decode(&document); errors.Is(err, io.EOF) {
		return nil // nothing but comments
	} else if err != nil {
		return f.syntax(text, err)
	}
	if err := d.Decode(&second); err == nil {
		return f.wrong(second.Line, "a second document begins; there may be one")
	} else if !errors.Is(err, io.EOF) {
		return f.syntax(text, err)
	}
	root := document.Content[0]
	switch {
	case isNull(root):
		return nil
	case root.Kind != yaml.MappingNode || root.Anchor != "" || root.Style&yaml.TaggedStyle != 0:
		return f.wrong(root.Line, "expected lines such as `listen: 0.0.0.0:443`")
	}
	for i := 0; i+1 < len(root.Content); i += 2 {
		if err := f.setting(root.Content[i], root.Content[i+1]); err != nil {
			return err
		}
	}
	return nil
}

// setting takes one line.
func (f *file) setting(key, value *yaml.Node) error {
	if key.Kind != yaml.ScalarNode || key.Anchor != "" || key.Style&yaml.TaggedStyle != 0 {
		return f.wrong(key.Line, "the name of a setting is expected")
	}
	name := key.Value
	flag := f.set.all.Lookup(name)
	switch first := f.lines[name]; {
	case flag == nil:
		return f.unknown(key)
	case name == configFlag:
		return f.wrong(key.Line, fmt.Sprintf("%s: names this file, from outside: --%s or %s", name, name, f.set.variable(name)))
	case first != 0:
		return f.wrong(key.Line, fmt.Sprintf("%s: is given twice, first in line %d", name, first))
	}
	f.lines[name] = key.Line
	origin := Origin{kind: byFile, setting: name, name: f.name, line: key.Line}
	if line, err := take(flag, value); err != nil {
		origin.line = line
		return &Error{Where: origin.where(), Err: err}
	}
	f.set.origins[name] = origin
	if isSecret(flag) && flag.Value.String() != "" && f.secretLine == 0 {
		f.secretLine = key.Line
	}
	return nil
}

// take gives a flag the value of a node, and says which line is wrong: in a list over several lines it is not that of the name.
func take(flag *pflag.Flag, value *yaml.Node) (int, error) {
	l, isList := flag.Value.(*List)
	if !isList || value.Kind == yaml.ScalarNode {
		text, err := scalar(value, want(flag))
		if err == nil {
			err = set(flag, text)
		}
		return value.Line, err
	}
	if value.Kind != yaml.SequenceNode || value.Anchor != "" || value.Style&yaml.TaggedStyle != 0 {
		return value.Line, unwanted(value, want(flag))
	}
	var words []string
	for _, item := range value.Content {
		word, err := scalar(item, "a word")
		switch {
		case err != nil:
		case isSecret(flag) && word == hiddenSecret:
			err = fmt.Errorf("%s stands where a secret was: put the secret there", hiddenSecret)
		case strings.TrimSpace(word) != "" && !strings.Contains(word, ","):
		case isSecret(flag):
			err = errors.New("is not a word of a list")
		default:
			err = fmt.Errorf("%q is not a word of a list", word)
		}
		if err != nil {
			return item.Line, err
		}
		words = append(words, strings.TrimSpace(word))
	}
	l.replace(words)
	return 0, nil
}

// scalar is the text of a node where something is wanted. What is in quotes is text, and text alone may be.
func scalar(n *yaml.Node, want string) (string, error) {
	const quoted = yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle
	switch {
	case n.Kind != yaml.ScalarNode || n.Anchor != "" || n.Style&yaml.TaggedStyle != 0:
		return "", unwanted(n, want)
	case isNull(n):
		return "", errors.New("has no value: give one, or remove the line")
	case n.Style&quoted != 0 && want != "text" && want != "a list" && want != "a word":
		return "", fmt.Errorf("is text, as it is in quotes, not %s", want)
	}
	return n.Value, nil
}

// isNull tells whether nothing is where a value could be, or the word null. Both may be meant as "none" or "as it was": so neither.
func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// unwanted says that a part of YAML has no meaning here.
func unwanted(n *yaml.Node, want string) error {
	what := "a mapping"
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		what = "an anchor or alias"
	case n.Style&yaml.TaggedStyle != 0:
		what = "something with a tag"
	case n.Kind == yaml.SequenceNode:
		what = "a list"
	}
	return fmt.Errorf("is %s, not %s", what, want)
}

// unknown cuts what is too long to be a name: it is text that somebody pasted.
func (f *file) unknown(key *yaml.Node) error {
	hint := ""
	if near := f.set.nearest(key.Value); near != "" {
		hint = "; did you mean " + near + "?"
	}
	name := key.Value
	if len(name) > 64 {
		name = name[:64] + "…"
	}
	return f.wrong(key.Line, fmt.Sprintf("%q: there is no such setting%s", name, hint))
}

func (f *file) wrong(line int, reason string) error { return wrong(position(f.name, line), reason) }
