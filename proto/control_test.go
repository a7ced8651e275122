package proto

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// control writes what the control API has beyond the channel.
func (w writer) control(b *strings.Builder) {
	b.WriteString(controlHead)
	b.WriteString("| request | handler id | what it does | body | answer |\n|---|---|---|---|---|\n")
	for _, m := range ControlMethods {
		fmt.Fprintf(b, "| `%s` | %s | %s | %s | %s |\n", m.Name, handler(m.Target), w.meaning(m.Name), w.body(m.Request), w.body(m.Response))
	}
	b.WriteString("\n| event | handler id | what happened | body |\n|---|---|---|---|\n")
	for _, e := range ControlEvents {
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", e.Name, handler(e.Target), w.meaning(e.Name), w.body(e.Body))
	}
	b.WriteString("\n")
}

const controlHead = `## Control API

The controller's, one level higher: see [its page](../pkg/api/PROTOCOL.md). These requests and events it has beyond those of the channel, or with other
bodies. The rest of the channel's are the same, but that ids of new objects may be absent from bodies, and are made up then. Events end with an
[Origin](#origin).

`

func handler(target string) string {
	switch target {
	case "controller":
		return "empty"
	case "worker":
		return "a worker's, or empty"
	}
	return target
}

func (w schemaWriter) controlMethods() (list object) {
	for _, m := range ControlMethods {
		list = append(list, member{m.Name, object{
			{"description", w.docs["="+m.Name]}, {"target", m.Target}, {"request", w.request(m.Request)}, {"response", w.body(m.Response)},
		}})
	}
	return list
}

func (w schemaWriter) controlEvents() (list object) {
	for _, e := range ControlEvents {
		list = append(list, member{e.Name, object{{"description", w.docs["="+e.Name]}, {"target", e.Target}, {"body", w.body(e.Body)}}})
	}
	return list
}

// What a request of the control API is called is a constant, of this API or of the channel; so is an event, and what is the channel's is left alone.
func TestControlRegistryIsComplete(t *testing.T) {
	names := constants(t, "controlmethod.go", func(string) bool { return true })
	channels := map[string]bool{}
	for _, m := range Methods {
		channels[m.Name] = true
	}
	var listed []string
	for _, m := range ControlMethods {
		kind, rest, _ := strings.Cut(m.Name, ".")
		if kind != m.Target || rest == "" {
			t.Errorf("%s is addressed to %s", m.Name, m.Target)
		}
		if !channels[m.Name] {
			listed = append(listed, m.Name)
		}
	}
	for _, e := range ControlEvents {
		if kind, _, _ := strings.Cut(e.Name, "."); kind != e.Target || (Event{Name: e.Name}).Class() != State {
			t.Errorf("%s is addressed to %s", e.Name, e.Target)
		}
		listed = append(listed, e.Name)
	}
	slices.Sort(names)
	slices.Sort(listed)
	if !slices.Equal(names, listed) {
		t.Errorf("in the registry:\n%q\nconstants:\n%q", listed, names)
	}
}

// A pipe has SCTP unless it is told not to.
func TestPipeToRouterOptions(t *testing.T) {
	no := false
	if !(&PipeToRouter{}).SCTPOptions().EnableSCTP || (&PipeToRouter{EnableSCTP: &no}).SCTPOptions().EnableSCTP {
		t.Error("EnableSCTP")
	}
	threshold := 7
	p := PipeToRouter{
		MaxSendMessageSize: 1, MaxReceiveMessageSize: 2, SCTPSendBufferSize: 3, SCTPPerStreamSendQueueLimit: 4, SCTPMaxReceiverWindowBufferSize: 5,
		SCTPDefaultStreamBufferedAmountLowThreshold: &threshold,
	}
	if got := p.SCTPOptions(); got != (SCTPOptions{true, 1, 2, 3, 4, 5, &threshold, nil}) {
		t.Errorf("got %+v", got)
	}
}
