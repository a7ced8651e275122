package attack

import (
	"slices"
	"testing"
	"time"
)

// mediaAttacks are all that come by the media port, and by the channel.
func mediaAttacks() []attack {
	return slices.Concat(strangers, neighbours, handshakes, insiders, connections, associations, channels)
}

// TestMediaUnderAttack holds two calls on two workers against everything. The attacker has the first worker; the second must not even notice.
func TestMediaUnderAttack(t *testing.T) {
	stages := []*stage{newStage(t), newStage(t)}
	for _, a := range mediaAttacks() {
		t.Run(a.name, func(t *testing.T) {
			o := wage(t, a, *each, stages)
			t.Logf("%-8s sent %d, calls lost %d of %d, p99 %v, grew %d KB (before: %d), took %v", a.rules, o.sent, o.calls.lost, o.calls.sent,
				o.calls.p99.Round(time.Microsecond), o.growth>>10, o.first>>10, o.elapsed.Round(time.Millisecond))
		})
	}
}
