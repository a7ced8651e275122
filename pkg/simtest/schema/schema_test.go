package schema

import (
	"encoding/json"
	"strings"
	"testing"
)

const document = `{
	"$defs": {
		"leaf": {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1, "maximum": 3}}, "required": ["n"]},
		"tree": {
			"allOf": [{"$ref": "#/$defs/leaf"}],
			"type": "object",
			"properties": {
				"name": {"type": "string", "minLength": 1, "description": "words"},
				"kind": {"type": "string", "enum": ["a", "b"], "default": "a"},
				"leaves": {"type": ["array", "null"], "items": {"$ref": "#/$defs/leaf"}, "minItems": 1},
				"counts": {"type": "object", "additionalProperties": {"type": "number"}},
				"data": {"type": "string", "contentEncoding": "base64"},
				"either": {"anyOf": [{"type": "boolean"}, {"type": "integer", "maximum": 18446744073709551615}]}
			}
		},
		"bad": {"type": "string", "pattern": "a"},
		"lost": {"$ref": "#/$defs/nobody"}
	},
	"by/name": {"type": "null"}
}`

func TestValidate(t *testing.T) {
	d, err := Parse([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ pointer, value, err string }{
		{"#/$defs/leaf", `{"n": 2, "more": "x"}`, ""},
		{"#/$defs/leaf", `{"n": 3.0}`, ""},
		{"#/$defs/leaf", `{"n": 2.5}`, ".n: is"},
		{"#/$defs/leaf", `{"n": 0}`, ".n: 0 is below 1"},
		{"#/$defs/leaf", `{"n": 4}`, ".n: 4 is above 3"},
		{"#/$defs/leaf", `{"n": "2"}`, ".n: is string"},
		{"#/$defs/leaf", `{"n": null}`, ".n: is <nil>"},
		{"#/$defs/leaf", `{}`, ".n is missing"},
		{"#/$defs/leaf", `[]`, "is []interface {}"},
		{"#/$defs/tree", `{"n": 1, "name": "é", "kind": "b", "leaves": [{"n": 1}], "counts": {"x": 1.5}, "data": "AA==", "either": 18446744073709551615}`, ""},
		{"#/$defs/tree", `{"n": 1, "leaves": null, "either": true}`, ""},
		{"#/$defs/tree", `{"name": "x"}`, ".n is missing"},
		{"#/$defs/tree", `{"n": 1, "name": ""}`, ".name: is too short"},
		{"#/$defs/tree", `{"n": 1, "kind": "c"}`, ".kind: is none of"},
		{"#/$defs/tree", `{"n": 1, "leaves": []}`, ".leaves: has 0 elements"},
		{"#/$defs/tree", `{"n": 1, "leaves": [{"n": 1}, {"n": 9}]}`, ".leaves[1].n: 9 is above 3"},
		{"#/$defs/tree", `{"n": 1, "counts": {"x": "1"}}`, ".counts.x: is string"},
		{"#/$defs/tree", `{"n": 1, "data": "A"}`, ".data: illegal base64"},
		{"#/$defs/tree", `{"n": 1, "either": 18446744073709551616}`, ".either: is json.Number, not [boolean]\n18446744073709551616 is above"},
		{"#/$defs/bad", `"a"`, "keyword pattern is not known"},
		{"#/$defs/lost", `1`, "#/$defs/nobody leads nowhere"},
		{"#/$defs", `1`, "keyword"},
		{"#/$defs/leaf/type", `1`, "is no schema"},
	} {
		decoder := json.NewDecoder(strings.NewReader(tt.value))
		decoder.UseNumber()
		var v any
		if err := decoder.Decode(&v); err != nil {
			t.Fatal(err)
		}
		switch err := d.Validate(tt.pointer, v); {
		case (err == nil) != (tt.err == ""):
			t.Errorf("%s %s: %v", tt.pointer, tt.value, err)
		case err != nil && !strings.Contains(err.Error(), tt.err):
			t.Errorf("%s %s: %q", tt.pointer, tt.value, err)
		}
	}
}

// Numbers are numbers, whatever decoder they come from.
func TestNumbersOfAnyType(t *testing.T) {
	d, err := Parse([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []any{2, int64(2), uint64(2), 2.0, json.Number("2")} {
		if err := d.Validate("#/$defs/leaf", map[string]any{"n": n}); err != nil {
			t.Errorf("%T: %v", n, err)
		}
	}
	for _, n := range []any{5, int64(-1), uint64(1 << 63), 2.5, json.Number("x"), []byte("2")} {
		if d.Validate("#/$defs/leaf", map[string]any{"n": n}) == nil {
			t.Errorf("%T %v passes", n, n)
		}
	}
}

func TestParseRefusesNoJSON(t *testing.T) {
	if _, err := Parse([]byte("{")); err == nil {
		t.Error("passed")
	}
}
