package room

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gazpacho/pkg/auth"
	"gazpacho/proto"
)

var turnSecret = []byte("a secret of servers")

func candidate(protocol, address string, port uint16) proto.ICECandidate {
	return proto.ICECandidate{Protocol: protocol, Address: address, Port: port}
}

// The ports of media come first, one of each kind, and servers of their own are always among what is told.
func TestTURNURLs(t *testing.T) {
	many := make([]string, 12)
	for i := range many {
		many[i] = fmt.Sprintf("turn:s%d", i)
	}
	for name, tt := range map[string]struct {
		candidates []proto.ICECandidate
		urls       []string
		want       string
	}{
		"both protocols": {
			[]proto.ICECandidate{candidate("udp", "192.0.2.1", 40000), candidate("tcp", "192.0.2.1", 40000)},
			nil,
			"turn:192.0.2.1:40000?transport=tcp",
		},
		"one of each IP version": {
			[]proto.ICECandidate{candidate("tcp", "192.0.2.1", 1), candidate("tcp", "192.0.2.2", 1), candidate("tcp", "2001:db8::1", 1)},
			nil,
			"turn:192.0.2.1:1?transport=tcp turn:[2001:db8::1]:1?transport=tcp",
		},
		"a name": {[]proto.ICECandidate{candidate("tcp", "sfu.example", 1)}, nil, "turn:sfu.example:1?transport=tcp"},
		"loopback beside an address": {
			[]proto.ICECandidate{candidate("tcp", "127.0.0.1", 1), candidate("tcp", "192.0.2.1", 1), candidate("tcp", "::1", 1)},
			nil,
			"turn:192.0.2.1:1?transport=tcp",
		},
		"loopback alone": {[]proto.ICECandidate{candidate("tcp", "127.0.0.1", 1)}, nil, "turn:127.0.0.1:1?transport=tcp"},
		"servers of their own": {
			[]proto.ICECandidate{candidate("tcp", "192.0.2.1", 1)},
			[]string{"turns:turn.example:443?transport=tcp"},
			"turn:192.0.2.1:1?transport=tcp turns:turn.example:443?transport=tcp",
		},
		"many of those": {
			[]proto.ICECandidate{candidate("udp", "192.0.2.1", 1), candidate("tcp", "192.0.2.1", 1)},
			many[:7],
			"turn:192.0.2.1:1?transport=tcp " + strings.Join(many[:7], " "),
		},
		"too many of those": {[]proto.ICECandidate{candidate("tcp", "192.0.2.1", 1)}, many, strings.Join(many[:8], " ")},
	} {
		c := auth.TURNCredentials{Username: "1:x", Password: "p"}
		got := TURN{Secret: turnSecret, URLs: tt.urls}.servers(c, tt.candidates)
		if len(got) != 1 || strings.Join(got[0].URLs, " ") != tt.want || got[0].Username != "1:x" || got[0].Credential != "p" {
			t.Errorf("%s: %+v\nwant %s", name, got, tt.want)
		}
	}
	if got := (TURN{}).servers(auth.TURNCredentials{}, nil); got != nil {
		t.Errorf("without servers it is %v", got)
	}
}

// Who makes a transport is told how to be relayed, as its grant allows; who makes one for TCP has nothing to relay to, and where TURN is not offered nobody
// hears of it.
func TestICEServers(t *testing.T) {
	rooms, _ := placed(t, func(c *Config) {
		c.TURN = TURN{Secret: turnSecret, URLs: []string{"turns:turn.example:443?transport=tcp"}}
	})
	grant := grantOf("secret room", "alice", "audio", "subscribe")
	p, err := rooms.Enter(t.Context(), Entry{RoomID: "secret room", PeerID: "alice", Grant: grant}, newFake())
	if err != nil {
		t.Fatal(err)
	}
	first, err := p.CreateWebRTCTransport(t.Context(), CreateWebRTCTransport{Producing: true})
	if err != nil {
		t.Fatal(err)
	}
	second, err := p.CreateWebRTCTransport(t.Context(), CreateWebRTCTransport{Consuming: true})
	if err != nil {
		t.Fatal(err)
	}
	text := string(mustJSON(first))
	if want := `"iceServers":[{"urls":["turns:turn.example:443?transport=tcp"],"username":"`; !strings.Contains(text, want) {
		t.Errorf("no %s in\n%s", want, text)
	}
	if user := first.ICEServers[0].Username; strings.Contains(user, "alice") || strings.Contains(user, "room") {
		t.Errorf("the user name %q tells who it is", user)
	}
	if string(mustJSON(first.ICEServers)) != string(mustJSON(second.ICEServers)) {
		t.Errorf("the second transport has others: %v", second.ICEServers)
	}
	if forced, err := p.CreateWebRTCTransport(t.Context(), CreateWebRTCTransport{Consuming: true, ForceTCP: true}); err == nil && len(forced.ICEServers) > 0 {
		t.Errorf("relays lead to no port of UDP: %v", forced.ICEServers)
	}
	if _, err := p.CreateWebRTCTransport(t.Context(), CreateWebRTCTransport{Producing: true}); err != nil {
		t.Error(err)
	}
	p.Leave()
}

// A broadcaster over WebRTC is told, too; its credentials end with its grant.
func TestICEServersOfBroadcasters(t *testing.T) {
	rooms, _ := placed(t, func(c *Config) { c.TURN = TURN{Secret: turnSecret, URLs: []string{"turn:x"}} })
	p, err := rooms.Enter(t.Context(), open("r", "p"), newFake())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Leave()
	g := grantOf("r", "x", "audio")
	g.Expires = time.Now().Add(time.Minute)
	if _, err := p.room.CreateBroadcaster(g, CreateBroadcaster{ID: "x", DisplayName: "X", Device: &BroadcasterDevice{Name: "go"}}); err != nil {
		t.Fatal(err)
	}
	b, err := p.room.Broadcaster(g, "x")
	if err != nil {
		t.Fatal(err)
	}
	made, err := b.CreateTransport(t.Context(), CreateBroadcasterTransport{Type: "webrtc"})
	info, ok := made.(WebRTCTransportInfo)
	if err != nil || !ok || len(info.ICEServers) != 1 || !strings.HasPrefix(info.ICEServers[0].Username, fmt.Sprint(g.Expires.Unix(), ":")) {
		t.Errorf("%+v, %v; want credentials until %d", made, err, g.Expires.Unix())
	}
}

// Nobody hears of servers where there are none.
func TestNoICEServers(t *testing.T) {
	rooms, _ := placed(t)
	p, err := rooms.Enter(t.Context(), open("r", "p"), newFake())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Leave()
	info, err := p.CreateWebRTCTransport(t.Context(), CreateWebRTCTransport{Producing: true})
	if err != nil || strings.Contains(string(mustJSON(info)), "iceServers") {
		t.Errorf("%v: %s", err, mustJSON(info))
	}
}

// What a client holds is good for a quarter of the time at any moment, as long as its grant is; new credentials come by themselves.
func TestTURNCredentialsAreRefreshed(t *testing.T) {
	for name, tt := range map[string]struct {
		grant, renewed, after time.Duration // how long grants last, and when the second comes; 0: for ever, and never
		want                  string        // when news come, and when those credentials end: minutes
	}{
		"for ever":                {0, 0, 0, "45→105 90→150 135→195 180→240 225→285"},
		"the grant is shorter":    {20 * time.Minute, 0, 0, ""},
		"it is renewed":           {20 * time.Minute, 2 * time.Hour, 10 * time.Minute, "10→70 55→115 100→130"},
		"it is renewed for ever":  {20 * time.Minute, 0, 15 * time.Minute, "15→75 60→120 105→165 150→210 195→255 240→300"},
		"it ends on the way":      {100 * time.Minute, 0, 0, "45→100"},
		"it is longer by a bit":   {50 * time.Minute, 0, 0, ""},
		"it becomes shorter then": {0, 50 * time.Minute, 10 * time.Minute, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, _ := bare(t, "other")
				r.rooms.cfg.TURN = TURN{Secret: turnSecret, URLs: []string{"turn:x"}, Lifetime: time.Hour}
				client, start := newFake(), time.Now()
				until := func(d time.Duration) auth.Grant {
					g := grantOf("r", "p", "audio", "subscribe")
					if d > 0 {
						g.Expires = time.Now().Add(d)
					}
					return g
				}
				p, err := r.enter(Entry{RoomID: "r", PeerID: "p", Grant: until(tt.grant)}, client)
				if err != nil {
					t.Fatal(err)
				}
				held := p.relayed([]proto.ICECandidate{candidate("udp", "192.0.2.1", 40000)})
				var news []string
				for minute := range 4 * 60 {
					time.Sleep(time.Minute)
					if tt.after > 0 && time.Since(start) == tt.after {
						if err := p.SetGrant(until(tt.renewed)); err != nil {
							t.Fatal(err)
						}
					}
					synctest.Wait()
					if told := client.take(); told != "" {
						body, ok := strings.CutPrefix(told, "iceServersRefreshed")
						var refreshed struct{ ICEServers []ICEServer }
						if err := json.Unmarshal([]byte(body), &refreshed); !ok || err != nil || len(refreshed.ICEServers) != 1 {
							t.Fatalf("told %s: %v", told, err)
						}
						held = refreshed.ICEServers
						news = append(news, fmt.Sprintf("%d→%d", minute+1, int(endOf(t, held).Sub(start)/time.Minute)))
					}
					left := time.Until(endOf(t, held))
					if mine := p.Grant(); !mine.Expired(time.Now()) && left < 15*time.Minute && (mine.Expires.IsZero() || endOf(t, held).Before(mine.Expires)) {
						t.Fatalf("after %v credentials last for %v", time.Since(start), left)
					}
				}
				if got := strings.Join(news, " "); got != tt.want {
					t.Errorf("news came at %s, want %s", got, tt.want)
				}
				p.Leave()
				client.take()
				time.Sleep(24 * time.Hour)
				if told := client.take(); told != "" {
					t.Errorf("after it left it is told %s", told)
				}
			})
		})
	}
}

// endOf reads when credentials end.
func endOf(t *testing.T, servers []ICEServer) time.Time {
	t.Helper()
	var seconds int64
	if _, err := fmt.Sscanf(servers[0].Username, "%d:", &seconds); err != nil {
		t.Fatal(err)
	}
	return time.Unix(seconds, 0)
}

// A peer that has left gets nothing that starts a timer.
func TestNoCredentialsForWhoLeft(t *testing.T) {
	r, clients := bare(t, "a")
	r.rooms.cfg.TURN, r.log = TURN{Secret: turnSecret}, slog.New(slog.DiscardHandler)
	p := r.peers["a"]
	r.mu.Lock()
	r.part(p)
	r.mu.Unlock()
	if got := p.relayed([]proto.ICECandidate{candidate("udp", "192.0.2.1", 1)}); got != nil || p.relaying.timer != nil {
		t.Errorf("it gets %v", got)
	}
	clients["a"].take()
}
