package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// site writes files into a folder that looks like pkg/web/ui.
func site(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, content := range files {
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// good is the smallest site that bundles.
func good() map[string]string {
	return map[string]string{
		"index.html":                     `<link href="{{style}}"><script src="{{script}}"></script>`,
		"src/main.ts":                    `import "./style.css"; import { add } from "small"; const n: number = add(1, 2); console.log(n);`,
		"src/style.css":                  `body { color: red; }`,
		"static/favicon.svg":             `<svg/>`,
		"node_modules/small/index.js":    `exports.add = function (a, b) { return a + b };`,
		"node_modules/small/LICENSE.md":  `Small licence text`,
		"node_modules/unused/index.js":   `exports.x = 1;`,
		"node_modules/unused/LICENSE.md": `Unused licence text`,
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestBundle(t *testing.T) {
	out := filepath.Join(t.TempDir(), "dist")
	size, err := bundle(site(t, good()), out, false)
	if err != nil {
		t.Fatal(err)
	}
	index := read(t, filepath.Join(out, "index.html"))
	names := regexp.MustCompile(`href="/(assets/main-[A-Z0-9]{8}\.css)"><script src="/(assets/main-[A-Z0-9]{8}\.js)"`).FindStringSubmatch(index)
	if names == nil {
		t.Fatalf("index.html names no hashed files: %s", index)
	}
	if css := read(t, filepath.Join(out, names[1])); !strings.Contains(css, "body{color:red}") {
		t.Errorf("style is not minified: %s", css)
	}
	script := read(t, filepath.Join(out, names[2]))
	if !strings.Contains(script, "console.log(") || strings.Contains(script, ": number") || strings.Contains(script, "sourceMappingURL") {
		t.Errorf("unexpected script: %s", script)
	}
	if read(t, filepath.Join(out, "favicon.svg")) != "<svg/>" {
		t.Error("the static file is not copied")
	}
	licences := read(t, filepath.Join(out, "licenses.txt"))
	if !strings.Contains(licences, "Small licence text") || strings.Contains(licences, "Unused") {
		t.Errorf("licences: %s", licences)
	}
	if size < len(script)+len(index) {
		t.Errorf("size %d is less than its parts", size)
	}
}

func TestBundleReplacesTheWholeFolder(t *testing.T) {
	out := filepath.Join(t.TempDir(), "dist")
	files := good()
	if _, err := bundle(site(t, files), out, true); err != nil {
		t.Fatal(err)
	}
	before, err := filepath.Glob(filepath.Join(out, "assets", "*"))
	if err != nil {
		t.Fatal(err)
	}
	if len(before) != 4 {
		t.Errorf("script, style and their source maps expected, got %v", before)
	}
	files["src/main.ts"] += "console.log('changed');"
	if _, err := bundle(site(t, files), out, false); err != nil {
		t.Fatal(err)
	}
	after, err := filepath.Glob(filepath.Join(out, "assets", "*"))
	if err != nil {
		t.Fatal(err)
	}
	if len(after) != 2 {
		t.Errorf("old files stay: %v", after)
	}
	for _, name := range after {
		if strings.HasSuffix(name, ".js") {
			for _, old := range before {
				if name == old {
					t.Error("changed content kept its name, though names are cached for ever")
				}
			}
		}
	}
}

// Every failure is one line that says where and what to do, and the last good page survives it.
func TestBundleErrors(t *testing.T) {
	cases := []struct {
		name   string
		change func(files map[string]string)
		want   string
	}{
		{"no template", func(f map[string]string) { delete(f, "index.html") }, "index.html"},
		{"no mark", func(f map[string]string) { f["index.html"] = "{{script}}" }, "lacks the mark {{style}}"},
		{"no style", func(f map[string]string) { f["src/main.ts"] = "console.log(1)" }, "no .css file"},
		{"syntax", func(f map[string]string) { f["src/main.ts"] = "import './style.css';\nlet = = 1;" }, "src/main.ts:2:"},
		{"several", func(f map[string]string) { f["src/main.ts"] = "import './a';\nimport './b';" }, "(and 1 more)"},
		{"not installed", func(f map[string]string) { f["src/main.ts"] = "import 'mediasoup-client';" }, "run `npm ci --ignore-scripts`"},
		{"no licence", func(f map[string]string) { delete(f, "node_modules/small/LICENSE.md") }, "package small has no licence file"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "dist")
			if _, err := bundle(site(t, good()), out, false); err != nil {
				t.Fatal(err)
			}
			files := good()
			c.change(files)
			_, err := bundle(site(t, files), out, false)
			if err == nil {
				t.Fatal("no error")
			}
			if !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %q does not say %q in one line", err, c.want)
			}
			if read(t, filepath.Join(out, "index.html")) == "" {
				t.Error("the last good page is gone")
			}
		})
	}
}

func TestPackagesOfInputs(t *testing.T) {
	names, err := packages(`{"inputs":{"src/main.ts":{},"node_modules/a/lib/x.js":{},"node_modules/a/y.js":{},"node_modules/@s/b/z.js":{},
		"node_modules/a/node_modules/c/i.js":{}}}`)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(names, " "); got != "@s/b a a/node_modules/c" {
		t.Errorf("packages are %q", got)
	}
	if _, err := packages("{"); err == nil {
		t.Error("a broken metafile is accepted")
	}
}

// The lock must work with any registry: it records what, not where.
func TestLockNamesNoRegistry(t *testing.T) {
	lock := read(t, "../ui/package-lock.json")
	if strings.Contains(lock, `"resolved"`) {
		t.Error("package-lock.json records registry addresses")
	}
	if !strings.Contains(lock, `"node_modules/mediasoup-client": {`+"\n"+`      "version": "3.24.1"`) {
		t.Error("mediasoup-client is not pinned to 3.24.1")
	}
	if strings.Count(lock, `"integrity"`) != strings.Count(lock, `    "node_modules/`) {
		t.Error("a package has no integrity hash")
	}
}
