package worker

import (
	"errors"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// mediasoupSchema is the directory of a schema, which npm has.
func mediasoupSchema(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("../../scripts/mediasoup.sh", "schema", "3.27.1").Output()
	if err != nil {
		t.Fatalf("mediasoup 3.27.1 is needed from npm: %v", err)
	}
	return strings.TrimSpace(string(out))
}

func TestOpenLibraryRefuses(t *testing.T) {
	half := t.TempDir()
	if err := os.WriteFile(half+"/message.fbs", []byte("table A {}"), 0o600); err != nil {
		t.Fatal(err)
	}
	for dir, says := range map[string]string{t.TempDir(): "has no .fbs files", half: half + ": schema: there is no table FBS.Message.Message"} {
		_, err := OpenLibrary(LibraryConfig{Schema: dir})
		var setting *SettingError
		if !errors.As(err, &setting) || setting.Setting != "mediasoup-fbs" || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", dir, err)
		}
	}
}

// A worker runs until its library is gone, or sends what cannot be.
func TestRunForALibrary(t *testing.T) {
	for _, tt := range []struct {
		name           string
		end            func(to *os.File)
		gone, nonsense bool
	}{
		{"gone", func(to *os.File) { to.Close() }, true, false},
		{"nonsense", func(to *os.File) { io.WriteString(to, "nonsense") }, false, true},
	} {
		in, to, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		from, out, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		library, err := OpenLibrary(LibraryConfig{In: in, Out: out, Schema: mediasoupSchema(t), MinPort: 40000, MaxPort: 40100})
		if err != nil {
			t.Fatal(err)
		}
		ran := make(chan error, 1)
		go func() {
			ran <- Run(t.Context(), Config{Library: library, Log: slog.New(library.LogHandler(slog.LevelError))})
		}()
		if _, err := io.ReadFull(from, make([]byte, 4)); err != nil {
			t.Fatal(err)
		}
		tt.end(to)
		select {
		case err := <-ran:
			if IsLibraryGone(err) != tt.gone || IsProtocolError(err) != tt.nonsense || IsPanic(err) {
				t.Errorf("%s: %v", tt.name, err)
			}
		case <-time.After(time.Minute):
			t.Fatalf("%s: it runs on", tt.name)
		}
		to.Close()
		from.Close()
	}
}
