package ortc

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"sync"
	"testing"
	"time"

	"gazpacho/proto"
)

// oracle is a Node process that runs mediasoup's and mediasoup-client's ORTC on what it is sent, one line each way.
type oracle struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// answer is what it says: a result or the class of an error.
type answer struct {
	Result  any    `json:"result"`
	Error   string `json:"error"`
	Message string `json:"message"`
}

var sharedOracle = sync.OnceValues(startOracle)

func TestMain(m *testing.M) {
	code := m.Run()
	if oracleStarted {
		if o, err := sharedOracle(); err == nil {
			o.in.Close()
			o.cmd.Wait()
		}
	}
	os.Exit(code)
}

var oracleStarted bool

func newOracle(t *testing.T) *oracle {
	t.Helper()
	oracleStarted = true
	o, err := sharedOracle()
	if err != nil {
		t.Fatalf("pkg/ortc is compared with npm's mediasoup, which needs Node.js and npm: %v", err)
	}
	return o
}

func startOracle() (*oracle, error) {
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			return nil, err
		}
	}
	if err := installOracle(); err != nil {
		return nil, err
	}
	cmd := exec.Command("node", "oracle.cjs")
	cmd.Dir = "oracle"
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &oracle{cmd, in, bufio.NewReaderSize(out, 1<<20)}, nil
}

// installOracle fetches the packages of the lock file, unless the ones installed are those that package.json names.
func installOracle() error {
	if installed, err := oracleInstalled(); installed || err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
	cmd.Dir = "oracle"
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("npm ci in pkg/ortc/oracle: %w\n%s", err, out)
	}
	return nil
}

func oracleInstalled() (bool, error) {
	var wanted struct {
		Dependencies map[string]string `json:"dependencies"`
	}
	if err := readJSON(filepath.Join("oracle", "package.json"), &wanted); err != nil {
		return false, err
	}
	for name, version := range wanted.Dependencies {
		var got struct {
			Version string `json:"version"`
		}
		err := readJSON(filepath.Join("oracle", "node_modules", name, "package.json"), &got)
		if err != nil || got.Version != version {
			return false, nil
		}
	}
	return true, nil
}

func readJSON(path string, v any) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, v)
}

// question is a function of oracle.cjs to call, and what to do with the answer.
type question struct {
	Fn    string       `json:"fn"`
	Args  object       `json:"args"`
	check func(answer) `json:"-"`
}

// askAll asks many questions at once.
func (o *oracle) askAll(t testing.TB, questions []question) {
	t.Helper()
	line, err := json.Marshal(questions)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.in.Write(append(line, '\n')); err != nil {
		t.Fatalf("oracle: %v", err)
	}
	reply, err := o.out.ReadBytes('\n')
	if err != nil {
		t.Fatalf("oracle: %v", err)
	}
	var answers []answer
	if err := json.Unmarshal(reply, &answers); err != nil || len(answers) != len(questions) {
		t.Fatalf("oracle: %d answers to %d questions, %v in %s", len(answers), len(questions), err, reply)
	}
	for i, a := range answers {
		questions[i].check(a)
	}
}

// ask calls a function of oracle.cjs.
func (o *oracle) ask(t testing.TB, fn string, args object) (a answer) {
	t.Helper()
	o.askAll(t, []question{{fn, args, func(got answer) { a = got }}})
	return a
}

// inquire asks the oracle all that n rounds want to know, some rounds at a time.
func (o *oracle) inquire(t testing.TB, n int, round func() []question) {
	t.Helper()
	const batch = 50
	pending := []question{}
	for i := range n {
		pending = append(pending, round()...)
		if i%batch == batch-1 || i == n-1 {
			o.askAll(t, pending)
			pending = pending[:0]
		}
	}
}

// compare fails the test unless we and the oracle agree: the same JSON, or the same class of error.
func compare(t *testing.T, input any, want answer, got any, err *proto.Error) {
	t.Helper()
	if class := className(err); class != want.Error {
		t.Fatalf("%s: %s\nmediasoup: %q %s\nwe: %q %v", t.Name(), text(input), want.Error, want.Message, class, err)
	}
	if err != nil {
		return
	}
	if g, w := tidy(tree(t, got)), tidy(want.Result); !reflect.DeepEqual(g, w) {
		t.Fatalf("%s: %s\nmediasoup: %s\nwe:        %s", t.Name(), text(input), text(w), text(g))
	}
}

func className(err *proto.Error) string {
	if err == nil {
		return ""
	}
	return err.Name
}

// tree is a value as JSON says it.
func tree(t testing.TB, v any) any {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var decoded any
	if err := json.Unmarshal(data, &decoded); err != nil {
		t.Fatal(err)
	}
	return decoded
}

func text(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(data)
}

// absent are values of encodings that mean the same as none. Our types never say them; mediasoup says what it was given.
var absent = object{"scalabilityMode": "", "maxBitrate": 0.0}

// tidy removes what JSON may say or leave out.
func tidy(v any) any {
	switch v := v.(type) {
	case map[string]any:
		tidied := map[string]any{}
		for key, value := range v {
			if none, ok := absent[key]; value != nil && !(ok && value == none) {
				tidied[key] = tidy(value)
			}
		}
		return tidied
	case []any:
		tidied := []any{}
		for _, value := range v {
			tidied = append(tidied, tidy(value))
		}
		return tidied
	}
	return v
}

// counting is randomness as oracle.cjs has it.
func counting() func() uint32 {
	draws := uint32(0)
	return func() uint32 {
		draws++
		return 1000 * (draws - 1)
	}
}
