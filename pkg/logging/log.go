// Package logging is the log of a process: bounded lines per call site, a bounded queue, one writer, and nobody ever waits.
//
// A line goes through three steps: the limit of its call site (sites.go), formatting by log/slog, and the queue (queue.go), from
// which one goroutine writes. What is too much is counted, and a line says how much it was.
package logging

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"sync/atomic"
	"time"
)

// Defaults and bounds.
const (
	defaultPerSite = 100     // lines a second and call site (SECURITY.md, Processes)
	defaultQueue   = 4096    // lines
	queueBytes     = 1 << 20 // of lines that wait; as many may be on their way to the writer
	closeTimeout   = 2 * time.Second
)

// Config is how a log is kept.
type Config struct {
	Level   slog.Leveler // nil: slog.LevelInfo
	Format  string       // json, or anything else for text
	PerSite int          // lines a second and call site; 0: 100
	Queue   int          // lines that may wait for the writer; 0: 4096
	Attrs   []slog.Attr  // on every line, those about the log itself included
}

// Stats counts lines.
type Stats struct {
	Written    uint64
	Suppressed uint64 // by the limit of their call site
	Dropped    uint64 // for want of room in the queue, because writing failed, or after Close
}

// Log is a log. Its methods may be called by any goroutine.
type Log struct {
	json    bool
	inner   slog.Handler // formats into queue; past the limits
	notes   slog.Handler // formats into note, for the writer
	note    bytes.Buffer
	sites   sites
	queue   queue
	written atomic.Uint64
}

// New returns a log that writes to w, and starts its writer. Close ends it.
func New(w io.Writer, c Config) *Log {
	if c.PerSite <= 0 {
		c.PerSite = defaultPerSite
	}
	if c.Queue <= 0 {
		c.Queue = defaultQueue
	}
	l := &Log{json: c.Format == "json"}
	l.queue.init(c.Queue, queueBytes)
	l.inner, l.notes = l.format(&l.queue, c), l.format(&l.note, c)
	l.sites.init(c.PerSite, l.suppressed)
	go l.write(w)
	return l
}

// format is one of slog's handlers, which writes each line with one Write.
func (l *Log) format(w io.Writer, c Config) slog.Handler {
	options := &slog.HandlerOptions{Level: c.Level}
	if l.json {
		return slog.NewJSONHandler(w, options).WithAttrs(c.Attrs)
	}
	return slog.NewTextHandler(w, options).WithAttrs(c.Attrs)
}

// Logger is the log as slog knows it.
func (l *Log) Logger() *slog.Logger { return slog.New(&handler{log: l, inner: l.inner}) }

// Stats counts the lines since New.
func (l *Log) Stats() Stats {
	return Stats{Written: l.written.Load(), Suppressed: l.sites.suppressed.Load(), Dropped: l.queue.dropped.Load()}
}

// Close writes out what is queued, for 2 s at most. Lines that come later are dropped.
func (l *Log) Close() {
	l.sites.close()
	l.queue.close()
	select {
	case <-l.queue.empty:
	case <-time.After(closeTimeout):
	}
}

// write is the writer: it hands batches of whole lines to w until the queue is closed and empty.
func (l *Log) write(w io.Writer) {
	defer close(l.queue.empty)
	for {
		b, ok := l.queue.take()
		if !ok {
			return
		}
		l.put(w, b.bytes, b.lines)
		if b.lost > 0 {
			l.note.Reset()
			handle(l.notes, slog.LevelWarn, "log lines dropped", slog.Uint64("count", b.lost))
			l.put(w, l.note.Bytes(), 1)
		}
	}
}

// put writes n whole lines and counts them.
func (l *Log) put(w io.Writer, lines []byte, n uint64) {
	if n == 0 {
		return
	}
	if _, err := w.Write(lines); err != nil {
		l.queue.dropped.Add(n) // there is nowhere to tell
		return
	}
	l.written.Add(n)
}

// suppressed tells what a call site's limit kept back within a second.
func (l *Log) suppressed(at place, message string, t tally) {
	attrs := []slog.Attr{slog.Uint64("count", t.suppressed), slog.String("site", at.String())}
	if message != "" {
		attrs = append(attrs, slog.String("message", message))
	}
	handle(l.inner, t.level, "log lines suppressed", attrs...)
}

// handle logs past all limits.
func handle(h slog.Handler, level slog.Level, message string, attrs ...slog.Attr) {
	r := slog.NewRecord(time.Now(), level, message, 0)
	r.AddAttrs(attrs...)
	_ = h.Handle(context.Background(), r) // neither queue nor buffer returns errors
}
