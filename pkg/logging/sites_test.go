package logging

import (
	"fmt"
	"log/slog"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// SECURITY.md, Processes: logs: ≤ 100 lines/s per site with "suppressed N".
func TestHundredLinesASecondAndSite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s sink
		l := New(&s, Config{})
		log := l.Logger()
		for range 1000 {
			log.Error("noisy", "n", 1)
		}
		log.Info("quiet")
		synctest.Wait()
		got := s.lines()
		if len(got) != 101 || count(got, "noisy") != 100 || count(got, "quiet") != 1 {
			t.Fatalf("%d lines", len(got))
		}
		time.Sleep(window)
		synctest.Wait()
		got = s.lines()
		want := regexp.MustCompile(`level=ERROR msg="log lines suppressed" count=900 site=logging/sites_test\.go:\d+ message=noisy$`)
		if len(got) != 102 || !want.MatchString(got[101]) {
			t.Errorf("%q", got[len(got)-1])
		}
		for range 150 {
			log.Info("next second")
		}
		l.Close()
		got = s.lines()
		if len(got) != 203 || count(got, "count=50") != 1 || count(got, "level=INFO msg=\"log lines suppressed\"") != 1 {
			t.Errorf("%d lines, the last %q", len(got), got[len(got)-1])
		}
		if st := l.Stats(); st != (Stats{Written: 203, Suppressed: 950}) {
			t.Errorf("%+v", st)
		}
	})
}

// The report comes with the first line of a later second, too, and only once.
func TestLaterLineEndsTheSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var reports []string
		var s sites
		s.init(1, func(at place, message string, tl tally) {
			reports = append(reports, fmt.Sprint(at, message, tl.suppressed))
		})
		at := place{source: "here "}
		for range 3 {
			s.admit(at, "m", slog.LevelInfo)
		}
		timer := s.timer
		timer.Stop() // as if it were late
		time.Sleep(window)
		if !s.admit(at, "m", slog.LevelInfo) {
			t.Error("a new second begins with nothing")
		}
		s.turn()
		if len(reports) != 1 || reports[0] != "here m2" {
			t.Errorf("%q", reports)
		}
	})
}

func TestHighestLevelIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var level slog.Level
		var s sites
		s.init(1, func(_ place, _ string, tl tally) { level = tl.level })
		for _, v := range []slog.Level{slog.LevelError, slog.LevelDebug, slog.LevelWarn, slog.LevelInfo} {
			s.admit(place{source: "x"}, "", v)
		}
		s.close()
		if level != slog.LevelWarn {
			t.Errorf("%v", level)
		}
	})
}

// A line of code that says many things has a limit for each, up to a cap: what hostile text is in it does not matter.
func TestMessagesOfOneSite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s sink
		l := New(&s, Config{PerSite: 10, Queue: 1 << 20})
		log := l.Logger()
		for range 20 {
			for _, m := range []string{"one", "two"} {
				say(log, m)
			}
		}
		synctest.Wait()
		if got := s.lines(); count(got, "msg=one") != 10 || count(got, "msg=two") != 10 {
			t.Errorf("%q", got)
		}
		for i := range 10_000 {
			say(log, fmt.Sprintf("hostile %d", i))
		}
		if n := len(l.sites.tallies); n != perPlace+1 {
			t.Errorf("%d sites are remembered", n)
		}
		l.Close()
		if got := s.lines(); count(got, "hostile") != perPlace-2+10 {
			t.Errorf("%d hostile lines", count(got, "hostile"))
		}
		if len(l.sites.tallies) != 0 || len(l.sites.messages) != 0 {
			t.Error("Close left something")
		}
	})
}

//go:noinline
func say(log *slog.Logger, message string) { log.Info(message) }

func TestLongMessagesAreNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s sites
		s.init(1, nil)
		a := strings.Repeat("a", longMessage)
		s.admit(place{}, a+strings.Repeat("b", 1<<20), slog.LevelInfo)
		s.admit(place{}, a+"c", slog.LevelInfo)
		if len(s.tallies) != 1 || s.tallies[site{message: a}].suppressed != 1 {
			t.Errorf("%d tallies", len(s.tallies))
		}
		s.timer.Stop()
	})
}

// Every window starts with empty books, so that what is remembered does not grow with time.
func TestNothingIsRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s sites
		s.init(100, nil)
		for i := range 1000 {
			s.admit(place{source: fmt.Sprint(i)}, "m", slog.LevelInfo)
			time.Sleep(window / 4)
		}
		if len(s.tallies) > 4 || len(s.messages) > 4 {
			t.Errorf("%d tallies, %d messages", len(s.tallies), len(s.messages))
		}
	})
}

func TestPlaceNames(t *testing.T) {
	pc, _, _, _ := runtime.Caller(0)
	for _, tt := range []struct {
		at   place
		want string
	}{
		{place{}, `^unknown$`},
		{place{source: "worker 3"}, `^worker 3$`},
		{place{pc: pc}, `^logging/sites_test\.go:\d+$`},
	} {
		if got := tt.at.String(); !regexp.MustCompile(tt.want).MatchString(got) {
			t.Errorf("%q, want %s", got, tt.want)
		}
	}
}
