package router

import (
	"encoding/json"
	"slices"
	"testing"

	"gazpacho/proto"
)

// The table "who tells whom" of proto/PROTOCOL.md, line by line.
func TestWhoTellsWhom(t *testing.T) {
	closed := func(ids ...string) (list []string) {
		for _, id := range ids {
			list = append(list, id+" "+proto.EventConsumerProducerClose)
		}
		return list
	}
	tests := []struct {
		name  string
		do    func(w *world)
		told  []string
		stays []string
	}{
		{"closeRouter", func(w *world) { w.router.Close(w.now); w.router.Close(w.now) }, nil, []string{"r"}},
		{"closeTransport of a publisher", func(w *world) {
			w.do(proto.RouterCloseTransport, "r", proto.CloseTransport{TransportID: "w"})
		}, closed("ca", "cv"), []string{"o", "p", "r"}},
		{"closeTransport of a subscriber", func(w *world) {
			w.do(proto.RouterCloseTransport, "r", proto.CloseTransport{TransportID: "p"})
		}, nil, []string{"a", "o", "r", "v", "w"}},
		{"closeProducer", func(w *world) {
			w.do(proto.TransportCloseProducer, "w", proto.CloseProducer{ProducerID: "a"})
		}, closed("ca"), []string{"cv", "o", "p", "r", "v", "w"}},
		{"closeConsumer", func(w *world) {
			w.do(proto.TransportCloseConsumer, "p", proto.CloseConsumer{ConsumerID: "ca"})
		}, nil, []string{"a", "cv", "o", "p", "r", "v", "w"}},
		{"closeRtpObserver", func(w *world) {
			w.do(proto.RouterCloseRTPObserver, "r", proto.CloseRTPObserver{RTPObserverID: "o"})
		}, nil, []string{"a", "ca", "cv", "p", "r", "v", "w"}},
		{
			"closeWebRtcServer", func(w *world) { w.servers["server"].Close(w.now) },
			append(closed("ca", "cv"), "w "+proto.EventTransportListenServerClose),
			[]string{"o", "p", "r"},
		},
		{"producer.pause and resume", func(w *world) {
			for range 2 {
				w.do(proto.ProducerPause, "a", nil)
			}
			for range 2 {
				w.do(proto.ProducerResume, "a", nil)
			}
		}, []string{"ca " + proto.EventConsumerProducerPause, "ca " + proto.EventConsumerProducerResume}, []string{"a", "ca", "cv", "o", "p", "r", "v", "w"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.populate()
			tt.do(w)
			if told := w.take(); !slices.Equal(told, tt.told) {
				t.Errorf("told %v, want %v", told, tt.told)
			}
			if stays := sortedKeys(w.owners); !slices.Equal(stays, tt.stays) {
				t.Errorf("%v stay, want %v", stays, tt.stays)
			}
			// What stays can be closed as ever, and then nothing is left.
			w.router.Close(w.now)
			w.empty()
		})
	}
}

// An observer forgets a producer that ends while it is attached, and an observer that ends leaves the producer alone.
func TestObserversAttachAndDetach(t *testing.T) {
	w := newWorld(t)
	w.populate()
	attached := func() []proto.KeyValues {
		return w.do(proto.RouterDumpMethod, "r", nil).(proto.RouterDump).MapProducerIDObserverIDs
	}
	if got := attached(); len(got) != 1 || got[0].Key != "a" || !slices.Equal(got[0].Values, []string{"o"}) {
		t.Errorf("attached: %+v", got)
	}
	w.do(proto.RTPObserverAddProducer, "o", proto.ObserverProducer{ProducerID: "a"}) // again: nothing happens
	if got := attached(); len(got) != 1 || len(got[0].Values) != 1 {
		t.Errorf("attached twice: %+v", got)
	}
	w.do(proto.RouterCreateAudioLevelObserver, "r", proto.CreateAudioLevelObserver{RTPObserverID: "b"})
	w.do(proto.RTPObserverAddProducer, "b", proto.ObserverProducer{ProducerID: "a"})
	if got := attached(); len(got) != 1 || !slices.Equal(got[0].Values, []string{"b", "o"}) {
		t.Errorf("both: %+v", got)
	}
	w.do(proto.RTPObserverRemoveProducer, "o", proto.ObserverProducer{ProducerID: "a"})
	if _, err := w.ask(proto.RTPObserverRemoveProducer, "o", proto.ObserverProducer{ProducerID: "a"}); err == nil || err.Code != proto.CodeNotFound {
		t.Errorf("removed twice: %v", err)
	}
	w.do(proto.TransportCloseProducer, "w", proto.CloseProducer{ProducerID: "a"})
	if got := attached(); len(got) != 0 {
		t.Errorf("after the producer ended: %+v", got)
	}
	if got := w.router.observers["b"].Producers(); len(got) != 0 {
		t.Errorf("the observer still knows %v", got)
	}
	w.do(proto.TransportProduce, "w", produce("a", proto.Audio, 1)) // the id is free, for a new producer
	w.do(proto.RTPObserverAddProducer, "b", proto.ObserverProducer{ProducerID: "a"})
	w.do(proto.RouterCloseRTPObserver, "r", proto.CloseRTPObserver{RTPObserverID: "b"})
	if got := attached(); len(got) != 0 {
		t.Errorf("after the observer ended: %+v", got)
	}
	w.router.Close(w.now)
	w.empty()
}

// The names that mediasoup's libraries read.
func TestRouterDumpFieldNames(t *testing.T) {
	w := newWorld(t)
	w.populate()
	b, err := json.Marshal(w.do(proto.RouterDumpMethod, "r", nil))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"id":"r","transportIds":["p","w"],"rtpObserverIds":["o"],` +
		`"mapProducerIdConsumerIds":[{"key":"a","values":["ca"]},{"key":"v","values":["cv"]}],` +
		`"mapConsumerIdProducerId":[{"key":"ca","value":"a"},{"key":"cv","value":"v"}],` +
		`"mapProducerIdObserverIds":[{"key":"a","values":["o"]}],` +
		`"mapDataProducerIdDataConsumerIds":[],"mapDataConsumerIdDataProducerId":[]}`
	if string(b) != want {
		t.Errorf("dump\n%s\nwant\n%s", b, want)
	}
}
