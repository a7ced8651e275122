package settings

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// secretWorld is a set with a secret that is a list.
func secretWorld() (*Set, *[]string) {
	words := new([]string)
	s := New("program", "TEST_")
	s.Group("Access", func(f *pflag.FlagSet) {
		f.String("config", "", "YAML `file` with settings")
		ListVar(f, words, "user", nil, "`names` with passwords")
		MarkSecret(f, "user")
	})
	return s, words
}

// A list of secrets is hidden as one secret is, whatever is wrong with it.
func TestSecretLists(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, tt := range []struct{ yaml, want string }{
		{"user:\n  - a:hunter2,b\n", "settings.yaml:2: user: is not a word of a list"},
		{"user:\n  - (hidden)\n", "settings.yaml:2: user: (hidden) stands where a secret was: put the secret there"},
		{"user: (hidden)\n", "settings.yaml:1: user: (hidden) stands where a secret was: put the secret there"},
	} {
		s, _ := secretWorld()
		if got := isOneLine(t, load(t, s, tt.yaml, nil)); got != tt.want {
			t.Errorf("%q:\n got %s\nwant %s", tt.yaml, got, tt.want)
		}
	}
	for _, tt := range []struct {
		yaml string
		args []string
	}{{"user:\n  - a:hunter2\n  - b:hunter2\n", nil}, {"user: [a:hunter2, b:hunter2]\n", nil}, {"", []string{"--user", "a:hunter2", "--user", "b:hunter2"}}} {
		s, words := secretWorld()
		if err := load(t, s, tt.yaml, nil, tt.args...); err != nil || len(*words) != 2 {
			t.Fatalf("%q: %v, %v", tt.yaml, err, *words)
		}
		var b bytes.Buffer
		if err := s.WriteEffective(&b); err != nil || strings.Contains(b.String(), "hunter2") || !strings.Contains(b.String(), `user: "(hidden)"`) {
			t.Errorf("%v: %s", err, b.String())
		}
	}
}

// A file that others can read is warned of, however the list is written.
func TestSecretListsInPublicFiles(t *testing.T) {
	t.Chdir(t.TempDir())
	for yaml, warned := range map[string]bool{"user:\n  - a:b\n": true, "user: [a:b]\n": true, "user: a:b\n": true, "user: []\n": false} {
		if err := os.WriteFile("settings.yaml", []byte(yaml), 0o644); err != nil {
			t.Fatal(err)
		}
		s, _ := secretWorld()
		if err := s.Flags().Parse([]string{"--config", "settings.yaml"}); err != nil {
			t.Fatal(err)
		}
		if err := s.Load(nil); err != nil || (len(s.Warnings()) == 1) != warned {
			t.Errorf("%q: %v, %v", yaml, err, s.Warnings())
		}
	}
}
