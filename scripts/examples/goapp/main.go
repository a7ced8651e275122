// Command goapp shows how a Go program drives a worker: it plays an Opus and a VP8 file into one PlainTransport and records what comes out of
// another.
//
//	goapp --worker bin/worker --audio tone.ogg --video pattern.ivf --out recordings
//	goapp --control unix:control.sock --audio tone.ogg --video pattern.ivf --out recordings
//
// The first starts a worker of its own, the second talks to a controller that runs: the rest is the same.
// It ends with 0 only if every packet arrived. The files it writes are audio.ogg and video.ivf.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var o options
	flag.StringVar(&o.worker, "worker", "bin/worker", "the worker to start")
	flag.StringVar(&o.control, "control", "", "the address of a controller's control API, to use that instead")
	flag.StringVar(&o.audio, "audio", "", "what to play: Opus in Ogg")
	flag.StringVar(&o.video, "video", "", "what to play: VP8 in IVF")
	flag.StringVar(&o.out, "out", ".", "the directory to record into")
	flag.DurationVar(&o.patience, "patience", 5*time.Second, "how long to wait for packets after the last was sent")
	flag.Parse()
	if o.audio == "" || o.video == "" || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := run(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "goapp:", err)
		os.Exit(1)
	}
}

type options struct {
	worker, control, audio, video, out string
	patience                           time.Duration
}

var errIncomplete = errors.New("not everything arrived")

// run plays both files, records them and writes a line about each to w.
func run(ctx context.Context, o options, w io.Writer) error {
	tracks, err := readTracks(o.audio, o.video)
	if err != nil {
		return err
	}
	server, stop, err := o.connect(ctx)
	if err != nil {
		return err
	}
	defer stop()
	c, err := newCall(ctx, server, tracks)
	if err != nil {
		return err
	}
	defer c.close()
	received := make(chan error, 1)
	go func() { received <- c.receive() }()
	if err = play(ctx, c.in, tracks); err != nil {
		o.patience = 0
	}
	c.expectWithin(o.patience)
	if err = errors.Join(err, <-received); err != nil {
		return err
	}
	return report(w, tracks, o.out)
}

// report saves what arrived and tells how much that is.
func report(w io.Writer, tracks []*track, dir string) error {
	var missing error
	for _, t := range tracks {
		lost := len(t.packets) - len(t.received)
		fmt.Fprintf(w, "%s: %d packets sent, %d received, %d lost\n", t.kind, len(t.packets), len(t.received), lost)
		if lost != 0 {
			missing = errIncomplete
		}
		if err := t.save(filepath.Join(dir, t.file)); err != nil {
			return err
		}
	}
	return missing
}
