package fbwire

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// maxFile bounds a schema file; the largest there is has 10 kB.
const maxFile = 1 << 20

// Load reads the schema in the .fbs files of a directory.
func Load(dir string) (*Schema, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.fbs"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s has no .fbs files", dir)
	}
	texts := make(map[string]string, len(files))
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil {
			return nil, err
		}
		if info.Size() > maxFile {
			return nil, fmt.Errorf("%s is larger than any schema", file)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		texts[filepath.Base(file)] = string(text)
	}
	return Parse(texts)
}

// Parse reads the schema in files by their names, which include each other by them.
func Parse(files map[string]string) (*Schema, error) {
	s := &Schema{Tables: map[string]*Table{}, Enums: map[string]*Enum{}}
	var all []error
	for _, name := range slices.Sorted(maps.Keys(files)) {
		includes, err := s.parse(name, files[name])
		if err != nil {
			all = append(all, err)
		}
		for _, other := range includes {
			if _, ok := files[filepath.Base(other)]; !ok {
				all = append(all, fmt.Errorf("%s includes %s, which is missing", name, other))
			}
		}
	}
	if err := errors.Join(all...); err != nil {
		return nil, err
	}
	return s, s.resolve()
}
