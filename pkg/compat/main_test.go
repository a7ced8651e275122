package compat

import (
	"errors"
	"fmt"
	"os"
	"testing"

	"gazpacho/pkg/simtest"
)

// binaries is where TestMain put controller and worker.
var binaries string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "gazpacho-compat")
	if err == nil {
		defer os.RemoveAll(dir)
		err = simtest.BuildController(dir)
	}
	if err == nil {
		for _, dir := range []string{"node", applicationDir} {
			err = errors.Join(err, simtest.InstallPackages(dir))
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	binaries = dir
	return m.Run()
}
