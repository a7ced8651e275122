package fbwire

import (
	"strconv"
	"strings"
)

// parser reads one file's declarations into a schema. Names of types stay names: what they are may be in a file that comes later.
type parser struct {
	*lexer
	schema    *Schema
	namespace string
	includes  []string
}

// parse reads a file.
func (s *Schema) parse(file, text string) (includes []string, err error) {
	p := &parser{lexer: newLexer(file, text), schema: s}
	for p.peek().text != "" {
		if err := p.declaration(); err != nil {
			return nil, err
		}
	}
	return p.includes, nil
}

func (p *parser) declaration() error {
	t := p.next()
	switch t.text {
	case "include":
		f := p.next()
		if !f.quoted {
			return p.fail(f, "include needs a file in quotes")
		}
		p.includes = append(p.includes, f.text)
	case "namespace":
		p.namespace = ""
		if p.peek().text != ";" {
			p.namespace = p.next().text
		}
	case "root_type", "file_identifier", "file_extension", "attribute":
		p.next()
	case "table":
		return p.table(false)
	case "struct":
		return p.table(true)
	case "enum":
		return p.enum()
	case "union":
		return p.union()
	default:
		return p.fail(t, "%q begins no declaration", t.text)
	}
	return p.expect(";")
}

func (p *parser) expect(mark string) error {
	if t := p.peek(); !p.accept(mark) {
		return p.fail(t, "%q instead of %q", t.text, mark)
	}
	return nil
}

// name reads the name of a declaration, a field or a value.
func (p *parser) name() (string, error) {
	t := p.next()
	if t.quoted || t.text == "" || !isWord(t.text[0]) || strings.ContainsAny(t.text, ".+-") || '0' <= t.text[0] && t.text[0] <= '9' {
		return "", p.fail(t, "%q is no name", t.text)
	}
	return t.text, nil
}

// declared makes a full name, and tells whether it is new.
func (p *parser) declared(name string) (string, bool) {
	if p.namespace != "" {
		name = p.namespace + "." + name
	}
	return name, p.schema.Tables[name] == nil && p.schema.Enums[name] == nil
}

func (p *parser) table(fixed bool) error {
	at := p.peek()
	name, err := p.name()
	if err != nil {
		return err
	}
	full, fresh := p.declared(name)
	if !fresh {
		return p.fail(at, "%s is declared twice", full)
	}
	t := &Table{Name: full, namespace: p.namespace, fixed: fixed}
	p.schema.Tables[full] = t
	if _, err := p.attributes(); err != nil {
		return err
	}
	if err := p.expect("{"); err != nil {
		return err
	}
	for !p.accept("}") {
		f, err := p.field()
		if err != nil {
			return err
		}
		if t.field(f.Name) != nil {
			return p.fail(at, "%s has two fields %s", full, f.Name)
		}
		t.Fields = append(t.Fields, f)
	}
	return nil
}

func (p *parser) field() (*Field, error) {
	name, err := p.name()
	if err != nil {
		return nil, err
	}
	if err := p.expect(":"); err != nil {
		return nil, err
	}
	f := &Field{Name: name, id: -1}
	if f.Type, err = p.fieldType(); err != nil {
		return nil, err
	}
	if p.accept("=") {
		f.Default = p.next().text
		f.Optional = f.Default == "null"
	}
	at := p.peek()
	attributes, err := p.attributes()
	if err != nil {
		return nil, err
	}
	_, f.Required = attributes["required"]
	if id, ok := attributes["id"]; ok {
		if f.id, err = strconv.Atoi(id); err != nil || f.id < 0 || f.id >= maxSlots {
			return nil, p.fail(at, "id %q is no number of a field", id)
		}
	}
	return f, p.expect(";")
}

// scalars are the language's names of scalar types.
var scalars = map[string]Kind{
	"bool": Bool, "byte": Int8, "int8": Int8, "ubyte": Uint8, "uint8": Uint8, "short": Int16, "int16": Int16, "ushort": Uint16, "uint16": Uint16,
	"int": Int32, "int32": Int32, "uint": Uint32, "uint32": Uint32, "long": Int64, "int64": Int64, "ulong": Uint64, "uint64": Uint64,
	"float": Float32, "float32": Float32, "double": Float64, "float64": Float64, "string": String,
}

func (p *parser) fieldType() (Type, error) {
	if p.accept("[") {
		elem, err := p.fieldType()
		if err != nil {
			return Type{}, err
		}
		if elem.Kind == Vector && elem.name == "" {
			return Type{}, p.fail(p.peek(), "a vector of vectors")
		}
		return Type{Kind: Vector, Elem: &elem}, p.expect("]")
	}
	t := p.next()
	if k, ok := scalars[t.text]; ok && !t.quoted {
		return Type{Kind: k}, nil
	}
	if t.quoted || t.text == "" || !isWord(t.text[0]) {
		return Type{}, p.fail(t, "%q is no type", t.text)
	}
	return Type{name: t.text}, nil
}

// attributes reads what may stand in parentheses: names, some with values.
func (p *parser) attributes() (map[string]string, error) {
	if !p.accept("(") {
		return nil, nil
	}
	list := map[string]string{}
	for {
		t := p.next()
		value := ""
		if p.accept(":") {
			value = p.next().text
		}
		list[t.text] = value
		if !p.accept(",") {
			return list, p.expect(")")
		}
	}
}
