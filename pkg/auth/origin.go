package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"
)

// maxRedirects of a key set's URL.
const maxRedirects = 3

func originOf(where string) (origin, error) {
	if !strings.Contains(where, "://") {
		return &keyFile{path: where}, nil
	}
	u, err := url.Parse(where)
	switch {
	case err != nil:
		return nil, errors.New("is not a URL")
	case !trustworthy(u):
		return nil, errors.New("is not https (http is for this machine only)")
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableKeepAlives = true
	return &keyURL{u.String(), &http.Client{Transport: transport, Timeout: fetchTimeout, CheckRedirect: checkRedirect}}, nil
}

// trustworthy tells whether nobody on the way can change what comes from a URL.
func trustworthy(u *url.URL) bool {
	if u.Scheme == "https" && u.Host != "" {
		return true
	}
	address, err := netip.ParseAddr(u.Hostname())
	return u.Scheme == "http" && (u.Hostname() == "localhost" || err == nil && address.IsLoopback())
}

func checkRedirect(r *http.Request, via []*http.Request) error {
	switch {
	case len(via) > maxRedirects:
		return errors.New("leads from one place to the other")
	case !trustworthy(r.URL):
		return errors.New("leads to a place that is not https")
	}
	return nil
}

// keyURL is a key set on a web server.
type keyURL struct {
	url    string
	client *http.Client
}

func (k *keyURL) changed(now, readAt, triedAt time.Time, asked bool) bool {
	return now.Sub(triedAt) >= refreshPause && (asked || now.Sub(readAt) >= refreshEvery)
}

func (k *keyURL) read(ctx context.Context) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, k.url, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/jwk-set+json, application/json")
	response, err := k.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %d", request.URL.Redacted(), response.StatusCode)
	}
	return limited(response.Body)
}

// keyFile is a key set in a file.
type keyFile struct {
	path string
	seen os.FileInfo // of the last attempt; nil: there was no file. Guarded by the source's lock or its flight.
}

// changed looks at the file: one that was written or replaced is worth reading, and no token makes it so.
func (k *keyFile) changed(_, _, _ time.Time, _ bool) bool {
	info, err := os.Stat(k.path)
	switch {
	case err != nil || k.seen == nil:
		return (err != nil) != (k.seen == nil)
	}
	return !os.SameFile(info, k.seen) || info.Size() != k.seen.Size() || !info.ModTime().Equal(k.seen.ModTime())
}

func (k *keyFile) read(context.Context) ([]byte, error) {
	// Before it is read: what is written meanwhile is then a change again.
	info, err := os.Stat(k.path)
	k.seen = info
	switch {
	case err != nil:
		k.seen = nil
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a file", k.path)
	}
	f, err := os.Open(k.path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return limited(f)
}

// limited reads one byte more than a key set may have, so that its reader sees that it is too long.
func limited(r io.Reader) ([]byte, error) { return io.ReadAll(io.LimitReader(r, maxKeySet+1)) }
