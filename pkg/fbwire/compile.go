package fbwire

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// compiler turns pairs of a table and a struct into functions. Pairs are compiled once: tables may contain themselves.
type compiler struct {
	codec    *Codec
	decoders map[pair]*objectDecoder
	encoders map[pair]*objectEncoder
}

// pair is a table and the struct it is mapped to; arm is set where the place it is in has chosen a union's arm.
type pair struct {
	table *Table
	typ   reflect.Type
	arm   string
}

// MissingError says what a schema lacks, or has that cannot be read.
type MissingError struct{ What string }

// Error is one line.
func (e *MissingError) Error() string { return "schema: " + e.What }

func missing(format string, args ...any) error { return &MissingError{fmt.Sprintf(format, args...)} }

// goField is a field of a struct, or of those embedded in it.
type goField struct {
	index     []int
	typ       reflect.Type
	key       string
	omitEmpty bool
	needed    bool
}

// goFields are the fields of a struct by their plain keys.
func goFields(t reflect.Type) map[string]goField {
	fields := map[string]goField{}
	for _, f := range reflect.VisibleFields(t) {
		key, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous || !f.IsExported() || key == "" {
			continue
		}
		fields[plain(key)] = goField{
			index: f.Index, typ: f.Type, key: key, omitEmpty: strings.Contains(options, "omitempty"), needed: f.Tag.Get("needed") == "true",
		}
	}
	return fields
}

// of returns a field's value in a struct.
func (f *goField) of(v reflect.Value) reflect.Value {
	for _, i := range f.index {
		v = v.Field(i)
	}
	return v
}

// targets are the fields of a struct that a field of a table is, by its name.
func targets(t *Table, f *Field, fields map[string]goField) (list []goField) {
	names, ok := aliases[short(t.Name)+"."+f.Name]
	if !ok {
		names = []string{f.Name}
	}
	for _, name := range names {
		if g, ok := fields[plain(name)]; ok {
			list = append(list, g)
		}
	}
	return list
}

// defaultBits are a scalar's default as it would be on the wire.
func defaultBits(f *Field) (bits uint64, number float64, err error) {
	text := f.Default
	switch {
	case text == "" || text == "null" || text == "false":
		return 0, 0, nil
	case text == "true":
		return 1, 1, nil
	}
	if f.Type.Enum != nil {
		for _, v := range f.Type.Enum.Values {
			if v.Name == text {
				return uint64(v.Number), float64(v.Number), nil
			}
		}
	}
	number, err = strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, 0, missing("%s has the default %q, which is no value", f.Name, text)
	}
	if n, err := strconv.ParseInt(text, 0, 64); err == nil {
		return uint64(n), number, nil
	}
	bits, _ = strconv.ParseUint(text, 0, 64)
	return bits, number, nil
}

func isSigned(k Kind) bool { return k == Int8 || k == Int16 || k == Int32 || k == Int64 }

func isFloat(k Kind) bool { return k == Float32 || k == Float64 }
