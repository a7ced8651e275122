package proto

// Integer returns a parameter that is a whole number, in whatever type its decoder left it, or false.
func (p CodecParameters) Integer(name string) (int, bool) {
	switch v := p[name].(type) {
	case float64:
		return int(v), v == float64(int(v))
	case float32:
		return int(v), v == float32(int(v))
	case int:
		return v, true
	case int8:
		return int(v), true
	case int16:
		return int(v), true
	case int32:
		return int(v), true
	case int64:
		return int(v), true
	case uint8:
		return int(v), true
	case uint16:
		return int(v), true
	case uint32:
		return int(v), true
	case uint64:
		return int(v), true
	}
	return 0, false
}
