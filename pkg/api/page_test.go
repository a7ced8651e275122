package api

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"gazpacho/proto"
)

var (
	quoted = regexp.MustCompile("`([a-zA-Z]+\\.[a-zA-Z]+)`")
	code   = regexp.MustCompile("`([a-z]+-[a-z]+|forbidden|closed)`")
)

// PROTOCOL.md speaks of methods and events that there are, and leaves out none that only this API has.
func TestPageIsTrue(t *testing.T) {
	page, err := os.ReadFile("PROTOCOL.md")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{"scripts.gazpacho": true, "gazpacho.py": true}
	for name := range handlers {
		known[name] = true
	}
	for _, list := range [][]proto.EventType{proto.Events, proto.ControlEvents} {
		for _, e := range list {
			known[e.Name] = true
		}
	}
	for _, n := range proto.Notifications {
		known[n.Name] = true
	}
	said := map[string]bool{}
	for _, m := range quoted.FindAllStringSubmatch(string(page), -1) {
		if !known[m[1]] {
			t.Errorf("%s is neither a method nor an event", m[1])
		}
		said[m[1]] = true
	}
	for _, e := range proto.ControlEvents {
		if !said[e.Name] {
			t.Errorf("%s is not spoken of", e.Name)
		}
	}
	for _, m := range proto.ControlMethods {
		if !said[m.Name] && !strings.HasPrefix(m.Name, "controller.") && !strings.Contains(m.Name, "Observer") {
			t.Errorf("%s is not spoken of", m.Name)
		}
	}
	for _, m := range code.FindAllStringSubmatch(string(page), -1) {
		if errorNames[m[1]] == "" && m[1] != proto.CodeClosed {
			t.Errorf("%s is no code", m[1])
		}
	}
}

// Every request that is known at a worker is known here, and every one of the registry is carried out.
func TestEveryMethodIsHandled(t *testing.T) {
	for _, list := range [][]proto.Method{proto.Methods, proto.ControlMethods} {
		for _, m := range list {
			if h, ok := handlers[m.Name]; m.Name != proto.WorkerAttach && (!ok || h.do == nil || h.target != m.Target) {
				t.Errorf("%s is not handled", m.Name)
			}
		}
	}
	if _, ok := handlers[proto.WorkerAttach]; ok {
		t.Error("a client could attach to a worker")
	}
}
