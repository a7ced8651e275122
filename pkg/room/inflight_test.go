package room

import (
	"context"
	"encoding/json"
	"testing"

	"gazpacho/pkg/control"
	"gazpacho/proto"
)

// What the worker makes while a right is taken back, or while its peer leaves, comes too late: it is not entered, its place is free
// again, and nobody hears of it.
func TestTooLate(t *testing.T) {
	rs, _ := placed(t)
	defer rs.Close()
	for name, end := range map[string]struct {
		of   func(p *Peer)
		code string
	}{
		"revoked": {func(p *Peer) { p.give(grantOf("", "")) }, proto.CodeForbidden},
		"left":    {func(p *Peer) { p.Leave() }, proto.CodeInvalidState},
	} {
		s := newStage(t, rs, name)
		media, text := s.makeBoth(t)
		toA, messages := s.consumeBoth(t)
		s.b.until(t, s.cb, func() bool { return !s.b.serving })
		s.ca.take()
		s.cb.take()
		before := s.a.used
		p, d := &producer{owner: &s.a.member}, &dataProducer{owner: &s.a.member}
		c, dc := &consumer{}, &dataConsumer{}
		for q, seat := range map[quota]**seat{producerQuota: &p.seat, dataProducerQuota: &d.seat, consumerQuota: &c.seat, dataConsumerQuota: &dc.seat} {
			var err error
			if *seat, err = s.a.take(q); err != nil {
				t.Fatal(err)
			}
		}
		end.of(s.a)
		if err := s.a.sends(p, media); code(err) != end.code {
			t.Errorf("%s: media: %v", name, err)
		}
		if err := s.a.sendsData(d, text); code(err) != end.code {
			t.Errorf("%s: messages: %v", name, err)
		}
		s.room.mu.Lock()
		from := &producer{owner: &s.b.member}
		s.room.mu.Unlock()
		if agreed := s.a.announce(c, toA, from); agreed != nil {
			t.Errorf("%s: a consumer is offered", name)
		}
		if agreed := s.a.announceData(dc, messages, &dataProducer{owner: &s.b.member}); agreed != nil {
			t.Errorf("%s: a data consumer is offered", name)
		}
		s.room.mu.Lock()
		if name == "revoked" && s.a.used != before || s.room.producers[media.ID()] != nil || s.room.dataProducers[text.ID()] != nil {
			t.Errorf("%s: counted %v, were %v", name, s.a.used, before)
		}
		for q, n := range s.a.used {
			if name == "left" && n != 0 {
				t.Errorf("%s: %d of %s are counted", name, n, quotaNames[q])
			}
		}
		s.room.mu.Unlock()
		if told := s.ca.take(); told != "" {
			t.Errorf("%s: told %s", name, told)
		}
	}
}

// makeBoth has the worker make something for a to send.
func (s *stage) makeBoth(t *testing.T) (*control.Producer, *control.DataProducer) {
	t.Helper()
	tr, err := s.a.transport(s.mine.send)
	if err != nil {
		t.Fatal(err)
	}
	params, refused := control.DecodeRTPParameters(opus(77))
	if refused != nil {
		t.Fatal(refused)
	}
	media, err := tr.Produce(t.Context(), control.ProducerOptions{Kind: proto.Audio, RTPParameters: params})
	if err != nil {
		t.Fatal(err)
	}
	stream, refused := control.DecodeSCTPStreamParameters(json.RawMessage(`{"streamId":77}`))
	if refused != nil {
		t.Fatal(refused)
	}
	text, err := tr.ProduceData(t.Context(), control.DataProducerOptions{SCTPStreamParameters: &stream})
	if err != nil {
		t.Fatal(err)
	}
	return media, text
}

// consumeBoth has the worker make something for a to receive.
func (s *stage) consumeBoth(t *testing.T) (*control.Consumer, *control.DataConsumer) {
	t.Helper()
	tr, err := s.a.transport(s.mine.recv)
	if err != nil {
		t.Fatal(err)
	}
	media, err := tr.Consume(t.Context(), control.ConsumerOptions{ProducerID: s.theirs.producer, RTPCapabilities: s.room.RTPCapabilities()})
	if err != nil {
		t.Fatal(err)
	}
	text, err := tr.ConsumeData(t.Context(), control.DataConsumerOptions{DataProducerID: s.theirs.dataProducer})
	if err != nil {
		t.Fatal(err)
	}
	return media, text
}

// A transport whose limit cannot be set, or whose peer left while it was made, is closed again.
func TestUnsettledTransport(t *testing.T) {
	rs, _ := placed(t)
	defer rs.Close()
	s := newStage(t, rs, "r")
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	s.unsettled(t, "nobody waits", gone, func() {}, 2)
	s.unsettled(t, "who left", t.Context(), s.a.Leave, 0)
}

// unsettled settles a transport of a's that was just made, after something has happened.
func (s *stage) unsettled(t *testing.T, name string, ctx context.Context, before func(), left int) {
	t.Helper()
	made, err := s.room.router.CreateWebRTCTransport(t.Context(), control.WebRTCTransportOptions{Server: s.room.worker.Server})
	if err != nil {
		t.Fatal(err)
	}
	x := &transport{webrtc: made, Transport: made.Transport}
	if x.seat, err = s.a.take(transportQuota); err != nil {
		t.Fatal(err)
	}
	before()
	if err := s.a.settle(ctx, x, func() int { return 50_000 }); err == nil {
		t.Errorf("%s: it is kept", name)
	}
	s.room.mu.Lock()
	defer s.room.mu.Unlock()
	if !made.Closed() || s.a.used[transportQuota] != left || s.a.transports[made.ID()] != nil {
		t.Errorf("%s: closed %t, %d are counted", name, made.Closed(), s.a.used[transportQuota])
	}
}
