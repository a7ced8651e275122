package room

import (
	"encoding/json"
	"strings"
	"testing"
)

// A reliable data consumer whose reader is too slow is closed, and its client told; of an unreliable one messages are missing.
func TestOverrun(t *testing.T) {
	rs, _ := placed(t)
	defer rs.Close()
	a, _, send := ready(t, rs, "r", "a")
	b, client, _ := ready(t, rs, "r", "b")
	for label, params := range map[string]string{"reliable": `{"streamId":1}`, "lossy": `{"streamId":2,"maxRetransmits":1}`} {
		_, err := a.ProduceData(t.Context(), ProduceData{TransportID: send, SCTPStreamParameters: json.RawMessage(params), Label: label})
		if err != nil {
			t.Fatal(err)
		}
		client.await(t, "newDataConsumer")
		client.take()
	}
	b.room.mu.Lock()
	consumers := map[string]*dataConsumer{}
	for _, c := range b.dataConsumers {
		consumers[c.Label()] = c
	}
	b.room.mu.Unlock()
	b.overrun(&dataConsumer{}) // one that is being made
	b.overrun(consumers["lossy"])
	if told := client.take(); told != "" {
		t.Errorf("told %s", told)
	}
	b.overrun(consumers["reliable"])
	b.overrun(consumers["reliable"])
	if told := client.take(); strings.Count(told, "dataConsumerClosed") != 1 || !strings.Contains(told, consumers["reliable"].ID()) {
		t.Errorf("told %s", told)
	}
	if _, err := b.DataConsumerStats(t.Context(), consumers["reliable"].ID()); code(err) != "not-found" {
		t.Errorf("statistics: %v", err)
	}
	if _, err := b.DataConsumerStats(t.Context(), consumers["lossy"].ID()); err != nil {
		t.Errorf("statistics: %v", err)
	}
}
