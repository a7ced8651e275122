package settings

import (
	"strings"

	"github.com/spf13/pflag"
)

// nearest is the setting that was probably meant, or "". One letter in four may be wrong, and one more: what is further off would be
// a riddle rather than a hint.
func (s *Set) nearest(name string) string {
	best, distance := "", 1+len(name)/4
	if len(name) > 64 {
		return "" // nobody's typing error
	}
	s.all.VisitAll(func(f *pflag.Flag) {
		if d := edits(plain(name), plain(f.Name)); d <= distance && (best == "" || d < distance) {
			best, distance = f.Name, d
		}
	})
	return best
}

// plain leaves what people do not mix up: authSecret and auth_secret are auth-secret.
func plain(name string) string {
	return strings.ToLower(strings.NewReplacer("-", "", "_", "", ".", "", " ", "").Replace(name))
}

// edits is the Levenshtein distance of two words, in bytes.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0] // of the row before
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
