package settings

import (
	"os"
	"strings"
	"testing"
)

// What is wrong in a file is one line that names the file, the line and the setting.
func TestBadFile(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, tt := range []struct{ yaml, want string }{
		{"worker: 3\n", `settings.yaml:1: "worker": there is no such setting; did you mean workers?`},
		{"a: 1\n", `settings.yaml:1: "a": there is no such setting`},
		{"listen: x\nauthSecret: y\n", `settings.yaml:2: "authSecret": there is no such setting; did you mean auth-secret?`},
		{"listen: x\n\nlisten: y\n", `settings.yaml:3: listen: is given twice, first in line 1`},
		{"config: other.yaml\n", `settings.yaml:1: config: names this file, from outside: --config or TEST_CONFIG`},
		{"workers: many\n", `settings.yaml:1: workers: "many" is not a whole number`},
		{"workers: 2.5\n", `settings.yaml:1: workers: "2.5" is not a whole number`},
		{"workers: 99999999999999999999\n", `settings.yaml:1: workers: "99999999999999999999" is not a whole number`},
		{"workers: \"3\"\n", `settings.yaml:1: workers: is text, as it is in quotes, not a whole number`},
		{"workers: [3]\n", `settings.yaml:1: workers: is a list, not a whole number`},
		{"workers:\n", `settings.yaml:1: workers: has no value: give one, or remove the line`},
		{"workers: ~\n", `settings.yaml:1: workers: has no value: give one, or remove the line`},
		{"request-rate: fast\n", `settings.yaml:1: request-rate: "fast" is not a number`},
		{"insecure-open: yes\n", `settings.yaml:1: insecure-open: "yes" is not true or false`},
		{"grace: 5\n", `settings.yaml:1: grace: "5" is not a duration such as 90s or 1h30m`},
		{"listen: [a, b]\n", `settings.yaml:1: listen: is a list, not text`},
		{"listen:\n  host: a\n", `settings.yaml:2: listen: is a mapping, not text`},
		{"rtc-listen: {a: b}\n", `settings.yaml:1: rtc-listen: is a mapping, not a list`},
		{"rtc-listen:\n  - a\n  - [b]\n", `settings.yaml:3: rtc-listen: is a list, not a word`},
		{"rtc-listen:\n  - a\n  -\n", `settings.yaml:3: rtc-listen: has no value: give one, or remove the line`},
		{"rtc-listen:\n  - a\n  - ''\n", `settings.yaml:3: rtc-listen: "" is not a word of a list`},
		{"rtc-listen:\n  - a,b\n", `settings.yaml:2: rtc-listen: "a,b" is not a word of a list`},
		{"listen: &a x\n", `settings.yaml:1: listen: is an anchor or alias, not text`},
		{"listen: &a x\nauth-secret: *a\n", `settings.yaml:1: listen: is an anchor or alias, not text`},
		{"auth-secret: *hunter2\n", `settings.yaml:1: malformed YAML: an alias has no meaning here`},
		{"&a listen: x\n", `settings.yaml:1: the name of a setting is expected`},
		{"<<: {listen: x}\n", `settings.yaml:1: "<<": there is no such setting`},
		{"listen: !!str x\n", `settings.yaml:1: listen: is something with a tag, not text`},
		{"listen: !x y\n", `settings.yaml:1: listen: is something with a tag, not text`},
		{"!!map {listen: x}\n", "settings.yaml:1: expected lines such as `listen: 0.0.0.0:443`"},
		{"? [listen]\n: x\n", `settings.yaml:1: the name of a setting is expected`},
		{"- listen\n", "settings.yaml:1: expected lines such as `listen: 0.0.0.0:443`"},
		{"listen\n", "settings.yaml:1: expected lines such as `listen: 0.0.0.0:443`"},
		{"listen: x\n---\nworkers: 1\n", `settings.yaml:2: a second document begins; there may be one`},
		{"auth-secret: (hidden)\n", `settings.yaml:1: auth-secret: (hidden) stands where a secret was: put the secret there`},
		{"listen: \"a\\0b\"\n", `settings.yaml:1: listen: has a zero byte in it`},
	} {
		s, _ := world()
		if got := isOneLine(t, load(t, s, tt.yaml, nil)); got != tt.want {
			t.Errorf("%q:\n got %s\nwant %s", tt.yaml, got, tt.want)
		}
	}
}

// A file that is no YAML is wrong in the line that a reader must look at, wherever it stands.
func TestBadSyntax(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, tt := range []struct {
		yaml string
		line string
	}{
		{"listen: a: b\n", "1"},
		{"listen: @a\n", "1"},
		{"}\n", "1"},
		{"# c\n\nlisten: x\nworkers: 2: 3\nopen: x\n", "4"},
		{"listen: x\nworkers\ngrace: 1s\n", "2"},
		{"listen: x\nrtc-listen: [a,\n  b\nworkers: 2\n", "3"},
		{"listen: x\nrtc-listen: [::]\nworkers: 2\n", "2"},
		{"listen: \"x\nworkers: 2\ngrace: 1s\n", "1"},
		{"# c\nlisten: x\n\tworkers: 2\n", "3"},
		{"# c\nlisten: x\n  workers: 2\n", "3"},
		{"# c\nlisten: x\n- workers\n", "3"},
		{"listen: x\nauth-secret: 'a'b'\n", "2"},
		{"listen: x\nauth-secret: \"\\q\"\n", "2"},
		{"listen: x\n%YAML\n", "2"},
		{"listen: x\n\nauth-secret: a\x01b\n", "3"},
		{"listen: x\n\nauth-secret: a\xffb\n", "3"},
		{"listen: x\n...\nworkers: 2\n", "2"},
	} {
		s, _ := world()
		got := isOneLine(t, load(t, s, tt.yaml, nil))
		if !strings.HasPrefix(got, "settings.yaml:"+tt.line+": malformed YAML: ") {
			t.Errorf("%q: %s; want line %s", tt.yaml, got, tt.line)
		}
	}
}

func TestBadFiles(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("big", []byte(strings.Repeat("# comment\n", maxFile/10+1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir("directory", 0o700); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"none": "no such file", "directory": "is a directory", "big": "more than 1048576 bytes"} {
		s, _ := world()
		if got := isOneLine(t, load(t, s, "", nil, "--config", name)); !strings.HasPrefix(got, "--config: ") || !strings.Contains(got, want) {
			t.Error(got)
		}
		s, _ = world()
		if got := isOneLine(t, load(t, s, "", []string{"TEST_CONFIG=" + name})); !strings.HasPrefix(got, "TEST_CONFIG: ") || !strings.Contains(got, want) {
			t.Error(got)
		}
	}
}

// Bombs of aliases, depth and length end soon, with an error.
func TestBombs(t *testing.T) {
	t.Chdir(t.TempDir())
	aliases := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c < 'z'; c++ {
		p := string(c - 1)
		aliases += string(c) + ": &" + string(c) + " [" + strings.Repeat("*"+p+",", 8) + "*" + p + "]\n"
	}
	for _, text := range []string{aliases, strings.Repeat("[", maxFile-1), strings.Repeat("- ", maxFile/2), strings.Repeat("{a: ", maxFile/4), strings.Repeat("&a", maxFile/2)} {
		s, _ := world()
		isOneLine(t, load(t, s, text, nil))
	}
}

func TestBadEnvironment(t *testing.T) {
	for _, tt := range []struct{ variable, want string }{
		{"TEST_WORKERS=many", `TEST_WORKERS: "many" is not a whole number`},
		{"TEST_WORKERS=", `TEST_WORKERS: is empty, not a whole number`},
		{"TEST_WORKER=1", `TEST_WORKER: there is no such setting; did you mean TEST_WORKERS?`},
		{"TEST_listen=x", `TEST_listen: there is no such setting; did you mean TEST_LISTEN?`},
		{"TEST_=x", `TEST_: there is no such setting`},
		{"TEST_PORT_4443_TCP_ADDR=10.0.0.1", `TEST_PORT_4443_TCP_ADDR: there is no such setting; if Kubernetes set it, say enableServiceLinks: false in the pod`},
		{"TEST_LISTEN=\xff", `TEST_LISTEN: is not UTF-8 text`},
		{"TEST_AUTH_SECRET=(hidden)", `TEST_AUTH_SECRET: (hidden) stands where a secret was: put the secret there`},
	} {
		s, _ := world()
		if got := isOneLine(t, load(t, s, "", []string{tt.variable})); got != tt.want {
			t.Errorf("%q:\n got %s\nwant %s", tt.variable, got, tt.want)
		}
	}
}

func TestBadFlags(t *testing.T) {
	for _, tt := range []struct{ arg, want string }{
		{"--workers=many", `--workers: "many" is not a whole number`},
		{"--workers", `--workers: needs a value`},
		{"--worker=2", `--worker: there is no such flag; did you mean --workers?`},
		{"--something-else", `--something-else: there is no such flag`},
		{"-x", `-x: there is no such flag`},
		{"--=x", `flags: bad flag syntax: --=x`},
		{"--insecure-open=yes", `--insecure-open: "yes" is not true or false`},
		{"--auth-secret=(hidden)", `--auth-secret: (hidden) stands where a secret was: put the secret there`},
		{"--listen=a\xff", `--listen: is not UTF-8 text`},
	} {
		s, _ := world()
		if got := isOneLine(t, load(t, s, "", nil, tt.arg)); got != tt.want {
			t.Errorf("%q:\n got %s\nwant %s", tt.arg, got, tt.want)
		}
	}
}

// What is overridden is looked at all the same: a mistake in a file does not wait for the day when a flag goes.
func TestOverriddenMistakes(t *testing.T) {
	t.Chdir(t.TempDir())
	s, _ := world()
	if got := isOneLine(t, load(t, s, "workers: many\n", []string{"TEST_WORKERS=3"}, "--workers", "4")); !strings.HasPrefix(got, "settings.yaml:1: workers:") {
		t.Error(got)
	}
	s, _ = world()
	if got := isOneLine(t, load(t, s, "", []string{"TEST_WORKERS=many"}, "--workers", "4")); !strings.HasPrefix(got, "TEST_WORKERS:") {
		t.Error(got)
	}
}

// A file with a secret that all can read is worth a warning; one without is nobody's business.
func TestReadableSecret(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, tt := range []struct {
		yaml string
		mode os.FileMode
		want string
	}{
		{"listen: x\nauth-secret: s\n", 0o644, "settings.yaml:2: this file holds a secret and every user of the machine can read it: chmod 600 settings.yaml"},
		{"listen: x\nauth-secret: s\n", 0o640, ""},
		{"listen: x\nauth-secret: ''\n", 0o644, ""},
		{"listen: x\n", 0o644, ""},
	} {
		mustLoad(t, tt.yaml, nil)
		if err := os.Chmod("settings.yaml", tt.mode); err != nil {
			t.Fatal(err)
		}
		s, _ := mustLoad(t, "", nil, "--config", "settings.yaml")
		if got := strings.Join(s.Warnings(), "|"); got != tt.want {
			t.Errorf("%q %v: %s", tt.yaml, tt.mode, got)
		}
	}
}
