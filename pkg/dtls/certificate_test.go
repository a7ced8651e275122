package dtls

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"os/exec"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// writePEM makes what an operator would have on disk.
func writePEM(t testing.TB, key crypto.Signer) (certPEM, keyPEM []byte) {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return []byte(certificatePEM(der)), keyToPEM(t, key)
}

func keyToPEM(t testing.TB, key crypto.PrivateKey) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func TestNewCertificate(t *testing.T) {
	now := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	c, err := NewCertificate(rand.Reader, now)
	if err != nil {
		t.Fatal(err)
	}
	x, err := x509.ParseCertificate(c.pair.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	if key, ok := x.PublicKey.(*ecdsa.PublicKey); !ok || key.Curve != elliptic.P256() {
		t.Errorf("key %T", x.PublicKey)
	}
	if x.SignatureAlgorithm != x509.ECDSAWithSHA256 {
		t.Errorf("signed with %v", x.SignatureAlgorithm)
	}
	if err := x.CheckSignature(x.SignatureAlgorithm, x.RawTBSCertificate, x.Signature); err != nil {
		t.Error(err)
	}
	if !x.NotBefore.Before(now) || !x.NotAfter.After(now.AddDate(9, 0, 0)) || x.SerialNumber.Sign() <= 0 {
		t.Errorf("valid from %v to %v, serial %v", x.NotBefore, x.NotAfter, x.SerialNumber)
	}
	other, err := NewCertificate(rand.Reader, now)
	if err != nil || c.Fingerprints()[2] == other.Fingerprints()[2] {
		t.Errorf("two certificates are the same: %v", err)
	}
	if _, err := NewCertificate(iotest.ErrReader(errors.New("no entropy")), now); err == nil {
		t.Error("a certificate without entropy")
	}
}

func TestLoadCertificate(t *testing.T) {
	p256, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	p384, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	p521, _ := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	rsaKey, _ := rsa.GenerateKey(rand.Reader, 2048)
	_, edKey, _ := ed25519.GenerateKey(rand.Reader)
	otherCert, _ := writePEM(t, p384)
	tests := []struct {
		name string
		key  crypto.Signer
		cert []byte // instead of the key's own
		want error
	}{
		{"P-256", p256, nil, nil},
		{"P-384", p384, nil, nil},
		{"P-521", p521, nil, ErrCertificateKey},
		{"RSA", rsaKey, nil, ErrCertificateKey},
		{"Ed25519", edKey, nil, ErrCertificateKey},
		{"another's certificate", p256, otherCert, ErrCertificatePEM},
		{"no PEM", p256, []byte("certificate"), ErrCertificatePEM},
	}
	for _, tt := range tests {
		certPEM, keyPEM := writePEM(t, tt.key)
		if tt.cert != nil {
			certPEM = tt.cert
		}
		c, err := LoadCertificate(certPEM, keyPEM)
		if !errors.Is(err, tt.want) || (c == nil) == (err == nil) {
			t.Errorf("%s: %v, %v, want %v", tt.name, c != nil, err, tt.want)
		}
	}
}

// The fingerprints of a fixed certificate, as sha1sum and its kin print them for the DER.
func TestFingerprintsOf(t *testing.T) {
	got := fingerprintsOf([]byte("abc")) // FIPS 180-2, appendix A to D
	want := []Fingerprint{
		{"sha-1", "A9:99:3E:36:47:06:81:6A:BA:3E:25:71:78:50:C2:6C:9C:D0:D8:9D"},
		{"sha-224", "23:09:7D:22:34:05:D8:22:86:42:A4:77:BD:A2:55:B3:2A:AD:BC:E4:BD:A0:B3:F7:E3:6C:9D:A7"},
		{"sha-256", "BA:78:16:BF:8F:01:CF:EA:41:41:40:DE:5D:AE:22:23:B0:03:61:A3:96:17:7A:9C:B4:10:FF:61:F2:00:15:AD"},
	}
	for i, w := range want {
		if got[i] != w {
			t.Errorf("%v, want %v", got[i], w)
		}
	}
	for i, name := range []string{"sha-1", "sha-224", "sha-256", "sha-384", "sha-512"} {
		if got[i].Algorithm != name {
			t.Errorf("%d is %s, want %s", i, got[i].Algorithm, name)
		}
	}
	if n := len(got[3].Value); n != 48*3-1 {
		t.Errorf("sha-384 of %d characters", n)
	}
	if n := len(got[4].Value); n != 64*3-1 {
		t.Errorf("sha-512 of %d characters", n)
	}
}

func TestFingerprintsAreACopy(t *testing.T) {
	certsOnce.Do(testCertificates)
	ourCert.Fingerprints()[0].Value = "changed"
	if ourCert.Fingerprints()[0].Value == "changed" {
		t.Error("a caller can change the fingerprints")
	}
}

func TestParseFingerprints(t *testing.T) {
	good := fingerprintsOf([]byte("abc"))
	v := good[2].Value
	tests := []struct {
		name string
		in   []Fingerprint
		want error
	}{
		{"all", good, nil},
		{"lower case", []Fingerprint{{"sha-256", strings.ToLower(v)}}, nil},
		{"upper case algorithm", []Fingerprint{{"SHA-256", v}}, nil},
		{"none", nil, ErrNoFingerprint},
		{"md5", []Fingerprint{{"md5", v}}, ErrFingerprintAlgorithm},
		{"no algorithm", []Fingerprint{{"", v}}, ErrFingerprintAlgorithm},
		{"a bad one after a good one", []Fingerprint{good[2], {"md5", v}}, ErrFingerprintAlgorithm},
		{"too short", []Fingerprint{{"sha-256", v[3:]}}, ErrFingerprintValue},
		{"of another hash", []Fingerprint{{"sha-256", good[0].Value}}, ErrFingerprintValue},
		{"empty", []Fingerprint{{"sha-256", ""}}, ErrFingerprintValue},
		{"no colons", []Fingerprint{{"sha-256", strings.ReplaceAll(v, ":", "")}}, ErrFingerprintValue},
		{"not hexadecimal", []Fingerprint{{"sha-256", "GG" + v[2:]}}, ErrFingerprintValue},
		{"long bytes", []Fingerprint{{"sha-256", "00" + v}}, ErrFingerprintValue},
		{"an empty byte", []Fingerprint{{"sha-256", v[2:]}}, ErrFingerprintValue},
	}
	for _, tt := range tests {
		got, err := parseFingerprints(tt.in)
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
		if err == nil && (!matches([]byte("abc"), got) || matches([]byte("abd"), got)) {
			t.Errorf("%s: matches the wrong certificate", tt.name)
		}
	}
	// The error says which.
	if _, err := parseFingerprints([]Fingerprint{{"sha-3", v}}); err == nil || !strings.Contains(err.Error(), `"sha-3"`) {
		t.Errorf("%v does not name the algorithm", err)
	}
	var which *FingerprintError
	if _, err := parseFingerprints([]Fingerprint{good[2], good[1], {"sha-256", "AA"}}); !errors.As(err, &which) || which.Index != 2 {
		t.Errorf("%v is about %+v", err, which)
	}
}

// What the openssl command says about our certificate is what we tell the peer.
func TestFingerprintsAgainstOpenSSL(t *testing.T) {
	certsOnce.Do(testCertificates)
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Log("openssl is not installed: TestFingerprintsOf stands alone")
		return
	}
	for _, f := range ourCert.Fingerprints() {
		cmd := exec.Command("openssl", "x509", "-noout", "-fingerprint", "-"+strings.ReplaceAll(f.Algorithm, "-", ""))
		cmd.Stdin = bytes.NewReader([]byte(certificatePEM(ourCert.pair.Certificate[0])))
		out, err := cmd.Output()
		if err != nil || !strings.HasSuffix(strings.TrimSpace(string(out)), "="+f.Value) {
			t.Errorf("%s: we say %s, openssl %s (%v)", f.Algorithm, f.Value, out, err)
		}
	}
}
