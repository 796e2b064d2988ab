package cli

import (
	"bufio"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/e2e/harness"
)

func TestServerSaysWhereItListensAndStopsGracefully(t *testing.T) {
	s := harness.TestServer(t)
	// It is ready a moment before it says so.
	require.Eventually(t, func() bool {
		return strings.Contains(s.Output(), "listens on "+s.Addr+", reachable from this machine only (loopback)")
	}, 10*time.Second, time.Millisecond)
	for _, page := range []string{"/ready", "/healthz", "/metrics"} {
		code, _, err := s.Get(t.Context(), page)
		require.NoError(t, err)
		require.Equal(t, 200, code, page)
	}
	_, metrics, err := s.Get(t.Context(), "/metrics")
	require.NoError(t, err)
	require.Contains(t, metrics, "fluss_build_info")

	r, err := harness.Run(t.Context(), "", "", "server", "--data-dir", s.Dir, "--listen", "127.0.0.1:0", "--http", "off")
	require.NoError(t, err)
	require.Equal(t, 1, r.Code, "a data directory has one server")
	require.Contains(t, r.Stderr, "held by another process")

	s.OK(t, "table", "create", "kept", "--columns", "n INT")
	s.OKIn(t, `{"n":1}`, "write", "kept", "--from", "-")
	require.NoError(t, s.Stop(20*time.Second))
	again, err := harness.StartAt(t.Context(), s.Dir, s.Addr, s.HTTP)
	require.NoError(t, err)
	defer again.Kill()
	require.JSONEq(t, `{"n":1}`, again.OK(t, "read", "kept", "-o", "json"))
}

func TestStatusBenchAndInspect(t *testing.T) {
	s := harness.TestServer(t)
	status := object(t, s.OK(t, "status", "-o", "json"))
	require.Equal(t, "fsync", status["durability"])
	require.Len(t, status["tablets"], 8)
	require.Contains(t, s.OK(t, "status"), s.Addr)

	for _, args := range [][]string{
		{"bench", "append", "--rows", "2000", "--batch-rows", "100"},
		{"bench", "append", "--rows", "200", "--batch-rows", "1", "--writers", "20", "--shape", "narrow"},
		{"bench", "scan", "--rows", "2000", "--batch-rows", "100", "--shape", "flights"},
		{"bench", "latency", "--rows", "20"},
	} {
		out := object(t, s.OK(t, append(args, "-o", "json")...))
		require.Equal(t, args[1], out["benchmark"])
		require.Positive(t, out["rows"])
		require.Positive(t, out["seconds"])
		require.NotEmpty(t, s.OK(t, args...))
	}
	require.Empty(t, s.OK(t, "table", "list", "-o", "json"), "benchmarks drop their tables")

	s.OK(t, "table", "create", "kept", "--columns", "n INT")
	s.OKIn(t, `{"n":1}`, "write", "kept", "--from", "-")
	require.NoError(t, s.Stop(20*time.Second))
	segments, wals := files(t, s.Dir)
	require.NotEmpty(t, segments)
	require.NotEmpty(t, wals)
	rows := 0.
	for _, path := range segments {
		out := s.OK(t, "inspect", "segment", path, "--batches", "-o", "json")
		all := objects(t, out)
		rows += all[len(all)-1]["rows"].(float64)
		require.NotEmpty(t, s.OK(t, "inspect", "segment", path))
	}
	require.EqualValues(t, 1, rows)
	for _, path := range wals {
		require.Contains(t, object(t, s.OK(t, "inspect", "wal", path, "-o", "json")), "records")
		require.NotEmpty(t, s.OK(t, "inspect", "wal", path, "--records"))
	}
}

// files returns the segments and the files of write-ahead logs below dir.
func files(t *testing.T, dir string) (segments, wals []string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(filepath.Join(dir, "tablet"), func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || d.IsDir():
			return err
		case strings.Contains(path, "/log/"):
			segments = append(segments, path)
		case strings.Contains(path, "/wal/") && filepath.Ext(path) == ".wal":
			wals = append(wals, path)
		}
		return nil
	}))
	return segments, wals
}

func TestConfigAndVersion(t *testing.T) {
	file := writeFile(t, "fluss.yaml", "tablets: 3\nlog-level: warn\n")
	run := func(args ...string) harness.Result {
		r, err := harness.Run(t.Context(), "", "", args...)
		require.NoError(t, err)
		return r
	}
	r := run("config", "print", "--config", file, "--durability", "memory")
	require.Zero(t, r.Code, r.Stderr)
	require.Contains(t, r.Stdout, "tablets: 3 # file")
	require.Contains(t, r.Stdout, "durability: memory # flag")
	require.Contains(t, run("config", "print", "-o", "json").Stdout, `"data-dir"`)
	require.Contains(t, run("config", "check", "--config", file).Stdout, "is fine")
	r = run("config", "check", "--tablets", "0", "--durability", "never")
	require.Equal(t, 1, r.Code)
	require.Contains(t, r.Stderr, "tablets: 0 is outside 1 to 64")
	require.Contains(t, r.Stderr, "durability:")
	require.Equal(t, 1, run("server", "--tablets", "0").Code)

	require.Regexp(t, `^fluss \S+ \(go`, run("version").Stdout)
	require.Contains(t, object(t, run("version", "-o", "json").Stdout), "version")
	for _, shell := range []string{"bash", "zsh", "fish"} {
		require.Contains(t, run("completion", shell).Stdout, "fluss")
	}
}

// A following reader and a stream of rows end cleanly when the server stops.
func TestStopUnderLoad(t *testing.T) {
	s := harness.TestServer(t)
	s.OK(t, "table", "create", "live", "--columns", "n BIGINT NOT NULL")
	follow, err := harness.Command(harness.Context(t, time.Minute), s.Addr, "read", "live", "--follow", "-o", "json")
	require.NoError(t, err)
	rows, err := follow.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, follow.Start())
	s.OKIn(t, strings.Repeat(`{"n":1}`+"\n", 1000), "write", "live", "--from", "-")
	seen := bufio.NewScanner(rows)
	for range 1000 {
		require.True(t, seen.Scan())
	}
	start := time.Now()
	require.NoError(t, s.Stop(25*time.Second), s.Output())
	require.Less(t, time.Since(start), 20*time.Second)
	require.NoError(t, follow.Process.Signal(os.Interrupt))
	require.NoError(t, follow.Wait())
}
