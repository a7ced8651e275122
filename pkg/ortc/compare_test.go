package ortc

import (
	"encoding/json"
	"testing"

	"gazpacho/proto"
)

// rounds is how many random inputs each function is compared on.
const rounds = 2000

// into reads a JSON tree into one of our types; the generator makes nothing that does not fit.
func into[T any](t testing.TB, v any) T {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var decoded T
	if err := json.Unmarshal(data, &decoded); err != nil {
		t.Fatalf("%v in %s", err, data)
	}
	return decoded
}

// produced is what becomes of a producer's parameters.
type produced struct {
	Params     proto.RTPParameters `json:"params"`
	Mapping    proto.RTPMapping    `json:"mapping"`
	Consumable proto.RTPParameters `json:"consumable"`
}

// produce does what a router does with a new producer.
func produce(kind string, mediaCodecs []proto.RTPCodecCapability, params proto.RTPParameters) (produced, *proto.Error) {
	caps, err := GenerateRouterRTPCapabilities(mediaCodecs)
	if err != nil {
		return produced{}, err
	}
	if err := ValidateRTPParameters(&params); err != nil {
		return produced{}, err
	}
	mapping, err := ProducerRTPParametersMapping(&params, caps, counting())
	if err != nil {
		return produced{}, err
	}
	consumable, err := ConsumableRTPParameters(kind, params, caps, mapping)
	return produced{params, mapping, consumable}, err
}

// scene is a random router with a producer that it accepts and the capabilities of an endpoint.
type scene struct {
	consumable proto.RTPParameters
	remote     object
}

// nextScene skips what the router refuses; TestProducerAsMediasoup compares that.
func nextScene(t *testing.T, g generator) scene {
	t.Helper()
	for {
		mediaCodecs := g.mediaCodecs()
		codecs := into[[]proto.RTPCodecCapability](t, mediaCodecs)
		kind := pick(g, proto.Audio, proto.Video)
		p, err := produce(kind, codecs, into[proto.RTPParameters](t, g.parameters(kind, mediaCodecs)))
		if err != nil {
			continue
		}
		router, err := GenerateRouterRTPCapabilities(codecs)
		if err != nil {
			t.Fatal(err)
		}
		return scene{p.Consumable, g.remote(tree(t, router).(object))}
	}
}

func TestSupportedAsMediasoup(t *testing.T) {
	compare(t, nil, newOracle(t).ask(t, "supported", nil), SupportedRTPCapabilities(), nil)
}

func TestRouterAsMediasoup(t *testing.T) {
	o, g := newOracle(t), newGenerator(1)
	classes := map[string]int{}
	o.inquire(t, rounds, func() []question {
		mediaCodecs := g.mediaCodecs()
		got, err := GenerateRouterRTPCapabilities(into[[]proto.RTPCodecCapability](t, mediaCodecs))
		return []question{{"router", object{"mediaCodecs": mediaCodecs}, func(want answer) {
			compare(t, mediaCodecs, want, got, err)
			classes[want.Error]++
		}}}
	})
	for _, class := range []string{"", "TypeError", "UnsupportedError", "Error"} {
		if classes[class] == 0 {
			t.Errorf("no input that ends in %q: %v", class, classes)
		}
	}
}

func TestProducerAsMediasoup(t *testing.T) {
	o, g := newOracle(t), newGenerator(2)
	classes := map[string]int{}
	o.inquire(t, 2*rounds, func() []question {
		mediaCodecs := g.mediaCodecs()
		kind := pick(g, proto.Audio, proto.Video)
		params := g.parameters(kind, mediaCodecs)
		input := object{"kind": kind, "mediaCodecs": mediaCodecs, "params": params}
		got, err := produce(kind, into[[]proto.RTPCodecCapability](t, mediaCodecs), into[proto.RTPParameters](t, params))
		return []question{{"producer", input, func(want answer) {
			compare(t, input, want, got, err)
			classes[want.Error]++
		}}}
	})
	if classes[""] < rounds || classes["TypeError"] < 50 || classes["UnsupportedError"] < 50 {
		t.Errorf("lopsided inputs: %v", classes)
	}
}

func TestConsumersAsMediasoup(t *testing.T) {
	o, g := newOracle(t), newGenerator(3)
	can := map[bool]int{}
	o.inquire(t, rounds, func() []question {
		s := nextScene(t, g)
		remote := into[proto.RTPCapabilities](t, s.remote)
		pipe, enableRTX := g.oneIn(3), g.oneIn(2)
		input := object{"consumable": s.consumable, "remote": s.remote, "pipe": pipe, "enableRtx": enableRTX}

		yes, canErr := CanConsume(s.consumable, remote)
		params, err := ConsumerRTPParameters(ConsumerOptions{
			Consumable: s.consumable, Remote: remote, Pipe: pipe, EnableRTX: enableRTX, Random: counting(),
		})
		if yes && err != nil {
			t.Fatalf("CanConsume says yes, ConsumerRTPParameters %v: %s", err, text(input))
		}
		piped := PipeConsumerRTPParameters(s.consumable, enableRTX, counting())
		can[yes]++
		return []question{{"consumers", input, func(a answer) {
			want := into[[3]answer](t, a.Result)
			compare(t, input, want[0], yes, canErr)
			compare(t, input, want[1], params, err)
			compare(t, input, want[2], piped, nil)
		}}}
	})
	if can[true] < 500 || can[false] < 100 {
		t.Errorf("lopsided inputs: %v", can)
	}
}

func TestScalabilityModeAsMediasoup(t *testing.T) {
	o, g := newOracle(t), newGenerator(6)
	o.inquire(t, rounds, func() []question {
		mode := ""
		for range g.IntN(9) {
			mode += pick(g, "L", "S", "T", "0", "1", "2", "9", "_KEY", "h", "l", "é")
		}
		if g.oneIn(2) {
			mode = pick(g, "L", "S") + pick(g, "1", "12", "05", "3") + "T" + pick(g, "1", "123", "0") + mode
		}
		m := ParseScalabilityMode(mode)
		got := object{"spatialLayers": m.SpatialLayers, "temporalLayers": m.TemporalLayers, "ksvc": m.KSVC}
		return []question{{"scalabilityMode", object{"mode": mode}, func(want answer) { compare(t, mode, want, got, nil) }}}
	})
}
