package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite golden files")

// exampleFile is the example that users find.
const exampleFile = "../../scripts/gazpacho.yaml"

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil || string(want) != got {
		t.Errorf("%s is not up to date (%v): go test ./cmd/controller -update rewrites it\n%s", file, err, got)
	}
}

// The help, the effective settings and the example come from one source; who changes that sees all of them change.
func TestGoldenTexts(t *testing.T) {
	for file, args := range map[string][]string{
		"help.txt": {"--help"}, "token.txt": {"token", "--help"}, "config.txt": {"config", "--help"}, "effective.yaml": {"config"},
	} {
		code, stdout, stderr := program(t, args...)
		if code != 0 || stderr != "" {
			t.Errorf("%v: exit %d, %s", args, code, stderr)
		}
		golden(t, filepath.Join("testdata", file), stdout)
		for line := range strings.Lines(stdout) {
			if len(line) > helpWidth+5 {
				t.Errorf("%v: too wide: %s", args, line)
			}
		}
	}
	if code, stdout, _ := program(t, "--version"); code != 0 || !strings.Contains(stdout, "v9") {
		t.Errorf("exit %d, %s", code, stdout)
	}
}

// scripts/gazpacho.yaml is what the program prints, and taking out every # leaves the defaults.
func TestExampleFile(t *testing.T) {
	code, text, stderr := program(t, "config", "--example")
	if code != 0 || stderr != "" {
		t.Fatalf("exit %d, %s", code, stderr)
	}
	golden(t, exampleFile, text)
	file := filepath.Join(t.TempDir(), "all.yaml")
	all := regexp.MustCompile(`(?m)^#([a-z])`).ReplaceAllString(text, "$1")
	if err := os.WriteFile(file, []byte(all), 0o600); err != nil {
		t.Fatal(err)
	}
	code, effective, stderr := program(t, "config", "--config", file)
	if code != 0 || stderr != "" || strings.Contains(effective, "# default") {
		t.Errorf("exit %d, %s\n%s", code, stderr, effective)
	}
	_, defaults, _ := program(t, "config")
	if got, want := origin.ReplaceAllString(effective, ""), origin.ReplaceAllString(defaults, ""); got != want {
		t.Errorf("not the defaults:\n%s", got)
	}
}

// What `controller config` prints says the same when it is fed back.
func TestEffectiveIsFedBack(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "gazpacho.yaml")
	if err := os.WriteFile(file, []byte("rtc-port: 50000\nallowed-origin: [https://a.example, b.example]\ninsecure-open: true\nadmin-listen: ''\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, first, stderr := programIn(t, []string{"GAZPACHO_MAX_ROOMS=7", "GAZPACHO_CONFIG=" + file}, "config", "--request-rate", "2.5")
	if code != 0 || stderr != "" {
		t.Fatalf("exit %d, %s", code, stderr)
	}
	for _, want := range []string{
		"rtc-port: 50000 # " + file + ":1\n", "allowed-origin: [https://a.example, b.example] # " + file + ":2\n", "insecure-open: true # " + file + ":3\n",
		"max-rooms: 7 # GAZPACHO_MAX_ROOMS\n", "request-rate: 2.5 # --request-rate\n", "log-level: info # default\n",
	} {
		if !strings.Contains(first, want) {
			t.Errorf("no %q in\n%s", want, first)
		}
	}
	again := filepath.Join(dir, "again.yaml")
	if err := os.WriteFile(again, []byte(first), 0o600); err != nil {
		t.Fatal(err)
	}
	_, second, _ := program(t, "config", "--config", again)
	if a, b := origin.ReplaceAllString(first, ""), origin.ReplaceAllString(second, ""); a != b {
		t.Errorf("%s\nis not\n%s", b, a)
	}
}

// A secret is not printed, and what stands for it is refused.
func TestSecretsAreNotPrinted(t *testing.T) {
	const secret = "0123456789abcdef0123456789abcdef"
	file := filepath.Join(t.TempDir(), "gazpacho.yaml")
	for _, secretFrom := range []struct{ environ, args []string }{
		{nil, []string{"--auth-secret", secret}}, {[]string{"GAZPACHO_AUTH_SECRET=" + secret}, nil},
	} {
		code, stdout, stderr := programIn(t, secretFrom.environ, append([]string{"config"}, secretFrom.args...)...)
		if code != 0 || strings.Contains(stdout+stderr, secret) || !strings.Contains(stdout, `auth-secret: "(hidden)"`) {
			t.Errorf("exit %d\n%s%s", code, stdout, stderr)
		}
		if err := os.WriteFile(file, []byte(stdout), 0o600); err != nil {
			t.Fatal(err)
		}
		if code, _, stderr := program(t, "config", "--config", file); code != exitSettings || !strings.Contains(stderr, "auth-secret: (hidden) stands where a secret was") {
			t.Errorf("exit %d, %s", code, stderr)
		}
	}
	// Nor is one that is wrong in some way.
	for _, wrong := range []string{"hunter2", "(hidden)"} {
		for _, command := range [][]string{{"config"}, {"token", "--room", "r"}, {}} {
			code, stdout, stderr := programIn(t, []string{"GAZPACHO_AUTH_SECRET=" + wrong}, command...)
			if code != exitSettings || bytes.Contains([]byte(stdout+stderr), []byte("hunter2")) {
				t.Errorf("%v: exit %d\n%s%s", command, code, stdout, stderr)
			}
		}
	}
}
