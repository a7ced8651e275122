package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"time"

	"gazpacho/proto"
)

// newTURNCertificates reads the certificate of relays for the first time. It returns nil if they have that of the page, or none.
func newTURNCertificates(s checked, now time.Time) (*certificates, error) {
	if !s.relays.secure || s.TURN.TLSCert == "" {
		return nil, nil
	}
	c := &certificates{log: s.log.With("of", "relays"), files: []string{s.TURN.TLSCert, s.TURN.TLSKey}}
	c.load = func(time.Time) (tls.Certificate, error) {
		return certificateOf(s, "turn-tls-cert", s.TURN.TLSCert, "turn-tls-key", s.TURN.TLSKey)
	}
	return c.first(now)
}

// turnSettings is what workers are told of relays; nil: nothing is relayed.
func (c *controller) turnSettings() (*proto.TURNSettings, error) {
	if c.relays.workers == nil {
		return nil, nil
	}
	settings := *c.relays.workers
	if !c.relays.secure {
		return &settings, nil
	}
	source := c.certificates
	if c.turnCertificates != nil {
		source = c.turnCertificates
	}
	var err error
	settings.Certificate, settings.Key, err = pemOf(source.current.Load())
	return &settings, err
}

// pemOf is a certificate as text, which workers are sent over their channels: they read no files.
func pemOf(c *tls.Certificate) (chain, key string, err error) {
	var b bytes.Buffer
	for _, der := range c.Certificate {
		_ = pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: der}) // writing to memory does not fail
	}
	secret, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		return "", "", err
	}
	return b.String(), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})), nil
}

// renewTURN has workers take a certificate that has just been read.
func (c *controller) renewTURN(ctx context.Context) {
	settings, err := c.turnSettings()
	if err == nil {
		err = c.workers.UpdateTURN(ctx, *settings)
	}
	if err != nil {
		c.log.Error("relays have not taken the new certificate", "error", err)
	}
}

// watchCertificates has those of the page and of relays read again until ctx ends.
func (c *controller) watchCertificates(ctx context.Context, asked <-chan struct{}) {
	source, others := c.certificates, []*certificates(nil)
	if c.turnCertificates != nil {
		source, others = c.turnCertificates, append(others, c.turnCertificates)
	}
	if c.relays.secure {
		source.changed = func() { c.renewTURN(ctx) }
	}
	c.certificates.watch(ctx, asked, others...)
}

// turnEvent logs what clients do with relays. What an operator may want to look into is a refusal; the rest is daily life. User names are hostile text,
// which the log's formats quote.
func turnEvent(log *slog.Logger) func(slot int, name string, e proto.TURNEvent) {
	texts := map[string]string{
		proto.EventTURNCreated: "a client is relayed", proto.EventTURNRefreshed: "a client is relayed on", proto.EventTURNMoved: "a relayed client moved",
		proto.EventTURNEnded: "a client is not relayed any more", proto.EventTURNDenied: "a client was refused by a relay",
	}
	return func(slot int, name string, e proto.TURNEvent) {
		level := slog.LevelDebug
		if name == proto.EventTURNDenied {
			level = slog.LevelInfo
		}
		values := []any{"worker", slot, "client", e.Client, "listener", e.Listener, "user", e.Username}
		for _, v := range []struct{ key, text string }{{"relay", e.Relay}, {"reason", e.Reason}, {"method", e.Method}} {
			if v.text != "" {
				values = append(values, v.key, v.text)
			}
		}
		if e.Code != 0 {
			values = append(values, "code", e.Code)
		}
		if e.Suppressed != 0 {
			values = append(values, "suppressed", e.Suppressed)
		}
		log.Log(context.Background(), level, texts[name], values...)
	}
}
