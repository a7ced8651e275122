package e2e

import (
	"fmt"
	"testing"
	"time"
)

// TestChat talks in the page's chat, and through data channels of a test's own.
func TestChat(t *testing.T) {
	c := startController(t)
	browser := startBrowser(t)
	alice := open(t, browser, c, "bar", "alice")
	bob := open(t, browser, c, "bar", "bob")
	for _, p := range []*tab{alice, bob} {
		p.until(10*time.Second, "can chat", `window.gazpacho.room.chat.ready`)
		eval[any](p, `(document.querySelector("[data-action=chat]").click(), true)`)
		p.until(5*time.Second, "shows the chat", `!document.querySelector(".chat-panel").hidden`)
	}
	// What a peer may send before the other one's channel is up goes to nobody, as in any chat without a history.
	for _, p := range []*tab{alice, bob} {
		p.until(10*time.Second, "receives", `window.gazpacho.transports.recv.connectionState === "connected"`)
	}
	hears(alice, bob, "a chat line from alice: ¿qué tal?")
	hears(bob, alice, "bob answers 🍅")
	bob.screenshot("chat")
	alice.screenshot("chat-alice")

	t.Run("100 KB arrive whole, both ways", func(t *testing.T) {
		whole(t, alice, bob)
		whole(t, bob, alice)
	})
	t.Run("who comes later can chat, too", func(t *testing.T) {
		carol := open(t, browser, c, "bar", "carol")
		carol.until(10*time.Second, "can chat", `window.gazpacho.room.chat.ready`)
		hears(carol, alice, "carol is here")
		hears(alice, carol, "hello carol")
	})
	t.Run("chat survives leaving and coming back", func(t *testing.T) {
		eval[any](bob, "(window.gazpacho.leave(), true)")
		gone(alice, "bob", 5*time.Second)
		eval[any](bob, `window.gazpacho.join("bob")`)
		bob.until(10*time.Second, "can chat again", `window.gazpacho.room.chat.ready`)
		hears(bob, alice, "bob is back")
		hears(alice, bob, "good")
	})
}

// hears writes into one page's chat until the other one shows it: only that the receiver's channel is up is not known to the sender.
func hears(from, to *tab, text string) {
	from.t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	shown := fmt.Sprintf(`[...document.querySelectorAll(".chat-list .message p")].some((p) => p.textContent === %q)`, text)
	for {
		eval[any](from, fmt.Sprintf(`(() => {
			const form = document.querySelector(".chat-panel form");
			form.querySelector("input").value = %q;
			form.requestSubmit();
			return true;
		})()`, text))
		for range 10 {
			if eval[bool](to, shown) {
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
		if time.Now().After(deadline) {
			to.screenshot("failed-chat-" + to.name)
			to.t.Fatalf("%s never reads %q of %s", to.name, text, from.name)
		}
	}
}

// whole sends text, bytes and a thousand small messages over a channel of their own.
func whole(t *testing.T, from, to *tab) {
	t.Helper()
	eval[any](to, `(() => {
		window.got = [];
		window.usual = window.gazpacho.room.chat.receiveFrom;
		window.gazpacho.room.chat.receiveFrom = (peer, consumer) => {
			consumer.on("message", (data) => window.got.push(data));
			consumer.on("open", () => { window.gotOpen = true; });
			if (consumer.readyState === "open") window.gotOpen = true;
		};
		window.gotOpen = false;
		return true;
	})()`)
	eval[any](from, `window.gazpacho.room.session.produceData("chat").then((p) => { window.bulk = p; return true; })`)
	from.until(5*time.Second, "can send", `window.bulk.readyState === "open"`)
	to.until(5*time.Second, "has the channel", `window.gotOpen`)
	eval[any](to, `(window.gazpacho.room.chat.receiveFrom = window.usual, true)`)
	eval[any](from, `(() => {
		window.bulk.send("á".repeat(50_000));
		const bytes = new Uint8Array(200_000);
		bytes.forEach((_, i) => { bytes[i] = i * 7; });
		window.bulk.send(bytes);
		for (let i = 0; i < 1000; i++) window.bulk.send(String(i));
		return true;
	})()`)
	to.until(20*time.Second, "has it all", `window.got.length === 1002`)
	if !eval[bool](to, `window.got[0] === "á".repeat(50_000)`) {
		t.Error("the text has changed")
	}
	if !eval[bool](to, `(async () => {
		const data = window.got[1] instanceof Blob ? await window.got[1].arrayBuffer() : window.got[1];
		const bytes = new Uint8Array(data);
		return bytes.length === 200_000 && bytes.every((b, i) => b === (i * 7) % 256);
	})()`) {
		t.Error("the bytes have changed")
	}
	if !eval[bool](to, `window.got.slice(2).every((text, i) => text === String(i))`) {
		t.Error("the messages are out of order")
	}
}
