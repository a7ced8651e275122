package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// pair is a certificate and its key in two files.
type pair struct {
	t         *testing.T
	cert, key string
	serial    int64
	writes    int
}

func newPair(t *testing.T) *pair {
	dir := t.TempDir()
	return &pair{t: t, cert: filepath.Join(dir, "cert.pem"), key: filepath.Join(dir, "key.pem")}
}

// generate makes the PEM texts of a certificate with the next serial number.
func (p *pair) generate(from, to time.Time) (cert, key []byte) {
	p.t.Helper()
	p.serial++
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		p.t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(p.serial), NotBefore: from, NotAfter: to, DNSNames: []string{"sfu.example"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		p.t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		p.t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})
}

// put writes a file as tools do that renew: a new file takes the name, or the old one is written over.
func (p *pair) put(file string, text []byte) {
	p.t.Helper()
	name := file
	if p.serial%2 != 0 {
		name += ".new"
	}
	if err := os.WriteFile(name, text, 0o600); err != nil {
		p.t.Fatal(err)
	}
	// The clock of file systems may stand still for as long as this test takes.
	p.writes++
	if err := os.Chtimes(name, time.Time{}, start.Add(time.Duration(p.writes)*time.Second)); err != nil {
		p.t.Fatal(err)
	}
	if err := os.Rename(name, file); err != nil {
		p.t.Fatal(err)
	}
}

func (p *pair) write(from, to time.Time) {
	p.t.Helper()
	cert, key := p.generate(from, to)
	p.put(p.cert, cert)
	p.put(p.key, key)
}

// reloading is certificates with a clock and a log.
type reloading struct {
	*certificates
	t   *testing.T
	now time.Time
	log lines
}

func newReloading(t *testing.T, p *pair, now time.Time) *reloading {
	t.Helper()
	r := &reloading{t: t, now: now}
	cfg := testConfig(t)
	cfg.TLSCert, cfg.TLSKey = p.cert, p.key
	c, err := newCertificates(checked{config: cfg, log: slog.New(slog.NewTextHandler(&r.log, nil))}, now)
	if err != nil {
		t.Fatal(err)
	}
	r.certificates = c
	return r
}

// after polls some time later and checks which certificate is handed out and how often the log has told what.
func (r *reloading) after(d time.Duration, serial int64, again, errors, warnings int) {
	r.t.Helper()
	r.now = r.now.Add(d)
	r.poll(r.now)
	r.expect(serial, again, errors, warnings)
}

func (r *reloading) expect(serial int64, again, errors, warnings int) {
	r.t.Helper()
	c, err := r.certificate(nil)
	if err != nil || c.Leaf.SerialNumber.Int64() != serial {
		r.t.Errorf("certificate %v is handed out, %v; want %d", c.Leaf.SerialNumber, err, serial)
	}
	log := r.log.String()
	if a, e, w := strings.Count(log, "was read again"), strings.Count(log, "level=ERROR"), strings.Count(log, "level=WARN"); a != again || e != errors || w != warnings {
		r.t.Errorf("%d times read again, %d errors, %d warnings; want %d, %d, %d\n%s", a, e, w, again, errors, warnings, log)
	}
}

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

const year = 365 * 24 * time.Hour

func TestCertificateIsReadAgain(t *testing.T) {
	p := newPair(t)
	p.write(start, start.Add(year))
	r := newReloading(t, p, start)
	r.after(certificatePoll, 1, 0, 0, 0)
	p.write(start, start.Add(2*year))
	r.after(certificatePoll, 2, 1, 0, 0)
	r.after(certificatePoll, 2, 1, 0, 0)
	p.write(start, start.Add(2*year))
	r.after(certificatePoll, 3, 2, 0, 0)
	// The same once more is no news.
	text, err := os.ReadFile(p.cert)
	if err != nil {
		t.Fatal(err)
	}
	p.put(p.cert, text)
	r.after(certificatePoll, 3, 2, 0, 0)
}

// What is broken changes nothing and is told once, not at every poll; and not at all if it is whole by the next one.
func TestBrokenCertificateIsNotUsed(t *testing.T) {
	p := newPair(t)
	p.write(start, start.Add(year))
	r := newReloading(t, p, start)

	cert, key := p.generate(start, start.Add(year))
	p.put(p.cert, cert)
	r.after(certificatePoll, 1, 0, 0, 0) // half a renewal
	p.put(p.key, key)
	r.after(certificatePoll, 2, 1, 0, 0)

	p.put(p.key, []byte("no PEM"))
	r.after(certificatePoll, 2, 1, 0, 0)
	r.after(certificatePoll, 2, 1, 1, 0)
	r.after(certificatePoll, 2, 1, 1, 0)
	_, other := p.generate(start, start.Add(year))
	p.put(p.key, other) // another's key
	r.after(certificatePoll, 2, 1, 1, 0)
	r.after(certificatePoll, 2, 1, 2, 0)

	if err := os.Remove(p.cert); err != nil {
		t.Fatal(err)
	}
	r.after(certificatePoll, 2, 1, 2, 0)
	r.after(certificatePoll, 2, 1, 3, 0)
	r.after(time.Hour, 2, 1, 3, 0)
	if strings.Contains(r.log.String(), "PRIVATE") {
		t.Errorf("the key is in the log:\n%s", &r.log)
	}
	p.write(start, start.Add(year)) // all is well again
	r.after(certificatePoll, p.serial, 2, 3, 0)
}

// Who asks gets an answer at once.
func TestReloadWhenAsked(t *testing.T) {
	p := newPair(t)
	p.write(start, start.Add(year))
	r := newReloading(t, p, start)
	p.write(start, start.Add(year))
	r.reload(r.now)
	r.expect(2, 1, 0, 0)
	p.put(p.key, nil)
	r.reload(r.now)
	r.expect(2, 1, 1, 0)
	r.after(certificatePoll, 2, 1, 1, 0)
}

// A certificate that has ended does not replace one that has not.
func TestEndedCertificateIsNotUsed(t *testing.T) {
	p := newPair(t)
	p.write(start, start.Add(year))
	r := newReloading(t, p, start)
	p.write(start.Add(-year), start.Add(-time.Hour))
	r.after(certificatePoll, 1, 0, 0, 0)
	r.after(certificatePoll, 1, 0, 1, 0)
	if !strings.Contains(r.log.String(), "ended at 2025-12-31T23:00:00Z") {
		t.Errorf("%s", &r.log)
	}
}

// A certificate that nobody renews is worth a line a day: the last two weeks of a long life, the last quarter of a short one.
func TestCertificateEndsSoon(t *testing.T) {
	for life, soon := range map[time.Duration]time.Duration{year: 14 * 24 * time.Hour, 8 * 24 * time.Hour: 2 * 24 * time.Hour} {
		p := newPair(t)
		p.write(start, start.Add(life))
		r := newReloading(t, p, start)
		r.after(life-soon-time.Minute, 1, 0, 0, 0)
		r.after(2*time.Minute, 1, 0, 0, 1)
		r.after(23*time.Hour, 1, 0, 0, 1)
		r.after(2*time.Hour, 1, 0, 0, 2)
		r.now = start.Add(life)
		r.after(3*time.Hour, 1, 0, 0, 3)
		if !strings.Contains(r.log.String(), "has ended: clients refuse it") {
			t.Errorf("%s", &r.log)
		}
		p.write(r.now, r.now.Add(life))
		r.after(certificatePoll, 2, 1, 0, 3)
		r.after(25*time.Hour, 2, 1, 0, 3)
	}
}

// The self-signed certificate renews itself while the controller runs, and comes back when somebody removes it.
func TestSelfSignedIsRenewed(t *testing.T) {
	var log lines
	s := checked{config: testConfig(t), log: slog.New(slog.NewTextHandler(&log, nil))}
	c, err := newCertificates(s, start)
	if err != nil {
		t.Fatal(err)
	}
	first := c.current.Load().Leaf
	c.poll(start.Add(selfSignedFor - renewSelfSigned - time.Hour))
	if !c.current.Load().Leaf.Equal(first) {
		t.Error("it is renewed too early")
	}
	c.poll(start.Add(selfSignedFor - renewSelfSigned + time.Hour))
	second := c.current.Load().Leaf
	if second.Equal(first) || !second.NotAfter.After(first.NotAfter) {
		t.Errorf("it is not renewed: %v", second.NotAfter)
	}
	now := start.Add(selfSignedFor)
	if err := os.Remove(selfSignedPath(s)); err != nil {
		t.Fatal(err)
	}
	c.poll(now)
	if _, err := os.Stat(selfSignedPath(s)); err != nil || c.current.Load().Leaf.Equal(second) {
		t.Errorf("%v", err)
	}
	if strings.Contains(log.String(), "ERROR") || strings.Contains(log.String(), "WARN") {
		t.Errorf("%s", &log)
	}
}

// A renewal that fails is tried again, not at every poll.
func TestSelfSignedCannotBeRenewed(t *testing.T) {
	var log lines
	s := checked{config: testConfig(t), log: slog.New(slog.NewTextHandler(&log, nil))}
	c, err := newCertificates(s, start)
	if err != nil {
		t.Fatal(err)
	}
	// A directory in the certificate's place, found there from the beginning.
	if err := os.Remove(selfSignedPath(s)); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(selfSignedPath(s), 0o700); err != nil {
		t.Fatal(err)
	}
	c.seen = c.stat()
	end := start.Add(selfSignedFor)
	for i := range 10 {
		c.poll(end.Add(time.Duration(i) * certificatePoll))
	}
	if n := strings.Count(log.String(), "level=ERROR"); n != 1 {
		t.Errorf("%d errors\n%s", n, &log)
	}
	c.poll(end.Add(renewEvery))
	if n := strings.Count(log.String(), "level=ERROR"); n != 2 {
		t.Errorf("%d errors\n%s", n, &log)
	}
}

// Which of the two files is at fault is told.
func TestWrongCertificateFiles(t *testing.T) {
	p := newPair(t)
	p.write(start, start.Add(year))
	for _, tt := range []struct{ cert, key, want string }{
		{p.cert, p.cert + ".none", "--tls-key: "}, {p.cert + ".none", p.key, "--tls-cert: "}, {p.key, p.cert, "--tls-cert: "}, {p.cert, p.cert, "--tls-cert: "},
	} {
		cfg := testConfig(t)
		cfg.TLSCert, cfg.TLSKey = tt.cert, tt.key
		if _, err := givenCertificate(checked{config: cfg}); err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%+v: %v", tt, err)
		}
	}
}

// The running program takes a renewed certificate on SIGHUP; who is connected stays, and it goes on.
func TestSIGHUP(t *testing.T) {
	p := newPair(t)
	p.write(time.Now(), time.Now().Add(year))
	c, log := started(t, nil, "--tls-cert", p.cert, "--tls-key", p.key, "--workers", "1")
	defer func() {
		_ = c.Process.Signal(syscall.SIGTERM)
		if err := c.Wait(); err != nil {
			t.Errorf("%v\n%s", err, log)
		}
	}()
	address := log.address(t)
	shown := func() int64 {
		t.Helper()
		conn, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
	}
	if n := shown(); n != 1 {
		t.Errorf("certificate %d", n)
	}
	p.write(time.Now(), time.Now().Add(year))
	if err := c.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(20 * time.Second)
	for shown() != 2 {
		if time.Now().After(deadline) {
			t.Fatalf("the certificate is not taken\n%s", log)
		}
	}
}
