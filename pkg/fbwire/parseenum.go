package fbwire

import "strconv"

// enum reads an enumeration. A value without a number is one more than that before it.
func (p *parser) enum() error {
	e, err := p.enumeration()
	if err != nil {
		return err
	}
	if err := p.expect(":"); err != nil {
		return err
	}
	at := p.next()
	kind, ok := scalars[at.text]
	if !ok || kind == String || kind >= Float32 {
		return p.fail(at, "%q is no type of an enumeration", at.text)
	}
	e.Kind = kind
	if _, err := p.attributes(); err != nil {
		return err
	}
	next := int64(0)
	return p.list(func() error {
		name, err := p.name()
		if err != nil {
			return err
		}
		if p.accept("=") {
			t := p.next()
			if next, err = strconv.ParseInt(t.text, 0, 64); err != nil {
				return p.fail(t, "%q is no number", t.text)
			}
		}
		e.Values = append(e.Values, Value{Name: name, Number: next})
		next++
		return nil
	})
}

// union reads a union. Its arms count from 1; 0 is none of them.
func (p *parser) union() error {
	e, err := p.enumeration()
	if err != nil {
		return err
	}
	e.Kind, e.Union = Uint8, true
	e.Values = []Value{{Name: "NONE"}}
	return p.list(func() error {
		t := p.next()
		if t.quoted || t.text == "" || !isWord(t.text[0]) {
			return p.fail(t, "%q is no arm of a union", t.text)
		}
		arm := Value{Name: t.text, table: t.text, Number: int64(len(e.Values))}
		if p.accept(":") {
			arm.table = p.next().text
		}
		if len(e.Values) > 255 {
			return p.fail(t, "a union of more than 255 arms")
		}
		e.Values = append(e.Values, arm)
		return nil
	})
}

func (p *parser) enumeration() (*Enum, error) {
	at := p.peek()
	name, err := p.name()
	if err != nil {
		return nil, err
	}
	full, fresh := p.declared(name)
	if !fresh {
		return nil, p.fail(at, "%s is declared twice", full)
	}
	e := &Enum{Name: full, namespace: p.namespace}
	p.schema.Enums[full] = e
	return e, nil
}

// list reads what stands in braces, with commas between; one may stand at the end.
func (p *parser) list(element func() error) error {
	if err := p.expect("{"); err != nil {
		return err
	}
	for !p.accept("}") {
		if err := element(); err != nil {
			return err
		}
		if !p.accept(",") {
			return p.expect("}")
		}
	}
	return nil
}
