package supervisor

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"gazpacho/proto"
)

func turnConfig(t *testing.T, workers int) Config {
	cfg := testConfig(t, workers)
	cfg.TURN = &proto.TURNSettings{Realm: "example.org", Secrets: []string{"north"}}
	return cfg
}

// knowing waits until each worker knows the media ports of all others.
func knowing(t *testing.T, s *Supervisor, workers int) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		all, ok := s.Running(), true
		for _, w := range all {
			w.relaying.mu.Lock()
			ok = ok && slices.Equal(w.relaying.told.MediaPorts, s.mediaOfOthers(w))
			w.relaying.mu.Unlock()
		}
		if ok && len(all) == workers {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("workers do not hear of each other's ports")
		}
		time.Sleep(time.Millisecond)
	}
}

// All workers relay, on the address where they take media, to the media of all, and so does one that takes the place of another.
func TestWorkersRelay(t *testing.T) {
	s := start(t, turnConfig(t, 3))
	knowing(t, s, 3)
	first := placed(t, s)
	signal(t, first, syscall.SIGKILL)
	replaced(t, s, first)
	knowing(t, s, 3)
	for _, w := range s.Running() {
		stats, err := w.Stats(t.Context())
		if err != nil || !stats.TURN.Enabled {
			t.Errorf("worker %d relays: %v, %v", w.Slot, stats.TURN.Enabled, err)
		}
		told := w.relaying.told
		if len(told.MediaPorts) != 2 || slices.Contains(told.MediaPorts, w.relaying.media[0]) || !slices.Equal(told.RelayAddresses, []string{"127.0.0.1"}) {
			t.Errorf("worker %d, which takes media at %v, was told %+v", w.Slot, w.relaying.media, told)
		}
	}
}

// What changes reaches the workers that run, and those that start later.
func TestRelaysAreUpdated(t *testing.T) {
	s := start(t, turnConfig(t, 2))
	knowing(t, s, 2)
	if err := s.UpdateTURN(t.Context(), proto.TURNSettings{Realm: "example.org", Secrets: []string{"south"}}); err != nil {
		t.Fatal(err)
	}
	w := placed(t, s)
	signal(t, w, syscall.SIGKILL)
	replaced(t, s, w)
	knowing(t, s, 2)
	for _, w := range s.Running() {
		if !slices.Equal(w.relaying.told.Secrets, []string{"south"}) {
			t.Errorf("worker %d has %v", w.Slot, w.relaying.told.Secrets)
		}
	}
	if err := s.UpdateTURN(t.Context(), proto.TURNSettings{}); err == nil || !strings.Contains(err.Error(), "turn-realm: ") {
		t.Errorf("without a realm: %v", err)
	}
}

// A setting that no worker takes stops the start, by its name.
func TestWrongRelays(t *testing.T) {
	for setting, change := range map[string]func(*proto.TURNSettings){
		"turn-realm":         func(s *proto.TURNSettings) { s.Realm = "" },
		"turn-listen":        func(s *proto.TURNSettings) { s.Listen = []string{"udp:192.0.2.1:3478"} },
		"turn-relay-address": func(s *proto.TURNSettings) { s.RelayAddresses = []string{"0.0.0.0"} },
		"turn-relay-ports":   func(s *proto.TURNSettings) { s.MinPort, s.MaxPort = 50001, 50000 },
		"turn-allow-peer":    func(s *proto.TURNSettings) { s.AllowPeers = []string{"10.0.0.1/8"} },
		"turn-tls-cert":      func(s *proto.TURNSettings) { s.Listen = []string{"tls:127.0.0.1:0"} },
		"turn-max-lifetime":  func(s *proto.TURNSettings) { s.MaxLifetime = 1 << 30 },
		"turn-user":          func(s *proto.TURNSettings) { s.Users = map[string]string{"name": ""} },
	} {
		cfg := turnConfig(t, 1)
		change(cfg.TURN)
		s, err := Start(t.Context(), cfg)
		if err == nil {
			s.Close()
		}
		var wrong *SettingError
		if !errors.As(err, &wrong) || wrong.Setting != setting {
			t.Errorf("%s: %v", setting, err)
		}
	}
}

func addrs(texts ...string) (list []netip.Addr) {
	for _, text := range texts {
		list = append(list, netip.MustParseAddr(text))
	}
	return list
}

// Clients are told the addresses that they can call, TLS last.
func TestTURNURLs(t *testing.T) {
	for _, tt := range []struct {
		listen, announced []string
		want              string
	}{
		{[]string{"tls:192.0.2.1:443", "udp:192.0.2.1:3478", "tcp:192.0.2.1:3478"}, nil, "turn:192.0.2.1:3478?transport=udp turn:192.0.2.1:3478?transport=tcp turns:192.0.2.1:443?transport=tcp"},
		{[]string{"tls:0.0.0.0:443"}, []string{"turn.example"}, "turns:turn.example:443?transport=tcp"},
		{[]string{"udp:0.0.0.0:3478", "udp:[2001:db8::1]:3478"}, []string{"198.51.100.7"}, "turn:198.51.100.7:3478?transport=udp turn:[2001:db8::1]:3478?transport=udp"},
		{[]string{"dtls:192.0.2.1:5349"}, nil, ""},
	} {
		got, err := RTC{Announced: tt.announced}.TURNURLs(tt.listen)
		if err != nil || strings.Join(got, " ") != tt.want {
			t.Errorf("%v as %v: %v, %v; want %s", tt.listen, tt.announced, got, err, tt.want)
		}
	}
	if urls, err := (RTC{}).TURNURLs([]string{"udp:0.0.0.0:3478"}); err != nil || len(urls) != 1 || strings.Contains(urls[0], "0.0.0.0") {
		t.Errorf("all addresses: %v, %v", urls, err)
	}
	if _, err := (RTC{}).TURNURLs([]string{"udp:localhost:3478"}); err == nil {
		t.Error("a name is no address")
	}
}

// Relays are where media is received, one of each IP version, and are announced as that is.
func TestRelayAddresses(t *testing.T) {
	for _, tt := range []struct {
		listen, announced []string
		want              string
	}{
		{[]string{"127.0.0.1", "192.0.2.1", "192.0.2.2", "2001:db8::1"}, nil, "192.0.2.1 2001:db8::1"},
		{[]string{"10.0.0.5"}, []string{"198.51.100.7"}, "10.0.0.5=198.51.100.7"},
		{[]string{"10.0.0.5", "2001:db8::1"}, []string{"198.51.100.7"}, "10.0.0.5=198.51.100.7 2001:db8::1"},
		{[]string{"10.0.0.5"}, []string{"sfu.example"}, "10.0.0.5"},
	} {
		got, err := RTC{Listen: addrs(tt.listen...), Announced: tt.announced}.relayAddresses()
		if err != nil || strings.Join(got, " ") != tt.want {
			t.Errorf("%v as %v: %v, %v; want %s", tt.listen, tt.announced, got, err, tt.want)
		}
	}
	got, err := RTC{Listen: addrs("0.0.0.0"), Announced: []string{"198.51.100.7"}}.relayAddresses()
	if err != nil || len(got) != 1 || strings.HasPrefix(got[0], "0.0.0.0") || !strings.HasSuffix(got[0], "=198.51.100.7") {
		t.Errorf("all addresses, announced: %v, %v", got, err)
	}
}

// A media port is known by each address that clients may call it by.
func TestMediaPorts(t *testing.T) {
	got, err := RTC{Announced: []string{"198.51.100.7"}}.mediaPorts([]proto.IPPort{{IP: "10.0.0.5", Port: 40000}, {IP: "2001:db8::1", Port: 40000}})
	if want := "[198.51.100.7:40000=10.0.0.5:40000 [2001:db8::1]:40000]"; err != nil || fmt.Sprint(got) != want {
		t.Errorf("%v, %v; want %s", got, err, want)
	}
	got, err = RTC{}.mediaPorts([]proto.IPPort{{IP: "0.0.0.0", Port: 40000}})
	if err != nil || !slices.Contains(got, "127.0.0.1:40000") || slices.Contains(got, "0.0.0.0:40000") {
		t.Errorf("of all addresses: %v, %v", got, err)
	}
	if _, err := (RTC{}).mediaPorts([]proto.IPPort{{IP: "x"}}); err == nil {
		t.Error("x is an address")
	}
}
