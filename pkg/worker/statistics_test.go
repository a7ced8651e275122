package worker_test

import (
	"testing"

	"gazpacho/pkg/loop"
	"gazpacho/pkg/simtest"
	"gazpacho/proto"
)

func statistics(w *simtest.Worker) proto.WorkerStats {
	return simtest.Request[proto.WorkerStats](w, proto.WorkerGetStats, "", nil)
}

// A worker counts under the reasons that PROTOCOL.md explains, and under no others.
func TestDropReasonsAreDocumented(t *testing.T) {
	got := statistics(simtest.StartWorker(t)).Drops
	for _, r := range proto.DropReasons {
		if _, ok := got[r.Name]; !ok {
			t.Errorf("%s is explained, but not counted", r.Name)
		}
		delete(got, r.Name)
	}
	for name := range got {
		t.Errorf("%s is counted, but not explained", name)
	}
}

func TestTurnBoundsAreTheProtocols(t *testing.T) {
	if len(loop.TurnBounds) != len(proto.TurnBounds) {
		t.Fatalf("%d classes, the protocol has %d", len(loop.TurnBounds), len(proto.TurnBounds))
	}
	for i, bound := range loop.TurnBounds {
		if uint64(bound.Microseconds()) != proto.TurnBounds[i] {
			t.Errorf("class %d ends at %v, in the protocol at %d µs", i, bound, proto.TurnBounds[i])
		}
	}
}
