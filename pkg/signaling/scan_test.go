package signaling

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestScan(t *testing.T) {
	for text, want := range map[string]string{
		`{}`:                                  "",
		` { "a" : [ ] , "b" : { } } `:         "",
		`[1,"a",null,true,false,{"a":"a"}]`:   "",
		`{"a":{"a":1},"b":[{"a":1},{"a":2}]}`: "",
		`{"a":"b","b":"a"}`:                   "",
		`{"a":1,"A":2}`:                       "", // application data may have both
		`"x"`:                                 "",
		`{"a":1,"b":{"c":1,"c":1}}`:           "appears twice",
		`[{"x":[],"y":{},"x":1}]`:             "appears twice",
		`{"":1,"":2}`:                         "appears twice",
		`{"a":{"b":1},"a":{"b":1}}`:           "appears twice",
		"{\"a\":1,\"\\u0061\":2}":             "appears twice",
		`{"\uD83D\uDE00":1,"😀":2}`:            "appears twice",
		`{"` + strings.Repeat("k", 500) + `":1,"` + strings.Repeat("k", 500) + `":2}`: "appears twice (kkkk",
		many(fewKeys+1, ""):                           "",
		many(5000, ""):                                "",
		many(fewKeys, `,"k0":1`):                      "appears twice",
		many(fewKeys+1, `,"k16":1`):                   "appears twice",
		many(fewKeys+1, `,"k0":1`):                    "appears twice",
		many(5000, `,"k4999":1`):                      "appears twice",
		`[` + many(40, "") + `,` + many(40, "") + `]`: "",
		nested(maxDepth):                              "",
		nested(maxDepth + 1):                          "too deeply",
		strings.Repeat("[", 100_000):                  "too deeply",
		strings.Repeat(`{"a":`, 50_000):               "too deeply",

		// RFC 8259 section 6: "This specification allows implementations to set limits on the range and precision of numbers accepted."
		`[0,-0,1.5,-0.0,1e9,1E-9,0e+5,123456789012345678901234567890]`: "",
		`[1e308]`:                               "",
		`[1e-999]`:                              "", // as good as 0
		`[1e309]`:                               "out of range",
		`{"a":-1e999999}`:                       "out of range",
		`{"a":` + strings.Repeat("7", 40) + `}`: "more than 32 characters",
		`{"a":0.` + strings.Repeat("0", 40) + `}`: "more than 32 characters",

		// RFC 8259 section 8.1: "JSON text exchanged between systems that are not part of a closed ecosystem MUST be encoded using UTF-8."
		"[\"\xff\"]":                "no UTF-8",
		"{\"\xc3\":1}":              "no UTF-8",
		"[\"\xed\xa0\x80\"]":        "no UTF-8", // a surrogate
		"[\"\\n\xff\"]":             "no UTF-8",
		"[\"é€😀\"]":                 "",
		`["\ud83d\ude00","\u00e9"]`: "",
		// Section 8.2: "the behavior of software that receives JSON texts containing such values is unpredictable".
		`["\ud83d"]`:                 "half a surrogate pair",
		`["\ude00\ud83d"]`:           "half a surrogate pair",
		`["\ud83dx"]`:                "half a surrogate pair",
		`["\ud83d\u0041"]`:           "half a surrogate pair",
		`["\ud83d\ud83d"]`:           "half a surrogate pair",
		`["\"\\\/\b\f\n\r\t\u000a"]`: "",

		"": "no JSON", " ": "no JSON", "{": "no JSON", "[": "no JSON", "[1": "no JSON", "[1,]": "no JSON", "[,]": "no JSON", "{,}": "no JSON",
		`{"a"}`: "no JSON", `{"a":}`: "no JSON", `{"a":1,}`: "no JSON", `{a:1}`: "no JSON", `{"a":1 "b":2}`: "no JSON", `{"a" 1}`: "no JSON",
		"[1 2]": "no JSON", "[}": "no JSON", "{]": "no JSON", "{}{}": "no JSON", "[] x": "no JSON", "tru": "no JSON", "nul": "no JSON",
		"truex": "no JSON", "+1": "no JSON", "01": "no JSON", "-": "no JSON", "1.": "no JSON", ".5": "no JSON", "1e": "no JSON", "1e+": "no JSON",
		"0x10": "no JSON", "NaN": "no JSON", "--1": "no JSON", `"`: "no JSON", `"a`: "no JSON", "\"a\nb\"": "no JSON", `"\x"`: "no JSON",
		`"\`: "no JSON", `"\u12"`: "no JSON", `"\u12g4"`: "no JSON", `"\ud83d\u12"`: "no JSON", `"\ud83d\`: "no JSON", "\"\\n\x01\"": "no JSON",
		`"\n`: "no JSON", "'a'": "no JSON", "\ufeff{}": "no JSON", "{}\x00": "no JSON", "{}//": "no JSON",
	} {
		err := scan([]byte(text), nil)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: %v, want %q", text, err, want)
		}
		if want == "no JSON" != errors.Is(err, errSyntax) || want != "" && want != "no JSON" && statusOf(err) != 400 {
			t.Errorf("%.60s: %v has status %d", text, err, statusOf(err))
		}
	}
}

// many is an object of n keys, and more.
func many(n int, more string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"k%d":%d`, i, i)
	}
	return "{" + b.String()[1:] + more + "}"
}

// Members of the outermost object are told as they stand, whatever is wrong with them.
func TestScanMembers(t *testing.T) {
	var got []string
	err := scan([]byte(" {\"a\" : 1 ,\"\\u0062\":[ {\"x\":1} ]\n, \"c\":\"\xff\",\"a\":{}}\n"), func(key, value []byte) {
		got = append(got, string(key)+"="+string(value))
	})
	if want := "[a=1 b=[ {\"x\":1} ] c=\"\xff\" a={}]"; fmt.Sprint(got) != want || err == nil || !strings.Contains(err.Error(), "UTF-8") {
		t.Errorf("%q, %v", got, err)
	}
}

// judged tells whether encoding/json takes a text, and whether there is a reason of ours not to.
func judged(text []byte) (valid, ours bool) {
	err := scan(text, nil)
	return json.Valid(text), err == nil
}

// What scan takes, encoding/json takes; what only scan refuses, it refuses for a fault and not for its syntax.
func TestScanAgreesWithEncodingJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.SampledFrom([]string{
			"{", "}", "[", "]", ",", ":", `"a"`, `"b"`, `"\u0061"`, `"\ud800"`, "1", "-0", "1e5", "1e999", "01", "true", "null", " ", "\n", "\xff", `"`, `\`,
		}), 0, 16).Draw(t, "parts")
		agree(t, []byte(strings.Join(parts, "")))
	})
}

type failer interface{ Fatalf(string, ...any) }

func agree(t failer, text []byte) {
	valid, ours := judged(text)
	switch err := scan(text, nil); {
	case ours && (!valid || !utf8.Valid(text)):
		t.Fatalf("%q is taken", text)
	case valid && errors.Is(err, errSyntax):
		t.Fatalf("%q is JSON", text)
	}
}

// FuzzScan: scan and encoding/json agree about what is JSON, and the members of an object are the same.
func FuzzScan(f *testing.F) {
	for _, seed := range []string{
		`{"a":[1,2.5e-3,{"b":null}],"c":"\ud83d\ude00\n"}`, `{"a":1,"a":2}`, `[1e999]`, "[\"\xff\"]", `{"a":tru}`, strings.Repeat("[", 40),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		agree(t, text)
		members := map[string]string{}
		if scan(text, func(key, value []byte) { members[string(key)] = string(value) }) != nil {
			return
		}
		var want map[string]json.RawMessage
		if json.Unmarshal(text, &want) != nil {
			return // no object
		}
		if len(want) != len(members) {
			t.Fatalf("%q: members %q, want %q", text, members, want)
		}
		for key, value := range want {
			if members[key] != string(value) {
				t.Fatalf("%q: %q is %q, want %q", text, key, members[key], value)
			}
		}
	})
}

// worst are documents of 256 KiB that cost as much as they can.
func worst() map[string]string {
	const size = limitAfterJoin
	fill := func(unit string) string { return strings.Repeat(unit, (size-100)/len(unit)) }
	var keys, escaped strings.Builder
	for i := 0; keys.Len() < size-100; i++ {
		fmt.Fprintf(&keys, `"%x":0,`, i)
	}
	for i := 0; escaped.Len() < size-100; i++ {
		fmt.Fprintf(&escaped, `"\u%04x%x":0,`, 0x100+i%0x4000, i)
	}
	almost := strings.TrimSuffix(many(fewKeys+1, ""), "}") + "},"
	return map[string]string{
		"keys":    `{"request":true,"id":1,"method":"m","data":{` + keys.String() + `"z":0}}`,
		"escaped": `{"request":true,"id":1,"method":"m","data":{` + escaped.String() + `"z":0}}`,
		"objects": `{"request":true,"id":1,"method":"m","data":{"a":[` + strings.Repeat(almost, (size-100)/len(almost)) + `0]}}`,
		"small":   `{"request":true,"id":1,"method":"m","data":{"a":[` + fill(`{"":0},`) + `0]}}`,
		"arrays":  `{"request":true,"id":1,"method":"m","data":{"a":[` + fill(`[],`) + `0]}}`,
		"numbers": `{"request":true,"id":1,"method":"m","data":{"a":[` + fill(`1.7976931348623157e+308,`) + `0]}}`,
		"string":  `{"request":true,"id":1,"method":"m","data":{"a":"` + fill(`\ud83d\ude00é`) + `"}}`,
		"deep":    `{"request":true,"id":1,"method":"m","data":{"a":[` + fill(nested(maxDepth-4)+",") + `0]}}`,
		"twice":   `{"request":true,"id":1,"method":"m","data":{` + fill(`"a":0,`) + `"a":0}}`,
	}
}

// What the worst documents cost is BenchmarkWorstDocument's to tell: some milliseconds. Here they are read to their end.
func TestWorstDocuments(t *testing.T) {
	for name, text := range worst() {
		if len(text) > limitAfterJoin || len(text) < limitAfterJoin-1000 {
			t.Fatalf("%s has %d bytes", name, len(text))
		}
		f, err := parseFrame([]byte(text))
		if (err == nil) != (name != "twice") || string(f.id) != "1" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Keys lie near their places in the table, also those of many objects that all have the same: else the cost of a message would grow
// with the square of its length.
func TestKeysSpread(t *testing.T) {
	for name, keysOf := range map[string]func(object, i int) string{
		"the same in all objects": func(_, i int) string { return fmt.Sprintf("k%d", i) },
		"others in each":          func(object, i int) string { return fmt.Sprintf("%d.%d", object, i) },
	} {
		for _, size := range []int{fewKeys + 1, 200, 30_000} {
			var k keys
			for object := range 30_000 / size {
				m := k.enter()
				for i := range size {
					if !k.add([]byte(keysOf(object, i))) {
						t.Fatalf("%s: key %d of object %d is not new", name, i, object)
					}
				}
				if k.add([]byte(keysOf(object, size-1))) || k.add([]byte(keysOf(object, 0))) {
					t.Fatalf("%s: a key of object %d is new twice", name, object)
				}
				k.leave(m)
			}
			last := len(k.table) - 1
			steps := 0
			for at, hash := range k.table {
				if hash != 0 {
					steps += (at - int(hash)&last) & last
				}
			}
			// At most half full, linear probing takes half a step on average (Knuth, section 6.4, theorem K).
			if k.used < 29_000 || steps > 2*k.used {
				t.Errorf("%s, %d keys an object: %d keys are %d steps from their places", name, size, k.used, steps)
			}
		}
	}
}

func BenchmarkWorstDocument(b *testing.B) {
	for name, text := range worst() {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				_, _ = parseFrame([]byte(text))
			}
		})
	}
}
