package main

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"gazpacho/pkg/auth"
	"gazpacho/pkg/settings"
)

// tokenFlags is what a token says. They are flags of this command only: a file or a variable that made tokens for admins by default
// would be a trap.
type tokenFlags struct {
	room, peer             string
	publish                []string
	maxBitrate             int
	subscribe, publishData bool
	admin                  bool
	ttl                    time.Duration
}

// kinds are what may be published.
var kinds = []string{"audio", "video"}

// tokenCommand prints access tokens.
func tokenCommand(cfg *config) *cobra.Command {
	var f tokenFlags
	c := &cobra.Command{
		Use:   "token",
		Short: "print an access token, signed with the configured secret",
		Long: `Prints an access token (JWT, HS256), signed with the secret that the controller is configured with, for
tries and scripts. Who holds it may enter the room, send, receive, and chat until it ends, less what
flags take away. Applications make such tokens themselves, with any library for JWT.`,
		Example: `  controller token --config gazpacho.yaml --room lobby
  controller token --auth-secret-file secret --room lobby --peer alice --publish audio --ttl 10m
  controller token --auth-secret-file secret --admin`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return printToken(c, *cfg, f, time.Now()) },
	}
	f.define(c.Flags())
	return c
}

func (t *tokenFlags) define(f *pflag.FlagSet) {
	f.SortFlags = false
	f.StringVar(&t.room, "room", "", "the `room` it is for; needed but for admins, who may have all")
	f.StringVar(&t.peer, "peer", "", "the peer `id` it is for (default: any)")
	settings.ListVar(f, &t.publish, "publish", kinds, "`kinds` of media that may be sent; none: \"\"")
	f.IntVar(&t.maxBitrate, "max-bitrate", 0, "most that may be sent, in `bit/s`; 0: no limit of its own")
	f.BoolVar(&t.subscribe, "subscribe", true, "receive media and messages")
	f.BoolVar(&t.publishData, "publish-data", true, "send messages")
	f.BoolVar(&t.admin, "admin", false, "act on others and on rooms")
	f.DurationVar(&t.ttl, "ttl", time.Hour, "`time` until it ends")
}

// grant is what the flags say. Nothing is the default for a room: a token for all of them is for admins, and asked for by name.
func (t tokenFlags) grant(now time.Time) (auth.Grant, error) {
	wrong := func(flag, reason string) (auth.Grant, error) {
		return auth.Grant{}, &settings.Error{Where: "--" + flag, Err: errors.New(reason)}
	}
	for _, kind := range t.publish {
		if !slices.Contains(kinds, kind) {
			return wrong("publish", fmt.Sprintf("%q is neither audio nor video", kind))
		}
	}
	switch {
	case t.room == "" && !t.admin:
		return wrong("room", "is needed: only admins have all rooms")
	case t.maxBitrate < 0:
		return wrong("max-bitrate", fmt.Sprintf("%d is negative", t.maxBitrate))
	case t.maxBitrate > 0 && len(t.publish) == 0:
		return wrong("max-bitrate", "does not go without --publish")
	case t.ttl < time.Second:
		return wrong("ttl", fmt.Sprintf("%v is less than a second", t.ttl))
	}
	return auth.Grant{
		Room: t.room, Peer: t.peer, Publish: auth.Publish{Kinds: t.publish, MaxBitrate: t.maxBitrate},
		Subscribe: t.subscribe, PublishData: t.publishData, Admin: t.admin, Expires: now.Add(t.ttl),
	}, nil
}

// printToken writes the token alone to standard output, for scripts, and all else to standard error.
func printToken(c *cobra.Command, cfg config, f tokenFlags, now time.Time) error {
	s := checked{config: cfg}
	if err := checkAccess(&s); err != nil {
		return err
	}
	switch {
	case s.auth.JWKS != "":
		return s.wrongText("auth-jwks", "a key set has public keys, which check tokens and cannot sign them: who holds the private key makes them")
	case s.open():
		return s.wrong("auth-secret", fmt.Errorf("there is no secret to sign with; %s", secretHint))
	}
	g, err := f.grant(now)
	if err != nil {
		return err
	}
	token, err := s.auth.Sign(g, now)
	if err != nil {
		return s.wrongAuth(err)
	}
	for _, warning := range s.warnings {
		c.PrintErrln("warning:", warning)
	}
	fmt.Fprintln(c.OutOrStdout(), token)
	c.PrintErrln("page:", pageURL(s.Listen, f.room, f.peer, token))
	return nil
}

// pageURL is the demo page as this machine's browser reaches it, with its fields filled in.
func pageURL(listen, room, peer, token string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		host, port = "localhost", "4443" // it does not start with that anyway
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && (ip.IsUnspecified() || ip.IsLoopback()) {
		host = "localhost"
	}
	if port == "443" {
		port = ""
	}
	u := url.URL{Scheme: "https", Host: strings.TrimSuffix(net.JoinHostPort(host, port), ":"), Path: "/"}
	for _, q := range []struct{ name, value string }{{"roomId", room}, {"peerId", peer}, {"token", token}} {
		if q.value != "" {
			u.RawQuery += "&" + q.name + "=" + url.QueryEscape(q.value)
		}
	}
	u.RawQuery = strings.TrimPrefix(u.RawQuery, "&")
	return u.String()
}
