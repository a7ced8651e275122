// Package golden compares what happens with what files in testdata say, and rewrites them with -update: the reviewer reads the diff.
package golden

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the files in testdata with what happens now")

// Compare compares got with a file.
func Compare(t testing.TB, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s:%d is otherwise (-update takes it over):\n%s", file, difference(got, want), got)
	}
}

// JSON compares what v is in JSON with a file.
func JSON(t testing.TB, file string, v any) {
	t.Helper()
	got, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	Compare(t, file, append(got, '\n'))
}

// difference is the number of the first line that differs.
func difference(a, b []byte) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return 1 + bytes.Count(a[:n], []byte("\n"))
}

// Scripts runs a test for every script of a pattern. play returns the script with what happens in place of what is said to.
func Scripts(t *testing.T, pattern string, play func(t *testing.T, script string) []byte) {
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			script, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			Compare(t, file, play(t, string(script)))
		})
	}
}

// Play copies a script to out and runs its commands: a line is a command with its arguments, or prose if it begins with "#"; what
// happens, which run writes to out, stands behind it, indented by a tab.
func Play(out io.StringWriter, script string, run func(command string, args []string)) {
	for line := range strings.Lines(script) {
		if strings.HasPrefix(line, "\t") {
			continue
		}
		_, _ = out.WriteString(line) // to memory
		if words := strings.Fields(line); len(words) > 0 && words[0] != "#" {
			run(words[0], words[1:])
		}
	}
}
