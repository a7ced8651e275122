package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// A library that passes nothing on has its schema beside it. It is looked for in the package this binary, or a link to it, was put in; then in the
// node_modules of the directories that this process and those above it run in, and of the scripts those run.
const (
	packageSchema = "worker/fbs"
	installed     = "node_modules/mediasoup"
	ancestors     = 4
)

// findSchema returns the directory of the schema of a version.
func findSchema(version string) (string, error) {
	var others []string
	for _, start := range searchFrom() {
		for dir := filepath.Clean(start); ; dir = filepath.Dir(dir) {
			for _, candidate := range []string{dir, filepath.Join(dir, installed)} {
				schema, its := packageAt(candidate)
				switch {
				case schema == "":
				case its == version || !isVersion(version):
					return schema, nil
				default:
					others = append(others, its+" in "+candidate)
				}
			}
			if dir == filepath.Dir(dir) {
				break
			}
		}
	}
	if len(others) > 0 {
		return "", fmt.Errorf("is not given, and found was no mediasoup %s but %s", version, strings.Join(others, ", "))
	}
	return "", fmt.Errorf("is not given, and mediasoup's .fbs files were not found beside the library: give --%s DIR or set %s", schemaOption, schemaVariable)
}

// packageAt returns the schema and the version of the mediasoup package in a directory, if it is one.
func packageAt(dir string) (schema, version string) {
	text, err := os.ReadFile(filepath.Join(dir, "package.json"))
	if err != nil {
		return "", ""
	}
	var about struct{ Name, Version string }
	if json.Unmarshal(text, &about) != nil || about.Name != "mediasoup" {
		return "", ""
	}
	schema = filepath.Join(dir, packageSchema)
	if _, err := os.Stat(filepath.Join(schema, "message.fbs")); err != nil {
		return "", ""
	}
	return schema, about.Version
}

// isVersion tells whether a library says which version it is. Some say only that they are one.
func isVersion(s string) bool { return s != "" && '0' <= s[0] && s[0] <= '9' }

// searchFrom returns where to begin, the likeliest first.
func searchFrom() (list []string) {
	for _, path := range []string{os.Getenv("MEDIASOUP_WORKER_BIN"), os.Args[0]} {
		if path, err := filepath.Abs(path); err == nil {
			list = append(list, filepath.Dir(path))
		}
	}
	if dir, err := os.Getwd(); err == nil {
		list = append(list, dir)
	}
	pid := os.Getppid()
	for i := 0; i < ancestors && pid > 1; i++ {
		cwd, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid))
		if err != nil {
			break
		}
		list = append(list, scriptsOf(pid, cwd)...)
		list = append(list, cwd)
		pid = parentOf(pid)
	}
	return list
}

// scriptsOf returns the directories of the files a process was started with, links followed: node app/server.js.
func scriptsOf(pid int, cwd string) (list []string) {
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		return nil
	}
	for arg := range strings.SplitSeq(strings.TrimRight(string(line), "\x00"), "\x00") {
		if strings.HasPrefix(arg, "-") || !strings.ContainsAny(arg, "./") {
			continue
		}
		if !filepath.IsAbs(arg) {
			arg = filepath.Join(cwd, arg)
		}
		if real, err := filepath.EvalSymlinks(arg); err == nil {
			list = append(list, filepath.Dir(real))
		}
	}
	return list
}

// parentOf reads a process's parent, or 0.
func parentOf(pid int) int {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, "PPid:"); ok {
			parent, _ := strconv.Atoi(strings.TrimSpace(value))
			return parent
		}
	}
	return 0
}
