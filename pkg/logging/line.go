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
	if !l.inner.Enabled(context.Background(), level) || !l.sites.admit(place{source: source}, "", level) {
		return
	}
	switch {
	case !l.json:
		line = source + ": " + printable(line) + "\n"
	case strings.HasPrefix(line, "{") && json.Valid([]byte(line)):
		line = withSource(line, source)
	default:
		handle(l.inner, level, line, slog.String("source", source))
		return
	}
	_, _ = l.queue.Write([]byte(line)) // never fails
}

// withSource adds a member to a JSON object.
func withSource(object, source string) string {
	body := strings.TrimRight(strings.TrimRight(object, " \t\r\n"), "}") // an inner object's end may go, too
	ends := strings.TrimRight(object, " \t\r\n")[len(body)+1:]
	name, _ := json.Marshal(source) // a string always can be
	comma := ","
	if strings.TrimSpace(body) == "{" {
		comma = ""
	}
	return body + ends + comma + `"source":` + string(name) + "}\n"
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
	for _, mark := range []string{"level=", `"level":"`} {
		// Beyond the time it may be anybody's text.
		_, rest, found := strings.Cut(line[:min(len(line), 80)], mark)
		if !found {
			continue
		}
		name := rest
		if end := strings.IndexAny(rest, " \""); end >= 0 {
			name = rest[:end]
		}
		return level, level.UnmarshalText([]byte(name)) == nil
	}
	return 0, false
}
