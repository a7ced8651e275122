package settings

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// syntax says where a file is no YAML. The library knows the place badly: it names the line where the mapping begins, which is the
// first one, or counts from 0. So the setting is looked for that fails alone.
func (f *file) syntax(text []byte, err error) error {
	line, reason := complaint(err)
	if n, what := badCharacter(text); n != 0 {
		line, reason = n, what
	} else if n, what := badSetting(text); n != 0 {
		line, reason = n, what
	}
	return f.wrong(max(line, 1), "malformed YAML: "+reason)
}

var complaintLine = regexp.MustCompile(`^line (\d+): `)

// complaint is the line and the reason in an error of the library; a line of 0 is the first.
func complaint(err error) (int, string) {
	reason := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 0
	if m := complaintLine.FindStringSubmatch(reason); m != nil {
		line, _ = strconv.Atoi(m[1])
		reason = reason[len(m[0]):]
	}
	if strings.HasPrefix(reason, "did not find expected") && line > 0 {
		line++ // these the library counts from 0
	}
	if strings.HasPrefix(reason, "unknown anchor") {
		reason = "an alias has no meaning here" // the alias may be a secret that begins with an asterisk
	}
	return line, oneLine(reason)
}

// badCharacter finds what may not be in a file of text.
func badCharacter(text []byte) (int, string) {
	line := 1
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			return line, "this is not UTF-8 text"
		case r < ' ' && r != '\t' && r != '\r' && r != '\n', r == 0x7f:
			return line, "there is a control character in it"
		case r == '\n':
			line++
		}
		i += size
	}
	return 0, ""
}

// badSetting finds the first setting that is no YAML by itself. Settings begin in the first column, and what follows them further to
// the right belongs to them; so a quote or a bracket that is not closed is found where it was opened, not at the end of the file.
func badSetting(text []byte) (int, string) {
	first := 0
	var chunk []byte
	check := func() (int, string) {
		var n yaml.Node
		err := yaml.Unmarshal(chunk, &n)
		if err == nil {
			return 0, ""
		}
		line, reason := complaint(err)
		return first + min(max(line, 1), max(bytes.Count(chunk, []byte("\n")), 1)), reason
	}
	line := 0
	for l := range bytes.Lines(text) {
		if begins(l) && len(chunk) > 0 {
			if n, reason := check(); n != 0 {
				return n, reason
			}
			first, chunk = line, nil
		}
		chunk = append(chunk, l...)
		line++
	}
	return check()
}

// begins tells whether a line begins a setting.
func begins(line []byte) bool {
	return len(line) > 0 && !bytes.ContainsAny(line[:1], " \t\r\n#-]}")
}
