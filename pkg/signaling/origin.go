package signaling

import (
	"net"
	"net/http"
	"net/url"
	"strings"
)

// origins are the web origins (RFC 6454) whose pages may come in. Browsers say in every request that opens a WebSocket or changes
// something which page sent it; who says nothing is no browser, and could say anything.
type origins struct {
	any   bool
	exact map[string]bool // scheme://host[:port]
	hosts map[string]bool // host[:port]
}

func newOrigins(list []string) origins {
	o := origins{exact: map[string]bool{}, hosts: map[string]bool{}}
	for _, entry := range list {
		entry = strings.ToLower(strings.TrimSuffix(strings.TrimSpace(entry), "/"))
		switch u, err := url.Parse(entry); {
		case entry == "*":
			o.any = true
		case strings.Contains(entry, "://") && err == nil:
			o.exact[canonical(u)] = true
		case entry != "":
			o.hosts[entry] = true
		}
	}
	return o
}

// allow tells whether the page that a request comes from, if any, may make it: one of the same host, whatever its port, or of the list.
func (o origins) allow(r *http.Request) bool {
	values := r.Header.Values("Origin")
	if len(values) == 0 || o.any {
		return true
	}
	u, err := url.Parse(strings.ToLower(values[0]))
	if len(values) > 1 || err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return false // also "null", the origin of pages that have none
	}
	return u.Hostname() == hostOf(r) || o.exact[canonical(u)] || o.hosts[u.Hostname()] || o.hosts[u.Host]
}

// hostOf is the host that a request was sent to, without its port.
func hostOf(r *http.Request) string {
	host := strings.ToLower(r.Host)
	if h, _, err := net.SplitHostPort(host); err == nil {
		return h
	}
	return strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
}

// canonical is an origin without the port that goes without saying (RFC 6454 section 6.2).
func canonical(u *url.URL) string {
	host := u.Host
	if port := u.Port(); u.Scheme == "http" && port == "80" || u.Scheme == "https" && port == "443" {
		host = strings.TrimSuffix(host, ":"+port)
	}
	return u.Scheme + "://" + host
}

// share lets a page of another origin, which is allowed, read the answer (Fetch Standard section 3.2).
func share(w http.ResponseWriter, r *http.Request) {
	w.Header().Add("Vary", "Origin")
	if origin := r.Header.Get("Origin"); origin != "" {
		w.Header().Set("Access-Control-Allow-Origin", origin)
	}
}

// preflight answers a browser that asks before it sends a request of another origin's page.
func preflight(w http.ResponseWriter) {
	w.Header().Set("Access-Control-Allow-Methods", "GET, POST, DELETE")
	w.Header().Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
	w.Header().Set("Access-Control-Max-Age", "600")
	w.WriteHeader(http.StatusNoContent)
}
