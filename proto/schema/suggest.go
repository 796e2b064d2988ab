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
	if len(name) == 1 {
		bestDistance = 0 // any letter is like any other
	}
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

// Near reports whether at most that many letters have to be put in, taken out or
// changed to make b of a, upper and lower case being the same.
func Near(a, b string, most int) bool {
	if max(len(a), len(b))-min(len(a), len(b)) > most {
		return false
	}
	return distance(strings.ToLower(a), strings.ToLower(b)) <= most
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
