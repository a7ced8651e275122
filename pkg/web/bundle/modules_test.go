package main

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/evanw/esbuild/pkg/api"
)

// The page's own modules have tests in TypeScript. They import nothing of npm's, so Node alone runs them.
func TestPageModules(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Fatal("Node.js is needed, as for `make build`: ", err)
	}
	tests, err := filepath.Glob("../ui/test/*.test.ts")
	if err != nil || len(tests) == 0 {
		t.Fatalf("no tests found (%v)", err)
	}
	out := t.TempDir()
	result := api.Build(api.BuildOptions{
		EntryPoints:  tests,
		Outdir:       out,
		OutExtension: map[string]string{".js": ".mjs"},
		Bundle:       true,
		Write:        true,
		Format:       api.FormatESModule,
		Platform:     api.PlatformNode,
		Target:       api.ES2022,
		Sourcemap:    api.SourceMapInline,
		LogLevel:     api.LogLevelSilent,
	})
	if len(result.Errors) > 0 {
		t.Fatal(oneLine(result.Errors))
	}
	args := []string{"--enable-source-maps", "--test"}
	for _, test := range tests {
		args = append(args, filepath.Join(out, strings.TrimSuffix(filepath.Base(test), ".ts")+".mjs"))
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	output, err := exec.CommandContext(ctx, node, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	// A runner that found nothing to run would succeed as well.
	if !strings.Contains(string(output), "# fail 0") || strings.Contains(string(output), "# pass 0") {
		t.Fatalf("no tests were run:\n%s", output)
	}
}
