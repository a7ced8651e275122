package signaling

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"gazpacho/pkg/limit"
	"gazpacho/pkg/room"
	"gazpacho/proto"
)

// words are what PROTOCOL.md calls rights.
var words = map[right]string{
	member: "member", takingPart: "takingPart", publishing: "publishing", publishingData: "publishingData", subscribing: "subscribing",
	administering: "administering",
}

// page is PROTOCOL.md.
func page(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("PROTOCOL.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// rows are the cells of the tables of a section.
func rows(t *testing.T, heading string) [][]string {
	t.Helper()
	_, section, found := strings.Cut(page(t), "\n## "+heading+"\n")
	if !found {
		t.Fatalf("PROTOCOL.md has no section %s", heading)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	var list [][]string
	for line := range strings.Lines(section) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "| `") || regexp.MustCompile(`^\| [0-9a-z]`).MatchString(line) {
			cells := strings.Split(strings.Trim(line, "|"), "|")
			for i := range cells {
				cells[i] = strings.Trim(strings.TrimSpace(cells[i]), "`")
			}
			list = append(list, cells)
		}
	}
	return list
}

// equal compares what the page says with what the code has.
func equal(t *testing.T, what string, page, code []string) {
	t.Helper()
	slices.Sort(page)
	slices.Sort(code)
	for _, p := range page {
		if !slices.Contains(code, p) {
			t.Errorf("%s: PROTOCOL.md has %s, the code has not", what, p)
		}
	}
	for _, c := range code {
		if !slices.Contains(page, c) {
			t.Errorf("%s: PROTOCOL.md lacks %s", what, c)
		}
	}
	if len(page) != len(code) {
		t.Errorf("%s: PROTOCOL.md has %d, the code %d", what, len(page), len(code))
	}
}

func TestPageOfMethods(t *testing.T) {
	var told, have []string
	for _, cells := range rows(t, "Requests of clients") {
		if len(cells) == 4 && cells[0] != "method" {
			told = append(told, cells[0]+" needs "+cells[1])
		}
	}
	for name, m := range methods {
		have = append(have, name+" needs "+words[m.needs])
	}
	equal(t, "methods", told, have)
	for n, claim := range claims {
		if row := fmt.Sprintf("| %s | ", words[n]); !strings.Contains(page(t), row) || !strings.Contains(page(t), "`"+strings.Split(claim, ",")[0]+"`") {
			t.Errorf("PROTOCOL.md does not say what %s means", words[n])
		}
	}
}

func TestPageOfRoutes(t *testing.T) {
	var told, have []string
	for _, cells := range rows(t, "HTTP") {
		if cells[0] != "route" {
			told = append(told, cells[0]+" needs "+cells[1])
		}
	}
	for _, rt := range routes {
		if strings.Contains(rt.pattern, " ") { // the others are not there
			have = append(have, rt.pattern+" needs "+words[rt.needs])
		}
	}
	equal(t, "routes", told, have)
}

// sent finds what the source sends to clients.
var sent = regexp.MustCompile(`(Notify|notify|Request|tell|about)\((?:[a-z]+, )?"([a-zA-Z-]+)"`)

func TestPageOfNotifications(t *testing.T) {
	var told []string
	for _, cells := range rows(t, "What the server sends") {
		if cells[0] != "method" {
			told = append(told, cells[0])
		}
	}
	have := map[string]bool{}
	for _, dir := range []string{".", "../room"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, match := range sent.FindAllStringSubmatch(string(text), -1) {
				have[match[2]] = true
			}
		}
	}
	equal(t, "messages", told, slices.Collect(maps.Keys(have)))
}

func TestPageOfCodes(t *testing.T) {
	numbers := func(heading string) (list []string) {
		for _, cells := range rows(t, heading) {
			if _, err := strconv.Atoi(cells[0]); err == nil {
				list = append(list, cells[0])
			}
		}
		return list
	}
	codes := []string{fmt.Sprint(closePolicy), fmt.Sprint(int(websocket.StatusMessageTooBig))}
	for _, code := range []int{
		room.CloseFinal, room.CloseMediaLost, room.CloseExpelled, room.CloseRoomClosed, room.CloseTokenExpired, room.CloseGoingAway,
		room.CloseRestart, room.CloseTryLater, room.CloseUnexpected,
	} {
		codes = append(codes, fmt.Sprint(code))
	}
	equal(t, "close codes", numbers("Close codes"), codes)
	statuses := map[string]bool{"504": true}
	for _, name := range []string{proto.TypeErrorName, proto.NotFoundErrorName, proto.InvalidStateErrorName, proto.UnsupportedErrorName, proto.ErrorName} {
		for _, code := range []string{
			proto.CodeBadBody, proto.CodeDuplicate, proto.CodeBusy, proto.CodeNoPort, proto.CodeLimit, proto.CodeUnauthorized, proto.CodeForbidden,
			proto.CodeInternal, proto.CodeClosed,
		} {
			statuses[fmt.Sprint(statusOf(&proto.Error{Name: name, Code: code}))] = true
		}
	}
	equal(t, "errors", numbers("Errors"), slices.Collect(maps.Keys(statuses)))
}

func TestPageOfLimits(t *testing.T) {
	l := DefaultLimits()
	told := map[string]string{}
	for _, cells := range rows(t, "Limits") {
		told[cells[0]] = cells[1]
	}
	for what, want := range map[string]string{
		"sockets of an address (IPv6: of a /64) that have not entered, nor shown a good token": fmt.Sprintf("%d (", limit.DefaultPerSource),
		"message before `join":                        fmt.Sprintf("%d KiB", limitBeforeJoin>>10),
		"message after `join":                         fmt.Sprintf("%d KiB", limitAfterJoin>>10),
		"requests":                                    fmt.Sprintf("%g a second, %d at once", l.RequestRate, l.RequestBurst),
		"requests that wait their turn":               fmt.Sprint(maxRequests),
		"requests refused for their number":           fmt.Sprintf("%d a minute", l.RefusedPerMinute),
		"messages of any kind":                        fmt.Sprintf("%g a second, %d at once", l.MessageRate, l.MessageBurst),
		"pings and pongs":                             fmt.Sprintf("%g a second, %d at once", l.ControlRate, l.ControlBurst),
		"bytes":                                       fmt.Sprintf("%d KiB a second, %d MiB at once", l.ByteRate>>10, l.ByteBurst>>20),
		"messages that wait for the client":           fmt.Sprintf("%d MiB", maxOutbox>>20),
		"requests that wait for the client's answers": fmt.Sprint(maxPending),
		"time for a request":                          fmt.Sprintf("%g s", requestTimeout.Seconds()),
	} {
		if got := told[what]; !strings.HasPrefix(got, want) {
			t.Errorf("%s: PROTOCOL.md says %q, the code %q", what, got, want)
		}
	}
	for _, want := range []string{
		fmt.Sprintf("deeper than %d", maxDepth), fmt.Sprintf("more than %d characters", maxNumber), fmt.Sprintf("\n%g s before its end", expiryNotice.Seconds()),
		fmt.Sprintf("within %g s, does not come to be", answerTimeout.Seconds()), fmt.Sprintf("pings every %g s", defaultPings.every.Seconds()),
	} {
		if !strings.Contains(page(t), want) && !strings.Contains(page(t), strings.TrimPrefix(want, "\n")) {
			t.Errorf("PROTOCOL.md does not say %q", want)
		}
	}
	if limit.DefaultPerSource != l.UnauthenticatedPerIP {
		t.Error("sockets and forwarded requests have different limits")
	}
}
