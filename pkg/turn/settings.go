package turn

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"time"
	"unicode/utf8"
)

// Defaults and limits of settings.
const (
	defaultMinPort       = 49152 // the dynamic ports, where RFC 8656 section 7.2 wants relays
	defaultMaxPort       = 65535
	defaultMaxLifetime   = time.Hour
	defaultNonceLifetime = 10 * time.Minute // R-TURN-2
	defaultSoftware      = "Gazpacho"
	mostPerAllocation    = 100 // permissions, and channels (R-TURN-3)
	maxRealm             = 60  // more would not fit an answer that does not amplify; see challenge
	maxSoftware          = 128 // characters (RFC 8489 section 14.14)
	maxPassword          = 508
)

// withDefaults returns the settings as they are used, or says which makes no sense.
func (c Config) withDefaults() (Config, error) {
	if c.Software == "" {
		c.Software = defaultSoftware
	}
	if c.MinPort == 0 && c.MaxPort == 0 {
		c.MinPort, c.MaxPort = defaultMinPort, defaultMaxPort
	}
	if c.MaxLifetime == 0 {
		c.MaxLifetime = defaultMaxLifetime
	}
	if c.NonceLifetime == 0 {
		c.NonceLifetime = defaultNonceLifetime
	}
	q := &c.Quotas
	for _, n := range []*int{&q.Permissions, &q.Channels} {
		if *n == 0 {
			*n = mostPerAllocation
		}
	}
	c.Relays = slices.Clone(c.Relays)
	for i := range c.Relays {
		r := &c.Relays[i]
		r.Local = r.Local.Unmap()
		if r.Announced = r.Announced.Unmap(); !r.Announced.IsValid() {
			r.Announced = r.Local
		}
	}
	return c, c.check()
}

// check says which setting makes no sense.
func (c *Config) check() error {
	for _, check := range []struct {
		setting string
		err     error
	}{
		{"Realm", c.checkRealm()},
		{"Software", checkText(c.Software, maxSoftware)},
		{"Users", c.checkUsers()},
		{"Secrets", c.checkSecrets()},
		{"Relays", c.checkRelays()},
		{"MinPort", c.checkPorts()},
		{"MaxLifetime", between(c.MaxLifetime, time.Second, 24*time.Hour)},
		{"NonceLifetime", between(c.NonceLifetime, time.Second, maxNonceAge)},
		{"AllowPeers", checkPrefixes(c.AllowPeers)},
		{"DenyPeers", checkPrefixes(c.DenyPeers)},
		{"AlternateServers", checkAddresses(c.AlternateServers)},
	} {
		if check.err != nil {
			return &ConfigError{Setting: check.setting, Err: check.err}
		}
	}
	return c.Quotas.check()
}

func (c *Config) checkRealm() error {
	if c.Realm == "" {
		return errors.New("is empty, and part of every user's key")
	}
	return checkText(c.Realm, maxRealm)
}

// checkText takes what may stand in a quoted-string without an escape.
func checkText(text string, most int) error {
	if len(text) > most {
		return fmt.Errorf("has %d bytes, %d are the most", len(text), most)
	}
	if !utf8.ValidString(text) {
		return errors.New("is not UTF-8")
	}
	for _, r := range text {
		if r < ' ' || r == '"' || r == '\\' || r == 0x7f {
			return fmt.Errorf("contains %q", r)
		}
	}
	return nil
}

// checkUsers names no password, and no name that it does not have to.
func (c *Config) checkUsers() error {
	for name, password := range c.Users {
		switch {
		case name == "" || len(name) > maxUsername || !utf8.ValidString(name):
			return fmt.Errorf("the user name %.20q must be UTF-8 of 1 to %d bytes", name, maxUsername)
		case password == "" || len(password) > maxPassword:
			return fmt.Errorf("the password of %q must have 1 to %d bytes", name, maxPassword)
		}
	}
	return nil
}

func (c *Config) checkSecrets() error {
	for i, secret := range c.Secrets {
		if len(secret) == 0 {
			return fmt.Errorf("number %d is empty", i+1)
		}
	}
	return nil
}

func (c *Config) checkRelays() error {
	if len(c.Relays) == 0 {
		return errors.New("there is no relay address")
	}
	for i, r := range c.Relays {
		switch {
		case !r.Local.IsValid() || r.Local.IsMulticast() || r.Local.Zone() != "":
			return fmt.Errorf("%v is no address to relay on", r.Local)
		case r.Announced.IsUnspecified():
			return fmt.Errorf("%v needs an address to announce", r.Local)
		case r.Local.Is4() != r.Announced.Is4() || r.Announced.IsMulticast() || r.Announced.Zone() != "":
			return fmt.Errorf("%v cannot be announced as %v", r.Local, r.Announced)
		}
		for _, other := range c.Relays[:i] {
			if other.Local == r.Local {
				return fmt.Errorf("%v is there twice", r.Local)
			}
		}
	}
	return nil
}

func (c *Config) checkPorts() error {
	if c.MinPort < 1024 || c.MaxPort < c.MinPort {
		return fmt.Errorf("%d to %d is no range of ports from 1024", c.MinPort, c.MaxPort)
	}
	if even := (int(c.MinPort) + 1) &^ 1; even+1 > int(c.MaxPort) { // of EVEN-PORT
		return fmt.Errorf("%d to %d has no room for a pair of ports, the first of which is even", c.MinPort, c.MaxPort)
	}
	return nil
}

func (q *Quotas) check() error {
	for _, n := range []struct {
		setting  string
		is, most int
	}{
		{"PerUser", q.PerUser, math.MaxInt},
		{"PerIP", q.PerIP, math.MaxInt},
		{"Total", q.Total, math.MaxInt},
		{"Permissions", q.Permissions, mostPerAllocation},
		{"Channels", q.Channels, mostPerAllocation},
		{"Bitrate", q.Bitrate, math.MaxInt},
		{"PacketRate", q.PacketRate, math.MaxInt},
	} {
		switch {
		case n.is < 0:
			return &ConfigError{Setting: "Quotas." + n.setting, Err: fmt.Errorf("%d is negative", n.is)}
		case n.is > n.most:
			return &ConfigError{Setting: "Quotas." + n.setting, Err: fmt.Errorf("%d is more than the %d that an allocation may have", n.is, n.most)}
		}
	}
	return nil
}

func between(d, least, most time.Duration) error {
	if d < least || d > most {
		return fmt.Errorf("%v is not between %v and %v", d, least, most)
	}
	return nil
}

func checkPrefixes(list []netip.Prefix) error {
	for _, p := range list {
		if !p.IsValid() || p != p.Masked() {
			return fmt.Errorf("%v is no prefix of addresses", p)
		}
	}
	return nil
}

func checkAddresses(list []netip.AddrPort) error {
	for _, a := range list {
		if !a.IsValid() || a.Port() == 0 || a.Addr().Zone() != "" {
			return fmt.Errorf("%v is no address of a server", a)
		}
	}
	return nil
}
