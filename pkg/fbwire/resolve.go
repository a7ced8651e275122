package fbwire

import (
	"fmt"
	"slices"
	"strings"
)

// maxSlots is how many slots a vtable may have: its length is 16 bits.
const maxSlots = 1<<15 - 3

// resolve turns names of types into what they name, and gives fields their slots.
func (s *Schema) resolve() error {
	for _, e := range s.Enums {
		for i := range e.Values {
			v := &e.Values[i]
			if v.table == "" {
				continue
			}
			t := Type{name: v.table}
			if err := s.lookup(&t, e.namespace); err != nil {
				return fmt.Errorf("union %s: %w", e.Name, err)
			}
			if t.Kind != TableRef {
				return fmt.Errorf("union %s: %s is no table", e.Name, v.table)
			}
			v.Table = t.Table
		}
	}
	for _, t := range s.Tables {
		for _, f := range t.Fields {
			if err := s.lookup(&f.Type, t.namespace); err != nil {
				return fmt.Errorf("%s.%s: %w", t.Name, f.Name, err)
			}
		}
		if err := t.assign(); err != nil {
			return err
		}
	}
	return nil
}

// lookup finds what a name means in a namespace: it is searched there first, then in those around it.
func (s *Schema) lookup(t *Type, namespace string) error {
	if t.Kind == Vector && t.Elem != nil {
		if err := s.lookup(t.Elem, namespace); err != nil {
			return err
		}
		if t.Elem.Kind == UnionRef {
			return fmt.Errorf("a vector of unions is not supported")
		}
		return nil
	}
	if t.name == "" {
		return nil
	}
	for {
		full := t.name
		if namespace != "" {
			full = namespace + "." + t.name
		}
		if table := s.Tables[full]; table != nil {
			t.Kind, t.Table = TableRef, table
			if table.fixed {
				t.Kind = StructRef
			}
			return nil
		}
		if e := s.Enums[full]; e != nil {
			t.Kind, t.Enum = e.Kind, e
			if e.Union {
				t.Kind = UnionRef
			}
			return nil
		}
		if namespace == "" {
			return fmt.Errorf("%s is not declared", t.name)
		}
		namespace = namespace[:max(strings.LastIndexByte(namespace, '.'), 0)]
	}
}

// assign gives the fields slots: the order they stand in, or their ids, which all have or none. A union takes two.
func (t *Table) assign() error {
	explicit := slices.ContainsFunc(t.Fields, func(f *Field) bool { return f.id >= 0 })
	taken := map[int]bool{}
	for _, f := range t.Fields {
		n := 1
		if f.Type.Kind == UnionRef {
			n = 2
		}
		f.Slot = t.Slots + n - 1
		if explicit {
			f.Slot = f.id
		}
		for slot := f.Slot - n + 1; slot <= f.Slot; slot++ {
			if slot < 0 || slot >= maxSlots || taken[slot] {
				return fmt.Errorf("%s.%s: its place %d is taken or out of range", t.Name, f.Name, slot)
			}
			taken[slot] = true
		}
		t.Slots = max(t.Slots, f.Slot+1)
	}
	return nil
}
