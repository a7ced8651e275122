package settings

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestDefaults(t *testing.T) {
	s, v := mustLoad(t, "", []string{"PATH=/bin", "TESTING=1"})
	want := values{listen: ":4443", workers: 2, rate: 50, grace: time.Minute, addresses: []string{"0.0.0.0", "::"}}
	if !reflect.DeepEqual(*v, want) {
		t.Errorf("%+v", *v)
	}
	if o := s.Origin("listen").String(); o != "default" {
		t.Error(o)
	}
	if got := isOneLine(t, s.Wrong("listen", errTest)); got != "--listen: is bad" {
		t.Error(got)
	}
}

var errTest = errors.New("is bad")

// All types, each in every spelling that a file has.
func TestFile(t *testing.T) {
	t.Chdir(t.TempDir())
	_, v := mustLoad(t, `
# comment
listen: 10.0.0.7:443   # comment
auth-secret: 'it''s "secret": #1'
"workers": 0x10
request-rate: 2.5
insecure-open: true
grace: 1m30s
rtc-listen:
  - 10.0.0.7
  - "::1"
announced: a.example, b.example,
`, nil)
	want := values{
		config: "settings.yaml", listen: "10.0.0.7:443", secret: `it's "secret": #1`, workers: 16, rate: 2.5, open: true, grace: 90 * time.Second,
		addresses: []string{"10.0.0.7", "::1"}, names: []string{"a.example", "b.example"},
	}
	if !reflect.DeepEqual(*v, want) {
		t.Errorf("%+v", *v)
	}
	// Numbers are text where text is wanted, as they stand.
	if _, v := mustLoad(t, "auth-secret: 0123\nlisten: 1e3\n", nil); v.secret != "0123" || v.listen != "1e3" {
		t.Errorf("%+v", v)
	}
	for _, empty := range []string{"# nothing\n", "\n", "---\n", "null\n", "{}\n", "---\n...\n"} {
		if _, v := mustLoad(t, empty, nil); v.workers != 2 {
			t.Errorf("%q: %+v", empty, v)
		}
	}
	if _, v := mustLoad(t, "{listen: x, rtc-listen: []}", nil); v.listen != "x" || len(v.addresses) != 0 {
		t.Errorf("%+v", v)
	}
}

func TestPrecedence(t *testing.T) {
	t.Chdir(t.TempDir())
	const yaml = "listen: file:1\nworkers: 5\nrtc-listen: [192.0.2.1]\nannounced: [file]\n"
	environ := []string{"TEST_LISTEN=env:1", "TEST_RTC_LISTEN=192.0.2.2,192.0.2.3", "TEST_INSECURE_OPEN=true"}
	s, v := mustLoad(t, yaml, environ, "--listen", "flag:1", "--announced", "one", "--announced", "two, three")
	want := values{
		config: "settings.yaml", listen: "flag:1", workers: 5, rate: 50, open: true, grace: time.Minute,
		addresses: []string{"192.0.2.2", "192.0.2.3"}, names: []string{"one", "two", "three"},
	}
	if !reflect.DeepEqual(*v, want) {
		t.Errorf("%+v", *v)
	}
	for name, origin := range map[string]string{
		"config": "--config", "listen": "--listen", "workers": "settings.yaml:2", "request-rate": "default", "rtc-listen": "TEST_RTC_LISTEN",
		"announced": "--announced", "insecure-open": "TEST_INSECURE_OPEN",
	} {
		if got := s.Origin(name).String(); got != origin {
			t.Errorf("%s is from %s, want %s", name, got, origin)
		}
		if s.Origin(name).Flag() != strings.HasPrefix(origin, "--") {
			t.Errorf("%s: %v", name, s.Origin(name).Flag())
		}
	}
	for name, text := range map[string]string{
		"listen": "--listen: is bad", "workers": "settings.yaml:2: workers: is bad", "rtc-listen": "TEST_RTC_LISTEN: is bad", "grace": "--grace: is bad",
	} {
		if got := isOneLine(t, s.Wrong(name, errTest)); got != text {
			t.Error(got)
		}
	}
}

// The file is named by the flag, or by the variable, or not at all.
func TestWhichFile(t *testing.T) {
	t.Chdir(t.TempDir())
	mustLoad(t, "workers: 7\n", nil) // writes it
	if _, v := mustLoad(t, "", []string{"TEST_CONFIG=settings.yaml"}); v.workers != 7 || v.config != "settings.yaml" {
		t.Errorf("%+v", v)
	}
	if _, v := mustLoad(t, "", []string{"TEST_CONFIG=settings.yaml"}, "--config", ""); v.workers != 2 {
		t.Errorf("%+v", v)
	}
	if _, v := mustLoad(t, "", []string{"TEST_CONFIG="}); v.workers != 2 {
		t.Errorf("%+v", v)
	}
}

// A flag set to what the default says is set all the same.
func TestFlagAsTheDefault(t *testing.T) {
	t.Chdir(t.TempDir())
	if s, v := mustLoad(t, "workers: 7\nrtc-listen: [x]\n", nil, "--workers", "2", "--rtc-listen", "0.0.0.0,::"); v.workers != 2 || len(v.addresses) != 2 || !s.Origin("workers").Flag() {
		t.Errorf("%+v", v)
	}
	if _, v := mustLoad(t, "rtc-listen: [x]\ninsecure-open: true\n", nil, "--rtc-listen=", "--insecure-open=false"); len(v.addresses) != 0 || v.open {
		t.Errorf("%+v", v)
	}
}

func TestSecretVariables(t *testing.T) {
	s, _ := world()
	if got := s.SecretVariables(); !reflect.DeepEqual(got, []string{"TEST_AUTH_SECRET"}) {
		t.Error(got)
	}
}
