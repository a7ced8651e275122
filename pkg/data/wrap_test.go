package data

import (
	"bytes"
	"encoding/hex"
	"reflect"
	"strings"
	"testing"

	"gazpacho/proto"
)

// The bytes as mediasoup's description of the format has them.
func TestWrap(t *testing.T) {
	for _, tt := range []struct {
		name              string
		subchannels       []uint16
		required, ignored *uint16
		want              string
	}{
		{"nothing to say", nil, nil, nil, "6869"},
		{"subchannels", []uint16{1, 0x203}, nil, nil, "a5f09cb3d6e1f28c 0002 0001 0203 6869"},
		{"required", nil, number(7), nil, "a5f09cb3d6e1f28e 0000 0007 6869"},
		{"ignored", nil, nil, number(9), "a5f09cb3d6e1f28d 0000 0009 6869"},
		{"all", []uint16{5}, number(7), number(9), "a5f09cb3d6e1f28f 0001 0005 0007 0009 6869"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := Wrap(tt.subchannels, tt.required, tt.ignored, []byte("hi"))
			if want := strings.ReplaceAll(tt.want, " ", ""); hex.EncodeToString(got) != want {
				t.Fatalf("%x, want %s", got, want)
			}
			want := Message{PPID: 51, Payload: []byte("hi"), Subchannels: tt.subchannels, Required: tt.required, Ignored: tt.ignored}
			if m := Unwrap(51, got); !reflect.DeepEqual(m, want) {
				t.Errorf("unwrapped %+v, want %+v", m, want)
			}
		})
	}
}

// What announces more than there is, and what is shorter than the token, are payloads as they are.
func TestUnwrapTooShort(t *testing.T) {
	whole := Wrap([]uint16{5, 6}, number(7), number(9), nil)
	for n := range len(whole) {
		if m := Unwrap(53, whole[:n]); len(m.Subchannels) != 0 || m.Required != nil || m.Ignored != nil || len(m.Payload) != n {
			t.Errorf("%d bytes: %+v", n, m)
		}
	}
	if m := Unwrap(53, whole); len(m.Subchannels) != 2 || len(m.Payload) != 0 {
		t.Errorf("whole: %+v", m)
	}
}

// A pipe tells what it is subscribed to, and leaves ignored subchannels to the consumers behind it. Subscribed to nothing, it takes all there is.
func TestPipedConsumer(t *testing.T) {
	w := newWorld(t)
	var got []Message
	for _, subscribed := range [][]uint16{{1, 2}, nil} {
		got = nil
		c, err := NewConsumer(ConsumerConfig{
			Options: &proto.ConsumeData{DataConsumerID: "c", Type: proto.DataSCTP, SCTPStreamParameters: stream1(), Subchannels: subscribed},
			Sink:    w, Events: w, Limit: limit, Pipe: true,
		})
		if err != nil {
			t.Fatal(err)
		}
		all := []Message{
			{PPID: PPIDString, Payload: []byte("a")},
			{PPID: PPIDString, Payload: []byte("b"), Subchannels: []uint16{2, 3}},
			{PPID: PPIDString, Payload: []byte("c"), Subchannels: []uint16{3}},
			{PPID: PPIDString, Payload: []byte("d"), Ignored: number(1)},
			{PPID: PPIDString, Payload: []byte("e"), Required: number(9)},
		}
		for _, m := range all {
			c.ProducerMessage(w.now, &m)
		}
		for _, s := range w.sent {
			_, payload, _ := strings.Cut(strings.TrimPrefix(s, "c "), " ")
			got = append(got, Unwrap(PPIDString, []byte(payload)))
		}
		w.sent = nil
		want := all
		if subscribed != nil {
			want = []Message{all[0], {PPID: PPIDString, Payload: []byte("b"), Subchannels: []uint16{2}}, all[3]}
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("subscribed to %d: %+v, want %+v", subscribed, got, want)
		}
	}
}

func FuzzUnwrap(f *testing.F) {
	f.Add([]byte("hi"))
	f.Add(Wrap([]uint16{1, 2}, number(3), number(4), []byte("hi")))
	f.Add(Wrap(nil, number(3), nil, nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		m := Unwrap(51, b)
		if len(m.Subchannels) == 0 && m.Required == nil && m.Ignored == nil {
			return // said nothing, or nothing but that
		}
		if again := Wrap(m.Subchannels, m.Required, m.Ignored, m.Payload); !bytes.Equal(again, b) {
			t.Errorf("%x became %x", b, again)
		}
	})
}
