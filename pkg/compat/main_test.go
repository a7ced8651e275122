package compat

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

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
		err = installPackages()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	binaries = dir
	return m.Run()
}

// installPackages fetches the packages of node/package-lock.json, unless those that are there are the ones that package.json names.
func installPackages() error {
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			return fmt.Errorf("%s is missing: run `make test` as root, or sudo apt-get install nodejs npm", tool)
		}
	}
	if installed, err := packagesInstalled(); installed || err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "npm", "ci", "--loglevel=error")
	cmd.Dir = "node"
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("npm ci in pkg/compat/node: %w\n%s", err, out)
	}
	return nil
}

func packagesInstalled() (bool, error) {
	var wanted struct {
		Dependencies map[string]string `json:"dependencies"`
	}
	if err := readJSON(filepath.Join("node", "package.json"), &wanted); err != nil {
		return false, err
	}
	for name, version := range wanted.Dependencies {
		version = version[strings.LastIndex(version, "@")+1:] // of npm:NAME@VERSION
		var got struct {
			Version string `json:"version"`
		}
		err := readJSON(filepath.Join("node", "node_modules", name, "package.json"), &got)
		if err != nil || got.Version != version {
			return false, nil
		}
	}
	return true, nil
}

func readJSON(path string, v any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, v)
}
