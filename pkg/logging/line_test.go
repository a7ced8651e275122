package logging

import (
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
)

func TestLinesOfOthers(t *testing.T) {
	const jsonLine = `{"time":"2026-01-01T00:00:00Z","level":"WARN","msg":"hi","n":{"a":{}}}`
	for _, tt := range []struct{ name, format, line, want string }{
		{"text", "text", "time=x level=INFO msg=hi", "worker 0: time=x level=INFO msg=hi\n"},
		{"terminal codes", "text", "a\x1b[31mb\tc\rd\u0085e\nf", "worker 0: a\ufffd[31mb\tc\ufffdd\ufffde\ufffdf\n"},
		{"json in text", "text", "{}", "worker 0: {}\n"},
		{"json", "json", jsonLine, jsonLine[:len(jsonLine)-1] + `,"source":"worker 0"}` + "\n"},
		{"empty object", "json", "{ } ", `{ "source":"worker 0"}` + "\n"},
		{"trace", "json", "goroutine 1 [running]:", `"level":"ERROR","msg":"goroutine 1 [running]:","source":"worker 0"}` + "\n"},
		{"half an object", "json", `{"a":`, `"level":"ERROR","msg":"{\"a\":","source":"worker 0"}` + "\n"},
		{"two objects", "json", `{}{}`, `"msg":"{}{}","source":"worker 0"}` + "\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var s sink
			l := New(&s, Config{Format: tt.format})
			l.Line("worker 0", slog.LevelError, tt.line)
			l.Close()
			got := s.text.String()
			if !strings.HasSuffix(got, tt.want) || strings.Count(got, "\n") != 1 {
				t.Errorf("%q, want %q", got, tt.want)
			}
			if tt.format == "json" && !json.Valid([]byte(got)) {
				t.Errorf("%q is no JSON", got)
			}
		})
	}
}

// A worker that logs like mad has the share of one call site, whatever it says, and the others have theirs.
func TestSourcesAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s sink
		l := New(&s, Config{})
		for i := range 5000 {
			l.Line("worker 0", slog.LevelInfo, "level=INFO msg="+strings.Repeat("x", i%50))
		}
		l.Line("worker 0", slog.LevelError, "panic: oh no")
		l.Line("worker 1", slog.LevelInfo, "level=INFO msg=hello")
		l.Close()
		got := s.lines()
		if count(got, "worker 0: level") != 100 || count(got, "worker 0: panic: oh no") != 1 || count(got, "hello") != 1 ||
			count(got, `msg="log lines suppressed" count=4900 site="worker 0" message=log`) != 1 {
			t.Errorf("%d lines, the last %q", len(got), got[len(got)-1])
		}
	})
}

// LevelOf reads what slog writes.
func TestLevelOf(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		for _, level := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError, slog.LevelError + 2, slog.LevelInfo - 1} {
			var s sink
			l := New(&s, Config{Level: slog.LevelDebug, Format: format})
			l.Logger().Log(t.Context(), level, "level=x \"level\":\"y\"")
			l.Close()
			if got, ok := LevelOf(s.lines()[0]); !ok || got != level {
				t.Errorf("%v, %v of %s", got, ok, s.lines()[0])
			}
		}
	}
	for _, line := range []string{"", "panic: x", "level=", "level=loud msg", `"level":"`, strings.Repeat("x", 80) + "level=INFO"} {
		if level, ok := LevelOf(line); ok {
			t.Errorf("%v of %q", level, line)
		}
	}
}

func FuzzLevelOf(f *testing.F) {
	for _, s := range []string{"", "time=x level=INFO msg=hi", `{"level":"WARN"}`, "level=ERROR+99", "level=INFO-"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		if _, ok := LevelOf(line); ok && !strings.Contains(line, "level") {
			t.Errorf("a level of %q", line)
		}
	})
}

// FuzzLine: whatever a worker says is one line, and in a JSON log one object.
func FuzzLine(f *testing.F) {
	for _, s := range []string{"", "{}", "{", "x\ny", `{"a":1}  `, "\xff\x1b", `{"a":"}"}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		for _, format := range []string{"json", "text"} {
			var s sink
			l := New(&s, Config{Format: format})
			l.Line("w", slog.LevelError, line)
			l.Close()
			got := s.text.String()
			if strings.Count(got, "\n") != 1 {
				t.Errorf("%q", got)
			}
			var object map[string]any
			if err := json.Unmarshal([]byte(got), &object); format == "json" && (err != nil || object["source"] != "w") {
				t.Errorf("%v: %q", err, got)
			}
			if format == "text" && strings.ContainsRune(got, 0x1b) {
				t.Errorf("%q", got)
			}
		}
	})
}
