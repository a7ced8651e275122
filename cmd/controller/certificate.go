package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

const (
	selfSignedFile = "self-signed.pem" // certificate and key
	// A certificate that browsers were told to trust should not change without need, but browsers refuse those that are valid for
	// too long.
	selfSignedFor   = 365 * 24 * time.Hour
	renewSelfSigned = 30 * 24 * time.Hour // before its end
)

func selfSignedPath(s checked) string { return filepath.Join(s.DataDir, selfSignedFile) }

// selfSigned is the certificate of the data directory, which is made when it is not there or ends soon.
func selfSigned(s checked, now time.Time) (tls.Certificate, error) {
	file := selfSignedPath(s)
	c, err := readSelfSigned(file, now)
	if err == nil {
		return c, nil
	}
	if !errors.Is(err, os.ErrNotExist) && !errors.Is(err, errRenew) {
		return c, s.wrong("data-dir", err)
	}
	text, err := makeSelfSigned(now)
	if err != nil {
		return c, err
	}
	if err := writeFile(file, text); err != nil {
		return c, s.wrong("data-dir", err)
	}
	return tls.X509KeyPair(text, text)
}

// errRenew says that a certificate is of no use any more.
var errRenew = errors.New("the certificate is to be renewed")

func readSelfSigned(file string, now time.Time) (tls.Certificate, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return tls.Certificate{}, err
	}
	c, err := tls.X509KeyPair(text, text)
	if err != nil || now.After(c.Leaf.NotAfter.Add(-renewSelfSigned)) || now.Before(c.Leaf.NotBefore) {
		return c, errRenew
	}
	return c, nil
}

// makeSelfSigned makes a certificate for this machine's names and addresses.
func makeSelfSigned(now time.Time) ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	names := []string{"localhost"}
	if host, err := os.Hostname(); err == nil && host != "" && host != "localhost" {
		names = append(names, host)
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "Gazpacho"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(selfSignedFor), // an hour for clocks that lag
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true, DNSNames: names, IPAddresses: ownAddresses(),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	// Writing to memory does not fail.
	_ = pem.Encode(&text, &pem.Block{Type: "CERTIFICATE", Bytes: der})
	_ = pem.Encode(&text, &pem.Block{Type: "PRIVATE KEY", Bytes: secret})
	return text.Bytes(), nil
}

// ownAddresses are those that a browser may have in its address bar.
func ownAddresses() []net.IP {
	list := []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	found, err := net.InterfaceAddrs()
	if err != nil {
		return list
	}
	for _, a := range found {
		if n, ok := a.(*net.IPNet); ok && n.IP.IsGlobalUnicast() {
			list = append(list, n.IP)
		}
	}
	return list
}

// writeFile writes a secret so that a crash leaves the old file or the new one.
func writeFile(file string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("certificate cannot be kept: %w", err)
	}
	return nil
}
