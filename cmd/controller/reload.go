package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync/atomic"
	"time"
)

const (
	// certificatePoll is how often files are looked at: two calls of stat. Watching them by inotify would miss what happens behind
	// symbolic links, which is how Kubernetes and certbot replace them.
	certificatePoll = 5 * time.Second
	// A certificate that nobody renewed is worth a warning a day in its last two weeks, or in the last quarter of a short life.
	expiryWarning = 14 * 24 * time.Hour
	warnEvery     = 24 * time.Hour
	renewEvery    = time.Hour // when it fails
)

// certificates hands out the newest good certificate of some files. One goroutine polls; any may get.
type certificates struct {
	load  func(now time.Time) (tls.Certificate, error)
	files []string
	renew bool // by load, before it ends
	log   *slog.Logger
	// changed is told of a new certificate, by the goroutine that polls; nil: nobody is.
	changed func()

	current atomic.Pointer[tls.Certificate]

	seen     []fs.FileInfo // the files as they were when they were read last; nil: not there
	pending  bool          // they could not be used, perhaps because only one of two was written yet
	warnedAt time.Time     // of the end
	renewAt  time.Time     // not before
}

// newCertificates reads the files for the first time.
func newCertificates(s checked, now time.Time) (*certificates, error) {
	c := &certificates{log: s.log, files: []string{s.TLSCert, s.TLSKey}}
	c.load = func(time.Time) (tls.Certificate, error) { return givenCertificate(s) }
	if s.TLSCert == "" {
		c.files, c.renew = []string{selfSignedPath(s)}, true
		c.load = func(now time.Time) (tls.Certificate, error) { return selfSigned(s, now) }
	}
	return c.first(now)
}

// first reads the files. Looking at them comes first: what changes while it is read is read again.
func (c *certificates) first(now time.Time) (*certificates, error) {
	c.seen = c.stat()
	cert, err := c.load(now)
	if err != nil {
		return nil, err
	}
	c.current.Store(&cert)
	return c, nil
}

// certificate is for tls.Config. Connections that are open keep the certificate they began with.
func (c *certificates) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return c.current.Load(), nil
}

// watch polls until ctx ends, at once whenever asked. Others are polled with it.
func (c *certificates) watch(ctx context.Context, asked <-chan struct{}, others ...*certificates) {
	all := append([]*certificates{c}, others...)
	ticker := time.NewTicker(certificatePoll)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			for _, c := range all {
				c.poll(time.Now())
			}
		case <-asked:
			for _, c := range all {
				c.reload(time.Now())
			}
		case <-ctx.Done():
			return
		}
	}
}

// poll reads the files again if they changed. Files that are no pair get a second chance before anybody hears of it: a renewal
// writes two files, and we may look between them.
func (c *certificates) poll(now time.Time) {
	files := c.stat()
	switch changed := !sameFiles(files, c.seen); {
	case changed:
		c.seen = files
		c.pending = c.replace(now) != nil
	case c.pending:
		c.pending = false
		c.complain(c.replace(now))
	case c.renew && endsSoon(c.current.Load(), now, renewSelfSigned) && !now.Before(c.renewAt):
		c.renewAt = now.Add(renewEvery)
		c.complain(c.replace(now))
	}
	c.warn(now)
}

// reload reads the files whether they changed or not, and says so.
func (c *certificates) reload(now time.Time) {
	c.seen, c.pending = c.stat(), false
	c.complain(c.replace(now))
	c.warn(now)
}

// replace takes a certificate that is not worse than the one there is. That it fits the key and that both can be parsed was checked by
// load; whether names fit is the operator's business.
func (c *certificates) replace(now time.Time) error {
	cert, err := c.load(now)
	if err != nil {
		return err
	}
	old := c.current.Load()
	if end := cert.Leaf.NotAfter; !now.Before(end) && now.Before(old.Leaf.NotAfter) {
		return fmt.Errorf("it ended at %s", end.Format(time.RFC3339))
	}
	c.current.Store(&cert)
	if !cert.Leaf.Equal(old.Leaf) {
		c.warnedAt = time.Time{}
		c.log.Info("the certificate was read again", "names", cert.Leaf.DNSNames, "ends", cert.Leaf.NotAfter.Format(time.RFC3339))
		if c.changed != nil {
			c.changed()
		}
	}
	return nil
}

func (c *certificates) complain(err error) {
	if err != nil {
		c.log.Error("the new certificate is not used, the one before stays", "error", err)
	}
}

// warn tells of a certificate that nobody renews. Self-signed ones renew themselves.
func (c *certificates) warn(now time.Time) {
	cert := c.current.Load()
	life := cert.Leaf.NotAfter.Sub(cert.Leaf.NotBefore)
	if c.renew || !endsSoon(cert, now, min(expiryWarning, life/4)) || now.Before(c.warnedAt.Add(warnEvery)) {
		return
	}
	c.warnedAt = now
	text := "the certificate ends soon"
	if !now.Before(cert.Leaf.NotAfter) {
		text = "the certificate has ended: clients refuse it"
	}
	c.log.Warn(text, "file", c.files[0], "ends", cert.Leaf.NotAfter.Format(time.RFC3339))
}

func endsSoon(cert *tls.Certificate, now time.Time, soon time.Duration) bool {
	return now.After(cert.Leaf.NotAfter.Add(-soon))
}

// stat is what tells files apart without reading them. It follows symbolic links.
func (c *certificates) stat() []fs.FileInfo {
	list := make([]fs.FileInfo, len(c.files))
	for i, name := range c.files {
		list[i], _ = os.Stat(name) // nil is something to compare with, too
	}
	return list
}

func sameFiles(a, b []fs.FileInfo) bool {
	for i := range a {
		if (a[i] == nil) != (b[i] == nil) {
			return false
		}
		if a[i] != nil && !(os.SameFile(a[i], b[i]) && a[i].Size() == b[i].Size() && a[i].ModTime().Equal(b[i].ModTime())) {
			return false
		}
	}
	return true
}

// givenCertificate is the one that the settings name.
func givenCertificate(s checked) (tls.Certificate, error) {
	return certificateOf(s, "tls-cert", s.TLSCert, "tls-key", s.TLSKey)
}

// certificateOf reads two files that settings name.
func certificateOf(s checked, certSetting, cert, keySetting, key string) (tls.Certificate, error) {
	c, err := tls.LoadX509KeyPair(cert, key)
	var path *fs.PathError
	if errors.As(err, &path) && path.Path == key && key != cert {
		return c, s.wrong(keySetting, err)
	}
	if err != nil {
		return c, s.wrong(certSetting, err)
	}
	return c, nil
}
