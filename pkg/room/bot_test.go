package room

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"gazpacho/pkg/control"
)

// The first who talks to the bot wakes it: everybody is offered its words, also who comes later, and hears them.
func TestBot(t *testing.T) {
	rs, w := placed(t)
	defer rs.Close()
	a, ours, send := ready(t, rs, "r", "a")
	_, theirs, _ := ready(t, rs, "r", "b")
	ours.take()
	if before := w.Routers(); before != 1 {
		t.Fatalf("%d routers", before)
	}
	made, err := a.ProduceData(t.Context(), ProduceData{TransportID: send, SCTPStreamParameters: json.RawMessage(`{"streamId":1}`), Label: "bot"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []*fakeClient{ours, theirs} {
		c.await(t, "newDataConsumer")
		if told := c.take(); strings.Count(told, "newDataConsumer") != 1 || !strings.Contains(told, `"peerId":null`) || !strings.Contains(told, `"label":"bot"`) || strings.Contains(told, made.ID) {
			t.Errorf("told %s", told)
		}
	}
	if _, err := a.ProduceData(t.Context(), ProduceData{TransportID: send, SCTPStreamParameters: json.RawMessage(`{"streamId":2}`), Label: "bot"}); err != nil {
		t.Fatal(err)
	}
	_, late, _ := ready(t, rs, "r", "c")
	late.await(t, "newDataConsumer")
	if told := late.take(); strings.Count(told, "newDataConsumer") != 1 || strings.Contains(ours.take(), "newDataConsumer") {
		t.Errorf("there is more than one bot: %s", told)
	}

	// What peers say crosses SCTP; here the controller speaks and hears in their place.
	ctx := t.Context()
	r := a.room
	desk, err := r.router.CreateDirectTransport(ctx, control.DirectTransportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	mouth, err := desk.ProduceData(ctx, control.DataProducerOptions{Label: botLabel})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.tellBot(ctx, &dataProducer{DataProducer: mouth, owner: &a.member}); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var heard []string
	_, err = desk.ConsumeData(ctx, control.DataConsumerOptions{DataProducerID: r.bot.mouth.ID(), Message: func(ppid uint32, b []byte) {
		mu.Lock()
		defer mu.Unlock()
		heard = append(heard, fmt.Sprint(ppid, " ", string(b)))
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, say := range []struct {
		ppid uint32
		text string
	}{{53, "binary"}, {51, "\xff no text"}, {51, strings.Repeat("x", botWords+1)}, {51, "hello"}} {
		m := control.DataMessage{Payload: []byte(say.text)}
		m.PPID = say.ppid
		if err := mouth.Send(m); err != nil {
			t.Fatal(err)
		}
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		mu.Lock()
		n := len(heard)
		mu.Unlock()
		if n > 0 || time.Now().After(deadline) {
			break
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if len(heard) != 1 || heard[0] != "51 a said: hello" {
		t.Errorf("heard %q", heard)
	}
}

// Answers are bounded: a peer that talks without end costs little.
func TestBotIsPatient(t *testing.T) {
	var b bot
	now := time.Unix(1000, 0)
	for second := range 3 {
		answers := 0
		for i := range 50 {
			if b.mayAnswer(now.Add(time.Duration(second)*time.Second + time.Duration(i)*time.Millisecond)) {
				answers++
			}
		}
		if answers != botAnswers {
			t.Errorf("second %d: %d answers", second, answers)
		}
	}
}

// A room whose router is gone has no bot, and no harm comes of it.
func TestBotOfClosedRoom(t *testing.T) {
	rs, _ := placed(t)
	defer rs.Close()
	a, _, _ := ready(t, rs, "r", "a")
	a.room.router.Close()
	if err := a.room.tellBot(t.Context(), &dataProducer{}); err == nil {
		t.Error("it wakes")
	}
}
