package ice

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	pion "github.com/pion/stun/v3"

	"gazpacho/pkg/simtest/golden"
)

// TestScripts runs testdata/*.txt: a line "> command" is what happens to the agent, the indented lines
// behind it are all the agent did. Other lines are prose.
//
//	new [consent=30s]                 another agent, in place of the one each script begins with
//	check PATH [word…]                a Binding request: use-candidate, nomination=N, old-nomination=N, id=N,
//	                                  as=FRAGMENT/PASSWORD, controlled, no-priority, no-integrity, wrong-password,
//	                                  no-fingerprint, unknown=0x7777, indication, times=N
//	media PATH                        authenticated media
//	wait 30s
//	restart FRAGMENT PASSWORD
//	remove PATH                       the connection of a TCP tuple closed
//	close
//	show                              state, tuples with the selected one in brackets, usernames, drops
func TestScripts(t *testing.T) {
	golden.Scripts(t, "testdata/*.txt", runScript)
}

// runScript returns the script with the traces replaced by what happened.
func runScript(t *testing.T, script string) []byte {
	var out bytes.Buffer
	w := newWorld(t, 0)
	for line := range strings.Lines(script) {
		if strings.HasPrefix(line, "  ") {
			continue
		}
		out.WriteString(line)
		command, ok := strings.CutPrefix(line, "> ")
		if !ok {
			continue
		}
		w.trace = nil
		w = runCommand(t, w, strings.Fields(command))
		w.agree()
		for _, line := range w.trace {
			out.WriteString("  " + line + "\n")
		}
	}
	return out.Bytes()
}

func runCommand(t *testing.T, w *world, words []string) *world {
	t.Helper()
	switch verb, args := words[0], words[1:]; verb {
	case "new":
		var consent time.Duration
		if len(args) > 0 {
			consent = duration(t, strings.TrimPrefix(args[0], "consent="))
		}
		return newWorld(t, consent)
	case "check":
		runCheck(t, w, args[0], args[1:])
	case "media":
		w.agent.Authenticated(w.now, path(args[0]))
	case "wait":
		before := len(w.trace)
		start := w.now
		w.wait(duration(t, args[0]))
		if len(w.trace) > before {
			w.tracef("within %v", w.now.Sub(start))
		}
	case "restart":
		w.restart(args[0], args[1])
	case "remove":
		w.agent.RemoveTuple(w.now, path(args[0]))
	case "close":
		w.agent.Close()
	case "show":
		show(w)
	default:
		t.Fatalf("unknown command %q", words)
	}
	return w
}

func runCheck(t *testing.T, w *world, from string, words []string) {
	t.Helper()
	var c check
	times := 1
	for _, word := range words {
		name, value, _ := strings.Cut(word, "=")
		number, _ := strconv.ParseUint(value, 0, 32)
		switch name {
		case "use-candidate":
			c.useCandidate = true
		case "nomination":
			c.nomination = append(c.nomination, nomination(0x0030, uint32(number))...)
		case "old-nomination":
			c.nomination = append(c.nomination, nomination(0xc001, uint32(number))...)
		case "id":
			c.id = number
		case "as":
			c.fragment, c.password, _ = strings.Cut(value, "/")
		case "controlled":
			c.controlled = true
		case "no-priority":
			c.noPriority = true
		case "no-integrity":
			c.noIntegrity = true
		case "wrong-password":
			c.fragment, c.password = testFragment, "wrong"
		case "no-fingerprint":
			c.noFingerprint = true
		case "unknown":
			c.unknown = append(c.unknown, uint16(number))
		case "indication":
			c.class = pion.ClassIndication
		case "times":
			times = int(number)
		default:
			t.Fatalf("unknown word %q", word)
		}
	}
	verdict := ""
	for range times {
		verdict = w.check(c, path(from))
	}
	w.tracef("%s", verdict)
}

func show(w *world) {
	var names []string
	for x := range w.tuples {
		if x == w.selected {
			names = append(names, "["+nameOf(x)+"]")
		} else {
			names = append(names, nameOf(x))
		}
	}
	slices.Sort(names)
	var fragments []string
	for f := range w.fragments {
		fragments = append(fragments, f)
	}
	slices.Sort(fragments)
	w.tracef("%v; tuples %v; usernames %v", w.agent.State(), names, fragments)
	for reason, n := range w.agent.Drops() {
		if n != 0 {
			w.tracef("%v %d", Drop(reason), n)
		}
	}
}

func duration(t *testing.T, text string) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(fmt.Errorf("script: %w", err))
	}
	return d
}
