package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"gazpacho/pkg/simtest"
)

// binaries is where TestMain put controller and worker.
var binaries string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	if _, err := os.Stat("../web/page/dist/index.html"); err != nil {
		fmt.Fprintln(os.Stderr, "the demo page is not bundled: run `make web` first")
		return 1
	}
	for _, tool := range []string{"chromium", "curl", "ffmpeg"} {
		if _, err := exec.LookPath(tool); err != nil {
			fmt.Fprintf(os.Stderr, "%s is missing: run `make test` as root, or sudo apt-get install %s\n", tool, tool)
			return 1
		}
	}
	dir, err := os.MkdirTemp("", "gazpacho-e2e")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if err := simtest.BuildController(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	binaries = dir
	return m.Run()
}

// controller is a running controller with its workers.
type controller struct {
	t *testing.T
	*simtest.Controller
}

// startController starts the binaries.
func startController(t *testing.T, flags ...string) *controller {
	t.Helper()
	return &controller{t, simtest.StartController(t, binaries, flags...)}
}

// workers returns the process ids of the controller's workers.
func (c *controller) workers() []int {
	c.t.Helper()
	out, err := exec.Command("pgrep", "-P", fmt.Sprint(c.PID)).Output()
	if err != nil {
		c.t.Fatalf("no workers: %v", err)
	}
	var pids []int
	for _, field := range strings.Fields(string(out)) {
		var pid int
		if _, err := fmt.Sscan(field, &pid); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}
