package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gazpacho/pkg/control"
	"gazpacho/proto"
)

// The real controller with a real worker serves programs at its socket, beside the rooms, and leaves nothing behind.
func TestControl(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run", "control.sock")
	c := run(t, configured(t, []string{"GAZPACHO_CONTROL=unix:" + path}))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	client, err := control.Dial(ctx, "unix:"+path, control.DialOptions{Software: "test"})
	if err != nil {
		t.Fatal(err)
	}
	if h := client.Hello(); h.Version != "v9" || h.PID != os.Getpid() {
		t.Errorf("hello %+v", h)
	}
	workers, err := client.Workers(ctx)
	if err != nil || len(workers) != 1 || workers[0].State != "running" || workers[0].PID == os.Getpid() {
		t.Fatalf("workers %+v, %v", workers, err)
	}
	closed := make(chan control.Reason, 1)
	r, err := workers[0].CreateRouter(ctx, control.RouterOptions{
		MediaCodecs: []proto.RTPCodecCapability{{Kind: proto.Audio, MimeType: "audio/opus", ClockRate: 48000, Channels: 2}},
		Closed:      func(why control.Reason) { closed <- why },
	})
	if err != nil {
		t.Fatal(err)
	}
	// Without anything said a transport is on the port that rooms use.
	tr, err := r.CreateWebRTCTransport(ctx, control.WebRTCTransportOptions{})
	if err != nil || len(tr.ICECandidates()) != 2 {
		t.Errorf("transport: %v", err)
	}
	if _, status := visit(t, c.address, "roomId=r&peerId=p", nil); status != 101 {
		t.Fatal(status)
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		list, err := client.Routers(ctx)
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("routers %+v, %v", list, err)
		}
		if len(list) == 2 {
			for _, x := range list {
				if own := x.RouterID == r.ID(); own != (x.Owner == client.ID()) || own == (x.Owner == proto.OwnerRooms) {
					t.Errorf("router %+v", x)
				}
			}
			break
		}
	}
	if err := c.end(); err != nil {
		t.Error(err)
	}
	<-client.Done()
	if why := <-closed; why != control.WorkerClosed {
		t.Errorf("the router ended by %q", why)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("the socket is left")
	}
	if !strings.Contains(c.log.String(), "control=unix:"+path) {
		t.Errorf("it does not say where: %s", c.log)
	}
}

func TestBadControl(t *testing.T) {
	for _, value := range []string{"127.0.0.1:1", "unix:", "unix:" + strings.Repeat("x", 104), "fd:3"} {
		cfg := testConfig(t)
		cfg.Control = value
		if err := Run(t.Context(), cfg); err == nil || !strings.HasPrefix(err.Error(), "--control: ") || exitCode(err) != exitSettings {
			t.Errorf("%s: %v", value, err)
		}
	}
	taken := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(taken, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := testConfig(t)
	cfg.Control = "unix:" + taken
	if err := Run(t.Context(), cfg); err == nil || !strings.HasPrefix(err.Error(), "--control: ") {
		t.Errorf("%v", err)
	}
}
