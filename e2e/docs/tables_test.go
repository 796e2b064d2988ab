package docs

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/e2e/harness"
	"github.com/fluss-go/fluss/proto/errcode"
)

var errorRow = regexp.MustCompile("(?m)^\\| `([A-Z_]+)` \\| (\\w+) \\| (\\w+) \\| (.+) \\|$")

// docs/errors.md has every code, with the status and retry class it really has.
func TestErrorsInDocumentation(t *testing.T) {
	classes := map[errcode.Retry]string{errcode.Never: "never", errcode.AfterBackoff: "later", errcode.AfterRefresh: "refreshed"}
	var want, got []string
	for code, p := range errcode.All() {
		want = append(want, fmt.Sprintf("%s %s %s", code, p.Status, classes[p.Retry]))
	}
	for _, m := range errorRow.FindAllStringSubmatch(page(t, "errors.md"), -1) {
		got = append(got, strings.Join(m[1:4], " "))
	}
	slices.Sort(want)
	slices.Sort(got)
	require.Equal(t, want, got)
}

var (
	metricInCode = regexp.MustCompile(`"(fluss_[a-z_]+)"`)
	metricRow    = regexp.MustCompile("(?m)^\\| `(fluss_[a-z_]+)`")
)

// docs/operations.md lists the metrics that there are.
func TestMetricsInDocumentation(t *testing.T) {
	inCode := map[string]bool{}
	root := filepath.Join(harness.Root(), "server")
	require.NoError(t, filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range metricInCode.FindAllStringSubmatch(string(text), -1) {
			inCode[m[1]] = true
		}
		return err
	}))
	var got []string
	for _, m := range metricRow.FindAllStringSubmatch(page(t, "operations.md"), -1) {
		got = append(got, m[1])
	}
	slices.Sort(got)
	require.Equal(t, slices.Sorted(maps.Keys(inCode)), got)
}

func page(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(harness.Root(), "docs", name))
	require.NoError(t, err)
	return string(text)
}
