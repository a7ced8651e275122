package router

import (
	"bytes"
	"encoding/binary"
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/pion/stun/v3"

	"gazpacho/pkg/channel"
	"gazpacho/pkg/rtp"
	"gazpacho/pkg/simtest/script"
	"gazpacho/pkg/srtp"
	"gazpacho/pkg/transport"
	"gazpacho/pkg/tuple"
	"gazpacho/proto"
)

// words are what a fuzzer puts into text: ids of every kind of object, free ones, and words that mean something somewhere.
var words = []string{
	"r", "w", "p", "a", "v", "ca", "cv", "o", "da", "db", "dp", "dc", "server", "x", "y", "z", "", "audio", "video", "simple", "simulcast", "sctp",
	"pi", "di", "pipe", "direct", "udp", "tcp", "10.0.0.1", "::1", "client", "server", "auto", "sha-256", "AA:BB", "video/VP8", "video/rtx", "audio/opus", "video/H264",
	"nack", "pli", "L1T3", "L3T3", "urn:ietf:params:rtp-hdrext:sdes:mid", "AEAD_AES_128_GCM", "rtp", "keyframe",
}

// numbers are what it puts into numbers.
var numbers = []uint64{0, 1, 2, 3, 100, 101, 127, 255, 1000, 1001, 1002, 5000, 65535, 100_000, 1 << 31, 1<<32 - 1, 1<<63 - 1, 1<<64 - 1}

// change changes one thing somewhere in a body.
func change(v reflect.Value, s *script.Script) {
	switch v.Kind() {
	case reflect.Struct:
		if v.NumField() > 0 {
			change(v.Field(s.Below(v.NumField())), s)
		}
	case reflect.Pointer:
		if v.IsNil() || s.Below(4) == 0 {
			v.Set(reflect.New(v.Type().Elem()))
		}
		change(v.Elem(), s)
	case reflect.Slice:
		changeList(v, s)
	case reflect.Map:
		if v.IsNil() {
			v.Set(reflect.MakeMap(v.Type()))
		}
		if v.Type().Elem().Kind() == reflect.Interface {
			v.SetMapIndex(reflect.ValueOf(words[s.Below(len(words))]), reflect.ValueOf(int64(numbers[s.Below(len(numbers))])))
		}
	case reflect.String:
		v.SetString(words[s.Below(len(words))])
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(int64(numbers[s.Below(len(numbers))]))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(numbers[s.Below(len(numbers))])
	}
}

func changeList(v reflect.Value, s *script.Script) {
	n := v.Len()
	switch op := s.Below(4); {
	case op == 0 && n > 0:
		v.Set(v.Slice(0, n-1))
	case op == 1 && n > 0:
		v.Set(reflect.Append(v, v.Index(s.Below(n))))
	case op == 2 || n == 0:
		v.Set(reflect.Append(v, reflect.Zero(v.Type().Elem())))
	default:
		change(v.Index(s.Below(n)), s)
	}
}

// known is every request that succeeds in a populated world, and its body as the channel carries it.
type known struct {
	request
	raw []byte
}

func knownRequests(f *testing.F) (list []known) {
	for _, q := range slices.Concat(requests, dataRequests) {
		raw, err := channel.Encode(q.body)
		if err != nil {
			f.Fatal(err)
		}
		list = append(list, known{q, raw})
	}
	return list
}

// controller is one who asks for anything, and the peer of transport w, who sends anything.
type controller struct {
	*world
	list    []known
	session *srtp.Session
	from    tuple.Tuple
}

// request reads a request off the script and sends it. What is answered can be written and read again, what is refused says why.
func (c *controller) request(s *script.Script) {
	q := c.list[s.Below(len(c.list))]
	id, raw := q.id, q.raw
	switch how := s.Byte(); how % 8 {
	case 0, 1: // as it is
	case 2: // on another object
		id = words[s.Below(len(words))]
	case 3: // as any bytes
		raw = s.Bytes()
	default: // with some fields changed
		if q.body == nil {
			break
		}
		body := reflect.New(reflect.TypeOf(q.body))
		if channel.Decode(raw, body.Interface()) != nil {
			return
		}
		for range how % 8 {
			change(body.Elem(), s)
		}
		again, err := channel.Encode(body.Interface())
		if err != nil {
			return // a value the library cannot write, which no peer could have written
		}
		raw = again
	}
	before := ""
	if s.Below(8) == 0 {
		before = c.state()
	}
	result, refusal := c.router.HandleRequest(c.now, Request{
		Method: q.method, HandlerID: id, Decode: func(into any) *proto.Error { return channel.Decode(raw, into) },
	})
	if refusal != nil {
		if result != nil || refusal.Name == "" || refusal.Code == "" {
			c.t.Fatalf("%s of %s: %v, %+v", q.method, id, result, refusal)
		}
		// A request is all or nothing.
		if before != "" && c.state() != before {
			c.t.Fatalf("%s of %s was refused with %v, and changed\n%s to\n%s", q.method, id, refusal, before, c.state())
		}
		return
	}
	if result != nil {
		answer, err := channel.Encode(result)
		if err != nil {
			c.t.Fatalf("the answer to %s: %v", q.method, err)
		}
		if err := channel.Decode(answer, reflect.New(reflect.TypeOf(result)).Interface()); err != nil {
			c.t.Fatalf("the answer to %s: %v in %x", q.method, err, answer)
		}
	}
}

// packet sends what a script holds: to w as it is, or protected, or to any transport's data channels.
func (c *controller) packet(s *script.Script) {
	kind, b := s.Below(4), slices.Clone(s.Bytes())
	if kind == 3 {
		if t, ok := c.router.transports[words[s.Below(len(words))]].(*transport.WebRTC); ok && t.SCTPEnabled() {
			t.SCTPMessage(c.now, s.Uint16(), s.Uint32(), b)
		}
		return
	}
	if kind == 0 {
		c.servers["server"].Handle(c.now, b, c.from)
		return
	}
	dst := append(slices.Clone(b), make([]byte, 64)...)
	n, ok := 0, false
	if kind == 1 && len(b) >= 12 {
		// Of one of the streams there are, in order.
		b[0], b[1] = 0x80|b[0]&0x2f, 100
		binary.BigEndian.PutUint32(b[8:], uint32(1+b[8]%3))
		copy(dst, b)
		if header, fits := rtp.HeaderLength(b); fits {
			n, ok = c.session.ProtectRTP(dst, header, b[header:])
		}
	} else if len(b) >= 8 {
		n, ok = c.session.ProtectRTCP(dst, len(b))
	}
	if ok {
		c.servers["server"].Handle(c.now, dst[:n], c.from)
	}
}

// meet connects transport w to its peer.
func (c *controller) meet() {
	w := c.router.transports["w"].(*transport.WebRTC)
	keys := transport.Keys{
		Profile: uint16(srtp.AES128GCM), LocalKey: bytes.Repeat([]byte{1}, 16), LocalSalt: bytes.Repeat([]byte{2}, 12),
		RemoteKey: bytes.Repeat([]byte{3}, 16), RemoteSalt: bytes.Repeat([]byte{4}, 12),
	}
	session, err := srtp.NewSession(srtp.AES128GCM, keys.RemoteKey, keys.RemoteSalt, keys.LocalKey, keys.LocalSalt)
	if err != nil {
		c.t.Fatal(err)
	}
	c.session = session
	w.DTLSConnected(c.now, keys, "")
	ice := c.do(proto.TransportDumpMethod, "w", nil).(proto.WebRTCTransportDump).ICEParameters
	check, err := stun.Build(
		stun.BindingRequest, stun.NewTransactionIDSetter([12]byte{1}), stun.NewUsername(ice.UsernameFragment+":peer"),
		stun.RawAttribute{Type: stun.AttrPriority, Value: []byte{1, 2, 3, 4}},
		stun.RawAttribute{Type: stun.AttrUseCandidate}, stun.NewShortTermIntegrity(ice.Password), stun.Fingerprint,
	)
	if err != nil {
		c.t.Fatal(err)
	}
	c.servers["server"].Handle(c.now, check.Raw, c.from)
}

// FuzzRequests makes any requests of a router that is in use, with any bodies and in any order, while its peers send anything and time passes.
// Refusals say why and change nothing, answers can be written, and when the router is closed nothing is left.
func FuzzRequests(f *testing.F) {
	list := knownRequests(f)
	var every []byte
	for i := range list {
		every = append(every, script.Write(0, i, 0, 1)...)
		f.Add(script.Write(0, i, 0, 0, 0, i, 2, 7, 0))
		f.Add(script.Write(0, i, 5, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13))
	}
	f.Add(every)
	f.Add(script.Write(2, 1, "\x90\x64\x00\x01\x00\x00\x00\x00\x01\x00\x00\x00hello", 2, 2, "\x81\xc9\x00\x07\x00\x00\x00\x01", 3, 200, 2, 3, "message", 8, uint16(1), uint32(51)))
	local, remote := netip.MustParseAddrPort("10.0.0.1:4001"), netip.MustParseAddrPort("198.51.100.7:5000")
	f.Fuzz(func(t *testing.T, input []byte) {
		if len(input) > 2048 {
			return
		}
		w := newWorld(t)
		w.populate()
		w.populateData()
		c := &controller{world: w, list: list, from: tuple.Of(tuple.UDP, 7, local, remote)}
		c.meet()
		s := script.New(input)
		for steps := 0; s.More() && steps < 64; steps++ {
			switch s.Below(4) {
			case 0, 1:
				c.request(s)
			case 2:
				c.packet(s)
			case 3:
				for range 1 + s.Byte()/16 {
					w.now = w.now.Add(50 * time.Millisecond)
					w.timers.Advance(w.now)
				}
			}
			w.egress.Take()
		}
		for _, e := range w.take() {
			if target, name, ok := cut(e); !ok || target == "" || !slices.ContainsFunc(proto.Events, func(known proto.EventType) bool { return known.Name == name }) {
				t.Fatalf("event %q", e)
			}
		}
		if r := w.router; len(r.transports)+len(r.producers)+len(r.consumers)+len(r.observers)+len(r.dataProducers)+len(r.dataConsumers)+1 != len(w.owners) {
			t.Fatalf("ids %v", slices.Sorted(maps.Keys(w.owners)))
		}
		w.router.Close(w.now)
		w.empty()
	})
}
