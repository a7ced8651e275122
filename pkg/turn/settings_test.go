package turn

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// Settings that make no sense stop the start and say which.
func TestSettings(t *testing.T) {
	addr := netip.MustParseAddr
	for name, test := range map[string]struct {
		change  func(*Config)
		setting string // "" is a good one
	}{
		"as they are":              {func(*Config) {}, ""},
		"defaults":                 {func(c *Config) { *c = Config{Realm: realm, Relays: c.Relays} }, ""},
		"no realm, users":          {func(c *Config) { c.Realm = "" }, "Realm"},
		"long realm":               {func(c *Config) { c.Realm = strings.Repeat("x", 61) }, "Realm"},
		"realm of quotes":          {func(c *Config) { c.Realm = `a"b` }, "Realm"},
		"realm of lines":           {func(c *Config) { c.Realm = "a\nb" }, "Realm"},
		"realm of bytes":           {func(c *Config) { c.Realm = "\xff" }, "Realm"},
		"long software":            {func(c *Config) { c.Software = strings.Repeat("x", 129) }, "Software"},
		"no name":                  {func(c *Config) { c.Users[""] = "x" }, "Users"},
		"long name":                {func(c *Config) { c.Users[strings.Repeat("x", 509)] = "x" }, "Users"},
		"no password":              {func(c *Config) { c.Users["x"] = "" }, "Users"},
		"empty secret":             {func(c *Config) { c.Secrets = [][]byte{{}} }, "Secrets"},
		"no relay":                 {func(c *Config) { c.Relays = nil }, "Relays"},
		"relay without address":    {func(c *Config) { c.Relays = make([]RelayAddress, 1) }, "Relays"},
		"relay on multicast":       {func(c *Config) { c.Relays[0].Local = addr("224.0.0.1") }, "Relays"},
		"relay of another family":  {func(c *Config) { c.Relays[0].Announced = addr("2001:db8::1") }, "Relays"},
		"announced nowhere":        {func(c *Config) { c.Relays[0].Announced = addr("0.0.0.0") }, "Relays"},
		"wildcard not announced":   {func(c *Config) { c.Relays[0] = RelayAddress{Local: addr("0.0.0.0")} }, "Relays"},
		"wildcard, announced":      {func(c *Config) { c.Relays[0].Local = addr("0.0.0.0") }, ""},
		"mapped relay":             {func(c *Config) { c.Relays[0].Local = addr("::ffff:10.1.1.1") }, ""},
		"relay twice":              {func(c *Config) { c.Relays[1] = c.Relays[0] }, "Relays"},
		"low ports":                {func(c *Config) { c.MinPort = 1000 }, "MinPort"},
		"ports the other way":      {func(c *Config) { c.MinPort = c.MaxPort + 1 }, "MinPort"},
		"one port":                 {func(c *Config) { c.MinPort = c.MaxPort }, "MinPort"},
		"no pair of ports":         {func(c *Config) { c.MinPort, c.MaxPort = 50001, 50002 }, "MinPort"},
		"one pair of ports":        {func(c *Config) { c.MinPort, c.MaxPort = 50001, 50003 }, ""},
		"negative lifetime":        {func(c *Config) { c.MaxLifetime = -1 }, "MaxLifetime"},
		"two days":                 {func(c *Config) { c.MaxLifetime = 48 * time.Hour }, "MaxLifetime"},
		"nonces of a day":          {func(c *Config) { c.NonceLifetime = 24 * time.Hour }, "NonceLifetime"},
		"nonces of a millisecond":  {func(c *Config) { c.NonceLifetime = time.Millisecond }, "NonceLifetime"},
		"malformed range, allowed": {func(c *Config) { c.AllowPeers = make([]netip.Prefix, 1) }, "AllowPeers"},
		"range with host bits":     {func(c *Config) { c.DenyPeers = mustPrefixes("10.0.0.1/8") }, "DenyPeers"},
		"negative quota":           {func(c *Config) { c.Quotas.Total = -1 }, "Quotas.Total"},
		"too many permissions":     {func(c *Config) { c.Quotas.Permissions = 101 }, "Quotas.Permissions"},
		"alternate without port":   {func(c *Config) { c.AlternateServers = []netip.AddrPort{netip.AddrPortFrom(clientAddr.Addr(), 0)} }, "AlternateServers"},
	} {
		c := config()
		test.change(&c)
		_, err := c.withDefaults()
		var bad *ConfigError
		switch {
		case test.setting == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case test.setting != "" && (!errors.As(err, &bad) || bad.Setting != test.setting || bad.Unwrap() == nil):
			t.Errorf("%s: %v, want an error of %s", name, err, test.setting)
		}
	}
}

func TestDefaults(t *testing.T) {
	c, err := Config{Realm: realm, Relays: []RelayAddress{{Local: serverAddr.Addr()}}}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	if c.MinPort != 49152 || c.MaxPort != 65535 || c.MaxLifetime != time.Hour || c.NonceLifetime != 600*time.Second || c.Software != "Gazpacho" {
		t.Errorf("%+v", c)
	}
	if c.Quotas.Permissions != 100 || c.Quotas.Channels != 100 || c.Relays[0].Announced != serverAddr.Addr() {
		t.Errorf("%+v", c)
	}
}

func TestPasswordsAreNotInErrors(t *testing.T) {
	c := config()
	c.Users["x"] = strings.Repeat("hidden", 100)
	if _, err := c.withDefaults(); err == nil || strings.Contains(err.Error(), "hidden") {
		t.Errorf("%v", err)
	}
}

func TestReload(t *testing.T) {
	w := newWorld(t)
	c := w.client(clientAddr)
	c.allocate()
	c.expect(0, 8, peer(peerAddr))
	c.expect(0, 9, channelNumber(0x4000), peer(otherPeer))
	for setting, change := range map[string]func(*Config){
		"Relays":         func(c *Config) { c.Relays = c.Relays[:1] },
		"MinPort":        func(c *Config) { c.MaxPort++ },
		"ExclusivePorts": func(c *Config) { c.ExclusivePorts = true },
		"Realm":          func(c *Config) { c.Realm = "" },
	} {
		changed := config()
		change(&changed)
		var bad *ConfigError
		if err := w.server.Reload(w.now, changed); !errors.As(err, &bad) || bad.Setting != setting {
			t.Errorf("%s: %v", setting, err)
		}
	}
	changed := config()
	changed.DenyPeers = mustPrefixes("9.0.0.0/8")
	changed.Users = map[string]string{"anna": "other"}
	if err := w.server.Reload(w.now, changed); err != nil {
		t.Fatal(err)
	}
	c.deliver(channelData(0x4000, "x", 0))
	c.expectDrops("noPermission: 1")
	c.deliver(c.plain(1, 6, peer(peerAddr), data("y")))
	c.onePeer(peerAddr, "y", false)
	if code := codeOf(c.ask(c.signed(4))); code != 401 {
		t.Errorf("a user who is gone refreshes: %d", code)
	}
	w.client(clientAddr).as("anna", "other").allocate()
}
