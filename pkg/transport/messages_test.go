package transport

import (
	"time"

	"gazpacho/pkg/data"
	"gazpacho/proto"
)

// The owner's part that is about data.

func (b *bench) DataProducerCreated(time.Time, Transport, *data.Producer) *proto.Error {
	err := b.duplicate
	b.duplicate = nil
	return err
}

func (b *bench) DataProducerClosed(_ time.Time, p *data.Producer) {
	b.closed = append(b.closed, p.ID())
}

func (b *bench) DataConsumerCreated(time.Time, Transport, *data.Consumer, *data.Producer) *proto.Error {
	err := b.duplicate
	b.duplicate = nil
	return err
}

func (b *bench) DataConsumerClosed(_ time.Time, c *data.Consumer) {
	b.closed = append(b.closed, c.ID())
}
