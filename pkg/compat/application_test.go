package compat

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"gazpacho/pkg/simtest"
)

// nodeLimit is far beyond what all scenarios take; what they wait for has limits of its own.
const nodeLimit = 3 * time.Minute

// TestApplication runs every scenario of node/ with every age of mediasoup-client, against one controller.
func TestApplication(t *testing.T) {
	c := simtest.StartController(t, binaries)
	ages := strings.Fields(node(t))
	if len(ages) < 2 {
		t.Fatalf("node/run.mjs knows %v", ages)
	}
	for _, age := range ages {
		t.Run(age, func(t *testing.T) {
			d := json.NewDecoder(strings.NewReader(node(t, age, "wss"+strings.TrimPrefix(c.URL, "https"))))
			count := 0
			for ; ; count++ {
				var s scenario
				if err := d.Decode(&s); errors.Is(err, io.EOF) {
					break
				} else if err != nil {
					t.Fatal(err)
				}
				t.Run(s.Name, s.check)
			}
			if count == 0 {
				t.Error("no scenario was run")
			}
		})
	}
}

// scenario is how one went.
type scenario struct {
	Name         string `json:"name"`
	Milliseconds int    `json:"milliseconds"`
	Error        string `json:"error"`
}

func (s scenario) check(t *testing.T) {
	t.Logf("%d ms", s.Milliseconds)
	if s.Error != "" {
		t.Error(s.Error)
	}
}

// node runs node/run.mjs and returns what it prints. It fails the test, and shows all, if that fails.
func node(t *testing.T, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), nodeLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", append([]string{"run.mjs"}, args...)...)
	cmd.Dir = "node"
	// The controller's certificate is its own.
	cmd.Env = append(os.Environ(), "NODE_TLS_REJECT_UNAUTHORIZED=0", "NODE_NO_WARNINGS=1")
	errorOutput := &strings.Builder{}
	cmd.Stderr = errorOutput
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("node %s: %v\n%s%s", strings.Join(args, " "), err, out, errorOutput)
	}
	return string(out)
}
