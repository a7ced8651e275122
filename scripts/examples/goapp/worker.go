package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"time"

	"gazpacho/pkg/channel"
	"gazpacho/pkg/control"
)

// startTimeout bounds the time from the start of a worker to its answer.
const startTimeout = 10 * time.Second

// server is what makes routers: a worker, or a controller with all of its.
type server interface {
	CreateRouter(context.Context, control.RouterOptions) (*control.Router, error)
}

// connect talks to the controller if one is named, else to a worker of ours. What was made ends with stop.
func (o options) connect(ctx context.Context) (s server, stop func(), err error) {
	if o.control == "" {
		w, err := startWorker(ctx, o.worker)
		if err != nil {
			return nil, nil, err
		}
		return w, w.stop, nil
	}
	c, err := control.Dial(ctx, o.control, control.DialOptions{Software: "goapp"})
	if err != nil {
		return nil, nil, err
	}
	return c, c.Close, nil
}

// worker is a worker process of ours and our handle on what lives in it.
type worker struct {
	*control.Worker
	cmd *exec.Cmd
}

// startWorker starts a worker that inherits its end of the channel and so ends with us, whatever happens.
func startWorker(ctx context.Context, bin string) (*worker, error) {
	conn, theirs, err := channel.Pair()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	cmd := exec.Command(bin, "--channel", "fd:3")
	cmd.ExtraFiles = []*os.File{theirs} // the first of them is descriptor 3
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		conn.Close()
		return nil, err
	}
	theirs.Close() // or a worker that died would not end the channel
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	w, err := control.Attach(ctx, conn, control.Options{Epoch: uint64(time.Now().UnixMicro()), Software: "goapp"})
	if err != nil {
		_ = cmd.Process.Kill() // it may have ended by itself, which Wait tells
		return nil, fmt.Errorf("%s does not answer as a worker does: %w (%v)", bin, err, cmd.Wait())
	}
	return &worker{Worker: w, cmd: cmd}, nil
}

// stop ends the worker and everything in it.
func (w *worker) stop() {
	w.Close()
	if err := w.cmd.Wait(); err != nil {
		fmt.Fprintln(os.Stderr, "goapp: the worker ended with", err)
	}
}
