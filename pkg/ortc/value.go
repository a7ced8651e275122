package ortc

import "math"

// number is a codec parameter's value as a number. JSON brings float64, msgpack integers of any size: they are the same.
func number(v any) (float64, bool) {
	switch n := v.(type) {
	case float64:
		return n, true
	case float32:
		return float64(n), true
	case int:
		return float64(n), true
	case int8:
		return float64(n), true
	case int16:
		return float64(n), true
	case int32:
		return float64(n), true
	case int64:
		return float64(n), true
	case uint:
		return float64(n), true
	case uint8:
		return float64(n), true
	case uint16:
		return float64(n), true
	case uint32:
		return float64(n), true
	case uint64:
		return float64(n), true
	}
	return 0, false
}

// finite tells whether v is a number that JSON can carry.
func finite(v any) bool {
	n, ok := number(v)
	return ok && !math.IsNaN(n) && !math.IsInf(n, 0)
}

// sameValue compares two parameters. A number is never a string: a peer that says "1" does not say 1. Absent equals
// absent.
func sameValue(a, b any) bool {
	x, aNumber := number(a)
	y, bNumber := number(b)
	if aNumber || bNumber {
		return aNumber && bNumber && x == y
	}
	s, aString := a.(string)
	t, bString := b.(string)
	if aString || bString {
		return aString && bString && s == t
	}
	return a == nil && b == nil
}

// orZero is v, or 0 if v is absent or empty: the default of packetization-mode (RFC 6184 section 8.1) and of profile-id
// (RFC 9628).
func orZero(v any) any { return orDefault(v, 0) }

// orDefault is v, or what absent means.
func orDefault(v any, absent int) any {
	if v == nil || v == "" {
		return absent
	}
	return v
}
