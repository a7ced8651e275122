package channel

import (
	"reflect"
	"slices"
	"strconv"
	"strings"

	"gazpacho/proto"
)

// samples are the values of fields in vectors, so that these read like real messages.
var samples = map[string]string{
	"kind": "video", "mimeType": "video/VP8", "ip": "192.0.2.1", "localIp": "192.0.2.1", "localAddress": "192.0.2.1", "address": "192.0.2.1",
	"remoteIp": "198.51.100.7", "protocol": "udp", "role": "auto", "algorithm": "sha-256", "usernameFragment": "q8v2kz", "uri": "urn:ietf:params:rtp-hdrext:sdes:mid",
	"direction": "sendrecv", "iceRole": "controlled", "iceState": "completed", "dtlsState": "connected", "cname": "c7f2", "mid": "0", "rid": "h",
	"scalabilityMode": "L1T3", "logLevel": "warn", "cryptoSuite": "AES_CM_128_HMAC_SHA1_80", "software": "gazpacho", "foundation": "udpcandidate",
	"dtlsLocalRole": "client",
}

// fill sets every field of v to something that is not zero, one element in every list and map. n varies the numbers.
func fill(v reflect.Value, name string, n int) {
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(n))
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(n % 251))
	case reflect.Float64:
		v.SetFloat(float64(n) + 0.5)
	case reflect.String:
		v.SetString(sampleText(name))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), name, n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), strings.TrimSuffix(name, "s"), n)
	case reflect.Map:
		fillMap(v, n)
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			fill(v.Field(i), tag, n+i)
			obey(v.Field(i), f.Tag)
		}
	default:
		panic("fill: " + v.Type().String())
	}
}

// obey makes v one of the values that a field's tags allow.
func obey(v reflect.Value, tag reflect.StructTag) {
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if list := tag.Get("enum"); list != "" {
		if values := strings.Split(list, ","); !slices.Contains(values, v.String()) {
			v.SetString(values[0])
		}
	}
	if !v.CanInt() {
		return
	}
	if low, err := strconv.ParseInt(tag.Get("min"), 10, 64); err == nil {
		v.SetInt(max(v.Int(), low))
	}
	if high, err := strconv.ParseInt(tag.Get("max"), 10, 64); err == nil {
		v.SetInt(min(v.Int(), high))
	}
}

func fillMap(v reflect.Value, n int) {
	v.Set(reflect.MakeMap(v.Type()))
	if v.Type().Elem().Kind() == reflect.Interface {
		v.SetMapIndex(reflect.ValueOf("apt"), reflect.ValueOf(101))
		v.SetMapIndex(reflect.ValueOf("profile-level-id"), reflect.ValueOf("42e01f"))
		v.SetMapIndex(reflect.ValueOf("ratio"), reflect.ValueOf(0.25))
		return
	}
	elem := reflect.New(v.Type().Elem()).Elem()
	fill(elem, "", n)
	v.SetMapIndex(reflect.ValueOf("0.1"), elem)
}

func sampleText(name string) string {
	if s, ok := samples[name]; ok {
		return s
	}
	if strings.HasSuffix(name, "Id") || name == "id" {
		return "0f0b3e5a-8a3e-4c57-9d4c-6c3a2a7d3a10"
	}
	return "text"
}

// body is one type that travels, with a name for test output.
type body struct {
	name string
	typ  reflect.Type
}

// bodies is every type the registry names.
func bodies() []body {
	var all []body
	add := func(name string, v any) {
		if v != nil {
			all = append(all, body{name, reflect.TypeOf(v)})
		}
	}
	for _, m := range proto.Methods {
		add(m.Name+" request", m.Request)
		add(m.Name+" response", m.Response)
		for _, v := range m.Others {
			add(m.Name+" response of "+v.Of, v.Response)
		}
	}
	for _, e := range proto.Events {
		add(e.Name+" event", e.Body)
	}
	for _, n := range proto.Notifications {
		add(n.Name+" notification", n.Meta)
	}
	return all
}
