package web

import (
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/fstest"
)

func request(t *testing.T, h http.Handler, method, path string, header map[string]string) *http.Response {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, nil)
	for name, value := range header {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// bundled looks like page/ after `make build`.
var bundled = fstest.MapFS{
	"fallback.html":          {Data: []byte("not built")},
	"fallback.css":           {Data: []byte("p{}")},
	"dist/index.html":        {Data: []byte("<!doctype html>the page")},
	"dist/favicon.svg":       {Data: []byte("<svg/>")},
	"dist/licenses.txt":      {Data: []byte("ISC")},
	"dist/assets/main-1.js":  {Data: []byte("run()")},
	"dist/assets/main-1.css": {Data: []byte("b{}")},
	"dist/assets/odd.bin":    {Data: []byte{0}},
}

func TestServesTheBundle(t *testing.T) {
	h := newHandler(bundled)
	cases := []struct {
		path, contentType, cache, body string
	}{
		{"/", "text/html; charset=utf-8", "no-cache", "<!doctype html>the page"},
		{"/?roomId=a&name=b", "text/html; charset=utf-8", "no-cache", "<!doctype html>the page"},
		{"/?roomId=a&token=t", "text/html; charset=utf-8", "no-store", "<!doctype html>the page"},
		{"/index.html", "text/html; charset=utf-8", "no-cache", "<!doctype html>the page"},
		{"/favicon.svg", "image/svg+xml", "no-cache", "<svg/>"},
		{"/licenses.txt", "text/plain; charset=utf-8", "no-cache", "ISC"},
		{"/assets/main-1.js", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable", "run()"},
		{"/assets/main-1.css", "text/css; charset=utf-8", "public, max-age=31536000, immutable", "b{}"},
		{"/assets/odd.bin", "application/octet-stream", "public, max-age=31536000, immutable", "\x00"},
	}
	for _, c := range cases {
		r := request(t, h, http.MethodGet, c.path, nil)
		if r.StatusCode != http.StatusOK || r.Header.Get("Content-Type") != c.contentType || r.Header.Get("Cache-Control") != c.cache {
			t.Errorf("%s: %d %q %q", c.path, r.StatusCode, r.Header.Get("Content-Type"), r.Header.Get("Cache-Control"))
		}
		if got := body(t, r); got != c.body {
			t.Errorf("%s: body %q, want %q", c.path, got, c.body)
		}
	}
}

// Nothing but the files themselves: no folders, no way out of them, no fallback beside the bundle.
func TestServesNothingElse(t *testing.T) {
	h := newHandler(bundled)
	for _, path := range []string{
		"/assets", "/assets/", "/dist/index.html", "/fallback.html", "/nothing", "/assets/../index.html",
		"/..%2fweb.go", "//", "/assets/main-1.js/", "/%00",
	} {
		r := request(t, h, http.MethodGet, path, nil)
		if r.StatusCode != http.StatusNotFound {
			t.Errorf("%s: status %d, want 404", path, r.StatusCode)
		}
		if text := body(t, r); strings.Contains(text, "main-1") || strings.Contains(text, "<a") {
			t.Errorf("%s: lists files: %q", path, text)
		}
	}
}

func TestMethods(t *testing.T) {
	h := newHandler(bundled)
	head := request(t, h, http.MethodHead, "/", nil)
	if head.StatusCode != http.StatusOK || body(t, head) != "" || head.Header.Get("Content-Length") != "23" {
		t.Errorf("HEAD: %d %v", head.StatusCode, head.Header)
	}
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions} {
		r := request(t, h, method, "/", nil)
		if r.StatusCode != http.StatusMethodNotAllowed || r.Header.Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: status %d, Allow %q", method, r.StatusCode, r.Header.Get("Allow"))
		}
	}
}

func TestRevalidation(t *testing.T) {
	h := newHandler(bundled)
	etag := request(t, h, http.MethodGet, "/", nil).Header.Get("Etag")
	if etag == "" {
		t.Fatal("no ETag")
	}
	if r := request(t, h, http.MethodGet, "/", map[string]string{"If-None-Match": etag}); r.StatusCode != http.StatusNotModified {
		t.Errorf("known content is sent again: status %d", r.StatusCode)
	}
	changed := fstest.MapFS{"dist/index.html": {Data: []byte("another page")}}
	if r := request(t, newHandler(changed), http.MethodGet, "/", map[string]string{"If-None-Match": etag}); r.StatusCode != http.StatusOK {
		t.Errorf("changed content is not sent: status %d", r.StatusCode)
	}
}

// Every answer carries the rules, those to bad requests too. No inline code, no other host, no frames around it.
func TestSecurityHeaders(t *testing.T) {
	for _, h := range []http.Handler{newHandler(bundled), newHandler(withoutDist(t))} {
		for _, path := range []string{"/", "/nothing"} {
			r := request(t, h, http.MethodGet, path, nil)
			policy := r.Header.Get("Content-Security-Policy")
			for _, rule := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"} {
				if !strings.Contains(policy, rule) {
					t.Errorf("%s: the policy lacks %s: %s", path, rule, policy)
				}
			}
			if strings.Contains(policy, "unsafe") || strings.Contains(policy, "http") || strings.Contains(policy, "*") {
				t.Errorf("%s: the policy is open: %s", path, policy)
			}
			if r.Header.Get("X-Content-Type-Options") != "nosniff" || r.Header.Get("Referrer-Policy") != "no-referrer" {
				t.Errorf("%s: headers %v", path, r.Header)
			}
			if !strings.Contains(r.Header.Get("Permissions-Policy"), "camera=(self)") {
				t.Errorf("%s: the page may not use the camera: %v", path, r.Header)
			}
		}
	}
}

// withoutDist is the committed folder as it is before the first `make build`.
func withoutDist(t *testing.T) fs.FS {
	t.Helper()
	files := fstest.MapFS{}
	for _, name := range []string{"fallback.html", "fallback.css"} {
		content, err := os.ReadFile("page/" + name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = &fstest.MapFile{Data: content}
	}
	return files
}

func TestFallbackSaysHowToMakeThePage(t *testing.T) {
	h := newHandler(withoutDist(t))
	r := request(t, h, http.MethodGet, "/", nil)
	if r.StatusCode != http.StatusServiceUnavailable || r.Header.Get("Cache-Control") != "no-store" || r.Header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("status %d, headers %v", r.StatusCode, r.Header)
	}
	page := body(t, r)
	if !strings.Contains(page, "make build") || strings.Contains(page, "<script") || strings.Contains(page, "<style") {
		t.Errorf("unexpected page: %s", page)
	}
	if r := request(t, h, http.MethodHead, "/", nil); body(t, r) != "" {
		t.Error("HEAD has a body")
	}
	if css := request(t, h, http.MethodGet, "/fallback.css", nil); css.StatusCode != http.StatusOK {
		t.Errorf("its style is not served: %d", css.StatusCode)
	}
}

// The embedded folder itself: whichever of the two pages this binary has, Handler serves it.
func TestHandlerServesWhatIsEmbedded(t *testing.T) {
	want := http.StatusServiceUnavailable
	if Bundled() {
		want = http.StatusOK
	}
	r := request(t, Handler(), http.MethodGet, "/", nil)
	if r.StatusCode != want {
		t.Errorf("status %d, want %d", r.StatusCode, want)
	}
	if page := body(t, r); !strings.Contains(page, "<title>Gazpacho") {
		t.Errorf("not our page: %s", page)
	}
}
