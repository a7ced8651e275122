package fbwire

// Kind is what a value of the schema is on the wire.
type Kind uint8

// Kinds of values. Those up to Float64 are scalars, in the order of the language's names.
const (
	Bool Kind = iota
	Int8
	Uint8
	Int16
	Uint16
	Int32
	Uint32
	Int64
	Uint64
	Float32
	Float64
	String
	Vector
	TableRef
	UnionRef
	StructRef
)

// size is how many bytes a value takes in its table or vector; what is elsewhere takes an offset's.
func (k Kind) size() int {
	switch k {
	case Bool, Int8, Uint8:
		return 1
	case Int16, Uint16:
		return 2
	case Int64, Uint64, Float64:
		return 8
	}
	return 4
}

func (k Kind) scalar() bool { return k <= Float64 }

// Type is the type of a field or of a vector's elements.
type Type struct {
	Kind  Kind
	Elem  *Type  // of a Vector
	Table *Table // of a TableRef
	Enum  *Enum  // of a scalar that has names, and of a UnionRef

	name string // as it is written, until it is resolved
}

// Field is a field of a table.
type Field struct {
	Name     string // as in the schema: snake case
	Type     Type
	Slot     int    // in the vtable; a union's type is in the slot before
	Default  string // as it is written; empty is zero
	Optional bool   // a scalar that may be absent: its default is null
	Required bool

	id int // explicit, or -1
}

// Table is a table of the schema.
type Table struct {
	Name   string // with its namespaces
	Fields []*Field
	Slots  int

	namespace string
	fixed     bool // a struct: only its name is known
}

// field finds a field by its name.
func (t *Table) field(name string) *Field {
	for _, f := range t.Fields {
		if f.Name == name {
			return f
		}
	}
	return nil
}

// Enum is an enumeration, or a union: the names of its arms with their tables.
type Enum struct {
	Name   string
	Kind   Kind // of its values
	Union  bool
	Values []Value

	namespace string
}

// Value is a name of an enumeration.
type Value struct {
	Name   string
	Number int64
	Table  *Table // of a union's arm; nil is NONE

	table string // as it is written, until it is resolved
}

// arm finds a union's arm by its name.
func (e *Enum) arm(name string) *Value {
	for i := range e.Values {
		if e.Values[i].Name == name {
			return &e.Values[i]
		}
	}
	return nil
}

// Schema is what a set of files declares.
type Schema struct {
	Tables map[string]*Table // by full name
	Enums  map[string]*Enum
}
