package archtest

import (
	"strings"
	"testing"
)

// Every gate is shown something it must refuse and something it must pass: a gate that cannot fail
// guards nothing.
func TestGatesFail(t *testing.T) {
	pure := rule{pure: true, module: []string{"pkg/rtp"}, external: []string{"github.com/pion/rtcp"}}
	imports := func(s source) []string { return importGate(s, pure) }
	sentence := func(s source) []string { return sentenceGate(s.pkg, []source{s}) }
	long := "package x\n\nfunc f() {\n" + strings.Repeat("\tg()\n", functionLimit) + "}\n"
	tests := []struct {
		name string
		gate func(source) []string
		src  string
		bad  int
	}{
		{"import outside the table", imports, "package x\n\nimport _ \"gazpacho/pkg/loop\"\n", 1},
		{"import inside the table", imports, "package x\n\nimport _ \"gazpacho/pkg/rtp\"\n", 0},
		{"external import", imports, "package x\n\nimport _ \"github.com/pion/ice\"\n", 1},
		{"allowed external import", imports, "package x\n\nimport _ \"github.com/pion/rtcp\"\n", 0},
		{"external import with an allowed prefix in its name", imports, "package x\n\nimport _ \"github.com/pion/rtcpx\"\n", 1},
		{"socket in the core", imports, "package x\n\nimport _ \"net\"\n", 1},
		{"addresses in the core", imports, "package x\n\nimport _ \"net/netip\"\n", 0},
		{"cgo", imports, "package x\n\nimport \"C\"\n", 1},
		{"clock in the core", purityGate, "package x\n\nimport \"time\"\n\nvar now = time.Now()\n", 1},
		{"duration in the core", purityGate, "package x\n\nimport \"time\"\n\nvar d = time.Second\n", 0},
		{"goroutine in the core", purityGate, "package x\n\nfunc f() { go f() }\n", 1},
		{"long function", lengthGate, long, 1},
		{"long file", lengthGate, "package x\n" + strings.Repeat("// x\n", hardFileLimit), 1},
		{"short file", lengthGate, "package x\n", 0},
		{"unformatted", formatGate, "package x\nfunc  f() {}\n", 1},
		{"formatted", formatGate, "package x\n\nfunc f() {}\n", 0},
		{"no sentence", sentence, "package x\n", 1},
		{"a sentence", sentence, "// Package x is one.\npackage x\n", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if bad := tt.gate(parse(t, "pkg/x/x.go", []byte(tt.src))); len(bad) != tt.bad {
				t.Errorf("found %q, want %d", bad, tt.bad)
			}
		})
	}
}
