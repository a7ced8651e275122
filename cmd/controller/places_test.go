package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// Every setting of the controller says the same as a line of the file, as a variable and as a flag. A setting that is added is in
// this test without anybody's doing.
func TestEverySettingInEveryPlace(t *testing.T) {
	file := filepath.Join(t.TempDir(), "gazpacho.yaml")
	newConfig().Set.Flags().VisitAll(func(f *pflag.Flag) {
		if f.Name == "config" {
			return
		}
		value := map[string]string{"int": "41", "bool": "true", "float64": "2.5", "duration": "1m30s", "string": "other", "list": "a.example"}[f.Value.Type()]
		if f.DefValue == value {
			value = "false" // what is on by itself can only be switched off
		}
		if value == "" {
			t.Fatalf("--%s is a %s: no file has such a thing", f.Name, f.Value.Type())
		}
		if err := os.WriteFile(file, []byte(f.Name+": "+value+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		variable := variablePrefix + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		byFile, byVariable, byFlag := effective(t, nil, "--config", file), effective(t, []string{variable + "=" + value}), effective(t, nil, "--"+f.Name+"="+value)
		if byFile != byVariable || byVariable != byFlag || byFlag == effective(t, nil) {
			t.Errorf("--%s: the file makes\n%s\nthe environment\n%s\nthe command line\n%s", f.Name, byFile, byVariable, byFlag)
		}
	})
}

var origin = regexp.MustCompile(`(?m) # \S+$`)

// effective is what `controller config` prints, without the places.
func effective(t *testing.T, environ []string, args ...string) string {
	t.Helper()
	cfg := newConfig()
	if err := cfg.Set.Flags().Parse(args); err != nil {
		t.Fatal(err)
	}
	if err := cfg.Set.Load(environ); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := cfg.Set.WriteEffective(&b); err != nil {
		t.Fatal(err)
	}
	return origin.ReplaceAllString(b.String(), "")
}

// The limits that the help shows are those that packages have by themselves.
func TestDefaultLimits(t *testing.T) {
	cfg := newConfig()
	for _, q := range cfg.quotas() {
		if *q.value != q.initial || q.initial < 1 {
			t.Errorf("--%s is %d, and %d at first", q.setting, *q.value, q.initial)
		}
	}
	if _, err := cfg.check(); err != nil {
		t.Errorf("the defaults are refused: %v", err)
	}
}
