package auth

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"time"
	"unicode/utf8"
)

// maxDepth of JSON in tokens and key sets. Ours has a depth of 3.
const maxDepth = 16

// What may be wrong with JSON. Neither says what is in it: it may be somebody's token.
var (
	errNoObject  = errors.New("is not a JSON object")
	errDuplicate = errors.New("has a key twice")
	errTooDeep   = errors.New("is nested too deeply")
)

// object is a JSON object whose values have not been looked at yet. Its keys are exact: encoding/json would take "ROOM" for "room" in
// a struct.
type object map[string]json.RawMessage

// objectOf reads an object, at any depth of which no key comes twice: two readers would see two different tokens (RFC 7519 section 4
// leaves it to the reader).
func objectOf(text []byte) (object, error) {
	if !utf8.Valid(text) {
		return nil, errNoObject
	}
	var o object
	if err := json.Unmarshal(text, &o); err != nil || o == nil {
		return nil, errNoObject
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	return o, unique(d, maxDepth)
}

// unique walks one value. It is valid JSON, so that no call of Token fails.
func unique(d *json.Decoder, depth int) error {
	token, err := d.Token()
	begin, composite := token.(json.Delim)
	switch {
	case err != nil || !composite:
		return err
	case depth == 0:
		return errTooDeep
	}
	seen := map[string]bool{}
	for d.More() {
		if begin == '{' {
			key, err := d.Token()
			if err != nil {
				return err
			}
			name, _ := key.(string)
			if seen[name] {
				return errDuplicate
			}
			seen[name] = true
		}
		if err := unique(d, depth-1); err != nil {
			return err
		}
	}
	_, err = d.Token()
	return err
}

// What may be wrong with a value.
var (
	errNoText   = errors.New("is not a text")
	errNoFlag   = errors.New("is not true or false")
	errNoNumber = errors.New("is not a number")
	errNoDate   = errors.New("is not a date")
	errNoList   = errors.New("is not a text or a list of texts")
)

// text is a string; "" if it is absent.
func (o object) text(name string) (string, error) {
	raw := o[name]
	if raw == nil {
		return "", nil
	}
	var s string
	if raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
		return "", errNoText
	}
	return s, nil
}

// flag is true or false; false if it is absent.
func (o object) flag(name string) (bool, error) {
	switch string(o[name]) {
	case "true":
		return true, nil
	case "", "false":
		return false, nil
	}
	return false, errNoFlag
}

// number is any JSON number that a float64 can hold.
func (o object) number(name string) (float64, error) {
	var f *float64
	if json.Unmarshal(o[name], &f) != nil || f == nil {
		return 0, errNoNumber
	}
	return *f, nil
}

// lastDate is the end of the year 9999, seconds since 1970.
const lastDate = 253_402_300_799

// date is a NumericDate (RFC 7519 section 2); zero if it is absent.
func (o object) date(name string) (time.Time, error) {
	if o[name] == nil {
		return time.Time{}, nil
	}
	f, err := o.number(name)
	if err != nil || f < 0 || f > lastDate {
		return time.Time{}, errNoDate
	}
	seconds, fraction := math.Modf(f)
	return time.Unix(int64(seconds), int64(fraction*1e9)), nil
}

// texts is a list of strings, or one; nil if it is absent.
func (o object) texts(name string) ([]string, error) {
	raw := o[name]
	if raw == nil {
		return nil, nil
	}
	if one, err := o.text(name); err == nil {
		return []string{one}, nil
	}
	var pointers []*string
	if json.Unmarshal(raw, &pointers) != nil || pointers == nil {
		return nil, errNoList
	}
	list := make([]string, 0, len(pointers))
	for _, s := range pointers {
		if s == nil {
			return nil, errNoList
		}
		list = append(list, *s)
	}
	return list, nil
}
