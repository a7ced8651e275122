package e2e

import (
	"fmt"
	"net"
	"regexp"
	"testing"
	"time"
)

// path is how media goes over one of a page's transports, as its browser knows.
type path struct {
	Type     string `json:"candidateType"` // of the page's own candidate
	Protocol string `json:"relayProtocol"` // between the page and its relay
	URL      string `json:"url"`           // of the relay
	Remote   string `json:"remote"`        // how the relay reaches media
}

// pathOf looks at a transport of a page that has media.
func pathOf(p *tab, direction string) path {
	p.t.Helper()
	return eval[path](p, fmt.Sprintf(`(async () => {
		const all = [...(await window.gazpacho.transports.%s.getStats()).values()];
		const transport = all.find((s) => s.type === "transport");
		const pair = all.find((s) => s.id === transport.selectedCandidatePairId);
		const local = all.find((s) => s.id === pair.localCandidateId), remote = all.find((s) => s.id === pair.remoteCandidateId);
		return {candidateType: local.candidateType, relayProtocol: local.relayProtocol, url: local.url, remote: remote.protocol};
	})()`, direction))
}

// freePorts are two that were free a moment ago.
func freePorts(t *testing.T) (a, b int) {
	t.Helper()
	var ports [2]int
	for i := range ports {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		ports[i] = l.Addr().(*net.TCPAddr).Port
	}
	return ports[0], ports[1]
}

// relayed looks that media flows between a page that goes by relays only, over one protocol, and another page. The pattern is for the relays' URLs:
// each of a page's two transports takes one that it likes.
func relayed(t *testing.T, bob *tab, alice *tab, protocol, pattern string) {
	t.Helper()
	sees(alice, bob.name, time.Minute)
	sees(bob, alice.name, time.Minute)
	for _, direction := range []string{"send", "recv"} {
		got := pathOf(alice, direction)
		if got != (path{"relay", protocol, got.URL, "udp"}) || !regexp.MustCompile("^"+pattern+"$").MatchString(got.URL) {
			t.Errorf("%s goes %+v, want %s by %s", direction, got, protocol, pattern)
		}
	}
}

// mediaRelay is the URL of a relay on a TCP port of media.
const mediaRelay = `turn:127\.0\.0\.1:\d+\?transport=tcp`

// A page that may go by relays only takes part over UDP, TCP and TLS: media flows both ways, to and from another that comes directly although it might be
// relayed. Two workers share the relays' own ports, so that a client's relay may be in one worker and its room in the other.
func TestRelay(t *testing.T) {
	port, secure := freePorts(t)
	c := startController(t, "--turn-listen", fmt.Sprintf("udp:127.0.0.1:%[1]d,tcp:127.0.0.1:%[1]d,tls:127.0.0.1:%[2]d", port, secure))
	browser := startBrowser(t)
	bob := open(t, browser, c, "tunnel", "bob")
	for _, relay := range []struct{ protocol, pattern string }{
		{"udp", fmt.Sprintf(`turn:127\.0\.0\.1:%d\?transport=udp`, port)},
		{"tcp", mediaRelay}, // or on this port: both are good
		{"tls", fmt.Sprintf(`turns:127\.0\.0\.1:%d\?transport=tcp`, secure)},
	} {
		t.Run(relay.protocol, func(t *testing.T) {
			alice := visit(t, browser, c, "tunnel", "alice-"+relay.protocol, "relay", relay.protocol)
			alice.until(time.Minute, "joins the room", `window.gazpacho?.state === "joined"`)
			bob.t = t
			defer func() { eval[any](alice, "(window.gazpacho.leave(), true)") }()
			relayed(t, bob, alice, relay.protocol, relay.pattern)
			alice.screenshot("relay-" + relay.protocol)
		})
	}
	bob.t = t
	if got := pathOf(bob, "recv"); got.Type == "relay" {
		t.Errorf("bob goes %+v though he need not", got)
	}
}

// Without ports of TURN's own, the TCP port of media relays; an ICE restart, with credentials as good as the first, is relayed again.
func TestRelayOnMediaPort(t *testing.T) {
	c := startController(t, "--turn", "--workers", "1")
	browser := startBrowser(t)
	bob := open(t, browser, c, "tunnel", "bob")
	alice := visit(t, browser, c, "tunnel", "alice", "relay", "1")
	alice.until(time.Minute, "joins the room", `window.gazpacho?.state === "joined"`)
	relayed(t, bob, alice, "tcp", mediaRelay)
	eval[any](alice, "window.gazpacho.restartIce()")
	relayed(t, bob, alice, "tcp", mediaRelay)
}
