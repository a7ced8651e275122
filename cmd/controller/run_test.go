package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"

	"gazpacho/pkg/logging"
)

func TestRun(t *testing.T) {
	c := run(t, testConfig(t))
	client := insecure(t)
	response, err := client.Get("https://" + c.address + "/")
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(response.Body)
	response.Body.Close()
	if !strings.Contains(response.Header.Get("Content-Type"), "text/html") || !bytes.Contains(bytes.ToLower(body), []byte("gazpacho")) {
		t.Errorf("the page is %d %.100s", response.StatusCode, body)
	}
	leaf := response.TLS.PeerCertificates[0]
	for _, name := range []string{"localhost", "127.0.0.1", "::1"} {
		if err := leaf.VerifyHostname(name); err != nil {
			t.Errorf("the certificate: %v", err)
		}
	}
	conn, _, err := websocket.Dial(t.Context(), "wss://"+c.address+"/?roomId=r&peerId=p", &websocket.DialOptions{HTTPClient: client, Subprotocols: []string{"protoo"}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	if _, text, err := conn.Read(t.Context()); err != nil || !strings.Contains(string(text), "Gazpacho v9") {
		t.Errorf("the server begins with %s, %v", text, err)
	}
	if err := conn.Write(t.Context(), websocket.MessageText, []byte(`{"request":true,"id":1,"method":"createWebRtcTransport","data":{}}`)); err != nil {
		t.Fatal(err)
	}
	if _, text, err := conn.Read(t.Context()); err != nil || !strings.Contains(string(text), `"iceCandidates":[{`) {
		t.Errorf("a transport is %s, %v", text, err)
	}
	closed := make(chan error, 1)
	go func() {
		_, _, err := conn.Read(context.Background())
		closed <- err
	}()
	if err := c.end(); err != nil {
		t.Errorf("%v", err)
	}
	if err := <-closed; websocket.CloseStatus(err) != websocket.StatusGoingAway {
		t.Errorf("the client is left with %v", err)
	}
	for _, want := range []string{"https://localhost:", "workers=1", "mediaPorts", "self-signed", "admin=none", "level=WARN msg=\"OPEN: anybody", "ending"} {
		if !strings.Contains(c.log.String(), want) {
			t.Errorf("no %s in the log:\n%s", want, c.log)
		}
	}
}

// The log in JSON is JSON, what workers say included.
func TestLogJSON(t *testing.T) {
	cfg := testConfig(t)
	cfg.LogFormat, cfg.LogLevel = "json", "debug"
	c := run(t, cfg)
	if err := c.end(); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(c.log.String()) {
		if !json.Valid([]byte(line)) {
			t.Errorf("%s", line)
		}
	}
}

// What workers write is held back until all of them run, with its level.
func TestOutput(t *testing.T) {
	var log lines
	logs := logging.New(&log, logging.Config{Level: slog.LevelInfo})
	text := output{log: logs}
	text.line(1, "time=x level=INFO msg=early")
	text.line(1, "time=x level=DEBUG msg=detail")
	if logs.Stats().Written != 0 {
		t.Errorf("%q before the release", log.String())
	}
	text.release()
	text.line(2, "panic: late")
	logs.Close()
	if log.String() != "worker 1: time=x level=INFO msg=early\nworker 2: panic: late\n" {
		t.Errorf("%q", log.String())
	}
	held := output{log: logs}
	for range 3 {
		held.line(0, strings.Repeat("x", maxHeld/2-20))
	}
	if n := len(held.held); n != 2 {
		t.Errorf("%d lines are held", n)
	}
}

// However the controller ends, its workers do not outlive it: asked to, interrupted, or killed.
func TestEnds(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGKILL} {
		t.Run(sig.String(), func(t *testing.T) {
			c, log := started(t, nil)
			workers := children(t, c.Process.Pid)
			if len(workers) != 2 {
				t.Errorf("workers are %v", workers)
			}
			if err := c.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			err := c.Wait()
			if (err == nil) != (sig != syscall.SIGKILL) {
				t.Errorf("%v\n%s", err, log)
			}
			deadline := time.Now().Add(20 * time.Second)
			for _, pid := range workers {
				for !gone(pid) {
					if time.Now().After(deadline) {
						t.Fatalf("worker %d outlives its controller", pid)
					}
				}
			}
		})
	}
}
