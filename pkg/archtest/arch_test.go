package archtest

import (
	"bytes"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
)

const root = "../.."

// tree is every Go file of the repository.
type tree struct {
	sources map[string][]source // by package
	code    int                 // lines that are neither tests nor blank
	tests   int                 // lines of tests that are not blank
}

func readTree(t *testing.T) tree {
	t.Helper()
	tr := tree{sources: map[string][]source{}}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && (name == "node_modules" || name == "testdata" || (strings.HasPrefix(name, ".") && path != root)) {
			return filepath.SkipDir
		}
		if d.IsDir() || filepath.Ext(name) != ".go" {
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, path)
		rel = filepath.ToSlash(rel)
		if strings.HasSuffix(name, "_test.go") {
			tr.tests += written(b)
			return nil
		}
		tr.code += written(b)
		s := parse(t, rel, b)
		tr.sources[s.pkg] = append(tr.sources[s.pkg], s)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func parse(t *testing.T, name string, b []byte) source {
	t.Helper()
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, name, b, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return source{pkg: strings.TrimSuffix(filepath.ToSlash(filepath.Dir(name)), "/"), name: name, bytes: b, fset: fset, ast: f}
}

func report(t *testing.T, bad []string) {
	t.Helper()
	for _, b := range bad {
		t.Error(b)
	}
}

func TestEveryPackageIsInTheTable(t *testing.T) {
	for pkg := range readTree(t).sources {
		if _, ok := table[pkg]; !ok {
			t.Errorf("%s is not in the table of packages", pkg)
		}
	}
}

func TestImports(t *testing.T) {
	for pkg, files := range readTree(t).sources {
		for _, s := range files {
			report(t, importGate(s, table[pkg]))
		}
	}
}

func TestPurity(t *testing.T) {
	for pkg, files := range readTree(t).sources {
		for _, s := range files {
			if table[pkg].pure {
				report(t, purityGate(s))
			}
		}
	}
}

func TestFormatLengthAndSentences(t *testing.T) {
	for pkg, files := range readTree(t).sources {
		for _, s := range files {
			report(t, formatGate(s))
			report(t, lengthGate(s))
		}
		report(t, sentenceGate(pkg, files))
	}
}

// TestSizeBudget keeps the whole readable: most files fit on two screens, most functions on one.
func TestSizeBudget(t *testing.T) {
	tr := readTree(t)
	var files, funcs []int
	long, commented := 0, 0
	for _, sources := range tr.sources {
		for _, s := range sources {
			n := lines(s.bytes)
			files = append(files, n)
			if n > softFileLimit {
				long++
				t.Logf("%s has %d lines, more than %d", s.name, n, softFileLimit)
			}
			for _, n := range functions(s) {
				funcs = append(funcs, n)
			}
			commented += commentLines(s)
		}
	}
	sort.Ints(files)
	sort.Ints(funcs)
	if m := files[len(files)/2]; m > medianFileLimit {
		t.Errorf("the median file has %d lines, the budget is %d", m, medianFileLimit)
	}
	if p := funcs[len(funcs)*95/100]; p > functionP95 {
		t.Errorf("95 %% of functions have up to %d lines, the budget is %d", p, functionP95)
	}
	if share := float64(long) / float64(len(files)); share > softFilesAllowed {
		t.Errorf("%d of %d files are longer than %d lines", long, len(files), softFileLimit)
	}
	if r := float64(tr.tests) / float64(tr.code); r < testsPerCode {
		t.Errorf("%.2f lines of test per line of code, the budget is %.1f", r, testsPerCode)
	}
	if r := float64(commented) / float64(tr.code); r < smallestCommented {
		t.Errorf("%.0f %% of the lines are comments, the budget is %.0f %%", 100*r, 100*smallestCommented)
	}
	t.Logf("%d files, %d lines of code, %d of tests, %d of comments", len(files), tr.code, tr.tests, commented)
}

// written counts the lines that are not blank.
func written(b []byte) (n int) {
	for line := range bytes.Lines(b) {
		if len(bytes.TrimSpace(line)) > 0 {
			n++
		}
	}
	return n
}

func commentLines(s source) int {
	n := 0
	for _, g := range s.ast.Comments {
		n += s.fset.Position(g.End()).Line - s.fset.Position(g.Pos()).Line + 1
	}
	return n
}
