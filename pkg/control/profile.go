package control

import (
	"context"

	"gazpacho/proto"
)

// Profile is a profile of the worker's as `go tool pprof` reads it. The kinds cpu, mutex and block are observed for 1 to 60 seconds, which ctx
// must allow for, and one at a time; the others, with 0 seconds, are of the moment. Errors are *proto.Error: bad-field for a kind or number
// of seconds that cannot be, busy while another profile is observed, limit for one that is too long.
func (w *Worker) Profile(ctx context.Context, kind string, seconds int) ([]byte, error) {
	p, err := ask[proto.Profile](ctx, w, proto.WorkerGetProfile, "", proto.GetProfile{Kind: kind, Seconds: seconds})
	return p.Data, err
}
