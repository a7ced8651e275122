// Package schema validates values against the part of JSON Schema (draft 2020-12) that proto/schema.json is written in.
package schema

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"unicode/utf8"
)

// Document is a schema with all its definitions.
type Document struct{ root any }

// known are the keywords that are understood, and those that say nothing about validity. Any other one is an error: a rule that is not looked at
// holds nothing.
var known = map[string]bool{
	"$ref": true, "type": true, "properties": true, "required": true, "additionalProperties": true, "items": true, "minItems": true,
	"minLength": true, "minimum": true, "maximum": true, "enum": true, "anyOf": true, "allOf": true, "contentEncoding": true,
	"description": true, "default": true,
}

// Parse reads a document.
func Parse(b []byte) (*Document, error) {
	d := json.NewDecoder(strings.NewReader(string(b)))
	d.UseNumber()
	var root any
	if err := d.Decode(&root); err != nil {
		return nil, err
	}
	return &Document{root}, nil
}

// Validate holds v, as encoding/json decodes it with or without UseNumber, or as msgpack does, against the schema that a JSON pointer leads to,
// such as #/$defs/Produce.
func (d *Document) Validate(pointer string, v any) error {
	s, err := d.find(pointer)
	if err != nil {
		return err
	}
	return d.check(s, v)
}

// find follows a JSON pointer (RFC 6901).
func (d *Document) find(pointer string) (map[string]any, error) {
	at := d.root
	for _, step := range strings.Split(strings.TrimPrefix(pointer, "#"), "/")[1:] {
		m, ok := at.(map[string]any)
		if at, ok = m[strings.NewReplacer("~1", "/", "~0", "~").Replace(step)], ok && m[step] != nil; !ok {
			return nil, fmt.Errorf("%s leads nowhere", pointer)
		}
	}
	s, ok := at.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%s is no schema", pointer)
	}
	return s, nil
}

func (d *Document) check(s map[string]any, v any) error {
	for k := range s {
		if !known[k] {
			return fmt.Errorf("keyword %s is not known", k)
		}
	}
	if ref, ok := s["$ref"].(string); ok {
		if err := d.Validate(ref, v); err != nil {
			return err
		}
	}
	for _, part := range list(s["allOf"]) {
		if err := d.check(part.(map[string]any), v); err != nil {
			return err
		}
	}
	if err := d.any(list(s["anyOf"]), v); err != nil {
		return err
	}
	if types := list(s["type"]); types != nil && !slices.ContainsFunc(types, func(t any) bool { return is(v, t.(string)) }) {
		return fmt.Errorf("is %T, not %v", v, types)
	}
	if values := list(s["enum"]); values != nil && !slices.ContainsFunc(values, func(e any) bool { return e == v }) {
		return fmt.Errorf("is none of %v", values)
	}
	switch v := v.(type) {
	case map[string]any:
		return d.object(s, v)
	case []any:
		return d.array(s, v)
	case string:
		return text(s, v)
	}
	if n := number(v); n != nil {
		return bounds(s, n)
	}
	return nil
}

// list is what may be written as one value or as many.
func list(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		return v
	}
	return []any{v}
}

func (d *Document) any(schemas []any, v any) error {
	var errs []error
	for _, s := range schemas {
		err := d.check(s.(map[string]any), v)
		if err == nil {
			return nil
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func (d *Document) object(s map[string]any, v map[string]any) error {
	for _, name := range list(s["required"]) {
		if _, ok := v[name.(string)]; !ok {
			return fmt.Errorf(".%s is missing", name)
		}
	}
	properties, _ := s["properties"].(map[string]any)
	others, _ := s["additionalProperties"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(v)) {
		p, ok := properties[name].(map[string]any)
		if !ok {
			p = others
		}
		if err := d.check(p, v[name]); err != nil {
			return fmt.Errorf(".%s%w", name, colon(err))
		}
	}
	return nil
}

func (d *Document) array(s map[string]any, v []any) error {
	if n := number(s["minItems"]); n != nil && n.Cmp(big.NewRat(int64(len(v)), 1)) > 0 {
		return fmt.Errorf("has %d elements", len(v))
	}
	items, _ := s["items"].(map[string]any)
	for i, e := range v {
		if err := d.check(items, e); err != nil {
			return fmt.Errorf("[%d]%w", i, colon(err))
		}
	}
	return nil
}

// colon sets what is wrong off from where, which goes on without one.
func colon(err error) error {
	if s := err.Error(); s[0] == '.' || s[0] == '[' {
		return err
	}
	return fmt.Errorf(": %w", err)
}

func text(s map[string]any, v string) error {
	if n := number(s["minLength"]); n != nil && n.Cmp(big.NewRat(int64(utf8.RuneCountInString(v)), 1)) > 0 {
		return errors.New("is too short")
	}
	if s["contentEncoding"] == "base64" {
		if _, err := base64.StdEncoding.DecodeString(v); err != nil {
			return err
		}
	}
	return nil
}

func bounds(s map[string]any, n *big.Rat) error {
	if low := number(s["minimum"]); low != nil && n.Cmp(low) < 0 {
		return fmt.Errorf("%s is below %s", n.RatString(), low.RatString())
	}
	if high := number(s["maximum"]); high != nil && n.Cmp(high) > 0 {
		return fmt.Errorf("%s is above %s", n.RatString(), high.RatString())
	}
	return nil
}

// is tells whether v is of a type of JSON Schema. A whole number is an integer, however it is written.
func is(v any, t string) bool {
	switch v.(type) {
	case nil:
		return t == "null"
	case bool:
		return t == "boolean"
	case string:
		return t == "string"
	case []any:
		return t == "array"
	case map[string]any:
		return t == "object"
	}
	n := number(v)
	return n != nil && (t == "number" || t == "integer" && n.IsInt())
}

// number is a number of any Go type, exactly, or nil.
func number(v any) *big.Rat {
	switch v := v.(type) {
	case json.Number:
		if r, ok := new(big.Rat).SetString(v.String()); ok {
			return r
		}
		return nil
	case float64:
		return new(big.Rat).SetFloat64(v) // nil if it is not finite
	case int:
		return big.NewRat(int64(v), 1)
	case int64:
		return big.NewRat(v, 1)
	case uint64:
		return new(big.Rat).SetInt(new(big.Int).SetUint64(v))
	}
	return nil
}
