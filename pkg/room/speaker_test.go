package room

import (
	"testing"

	"gazpacho/pkg/control"
	"gazpacho/proto"
)

// The loudest producer's peer is named to all, itself included; silence is nobody.
func TestActiveSpeaker(t *testing.T) {
	r, clients := bare(t, "a", "b")
	r.producers["p1"] = &producer{owner: &r.peers["a"].member}
	r.spoke(proto.AudioVolumes{{ProducerID: "p1", Volume: -40}, {ProducerID: "p2", Volume: -50}})
	r.silent()
	r.spoke(proto.AudioVolumes{{ProducerID: "gone", Volume: -40}})
	r.spoke(nil)
	for id, c := range clients {
		want := `activeSpeaker{"peerId":"a","volume":-40} activeSpeaker{"peerId":null}`
		if got := c.take(); got != want {
			t.Errorf("%s is told %s, want %s", id, got, want)
		}
	}
}

func TestDownlink(t *testing.T) {
	r, clients := bare(t, "a", "b")
	info := map[string]any{"desiredBitrate": 1, "effectiveDesiredBitrate": 2, "availableBitrate": 3, "startBitrate": 4}
	r.peers["a"].traced(proto.TraceEvent{Type: "bwe", Info: info})
	r.peers["a"].traced(proto.TraceEvent{Type: "probation", Info: info})
	if got := clients["a"].take(); got != `downlinkBwe{"availableBitrate":3,"desiredBitrate":1,"effectiveDesiredBitrate":2}` {
		t.Errorf("told %s", got)
	}
	if got := clients["b"].take(); got != "" {
		t.Errorf("the other is told %s", got)
	}
}

// A client hears of a consumer's changes between its offer and its end, and at no other time.
func TestConsumerNews(t *testing.T) {
	r, clients := bare(t, "a", "b")
	p, c := r.peers["a"], &consumer{}
	news := func() {
		p.about(c, "consumerPaused", named)
		p.about(c, "consumerLayersChanged", layersOf(nil))
	}
	news() // not offered yet
	if got := clients["a"].take(); got != "" {
		t.Errorf("told %s of a consumer that was not offered", got)
	}
	c.Consumer, c.announced = &control.Consumer{}, true
	two := 2
	p.about(c, "consumerLayersChanged", layersOf(&proto.ConsumerLayers{SpatialLayer: 1, TemporalLayer: &two}))
	news()
	want := `consumerLayersChanged{"consumerId":"","spatialLayer":1,"temporalLayer":2} ` +
		`consumerPaused{"consumerId":""} consumerLayersChanged{"consumerId":"","spatialLayer":null,"temporalLayer":null}`
	if got := clients["a"].take(); got != want {
		t.Errorf("told %s\nwant %s", got, want)
	}
	p.ended(c, control.ProducerClosed)
	p.ended(c, control.ProducerClosed)
	news()
	if got := clients["a"].take(); got != `consumerClosed{"consumerId":""}` {
		t.Errorf("told %s", got)
	}
	c = &consumer{Consumer: &control.Consumer{}, announced: true}
	p.ended(c, control.TransportClosed) // the client knows: it was its own transport
	if got := clients["a"].take(); got != "" {
		t.Errorf("told %s", got)
	}
}

// A consumer that ends before it was offered is never offered.
func TestConsumerEndsEarly(t *testing.T) {
	r, clients := bare(t, "a", "b")
	p, c := r.peers["a"], &consumer{}
	p.ended(c, control.ProducerClosed)
	if agreed := p.announce(c, &control.Consumer{}, &producer{owner: &r.peers["b"].member}); agreed != nil {
		t.Error("it is offered")
	}
	if got := clients["a"].take(); got != "" {
		t.Errorf("told %s", got)
	}
}
