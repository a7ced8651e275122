package ortc

import (
	"encoding/json"
	"strings"
	"testing"

	"gazpacho/proto"
)

func TestSCTPStreamParameters(t *testing.T) {
	for _, tt := range []struct {
		in, out, path string
	}{
		{in: `{"streamId":0}`, out: `{"streamId":0,"ordered":true}`},
		{in: `{"streamId":7,"ordered":false}`, out: `{"streamId":7,"ordered":false}`},
		{in: `{"streamId":7,"maxRetransmits":3}`, out: `{"streamId":7,"ordered":false,"maxRetransmits":3}`},
		{in: `{"streamId":7,"maxRetransmits":0}`, out: `{"streamId":7,"ordered":false,"maxRetransmits":0}`},
		{in: `{"streamId":7,"ordered":false,"maxPacketLifeTime":3000}`, out: `{"streamId":7,"ordered":false,"maxPacketLifeTime":3000}`},
		{in: `{"streamId":65534}`, out: `{"streamId":65534,"ordered":true}`},
		{in: `{"streamId":65535}`, path: "streamId"},
		{in: `{"streamId":65536}`, path: "streamId"},
		{in: `{"streamId":-1}`, path: "streamId"},
		{in: `{}`, path: "streamId"},
		{in: `{"streamId":"1"}`, path: "streamId"},
		{in: `{"streamId":1,"ordered":"no"}`, path: "ordered"},
		{in: `{"streamId":1,"ordered":true,"maxRetransmits":1}`, path: "ordered"},
		{in: `{"streamId":1,"ordered":true,"maxPacketLifeTime":1}`, path: "ordered"},
		{in: `{"streamId":1,"maxRetransmits":1,"maxPacketLifeTime":1}`, path: "maxRetransmits"},
		{in: `null`, path: "-"},
		{in: `[]`, path: "-"},
	} {
		p, err := DecodeSCTPStreamParameters([]byte(tt.in))
		if tt.path != "" {
			if err == nil || err.Name != proto.TypeErrorName || err.Path != strings.TrimPrefix(tt.path, "-") {
				t.Errorf("%s: %v, want an error about %q", tt.in, err, tt.path)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tt.in, err)
			continue
		}
		if out, _ := json.Marshal(p); string(out) != tt.out {
			t.Errorf("%s: %s, want %s", tt.in, out, tt.out)
		}
	}
}

func TestDataConsumerParameters(t *testing.T) {
	yes, no, one, two := true, false, uint16(1), uint16(2)
	lossy := &proto.SCTPStreamParameters{StreamID: 9, Ordered: &no, MaxRetransmits: &one}
	for _, tt := range []struct {
		name     string
		producer *proto.SCTPStreamParameters
		o        DataConsumerOptions
		out      string
	}{
		{"the producer's", lossy, DataConsumerOptions{}, `{"streamId":3,"ordered":false,"maxRetransmits":1}`},
		{"of no stream", nil, DataConsumerOptions{}, `{"streamId":3,"ordered":true}`},
		{"ordered", lossy, DataConsumerOptions{Ordered: &yes}, `{"streamId":3,"ordered":true}`},
		{"ordered, limits ignored", lossy, DataConsumerOptions{Ordered: &yes, MaxRetransmits: &two}, `{"streamId":3,"ordered":true}`},
		{"another limit", lossy, DataConsumerOptions{MaxRetransmits: &two}, `{"streamId":3,"ordered":false,"maxRetransmits":2}`},
		{"a limit of a reliable one", nil, DataConsumerOptions{MaxPacketLifeTime: &two}, `{"streamId":3,"ordered":false,"maxPacketLifeTime":2}`},
		{"unordered", nil, DataConsumerOptions{Ordered: &no}, `{"streamId":3,"ordered":false}`},
	} {
		p, err := DataConsumerParameters(tt.producer, 3, tt.o)
		if out, _ := json.Marshal(p); err != nil || string(out) != tt.out {
			t.Errorf("%s: %s, %v, want %s", tt.name, out, err, tt.out)
		}
	}
	if _, err := DataConsumerParameters(lossy, 3, DataConsumerOptions{MaxPacketLifeTime: &two}); err == nil || err.Path != "maxRetransmits" {
		t.Errorf("both limits: %v", err)
	}
	if lossy.StreamID != 9 || *lossy.MaxRetransmits != 1 {
		t.Error("the producer's were changed")
	}
}

func FuzzDecodeSCTPStreamParameters(f *testing.F) {
	f.Add([]byte(`{"streamId":7,"maxRetransmits":3}`))
	f.Add([]byte(`{"streamId":1e3,"ordered":true}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := DecodeSCTPStreamParameters(b)
		if err != nil {
			return
		}
		once, _ := json.Marshal(p)
		again, err := DecodeSCTPStreamParameters(once)
		if err != nil {
			t.Fatalf("%s: %v", once, err)
		}
		if twice, _ := json.Marshal(again); string(once) != string(twice) {
			t.Errorf("%s became %s", once, twice)
		}
	})
}
