package logging

import (
	"context"
	"log/slog"
)

// handler puts the limits in front of slog's own handlers, which do the rest.
type handler struct {
	log   *Log
	inner slog.Handler
}

// Enabled tells whether lines of a level are logged.
func (h *handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.inner.Enabled(ctx, level)
}

// Handle queues a line, or counts that it was suppressed or dropped. It returns no errors and never waits.
func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	if !h.log.sites.admit(place{pc: r.PC}, r.Message, r.Level) {
		return nil
	}
	return h.inner.Handle(ctx, r)
}

// WithAttrs returns a handler whose lines have attrs.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &handler{log: h.log, inner: h.inner.WithAttrs(attrs)}
}

// WithGroup returns a handler whose lines have their attributes in a group.
func (h *handler) WithGroup(name string) slog.Handler {
	return &handler{log: h.log, inner: h.inner.WithGroup(name)}
}
