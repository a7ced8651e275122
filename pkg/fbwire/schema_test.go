package fbwire

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLoad(t *testing.T) {
	s, err := Load("testdata/tiny")
	if err != nil {
		t.Fatal(err)
	}
	cage := s.Tables["Zoo.Animals.Cage"]
	var got []string
	for _, f := range cage.Fields {
		got = append(got, fmt.Sprintf("%s %d %d %q %v", f.Name, f.Slot, f.Type.Kind, f.Default, f.Required))
	}
	// The places are those of the ids: guest's type is one before guest.
	want := `size 2 6 "7" false, name 0 11 "" true, meals 5 12 "" false, guest 4 14 "" false, open 1 0 "true" false`
	if strings.Join(got, ", ") != want || cage.Slots != 6 {
		t.Errorf("cage has %s, and %d slots", strings.Join(got, ", "), cage.Slots)
	}
	if e := cage.field("meals").Type.Elem; e.Kind != TableRef || e.Table != s.Tables["Zoo.Food.Meal"] {
		t.Errorf("meals are %+v", e)
	}
	guest := s.Enums["Zoo.Animals.Guest"]
	if len(guest.Values) != 4 || guest.arm("Lion").Number != 1 || guest.arm("Other").Table != s.Tables["Zoo.Food.Meal"] || guest.arm("NONE").Table != nil {
		t.Errorf("guests are %+v", guest.Values)
	}
	var moods []string
	for _, v := range s.Enums["Zoo.Animals.Mood"].Values {
		moods = append(moods, fmt.Sprint(v.Name, v.Number))
	}
	if strings.Join(moods, " ") != "CALM-1 WILD0 ANGRY16 LOUD17" {
		t.Errorf("moods are %v", moods)
	}
	lion := s.Tables["Zoo.Animals.Lion"]
	if f := lion.field("teeth"); !f.Optional || f.Type.Kind != Uint16 || lion.field("place").Type.Kind != StructRef || lion.Slots != 5 {
		t.Errorf("lion has %+v", lion.Fields)
	}
	for name, want := range map[string]uint64{"mood": 0, "teeth": 0} {
		if bits, _, err := defaultBits(lion.field(name)); bits != want || err != nil {
			t.Errorf("default of %s: %d, %v", name, bits, err)
		}
	}
	if bits, _, err := defaultBits(s.Tables["Zoo.Food.Meal"].field("weight")); bits != 1<<64-1 || err != nil {
		t.Errorf("weight: %d, %v", bits, err)
	}
	if _, number, _ := defaultBits(lion.field("mass")); number != 1.5 {
		t.Errorf("mass: %v", number)
	}
}

func TestLoadNothing(t *testing.T) {
	dir := t.TempDir()
	if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), "has no .fbs files") {
		t.Errorf("an empty directory: %v", err)
	}
	if _, err := Load(filepath.Join(dir, "none")); err == nil {
		t.Error("a directory that is none was read")
	}
	if err := os.WriteFile(filepath.Join(dir, "a.fbs"), make([]byte, maxFile+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), "larger than any schema") {
		t.Errorf("a huge file: %v", err)
	}
	if err := os.Mkdir(filepath.Join(dir, "b.fbs"), 0o700); err != nil {
		t.Fatal(err)
	}
	os.Remove(filepath.Join(dir, "a.fbs"))
	if _, err := Load(dir); err == nil {
		t.Error("a directory was read as a file")
	}
}

func TestSyntax(t *testing.T) {
	for text, says := range map[string]string{
		"tabel A {}":                                  `a.fbs:1: "tabel" begins no declaration`,
		"\n\ntable A { x int; }":                      `a.fbs:3: "int" instead of ":"`,
		"table A { x: int }":                          `"}" instead of ";"`,
		"table A { x: int; x: int; }":                 "A has two fields x",
		"table A {} table A {}":                       "A is declared twice",
		"table A {} enum A: byte {}":                  "A is declared twice",
		"table A { x: [[int]]; }":                     "a vector of vectors",
		"table A { x: B; }":                           "A.x: B is not declared",
		"table A { x: [B]; }":                         "A.x: B is not declared",
		"union U {} table A { x: [U]; }":              "A.x: a vector of unions",
		"table A { x: int (id: 1); y: int; }":         "A.y: its place -1 is taken",
		"table A { x: int (id: 0); y: int (id: 0); }": "A.y: its place 0 is taken",
		"table A { x: int (id: 99999); }":             "no number of a field",
		"table A { x: int (id: -2); }":                "no number of a field",
		"table A { x: U (id: 0); } union U { A }":     "A.x: its place -1 is taken or out of range",
		"enum E: float { A }":                         `"float" is no type of an enumeration`,
		"enum E: byte { A = x }":                      `"x" is no number`,
		"enum E: byte { 1 }":                          `"1" is no name`,
		"enum E: byte { A B }":                        `"B" instead of "}"`,
		"union U { int }":                             "union U: int is not declared",
		"union U { E } enum E: byte { A }":            "union U: E is no table",
		"include x;":                                  "include needs a file",
		`include "b.fbs";`:                            "a.fbs includes b.fbs, which is missing",
		`table A { x: "int"; }`:                       `"int" is no type`,
		"table \"A\" {}":                              `"A" is no name`,
		"table A { x: string (required":               `"" instead of ")"`,
		"/* never closed":                             "",
		"table A { x: int; // to the end":             `"" is no name`,
		"namespace a.b;":                              "",
		"root_type A":                                 `"" instead of ";"`,
		"\"\n":                                        `"\"" begins no declaration`,
	} {
		_, err := Parse(map[string]string{"a.fbs": text})
		if says == "" && err != nil || says != "" && (err == nil || !strings.Contains(err.Error(), says)) {
			t.Errorf("%s: %v, want %s", text, err, says)
		}
	}
	var at *SyntaxError
	if _, err := Parse(map[string]string{"a.fbs": "/*\n\n*/ x"}); !errors.As(err, &at) || at.File != "a.fbs" || at.Line != 3 {
		t.Errorf("the place: %v", err)
	}
}

// Whatever a file says, it is read or refused; what was read can be walked.
func FuzzParse(f *testing.F) {
	for _, name := range []string{"zoo", "food"} {
		text, err := os.ReadFile("testdata/tiny/" + name + ".fbs")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Add("union U { A } table A { u: U (id: 1); } enum E: ulong { X = 0xffffffffffffffff }")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse(map[string]string{"a.fbs": text})
		if err != nil {
			return
		}
		for name, table := range s.Tables {
			if table.Name != name || table.Slots > maxSlots {
				t.Fatalf("%s: %+v", name, table)
			}
			for _, field := range table.Fields {
				if field.Slot >= table.Slots || field.Type.Kind == TableRef && field.Type.Table == nil {
					t.Fatalf("%s.%s: %+v", name, field.Name, field)
				}
			}
		}
		if _, err := Compile(s, nil); err == nil {
			t.Fatal("a library's schema by chance")
		}
	})
}
