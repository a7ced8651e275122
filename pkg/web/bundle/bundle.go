package main

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// The template names its script and style by these marks; the written page has the hashed names instead.
const (
	scriptMark = "{{script}}"
	styleMark  = "{{style}}"
)

// bundle writes the page made of the folder ui into the folder out and returns its size in bytes. Nothing is written
// unless everything compiled, so a failed run leaves the last good page in place.
func bundle(ui, out string, sourcemap bool) (int, error) {
	template, err := os.ReadFile(filepath.Join(ui, "index.html"))
	if err != nil {
		return 0, err
	}
	files, inputs, err := compile(ui, sourcemap)
	if err != nil {
		return 0, err
	}
	if files["licenses.txt"], err = licenses(ui, inputs); err != nil {
		return 0, err
	}
	page, err := fill(string(template), files)
	if err != nil {
		return 0, err
	}
	files["index.html"] = []byte(page)
	static, err := os.ReadDir(filepath.Join(ui, "static"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return 0, err
	}
	for _, entry := range static {
		if files[entry.Name()], err = os.ReadFile(filepath.Join(ui, "static", entry.Name())); err != nil {
			return 0, err
		}
	}
	return write(out, files)
}

// compile returns the outputs of esbuild by their path relative to the page's root, with forward slashes, and its
// metafile, which names every source that went in.
func compile(ui string, sourcemap bool) (files map[string][]byte, inputs string, err error) {
	root, err := filepath.Abs(ui)
	if err != nil {
		return nil, "", err
	}
	options := api.BuildOptions{
		AbsWorkingDir:     root,
		EntryPoints:       []string{"src/main.ts"},
		Outdir:            root, // only a base for relative names: outputs stay in memory
		EntryNames:        "assets/[name]-[hash]",
		Bundle:            true,
		Format:            api.FormatESModule,
		Platform:          api.PlatformBrowser,
		Target:            api.ES2020,
		MinifySyntax:      true,
		MinifyWhitespace:  true,
		MinifyIdentifiers: true,
		LegalComments:     api.LegalCommentsNone, // licenses.txt has them
		Metafile:          true,
		Charset:           api.CharsetUTF8,
		LogLevel:          api.LogLevelSilent,
	}
	if sourcemap {
		options.Sourcemap = api.SourceMapLinked
	}
	result := api.Build(options)
	if len(result.Errors) > 0 {
		return nil, "", oneLine(result.Errors)
	}
	files = map[string][]byte{}
	for _, file := range result.OutputFiles {
		name, err := filepath.Rel(root, file.Path)
		if err != nil {
			return nil, "", err
		}
		files[filepath.ToSlash(name)] = file.Contents
	}
	return files, result.Metafile, nil
}

// oneLine tells the first error with its place, and the remedy for the usual one: dependencies not fetched yet.
func oneLine(messages []api.Message) error {
	first := messages[0]
	var text strings.Builder
	if l := first.Location; l != nil {
		fmt.Fprintf(&text, "%s:%d:%d: ", l.File, l.Line, l.Column+1)
	}
	text.WriteString(first.Text)
	if len(messages) > 1 {
		fmt.Fprintf(&text, " (and %d more)", len(messages)-1)
	}
	if strings.Contains(first.Text, `Could not resolve "mediasoup-client`) {
		text.WriteString(": run `npm ci --ignore-scripts` in pkg/web/ui first")
	}
	return errors.New(text.String())
}

// fill puts the hashed names of script and style into the template.
func fill(template string, files map[string][]byte) (string, error) {
	marks := map[string]string{scriptMark: ".js", styleMark: ".css"}
	for mark, ext := range marks {
		if !strings.Contains(template, mark) {
			return "", fmt.Errorf("index.html lacks the mark %s", mark)
		}
		name := ""
		for file := range files {
			if path.Ext(file) == ext {
				name = file
			}
		}
		if name == "" {
			return "", fmt.Errorf("src/main.ts yields no %s file for the mark %s", ext, mark)
		}
		template = strings.ReplaceAll(template, mark, "/"+name)
	}
	return template, nil
}

// write replaces the folder out by the files and returns their size together.
func write(out string, files map[string][]byte) (int, error) {
	if err := os.RemoveAll(out); err != nil {
		return 0, err
	}
	size := 0
	for name, content := range files {
		target := filepath.Join(out, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return 0, err
		}
		if err := os.WriteFile(target, content, 0o644); err != nil {
			return 0, err
		}
		size += len(content)
	}
	return size, nil
}
