package archtest

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/token"
	"strconv"
	"strings"
)

// source is one parsed Go file, not a test.
type source struct {
	pkg   string // "pkg/rtp"
	name  string // "pkg/rtp/packet.go"
	bytes []byte
	fset  *token.FileSet
	ast   *ast.File
}

// importGate checks a file's imports against its package's rule.
func importGate(s source, r rule) (bad []string) {
	for _, spec := range s.ast.Imports {
		path, _ := strconv.Unquote(spec.Path.Value)
		switch {
		case path == "C":
			bad = append(bad, s.name+": cgo")
		case strings.HasPrefix(path, "gazpacho/"):
			if !allowed(strings.TrimPrefix(path, "gazpacho/"), r.module) {
				bad = append(bad, s.name+": may not import "+path)
			}
		case strings.Contains(strings.SplitN(path, "/", 2)[0], "."):
			if !allowedPrefix(path, r.external) {
				bad = append(bad, s.name+": may not import "+path)
			}
		case r.pure && impureImports[path]:
			bad = append(bad, s.name+": is pure and may not import "+path)
		}
	}
	return bad
}

func allowed(path string, list []string) bool {
	for _, a := range list {
		if a == all || a == path {
			return true
		}
	}
	return false
}

func allowedPrefix(path string, list []string) bool {
	for _, a := range list {
		if path == a || strings.HasPrefix(path, a+"/") {
			return true
		}
	}
	return false
}

// purityGate finds go statements and clock reads in a file of the pure core.
func purityGate(s source) (bad []string) {
	ast.Inspect(s.ast, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			bad = append(bad, fmt.Sprintf("%s: go statement in the pure core", s.fset.Position(n.Pos())))
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && x.Name == "time" && clockCalls[n.Sel.Name] {
				bad = append(bad, fmt.Sprintf("%s: time.%s in the pure core", s.fset.Position(n.Pos()), n.Sel.Name))
			}
		}
		return true
	})
	return bad
}

// lengthGate holds files and functions to their hard limits.
func lengthGate(s source) (bad []string) {
	if n := lines(s.bytes); n > hardFileLimit {
		bad = append(bad, fmt.Sprintf("%s: %d lines, the limit is %d", s.name, n, hardFileLimit))
	}
	for name, n := range functions(s) {
		if n > functionLimit {
			bad = append(bad, fmt.Sprintf("%s: function %s has %d lines, the limit is %d", s.name, name, n, functionLimit))
		}
	}
	return bad
}

func lines(b []byte) int { return bytes.Count(b, []byte("\n")) }

// functions maps each function's name to its length in lines.
func functions(s source) map[string]int {
	lengths := map[string]int{}
	for _, d := range s.ast.Decls {
		if f, ok := d.(*ast.FuncDecl); ok {
			name := fmt.Sprintf("%s:%d", f.Name.Name, s.fset.Position(f.Pos()).Line)
			lengths[name] = s.fset.Position(f.End()).Line - s.fset.Position(f.Pos()).Line + 1
		}
	}
	return lengths
}

// formatGate wants files as gofmt leaves them.
func formatGate(s source) []string {
	want, err := format.Source(s.bytes)
	if err != nil || !bytes.Equal(want, s.bytes) {
		return []string{s.name + ": not gofmt'd"}
	}
	return nil
}

// sentenceGate wants one file of a package to open with its sentence.
func sentenceGate(pkg string, files []source) []string {
	for _, s := range files {
		doc := s.ast.Doc.Text()
		name := s.ast.Name.Name
		if strings.HasPrefix(doc, "Package "+name+" ") || (name == "main" && strings.HasPrefix(doc, "Command ")) {
			return nil
		}
	}
	return []string{pkg + ": no package sentence"}
}
