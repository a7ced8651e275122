package logging

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

func TestSecretsAreHidden(t *testing.T) {
	const word = "swordfish"
	type settings struct {
		Key  Secret
		Keys []Secret
		Any  any
		More map[string]Secret
	}
	v := settings{Secret(word), []Secret{word}, Secret(word), map[string]Secret{"a": word}}
	var shown []string
	for _, verb := range []string{"%s", "%v", "%+v", "%#v", "%q", "%x", "%X", "%d", "%10.3s"} {
		shown = append(shown, fmt.Sprintf(verb, v), fmt.Sprintf(verb, v.Key))
	}
	j, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	y, err := yaml.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	shown = append(shown, string(j), string(y), v.Key.String())
	for _, format := range []string{"text", "json"} {
		var s sink
		l := New(&s, Config{Format: format})
		l.Logger().With("with", v.Key).Info("x", "key", v.Key, "all", v)
		l.Close()
		shown = append(shown, s.text.String())
	}
	hex := fmt.Sprintf("%x", word)
	for _, text := range shown {
		if strings.Contains(text, "sword") || strings.Contains(strings.ToLower(text), hex[:8]) || !strings.Contains(text, hidden) {
			t.Errorf("%s", text)
		}
	}
	if string(v.Key) != word {
		t.Error("it cannot be used")
	}
}
