package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// secured is a controller that asks for tokens.
type secured struct {
	*controller
	secret string // file
}

func startSecured(t *testing.T) secured {
	t.Helper()
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(strings.Repeat("gazpacho ", 5)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return secured{startController(t, "--auth-secret-file", secret), secret}
}

// token is one as an operator makes it by hand.
func (c secured) token(flags ...string) string {
	c.t.Helper()
	var out, errs bytes.Buffer
	cmd := exec.Command(filepath.Join(binaries, "controller"), append([]string{"token", "--auth-secret-file", c.secret}, flags...)...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		c.t.Fatalf("controller token: %v\n%s", err, &errs)
	}
	return strings.TrimSpace(out.String())
}

// says waits for a message on the first screen.
func (p *tab) says(text string) {
	p.t.Helper()
	p.until(time.Minute, "says "+text, fmt.Sprintf(`document.querySelector(".form-message.error")?.textContent.includes(%q)`, text))
}

// Who has a token gets in and does what it allows; who has none, an old one or another room's is told why not; an admin takes it back.
func TestAccess(t *testing.T) {
	c := startSecured(t)
	browser := startBrowser(t)

	t.Run("who has no right to enter is told why", func(t *testing.T) {
		visit(t, browser, c.controller, "stage", "eve").says("This link does not let you in")
		visit(t, browser, c.controller, "stage", "eve", "token", c.token("--room", "cellar")).says("You may not enter this room")
		visit(t, browser, c.controller, "stage", "eve", "token", c.token("--room", "stage", "--peer", "alice")).says("You may not enter this room")
		forged := c.token("--room", "stage")
		visit(t, browser, c.controller, "stage", "eve", "token", forged[:len(forged)-8]+"AAAAAAAA").says("This link does not let you in")
	})

	alice := open(t, browser, c.controller, "stage", "alice", "token", c.token("--room", "stage", "--peer", "alice"))
	bob := open(t, browser, c.controller, "stage", "bob", "token", c.token("--room", "stage", "--publish", "", "--publish-data=false"))
	// Clocks differ, so a token is good for half a minute longer than it says.
	carol := open(t, browser, c.controller, "stage", "carol", "token", c.token("--room", "stage", "--ttl", "1s"))
	t.Run("who may only watch does", func(t *testing.T) {
		sees(bob, "alice", 5*time.Second)
		bob.until(5*time.Second, "offers no camera", `document.querySelector("[data-action=camera]").hidden && document.querySelector("[data-action=mic]").hidden`)
		if eval[bool](bob, `location.href.includes("token")`) {
			t.Error("the token stays in the address")
		}
		if n := eval[int](alice, `window.gazpacho.peers.get("bob")?.media.size ?? -1`); n != 0 {
			t.Errorf("alice receives %d things of bob, who may send nothing", n)
		}
		// The page shows no button; the server would not have taken it either.
		refused := eval[string](bob, `window.gazpacho.request("createWebRtcTransport", { producing: true }).then(() => "made", (e) => String(e.code))`)
		if refused != "403" {
			t.Errorf("a transport to send on: %s", refused)
		}
		bob.screenshot("watch-only")
	})
	t.Run("a token ends, and with it the stay", func(t *testing.T) {
		carol.says("Your access to this room has expired")
		gone(alice, "carol", 5*time.Second)
	})
	t.Run("an admin switches off and removes", func(t *testing.T) {
		host := open(t, browser, c.controller, "stage", "host", "token", c.token("--room", "stage", "--admin"))
		sees(host, "alice", 5*time.Second)
		if got := eval[string](bob, `window.gazpacho.request("closePeer", { peerId: "alice" }).then(() => "done", (e) => String(e.code))`); got != "403" {
			t.Errorf("bob removes alice: %s", got)
		}
		producer := eval[string](alice, `window.gazpacho.producers.get("camera").id`)
		eval[any](host, fmt.Sprintf(`window.gazpacho.request("closePeerProducer", { peerId: "alice", producerId: %q })`, producer))
		alice.until(5*time.Second, "hears of it", `document.querySelector(".toast.error")?.textContent.includes("switched off by a host")`)
		bob.until(5*time.Second, "sees no camera", `[...window.gazpacho.consumers.values()].every((m) => m.peerId !== "alice" || m.source !== "camera")`)
		eval[any](host, `window.gazpacho.request("closePeer", { peerId: "bob" })`)
		bob.says("You were removed from the room")
		eval[any](host, `window.gazpacho.request("closeRoom").catch(() => undefined)`)
		alice.says("The room was closed for everybody")
	})
}
