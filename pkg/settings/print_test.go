package settings

import (
	"bytes"
	"errors"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"
)

func printed(t testing.TB, s *Set) string {
	t.Helper()
	var b bytes.Buffer
	if err := s.WriteEffective(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestEffective(t *testing.T) {
	t.Chdir(t.TempDir())
	s, _ := mustLoad(t, "listen: ':1'\n\nauth-secret: hunter2\n", []string{"TEST_WORKERS=3"}, "--rtc-listen", "::1,a")
	got := printed(t, s)
	const want = `# Reach
listen: ":1" # settings.yaml:1
auth-secret: "(hidden)" # settings.yaml:3

# Work
workers: 3 # TEST_WORKERS
request-rate: 50 # default
insecure-open: false # default
grace: 1m0s # default
rtc-listen: ["::1", a] # --rtc-listen
announced: [] # default
`
	if got != want {
		t.Errorf("%s", got)
	}
	// It can be fed back, but for the secret, which is refused rather than taken for one.
	s, _ = world()
	if text := isOneLine(t, load(t, s, got, nil)); !strings.HasPrefix(text, "settings.yaml:3: auth-secret: (hidden)") {
		t.Error(text)
	}
}

// However the file is called, it does not leave its comment.
func TestFileWithAnOddName(t *testing.T) {
	o := Origin{kind: byFile, setting: "listen", name: "a\nworkers: 7 #.yaml", line: 1}
	if got := o.String(); got != `"a\nworkers: 7 #.yaml":1` {
		t.Error(got)
	}
}

func TestExample(t *testing.T) {
	write := func() string {
		s, _ := world()
		var b bytes.Buffer
		if err := s.WriteExample(&b, "Settings.\n\nSecond paragraph."); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	text := write()
	golden(t, "example.yaml", text)
	for line := range strings.Lines(text) {
		if len(line) > exampleWidth+1 {
			t.Errorf("too long: %s", line)
		}
	}
	t.Chdir(t.TempDir())
	_, want := mustLoad(t, text, nil)
	uncommented := regexp.MustCompile(`(?m)^#([a-z])`).ReplaceAllString(text, "$1")
	s, v := mustLoad(t, uncommented, nil)
	v.names = want.names // nil and empty are the same
	if !reflect.DeepEqual(v, want) {
		t.Errorf("%+v, want %+v", v, want)
	}
	if n := strings.Count(printed(t, s), "# settings.yaml:"); n != 8 {
		t.Errorf("%d settings are in the example", n)
	}
}

func TestUsage(t *testing.T) {
	s, _ := world()
	var b bytes.Buffer
	s.WriteUsage(&b, 90)
	golden(t, "usage.txt", b.String())
}

type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, errors.New("full") }

func TestWriteErrors(t *testing.T) {
	s, _ := world()
	if s.WriteEffective(failingWriter{}) == nil || s.WriteExample(failingWriter{}, "") == nil {
		t.Error("what is not written is not told")
	}
}

// Whatever text is, it is the same text when it is read from YAML, alone and in a list.
func TestScalarText(t *testing.T) {
	for text, want := range map[string]string{
		"plain": "plain", "": `""`, ":4443": `":4443"`, "::": `"::"`, "0.0.0.0": "0.0.0.0", "10.0.0.1:443": "10.0.0.1:443", "true": `"true"`, "1": `"1"`, "null": `"null"`,
		"a, b": `"a, b"`, "a: b": `"a: b"`, "# x": `"# x"`, "a #b": `"a #b"`, " x": `" x"`, "*x": `"*x"`, "&x": `"&x"`, "!x": `"!x"`, "x\ny": `"x\ny"`, "é": "é", "]": `"]"`,
		"https://a.example/keys": "https://a.example/keys", "unix:/run/x": "unix:/run/x", "- x": `"- x"`, "\x7f": `"\x7f"`, `\`: `\`, `"`: `"\""`,
	} {
		if got := scalarText(text); got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[ -~\n\t]{0,12}`)).Draw(t, "text")
		var single struct{ A string }
		if err := yaml.Unmarshal([]byte("a: "+scalarText(text)+" # c\n"), &single); err != nil || single.A != text {
			t.Fatalf("%q is read as %q, %v", text, single.A, err)
		}
		var list struct{ A []string }
		if err := yaml.Unmarshal([]byte("a: "+flow([]string{"x", text, "y"})), &list); err != nil || len(list.A) != 3 || list.A[1] != text {
			t.Fatalf("%q is read as %q, %v", text, list.A, err)
		}
	})
}
