package settings

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// drawn is a value for a setting, as the file and as the other places spell it.
type drawn struct{ yaml, text string }

// drawers make values of each setting of world.
var drawers = map[string]func(t *rapid.T) drawn{
	"listen": func(t *rapid.T) drawn {
		text := rapid.StringMatching(`[ -~é]{0,12}`).Draw(t, "text")
		return drawn{scalarText(text), text}
	},
	"workers":       same(rapid.SampledFrom([]string{"0", "7", "-1", "0x1f", "0b11", "0o17", "1_000", "+5"})),
	"request-rate":  same(rapid.SampledFrom([]string{"0", "2.5", "1e3", "-.5", "50", "0.1"})),
	"insecure-open": same(rapid.SampledFrom([]string{"true", "false", "True", "FALSE", "1", "0", "t"})),
	"grace":         same(rapid.SampledFrom([]string{"0", "90s", "1h30m", "1.5ms", "-1s"})),
	"rtc-listen": func(t *rapid.T) drawn {
		words := rapid.SliceOfN(rapid.StringMatching(`[!-+\--~é]{1,8}`), 0, 4).Draw(t, "words")
		text := strings.Join(words, rapid.SampledFrom([]string{",", ", ", " , ", ",,"}).Draw(t, "comma"))
		switch rapid.IntRange(0, 2).Draw(t, "style") {
		case 0:
			return drawn{flow(words), text}
		case 1:
			return drawn{scalarText(text), text}
		}
		block := ""
		for _, word := range words {
			block += "\n  - " + scalarText(word)
		}
		if block == "" {
			block = "[]"
		}
		return drawn{block, text}
	},
}

func same(g *rapid.Generator[string]) func(*rapid.T) drawn {
	return func(t *rapid.T) drawn {
		text := g.Draw(t, "value")
		return drawn{text, text}
	}
}

// A setting means the same wherever it is given, and of several places the first of flag, environment and file is what counts.
func TestPlacesAreAlike(t *testing.T) {
	dir := t.TempDir()
	names := []string{"listen", "workers", "request-rate", "insecure-open", "grace", "rtc-listen"}
	rapid.Check(t, func(rt *rapid.T) {
		var file string
		var environ, args, direct []string
		for _, name := range names {
			draw := drawers[name]
			var last *drawn
			if rapid.Bool().Draw(rt, "file") {
				d := draw(rt)
				file += name + ": " + d.yaml + "\n"
				last = &d
			}
			if rapid.Bool().Draw(rt, "environment") {
				d := draw(rt)
				environ = append(environ, "TEST_"+strings.ToUpper(strings.ReplaceAll(name, "-", "_"))+"="+d.text)
				last = &d
			}
			if rapid.Bool().Draw(rt, "flag") {
				d := draw(rt)
				args = append(args, "--"+name+"="+d.text)
				last = &d
			}
			if last != nil {
				direct = append(direct, "--"+name+"="+last.text)
			}
		}
		path := filepath.Join(dir, "settings.yaml")
		if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
			rt.Fatal(err)
		}
		mixed := effective(rt, environ, append(args, "--config", path)...)
		if want := effective(rt, nil, direct...); !reflect.DeepEqual(mixed, want) {
			rt.Fatalf("%+v, want %+v\nfile:\n%senvironment %q\nflags %q", mixed, want, file, environ, args)
		}
		// What is printed means the same once more.
		s, _ := world()
		if err := s.Flags().Parse(direct); err != nil {
			rt.Fatal(err)
		}
		if err := s.Load(nil); err != nil {
			rt.Fatal(err)
		}
		text := printed(t, s)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			rt.Fatal(err)
		}
		if again := effective(rt, nil, "--config", path); !reflect.DeepEqual(again, mixed) {
			rt.Fatalf("%+v, want %+v\n%s", again, mixed, text)
		}
	})
}

// effective is the values in the end.
func effective(t *rapid.T, environ []string, args ...string) values {
	s, v := world()
	if err := s.Flags().Parse(args); err != nil {
		t.Fatal(err)
	}
	if err := s.Load(environ); err != nil {
		t.Fatal(err)
	}
	v.config = ""
	v.addresses, v.names = nonNil(v.addresses), nonNil(v.names)
	return *v
}

func nonNil(words []string) []string { return append([]string{}, words...) }

// Names with a letter wrong are guessed, others are not.
func TestNearest(t *testing.T) {
	s, _ := world()
	for name, want := range map[string]string{
		"workers": "workers", "worker": "workers", "wrokers": "workers", "Workers": "workers", "auth_secret": "auth-secret", "AuthSecret": "auth-secret",
		"requestRate": "request-rate", "request-rates": "request-rate", "insecure": "", "x": "", "": "", "rtclisten": "rtc-listen",
		strings.Repeat("w", 1<<20): "",
	} {
		if got := s.nearest(name); got != want {
			t.Errorf("%.20q is %q, want %q", name, got, want)
		}
	}
	for _, tt := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"a", "", 1}, {"", "ab", 2}, {"kitten", "sitting", 3}, {"flaw", "lawn", 2}, {"same", "same", 0}} {
		if got := edits(tt.a, tt.b); got != tt.want {
			t.Errorf("%s, %s: %d", tt.a, tt.b, got)
		}
	}
}

// FuzzFile reads any text as a file: it is taken or refused with one line that names a line of it, never with what a secret holds.
func FuzzFile(f *testing.F) {
	for _, text := range []string{
		"listen: :4443\n", "auth-secret: &a hunter2\nlisten: *a\n", "rtc-listen: [a, b]\n", "rtc-listen:\n- a\n", "# c\n\n---\nworkers: 1\n...\n", "a: |\n  b\n", "{a: {b: c}}", "? a\n: b\n",
		"listen: \"\\x41\"\n", "listen: 'a\nworkers: 1\n", "%YAML 1.1\n---\na: !b c\n", "\xef\xbb\xbflisten: x\n", "\xff\xfel\x00", "workers: 0x7fffffffffffffffff\n",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, _ := world()
		err := (&file{set: s, name: "f", lines: map[string]int{}}).parse([]byte(text))
		if err == nil {
			for _, name := range []string{"listen", "workers"} {
				if o := s.Origin(name); o.kind == byFile && (o.line < 1 || o.line > strings.Count(text, "\n")+1+strings.Count(text, "\r")+strings.Count(text, "\u2028")+strings.Count(text, "\u2029")+strings.Count(text, "\u0085")) {
					t.Errorf("%s is from line %d", name, o.line)
				}
			}
			return
		}
		var line int
		if n, _ := fmt.Sscanf(isOneLine(t, err), "f:%d: ", &line); n != 1 || line < 1 {
			t.Errorf("%q names no line", err)
		}
	})
}
