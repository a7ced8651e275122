package room

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"
	"unicode/utf8"

	"gazpacho/pkg/control"
	"gazpacho/proto"
)

// The echo bot that mediasoup's demo server keeps in each room: what a peer sends with the label bot, the bot says to everybody who receives
// messages, as a data producer of nobody's. Ours comes when it is talked to for the first time. Its words are bounded, since each of them goes
// through this process and to all: what is longer, or comes faster, or is no text, has no answer.
const (
	botLabel   = "bot" // of messages to it and from it
	botWords   = 1 << 10
	botAnswers = 10 // a second
	textPPID   = 51 // of UTF-8 (RFC 8831 section 8)
)

// bot is a room's.
type bot struct {
	making sync.Mutex // held while it is made

	mu       sync.Mutex
	ears     *control.DirectTransport
	mouth    *control.DataProducer
	second   time.Time // in which answers are counted
	answered int
}

// tellBot has the bot listen to a data producer of a member's.
func (r *Room) tellBot(ctx context.Context, d *dataProducer) error {
	ears, err := r.wakeBot(ctx)
	if err != nil {
		return err
	}
	_, err = ears.ConsumeData(ctx, control.DataConsumerOptions{
		DataProducerID: d.ID(), Message: func(ppid uint32, text []byte) { r.answer(d.owner, ppid, text, time.Now()) },
	})
	return err
}

// wakeBot makes the bot, unless it is there, and offers its words to everybody.
func (r *Room) wakeBot(ctx context.Context) (*control.DirectTransport, error) {
	r.bot.making.Lock()
	defer r.bot.making.Unlock()
	if r.bot.ears != nil && !r.bot.ears.Closed() {
		return r.bot.ears, nil
	}
	ears, err := r.router.CreateDirectTransport(ctx, control.DirectTransportOptions{})
	if err != nil {
		return nil, err
	}
	mouth, err := ears.ProduceData(ctx, control.DataProducerOptions{Label: botLabel})
	if err != nil {
		ears.Close()
		return nil, err
	}
	r.bot.mu.Lock()
	r.bot.ears, r.bot.mouth = ears, mouth
	r.bot.mu.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.numbers++
	d := &dataProducer{DataProducer: mouth, number: r.numbers, appData: map[string]json.RawMessage{}}
	r.dataProducers[mouth.ID()] = d
	for _, p := range r.peers {
		if p.joined {
			p.offered(offer{data: d})
		}
	}
	return ears, nil
}

// answer says to everybody what a member has said to the bot.
func (r *Room) answer(m *member, ppid uint32, text []byte, now time.Time) {
	if ppid != textPPID || len(text) > botWords || !utf8.Valid(text) || !r.bot.mayAnswer(now) {
		return
	}
	r.mu.Lock()
	name := m.displayName
	r.mu.Unlock()
	if name == "" {
		name = m.id
	}
	words := control.DataMessage{Payload: fmt.Appendf(nil, "%s said: %s", name, text)}
	words.DataProducerSend = proto.DataProducerSend{PPID: textPPID}
	r.bot.mu.Lock()
	mouth := r.bot.mouth
	r.bot.mu.Unlock()
	_ = mouth.Send(words) // lossy, as all that is said so
}

// mayAnswer counts answers.
func (b *bot) mayAnswer(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if now.Sub(b.second) >= time.Second {
		b.second, b.answered = now, 0
	}
	b.answered++
	return b.answered <= botAnswers
}
