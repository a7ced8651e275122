package golden

import (
	"strings"
	"testing"
)

// What a script says to have happened is replaced by what happens.
func TestPlay(t *testing.T) {
	const script = "# prose\n\nsay a b\n\told\nnothing\n\tolder\n\toldest\nsay c"
	var out strings.Builder
	Play(&out, script, func(command string, args []string) {
		if command == "say" {
			out.WriteString("\t" + strings.Join(args, "+") + "\n")
		}
	})
	if want := "# prose\n\nsay a b\n\ta+b\nnothing\nsay c\tc\n"; out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}

func TestDifference(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want int
	}{{"a\nb\n", "a\nc\n", 2}, {"a\n", "b\n", 1}, {"a\n", "a\nb\n", 2}, {"", "", 1}} {
		if got := difference([]byte(tt.a), []byte(tt.b)); got != tt.want {
			t.Errorf("%q and %q differ in line %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}
