package e2e

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"
)

// pipe is a data channel of a test's own, from one page to another. In both pages it is window.pipes[label]: the sender's channel, and what the
// receiver has got.
type pipe struct {
	label    string
	from, to *tab
}

// dataOptions are those of mediasoup-client's produceData.
type dataOptions struct {
	Label          string `json:"label"`
	Ordered        bool   `json:"ordered"`
	MaxRetransmits *int   `json:"maxRetransmits,omitempty"`
}

// connect opens a channel and waits until both ends are up.
func connect(from, to *tab, o dataOptions) pipe {
	from.t.Helper()
	options, err := json.Marshal(o)
	if err != nil {
		from.t.Fatal(err)
	}
	p := pipe{o.Label, from, to}
	eval[any](to, fmt.Sprintf(`(() => {
		window.pipes ??= {};
		const pipe = window.pipes[%[1]q] = { messages: 0, bytes: 0, take: () => {}, closed: false };
		const session = window.gazpacho.room.session;
		const usual = session.consumeData;
		session.consumeData = async (info) => {
			const consumer = await usual.call(session, info);
			if (info.label !== %[1]q) return consumer;
			session.consumeData = usual;
			pipe.consumer = consumer;
			for (const event of ["close", "transportclose", "error"]) consumer.on(event, () => { pipe.closed = true; });
			consumer.on("message", async (data) => {
				const bytes = typeof data === "string" ? new TextEncoder().encode(data) : new Uint8Array(data instanceof Blob ? await data.arrayBuffer() : data);
				pipe.messages++;
				pipe.bytes += bytes.length;
				pipe.take(bytes, data);
			});
			return consumer;
		};
		return true;
	})()`, o.Label))
	eval[any](from, fmt.Sprintf(`window.gazpacho.transports.send.produceData(%s).then((producer) => {
		window.pipes ??= {};
		window.pipes[%q] = { producer };
		return true;
	})`, options, o.Label))
	from.until(30*time.Second, "can send", p.js("pipe.producer.readyState === 'open'"))
	to.until(30*time.Second, "has the channel", p.js("pipe.consumer?.readyState === 'open'"))
	return p
}

// js is an expression about window.pipes[label], by the name of pipe.
func (p pipe) js(expression string) string {
	return fmt.Sprintf(`(async (pipe) => (%s))(window.pipes[%q])`, expression, p.label)
}

// intact fails the test if the channel was closed.
func (p pipe) intact() {
	p.to.t.Helper()
	if eval[bool](p.to, p.js("pipe.closed")) || !eval[bool](p.from, p.js("pipe.producer.readyState === 'open'")) {
		p.to.t.Errorf("channel %s from %s to %s was closed", p.label, p.from.name, p.to.name)
	}
}

// TestDataChannels moves files, floods and streams of small messages between two pages.
func TestDataChannels(t *testing.T) {
	c := startController(t)
	browser := startBrowser(t)
	alice := open(t, browser, c, "data", "alice", "video", "0", "audio", "0")
	bob := open(t, browser, c, "data", "bob", "video", "0", "audio", "0")
	for _, p := range []*tab{alice, bob} {
		p.until(30*time.Second, "can chat", `window.gazpacho.room.chat.ready`)
	}
	there, back := connect(alice, bob, dataOptions{Label: "there", Ordered: true}), connect(bob, alice, dataOptions{Label: "back", Ordered: true})
	t.Run("a file of 2 MB, both ways", func(t *testing.T) {
		file(t, there, back)
		file(t, back, there)
	})
	t.Run("1,000 messages a second, beside a flood without retransmissions", func(t *testing.T) {
		none := 0
		flood := connect(alice, bob, dataOptions{Label: "flood", MaxRetransmits: &none})
		flooded(t, flood, func() { ticks(t, there, back) })
	})
	there.intact()
	back.intact()
}

// file sends 2 MB one way, while the other way says how much of it came: what has not come is held back, so that a receiver that others keep from
// working is not taken for one that does not read. Both pages say what they think it was.
func file(t *testing.T, there, back pipe) {
	t.Helper()
	const size = 2 << 20
	const digest = `Array.from(new Uint8Array(await crypto.subtle.digest("SHA-256", %s)), (b) => b.toString(16).padStart(2, "0")).join("")`
	eval[any](there.to, there.js(fmt.Sprintf(`(() => {
		const file = new Uint8Array(%d);
		let length = 0;
		pipe.digest = new Promise((done) => {
			pipe.take = async (bytes) => {
				file.set(bytes, length);
				length += bytes.length;
				window.pipes[%q].producer.send(String(length));
				if (length === file.length) done(%s);
			};
		});
		return true;
	})()`, size, back.label, fmt.Sprintf(digest, "file"))))
	sent := eval[string](there.from, there.js(fmt.Sprintf(`await (async () => {
		const file = new Uint8Array(%d);
		for (let at = 0; at < file.length; at += 65_536) crypto.getRandomValues(file.subarray(at, at + 65_536));
		let length = 0;
		let acknowledged = 0;
		const pump = () => {
			for (; length < file.length && length - acknowledged < 256 << 10; length += 16 << 10) pipe.producer.send(file.subarray(length, length + (16 << 10)));
		};
		window.pipes[%q].take = (_, text) => { acknowledged = Number(text); pump(); };
		pump();
		return %s;
	})()`, size, back.label, fmt.Sprintf(digest, "file"))))
	there.to.until(60*time.Second, "has the whole file", there.js(fmt.Sprintf("await Promise.race([pipe.digest, new Promise((no) => setTimeout(no, 500))]) === %q", sent)))
	eval[any](there.to, there.js("(pipe.take = () => {}, true)"))
	eval[any](there.from, fmt.Sprintf("(window.pipes[%q].take = () => {}, true)", back.label))
}

// ticks sends 1,000 messages a second for five seconds, all of which arrive once and in order. A receiver whose processor others have for seconds
// holds them back by the other channel, so that the worker need not give it up.
func ticks(t *testing.T, there, back pipe) {
	t.Helper()
	const count, seconds = 5000, 5
	eval[any](there.to, there.js(fmt.Sprintf(`(() => {
		pipe.ticks = [];
		pipe.take = (_, text) => {
			if (pipe.ticks.push(Number(text)) %% 100 === 0) window.pipes[%q].producer.send(String(pipe.ticks.length));
		};
		return true;
	})()`, back.label)))
	eval[any](there.from, there.js(fmt.Sprintf(`(() => {
		const start = performance.now();
		let n = 0;
		let came = 0;
		window.pipes[%[3]q].take = (_, text) => { came = Number(text); };
		const timer = setInterval(() => {
			const due = Math.min(%[1]d, came + 2000, (performance.now() - start) * %[1]d / %[2]d_000);
			while (n < due) pipe.producer.send(String(n++));
			if (n < %[1]d) return;
			clearInterval(timer);
			pipe.took = performance.now() - start;
		}, 10);
		return true;
	})()`, count, seconds, back.label)))
	there.to.until(60*time.Second, "has every message", there.js(fmt.Sprintf("pipe.ticks.length >= %d", count)))
	if !eval[bool](there.to, there.js(fmt.Sprintf("pipe.ticks.length === %d && pipe.ticks.every((tick, i) => tick === i)", count))) {
		t.Error("messages are out of order, or came twice")
	}
	t.Logf("%.0f messages a second", count/eval[float64](there.from, there.js("pipe.took"))*1000)
}

// flooded sends on an unreliable channel as fast as the browser takes it, while something else happens. What arrives is whole and came once; the
// rest, if any, is lost and nothing besides; and afterwards the channel is as good as before.
func flooded(t *testing.T, p pipe, meanwhile func()) {
	t.Helper()
	const size = 4000
	eval[any](p.to, p.js(fmt.Sprintf(`(() => {
		pipe.seen = new Set();
		pipe.wrong = 0;
		pipe.take = (bytes) => {
			const n = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
			if (bytes.length !== %d || pipe.seen.has(n) || bytes.subarray(4).some((b) => b !== n %% 251)) pipe.wrong++;
			pipe.seen.add(n);
		};
		return true;
	})()`, size)))
	eval[any](p.from, p.js(fmt.Sprintf(`(() => {
		pipe.sent = 0;
		pipe.next = () => {
			const message = new Uint8Array(%d).fill(pipe.sent %% 251);
			new DataView(message.buffer).setUint32(0, pipe.sent++);
			pipe.producer.send(message);
		};
		pipe.timer = setInterval(() => { for (let i = 0; i < 10 && pipe.producer.bufferedAmount < 200_000; i++) pipe.next(); }, 10);
		return true;
	})()`, size)))
	meanwhile()
	sent := eval[int](p.from, p.js("(clearInterval(pipe.timer), pipe.sent)"))
	// One more, often enough that one of them gets through.
	deadline := time.Now().Add(60 * time.Second)
	for last := false; !last; {
		n := eval[int](p.from, p.js("(pipe.next(), pipe.sent - 1)"))
		time.Sleep(50 * time.Millisecond)
		last = eval[bool](p.to, p.js(fmt.Sprintf("pipe.seen.has(%d)", n)))
		if time.Now().After(deadline) {
			t.Fatal("nothing comes through any more")
		}
	}
	got, wrong := eval[int](p.to, p.js("pipe.seen.size")), eval[int](p.to, p.js("pipe.wrong"))
	if wrong != 0 || got < sent/4 {
		t.Errorf("of %d messages %d came, %d of them damaged or twice", sent, got, wrong)
	}
	t.Logf("of %d messages of %d bytes %d came", sent, size, got)
	p.intact()
}
