//go:build e2e

package web

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/coder/websocket"
)

var names = []string{
	"Ada Lovelace", "Grace Hopper", "Alan", "Edsger Dijkstra", "Barbara Liskov", "Ken", "Radia Perlman", "Vint Cerf",
	"Margaret Hamilton", "Donald", "Hedy Lamarr", "Tim Berners-Lee",
}

// crowd makes n people, some of them muted or without a camera.
func crowd(n int) []fakePeer {
	peers := make([]fakePeer, n)
	for i := range peers {
		peers[i] = fakePeer{id: fmt.Sprintf("peer%d", i), name: names[i%len(names)], mic: i%3 != 2, camera: i%4 != 3}
	}
	return peers
}

const joined = `window.gazpacho?.state === 'joined'`

func tiles(n int) string {
	return fmt.Sprintf(`document.querySelectorAll('.stage .tile').length === %d && [...document.querySelectorAll('.stage .tile')].every((t) => t.offsetWidth > 0)`, n)
}

func TestGridOfEverySize(t *testing.T) {
	sizes := []struct {
		name          string
		width, height int64
	}{{"desktop", 1280, 800}, {"phone", 390, 844}, {"phone-landscape", 844, 390}}
	for _, size := range sizes {
		for _, n := range []int{1, 2, 3, 4, 7, 12} {
			t.Run(fmt.Sprintf("%s-%d", size.name, n), func(t *testing.T) {
				f := newFakeRoom(t, crowd(n-1)...)
				b := open(t, f, "roomId=basil-fig&name=Sam&autojoin=1", size.width, size.height, "")
				b.until(joined)
				b.until(tiles(n))
				b.until(`document.querySelector('.tile.self.live') !== null`)
				if n > 1 {
					f.notify("activeSpeaker", map[string]any{"peerId": "peer0", "volume": -30})
					b.until(`document.querySelector('.tile.speaking') !== null`)
				}
				b.shot(fmt.Sprintf("grid-%s-%02d", size.name, n))
			})
		}
	}
}

func TestJoinScreen(t *testing.T) {
	f := newFakeRoom(t, crowd(2)...)
	for _, size := range [][2]int64{{1280, 800}, {390, 844}} {
		b := open(t, f, "roomId=basil-fig", size[0], size[1], "")
		b.until(`document.querySelector('.preview video')?.videoWidth > 2`)
		b.shot(fmt.Sprintf("join-%d", size[0]))
	}
	b := open(t, f, "roomId=basil-fig&video=0&audio=0", 1280, 800, "")
	b.until(`document.querySelector('[data-toggle=camera].warn') !== null`)
	b.shot("join-off")
}

// joining types a name, presses the button and expects to be among the others, with everything the server must hear of it.
func TestJoinByHand(t *testing.T) {
	f := newFakeRoom(t, crowd(3)...)
	b := open(t, f, "roomId=basil-fig", 1280, 800, "")
	b.do(chromedp.SendKeys(chromedp.CSS("input[name=name]"), "Sam"), chromedp.Click(chromedp.CSS("button.primary")))
	b.until(joined)
	b.until(tiles(4))
	join := f.await("join", nil)
	if join["displayName"] != "Sam" || join["rtpCapabilities"] == nil || join["device"] == nil {
		t.Errorf("join lacks something: %v", join)
	}
	for _, kind := range []string{"audio", "video"} {
		produce := f.await("produce", func(data map[string]any) bool { return data["kind"] == kind })
		encodings := produce["rtpParameters"].(map[string]any)["encodings"].([]any)
		if want := map[string]int{"audio": 1, "video": 3}[kind]; len(encodings) != want {
			t.Errorf("%s has %d encodings, want %d", kind, len(encodings), want)
		}
	}
	if room := eval[string](b, `new URL(location.href).searchParams.get('roomId')`); room != "basil-fig" {
		t.Errorf("the address names room %q", room)
	}
}

func TestEncodingsFollowTheAddress(t *testing.T) {
	cases := []struct {
		query, mime, rids string
		modes             string
	}{
		{"", "video/VP8", "r0,r1,r2", "L1T3,L1T3,L1T3"},
		{"codec=h264", "video/H264", "r0,r1,r2", "L1T1,L1T1,L1T1"},
		{"simulcast=0", "video/VP8", "", ""},
	}
	for _, c := range cases {
		t.Run(c.query, func(t *testing.T) {
			f := newFakeRoom(t)
			b := open(t, f, "roomId=r&autojoin=1&forceTcp=1&"+c.query, 1280, 800, "")
			b.until(`window.gazpacho?.producers.get('camera') !== undefined`)
			f.await("createWebRtcTransport", func(data map[string]any) bool { return data["forceTcp"] == true })
			parameters := `window.gazpacho.producers.get('camera').rtpParameters`
			if mime := eval[string](b, parameters+`.codecs[0].mimeType`); mime != c.mime {
				t.Errorf("codec is %s, want %s", mime, c.mime)
			}
			if rids := eval[string](b, parameters+`.encodings.map((e) => e.rid).join()`); rids != c.rids {
				t.Errorf("rids are %q, want %q", rids, c.rids)
			}
			if modes := eval[string](b, parameters+`.encodings.map((e) => e.scalabilityMode).join()`); modes != c.modes {
				t.Errorf("scalability modes are %q, want %q", modes, c.modes)
			}
		})
	}
}

func TestMute(t *testing.T) {
	f := newFakeRoom(t, crowd(1)...)
	b := open(t, f, "roomId=r&autojoin=1", 1280, 800, "")
	b.until(`window.gazpacho?.producers.size === 2`)
	mic := eval[string](b, `window.gazpacho.producers.get('mic').id`)
	camera := eval[string](b, `window.gazpacho.producers.get('camera').id`)
	isMic := func(data map[string]any) bool { return data["producerId"] == mic }
	isCamera := func(data map[string]any) bool { return data["producerId"] == camera }
	b.do(chromedp.Click(chromedp.CSS("[data-action=mic]")), chromedp.KeyEvent("v"))
	f.await("pauseProducer", isMic)
	f.await("pauseProducer", isCamera)
	b.until(`document.querySelector('.tile.self .tile-mic:not([hidden])') && !document.querySelector('.tile.self.live')`)
	if label := eval[string](b, `document.querySelector('[data-action=mic]').ariaLabel`); label != "Unmute microphone" {
		t.Errorf("the button says %q", label)
	}
	b.shot("muted")
	b.do(chromedp.KeyEvent("m"), chromedp.Click(chromedp.CSS("[data-action=camera]")))
	f.await("resumeProducer", isMic)
	f.await("resumeProducer", isCamera)
	b.until(`document.querySelector('.tile.self.live') && document.querySelector('.tile.self .tile-mic[hidden]')`)
}

func TestRemoteMuteAndLeave(t *testing.T) {
	f := newFakeRoom(t, fakePeer{id: "ada", name: "Ada", mic: true, camera: true})
	b := open(t, f, "roomId=r&autojoin=1", 1280, 800, "")
	b.until(`window.gazpacho?.consumers.size === 2`)
	id := eval[string](b, `[...window.gazpacho.consumers.values()].find((m) => m.source === 'mic').id`)
	f.notify("consumerPaused", map[string]any{"consumerId": id})
	b.until(`document.querySelector('[data-peer=ada] .tile-mic:not([hidden])')`)
	f.notify("consumerResumed", map[string]any{"consumerId": id})
	b.until(`document.querySelector('[data-peer=ada] .tile-mic[hidden]')`)
	f.notify("consumerClosed", map[string]any{"consumerId": id})
	b.until(`window.gazpacho.consumers.size === 1 && document.querySelector('[data-peer=ada] .tile-mic:not([hidden])')`)
	f.notify("peerDisplayNameChanged", map[string]any{"peerId": "ada", "displayName": "Countess", "oldDisplayName": "Ada"})
	b.until(`document.querySelector('[data-peer=ada]').ariaLabel === 'Countess'`)
	f.notify("peerClosed", map[string]any{"peerId": "ada"})
	b.until(tiles(1))
}

func TestScreenShareTakesTheStage(t *testing.T) {
	peers := crowd(4)
	peers[1].screen = true
	f := newFakeRoom(t, peers...)
	for _, size := range [][2]int64{{1280, 800}, {390, 844}} {
		b := open(t, f, "roomId=r&name=Sam&autojoin=1", size[0], size[1], "")
		b.until(tiles(6))
		b.until(`window.gazpacho.producers.get('camera') !== undefined`)
		b.until(`document.querySelector('.tile.self.live') !== null`)
		areas := `[...document.querySelectorAll('.tile')].sort((a, b) => b.offsetWidth * b.offsetHeight - a.offsetWidth * a.offsetHeight)`
		b.until(areas + `[0].dataset.source === 'screen'`)
		eval[any](b, lively) // pictures for the eye: they do not come from the fake room
		b.shot(fmt.Sprintf("screen-%d", size[0]))
	}
}

// lively gives every tile one's own picture, so that screenshots show what people will see.
const lively = `for (const video of document.querySelectorAll('.tile:not(.self) video')) {
	if (!video.srcObject) continue;
	video.srcObject = new MediaStream([window.gazpacho.producers.get('camera').track]);
}`

func TestLayerMenu(t *testing.T) {
	f := newFakeRoom(t, fakePeer{id: "ada", name: "Ada", mic: true, camera: true})
	b := open(t, f, "roomId=r&name=Sam&autojoin=1", 1280, 800, "")
	b.until(`window.gazpacho?.consumers.size === 2`)
	b.do(chromedp.Click(chromedp.CSS("[data-peer=ada] .tile-menu")))
	b.until(`document.querySelectorAll('.menu .segment').length === 7`)
	b.shot("menu")
	b.do(chromedp.Click(chromedp.CSS(".menu [role=radiogroup]:nth-of-type(1) .segment:nth-child(4)")))
	f.await("setConsumerPreferredLayers", func(data map[string]any) bool { return data["spatialLayer"] == 0.0 && data["temporalLayer"] == 2.0 })
	eval[any](b, `window.gazpacho.setLayers('ada', 1, 0)`)
	f.await("setConsumerPreferredLayers", func(data map[string]any) bool { return data["spatialLayer"] == 1.0 && data["temporalLayer"] == 0.0 })
}

// Small tiles ask for small pictures without anyone choosing.
func TestLayersFitTheTile(t *testing.T) {
	f := newFakeRoom(t, crowd(9)...)
	b := open(t, f, "roomId=r&autojoin=1", 800, 600, "")
	b.until(`window.gazpacho?.consumers.size > 8`)
	f.await("setConsumerPreferredLayers", func(data map[string]any) bool { return data["spatialLayer"] == 0.0 && data["temporalLayer"] == 2.0 })
}

func TestStatsOverlay(t *testing.T) {
	f := newFakeRoom(t, crowd(3)...)
	b := open(t, f, "roomId=r&name=Sam&autojoin=1", 1280, 800, "")
	b.until(`document.querySelector('.tile.self.live') !== null`)
	b.do(chromedp.KeyEvent("i"))
	b.until(`document.querySelector('.tile.self .tile-stats')?.textContent.includes('r2')`)
	b.shot("stats")
	b.do(chromedp.KeyEvent("i"))
	b.until(`document.querySelector('.tile-stats:not([hidden])') === null`)
}

func TestSettings(t *testing.T) {
	f := newFakeRoom(t, crowd(1)...)
	b := open(t, f, "roomId=r&name=Sam&autojoin=1", 1280, 800, "")
	b.until(`window.gazpacho?.producers.size === 2`)
	b.do(chromedp.Click(chromedp.CSS("[data-action=settings]")))
	b.until(`document.querySelector('dialog[open] select[data-kind=camera]')?.options.length > 0`)
	b.shot("settings")
	before := eval[string](b, `window.gazpacho.producers.get('camera').track.id`)
	eval[any](b, `(() => {
		const select = document.querySelector('select[data-kind=camera]');
		select.selectedIndex = select.options.length - 1;
		select.dispatchEvent(new Event('change'));
	})()`)
	b.until(fmt.Sprintf(`window.gazpacho.producers.get('camera').track.id !== %q`, before))
	eval[any](b, `document.querySelector('dialog input').value = 'Samira'`)
	b.do(chromedp.Click(chromedp.CSS("dialog button.primary")))
	f.await("changeDisplayName", func(data map[string]any) bool { return data["displayName"] == "Samira" })
	b.until(`document.querySelector('.tile.self').ariaLabel === 'Samira (you)'`)
}

func TestChatOnlyWhereOffered(t *testing.T) {
	without := newFakeRoom(t, crowd(1)...)
	b := open(t, without, "roomId=r&autojoin=1", 1280, 800, "")
	b.until(`window.gazpacho?.producers.size === 2`)
	if !eval[bool](b, `document.querySelector('[data-action=chat]').hidden`) {
		t.Error("chat is offered without data channels")
	}
	with := newFakeRoom(t, crowd(3)...)
	with.sctp = true
	for _, size := range [][2]int64{{1280, 800}, {390, 844}} {
		b = open(t, with, "roomId=r&name=Sam&autojoin=1", size[0], size[1], "")
		b.until(`document.querySelector('[data-action=chat]')?.hidden === false && document.querySelector('.tile.self.live')`)
		with.await("produceData", func(data map[string]any) bool { return data["label"] == "chat" })
		b.do(chromedp.Click(chromedp.CSS("[data-action=chat]")))
		eval[any](b, `(() => {
			const say = (peerId, text) => window.gazpacho.room.chat.emit('message', { peerId, text, at: new Date(2026, 0, 1, 14, 5) });
			say('peer0', 'Hello! Can everybody hear me?');
			say('peer0', 'I will share my screen in a moment.');
			say(undefined, 'Loud and clear.');
			say('peer1', '<b>not bold</b> https://example.org/a/rather/long/link/that/has/to/break/somewhere');
		})()`)
		b.until(`document.querySelectorAll('.message').length === 4 && document.querySelector('.message b') === null`)
		b.shot(fmt.Sprintf("chat-%d", size[0]))
	}
}

func TestReconnect(t *testing.T) {
	f := newFakeRoom(t, crowd(2)...)
	b := open(t, f, "roomId=r&name=Sam&autojoin=1", 1280, 800, "")
	b.until(`window.gazpacho?.consumers.size === 4`)
	before := eval[string](b, `[...window.gazpacho.consumers.keys()].sort().join()`)
	f.drop(websocket.StatusGoingAway, "restart")
	b.until(`!document.querySelector('.banner').hidden`)
	b.until(`window.gazpacho.state === 'joined' && window.gazpacho.consumers.size === 4 && document.querySelector('.banner').hidden`)
	if after := eval[string](b, `[...window.gazpacho.consumers.keys()].sort().join()`); after == before {
		t.Error("the consumers are still those of the lost connection")
	}
	b.until(`window.gazpacho.producers.size === 2`)
	b.until(tiles(3))
}

func TestIceRestartOnRequest(t *testing.T) {
	f := newFakeRoom(t, crowd(1)...)
	b := open(t, f, "roomId=r&autojoin=1", 1280, 800, "")
	b.until(`window.gazpacho?.producers.size === 2 && window.gazpacho.consumers.size === 2`)
	eval[any](b, `window.gazpacho.restartIce()`)
	for _, direction := range []string{"send", "recv"} {
		id := eval[string](b, `window.gazpacho.transports.`+direction+`.id`)
		f.await("restartIce", func(data map[string]any) bool { return data["transportId"] == id })
	}
	if sdp := eval[string](b, `window.gazpacho.transports.send.handler._pc.remoteDescription.sdp`); !strings.Contains(sdp, "a=ice-ufrag:restarted") {
		t.Error("the new ICE parameters did not reach the browser")
	}
}

func TestPlainWords(t *testing.T) {
	deny := `navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('Permission denied', 'NotAllowedError'));`
	t.Run("permission denied", func(t *testing.T) {
		b := open(t, newFakeRoom(t), "roomId=r", 1280, 800, deny)
		b.until(`document.querySelector('.form-message.error')?.textContent.startsWith('The browser may not use your camera and microphone.')`)
		b.shot("error-permission")
	})
	t.Run("permission denied in the room", func(t *testing.T) {
		b := open(t, newFakeRoom(t, crowd(3)...), "roomId=r&name=Sam&autojoin=1&video=0&audio=0", 1280, 800, deny)
		b.until(joined)
		b.do(chromedp.Click(chromedp.CSS("[data-action=camera]")))
		b.until(`document.querySelector('.toast.error')?.textContent.includes('camera')`)
		b.shot("error-toast")
	})
	t.Run("no device", func(t *testing.T) {
		script := `navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('x', 'NotFoundError'));`
		b := open(t, newFakeRoom(t), "roomId=r&audio=0", 1280, 800, script)
		b.until(`document.querySelector('.form-message.error')?.textContent === 'No camera was found. Plug one in, then try again.'`)
	})
	t.Run("server full", func(t *testing.T) {
		f := newFakeRoom(t)
		f.joinError = "no worker has capacity"
		b := open(t, f, "roomId=r&name=Sam&autojoin=1", 1280, 800, "")
		b.until(`document.querySelector('.form-message.error')?.textContent.startsWith('The server is full')`)
	})
	t.Run("removed by the server", func(t *testing.T) {
		f := newFakeRoom(t, crowd(1)...)
		b := open(t, f, "roomId=r&name=Sam&autojoin=1", 1280, 800, "")
		b.until(joined)
		f.drop(4000, "")
		b.until(`document.querySelector('.form-message.error')?.textContent.includes('another window')`)
		b.until(`!document.querySelector('.join').hidden && document.querySelector('.room').hidden`)
	})
	for code, text := range map[websocket.StatusCode]string{4002: "removed from the room", 4003: "closed for everybody", 4004: "expired"} {
		t.Run("closed with "+strconv.Itoa(int(code)), func(t *testing.T) {
			f := newFakeRoom(t, crowd(1)...)
			b := open(t, f, "roomId=r&name=Sam&autojoin=1", 1280, 800, "")
			b.until(joined)
			f.drop(code, "reason")
			b.until(`document.querySelector('.form-message.error')?.textContent.includes('` + text + `')`)
		})
	}
	t.Run("server away", func(t *testing.T) {
		f := newFakeRoom(t)
		f.away = true
		b := open(t, f, "roomId=r&name=Sam&autojoin=1", 1280, 800, "")
		b.until(`document.querySelector('.form-message.info')?.textContent === 'The server cannot be reached. Trying again…'`)
		b.do(chromedp.Click(chromedp.CSS("button.primary")))
		b.until(`document.querySelector('button.primary').textContent === 'Join'`)
	})
}

func TestLeaveAndRejoin(t *testing.T) {
	f := newFakeRoom(t, crowd(2)...)
	b := open(t, f, "roomId=r&name=Sam&autojoin=1", 1280, 800, "")
	b.until(`window.gazpacho?.producers.size === 2`)
	b.do(chromedp.Click(chromedp.CSS("[data-action=leave]")))
	b.until(`!document.querySelector('.join').hidden && window.gazpacho.state === 'idle' && window.gazpacho.peers.size === 0`)
	b.shot("left")
	eval[any](b, `window.gazpacho.join()`)
	b.until(tiles(3))
	b.until(`window.gazpacho.producers.size === 2 && document.querySelector('.tile.self.live')`)
}

// The page loads nothing from elsewhere and breaks none of its own rules.
func TestContentSecurityPolicyHolds(t *testing.T) {
	script := `window.violations = []; document.addEventListener('securitypolicyviolation', (e) => window.violations.push(e.violatedDirective + ' ' + e.blockedURI));`
	b := open(t, newFakeRoom(t, crowd(2)...), "roomId=r&name=Sam&autojoin=1", 1280, 800, script)
	b.until(tiles(3))
	b.do(chromedp.KeyEvent("i"))
	b.until(`document.querySelector('.tile-stats:not([hidden])')`)
	if violations := eval[string](b, `window.violations.join()`); violations != "" {
		t.Errorf("violations: %s", violations)
	}
}

// A page shows what its token allows, sends it with the signaling, and does not leave it in the address.
func TestAccessToken(t *testing.T) {
	t.Run("listen only", func(t *testing.T) {
		f := newFakeRoom(t, crowd(2)...)
		f.access = func(w http.ResponseWriter, r *http.Request) {
			if got := r.Header.Get("Authorization"); got != "Bearer a.b.c" {
				t.Errorf("Authorization is %q", got)
			}
			_, _ = io.WriteString(w, `{"canPublish":{"kinds":["audio"]},"canSubscribe":true,"canPublishData":false}`)
		}
		b := open(t, f, "roomId=r&name=Sam&autojoin=1&token=a.b.c", 1280, 800, "")
		b.until(joined)
		b.until(`window.gazpacho.producers.size === 1 && window.gazpacho.producers.has('mic')`)
		b.until(`!window.gazpacho.room.publisher.isOn('camera') && !document.querySelector('.tile.self.live')`)
		b.until(`document.querySelector('[data-action=camera]').hidden && document.querySelector('[data-action=screen]').hidden`)
		if !eval[bool](b, `!document.querySelector('[data-action=mic]').hidden && document.querySelector('[data-action=chat]').hidden`) {
			t.Error("the buttons do not show what is allowed")
		}
		if address := eval[string](b, `location.href`); strings.Contains(address, "a.b.c") {
			t.Errorf("the token stays in the address: %s", address)
		}
		if token := f.query("token"); token != "a.b.c" {
			t.Errorf("the signaling carries the token %q", token)
		}
		f.notify("producerClosed", map[string]any{"producerId": eval[string](b, `window.gazpacho.producers.get('mic').id`)})
		b.until(`document.querySelector('.toast.error')?.textContent === 'Your microphone was switched off by a host of this room.'`)
		b.shot("switched-off")
	})
	t.Run("refused", func(t *testing.T) {
		f := newFakeRoom(t)
		f.away = true
		f.access = func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "the token has expired", http.StatusUnauthorized)
		}
		b := open(t, f, "roomId=r&name=Sam&autojoin=1&token=old", 1280, 800, "")
		b.until(`document.querySelector('.form-message.error')?.textContent === 'This link does not let you in: The token has expired. Ask for a new one.'`)
		b.shot("error-token")
	})
}
