package main

import (
	"fmt"
	"net"
	"strings"

	"gazpacho/pkg/web"
)

// announce says what a stranger wants to know first, and last what is dangerous, where it is seen. Before this point nothing is
// logged at all while all goes well: when a setting is wrong, its error is the only line.
func (c *controller) announce() {
	host := "localhost"
	port := 0
	if a, ok := c.listener.Addr().(*net.TCPAddr); ok {
		port = a.Port
		if !a.IP.IsUnspecified() && !a.IP.IsLoopback() {
			host = a.IP.String()
		}
	}
	ports := "any free"
	if c.RTCPort != 0 {
		ports = fmt.Sprintf("%d-%d", c.RTCPort, c.RTCPort+c.count-1)
	}
	admin := net.Addr(nil)
	operators := "none"
	if c.adminAt != nil {
		admin = c.adminAt.Addr()
		operators = admin.String()
	}
	c.log.Info("Gazpacho is ready", "page", fmt.Sprintf("https://%s", net.JoinHostPort(host, fmt.Sprint(port))),
		"workers", c.count, "mediaPorts", ports, "admin", operators, "control", c.Control, "version", c.Version)
	if c.TLSCert == "" {
		c.log.Info("the certificate is self-signed: browsers ask once whether you trust it", "data", c.DataDir)
	}
	if !web.Bundled() {
		c.log.Warn("this program was built without the demo page: run `make build`")
	}
	if relays := c.relays.workers; relays != nil {
		c.log.Info("clients are relayed that no direct path leads to", "listen", strings.Join(relays.Listen, ","), "urls", strings.Join(c.relays.clients.URLs, ","),
			"realm", relays.Realm, "allowedPeers", strings.Join(relays.AllowPeers, ","))
	}
	for _, warning := range c.warnings {
		c.log.Warn(warning)
	}
	c.announceAccess()
	if c.Ready != nil {
		c.Ready(c.listener.Addr(), admin)
	}
}

// announceAccess says who may enter, so that an application's author sees what tokens must look like.
func (c *controller) announceAccess() {
	if c.open() {
		c.log.Warn(openWarning)
		return
	}
	keys := "secret"
	if c.auth.JWKS != "" {
		keys = c.auth.JWKS
	}
	issuer, audience := c.auth.Issuer, c.auth.Audience
	if issuer == "" {
		issuer = "any"
	}
	if audience == "" {
		audience = "none" // a token that is for somebody is not for us
	}
	c.log.Info("who enters needs a token", "algorithm", c.auth.Algorithm, "keys", keys, "issuer", issuer, "audience", audience)
}
