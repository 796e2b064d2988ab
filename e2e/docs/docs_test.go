// Package docs runs the commands of the documentation.
//
// In README.md and docs/*.md a fenced block whose info string is "sh test",
// "python test" or "go test" is run; the blocks of a page run in order, in one
// shell and one folder, against a server of their own, with the files of
// e2e/testdata at hand. A block "output" after it must equal what was printed; a
// line "..." in it stands for any lines, "…" for any text within a line.
package docs

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/e2e/harness"
)

// block is a fenced block that is run.
type block struct {
	kind, text, want string
	line             int
	checked          bool
}

// blocks returns the runnable blocks of a page.
func blocks(t *testing.T, page string) []block {
	t.Helper()
	var out []block
	info, from := "", 0
	var text strings.Builder
	number := 0
	for line := range strings.Lines(page) {
		number++
		fence, fenced := strings.CutPrefix(strings.TrimSpace(line), "```")
		switch {
		case fenced && info == "":
			info, from = strings.TrimSpace(fence)+" ", number
			text.Reset()
		case fenced:
			kind, run := strings.CutSuffix(strings.TrimSpace(info), " test")
			switch {
			case run:
				require.Contains(t, []string{"sh", "python", "go", "sql"}, kind, "line %d", from)
				out = append(out, block{kind: kind, text: text.String(), line: from})
			case kind == "output":
				require.NotEmpty(t, out, "line %d: output of nothing", from)
				out[len(out)-1].want, out[len(out)-1].checked = text.String(), true
			}
			info = ""
		default:
			text.WriteString(line)
		}
	}
	require.Empty(t, info, "a fence is not closed")
	return out
}

func pages(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(harness.Root(), "docs", "*.md"))
	require.NoError(t, err)
	return append(found, filepath.Join(harness.Root(), "README.md"))
}

func TestCommandsInDocumentation(t *testing.T) {
	for _, path := range pages(t) {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		all := slices.DeleteFunc(blocks(t, string(text)), func(b block) bool { return b.kind == "sql" }) // e2e/flink runs these
		if len(all) == 0 {
			continue
		}
		t.Run(filepath.Base(path), func(t *testing.T) { runPage(t, all) })
	}
}

func runPage(t *testing.T, all []block) {
	t.Helper()
	s := harness.TestServer(t)
	dir := t.TempDir()
	for _, name := range []string{"flights.parquet", "airports.csv"} {
		b, err := os.ReadFile(harness.Testdata(name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), b, 0o600))
	}
	for _, b := range all {
		ok := t.Run(fmt.Sprintf("line %d", b.line), func(t *testing.T) {
			out := runBlock(t, s, dir, b)
			if b.checked {
				require.Regexp(t, pattern(b.want), out)
			}
		})
		if !ok {
			return // what follows builds on it
		}
	}
}

// pattern is the regular expression that wanted output stands for.
func pattern(want string) string {
	var p strings.Builder
	p.WriteString(`^`)
	for line := range strings.Lines(want) {
		if strings.TrimSpace(line) == "..." {
			p.WriteString(`(?:.*\n)*`)
			continue
		}
		text := regexp.QuoteMeta(strings.TrimRight(line, " \n"))
		p.WriteString(strings.ReplaceAll(text, "…", ".*") + ` *\n`)
	}
	return p.String() + `$`
}

func runBlock(t *testing.T, s *harness.Server, dir string, b block) string {
	t.Helper()
	ctx := harness.Context(t, 2*time.Minute)
	bin, err := harness.Binary()
	require.NoError(t, err)
	bin, err = filepath.Abs(bin)
	require.NoError(t, err)
	// The pages speak of the default address.
	text := strings.ReplaceAll(b.text, "127.0.0.1:9123", s.Addr)
	text = strings.ReplaceAll(text, "127.0.0.1:9124", s.HTTP)
	var cmd *exec.Cmd
	switch b.kind {
	case "sh":
		cmd = exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", text)
		cmd.Dir = dir
	case "python":
		py := os.Getenv("FLUSS_PYTHON")
		if py == "" {
			py = filepath.Join(harness.Root(), ".venv", "bin", "python")
		}
		if _, err := os.Stat(py); err != nil {
			t.Skip("no python with pyarrow: `make e2e` installs one")
		}
		cmd = exec.CommandContext(ctx, py, "-c", text)
		cmd.Dir = dir
	case "go":
		file := filepath.Join(t.TempDir(), "main.go")
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		cmd = exec.CommandContext(ctx, "go", "run", file)
		cmd.Dir = harness.Root()
	}
	cmd.Env = append(os.Environ(), "FLUSS_SERVER="+s.Addr, "PATH="+filepath.Dir(bin)+":"+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "line %d:\n%s\n%s", b.line, text, out)
	return string(out)
}

var (
	link    = regexp.MustCompile(`\]\(([^)#\s]*)(?:#([^)\s]*))?\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
	dropped = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// anchors are the headings of a page as links name them.
func anchors(text string) []string {
	var out []string
	for _, m := range heading.FindAllStringSubmatch(text, -1) {
		out = append(out, strings.ReplaceAll(dropped.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-"))
	}
	return out
}

// Links between pages of the repository lead somewhere.
func TestLinksInDocumentation(t *testing.T) {
	all := pages(t)
	for _, top := range []string{"proto", "flight", "sdk", "lake", "server", "connector-java", "e2e"} {
		path := filepath.Join(harness.Root(), top, "README.md")
		require.FileExists(t, path, "each top-level folder has a page")
		all = append(all, path)
	}
	for _, path := range all {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			to := path
			if m[1] != "" {
				to = filepath.Join(filepath.Dir(path), m[1])
				require.FileExists(t, to, "%s links to %s", path, m[1])
			}
			if m[2] == "" || filepath.Ext(to) != ".md" {
				continue
			}
			target, err := os.ReadFile(to)
			require.NoError(t, err)
			require.Contains(t, anchors(string(target)), m[2], "%s links to %s", path, m[0])
		}
	}
}
