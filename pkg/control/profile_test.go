package control

import (
	"errors"
	"testing"

	"gazpacho/proto"
)

func TestStatsOfAWorker(t *testing.T) {
	w := newWorker(t)
	s, err := w.Stats(t.Context())
	if err != nil || s.Process.RSS == 0 || s.Loop.Turns == 0 || len(s.Loop.TurnTimes) != len(proto.TurnBounds)+1 || len(s.Drops) == 0 {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestProfile(t *testing.T) {
	w := newWorker(t)
	// gzip's magic number: what pprof reads.
	if b, err := w.Profile(t.Context(), proto.ProfileGoroutine, 0); err != nil || len(b) < 100 || b[0] != 0x1f || b[1] != 0x8b {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	var e *proto.Error
	if b, err := w.Profile(t.Context(), "soul", 1); b != nil || !errors.As(err, &e) || e.Code != proto.CodeBadField || e.Path != "kind" {
		t.Errorf("%d bytes, %v", len(b), err)
	}
}
