package worker

import (
	"errors"
	"os"

	"gazpacho/pkg/dtls"
	"gazpacho/pkg/loop"
)

// LoadCertificate reads the DTLS certificate and key from PEM files. Without file names it returns nil, for which Run makes a certificate.
// The error is a *SettingError.
func LoadCertificate(certificate, key string) (*dtls.Certificate, error) {
	switch {
	case certificate == "" && key == "":
		return nil, nil
	case certificate == "":
		return nil, &SettingError{Setting: "dtls-certificate", Err: errors.New("is missing, but there is a dtls-key")}
	case key == "":
		return nil, &SettingError{Setting: "dtls-key", Err: errors.New("is missing, but there is a dtls-certificate")}
	}
	certPEM, err := os.ReadFile(certificate)
	if err != nil {
		return nil, &SettingError{Setting: "dtls-certificate", Err: err}
	}
	keyPEM, err := os.ReadFile(key)
	if err != nil {
		return nil, &SettingError{Setting: "dtls-key", Err: err}
	}
	c, err := dtls.LoadCertificate(certPEM, keyPEM)
	if err != nil {
		return nil, &SettingError{Setting: "dtls-certificate", Err: err}
	}
	return c, nil
}

// IsPanic tells whether Run ended because of a panic.
func IsPanic(err error) bool {
	var p *loop.PanicError
	return errors.As(err, &p)
}
