package settings

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
)

var update = flag.Bool("update", false, "rewrite golden files")

// values are what the settings of the tests fill.
type values struct {
	config, listen, secret string
	workers                int
	rate                   float64
	open                   bool
	grace                  time.Duration
	addresses, names       []string
}

// world is a set with a setting of every type.
func world() (*Set, *values) {
	v := &values{}
	s := New("program", "TEST_")
	s.Group("Reach", func(f *pflag.FlagSet) {
		f.StringVar(&v.config, "config", "", "YAML `file` with settings")
		f.StringVar(&v.listen, "listen", ":4443", "`address` of the port, with help that is so long that it does not fit into one line of the example, which has a hundred columns")
		f.StringVar(&v.secret, "auth-secret", "", "`secret` of tokens")
		MarkSecret(f, "auth-secret")
	})
	s.Group("Work", func(f *pflag.FlagSet) {
		f.IntVar(&v.workers, "workers", 2, "`number` of workers")
		f.Float64Var(&v.rate, "request-rate", 50, "requests a second")
		f.BoolVar(&v.open, "insecure-open", false, "let all in")
		f.DurationVar(&v.grace, "grace", time.Minute, "time to wait")
		ListVar(f, &v.addresses, "rtc-listen", []string{"0.0.0.0", "::"}, "`addresses` of workers")
		ListVar(f, &v.names, "announced", nil, "other `names`")
	})
	return s, v
}

// load loads a set from all three places. The file is named settings.yaml in the current directory, which is a new one.
func load(t *testing.T, s *Set, yaml string, environ []string, args ...string) error {
	t.Helper()
	if yaml != "" {
		if err := os.WriteFile("settings.yaml", []byte(yaml), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append([]string{"--config", "settings.yaml"}, args...)
	}
	command := pflag.NewFlagSet("test", pflag.ContinueOnError)
	command.AddFlagSet(s.Flags())
	if err := command.Parse(args); err != nil {
		return s.FlagError(err)
	}
	return s.Load(environ)
}

// mustLoad is load of what is right.
func mustLoad(t *testing.T, yaml string, environ []string, args ...string) (*Set, *values) {
	t.Helper()
	s, v := world()
	if err := load(t, s, yaml, environ, args...); err != nil {
		t.Fatal(err)
	}
	return s, v
}

// isOneLine fails unless err is a setting's error in one line.
func isOneLine(t *testing.T, err error) string {
	t.Helper()
	var ours *Error
	if !errors.As(err, &ours) {
		t.Fatalf("%v is not a setting's error", err)
	}
	if strings.ContainsAny(err.Error(), "\n\r") {
		t.Errorf("%q has more than one line", err)
	}
	return err.Error()
}

// golden compares with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	name = filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil || string(want) != got {
		t.Errorf("%s is not as it was (%v); -update rewrites it:\n%s", name, err, got)
	}
}
