package archtest

// rule is one row of the table of packages.
type rule struct {
	module   []string // packages of this module it may import, without the "gazpacho/" in front
	external []string // prefixes of import paths outside the module and the standard library
	pure     bool     // no sockets, clocks, goroutines, locks or randomness of its own
}

const all = "*" // any package of the module

// table is the plan of the house: a package that is not in it may not exist, an import that is not in
// it may not be made. Tests may import anything.
var table = map[string]rule{
	"proto":          {},
	"pkg/tuple":      {pure: true},
	"pkg/timer":      {pure: true},
	"pkg/rtp":        {pure: true, external: []string{"github.com/pion/rtcp"}},
	"pkg/codec":      {pure: true, module: []string{"pkg/rtp"}},
	"pkg/stream":     {pure: true, module: []string{"pkg/rtp", "pkg/codec", "pkg/timer"}},
	"pkg/bwe":        {pure: true, module: []string{"pkg/rtp", "pkg/timer"}},
	"pkg/stun":       {pure: true, module: []string{"pkg/tuple"}},
	"pkg/ice":        {pure: true, module: []string{"pkg/stun", "pkg/tuple", "pkg/timer"}},
	"pkg/srtp":       {pure: true, module: []string{"pkg/rtp"}, external: []string{"github.com/pion/srtp/v2"}},
	"pkg/turn":       {pure: true, module: []string{"pkg/stun", "pkg/tuple", "pkg/timer"}},
	"pkg/ortc":       {pure: true, module: []string{"proto"}},
	"pkg/producer":   {pure: true, module: []string{"pkg/rtp", "pkg/codec", "pkg/stream", "pkg/timer", "proto"}},
	"pkg/consumer":   {pure: true, module: []string{"pkg/rtp", "pkg/codec", "pkg/stream", "pkg/timer", "proto"}},
	"pkg/data":       {pure: true, module: []string{"proto"}},
	"pkg/observer":   {pure: true, module: []string{"pkg/rtp", "pkg/timer", "proto"}},
	"pkg/transport":  {pure: true, module: []string{"pkg/tuple", "pkg/timer", "pkg/rtp", "pkg/bwe", "pkg/ice", "pkg/srtp", "pkg/producer", "pkg/consumer", "pkg/data", "proto"}},
	"pkg/router":     {pure: true, module: []string{"pkg/timer", "pkg/producer", "pkg/consumer", "pkg/data", "pkg/observer", "pkg/transport", "proto"}},
	"pkg/socket":     {module: []string{"pkg/tuple"}, external: []string{"golang.org/x/sys"}},
	"pkg/loop":       {module: []string{"pkg/timer", "pkg/socket"}},
	"pkg/mailbox":    {},
	"pkg/dtls":       {module: []string{"pkg/mailbox"}, external: []string{"github.com/pion/dtls/v2", "github.com/pion/logging", "golang.org/x/crypto"}},
	"pkg/sctp":       {external: []string{"github.com/pion/sctp", "github.com/pion/logging"}},
	"pkg/channel":    {module: []string{"proto"}, external: []string{"github.com/vmihailenco/msgpack/v5"}},
	"pkg/fbwire":     {module: []string{"pkg/channel", "proto"}, external: []string{"github.com/google/flatbuffers/go"}},
	"pkg/worker":     {module: []string{"pkg/channel", "pkg/fbwire", "pkg/stun", "pkg/turn", "pkg/loop", "pkg/mailbox", "pkg/socket", "pkg/data", "pkg/dtls", "pkg/sctp", "pkg/router", "pkg/transport", "pkg/tuple", "pkg/timer", "proto"}},
	"pkg/control":    {module: []string{"pkg/channel", "pkg/ortc", "proto"}},
	"pkg/supervisor": {module: []string{"pkg/control", "pkg/channel", "proto"}},
	"pkg/api":        {module: []string{"pkg/channel", "pkg/control", "pkg/supervisor", "proto"}},
	"pkg/auth":       {module: []string{"proto"}, external: []string{"github.com/go-jose/go-jose/v4"}},
	"pkg/room":       {module: []string{"pkg/auth", "pkg/control", "pkg/supervisor", "proto"}},
	"pkg/limit":      {external: []string{"golang.org/x/time/rate"}},
	"pkg/signaling":  {module: []string{"pkg/auth", "pkg/limit", "pkg/room", "proto"}, external: []string{"github.com/coder/websocket"}},
	"pkg/settings":   {external: []string{"github.com/spf13/pflag", "github.com/spf13/cobra", "go.yaml.in/yaml/v3"}},
	"pkg/logging":    {},
	"pkg/admin":      {module: []string{"pkg/control", "pkg/limit", "pkg/logging", "pkg/room", "pkg/signaling", "pkg/supervisor", "proto"}, external: []string{"github.com/prometheus/client_golang"}},
	"pkg/attack":     {module: []string{all}},
	"pkg/web":        {},
	"pkg/web/bundle": {external: []string{"github.com/evanw/esbuild"}},
	"pkg/compat":     {module: []string{all}},
	"pkg/e2e":        {module: []string{all}, external: []string{"github.com/chromedp"}},
	"cmd/worker":     {module: []string{"pkg/dtls", "pkg/fbwire", "pkg/logging", "pkg/settings", "pkg/worker", "proto"}, external: []string{"github.com/spf13/cobra", "github.com/spf13/pflag"}},
	"cmd/controller": {module: []string{"pkg/admin", "pkg/api", "pkg/auth", "pkg/limit", "pkg/logging", "pkg/settings", "pkg/signaling", "pkg/room", "pkg/supervisor", "pkg/web", "proto"}, external: []string{"github.com/spf13/cobra", "github.com/spf13/pflag"}},
	"pkg/archtest":   {module: []string{all}},
	"pkg/simtest":    {module: []string{all}, external: []string{"github.com/pion"}},

	"pkg/simtest/golden":     {},
	"pkg/simtest/link":       {},
	"scripts/examples/goapp": {module: []string{"pkg/channel", "pkg/control", "proto"}, external: []string{"github.com/pion/rtp"}},

	"pkg/simtest/scalable": {},
	"pkg/simtest/schema":   {},
	"pkg/simtest/script":   {},
}

// impureImports are what the pure core may not import: all that reads clocks, opens sockets, locks or rolls dice.
var impureImports = map[string]bool{
	"net": true, "os": true, "sync": true, "sync/atomic": true, "context": true, "math/rand": true, "math/rand/v2": true,
	"crypto/rand": true, "net/http": true, "syscall": true, "os/signal": true, "os/exec": true, "log": true,
}

// clockCalls are the functions of package time that read a clock or wait for one.
var clockCalls = map[string]bool{
	"Now": true, "Since": true, "Until": true, "Sleep": true, "After": true, "AfterFunc": true, "Tick": true,
	"NewTimer": true, "NewTicker": true,
}

// Size limits in lines.
const (
	hardFileLimit     = 600
	softFileLimit     = 400
	functionLimit     = 80
	functionP95       = 45
	medianFileLimit   = 150
	softFilesAllowed  = 0.05 // share of files that may lie between the soft and the hard limit
	testsPerCode      = 1.2
	smallestCommented = 0.15
)
