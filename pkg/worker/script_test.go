package worker_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gazpacho/pkg/channel"
	"gazpacho/pkg/simtest"
	"gazpacho/pkg/simtest/golden"
	"gazpacho/proto"
)

// What requests answer and cause, over the life of every kind of object: it is created, used, and closed from each direction.
func TestLives(t *testing.T) {
	golden.Scripts(t, "testdata/lives/*.txt", func(t *testing.T, script string) []byte {
		var out bytes.Buffer
		newLifePlay(t, &out).play(script)
		return out.Bytes()
	})
}

// lifePlay is a worker under a script.
type lifePlay struct {
	t      *testing.T
	out    *bytes.Buffer
	worker *simtest.Worker
	client *channel.Client
	made   map[string]made // by id
	ssrc   uint32          // of the next encodings
	noisy  map[string]bool // events that only await shows

	mu     sync.Mutex
	events []channel.Notification
	more   chan struct{}
}

// made is how an object was made, and how it is closed.
type made struct {
	parent, close, key string
	kind               string // of media
	ssrc               uint32 // or the SCTP stream
	pipe               bool
}

func newLifePlay(t *testing.T, out *bytes.Buffer) *lifePlay {
	p := &lifePlay{t: t, out: out, worker: simtest.StartWorker(t), made: map[string]made{}, ssrc: 1000, noisy: noisy(), more: make(chan struct{}, 1)}
	p.worker.Detach()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var err error
	if p.client, err = channel.Dial(ctx, p.worker.Address(), channel.Options{Epoch: 2, Notification: p.note}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.client.Close() })
	return p
}

func (p *lifePlay) note(n channel.Notification) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n.Body, n.Payload = slices.Clone(n.Body), slices.Clone(n.Payload)
	p.events = append(p.events, n)
	select {
	case p.more <- struct{}{}:
	default:
	}
}

func (p *lifePlay) play(script string) { golden.Play(p.out, script, p.run) }

// noisy are events that come by the clock, or over the network.
func noisy() map[string]bool {
	return map[string]bool{
		proto.EventProducerScore: true, proto.EventConsumerScore: true, proto.EventDirectTransportRTCP: true, proto.EventAudioLevelObserverVolumes: true,
		proto.EventAudioLevelObserverSilence: true, proto.EventDominantSpeaker: true, proto.EventSCTPStateChange: true,
		proto.EventSCTPNegotiatedCapabilities: true, proto.EventICEStateChange: true, proto.EventDTLSStateChange: true,
	}
}

// run obeys one command. What is made is named by the first word behind the command, and made in or on what the second names:
//
//	server s | router r                              with UDP on loopback | empty
//	web t r [s] | plain t r | pipe t r | direct t r  a transport, with SCTP; a web one on a server or on a socket of its own. More words are options.
//	audio p t | simulcast p t | layered p t          a producer: one stream, two streams, three temporal layers
//	consume c t p | data d t | read e t d            a consumer, a data producer, a data consumer
//	levels o r | speaker o r                         an observer
//	close x                                          closes what was made, by a request to what it was made in or on
//	<method> x [body]                                any request, to x or to the worker (-); the answer is shown
//	send <notification> x text                       a message or packet of the controller's own: rtp is a packet of the producer's
//	quiet <event> …                                  makes events such as come by the clock, or over the network
//	await <event> x                                  waits for one of those
//	join a b                                         connects two pipes with each other
//	mirror c b                                       a producer of what comes out of a pipe's consumer, media or data
//	lives                                            shows what lives
//	end                                              waits for the worker's end
func (p *lifePlay) run(command string, args []string) {
	switch {
	case strings.Contains(command, "."):
		p.ask(command, args)
	case command == "close":
		m := p.made[args[0]]
		p.request(m.close, m.parent, map[string]any{m.key: args[0]}, nil)
	case command == "send":
		p.send(args[0], args[1], strings.Join(args[2:], " "))
	case command == "await":
		p.await(args[0], args[1])
		return
	case command == "quiet":
		for _, event := range args {
			p.noisy[event] = true
		}
	case command == "lives":
		p.lives()
	case command == "end":
		if err := p.worker.Ended(); err != nil {
			p.t.Fatal(err)
		}
		<-p.client.Done()
		p.out.WriteString("\tended\n")
		return
	default:
		p.make(command, args)
	}
	p.flush()
}

// request makes a request and shows what refuses it.
func (p *lifePlay) request(method, id string, body, result any) bool {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), 30*time.Second)
	defer cancel()
	err := p.client.Request(ctx, method, id, body, result)
	p.flush() // what a request causes comes before its answer
	if err == nil {
		return true
	}
	var refused *proto.Error
	if !errors.As(err, &refused) || refused.Code == proto.CodeClosed {
		p.t.Fatalf("%s of %s: %v", method, id, err)
	}
	at := ""
	if refused.Path != "" {
		at = " about " + refused.Path
	}
	fmt.Fprintf(p.out, "\t%s, %s%s: %s\n", refused.Name, refused.Code, at, refused.Message)
	return false
}

// ask makes any request and shows the answer.
func (p *lifePlay) ask(method string, args []string) {
	id, body := args[0], any(nil)
	if id == "-" {
		id = ""
	}
	if len(args) > 1 {
		if err := json.Unmarshal([]byte(strings.Join(args[1:], " ")), &body); err != nil {
			p.t.Fatalf("%s: %v", args[1:], err)
		}
	}
	var answer any
	if p.request(method, id, whole(body), &answer) && answer != nil {
		p.show(answer)
	}
}

// whole makes integers of JSON's numbers.
func whole(v any) any {
	switch v := v.(type) {
	case float64:
		return int64(v)
	case []any:
		for i := range v {
			v[i] = whole(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = whole(v[key])
		}
	}
	return v
}

// varying are keys whose values differ from run to run.
var varying = map[string]bool{
	"port": true, "localPort": true, "remotePort": true, "usernameFragment": true, "password": true, "keyBase64": true, "timestamp": true,
	"pid": true, "localIceUsernameFragment": true, "sequenceNumber": true,
}

// steady replaces them. Fingerprints are those of the process's certificate.
func steady(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = steady(v[i])
		}
	case map[string]any:
		for key := range v {
			if v[key] = steady(v[key]); varying[key] || key == "value" && v["algorithm"] != nil {
				v[key] = "…"
			}
		}
	}
	return v
}

func (p *lifePlay) show(v any) {
	b, err := json.MarshalIndent(steady(v), "\t", "  ")
	if err != nil {
		p.t.Fatal(err)
	}
	fmt.Fprintf(p.out, "\t%s\n", b)
}

// flush shows the events that came, but for noisy ones.
func (p *lifePlay) flush() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.events = slices.DeleteFunc(p.events, func(n channel.Notification) bool {
		if p.noisy[n.Event] {
			return false
		}
		p.tell(n)
		return true
	})
}

func (p *lifePlay) tell(n channel.Notification) {
	fmt.Fprintf(p.out, "\t%s of %s", n.Event, n.HandlerID)
	if n.Payload != nil {
		fmt.Fprintf(p.out, ", %d bytes", len(n.Payload))
	}
	var body any
	if err := channel.Decode(n.Body, &body); err != nil {
		p.t.Fatal(err)
	}
	if body != nil {
		b, err := json.Marshal(steady(body))
		if err != nil {
			p.t.Fatal(err)
		}
		fmt.Fprintf(p.out, " %s", b)
	}
	p.out.WriteString("\n")
}

// await shows the first event of a kind that came since the last one was shown.
func (p *lifePlay) await(event, id string) {
	p.t.Helper()
	for deadline := time.After(30 * time.Second); ; {
		p.mu.Lock()
		i := slices.IndexFunc(p.events, func(n channel.Notification) bool { return n.Event == event && n.HandlerID == id })
		if i >= 0 {
			p.tell(p.events[i])
			p.events = slices.Delete(p.events, i, i+1)
		}
		p.mu.Unlock()
		if i >= 0 {
			return
		}
		select {
		case <-p.more:
		case <-deadline:
			p.t.Fatalf("no %s of %s", event, id)
		}
	}
}

// lives shows what lives, from the dumps of all there is.
func (p *lifePlay) lives() {
	get := func(method, id string) map[string]any {
		var answer map[string]any
		if !p.request(method, id, nil, &answer) {
			p.t.Fatalf("%s of %s", method, id)
		}
		return answer
	}
	line := func(depth int, format string, args ...any) {
		fmt.Fprintf(p.out, "\t%s%s\n", strings.Repeat("  ", depth), fmt.Sprintf(format, args...))
	}
	list := func(v any) (l []string) {
		for _, id := range v.([]any) {
			l = append(l, fmt.Sprint(id))
		}
		slices.Sort(l)
		return l
	}
	d := get(proto.WorkerDumpMethod, "")
	for _, id := range list(d["webRtcServerIds"]) {
		s := get(proto.WebRTCServerDumpMethod, id)
		line(0, "server %s: %v", id, list(s["webRtcTransportIds"]))
	}
	for _, id := range list(d["routerIds"]) {
		line(0, "router %s", id)
		r := get(proto.RouterDumpMethod, id)
		for _, t := range list(r["transportIds"]) {
			dump := get(proto.TransportDumpMethod, t)
			line(1, "transport %s: producers %v, consumers %v, data producers %v, data consumers %v", t,
				list(dump["producerIds"]), list(dump["consumerIds"]), list(dump["dataProducerIds"]), list(dump["dataConsumerIds"]))
		}
		for _, o := range list(r["rtpObserverIds"]) {
			line(1, "observer %s", o)
		}
		for _, key := range slices.Sorted(maps.Keys(r)) {
			if pairs, ok := r[key].([]any); ok && strings.HasPrefix(key, "map") && len(pairs) > 0 {
				line(1, "%s %v", key, pairs)
			}
		}
	}
	handlers := d["channelMessageHandlers"].(map[string]any)
	line(0, "ids %v", list(handlers["channelRequestHandlers"]))
}

// Every kind of object has a script, in which it is closed from each direction, the worker's end among them.
func TestLivesAreWhole(t *testing.T) {
	for _, name := range scriptNames() {
		script, err := os.ReadFile("testdata/lives/" + name + ".txt")
		if err != nil {
			t.Error(err)
			continue
		}
		for _, command := range append(directions[name], "worker.close", "lives") {
			if !strings.Contains("\n"+string(script), "\n"+command) {
				t.Errorf("%s: there is no %q", name, command)
			}
		}
	}
}
