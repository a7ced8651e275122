package worker

import (
	"log/slog"
	"time"

	"gazpacho/proto"
)

// levelNone is above every level: nothing is logged.
const levelNone = slog.LevelError + 100

// ParseLevel reads a log level: debug, info, warn, error or none.
func ParseLevel(name string) (slog.Level, bool) {
	switch name {
	case "debug":
		return slog.LevelDebug, true
	case "info":
		return slog.LevelInfo, true
	case "warn":
		return slog.LevelWarn, true
	case "error":
		return slog.LevelError, true
	case "none":
		return levelNone, true
	}
	return 0, false
}

// updateSettings changes what may change while the worker runs. Log tags are accepted as in mediasoup, and select nothing: levels do.
func (w *Worker) updateSettings(_ time.Time, b *proto.UpdateSettings) (any, *proto.Error) {
	if b.LogLevel == "" {
		return nil, nil
	}
	level, ok := ParseLevel(b.LogLevel)
	if !ok {
		return nil, proto.BadField("logLevel", "%q is not debug, info, warn, error or none", b.LogLevel)
	}
	if w.cfg.Level != nil {
		w.cfg.Level.Set(level)
	}
	return nil, nil
}
