package attack

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// mediaAttacks are all that come by the media port, and by the channel.
func mediaAttacks() []attack {
	return slices.Concat(strangers, neighbours, handshakes, insiders, connections, associations, channels, silence)
}

// rules are the requirements that the suite answers for.
var rules = []string{
	"R-DTLS-1", "R-DTLS-2", "R-DTLS-3", "R-DTLS-4", "R-DTLS-5", "R-DTLS-6", "R-DTLS-7",
	"R-RTP-1", "R-RTP-2", "R-RTP-3", "R-RTP-4", "R-RTP-5", "R-RTP-6", "R-RTP-7",
	"R-ICE-1", "R-ICE-2", "R-ICE-3", "R-ICE-4", "R-ICE-5", "R-ICE-6", "R-ICE-7", "R-ICE-8",
	"R-SCTP-1", "R-SCTP-2", "R-SCTP-3", "R-WS-1", "R-WS-2", "R-WS-3", "R-CH-1",
	"R-TURN-1", "R-TURN-2", "R-TURN-3", "R-TURN-4", "R-TURN-5", "R-TURN-6",
}

// Every requirement has an attack, and every attack names the requirements that it tries.
func TestEveryRuleIsAttacked(t *testing.T) {
	tried := map[string]bool{}
	note := func(name, list string) {
		for rule := range strings.FieldsSeq(list) {
			if !slices.Contains(rules, rule) {
				t.Errorf("%s: there is no %s", name, rule)
			}
			tried[rule] = true
		}
		if list == "" {
			t.Errorf("%s tries nothing", name)
		}
	}
	for _, a := range slices.Concat(mediaAttacks(), relayAttacks) {
		note(a.name, a.rules)
	}
	for _, a := range sieges {
		note(a.name, a.rules)
	}
	for _, rule := range rules {
		if !tried[rule] {
			t.Errorf("nothing tries %s", rule)
		}
	}
}

// TestMediaUnderAttack holds two calls on two workers against everything. The attacker has the first worker; the second must not even notice.
func TestMediaUnderAttack(t *testing.T) {
	stages := []*stage{newStage(t), newStage(t)}
	stages[0].fallSilent()
	for _, a := range mediaAttacks() {
		t.Run(a.name, func(t *testing.T) {
			o := wage(t, a, *each, stages)
			t.Logf("%-8s sent %d, calls lost %d of %d, p99 %v, grew %d KB (before: %d), took %v", a.rules, o.sent, o.calls.lost, o.calls.sent,
				o.calls.p99.Round(time.Microsecond), o.growth>>10, o.first>>10, o.elapsed.Round(time.Millisecond))
		})
	}
}
