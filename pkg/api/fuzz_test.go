package api

import (
	"errors"
	"slices"
	"testing"

	"gazpacho/pkg/channel"
	"gazpacho/proto"
)

// Whatever bytes a client sends as a body, of whatever request: it is answered or cut off, the worker lives, and others are answered.
func FuzzRequest(f *testing.F) {
	w := newWorld(f, 1)
	witness := w.bare("")
	furnished(witness, "r")
	methods := []string{proto.ControllerAttach}
	for name := range handlers {
		if name != proto.WorkerGetProfile { // which takes its time
			methods = append(methods, name)
		}
	}
	slices.Sort(methods)
	ids := []string{"", idOf(w.running[0]), "r", "r-t", "r-u", "r-p", "r-c", "r-dp", "r-dc", "r-o"}
	s := &set{b: witness, id: "r", worker: ids[1]}
	for _, q := range s.requests() {
		body, err := channel.Encode(q.body)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(slices.Index(methods, q.method)), uint8(max(0, slices.Index(ids, q.id))), []byte(body))
	}
	for _, raw := range [][]byte{{}, {0xc1}, {0xdd, 0xff, 0xff, 0xff, 0xff}, {0x81, 0xa1, 'x'}, {0x80, 0x80}} {
		f.Add(uint8(0), uint8(0), raw)
	}
	f.Fuzz(func(t *testing.T, method, id uint8, body []byte) {
		var answer proto.AttachClientResult
		c, err := channel.Dial(t.Context(), w.address, channel.Options{Door: &channel.Door{
			Hello: proto.EventControllerHello, Attach: proto.ControllerAttach, Result: &answer, Body: proto.AttachClient{Protocol: proto.Current},
		}})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		name := methods[int(method)%len(methods)]
		var refused *proto.Error
		if err := c.Request(t.Context(), name, ids[int(id)%len(ids)], channel.Raw(body), nil); err != nil && !errors.As(err, &refused) {
			t.Fatalf("%s: %v", name, err)
		}
		if refused != nil && refused.Code != proto.CodeClosed && errorNames[refused.Code] == "" && refused.Code != proto.CodeUnknownMethod {
			t.Errorf("%s: %v", name, refused)
		}
		var list []proto.WorkerInfo
		err = witness.Request(t.Context(), proto.ControllerListWorkers, "", nil, &list)
		if err != nil || len(list) != 1 || list[0].State != "running" || w.running[0].Err() != nil {
			t.Fatalf("after %s: %+v, %v", name, list, err)
		}
	})
}
