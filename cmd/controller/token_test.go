package main

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"gazpacho/pkg/auth"
)

// The flags of a token are its rights: all of a member, less what is taken away.
func TestGrantOfFlags(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	all := auth.Grant{Room: "r", Publish: auth.Publish{Kinds: []string{"audio", "video"}}, Subscribe: true, PublishData: true, Expires: now.Add(time.Hour)}
	with := func(change func(*auth.Grant)) auth.Grant {
		g := all
		change(&g)
		return g
	}
	for args, want := range map[string]auth.Grant{
		"--room r":                                all,
		"--room r --peer p":                       with(func(g *auth.Grant) { g.Peer = "p" }),
		"--room r --publish audio":                with(func(g *auth.Grant) { g.Publish.Kinds = []string{"audio"} }),
		"--room r --publish=":                     with(func(g *auth.Grant) { g.Publish.Kinds = nil }),
		"--room r --max-bitrate 500000":           with(func(g *auth.Grant) { g.Publish.MaxBitrate = 500_000 }),
		"--room r --subscribe=false":              with(func(g *auth.Grant) { g.Subscribe = false }),
		"--room r --publish-data=false":           with(func(g *auth.Grant) { g.PublishData = false }),
		"--room r --ttl 10m":                      with(func(g *auth.Grant) { g.Expires = now.Add(10 * time.Minute) }),
		"--room r --admin":                        with(func(g *auth.Grant) { g.Admin = true }),
		"--admin":                                 with(func(g *auth.Grant) { g.Room, g.Admin = "", true }),
		"--room r --publish audio,video --ttl 1h": all,
	} {
		got, err := grantOf(t, args, now)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v", args, got, err)
		}
	}
	for args, want := range map[string]string{
		"":                                    "--room: is needed",
		"--peer p":                            "--room: is needed",
		"--room r --publish screen":           `--publish: "screen" is neither`,
		"--room r --max-bitrate -1":           "--max-bitrate: -1 is negative",
		"--room r --max-bitrate 1 --publish=": "--max-bitrate: does not go without --publish",
		"--room r --ttl 0":                    "--ttl: 0s is less",
		"--room r --ttl -1h":                  "--ttl: -1h0m0s is less",
	} {
		if _, err := grantOf(t, args, now); err == nil || !strings.HasPrefix(err.Error(), want) || exitCode(err) != exitSettings {
			t.Errorf("%s: %v", args, err)
		}
	}
}

func grantOf(t *testing.T, args string, now time.Time) (auth.Grant, error) {
	t.Helper()
	var f tokenFlags
	flags := pflag.NewFlagSet("token", pflag.ContinueOnError)
	f.define(flags)
	if err := flags.Parse(strings.Fields(args)); err != nil {
		t.Fatal(err)
	}
	return f.grant(now)
}

func TestPageURL(t *testing.T) {
	for _, tt := range []struct{ listen, room, peer, want string }{
		{":4443", "r", "", "https://localhost:4443/?roomId=r&token=T"},
		{"0.0.0.0:4443", "r", "", "https://localhost:4443/?roomId=r&token=T"},
		{"[::]:4443", "r", "", "https://localhost:4443/?roomId=r&token=T"},
		{"127.0.0.1:4443", "r", "", "https://localhost:4443/?roomId=r&token=T"},
		{"localhost:443", "a b&c", "p", "https://localhost/?roomId=a+b%26c&peerId=p&token=T"},
		{"192.0.2.2:443", "r", "", "https://192.0.2.2/?roomId=r&token=T"},
		{"[2001:db8::1]:443", "r", "", "https://[2001:db8::1]/?roomId=r&token=T"},
		{"[2001:db8::1]:4443", "", "", "https://[2001:db8::1]:4443/?token=T"},
		{"sfu.example:8443", "r", "", "https://sfu.example:8443/?roomId=r&token=T"},
		{"nonsense", "r", "", "https://localhost:4443/?roomId=r&token=T"},
	} {
		if got := pageURL(tt.listen, tt.room, tt.peer, "T"); got != tt.want {
			t.Errorf("%+v: %s", tt, got)
		}
	}
}

// A token of the command is what the controller of the same settings lets in, and nothing else is on standard output.
func TestTokenCommand(t *testing.T) {
	environ := []string{"GAZPACHO_AUTH_SECRET=" + goodSecret, "GAZPACHO_AUTH_ISSUER=tests", "GAZPACHO_AUTH_AUDIENCE=gazpacho"}
	code, stdout, stderr := programIn(t, environ, "token", "--room", "lobby", "--publish", "audio", "--max-bitrate", "64000")
	token := strings.TrimSuffix(stdout, "\n")
	if code != 0 || strings.Contains(token, "\n") || stderr != "page: https://localhost:4443/?roomId=lobby&token="+token+"\n" {
		t.Fatalf("exit %d\n%s%s", code, stdout, stderr)
	}
	c := auth.Config{Secret: []byte(goodSecret), Issuer: "tests", Audience: "gazpacho"}
	v, err := auth.New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	g, err := v.Verify(t.Context(), token, time.Now())
	if err != nil || g.Room != "lobby" || !g.CanPublish("audio") || g.CanPublish("video") || g.Publish.MaxBitrate != 64_000 || !g.Subscribe || g.Admin {
		t.Errorf("%+v, %v", g, err)
	}
	if left := time.Until(g.Expires); left < 58*time.Minute || left > time.Hour+auth.DefaultLeeway {
		t.Errorf("it ends in %v", left)
	}
}

func TestTokenCommandRefuses(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"--room", "r"}, "--auth-secret: there is no secret to sign with; `openssl rand"},
		{[]string{"--room", "r", "--auth-jwks", "keys.json"}, "--auth-jwks: a key set has public keys"},
		{[]string{"--auth-secret", goodSecret}, "--room: is needed"},
		{[]string{"--room", "r", "--auth-secret", goodSecret, "--publish", "x"}, "--publish: "},
		{[]string{"--rooms", "r"}, "--rooms: there is no such flag"},
		{[]string{"word"}, `command line: unknown argument "word"`},
	} {
		code, stdout, stderr := program(t, append([]string{"token"}, tt.args...)...)
		if code != exitSettings || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.HasPrefix(stderr, "controller: "+tt.want) {
			t.Errorf("%v: exit %d, %q, %q", tt.args, code, stdout, stderr)
		}
	}
}
