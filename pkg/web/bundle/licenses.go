package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// licenses gathers the licence texts of the npm packages that went into the bundle: ISC and MIT ask that every copy of
// the software carries them, and the page is a copy.
func licenses(ui, metafile string) ([]byte, error) {
	names, err := packages(metafile)
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	text.WriteString("This page is part of Gazpacho (MIT) and contains the following packages.\n")
	for _, name := range names {
		folder := filepath.Join(ui, "node_modules", filepath.FromSlash(name))
		found, err := filepath.Glob(filepath.Join(folder, "[Ll][Ii][Cc][Ee][Nn][SsCc][Ee]*"))
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("package %s has no licence file", name)
		}
		licence, err := os.ReadFile(found[0])
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&text, "\n%s\n%s\n\n%s\n", name, strings.Repeat("-", len(name)), bytes.TrimSpace(licence))
	}
	return text.Bytes(), nil
}

// packages returns the npm packages among the inputs of an esbuild metafile, sorted.
func packages(metafile string) ([]string, error) {
	var meta struct {
		Inputs map[string]struct{} `json:"inputs"`
	}
	if err := json.Unmarshal([]byte(metafile), &meta); err != nil {
		return nil, err
	}
	found := map[string]bool{}
	for input := range meta.Inputs {
		// The innermost node_modules counts: a package may bring its own copy of another.
		_, inside, ok := cutLast(input, "node_modules/")
		if !ok {
			continue
		}
		prefix := strings.TrimSuffix(input, inside)
		parts := strings.SplitN(inside, "/", 3)
		name := parts[0]
		if strings.HasPrefix(name, "@") && len(parts) > 1 {
			name += "/" + parts[1]
		}
		found[strings.TrimPrefix(prefix, "node_modules/")+name] = true
	}
	names := make([]string, 0, len(found))
	for name := range found {
		names = append(names, name)
	}
	slices.Sort(names)
	return names, nil
}

// cutLast cuts s around the last sep.
func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}
