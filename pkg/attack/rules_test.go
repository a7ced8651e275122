package attack

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// RULES.md names every rule, and tests and files that exist.
func TestRulesPage(t *testing.T) {
	text, err := os.ReadFile("RULES.md")
	if err != nil {
		t.Fatal(err)
	}
	page := regexp.MustCompile(`, (\d)\b`).ReplaceAllString(string(text), " + $1") // "R-RTP-2, 3" is two rules
	for _, rule := range rules {
		prefix, number := rule[:len(rule)-1], rule[len(rule)-1:]
		if !strings.Contains(page, rule) && !regexp.MustCompile(prefix+`\d \+ `+number).MatchString(page) {
			t.Errorf("it says nothing of %s", rule)
		}
	}
	tests := declaredTests(t)
	for _, name := range regexp.MustCompile(`\bTest[A-Z]\w+`).FindAllString(page, -1) {
		if !tests[name] {
			t.Errorf("there is no %s", name)
		}
	}
	dir := "."
	for _, name := range regexp.MustCompile(`\b(?:pkg/\w+/)?\w+\.go\b`).FindAllString(page, -1) {
		if d, _ := filepath.Split(name); d != "" {
			dir = filepath.Join("..", "..", d) // what follows without a folder is in the same one
		}
		if _, err := os.Stat(filepath.Join(dir, filepath.Base(name))); err != nil {
			t.Errorf("%v", err)
		}
	}
}

// declaredTests are the tests of the module.
func declaredTests(t *testing.T) map[string]bool {
	t.Helper()
	found, declaration := map[string]bool{}, regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	err := filepath.WalkDir(filepath.Join("..", ".."), func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git"):
			return filepath.SkipDir
		case !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		text, err := os.ReadFile(path)
		for _, m := range declaration.FindAllSubmatch(text, -1) {
			found[string(m[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
