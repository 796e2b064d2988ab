// Package flight runs pyarrow, a Flight client that knows nothing of Fluss,
// against a real server.
package flight

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/e2e/harness"
)

// python returns an interpreter that has pyarrow: FLUSS_PYTHON, or that of .venv.
func python(t *testing.T) string {
	t.Helper()
	path := os.Getenv("FLUSS_PYTHON")
	if path == "" {
		path = filepath.Join(harness.Root(), ".venv", "bin", "python")
	}
	if _, err := os.Stat(path); err != nil {
		t.Skip("no python with pyarrow: `make e2e` installs one")
	}
	return path
}

func TestPyarrow(t *testing.T) {
	s := harness.TestServer(t)
	s.OK(t, "table", "create", "events", "--buckets", "3",
		"--columns", "id BIGINT NOT NULL, name STRING, amount DOUBLE, at TIMESTAMP(6)", "--bucket-key", "id")
	runSteps(t, s, "client.py", "put", "list", "read", "follow", "errors")
}

func TestPyarrowByKey(t *testing.T) {
	s := harness.TestServer(t)
	s.OK(t, "table", "create", "accounts", "--buckets", "3", "--primary-key", "id,region", "--bucket-key", "id",
		"--columns", "id BIGINT, region STRING, name STRING, amount DOUBLE")
	s.OK(t, "table", "create", "events", "--columns", "id BIGINT")
	runSteps(t, s, "keyed.py", "upsert", "rows", "partial", "delete", "changelog", "lookup", "follow", "errors")
}

// runSteps runs the steps of a client one after another; all build on the first.
func runSteps(t *testing.T, s *harness.Server, client string, steps ...string) {
	py := python(t)
	for i, step := range steps {
		ok := t.Run(step, func(t *testing.T) {
			cmd := exec.CommandContext(harness.Context(t, 2*time.Minute), py, client, "grpc://"+s.Addr, step)
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s", out)
			require.Equal(t, "ok\n", string(out))
		})
		if !ok && i == 0 {
			return
		}
	}
	code, _, err := s.Get(t.Context(), "/ready")
	require.NoError(t, err)
	require.Equal(t, 200, code, "the server must have survived")
}
