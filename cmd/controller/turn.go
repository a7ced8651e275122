package main

import (
	"time"

	"gazpacho/pkg/auth"
	"gazpacho/pkg/room"
	"gazpacho/proto"
)

// relays is how media is relayed for clients, once it was checked.
type relays struct {
	workers *proto.TURNSettings // what they are told, but for the certificate; nil: nothing is relayed
	clients room.TURN           // what rooms tell clients
	secure  bool                // a certificate is needed
}

// on tells whether anything is relayed.
func (t *turnConfig) on() bool { return t.Enabled || len(t.Listen) > 0 }

// checkTURN reads the settings about relays. What is wrong with them is said even if nothing is to be relayed.
func checkTURN(s *checked) error {
	t := &s.TURN
	w := &proto.TURNSettings{
		Listen: t.Listen, Realm: t.Realm, Users: map[string]string{}, RelayAddresses: t.Relays, AllowPeers: t.AllowPeers, DenyPeers: t.DenyPeers,
		MaxLifetime: int(t.MaxLifetime / time.Second), NonceLifetime: int(t.NonceLifetime / time.Second), Quotas: t.Quotas,
		Mobility: t.Mobility, TCPRelay: t.TCPRelay,
	}
	for _, f := range []func(*checked, *proto.TURNSettings) error{
		checkTURNListen, checkTURNRealm, checkTURNUsers, checkTURNSecrets, checkTURNAddresses, checkTURNPorts, checkTURNPeers, checkTURNTimes,
		checkTURNCertificate, checkTURNQuotas, checkTURNURLs,
	} {
		if err := f(s, w); err != nil {
			return err
		}
	}
	if !t.on() {
		s.relays = relays{}
		if len(t.Secrets)+len(t.Users) > 0 || t.SecretFile != "" {
			s.warnings = append(s.warnings, "turn: is off, so what else is said about TURN has no effect")
		}
		return nil
	}
	if len(w.Secrets) == 0 {
		w.Secrets = []string{auth.NewTURNSecret()}
	}
	s.relays.workers = w
	s.relays.clients.Secret, s.relays.clients.Lifetime = []byte(w.Secrets[0]), t.CredentialLifetime
	return nil
}
