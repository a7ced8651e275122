package admin

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// guard refuses what a web page in a browser of this machine could have sent: pages of other sites, and those whose name was made to
// resolve to 127.0.0.1 after they were loaded (DNS rebinding), which then count as the same site.
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
		switch {
		case !localHost(r):
			http.Error(w, "the Host header must name this machine: localhost, 127.0.0.1 or [::1]", http.StatusForbidden)
		case foreign(r):
			http.Error(w, "requests of other sites' pages are not answered", http.StatusForbidden)
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			h.Set("Allow", "GET, HEAD")
			http.Error(w, "there is nothing to do here but to read", http.StatusMethodNotAllowed)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// localHost tells whether a request was meant for this machine. Over a Unix socket it was: no browser can use one.
func localHost(r *http.Request) bool {
	if local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok && local.Network() == "unix" {
		return true
	}
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.ToLower(strings.Trim(host, "[]")), ".")
	// RFC 6761 §6.3: names under localhost are loopback, and resolvers must not ask anybody.
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.Unmap().IsLoopback()
}

// foreign tells whether a browser says that another site's page is behind a request. Scrapers and command lines say nothing.
func foreign(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin":
		return r.Header.Get("Origin") != "" // a page of ours sends none with GET
	}
	return true
}
