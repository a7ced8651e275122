package admin

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestReadiness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, everything(), everything())
		s := New(Config{Version: "1.2.3", Workers: f})
		check := func(status int, text string) {
			t.Helper()
			w := ask(s, "/readyz")
			if w.Code != status || w.Body.String() != text+"\n" || w.Header().Get("Content-Type") != "text/plain; charset=utf-8" {
				t.Errorf("%d %q, want %d %q", w.Code, w.Body, status, text)
			}
			// The process serves, whatever it is ready for.
			if w := ask(s, "/healthz"); w.Code != http.StatusOK || w.Body.String() != "ok\n" {
				t.Errorf("healthz: %d %q", w.Code, w.Body)
			}
		}
		s.SetReady(false) // said early, it means nothing
		check(503, "not ready: starting")
		s.SetReady(true)
		check(200, "ready")
		f.stats.Slots[0].Running = false
		check(200, "ready")
		f.stats.Slots[1].Running, f.stats.Slots[1].Quarantined = false, true
		check(503, "not ready: none of 2 workers runs")
		time.Sleep(90 * time.Second)
		w := ask(s, "/readyz", func(r *http.Request) { r.Header.Set("Accept", "text/html, application/json") })
		var detail map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &detail); err != nil {
			t.Fatal(err)
		}
		want := `{"reason":"none of 2 workers runs","status":"not ready","uptimeSeconds":90,"version":"1.2.3",` +
			`"workers":{"quarantined":1,"running":0,"wanted":2}}`
		if got, _ := json.Marshal(detail); string(got) != want || w.Code != 503 || w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%d %s", w.Code, got)
		}
		f.stats.Slots[0].Running = true
		check(200, "ready")
		s.SetReady(false)
		check(503, "not ready: ending")
	})
}

func TestIndexLinksToWhatThereIs(t *testing.T) {
	s := New(Config{Version: "<1.2.3>", Workers: newFleet(t, everything(), everything())})
	for _, path := range []string{"/", "/debug/pprof/"} {
		w := ask(s, path)
		page := w.Body.String()
		if w.Code != 200 || !strings.Contains(page, "&lt;1.2.3&gt;") || strings.Contains(page, "<1.2.3>") {
			t.Errorf("%d %s", w.Code, page)
		}
		links := strings.Split(page, `href="`)[1:]
		if len(links) != 3+8+2*6 {
			t.Errorf("%d links", len(links))
		}
		for _, l := range links {
			target, _, _ := strings.Cut(l, `"`)
			if strings.Contains(target, "workers") || observed[target[strings.LastIndexByte(target, '/')+1:]] != nil {
				continue // take their time, or a worker
			}
			if w := ask(s, target); w.Code == 404 {
				t.Errorf("%s: %d", target, w.Code)
			}
		}
		if h := w.Header(); h.Get("Content-Security-Policy") == "" || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Cache-Control") != "no-store" {
			t.Errorf("%v", h)
		}
	}
}
