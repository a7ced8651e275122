package compat

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"gazpacho/pkg/simtest"
)

// scenarioLimit is far beyond what a scenario takes; what it waits for has limits of its own.
const scenarioLimit = 60 * time.Second

// TestApplication runs every scenario of node/ against one controller: each has rooms of its own.
func TestApplication(t *testing.T) {
	c := simtest.StartController(t, binaries)
	names := strings.Fields(node(t))
	if len(names) == 0 {
		t.Fatal("there are no scenarios")
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) { node(t, name, "wss"+strings.TrimPrefix(c.URL, "https")) })
	}
}

// node runs node/run.mjs and returns what it prints. It fails the test, and shows all, if that fails.
func node(t *testing.T, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), scenarioLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", append([]string{"run.mjs"}, args...)...)
	cmd.Dir = "node"
	// The controller's certificate is its own.
	cmd.Env = append(os.Environ(), "NODE_TLS_REJECT_UNAUTHORIZED=0", "NODE_NO_WARNINGS=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("node %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}
