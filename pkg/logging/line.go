package logging

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
)

// Line passes on a line that another process logged, with its source named. A source has the limit of a call site, so that one
// that logs like mad floods nothing. The level is that of the line, as LevelOf reads it, or the caller's opinion. In a JSON log a
// line that is no JSON object, such as one of a panic's trace, becomes the message of one.
func (l *Log) Line(source string, level slog.Level, line string) {
	kind := "log"
	if _, ok := LevelOf(line); !ok {
		kind = "output" // has a limit of its own, lest the lines before a panic's trace use it up
	}
	if !l.inner.Enabled(context.Background(), level) || !l.sites.admit(place{source: source}, kind, level) {
		return
	}
	switch {
	case !l.json:
		line = source + ": " + printable(line) + "\n"
	case strings.HasPrefix(line, "{") && !strings.Contains(line, "\n") && json.Valid([]byte(line)):
		line = withSource(line, source)
	default:
		handle(l.inner, level, line, slog.String("source", source))
		return
	}
	_, _ = l.queue.Write([]byte(line)) // never fails
}

// withSource adds a member to a JSON object.
func withSource(object, source string) string {
	body := strings.TrimSuffix(strings.TrimRight(object, " \t\r\n"), "}")
	if strings.TrimSpace(body) != "{" {
		body += ","
	}
	name, _ := json.Marshal(source) // a string always can be
	return body + `"source":` + string(name) + "}\n"
}

// printable replaces what terminals would obey. The lines of slog have nothing of the kind.
func printable(line string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' || r >= 0x7f && r < 0xa0 {
			return '�'
		}
		return r
	}, line)
}

// LevelOf is the level that a line of slog's text or JSON format names; ok is false when it names none.
func LevelOf(line string) (level slog.Level, ok bool) {
	mark := "level="
	if strings.HasPrefix(line, "{") {
		mark = `"level":"`
	}
	// Only the time comes before it; further on may be anybody's text.
	_, name, found := strings.Cut(line[:min(len(line), 80)], mark)
	if !found {
		return 0, false
	}
	if end := strings.IndexAny(name, " \""); end >= 0 {
		name = name[:end]
	}
	err := level.UnmarshalText([]byte(name))
	return level, err == nil
}
