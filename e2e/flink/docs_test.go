package flink

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/e2e/harness"
)

var fence = regexp.MustCompile("(?ms)^```([a-z ]+)\n(.*?)^```")

// TestDocumentation runs the statements of docs/flink.md, in order; the rows of a
// block "output" are among those that are printed.
func TestDocumentation(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(harness.Root(), "docs", "flink.md"))
	require.NoError(t, err)
	var sql strings.Builder
	var want [][]string
	for _, block := range fence.FindAllStringSubmatch(string(page), -1) {
		switch block[1] {
		case "sql test":
			sql.WriteString(block[2])
		case "output":
			want = append(want, cells(block[2])...)
		}
	}
	require.Greater(t, len(want), 5)
	// Streams would not end: a batch does the same with what is there.
	forLines(t, func(t *testing.T, l line) {
		_, text := storyServer(t, sql.String())
		rows := cells(run(t, l, text))
		for _, row := range want {
			require.Contains(t, rows, row)
		}
	})
}
