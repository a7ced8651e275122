package scripts

import (
	"strconv"
	"strings"
	"testing"
)

// TestSchemaInPython reads proto/schema.json as a client in another language would, and holds the vectors against it with a validator that
// shares nothing with ours.
func TestSchemaInPython(t *testing.T) {
	stdout, stderr, ok := python(t, "-c", `
import json
schema = json.load(open("../proto/schema.json"))
assert schema["$schema"].endswith("2020-12/schema")

def find(ref):
    at = schema
    for step in ref.removeprefix("#/").split("/"): at = at[step]
    return at

kinds = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None), "number": (int, float), "integer": int}

def is_a(v, kind):
    return isinstance(v, kinds[kind]) and not (isinstance(v, bool) and kind in ("integer", "number"))

def valid(s, v):
    if "$ref" in s and not valid(find(s["$ref"]), v): return False
    if not all(valid(x, v) for x in s.get("allOf", [])): return False
    if "anyOf" in s and not any(valid(x, v) for x in s["anyOf"]): return False
    kind = s.get("type", [])
    if kind and not any(is_a(v, k) for k in ([kind] if isinstance(kind, str) else kind)): return False
    if "enum" in s and v not in s["enum"]: return False
    if isinstance(v, (int, float)) and not s.get("minimum", v) <= v <= s.get("maximum", v): return False
    if isinstance(v, dict):
        if not all(k in v for k in s.get("required", [])): return False
        return all(valid(s.get("properties", {}).get(k, s.get("additionalProperties", {})), x) for k, x in v.items())
    if isinstance(v, list): return len(v) >= s.get("minItems", 0) and all(valid(s.get("items", {}), x) for x in v)
    return not isinstance(v, str) or len(v) >= s.get("minLength", 0)

def refs(s):
    if isinstance(s, dict):
        if "$ref" in s: yield s["$ref"]
        for x in s.values(): yield from refs(x)
    if isinstance(s, list):
        for x in s: yield from refs(x)

count = 0
used = set(refs(schema))
for ref in used: assert find(ref), ref
assert used | {"#/$defs/Error"} == {"#/$defs/" + name for name in schema["$defs"]}, "definitions that nobody uses"
for v in json.load(open("../proto/testdata/bodies.json")):
    name, _, which = v["name"].partition(" ")
    if name in schema["methods"]: s = schema["methods"][name]["request" if which == "request" else "response"]
    else: s = schema["notifications" if name in schema["notifications"] else "events"][name]["body"]
    if "SendData" in v["type"] or "Profile" == v["type"]: continue # binary
    assert valid(s, v["body"]), v["name"]
    for key in s.get("required", []) if isinstance(s, dict) else []:
        assert not valid(s, {k: x for k, x in v["body"].items() if k != key}), (v["name"], key)
    assert not valid(s, 5), v["name"]
    count += 1
print(count)
`)
	if !ok {
		t.Fatal(stderr)
	}
	if n, err := strconv.Atoi(strings.TrimSpace(stdout)); err != nil || n < 90 {
		t.Errorf("%q vectors were seen", stdout)
	}
}
