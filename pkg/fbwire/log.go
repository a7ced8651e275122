package fbwire

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
)

// LogHandler returns a handler that sends records from level on to the library, as lines with the letter it sorts them by in front.
func (c *Conn) LogHandler(level slog.Leveler) slog.Handler {
	l := &logLine{conn: c}
	l.attrs = slog.NewTextHandler(&l.text, &slog.HandlerOptions{Level: level, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey || a.Key == slog.MessageKey) {
			return slog.Attr{} // the library knows the time, and we write the others ourselves
		}
		return a
	}})
	return logHandler{l, l.attrs}
}

// logLine is where a line is put together.
type logLine struct {
	conn  *Conn
	attrs slog.Handler

	mu   sync.Mutex
	text bytes.Buffer // under mu
}

// logHandler is a handler with the attributes it was given.
type logHandler struct {
	line  *logLine
	attrs slog.Handler
}

// Enabled tells whether a level is sent.
func (h logHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.attrs.Enabled(ctx, level)
}

// WithAttrs returns a handler that adds attributes.
func (h logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return logHandler{h.line, h.attrs.WithAttrs(attrs)}
}

// WithGroup returns a handler that adds a group.
func (h logHandler) WithGroup(name string) slog.Handler {
	return logHandler{h.line, h.attrs.WithGroup(name)}
}

// Handle sends a record.
func (h logHandler) Handle(ctx context.Context, r slog.Record) error {
	h.line.mu.Lock()
	defer h.line.mu.Unlock()
	h.line.text.Reset()
	if err := h.attrs.Handle(ctx, r); err != nil {
		return err
	}
	text := r.Message
	if attrs := bytes.TrimSpace(h.line.text.Bytes()); len(attrs) > 0 {
		text += " " + string(attrs)
	}
	h.line.conn.Log(letter(r.Level), text)
	return nil
}

// letter is how the libraries tell levels apart. They have none between debug and warn.
func letter(level slog.Level) byte {
	switch {
	case level >= slog.LevelError:
		return 'E'
	case level >= slog.LevelWarn:
		return 'W'
	}
	return 'D'
}
