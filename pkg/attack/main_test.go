package attack

import (
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"gazpacho/pkg/simtest"
)

// each is how long an attack lasts. The figures of the plan are measured at full size if long is set.
var (
	each = flag.Duration("each", 500*time.Millisecond, "how long each attack lasts")
	long = flag.Bool("long", false, "measure the figures at full size, and hold to them those that depend on the machine too")
)

// patience is how long a test waits for what must come.
const patience = 30 * time.Second

// binaries is where TestMain put controller and worker.
var binaries string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	flag.Parse()
	dir, err := os.MkdirTemp("", "gazpacho-attack")
	if err == nil {
		defer os.RemoveAll(dir)
		err = simtest.BuildController(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	binaries = dir
	code := m.Run()
	printFigures()
	return code
}
