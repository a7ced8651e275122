package admin

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
)

// FuzzGuard sends any Host, Origin, Sec-Fetch-Site and method: what gets through could not have been sent by a page of another site, nor under a
// name that somebody else can make resolve to this machine.
func FuzzGuard(f *testing.F) {
	f.Add("localhost:9090", "", "", "GET")
	f.Add("[::1]:9090", "", "same-origin", "HEAD")
	f.Add("127.0.0.1", "http://evil.example", "cross-site", "GET")
	f.Add("localhost.evil.example", "", "none", "GET")
	f.Add("[::ffff:127.0.0.1%lo]", "null", "", "POST")
	var reached bool
	h := guard(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	f.Fuzz(func(t *testing.T, host, origin, site, method string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host, r.Method = host, method
		r.Header["Origin"], r.Header["Sec-Fetch-Site"] = []string{origin}, []string{site}
		reached = false
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if !reached {
			if w.Code != http.StatusForbidden && w.Code != http.StatusMethodNotAllowed {
				t.Fatalf("refused with %d", w.Code)
			}
			return
		}
		if origin != "" || site != "" && site != "none" && site != "same-origin" || method != http.MethodGet && method != http.MethodHead {
			t.Fatalf("%q of %q, %q got through", method, origin, site)
		}
		// As a browser would have come by the header: by a URL.
		u, err := url.Parse("http://" + host + "/")
		if err != nil || u.Host != host {
			return
		}
		name := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
		a, err := netip.ParseAddr(name)
		if name != "localhost" && !strings.HasSuffix(name, ".localhost") && (err != nil || !a.Unmap().IsLoopback()) {
			t.Fatalf("%q got through", host)
		}
	})
}
