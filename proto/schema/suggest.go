package schema

import (
	"fmt"
	"strings"
)

// Suggest returns `; did you mean "x"?` with the known name that is nearest to
// name, ignoring case, or "" when none is near. It ends messages about names.
func Suggest(name string, known []string) string {
	const longest = 128 // bounds the work on hostile names
	if len(name) > longest {
		return ""
	}
	best, bestDistance := "", 1+len(name)/3
	for _, k := range known {
		if len(k) > longest {
			continue
		}
		if d := distance(strings.ToLower(name), strings.ToLower(k)); d <= bestDistance && (best == "" || d < bestDistance) {
			best, bestDistance = k, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// distance is the Levenshtein distance of the bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
